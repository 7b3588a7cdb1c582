"""What time does to markets."""

from app.compartment import guarded
from app.context import Context
from app.markets.state import market_numbers, require_market, set_status
from app.markets.types import ACTIVE, ANNOUNCED, AUCTION
from novation.v1 import events_pb2


def open_markets(ctx: Context) -> None:
    """MKT-005: at the begin of a block, announced markets whose time has come open."""
    for number in market_numbers(ctx):
        if require_market(ctx, number).status == ANNOUNCED:
            guarded(ctx, number, open_market)


def open_market(ctx: Context, number: int) -> None:
    """MKT-005: open one market, with an auction if it has one."""
    market = require_market(ctx, number)
    if ctx.time_ns >= market.opens_ns:
        set_status(ctx, number, AUCTION if market.auction_ns else ACTIVE, events_pb2.STATUS_REASON_TIME)

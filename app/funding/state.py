"""Access to the funding of markets, and its settlement in positions."""

from app.accounts.types import Position
from app.context import Context
from app.events import FundingPaid
from app.funding import rules


def index_of(ctx: Context, market: int) -> int:
    """The funding index of a market that exists, in quote quanta a lot times 10^9."""
    record = ctx.funding.get(market)
    if record is None:
        raise KeyError(market)
    return record.index_e9


def unsettled(ctx: Context, held: Position) -> int:
    """FUND-002: what the position owes since it was last settled, in quote quanta; negative: what it is owed."""
    if not held.lots:
        return 0
    index = index_of(ctx, held.market)
    return rules.payment(held.lots, index, held.funding_index_e9) if index != held.funding_index_e9 else 0


def settled(held: Position, index_e9: int) -> tuple[int, Position]:
    """FUND-002: (what it owes, the position settled to `index_e9`), to be done before its lots change.

    The caller takes what is owed from the account's cash and gives it to the market's funding pool.
    """
    if held.funding_index_e9 == index_e9:
        return 0, held
    owed = rules.payment(held.lots, index_e9, held.funding_index_e9) if held.lots else 0
    return owed, Position(
        held.market,
        held.lots,
        held.entry_quanta,
        held.open_buy_lots,
        held.open_buy_notional_quanta,
        held.open_sell_lots,
        held.open_sell_notional_quanta,
        index_e9,
    )


def tell_funding(ctx: Context, key: bytes, market: int, owed_quanta: int) -> None:
    """FUND-002: note what an account paid when its position was settled, unless that was nothing."""
    if owed_quanta:
        ctx.emit(FundingPaid(key, market, owed_quanta))

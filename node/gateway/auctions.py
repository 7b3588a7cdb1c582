"""Accounts in auction, as a bidder would see them: by the chain's own rules, on a fork of the present height."""

from __future__ import annotations

from app.accounts.keys import id_message
from app.breakers.state import counted_from_ns
from app.context import Context
from app.errors import FAULTS
from app.limits import AUCTION_NS
from app.liquidation.rules import discount
from app.margin.state import account_standing
from app.margin.types import Standing
from novation.v1 import account_service_pb2 as account_service


def auction_of(state: Context, key: bytes, now: Standing) -> account_service.AuctionSummary | None:
    """The auction of an account that stands as `now` says, None when it is not on offer."""
    auction = state.auctions.get(key)
    if auction is None:
        return None
    counted_ns = max(0, state.time_ns - counted_from_ns(state, auction.started_ns))
    return account_service.AuctionSummary(
        account=id_message(key), started_ns=auction.started_ns, bids=auction.bids,
        discount_ppm=discount(counted_ns, AUCTION_NS), equity_quanta=now.equity,
        maintenance_margin_quanta=now.maintenance)


def open_auctions(state: Context, limit: int) -> tuple[int, list[account_service.AuctionSummary]]:
    """(how many there are, the `limit` oldest): the discount grows with time. What a faulty market keeps from being
    valued cannot be bid for and is left out.
    """
    oldest = sorted((auction.started_ns, key) for key, auction in state.auctions.scan())
    found = []
    for _, key in oldest[:limit]:
        account = state.accounts.get(key)
        try:
            summary = auction_of(state, key, account_standing(state, account)) if account else None
        except FAULTS:
            continue
        if summary is not None:
            found.append(summary)
    return len(oldest), found

"""Bids in auctions."""

from app.accounts.keys import key_of
from app.accounts.state import require_account
from app.accounts.types import Account, Position
from app.breakers.state import cooling, counted_from_ns
from app.clearing.state import add_open_interest, check_markets, check_position_limit, off_book, settle
from app.collateral.state import credit_fund
from app.collateral.types import funding_pool
from app.context import Context
from app.errors import (
    AUCTION_CHANGED,
    AUCTION_DISCOUNT,
    AUCTION_FRACTION,
    AUCTION_NOT_OPEN,
    AUCTION_OWN,
    MARGIN_INSUFFICIENT,
    ChainError,
)
from app.events import AuctionBidTaken
from app.funding.state import index_of, settled
from app.gas import BID, FILL, TOGETHER
from app.kernel.integers import PPM
from app.limits import AUCTION_NS
from app.liquidation import rules
from app.liquidation.state import positions_by_margin, trusted_standing
from app.margin.rules import fits_record, may_take_on
from app.margin.state import account_standing, is_whole, market_risk, require_trusted
from app.margin.types import Standing
from app.markets.state import require_market
from app.markets.types import ACTIVE
from app.oracle.rules import LIQUIDATE, OPEN
from novation.v1 import tx_pb2


def handle_bid_auction(ctx: Context, bidder: bytes, action: tx_pb2.BidAuction) -> tx_pb2.ActionResult:
    """LIQ-012 to LIQ-014: take a fraction of an auctioned account's book at the marks, for the discount of this block.

    Raises TX_BAD_ACCOUNT, AUCTION_*, ORACLE_UNTRUSTED, MARGIN_INSUFFICIENT, MARGIN_POSITION_LIMIT, ACCOUNT_NOT_FOUND.
    """
    ctx.gas.charge(BID)
    key = key_of(action.account)
    discount = check_bid(ctx, bidder, key, action)
    account = require_account(ctx.accounts.get(key), key)
    require_trusted(ctx, require_account(ctx.accounts.get(bidder), bidder), OPEN)
    now = trusted_standing(ctx, account)
    if not 0 < now.equity < now.maintenance:
        require_trusted(ctx, account, LIQUIDATE)
        raise ChainError(AUCTION_NOT_OPEN, owner=key[:20], equity_quanta=now.equity, maintenance_quanta=now.maintenance)
    restoring = rules.restoring_fraction(now.equity, now.maintenance, discount)
    least, most = rules.least_fraction(restoring), action.most_fraction_ppm
    if most < least:
        raise ChainError(AUCTION_FRACTION, most_fraction_ppm=most, least_fraction_ppm=least)
    fraction, taken, giver, freed = fraction_of(ctx, account, min(most, restoring), now)
    if not taken:
        raise ChainError(AUCTION_NOT_OPEN, owner=key[:20], equity_quanta=now.equity, maintenance_quanta=now.maintenance)
    if fraction > most:
        raise ChainError(AUCTION_FRACTION, most_fraction_ppm=most, least_fraction_ppm=fraction)
    paid = rules.discount_paid(now.equity, freed, now.maintenance, discount)
    taker = moved(ctx, require_account(ctx.accounts.get(bidder), bidder), taken, 1)
    giver.cash_quanta -= paid
    taker.cash_quanta += paid
    check_bidder(ctx, bidder, taker, taken)
    carry_over(ctx, key, giver, bidder, taker, taken)
    ctx.auctions.edit(key).bids += 1
    sold = [(part.market, part.lots, market_risk(ctx, part.market).mark_quanta) for part in taken]
    ctx.emit(AuctionBidTaken(key, bidder, fraction, discount, paid, freed, now.equity, now.maintenance, sold))
    return tx_pb2.ActionResult()


def fraction_of(
    ctx: Context, account: Account, fraction_ppm: int, now: Standing
) -> tuple[int, list[Position], Account, int]:
    """LIQ-013, LIQ-030: (fraction, lots taken, the account without them, the maintenance margin that frees). As lots
    are rounded up, what is left of a hedged book may ask for more than before; then twice as much is taken, up to all.
    """
    held = [
        one for one in positions_by_margin(ctx, account) if require_market(ctx, one.market).status == ACTIVE
    ]
    while True:
        ctx.gas.charge(2 * FILL * len(held) + (TOGETHER * len(account.positions) if is_whole(account) else 0))
        taken = [Position(one.market, rules.lots_of_fraction(one.lots, fraction_ppm)) for one in held]
        giver = moved(ctx, account, taken, -1)
        freed = now.maintenance - trusted_standing(ctx, giver).maintenance
        if freed > 0 or fraction_ppm == PPM or not held:
            return fraction_ppm, taken, giver, max(0, freed)
        fraction_ppm = min(PPM, 2 * fraction_ppm)


def check_bid(ctx: Context, bidder: bytes, key: bytes, action: tx_pb2.BidAuction) -> int:
    """LIQ-012: the discount now, in ppm, if the bid may be taken by its own terms. Raises AUCTION_*."""
    auction = ctx.auctions.get(key)
    if auction is None or cooling(ctx):
        raise ChainError(AUCTION_NOT_OPEN, owner=key[:20])
    if bidder == key:
        raise ChainError(AUCTION_OWN)
    if not 0 < action.most_fraction_ppm <= PPM:
        raise ChainError(AUCTION_FRACTION, most_fraction_ppm=action.most_fraction_ppm)
    if action.expected_bids != auction.bids:
        raise ChainError(AUCTION_CHANGED, expected_bids=action.expected_bids, bids=auction.bids)
    discount = rules.discount(ctx.time_ns - counted_from_ns(ctx, auction.started_ns), AUCTION_NS)
    if discount < action.least_discount_ppm:
        raise ChainError(AUCTION_DISCOUNT, discount_ppm=discount, least_discount_ppm=action.least_discount_ppm)
    return discount


def moved(ctx: Context, account: Account, taken: list[Position], sign: int) -> Account:
    """CLR-002: a copy of `account` after it bought (`sign` 1) or sold (-1) the lots of `taken` at the marks, its
    funding there settled first.
    """
    copy = account.copy()
    for part in taken:
        mark = market_risk(ctx, part.market).mark_quanta
        _, copy.cash_quanta, held = off_book(ctx, copy, part.market, sign * part.lots, mark)
        copy.set_position(held)
    return copy


def check_bidder(ctx: Context, bidder: bytes, after: Account, taken: list[Position]) -> None:
    """LIQ-014: the bidder can carry what it takes. Raises MARGIN_*."""
    before = require_account(ctx.accounts.get(bidder), bidder)
    check_markets(before, *(after.position(part.market) for part in taken))
    fits = True
    for part in taken:
        held = after.position(part.market)
        check_position_limit(require_market(ctx, part.market), before.position(part.market), held)
        fits = fits and fits_record(after.cash_quanta, held.entry_quanta, 0, 0)
    if is_whole(after):
        ctx.gas.charge(TOGETHER * len(after.positions))
    standing: Standing = account_standing(ctx, after)
    if not (fits and may_take_on(standing.equity, standing.initial)):
        raise ChainError(MARGIN_INSUFFICIENT, equity_quanta=standing.equity, initial_quanta=standing.initial)


def carry_over(
    ctx: Context, key: bytes, giver: Account, bidder: bytes, taker: Account, taken: list[Position]
) -> None:
    """LIQ-014: both come to hold what was checked; what their funding owed goes to the pools."""
    for part in taken:
        market, interest = part.market, 0
        index = index_of(ctx, market)
        for side, after in ((key, giver), (bidder, taker)):
            owed, _ = settled(require_account(ctx.accounts.get(side), side).position(market), index)
            credit_fund(ctx, funding_pool(market), owed)
            interest += settle(ctx, side, market, after.cash_quanta, after.position(market))
        add_open_interest(ctx, market, interest)

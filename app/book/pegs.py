"""Pegged orders: their price, and how they follow it."""

from app.book import rules
from app.book.index import BookSide
from app.book.state import move_order, remove_order, shifted
from app.book.types import Order, Terms
from app.breakers.state import within_band
from app.collateral.state import collect_fees
from app.context import Context
from app.errors import ORDER_PEG, ORDER_PEG_LIMIT, ChainError
from app.events import Cancelled, OrderMoved
from app.gas import MOVE
from app.limits import MAX_ORDER_NOTIONAL_QUANTA, MAX_PEG_OFFSET_TICKS, MAX_PEGGED_A_MARKET, MAX_PRICE_QUANTA
from app.margin.state import allows_change, equity
from app.markets.state import require_market
from app.markets.types import Market
from app.oracle.state import index_price
from app.params import fee_for_gas
from novation.v1 import events_pb2

INDEX = 1
MID = 2


def references(ctx: Context, market: int) -> dict[int, int]:
    """BOOK-017: twice the price of each reference, so that the middle is exact; 0 where there is none."""
    book = ctx.books[market]
    bid, ask = best_unpegged(book.bids), best_unpegged(book.asks)
    return {INDEX: 2 * index_price(ctx, market), MID: bid + ask if bid and ask else 0}


def best_unpegged(side: BookSide) -> int:
    """The best price of an order that is not pegged, so that pegged orders do not follow one another; 0: none."""
    for order in side.best_first():
        if order.terms is None or not order.terms.peg_reference:
            return order.price_quanta
    return 0


def price_for(ctx: Context, market: Market, side: int, terms: Terms, twice: dict[int, int]) -> int:
    """BOOK-017: where a pegged order should stand now; 0 when its reference has no price."""
    reference = twice[terms.peg_reference]
    if not reference:
        return 0
    opposite = ctx.books[market.market].opposite(side).best_price()
    return rules.peg_price(
        side, reference, terms.peg_offset_ticks, market.tick_quanta, terms.peg_limit_quanta, opposite
    )


def first_price(ctx: Context, market: Market, side: int, terms: Terms) -> int:
    """BOOK-017: the price at which a new pegged order is placed. Raises ORDER_PEG, ORDER_PEG_LIMIT."""
    pegged = ctx.pegged.get(market.market)
    if pegged and len(list(pegged)) >= MAX_PEGGED_A_MARKET:
        raise ChainError(ORDER_PEG_LIMIT, most_orders=MAX_PEGGED_A_MARKET)
    price = 0
    if (
        terms.peg_reference in (INDEX, MID)
        and abs(terms.peg_offset_ticks) <= MAX_PEG_OFFSET_TICKS
        and terms.peg_limit_quanta <= MAX_PRICE_QUANTA
        and terms.peg_limit_quanta % market.tick_quanta == 0
    ):
        price = price_for(ctx, market, side, terms, references(ctx, market.market))
    if price <= 0:
        raise ChainError(ORDER_PEG, peg_reference=terms.peg_reference, peg_offset_ticks=terms.peg_offset_ticks)
    return price


def follow_reference(order_id: int, account_key: bytes, twice: dict[int, int], ctx: Context, market_id: int) -> None:
    """BOOK-017: a pegged order moves to its price of now, if that is another: it pays the gas of a move and goes behind
    the others of that price. If it cannot be there, or its account cannot carry or pay it, it goes.
    """
    record, account = ctx.orders.get(account_key), ctx.accounts.get(account_key)
    if record is None or account is None:
        raise KeyError(account_key)
    order = record.orders[order_id]
    if order.terms is None:
        raise KeyError(order_id)
    market = require_market(ctx, market_id)
    price = price_for(ctx, market, order.side, order.terms, twice)
    if not twice[order.terms.peg_reference] or price == order.price_quanta:
        return
    fee = fee_for_gas(MOVE, ctx.params.gas_price_e6)
    left = shifted(account.position(market_id), order.side, order.price_quanta, -order.open_lots)
    after = shifted(left, order.side, price, order.open_lots)
    if (
        not 0 < price <= MAX_PRICE_QUANTA
        or price * order.open_lots > MAX_ORDER_NOTIONAL_QUANTA
        or within_band(ctx, market, order.side, price) != price
        or equity(ctx, account) < fee
        or not allows_change(ctx, account, account.cash_quanta - fee, after, with_orders=True)
    ):
        remove_order(ctx, order)
        ctx.emit(Cancelled(order, events_pb2.CANCEL_REASON_PEG, True))
        return
    mine = ctx.accounts.edit(account_key)
    mine.cash_quanta -= fee
    mine.set_position(after)
    collect_fees(ctx, fee)
    state = ctx.states.edit(market_id)
    moved: Order = order.moved(price, state.next_sequence)
    state.next_sequence += 1
    move_order(ctx, order, moved)
    ctx.emit(OrderMoved(moved, order.price_quanta, fee))

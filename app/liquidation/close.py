"""Closing on the book, on an account's behalf, through the path that every order takes: plan, check, apply."""

from collections.abc import Callable
from dataclasses import dataclass

from app.accounts.state import require_account
from app.accounts.types import Account, Position
from app.book.actions import carry_out
from app.book.match import CANCEL_MAKER, Taker, plan_match
from app.book.state import remove_order
from app.book.types import BUY, IMMEDIATE_OR_CANCEL, SELL
from app.breakers.halts import halt_outside
from app.breakers.state import within_band
from app.context import Context
from app.events import Cancelled, PositionClosed, TriggerCancelled
from app.fees.rules import trading_fee
from app.fees.state import rates
from app.kernel.integers import PPM
from app.limits import LIQUIDATION_LEAST_QUANTA, LIQUIDATION_PART, MAX_PRICE_QUANTA
from app.liquidation import rules
from app.liquidation.state import collect_fee, fund_purse, lot_worth, margin_freed, pay_from_fund, value_of
from app.margin.state import account_standing, market_risk
from app.margin.types import Standing
from app.markets.state import collects, require_market
from app.triggers.state import remove_trigger, triggers_of
from novation.v1 import events_pb2

AGGRESSION_PPM = 2_000_000  # at half of its maintenance margin an account asks for no more than the whole spread allows
SPREAD_PPM = 1_000_000  # which is the maintenance margin of what is closed


@dataclass(slots=True)
class Closing:
    """An order to close: at most `lots` (of the sign held) for at least `quote_quanta`; the fund may pay up to
    `help_quanta` of what then is missing.
    """

    lots: int
    quote_quanta: int
    help_quanta: int = 0


def cancel_orders(ctx: Context, key: bytes) -> int:
    """LIQ-003: an account that is short loses all its open orders and triggers. Returns how many they were."""
    record = ctx.orders.get(key)
    orders = sorted(record.orders.values(), key=lambda order: order.order_id) if record else []
    for order in orders:
        remove_order(ctx, order)
        ctx.emit(Cancelled(order, events_pb2.CANCEL_REASON_LIQUIDATION, True))
    triggers = triggers_of(ctx, key)
    for trigger in triggers:
        remove_trigger(ctx, trigger)
        ctx.emit(TriggerCancelled(trigger, events_pb2.CANCEL_REASON_LIQUIDATION))
    return len(orders) + len(triggers)


def closing_of(ctx: Context, key: bytes, held: Position, lots: int, now: Standing) -> Closing | None:
    """LIQ-004 to LIQ-007: what one block closes of `lots` (positive: to be sold) of an account with equity left, and
    for how much: of a position, or as a hedge (LIQ-028). None where that frees no margin (LIQ-027).
    """
    market, size = require_market(ctx, held.market), abs(lots)
    account = require_account(ctx.accounts.get(key), key)
    mark = market_risk(ctx, held.market).mark_quanta
    margin = margin_freed(ctx, account, held, lots)
    if not margin:
        return None
    fees = size * mark * (market.liquidation_fee_ppm + rates(ctx, key, market)[1]) // PPM
    wanted = rules.restoring_lots(size, rules.target(margin) - fees, rules.target(now.maintenance) - now.equity)
    size = min(wanted, rules.lots_at_once(size, lot_worth(ctx, market), LIQUIDATION_PART, LIQUIDATION_LEAST_QUANTA))
    lots = size if lots > 0 else -size
    value, margin = value_of(ctx, held.market, lots), margin_freed(ctx, account, held, lots)
    return Closing(
        lots,
        max(
            rules.bankruptcy_quote(value, margin, now.equity, now.maintenance),
            rules.fillable_quote(value, margin, now.equity, now.maintenance, AGGRESSION_PPM, SPREAD_PPM),
        ),
    )


def insolvent_closing(ctx: Context, key: bytes, held: Position, now: Standing) -> Closing:
    """LIQ-015, LIQ-016: all of a position at its bankruptcy price, or worse by what the fund may pay for the account:
    its deficit and the fee, so with the fund's help never away from the mark.
    """
    market, account = require_market(ctx, held.market), require_account(ctx.accounts.get(key), key)
    margin = margin_freed(ctx, account, held, held.lots)
    value = value_of(ctx, held.market, held.lots)
    quote = rules.bankruptcy_quote(value, margin, now.equity, now.maintenance)
    reach = rules.fund_reach(quote, value, trading_fee(abs(value), rates(ctx, key, market)[1]))
    # the fee of each fill is rounded up, and there are at most as many fills as lots
    most = reach + abs(held.lots) if reach else 0
    help_quanta = rules.fund_pays(most, fund_purse(ctx, held.market), market.insurance_event_quanta)
    return Closing(held.lots, quote - min(reach, help_quanta), help_quanta)


def close_on_book(
    ctx: Context,
    key: bytes,
    held: Position,
    closing: Closing,
    now: Standing,
    harmless: Callable[[Context, Account, Account], bool] | None = None,
) -> tuple[int, int]:
    """LIQ-008: close what the book takes at the limit price or better. Returns (fills, what the fund paid).

    Nothing is done if it would leave the account in worse health, the fund's help included, nor in a market that trades
    in batches: its orders meet later, at a price that nobody knows yet. `harmless` is asked of a hedge, which need not
    close anything: whether the account may become another; and its maintenance margin must fall (LIQ-028).
    """
    market = require_market(ctx, held.market)
    side = SELL if closing.lots > 0 else BUY
    price = min(
        rules.limit_price(closing.quote_quanta, closing.lots, rates(ctx, key, market)[1], market.tick_quanta),
        MAX_PRICE_QUANTA - MAX_PRICE_QUANTA % market.tick_quanta,
    )
    price = within_band(ctx, market, side, price) if price else 0
    best = ctx.books[market.market].opposite(side).best_price()
    if collects(market) or not price or not best or (best < price if side == SELL else best > price):
        return 0, 0
    account = require_account(ctx.accounts.get(key), key)
    hedges = harmless is not None
    taker = Taker(key, market, side, price, abs(closing.lots), IMMEDIATE_OR_CANCEL, not hedges, 0, CANCEL_MAKER)
    plan = plan_match(ctx, taker, account)
    if not plan.filled_lots:
        if plan.outside_quanta:
            halt_outside(ctx, market.market, plan.outside_quanta)
        return 0, 0
    there = _account_after(account, plan.cash_quanta, plan.position)
    after = account_standing(ctx, there)
    if harmless is not None and not (after.maintenance < now.maintenance and harmless(ctx, account, there)):
        return 0, 0
    lots = held.lots - plan.position.lots
    value, margin = value_of(ctx, held.market, lots), now.maintenance - after.maintenance
    received = after.equity - now.equity + value
    bankrupt = rules.bankruptcy_quote(value, margin, now.equity, now.maintenance)
    paid = min(max(0, bankrupt - received), closing.help_quanta)
    if received + paid < bankrupt:
        return 0, 0
    carry_out(ctx, taker, plan, plan.position, 0)
    fee = rules.liquidation_fee(received, bankrupt, plan.filled_quanta, market.liquidation_fee_ppm)
    ctx.accounts.edit(key).cash_quanta -= fee
    collect_fee(ctx, market, fee)
    pay_from_fund(ctx, key, held.market, paid)
    ctx.emit(
        PositionClosed(
            key, market.market, lots, price, plan.filled_quanta, fee, paid, now.equity, now.maintenance, hedges
        )
    )
    return plan.fills, paid


def _account_after(account: Account, cash_quanta: int, held: Position) -> Account:
    copy = account.copy()
    copy.cash_quanta = cash_quanta
    copy.set_position(held)
    return copy

"""Closing on the book, on an account's behalf, through the path that every order takes: plan, check, apply."""

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
from app.liquidation.state import collect_fee, fund_purse, margin_freed, pay_from_fund, value_of
from app.margin.state import account_standing, market_risk
from app.margin.types import Standing
from app.markets.state import collects, require_market
from app.markets.types import Market
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


def solvent_closing(ctx: Context, key: bytes, held: Position, now: Standing) -> Closing:
    """LIQ-004 to LIQ-007: what one block closes of an account with equity left, and for how much."""
    market, size = require_market(ctx, held.market), abs(held.lots)
    account = require_account(ctx.accounts.get(key), key)
    mark = market_risk(ctx, held.market).mark_quanta
    margin = margin_freed(ctx, account, held, held.lots)
    fees = size * mark * (market.liquidation_fee_ppm + rates(ctx, key, market)[1]) // PPM
    wanted = rules.restoring_lots(size, rules.target(margin) - fees, rules.target(now.maintenance) - now.equity)
    size = min(wanted, rules.lots_at_once(size, mark, LIQUIDATION_PART, LIQUIDATION_LEAST_QUANTA))
    lots = size if held.lots > 0 else -size
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


def close_on_book(ctx: Context, key: bytes, held: Position, closing: Closing, now: Standing) -> tuple[int, int]:
    """LIQ-008: close what the book takes at the limit price or better. Returns (fills, what the fund paid).

    Nothing is done if it would leave the account in worse health, the fund's help included, nor in a market that trades
    in batches: its orders meet later, at a price that nobody knows yet.
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
    taker = Taker(key, market, side, price, abs(closing.lots), IMMEDIATE_OR_CANCEL, True, 0, CANCEL_MAKER)
    plan = plan_match(ctx, taker, account)
    if not plan.filled_lots:
        if plan.outside_quanta:
            halt_outside(ctx, market.market, plan.outside_quanta)
        return 0, 0
    after = _standing_after(ctx, account, plan.cash_quanta, plan.position)
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
    _tell(ctx, key, market, lots, price, plan.filled_quanta, fee, paid, now)
    return plan.fills, paid


def _standing_after(ctx: Context, account: Account, cash_quanta: int, held: Position) -> Standing:
    copy = account.copy()
    copy.cash_quanta = cash_quanta
    copy.set_position(held)
    return account_standing(ctx, copy)


def _tell(
    ctx: Context, key: bytes, market: Market, lots: int, limit: int, quote: int, fee: int, paid: int, now: Standing
) -> None:
    ctx.emit(PositionClosed(key, market.market, lots, limit, quote, fee, paid, now.equity, now.maintenance))

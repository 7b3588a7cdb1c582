"""Portfolios read from state: anchors, reports, margins of whole accounts, the choice of a mode."""

import json
from dataclasses import replace

import pytest

from app.accounts.types import Account, Position, decode, encode
from app.context import Context
from app.errors import ChainError, GenesisError
from app.kernel.integers import PPM
from app.limits import ARRAYS_A_BLOCK
from app.liquidation.state import margin_freed, positions_by_margin
from app.margin.actions import handle_set_margin_mode
from app.margin.groups import Entry, option_terms, ordered_loss
from app.margin.rules import Leg
from app.margin.state import account_standing, allows_change, margin_parts, portfolio_of, standing
from app.markets.state import require_market
from app.markets.types import CALL, PUT
from app.portfolio import rules, state
from app.portfolio.genesis import load_portfolio
from app.portfolio.hooks import move_anchors
from app.portfolio.types import (
    DEFAULT,
    Anchor,
    Holding,
    PortfolioTerms,
    decode_anchor,
    decode_terms,
    encode_anchor,
    encode_terms,
)
from app.surface.state import curve_of, expiry_key
from app.surface.types import Curve
from novation.v1 import tx_pb2
from tests.helpers.builders import ALICE, BTC, ETH
from tests.helpers.options import FORTNIGHT_S, MONTH_S, holds, listed, number_of

F = 460_000_000
AT, ABOVE, PUT_AT = number_of(F, CALL), number_of(500_000_000, CALL), number_of(F, PUT)
LATER = number_of(F, CALL, MONTH_S)
KEY = ALICE.account()
USD = 10**6


def chain(**lots: int) -> Context:
    """A fork with options, in which underlyings 1 and 2 have terms."""
    ctx = listed()
    for feed in (1, 2):
        ctx.portfolios.put(feed, PortfolioTerms(feed))
    move_anchors(ctx)
    return ctx


def account(ctx: Context) -> Account:
    found = ctx.accounts.get(KEY)
    assert found is not None
    return found


def mark(ctx: Context, market: int) -> int:
    found = ctx.marks.get(market)
    assert found is not None
    return found.price_quanta


def set_mode(ctx: Context, mode: int) -> None:
    handle_set_margin_mode(ctx, KEY, tx_pb2.SetMarginMode(mode=mode))  # type: ignore[arg-type]


def test_records() -> None:
    """PORT-012, PORT-013, MARG-018: records come back as they were stored."""
    terms = PortfolioTerms(7, DEFAULT._replace(skew_root_ppm=-5, offset_ppm=0))
    assert decode_terms(7, encode_terms(terms)) == terms == terms.copy()
    anchor = Anchor(Curve(3, 10**25, (1, 10**20, 0, 4, 5, 6, 7), 8), 9)
    assert decode_anchor(b"", encode_anchor(anchor)) == anchor == anchor.copy()
    holder = Account(5, portfolio=True)
    assert decode(b"", encode(holder)).portfolio and holder.copy().portfolio
    assert not decode(b"", encode(Account(5))).portfolio


def test_terms_from_genesis() -> None:
    """PORT-001, PORT-012: defaults, and what is refused."""
    ctx = listed()
    load_portfolio(ctx, {"feed": 1, "offset_ppm": 5})
    assert state.terms_of(ctx, 1) == DEFAULT._replace(offset_ppm=5) and state.terms_of(ctx, 2) is None
    rows = [{"spot_ppm": row.spot_ppm, "volatility": ("steady", "up", "down")[row.volatility],
             "weight_ppm": row.weight_ppm} for row in DEFAULT.rows]
    load_portfolio(ctx, {"feed": 2, "rows": rows})
    assert state.terms_of(ctx, 2) == DEFAULT
    ctx.portfolios.delete(2)
    for wrong in (
        {"feed": 1}, {"feed": 99}, {"feed": 2, "colour": 1}, {"feed": 2, "short_ppm": PPM - 1}, {"feed": 2, "rows": []},
        {"feed": 2, "rows": rows[:-1]}, {"feed": 2, "rows": [dict(rows[0], volatility="sideways")]},
        {"feed": 2, "basis_up_ppm": 46_000}, {"feed": 2, "rows": [*rows[:-1], dict(rows[-1], weight_ppm=101_000)]},
        {"feed": 2, "rows": [dict(row, weight_ppm=row["weight_ppm"] - (row["spot_ppm"] == 0)) for row in rows]},
        {"feed": 2, "rows": [dict(rows[0], spot_ppm=-PPM)]}, {"feed": 2, "rows": [{"spot_ppm": 1}]},
    ):
        with pytest.raises(GenesisError):
            load_portfolio(ctx, json.loads(json.dumps(wrong)))


def test_anchors_move_within_a_budget() -> None:
    """PORT-013: the oldest first, one at least; those that are not left stay."""
    ctx = chain()
    first, second = (expiry_key(1, expiry_s) for expiry_s in (FORTNIGHT_S, MONTH_S))
    assert sorted(ctx.series) == [(1, FORTNIGHT_S), (1, MONTH_S)]
    assert anchor(ctx, first).curve == curve_of(ctx, 1, FORTNIGHT_S) and anchor(ctx, first).made_ns == ctx.time_ns
    before = anchor(ctx, first), anchor(ctx, second)
    ctx.time_ns += rules.ANCHOR_NS - 1
    move_anchors(ctx)
    assert (anchor(ctx, first), anchor(ctx, second)) == before
    ctx.time_ns += 1
    ctx.anchors.put(second, Anchor(before[1].curve, before[1].made_ns + 5))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("app.portfolio.hooks.ARRAYS_A_BLOCK", 19)
        move_anchors(ctx)
        assert anchor(ctx, first).made_ns == ctx.time_ns > anchor(ctx, second).made_ns
        patch.setattr("app.portfolio.hooks.ARRAYS_A_BLOCK", 9)
        ctx.time_ns += 5
        move_anchors(ctx)
    assert anchor(ctx, second).made_ns == ctx.time_ns
    assert ARRAYS_A_BLOCK == 200


def test_when_an_anchor_is_left() -> None:
    """PORT-013: a thousandth of the forward, a fiftieth of a variance, a minute, a thirtieth of the time."""
    flat, month = (1_000,) * 7, 30 * 86_400 * 10**9
    for moved, age, left, is_left in (
        ((500, 500, flat), 0, month, False), ((501, 500, flat), 0, month, False), ((502, 500, flat), 0, month, True),
        ((499, 500, flat), 0, month, False), ((498, 500, flat), 0, month, True),
        ((500, 500, (1_000, 1_020, *flat[2:])), 0, month, False), ((500, 500, (*flat[1:], 1_021)), 0, month, True),
        ((500, 500, (979, *flat[1:])), 0, month, True), ((500, 500, flat), 60 * 10**9, month, True),
        ((500, 500, flat), 60 * 10**9 - 1, month, False), ((500, 500, flat), 10**9, 30 * 10**9, True),
    ):
        assert rules.has_left((500, 500, flat), moved, age, left) is is_left


def anchor(ctx: Context, key: bytes) -> Anchor:
    found = ctx.anchors.get(key)
    assert found is not None
    return found


def test_curves_without_anchors() -> None:
    """PORT-013: the curve of now, and the index alone where nothing is known of volatility."""
    ctx = listed()
    market = ctx.markets.get(AT)
    assert state.anchored_curve(ctx, market) == curve_of(ctx, 1, FORTNIGHT_S)
    ctx.surfaces.delete(1)
    curve = state.anchored_curve(ctx, market)
    assert (curve.fixed_e9, curve.live_e9) == (0, ctx.feeds.get(1).price * 10**9)
    steady = [state.array_of(ctx, market).changes_q80[row] >> 80 for row in (3, 21)]
    assert steady == [F * 135 // 1_000 - 1, -1]  # a deviation of 10^-9 is worth something


def test_arrays_are_kept_with_what_they_were_made_of() -> None:
    """PORT-005, PORT-013: the same array until the anchor moves, also when that is taken back."""
    ctx = chain()
    market = ctx.markets.get(AT)
    first = state.array_of(ctx, market)
    assert state.array_of(ctx, market) is first
    ctx.journal.savepoint()
    ctx.feeds.edit(1).price = ctx.feeds.get(1).price * 11 // 10
    ctx.time_ns += 1
    move_anchors(ctx)
    assert state.array_of(ctx, market).changes_q80 != first.changes_q80
    ctx.journal.rollback()
    assert state.array_of(ctx, market).changes_q80 == first.changes_q80


def test_naked_shorts_by_strike() -> None:
    """PORT-009: calls and puts of one strike and expiry count together, those of others by themselves; 0.3 % and 0.2 %
    of the index, and of linear positions 3 % and 1 % of each market, whatever hedges them.
    """
    ctx = chain()
    for lots, naked in (({AT: -10, PUT_AT: -5}, 15), ({PUT_AT: 10, AT: -10}, 0), ({AT: -10, PUT_AT: 4}, 6),
                        ({AT: -10, ABOVE: 10}, 10), ({AT: -10, LATER: 10}, 10), ({AT: 10, PUT_AT: 10}, 0)):
        holdings = [state.Holding(require_market(ctx, number), held, mark(ctx, number))
                    for number, held in lots.items()]
        (one,) = state.portfolio_risk(ctx, holdings).underlyings
        assert (one.kept_quanta, one.more_quanta) == (naked * F * 3 // 1_000, naked * F * 2 // 1_000)
    perpetual = state.Holding(require_market(ctx, BTC), -50, mark(ctx, BTC))
    risk = state.portfolio_risk(ctx, [perpetual])
    (one,) = risk.underlyings
    assert one.linear == -50 * mark(ctx, BTC)
    worst = -risk.scan.total_e6 // 10**6
    assert (risk.initial, risk.maintenance) == (worst + one.kept_quanta + one.more_quanta,
                                                worst * 8 // 10 + one.kept_quanta)
    assert (one.kept_quanta, one.more_quanta) == (50 * mark(ctx, BTC) * 3 // 100, 50 * mark(ctx, BTC) // 100)


def test_what_a_lot_asks_for_alone_follows_mark_and_index() -> None:
    """PORT-014: kept with the array, and asked anew at another mark or index although the anchor stays."""
    ctx = chain()
    market = require_market(ctx, AT)
    first = state.alone(ctx, market, mark(ctx, AT))
    assert state.alone(ctx, market, mark(ctx, AT)) == first
    for mark_quanta, index_quanta in ((mark(ctx, AT) * 2, F), (mark(ctx, AT), F + 1_000_000)):
        ctx.marks.edit(AT).index_quanta = index_quanta
        found = state.alone(ctx, market, mark_quanta)
        assert found != first and found == tuple(
            state.portfolio_risk(ctx, [state.Holding(market, lots, mark_quanta)]).initial for lots in (1, -1))


def test_standard_margin_of_groups() -> None:
    """MARG-016: a spread asks for its width at most; options of two expiries, and the perpetual, for themselves."""
    ctx = chain()
    holds(ctx, KEY, {AT: -10, ABOVE: 10}, 10**9)
    now = account_standing(ctx, account(ctx))
    value = -10 * (mark(ctx, AT) - mark(ctx, ABOVE))
    assert now.equity == 10**9 + value and now.initial == now.maintenance == value + 10 * 40_000_000
    holds(ctx, KEY, {LATER: 10}, 10**9)
    both = account_standing(ctx, account(ctx))
    assert both.initial - now.initial == 10 * mark(ctx, LATER)  # long: all of its value
    holds(ctx, KEY, {BTC: 100}, 10**9)
    assert account_standing(ctx, account(ctx)).initial - both.initial == 100 * mark(ctx, BTC) // 20


def test_puts_pair_no_calls() -> None:
    """MARG-016, MARG-017: calls sold beside puts held, or on order beyond a spread, are bounded by nothing: they ask
    for what they do alone; a call on order may lose up to the strikes of all that its group holds.
    """
    ctx = chain()
    holds(ctx, KEY, {AT: -10, PUT_AT: 10}, 10**10)
    assert account_standing(ctx, account(ctx)).initial == 690_000_000 + 10 * mark(ctx, PUT_AT)
    holds(ctx, KEY, {AT: -10, PUT_AT: 0, ABOVE: 10}, 10**10)
    account(ctx).set_position(Position(AT, -10, 0, 0, 0, 20, 20 * mark(ctx, AT)))
    assert account_standing(ctx, account(ctx)).initial == 3 * 690_000_000 + 10 * mark(ctx, ABOVE)
    entry = Entry(require_market(ctx, AT), Position(AT, 0, 0, 0, 0, 1, mark(ctx, AT)), mark(ctx, AT))
    legs = [Leg(0, mark(ctx, number), strike, True) for number, strike in ((AT, F), (ABOVE, 500_000_000))]
    lost = 40_000_000 - mark(ctx, AT) + F * 12 // 10
    assert ordered_loss(entry, legs, F, option_terms(ctx, 1)) == lost


def test_short_alone_in_state() -> None:
    """MARG-014: a call at the money: 15 % and 7.5 % of the index."""
    ctx = chain()
    holds(ctx, KEY, {AT: -10}, 10**10)
    now = account_standing(ctx, account(ctx))
    assert (now.initial, now.maintenance) == (690_000_000, 345_000_000)
    assert margin_freed(ctx, account(ctx), account(ctx).position(AT), -4) == 138_000_000


def test_open_orders_in_options() -> None:
    """MARG-017: an order asks for no less than its fill; orders of a group do not make a spread jump."""
    ctx = chain()
    holds(ctx, KEY, {AT: -10, ABOVE: 10}, 10**9)
    spread = account_standing(ctx, account(ctx))
    ask = Position(PUT_AT, 0, 0, 0, 0, 5, 5 * mark(ctx, PUT_AT))
    account(ctx).set_position(ask)
    ordered = account_standing(ctx, account(ctx))
    assert ordered.maintenance == spread.maintenance
    for sold in range(6):
        filled = Position(PUT_AT, -sold, -sold * mark(ctx, PUT_AT))
        after = standing(ctx, 0, [*(held for held in account(ctx).positions.values() if held is not ask), filled])
        assert after.initial <= ordered.initial
    assert ordered.initial > spread.initial
    bid = replace(ask, open_buy_lots=3, open_buy_notional_quanta=3 * mark(ctx, PUT_AT) + 7, open_sell_lots=0)
    account(ctx).set_position(bid)
    asked = account_standing(ctx, account(ctx)).initial
    assert asked - spread.initial == 3 * mark(ctx, PUT_AT) + 7


def test_portfolio_report() -> None:
    """PORT-008 to PORT-011: margin is the report's; what each position adds to a row sums to the row, as far as it is
    linear.
    """
    ctx = chain()
    holds(ctx, KEY, {AT: -10, LATER: 10, BTC: 40, ETH: -100}, 10**9)
    account(ctx).portfolio = True
    found, now = portfolio_of(ctx, account(ctx)), account_standing(ctx, account(ctx))
    assert (now.initial, now.maintenance) == (found.initial, found.maintenance)
    assert [one.feed for one in found.underlyings] == [1, 2]
    one = found.underlyings[0]
    assert one.linear == 40 * mark(ctx, BTC) and [part.expiry_ns for part in one.expiries] == [
        FORTNIGHT_S * 10**9, MONTH_S * 10**9]
    assert one.rows[one.worst_row] == min(one.rows) < 0 and len(one.rows) == 34
    assert found.initial > found.maintenance > 0
    reversed_account = replace(account(ctx), positions=dict(reversed(account(ctx).positions.items())))
    assert portfolio_of(ctx, reversed_account).initial == found.initial


def test_hedged_portfolio_asks_for_less() -> None:
    """PORT-011: a covered call asks for less than its parts, in portfolio margin alone."""
    ctx = chain()
    ctx.params = replace(ctx.params, offset_cap_quanta=10**13)
    holds(ctx, KEY, {AT: -10, BTC: 50}, 10**10)
    together = state.portfolio_risk(ctx, holdings(ctx)).initial
    apart = [state.portfolio_risk(ctx, [one]).initial for one in holdings(ctx)]
    assert together < max(apart) < sum(apart)
    holds(ctx, KEY, {ETH: 900}, 10**10)
    whole = state.portfolio_risk(ctx, holdings(ctx))
    assert whole.scan.credit_e6 > 0 and whole.initial < sum(
        state.portfolio_risk(ctx, [one for one in holdings(ctx) if one.market.feed == feed]).initial for feed in (1, 2))


def holdings(ctx: Context) -> list[Holding]:
    return [Holding(ctx.markets.get(number), held.lots, mark(ctx, number))
            for number, held in account(ctx).positions.items() if held.lots]


def test_without_terms_standard_margin_counts() -> None:
    """PORT-012: in a portfolio too."""
    ctx = chain()
    holds(ctx, KEY, {BTC: 40, ETH: 10}, 10**10)
    ctx.portfolios.delete(2)
    eth = standing(ctx, 0, [account(ctx).position(ETH)])
    alone = standing(ctx, 0, [account(ctx).position(BTC)], portfolio=True)
    assert standing(ctx, 0, account(ctx).positions.values(), portfolio=True).initial == alone.initial + eth.initial
    with pytest.raises(ChainError) as raised:
        set_mode(ctx, 2)
    assert raised.value.code.reason == "MARGIN_MODE_TERMS"


def test_open_orders_in_a_portfolio() -> None:
    """PORT-014: no fill, whole or in part, asks for more than its order did."""
    ctx = chain()
    holds(ctx, KEY, {AT: -10, BTC: 50}, 10**10)
    account(ctx).portfolio = True
    before = account_standing(ctx, account(ctx))
    for market, lots in ((ABOVE, 8), (BTC, 30), (AT, 10)):
        for side in (1, -1):
            held, notional = account(ctx).position(market), lots * mark(ctx, market) + 5 * side
            order = replace(held, open_buy_lots=lots, open_buy_notional_quanta=notional) if side > 0 else replace(
                held, open_sell_lots=lots, open_sell_notional_quanta=notional)
            others = [one for one in account(ctx).positions.values() if one.market != market]
            ordered = standing(ctx, 0, [*others, order], portfolio=True)
            long, short = state.alone(ctx, ctx.markets.get(market), mark(ctx, market))
            assert ordered.initial - before.initial == lots * (long if side > 0 else short) + 5
            for part in range(1, lots + 1):
                filled = standing(ctx, 0, [*others, replace(held, lots=held.lots + side * part)], portfolio=True)
                assert filled.initial <= ordered.initial


def test_shares_sum_to_the_whole() -> None:
    """RISK-002: margins by market, in both modes, with orders."""
    ctx = chain()
    holds(ctx, KEY, {AT: -10, ABOVE: 4, LATER: 10, BTC: 40, ETH: -100}, 10**10)
    held = account(ctx).position(ABOVE)
    account(ctx).set_position(replace(held, open_sell_lots=3, open_sell_notional_quanta=3 * mark(ctx, ABOVE)))
    for mode in (False, True):
        account(ctx).portfolio = mode
        parts, now = margin_parts(ctx, account(ctx)), account_standing(ctx, account(ctx))
        assert sorted(parts) == sorted(account(ctx).positions)
        assert (sum(part[0] for part in parts.values()), sum(part[1] for part in parts.values())) == now[1:3]


def test_what_closing_frees() -> None:
    """MARG-018: of the whole; a hedge frees nothing, and the one that frees most comes first."""
    ctx = chain()
    holds(ctx, KEY, {AT: -10, BTC: 50}, 10**10)
    account(ctx).portfolio = True
    order = positions_by_margin(ctx, account(ctx))
    freed = [margin_freed(ctx, account(ctx), held, held.lots) for held in order]
    assert freed == sorted(freed, reverse=True) and freed[-1] >= 0
    whole = account_standing(ctx, account(ctx)).maintenance
    assert all(part <= whole for part in freed)


def test_choosing_a_mode() -> None:
    """MARG-018: with initial margin in both modes, once, and by name."""
    ctx = chain()
    holds(ctx, KEY, {AT: -10, BTC: 50}, 10**10)
    for mode in (0, 1, 3):
        with pytest.raises(ChainError) as raised:
            set_mode(ctx, mode)
        assert raised.value.code.reason == "MARGIN_MODE"
    set_mode(ctx, 2)
    assert account(ctx).portfolio and ctx.events[-1].mode == 2
    both = [standing(ctx, 0, account(ctx).positions.values(), portfolio=mode).initial for mode in (False, True)]
    value = account_standing(ctx, account(ctx)).equity - account(ctx).cash_quanta
    for short in (1, 0):
        ctx.accounts.edit(KEY).cash_quanta = max(both) - value - short
        if short:
            with pytest.raises(ChainError) as raised:
                set_mode(ctx, 1)
            assert raised.value.code.reason == "MARGIN_INSUFFICIENT"
        assert account(ctx).portfolio
    set_mode(ctx, 1)
    assert not account(ctx).portfolio


def test_a_change_is_asked_of_the_whole() -> None:
    """MARG-004, MARG-005, MARG-018: in portfolio margin a hedge is what lets an account carry more."""
    ctx = chain()
    holds(ctx, KEY, {BTC: 50}, 0)
    account(ctx).portfolio = True
    bare = state.portfolio_risk(ctx, holdings(ctx)).initial
    ctx.accounts.edit(KEY).cash_quanta = bare - 50 * mark(ctx, BTC) - 10 * mark(ctx, AT)
    sale = Position(AT, -10, -10 * mark(ctx, AT))
    assert not allows_change(ctx, account(ctx), account(ctx).cash_quanta, replace(sale, lots=10), with_orders=False)
    hedged = account(ctx).cash_quanta + 10 * mark(ctx, AT)
    assert allows_change(ctx, account(ctx), hedged, sale, with_orders=False)
    account(ctx).portfolio = False
    ctx.accounts.edit(KEY).cash_quanta = 100 * USD - 50 * mark(ctx, BTC)
    less = replace(account(ctx).position(BTC), lots=49)
    cash = account(ctx).cash_quanta + mark(ctx, BTC)
    assert allows_change(ctx, account(ctx), cash, less, with_orders=False)
    account(ctx).portfolio = True
    assert allows_change(ctx, account(ctx), cash, less, with_orders=False)  # it reduces
    assert not allows_change(ctx, account(ctx), cash - 2 * mark(ctx, BTC), less, with_orders=False)

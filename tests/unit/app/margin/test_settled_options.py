"""What ends: options that have their settlement price, or are in quarantine, and what idle ones bar."""


from app.accounts.types import Account, Position
from app.errors import MarketFault
from app.margin.rules import frozen_margin, frozen_option
from app.margin.state import account_standing, margin_parts
from app.markets.types import CALL
from app.oracle.rules import OPEN, STALE
from app.oracle.state import allows, note_barred
from app.settlement.state import begin_closing
from app.settlement.types import Settlement
from tests.helpers.options import listed, number_of

LONG, SHORT = number_of(460_000_000, CALL), number_of(500_000_000, CALL)


def spread(cash: int = 10**9, *, portfolio: bool = False) -> Account:
    """Ten calls 46,000 bought, ten calls 50,000 sold."""
    account = Account(cash, portfolio=portfolio)
    account.set_position(Position(LONG, 10))
    account.set_position(Position(SHORT, -10))
    return account


def test_marg_019_a_leg_that_is_closed_first_makes_nobody_short() -> None:
    """MARG-019: at their settlement price both ask for ten quanta; with the long leg closed already the short asks for
    ten, in both modes, where an option that still runs would ask for a part of the index.
    """
    for portfolio in (False, True):
        ctx = listed()
        account = spread(portfolio=portfolio)
        naked = spread(portfolio=portfolio)
        naked.set_position(Position(LONG))
        assert account_standing(ctx, naked).maintenance > 100_000_000
        for number, price in ((LONG, 10_000_000), (SHORT, 0)):
            ctx.settlements.put(number, Settlement(ctx.time_ns))
            begin_closing(ctx, number, ctx.settlements.edit(number), price)
        now = account_standing(ctx, account)
        assert (now.equity, now.initial, now.maintenance) == (10**9 + 100_000_000, 20, 20)
        left = account_standing(ctx, naked)
        assert (left.equity, left.initial, left.maintenance) == (10**9, 10, 10)
        assert margin_parts(ctx, account) == {LONG: (10, 10), SHORT: (10, 10)}


def test_cmp_005_options_in_quarantine_count_alone() -> None:
    """CMP-005: whatever the rules of options do, an account in a quarantined series is valued, by the frozen rule."""
    ctx = listed()
    account = spread()
    for number in (LONG, SHORT):
        ctx.markets.edit(number).quarantine(ctx.time_ns + 1, sealed=False)
        ctx.forget_risk(number)
    now = account_standing(ctx, account)
    marks = {number: ctx.marks.get(number).price_quanta for number in (LONG, SHORT)}  # type: ignore[union-attr]
    assert now.equity == 10**9 + 10 * (marks[LONG] - marks[SHORT])
    assert now.maintenance == sum(-(-10 * mark * 75_000 // 1_000_000) for mark in marks.values())


def test_cmp_007_what_an_option_in_quarantine_may_cost_stays() -> None:
    """CMP-007: short 1,000 lots at an index of 460,000,000 quanta: 15% of it is 69,000 USD; long all their worth."""
    assert frozen_option(-1_000, 0, 8_915_467, 460_000_000, 150_000) == 69_000_000_000
    assert frozen_margin(-1_000, 0, 8_915_467, 150_000) == 1_337_320_050
    assert frozen_option(-3, 2, 10**9, 46_000_000, 150_000) == frozen_margin(-3, 2, 10**9, 150_000)
    ctx = listed()
    account = spread()
    for number in (LONG, SHORT):
        ctx.markets.edit(number).quarantine(ctx.time_ns + 1, sealed=False)
        ctx.forget_risk(number)
    mark = ctx.marks.get(LONG)
    assert mark is not None
    assert account_standing(ctx, account).initial == 10 * mark.price_quanta + 10 * 460_000_000 * 15 // 100


def test_cmp_001_a_fault_of_options_is_somebodys(monkeypatch) -> None:  # type: ignore[no-untyped-def]
    """CMP-001: where the rules of options raise, a market is to blame, so that it can be put into quarantine."""
    ctx = listed()
    monkeypatch.setattr("app.margin.groups.index_price", lambda *_: 1 // 0)
    try:
        account_standing(ctx, spread())
    except MarketFault as fault:
        assert fault.market in (LONG, SHORT)
    else:
        raise AssertionError("nobody was blamed")


def test_orcl_011_an_idle_option_bars_what_its_feed_bars() -> None:
    """ORCL-011, MARK-005: its own mark may be sixteen blocks old, but it opens nothing on a stale feed."""
    ctx = listed()
    note_barred(ctx)
    assert allows(ctx, LONG, OPEN)
    ctx.feeds.edit(1).validity = STALE
    note_barred(ctx)
    assert not allows(ctx, LONG, OPEN)

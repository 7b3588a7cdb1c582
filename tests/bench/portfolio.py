"""Portfolio margin: one risk array, the part that an expiry's arrays share, an account of 64 positions on one
underlying (63 options of four expiries and a perpetual) with arrays at hand, its check of one order, and 200 arrays
made anew, as when anchors move. Processor time, the least of many rounds, because the machine may be busy.
"""

from collections.abc import Callable
from dataclasses import replace

from app.accounts.types import Account, Position
from app.context import Context
from app.margin.state import account_standing, allows_change
from app.markets.types import CALL, PUT
from app.options.state import add_series, make_series
from app.oracle.types import Surface, VotedPillar
from app.portfolio import rules, state
from app.portfolio.hooks import move_anchors
from app.portfolio.types import DEFAULT, PortfolioTerms
from tests.bench.turns import least
from tests.helpers.builders import BTC
from tests.helpers.options import FLAT_E9, FORTNIGHT_S, listed

DAY_S = 86_400
EXPIRIES = tuple(FORTNIGHT_S + weeks * 7 * DAY_S for weeks in range(4))
F = 460_000_000
FIRST = 20_000


def world() -> tuple[Context, list[int]]:
    """A fork with 200 series in four expiries; their numbers."""
    ctx = listed()
    ctx.surfaces.put(1, Surface(tuple(
        VotedPillar(expiry, 10**9, (FLAT_E9 * (2 + place) // 2,) * 7, ctx.time_ns)
        for place, expiry in enumerate(EXPIRIES))))
    ctx.portfolios.put(1, PortfolioTerms(1))
    terms, numbers = ctx.option_classes.get(1), []
    assert terms is not None
    for place in range(200):
        expiry, right = EXPIRIES[place % 4], (CALL, PUT)[place // 4 % 2]
        strike, number = F * (60 + 4 * (place // 8)) // 100, FIRST + place
        add_series(ctx, make_series(ctx, terms, number, expiry, strike, right, f"BTC-{place}"))
        numbers.append(number)
    for _ in range(3):
        move_anchors(ctx)
    return ctx, numbers


def account_of(numbers: list[int]) -> Account:
    """63 options, long and short in turn, and a perpetual."""
    account = Account(cash_quanta=10**15, portfolio=True)
    for place, number in enumerate(numbers[:63]):
        account.set_position(Position(number, (place % 7 - 3) or 5))
    account.set_position(Position(BTC, -40))
    return account


def run(quick: bool) -> dict[str, object]:
    """The section `portfolio`."""
    ctx, numbers = world()
    account = account_of(numbers)
    assert len(account.positions) == 64
    changed = Position(numbers[0], 5)
    market = ctx.markets.get(numbers[0])
    assert market is not None
    curve = state.anchored_curve(ctx, market)
    expiry = state.expiry_of(ctx, market, DEFAULT)
    strikes = [F * part // 100 for part in range(60, 160)]

    def anew() -> None:
        ctx.arrays.clear()
        ctx.expiries.clear()
        for number in numbers:
            series = ctx.markets.get(number)
            if series is not None:
                state.array_of(ctx, series)

    def standard() -> object:
        return account_standing(ctx, replace(account, portfolio=False))

    work: dict[str, tuple[int, Callable[[], object]]] = {
        "array_of_33": (100, lambda: [rules.array_of(expiry, curve.slice_e18, strike, True) for strike in strikes]),
        "shared_part_of_an_expiry": (1, lambda: rules.expiry_of(0, F, curve.left_ns, DEFAULT)),
        "account_of_64": (5, lambda: [account_standing(ctx, account) for _ in range(5)]),
        "account_of_64_in_standard_margin": (5, lambda: [standard() for _ in range(5)]),
        "order_check_of_64": (
            5, lambda: [allows_change(ctx, account, 10**15, changed, with_orders=True) for _ in range(5)]),
        "two_hundred_arrays_anew": (1, anew),
    }
    found = least({name: piece for name, (_, piece) in work.items()}, 20 if quick else 200)
    return {"how": __doc__,
            "microseconds": {name: round(found[name] / count, 1) for name, (count, _) in work.items()}}

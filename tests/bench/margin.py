"""The margin check of one order, by the number of positions of its account, all of them with unsettled funding and, in
the second row, with open orders on both sides and three brackets.
"""

import time

from app.accounts.types import Account, Position
from app.margin.state import allows_change
from app.markets.types import MarginTier
from tests.bench.health import make_context

MARK = 46_000_000
POSITIONS = (1, 5, 10, 20, 40)
TIERS = (MarginTier(10**11, 100_000, 60_000), MarginTier(10**12, 300_000, 200_000))


def order_check(positions: int, rounds: int, *, rich: bool) -> float:
    """Microseconds of a check of an order on an account with so many positions."""
    ctx = make_context(positions)
    orders = (3, 3 * MARK, 2, 2 * MARK) if rich else (0, 0, 0, 0)
    account = Account(cash_quanta=10**15)
    for market in range(1, positions + 1):
        lots = 5 if market % 2 else -5
        account.set_position(Position(market, lots, lots * MARK, *orders, 7_000_000_000 * market))
        if rich:
            ctx.markets.edit(market).tiers = TIERS
    changed = Position(1, 5, 5 * MARK, 3, 3 * MARK, 0, 0, 7_000_000_000)
    times = []
    for _ in range(9):
        started = time.process_time()
        for _ in range(rounds):
            allows_change(ctx, account, 10**15, changed, with_orders=True)
        times.append((time.process_time() - started) * 1e6 / rounds)
    return round(min(times), 2)


def run(quick: bool) -> dict[str, object]:
    """The section `margin`."""
    rounds = 200 if quick else 2_000
    plain = {number: order_check(number, rounds, rich=False) for number in POSITIONS}
    rich = {number: order_check(number, rounds, rich=True) for number in POSITIONS}
    return {
        "how": __doc__,
        "microseconds_by_positions": plain,
        "microseconds_by_positions_with_orders_and_brackets": rich,
        "microseconds_a_position": round((plain[40] - plain[1]) / 39, 2),
    }

"""What 200 listed options add to a block, milliseconds of processor time: listed only; each with an order in it; and
the marks of the latter alone. How long the block takes in which an expiry of 100 series with holders settles.
"""

import time
from collections.abc import Callable

from app.marks import hooks
from tests.helpers import builders as b
from tests.helpers.driver import Driver
from tests.helpers.listed import S, expiries, listed, series

DATES = {"daily": 1, "weekly": 1, "monthly": 1, "quarterly": 0, "strikes": 17}
SHORT = {"daily": 0, "weekly": 0, "monthly": 0, "quarterly": 0, "short_s": 3_600, "shorts": 1, "strikes": 25}
PAIRS = ((b.ALICE, b.BOB), (b.CAROL, b.DAVE))  # each who sells and who buys


def block_ms(driver: Driver, blocks: int, step_ns: int = S) -> float:
    """The least of three means, with a price that moves in every block."""
    means = []
    for _ in range(3):
        started = time.process_time()
        for place in range(blocks):
            driver.mark(46_000_000 + place % 7 * 1_000)
            driver.run([], step_ns)
        means.append((time.process_time() - started) * 1e3 / blocks)
    return min(means)


def marks_ms(driver: Driver, blocks: int) -> float:
    """What `make_marks` takes of it."""
    spent, make_marks = 0.0, hooks.make_marks

    def timed(ctx: object) -> None:
        nonlocal spent
        started = time.process_time()
        make_marks(ctx)  # type: ignore[arg-type]
        spent += time.process_time() - started

    import app.block as block

    kept = block.BEGIN_BLOCK
    block.BEGIN_BLOCK = tuple(timed if hook is make_marks else hook for hook in kept)  # type: ignore[assignment]
    try:
        block_ms(driver, blocks)
    finally:
        block.BEGIN_BLOCK = kept
    return spent * 1e3 / (3 * blocks)


def each(driver: Driver, order: Callable[[int, int], list[tuple[bool, object]]]) -> None:
    """Orders in every series, of one pair of people or of the other: nobody may be in all of them (MARG-020)."""
    for number in sorted(series(driver).values()):
        mark = driver.chain.view.marks.get(number)
        price = max(10_000, (mark.price_quanta if mark else 0) // 10_000 * 10_000)
        for buys, action in order(number, price):
            person = PAIRS[number % 2][buys]
            driver.do(person, action, gas_limit=100_000_000)  # type: ignore[arg-type]


def run(quick: bool) -> dict[str, object]:
    """The section `options`."""
    blocks = 10 if quick else 60
    none = block_ms(listed(3, max_series=2), blocks)
    driver = listed(30, max_series=200, **DATES)
    assert len(series(driver)) == 200
    idle = block_ms(driver, blocks)
    each(driver, lambda number, price: [(False, b.sell(price + 10_000, 1, market=number))])
    held, marks = block_ms(driver, blocks), marks_ms(driver, blocks)
    ending = listed(12, **SHORT)
    each(ending, lambda number, price: [(False, b.sell(price, 1, market=number)),
                                        (True, b.buy(price, 1, market=number))])
    count, expiry_s = len(series(ending)), expiries(ending.time_ns, **SHORT)[0]
    ending.run([], expiry_s * S - ending.time_ns - S)
    times = []
    while series(ending) and len(times) < 20:
        started = time.process_time()
        ending.surface = None
        ending.run([])
        times.append(round((time.process_time() - started) * 1e3, 1))
    return {
        "how": __doc__,
        "milliseconds_for_200_listed": round(idle - none, 2),
        "milliseconds_for_200_with_orders": round(held - none, 2),
        "milliseconds_to_mark_200": round(marks, 2),
        "series_that_settle_at_once": count,
        "milliseconds_of_the_blocks_of_settlement": times,
    }

"""Liquidation: a cascade spread over blocks, against a normal block of 2,000 actions, and how a reduction grows with
holders.

Gamblers with 20 times leverage are long against a few rich shorts; then the mark falls and all are short at once. Once
with bids in the book (closings on it), once without (all are reduced). Each block of the cascade is timed, finalize and
commit, until nobody is short; figures are ratios to the median normal block of the same process.
"""

import time
from statistics import median
from typing import Any

from tests.bench.engine import Load, make_blocks, no_signature
from tests.helpers import builders as b
from tests.helpers.builders import BTC, MARK_QUANTA, ORACLE, Person
from tests.helpers.driver import Driver

P = MARK_QUANTA[BTC]
LOTS = 10
CASH = 26_000_000  # for ten lots worth 460


def run(quick: bool) -> dict[str, Any]:
    """Cascades of 1,000 (quick: 200), and reductions over growing numbers of holders."""
    count = 200 if quick else 1_000
    normal = normal_block()
    return {
        "how": __doc__,
        "normal_block_milliseconds": round(normal * 1e3, 1),
        "cascades": [cascade(count, bids, normal) for bids in (True, False)],
        "reduction_by_holders": [reduction(holders, normal) for holders in ((250, 1_000) if quick else (1_000, 4_000))],
    }


def normal_block() -> float:
    """Seconds of a median block of makers and takers, 20 actions an envelope."""
    genesis, blocks = make_blocks(Load(20, False, 8))
    driver = Driver(genesis, verify=no_signature)
    return median([timed(driver, txs) for txs in blocks][4:])


def timed(driver: Driver, txs: list[bytes]) -> float:
    """Seconds of one block."""
    start = time.perf_counter()
    driver.run(txs)
    return time.perf_counter() - start


def fallen(count: int, shorts: int, bids: bool, per_mille: int) -> Driver:
    """`count` gamblers long against `shorts` rich accounts; the mark falls with the next block."""
    gamblers = [Person(f"cascade {number}") for number in range(count)]
    rich = [Person(f"rich {number}") for number in range(shorts)]
    cash = dict.fromkeys(gamblers, CASH)
    driver = Driver(b.genesis((*gamblers, *rich, ORACLE), cash_quanta=10**12, cash=cash, gas_price_e6=0),
                    verify=no_signature)
    each = -(-count * LOTS // shorts)
    driver.run([driver.envelope(person, b.sell(P, each)) for person in rich])
    for start in range(0, count, 100):
        driver.run([driver.envelope(person, b.buy(P, LOTS)) for person in gamblers[start:start + 100]])
    low = P * per_mille // 1000 // 500 * 500
    if bids:
        driver.run([driver.envelope(person, b.buy(low, each)) for person in rich])
    driver.mark(low)  # the next block, the first of the cascade, brings it
    return driver


def cascade(count: int, bids: bool, normal: float) -> dict[str, Any]:
    """Empty blocks until no gambler holds a lot, or is short."""
    driver = fallen(count, 20, bids, 968 if bids else 900)
    seconds: list[float] = []
    while len(seconds) < 1 + count:
        start = time.perf_counter()
        result = driver.run([])
        seconds.append(time.perf_counter() - start)
        if not any(event.WhichOneof("kind") in ("position_closed", "account_reduced") for event in result.events):
            break
    return {"liquidations": count, "by": "closing on the book" if bids else "reduction", "blocks": len(seconds) - 1,
            "worst_block_milliseconds": round(max(seconds) * 1e3, 1),
            "worst_to_normal": round(max(seconds) / normal, 2)}


def reduction(holders: int, normal: float) -> dict[str, Any]:
    """One account reduced against so many holders of the other side: one pass over all of them."""
    driver = fallen(holders // 10, holders, False, 900)
    seconds = timed(driver, [])
    return {"holders": holders, "milliseconds": round(seconds * 1e3, 1), "to_normal": round(seconds / normal, 2)}

"""Time a gas: every kind of action, on easy books and on the worst that somebody could build. Each row executes one
block of envelopes of that kind, signature check included, and divides the CPU time of finalize by the gas charged. The
table in app/gas.py is fair when the rows lie within a factor of two of their median; a row far above it is work that is
too cheap.
"""

import gc
import time
from collections.abc import Callable
from dataclasses import dataclass
from statistics import median

from app.markets.types import CALL, PUT
from novation.v1 import tx_pb2
from tests.helpers import builders
from tests.helpers.builders import ALICE, BTC, MARK_QUANTA, TICK_QUANTA, Person
from tests.helpers.driver import Driver
from tests.helpers.options import FORTNIGHT_S, MONTH_S, STRIKES, genesis, holds, keep, list_series, number_of

MARK, TICK = MARK_QUANTA[BTC], TICK_QUANTA[BTC]
CROWD = tuple(Person(f"crowd {index}") for index in range(120))
RICH = 10**14
GAS_LIMIT = 2_000_000_000
ENVELOPES = 20
Actions = list[tx_pb2.Action]


def driver() -> Driver:
    """A fresh chain on which everybody is rich."""
    return Driver(builders.genesis((ALICE, *CROWD, builders.ORACLE), cash_quanta=RICH // 100, max_block_gas=10**13))


@dataclass
class Case:
    """A prepared chain, who acts on it, and the actions of each envelope."""

    chain: Driver
    envelopes: list[tuple[Person, Actions]]
    all_or_nothing: bool = False


def everybody(chain: Driver, actions: Callable[[int], Actions], people: tuple[Person, ...] = CROWD) -> None:
    """Prepare: each of `people` sends one envelope."""
    for index, person in enumerate(people):
        chain.do(person, *actions(index), gas_limit=GAS_LIMIT)


def bids(count: int, ticks_away: int = 1000) -> Actions:
    """So many bids at different prices far below the mark."""
    return [builders.buy(MARK - (ticks_away + index) * TICK, 1) for index in range(count)]


def place_on_empty() -> Case:
    """Twenty resting orders an envelope, of accounts without any."""
    return Case(driver(), [(person, bids(20)) for person in CROWD[:ENVELOPES]])


def place_single() -> Case:
    """One resting order an envelope."""
    return Case(driver(), [(person, bids(1)) for person in CROWD])


def place_beside_many() -> Case:
    """One resting order of accounts with 190 open ones."""
    chain = driver()
    everybody(chain, lambda _: bids(190))
    return Case(chain, [(person, bids(1, 500)) for person in CROWD])


def cancel_one() -> Case:
    """Twenty cancels an envelope, of accounts with twenty orders."""
    chain = driver()
    everybody(chain, lambda _: [builders.buy(MARK - 500 * (index + 9), 1, client_id=index + 1) for index in range(20)])
    return Case(chain, [(person, [builders.cancel(client_id=index + 1) for index in range(20)]) for person in CROWD])


def cancel_beside_many() -> Case:
    """One cancel of accounts with 190 orders."""
    chain = driver()
    everybody(chain, lambda _: [*bids(190), builders.buy(MARK - 500, 1, client_id=9)])
    return Case(chain, [(person, [builders.cancel(client_id=9)]) for person in CROWD])


def cancel_missing() -> Case:
    """Twenty cancels of orders that are not there."""
    return Case(driver(), [(person, [builders.cancel(client_id=9)] * 20) for person in CROWD])


def cancel_all_of_many() -> Case:
    """Cancel-all of 190 orders."""
    chain = driver()
    everybody(chain, lambda _: bids(190))
    return Case(chain, [(person, [builders.cancel_all()]) for person in CROWD])


def replace_moves() -> Case:
    """Twenty replacements to another price, of accounts with twenty orders."""
    chain = driver()
    everybody(chain, lambda _: [builders.buy(MARK - 500 * (index + 9), 1, client_id=index + 1) for index in range(20)])
    moves = [builders.replace(MARK - 500 * (index + 99), 1, client_id=index + 1) for index in range(20)]
    return Case(chain, [(person, moves) for person in CROWD])


def replace_shrinks() -> Case:
    """Twenty replacements in place."""
    chain = driver()
    everybody(chain, lambda _: [builders.buy(MARK - 500 * (index + 9), 9, client_id=index + 1) for index in range(20)])
    moves = [builders.replace(MARK - 500 * (index + 9), 5, client_id=index + 1) for index in range(20)]
    return Case(chain, [(person, moves) for person in CROWD])


def take_one() -> Case:
    """Twenty takers an envelope, each filled by one maker."""
    chain = driver()
    everybody(chain, lambda _: [builders.sell(MARK, 20)])
    return Case(chain, [(ALICE, [builders.buy(MARK, 1, time_in_force=2)] * 20)] * 60)


def take_hundred() -> Case:
    """Takers that each fill against a hundred accounts."""
    chain = driver()
    everybody(chain, lambda _: [builders.sell(MARK, 40)])
    for _ in range(8):
        everybody(chain, lambda _: [builders.sell(MARK, 1)])
    return Case(chain, [(ALICE, [builders.buy(MARK, 100, time_in_force=2)])] * 8)


def take_hundred_with_many_orders() -> Case:
    """The same where each of the makers has 190 other orders to encode again."""
    chain = driver()
    everybody(chain, lambda _: bids(190))
    everybody(chain, lambda _: [builders.sell(MARK, 1)])
    return Case(chain, [(ALICE, [builders.buy(MARK, 100, time_in_force=2)])])


def fill_or_kill_in_vain() -> Case:
    """Fill-or-kill orders that walk a hundred makers and fail."""
    chain = driver()
    everybody(chain, lambda _: [builders.sell(MARK, 1)])
    return Case(chain, [(ALICE, [builders.buy(MARK, 100_000, time_in_force=3)] * 10)] * 10)


def margin_in_vain() -> Case:
    """Orders that walk a hundred makers and fail for margin."""
    chain = driver()
    everybody(chain, lambda _: [builders.sell(MARK, 1)])
    chain.do(CROWD[0], builders.cancel_all())
    return Case(chain, [(ALICE, [builders.buy(MARK, 999_999)] * 10)] * 10)


def self_trade() -> Case:
    """Takers that remove fifty orders of their own."""
    chain = driver()
    everybody(chain, lambda _: [builders.sell(MARK, 1)] * 50)
    people = CROWD[:1]
    for person in CROWD[1:]:
        chain.do(person, builders.cancel_all())
    return Case(chain, [(person, [builders.buy(MARK, 1_000, time_in_force=2)]) for person in people])


def replace_in_vain_on_a_long_level() -> Case:
    """Replacements that fail on a price where 20,000 orders wait."""
    chain = driver()
    everybody(chain, lambda _: [builders.buy(MARK - 500, 1, client_id=index + 1) for index in range(170)])
    fails = [builders.replace(MARK - 500, 900_000, client_id=index + 1) for index in range(20)]
    return Case(chain, [(person, fails) for person in CROWD[:10]])


def undone_on_a_long_level() -> Case:
    """Twenty cancels on a price where 20,000 orders wait, undone by a last action that fails."""
    chain = driver()
    everybody(chain, lambda _: [builders.buy(MARK - 500, 1, client_id=index + 1) for index in range(170)])
    acts = [*[builders.cancel(client_id=index + 1) for index in range(20)], builders.buy(MARK + 1, 1)]
    return Case(chain, [(person, acts) for person in CROWD[:10]], all_or_nothing=True)


def take_behind_cancelled() -> Case:
    """Takers at a price whose first 20,000 orders were just cancelled."""
    chain = driver()
    everybody(chain, lambda _: [builders.buy(MARK - 500, 1) for _ in range(170)])
    chain.do(ALICE, builders.buy(MARK - 500, 10_000))
    everybody(chain, lambda _: [builders.cancel_all()])
    return Case(chain, [(person, [builders.sell(MARK - 500, 1, time_in_force=2)] * 20) for person in CROWD[:30]])


def undone() -> Case:
    """Twenty orders undone by a last action that fails."""
    return Case(driver(), [(person, [*bids(20), builders.buy(MARK + 1, 1)]) for person in CROWD[:ENVELOPES]],
                all_or_nothing=True)


def transfers() -> Case:
    """Twenty transfers an envelope, between accounts that exist."""
    return Case(driver(), [(person, [builders.transfer(ALICE, 1_000_000)] * 20) for person in CROWD])


def transfers_to_new() -> Case:
    """Transfers that open accounts."""
    return Case(driver(), [(person, [builders.transfer(ALICE, 1_000_000, number=100 * index + other)
                                     for other in range(20)]) for index, person in enumerate(CROWD, 1)])


def withdrawals() -> Case:
    """Twenty withdrawals an envelope."""
    return Case(driver(), [(person, [builders.withdraw(1_000_000)] * 20) for person in CROWD])


def faucets() -> Case:
    """Twenty mints an envelope."""
    return Case(driver(), [(person, [builders.faucet(person, 1_000_000)] * 20) for person in CROWD])


def validators() -> Case:
    """Twenty powers an envelope, in a set of 121."""
    chain = driver()
    chain.run([])
    chain.do(builders.ORACLE, *[builders.set_validator(person.public_key, 1) for person in CROWD], gas_limit=GAS_LIMIT)
    powers = [builders.set_validator(person.public_key, 2) for person in CROWD[:20]]
    return Case(chain, [(builders.ORACLE, powers)] * 60)


STOPS = [builders.trigger(builders.BELOW, MARK - 9_000_000, builders.SELL, MARK - 10_000_000, 1)] * 20


def two_sided() -> Driver:
    """Everybody asks for BTC and bids for ETH."""
    chain, ether = driver(), builders.MARK_QUANTA[builders.ETH]
    everybody(chain, lambda _: [builders.sell(MARK, 20), builders.buy(ether, 20, market=2)])
    return chain


def legs(eth_lots: int) -> list[tx_pb2.Action]:
    """Ten combos of two legs, one of them of so many lots."""
    return [builders.combo(builders.leg(1, builders.BUY, MARK, 1),
                           builders.leg(2, builders.SELL, builders.MARK_QUANTA[builders.ETH], eth_lots))] * 10


def combos() -> Case:
    """Combos that fill one order a leg."""
    return Case(two_sided(), [(ALICE, legs(1))] * 40)


def combos_in_vain() -> Case:
    """Combos whose second leg sweeps twenty orders and then wants more than its limit on fills."""
    return Case(two_sided(), [(ALICE, legs(10**6))] * 20)


def blocks() -> Case:
    """Block trades of two legs, five an envelope."""
    chain = driver()
    chain.run([])
    several = [builders.block_leg(market, builders.BUY, builders.MARK_QUANTA[market], 500) for market in (1, 2)]

    def signed(person: Person, nonce: int) -> tx_pb2.Action:
        return builders.block(person, builders.block_terms(ALICE, person, *several, nonce=nonce))

    return Case(chain, [(ALICE, [signed(person, 10**6 + place) for place in range(5)]) for person in CROWD[:40]])


def stops() -> Case:
    """Twenty stops an envelope, of accounts without any. What firing costs is paid and not done here."""
    return Case(driver(), [(person, STOPS) for person in CROWD])


def stops_cancelled() -> Case:
    """Twenty cancels of stops an envelope, and thirty more with one cancel of all."""
    chain = driver()
    everybody(chain, lambda _: [*[builders.trigger(builders.BELOW, MARK - 9_000_000, builders.SELL, MARK - 500, 1,
                                                   client_id=index) for index in range(1, 21)], *STOPS])
    cancels = [builders.cancel_trigger(client_id=index) for index in range(1, 21)]
    return Case(chain, [(person, [*cancels, builders.cancel_trigger(every=True)]) for person in CROWD])


def icebergs_taken() -> Case:
    """Takers that each fill fifty peaks of one order, twice."""
    chain = driver()
    everybody(chain, lambda _: [builders.sell(MARK, 50, display=1)])
    return Case(chain, [(ALICE, [builders.buy(MARK, 100, time_in_force=2)])] * 30)


def placed_with_terms() -> Case:
    """Twenty orders an envelope that expire, in groups."""
    later = 2_000_000_000_000_000_000
    actions = [builders.buy(MARK - (999 + index) * TICK, 1, expires=later, oco_id=1 + index // 4)
               for index in range(20)]
    return Case(driver(), [(person, actions) for person in CROWD[:ENVELOPES]])


def groups_taken() -> Case:
    """Takers whose fills cancel three orders each: 32,000 gas a fill were paid at placement and are not counted."""
    chain = driver()
    everybody(chain, lambda _: [builders.sell(MARK, 1, oco_id=1), *[builders.sell(MARK + TICK, 1, oco_id=1)] * 3])
    return Case(chain, [(ALICE, [builders.buy(MARK, 100, time_in_force=2)])])


def pegs_placed() -> Case:
    """A hundred pegged orders."""
    peg = builders.buy(0, 1, peg=builders.PEG_MID, offset=-5, time_in_force=4)
    chain = driver()
    chain.do(ALICE, *bids(1), builders.sell(MARK + 500, 1))
    return Case(chain, [(person, [peg] * 20) for person in CROWD[:5]])


def protections() -> Case:
    """Twenty protections set an envelope, and a switch."""
    return Case(driver(), [(person, [builders.protect(10)] * 20 + [builders.dead_man(1 << 62)]) for person in CROWD])


def whole(cash_quanta: int = RICH) -> Driver:
    """A chain on which each of 40 portfolios holds twenty options and a perpetual."""
    chain = Driver(genesis(people=(ALICE, *CROWD, builders.ORACLE), cash_quanta=RICH // 100, max_block_gas=10**13,
                           portfolios=(1,)))
    chain.run([])
    list_series(chain.chain.ctx)
    series = [number_of(strike, right, expiry_s) for expiry_s in (FORTNIGHT_S, MONTH_S) for strike in STRIKES
              for right in (CALL, PUT)]
    for place, person in enumerate(CROWD[:40]):
        holds(chain.chain.ctx, person.account(), dict.fromkeys([*series, BTC], -1 if place % 2 else 1),
              cash_quanta)
        chain.chain.ctx.accounts.edit(person.account()).portfolio = True
    keep(chain)
    return chain


def place_by_whole() -> Case:
    """Twenty resting orders an envelope, of portfolios."""
    return Case(whole(), [(person, bids(20)) for person in CROWD[:ENVELOPES]])


def take_whole() -> Case:
    """Takers that meet forty portfolios each."""
    chain = whole()
    everybody(chain, lambda _: [builders.sell(MARK, 20)], CROWD[:40])
    return Case(chain, [(person, [builders.buy(MARK, 800, time_in_force=2)]) for person in CROWD[40:41]])


def whole_in_vain() -> Case:
    """Orders that portfolios cannot carry: they are asked as they would be and as they are."""
    return Case(whole(10**10), [(person, [builders.buy(MARK, 9_000)] * 20) for person in CROWD[:40]])


def transfers_of_whole() -> Case:
    """Twenty transfers an envelope, of portfolios."""
    return Case(whole(), [(person, [builders.transfer(ALICE, 5)] * 20) for person in CROWD[:40]])


CASES: tuple[Callable[[], Case], ...] = (
    place_on_empty, place_single, place_beside_many, cancel_one, cancel_beside_many, cancel_missing, cancel_all_of_many,
    replace_moves, replace_shrinks, take_one, take_hundred, take_hundred_with_many_orders, fill_or_kill_in_vain,
    margin_in_vain, self_trade, replace_in_vain_on_a_long_level, undone_on_a_long_level, take_behind_cancelled, undone,
    stops, stops_cancelled, icebergs_taken, placed_with_terms, groups_taken, pegs_placed, protections,
    combos, combos_in_vain, blocks,
    transfers, transfers_to_new, withdrawals, faucets, validators,
    place_by_whole, take_whole, whole_in_vain, transfers_of_whole,
)


def measure(make: Callable[[], Case]) -> dict[str, object]:
    """One row: CPU nanoseconds a gas, and what the block did."""
    case = make()
    txs = [case.chain.envelope(person, *actions, gas_limit=GAS_LIMIT, fee_limit_quanta=10**12,
                               all_or_nothing=case.all_or_nothing) for person, actions in case.envelopes]
    block = case.chain.next_block(txs)
    gc.collect()
    began = time.process_time()
    result = case.chain.chain.finalize(block)
    seconds = time.process_time() - began
    used = sum(outcome.gas_used for outcome in result.txs)
    actions = sum(len(outcome.result.actions) for outcome in result.txs)
    reasons = sorted({action.reason for outcome in result.txs for action in outcome.result.actions})
    return {"case": make.__name__, "cpu_nanoseconds_a_gas": round(seconds * 1e9 / used, 2),
            "cpu_microseconds_an_action": round(seconds / actions * 1e6, 1), "gas_an_action": used // actions,
            "reasons": reasons}


def run(quick: bool) -> dict[str, object]:
    """All rows, with their ratio to the median row."""
    del quick  # it takes some seconds either way
    rows = [measure(make) for make in CASES]
    middle = median(row["cpu_nanoseconds_a_gas"] for row in rows)  # type: ignore[type-var]
    for row in rows:
        row["of_median"] = round(row["cpu_nanoseconds_a_gas"] / middle, 2)  # type: ignore[operator]
    return {"how": " ".join((__doc__ or "").split()), "median_nanoseconds_a_gas": middle, "rows": rows}

"""Faults injected into the rules of one market under load: the others trade on, the ledger stays exact, and every node
comes to the same.
"""

from collections.abc import Callable
from random import Random
from typing import Any

import pytest

from app.book import match
from app.chain import Chain
from app.clearing import rules as clearing_rules
from app.errors import InvariantError, MarketFault
from app.fees import rules as fee_rules
from app.funding import rules as funding_rules
from app.invariants import audit
from app.liquidation import rules as liquidation_rules
from app.margin import rules as margin_rules
from app.markets.types import QUARANTINED
from app.settlement import rules as settlement_rules
from tests.helpers import builders as b
from tests.helpers import ledger
from tests.helpers.builders import ALICE, BOB, BTC, ETH, MARK_QUANTA, ORACLE, TICK_QUANTA, Person
from tests.helpers.driver import GENESIS_TIME_NS, Driver

PEOPLE = tuple(Person(f"compartment {number}") for number in range(6))
BTC_FEE_PPM = 501  # its taker's rate, unlike ETH's, where a fault follows the rate
SPLIT = 35_000_000  # prices of BTC lie above, of ETH below
Patch = Callable[[pytest.MonkeyPatch], None]


def only_dear(original: Callable[..., Any], where: int, fault: Callable[..., Any]) -> Callable[..., Any]:
    """`original`, but for calls whose argument `where` is a price of BTC."""
    def patched(*args: Any) -> Any:
        return fault(*args) if args[where] > SPLIT else original(*args)

    return patched


def divide(*_args: Any) -> Any:
    """A slip of arithmetic."""
    raise ZeroDivisionError


def forget(*_args: Any) -> Any:
    """A slip of look-up."""
    raise KeyError("gone")


def break_margin(patch: pytest.MonkeyPatch) -> None:
    """Margin of a position raises."""
    patch.setattr(margin_rules, "position_margin", only_dear(margin_rules.position_margin, 1, divide))


def break_clearing(patch: pytest.MonkeyPatch) -> None:
    """What a fill does to an entry raises."""
    patch.setattr(clearing_rules, "entry_after_fill", only_dear(clearing_rules.entry_after_fill, 3, forget))


def break_lots(patch: pytest.MonkeyPatch) -> None:
    """A maker gets a lot too many."""
    def generous(held: Any, signed: int, price: int) -> Any:
        made = original(held, signed, price)
        return type(made)(made.market, made.lots + 1, *content(made)[2:])

    original = match.maker_position
    patch.setattr(match, "maker_position", only_dear(original, 2, generous))


def break_interest(patch: pytest.MonkeyPatch) -> None:
    """Open interest is counted wrong."""
    original = match.add_open_interest
    patch.setattr(match, "add_open_interest",
                  lambda ctx, market, lots: original(ctx, market, lots + (lots > 0 and market == BTC)))


def break_fees(patch: pytest.MonkeyPatch) -> None:
    """The rate of a fee raises where the market's is BTC's."""
    original = fee_rules.rate
    patch.setattr(fee_rules, "rate", lambda *args: divide() if args[0] == BTC_FEE_PPM else original(*args))


def break_funding(patch: pytest.MonkeyPatch) -> None:
    """The next index of funding raises."""
    patch.setattr(funding_rules, "next_index", only_dear(funding_rules.next_index, 1, forget))


def break_premium(patch: pytest.MonkeyPatch) -> None:
    """The premium that funding follows raises."""
    patch.setattr(funding_rules, "premium", only_dear(funding_rules.premium, 2, divide))


def break_settlement(patch: pytest.MonkeyPatch) -> None:
    """The price at which the market ends raises."""
    patch.setattr(settlement_rules, "settlement_price", only_dear(settlement_rules.settlement_price, 2, divide))


def break_liquidation(patch: pytest.MonkeyPatch) -> None:
    """How much is closed at once raises."""
    patch.setattr(liquidation_rules, "lots_at_once", only_dear(liquidation_rules.lots_at_once, 1, forget))


def content(record: Any) -> tuple[Any, ...]:
    """The fields of a record, in order."""
    return tuple(getattr(record, name) for name in record.__slots__)


def load(random: Random, driver: Driver) -> list[bytes]:
    """Orders near the mark in both markets, some that only reduce, cancels and moves of cash."""
    made = []
    for _ in range(8):
        actions = []
        for _ in range(random.randint(1, 5)):
            market = random.choice((BTC, ETH))
            price = MARK_QUANTA[market] + random.randint(-3, 3) * TICK_QUANTA[market]
            actions.append(random.choice([b.cancel_all(market), b.transfer(PEOPLE[0], 1_000_000)] + [
                b.place(random.choice((1, 2)), price, random.randint(1, 9), market=market,
                        reduce_only=random.random() < 0.2)] * 8))
        made.append(driver.envelope(random.choice(PEOPLE), *actions, all_or_nothing=random.random() < 0.3))
    return made


def stage(drivers: list[Driver], price_quanta: int, market: int) -> None:
    """The price of the next block, on all drivers."""
    for driver in drivers:
        driver.mark(price_quanta, market)


def run(drivers: list[Driver], random: Random) -> list[Any]:
    """One block on all drivers, at another mark of ETH: the first runs it twice, the second starts anew; all agree."""
    stage(drivers, MARK_QUANTA[ETH] * random.randint(990, 1010) // 1000, ETH)
    block = load(random, drivers[0])
    drivers[0].chain.finalize(drivers[0].next_block(block))
    drivers[1].restart()
    results = [driver.run(block) for driver in drivers]
    said = [(r.app_hash, r.changes, r.events, [(t.data, t.events) for t in r.txs]) for r in results]
    assert said[0] == said[1]
    audit(drivers[0].chain.ctx)
    ledger.check(drivers[0].reader)
    ledger.check_index(drivers[0].reader, drivers[0].chain.ctx.books)
    return [event for t in results[0].txs for event in t.events] + results[0].events


@pytest.mark.parametrize("seed", [1, 2])
@pytest.mark.parametrize("fault", [break_margin, break_clearing, break_lots, break_interest])
def test_a_fault_stays_in_its_market(fault: Patch, seed: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """CMP-001 to CMP-005: from the fault on BTC is in quarantine; ETH fills as before, also for those who hold BTC."""
    random = Random(seed)
    genesis = b.genesis((*PEOPLE, ORACLE), cash_quanta=300_000_000, max_block_gas=10**9)
    drivers = [Driver(genesis, verify=lambda *_: True) for _ in range(2)]
    for _ in range(15):
        run(drivers, random)
    fault(monkeypatch)
    quarantined, fills = [], []
    for _ in range(25):
        for event in run(drivers, random):
            quarantined += [event.market_quarantined] if event.HasField("market_quarantined") else []
            fills += [event.fill] if event.HasField("fill") else []
    assert quarantined[0].market == BTC and quarantined[0].why
    assert {event.market for event in quarantined} == {BTC}
    market = drivers[0].chain.ctx.markets.peek(BTC)
    assert market.status == QUARANTINED and market.sealed is (fault in (break_interest,))
    assert sum(fill.market == ETH for fill in fills) > 20
    holders = [person for person in PEOPLE
               if BTC in drivers[0].chain.ctx.accounts.peek(person.account()).positions]
    assert holders, "some hold BTC and traded ETH all the same"


@pytest.mark.parametrize(("fault", "terms"), [
    (break_fees, {"taker_fee_ppm": BTC_FEE_PPM}), (break_funding, {"funding_cap_e9": 40_000_000}),
    (break_premium, {"funding_cap_e9": 40_000_000}), (break_liquidation, {}),
    (break_settlement, {"kind": "future", "expiry_ns": GENESIS_TIME_NS + 30 * 10**9}),
])
def test_a_fault_of_a_hook_stays_in_its_market(fault: Patch, terms: dict[str, object],
                                               monkeypatch: pytest.MonkeyPatch) -> None:
    """CMP-002: rules of fees, funding, liquidation and settlement raise in BTC while its mark falls; ETH fills on, and
    a node that starts anew or runs a block again comes to the same.
    """
    random = Random(7)
    genesis = b.genesis((*PEOPLE, ORACLE), cash_quanta=60_000_000, gas_price_e6=0, max_block_gas=10**9,
                        terms={BTC: terms})
    drivers = [Driver(genesis, verify=lambda *_: True) for _ in range(2)]
    for _ in range(12):
        run(drivers, random)
    fault(monkeypatch)
    quarantined, after = [], []
    stage(drivers, MARK_QUANTA[BTC] * 94 // 100 // 500 * 500, BTC)
    for _ in range(24):
        for event in run(drivers, random):
            quarantined += [event.market_quarantined] if event.HasField("market_quarantined") else []
            after += [event] if quarantined and event.HasField("fill") and event.fill.market == ETH else []
    market = drivers[0].chain.ctx.markets.peek(BTC)
    assert market.status == QUARANTINED and not market.sealed and {event.market for event in quarantined} == {BTC}
    assert len(after) > 3, "ETH trades on"


@pytest.fixture
def driver() -> Driver:
    """ALICE is long one BTC against BOB; both have an order in ETH."""
    made = Driver(verify=lambda *_: True)
    made.do(ALICE, b.buy(MARK_QUANTA[BTC], 1), b.buy(MARK_QUANTA[ETH] - 500, 1, market=ETH))
    made.do(BOB, b.sell(MARK_QUANTA[BTC], 1), b.sell(MARK_QUANTA[ETH] + 500, 1, market=ETH))
    return made


def test_cmp_003_the_market_to_blame_is_not_the_one_named(driver: Driver, monkeypatch: pytest.MonkeyPatch) -> None:
    """CMP-003: ALICE trades ETH while the margin of her BTC raises: BTC is quarantined, her next order stands."""
    break_margin(monkeypatch)
    order = b.buy(MARK_QUANTA[ETH], 1, market=ETH)
    result = driver.act(ALICE, order, all_or_nothing=True)
    assert [done.reason for done in result.actions] == ["MARKET_FAULT"]
    assert {detail.key: detail.value for detail in result.actions[0].metadata} == {
        "market": "1", "fault": "ZeroDivisionError"}
    assert not driver.do(ALICE, order)[0].code
    assert driver.refused(ALICE, b.buy(MARK_QUANTA[BTC], 1)) == "MARKET_NOT_TRADING"
    driver.do(ALICE, b.sell(MARK_QUANTA[BTC], 1, reduce_only=True), b.cancel_all(BTC))


def test_cmp_003_an_account_that_cannot_be_valued_is_let_in(driver: Driver, monkeypatch: pytest.MonkeyPatch) -> None:
    """CMP-003: where equity itself raises, admission lets the envelope in; execution quarantines and goes on."""
    def faulty(ctx: Any, account: Any) -> int:
        if BTC in account.positions and not ctx.markets.get(BTC).quarantined:
            raise MarketFault(BTC, "equity")
        return account.cash_quanta

    monkeypatch.setattr("app.block.equity", faulty)
    monkeypatch.setattr("app.chain.equity", faulty)
    raw = driver.envelope(ALICE, b.buy(MARK_QUANTA[ETH], 1, market=ETH))
    driver.chain.admit(raw)
    outcome = driver.run([raw]).txs[0]
    assert not outcome.code and not outcome.result.actions[0].code
    assert driver.chain.ctx.markets.peek(BTC).quarantined


def test_cmp_004_what_quarantine_does_not_help_stops_the_node(driver: Driver, monkeypatch: pytest.MonkeyPatch) -> None:
    """CMP-004: an invariant that breaks again in the second run, and one of the whole ledger, stop the node."""
    def broken(_ctx: Any) -> None:
        raise MarketFault(BTC, "INV-002", broken=True)

    monkeypatch.setattr("app.block.check_block", broken)
    with pytest.raises(InvariantError, match="does not help"):
        driver.run([])
    assert isinstance(driver.chain, Chain) and driver.chain.head.height == driver.height


def test_cmp_005_frozen_margin() -> None:
    """CMP-005: 3 lots held, 2 on order, mark 46,000,000, 5%: 11,500,000."""
    assert margin_rules.frozen_margin(-3, 2, 46_000_000, 50_000) == 11_500_000

"""A market settles and some owe more than they have: the fund pays, then its winners, to the unit."""

import json
from typing import Any

import pytest

from app.invariants import audit
from app.liquidation import rules
from app.liquidation.final import first_lots
from app.margin.state import account_standing, maintenance_margin
from app.margin.types import Standing
from tests.helpers import builders as b
from tests.helpers import ledger
from tests.helpers.builders import BTC, ETH, MARK_QUANTA, ORACLE, Person
from tests.helpers.driver import GENESIS_TIME_NS, Driver

E9 = 10**9
RICH = 10**9
LOSER = Person("loser")
WINNERS = tuple(Person(f"winner {number}") for number in range(10))
EUR = {"asset": 1, "symbol": "EUR", "decimals": 2, "haircut_ppm": 100_000, "account_cap_units": 10**9,
       "deposit_cap_units": 10**12, "price_quanta": 100}


class Market:
    """A future on BTC at 1,000 quanta a lot, without fees, that ends in an hour; liquidation is out of the way."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, cash: dict[Person, int], insurance: int = 0,
                 **eth_feed: int) -> None:
        monkeypatch.setattr("app.liquidation.hooks.short_accounts", lambda _ctx: [])
        terms = {"kind": "future", "expiry_ns": GENESIS_TIME_NS + 3_600 * E9, "tick_size": "0.000001", "lot_size": "1",
                 "tick_quanta": 1, "maker_fee_ppm": 0, "taker_fee_ppm": 0, "insurance_quanta": insurance}
        flat = {"maker_fee_ppm": 0, "taker_fee_ppm": 0}
        people = (LOSER, *WINNERS, ORACLE)
        document = json.loads(b.genesis(people, cash_quanta=RICH, cash=cash, terms={BTC: terms, ETH: flat},
                                        gas_price_e6=0))
        document["feeds"][0].update(decimals=6, price=1_000)
        document["feeds"][1].update(eth_feed)
        self.driver = Driver(json.dumps({**document, "assets": [EUR]}).encode(), verify=lambda *_: True)
        self.events: list[Any] = []

    def sells(self, seller: Person, buyer: Person, lots: int, price: int = 1_000, market: int = BTC) -> None:
        """A trade of two accounts."""
        self.driver.do(buyer, b.buy(price, lots, market=market))
        self.driver.do(seller, b.sell(price, lots, market=market))

    def ends_at(self, price: int) -> None:
        """The chain sleeps through the window: the future settles at its last price, once this block's next is done."""
        self.driver.mark(price)
        self.driver.run([], step_ns=4_000 * E9)
        assert self.ctx.settlements.peek(BTC).price_quanta == price

    def block(self) -> None:
        """The next block, after which the ledger sums, before and after a restart."""
        self.events += self.driver.run([]).events
        for _ in range(2):
            audit(self.driver.chain.ctx)
            ledger.check(self.driver.reader)
            self.driver.restart()

    @property
    def ctx(self) -> Any:
        """The chain's context now."""
        return self.driver.chain.ctx

    def cash(self, person: Person) -> int:
        """What an account has in cash."""
        return self.ctx.accounts.peek(person.account()).cash_quanta

    def standing(self, person: Person) -> Standing:
        """The standing of an account."""
        return account_standing(self.ctx, self.ctx.accounts.peek(person.account()))

    def of(self, kind: str) -> list[Any]:
        """All events of a kind so far."""
        return [getattr(event, kind) for event in self.events if event.HasField(kind)]


@pytest.mark.parametrize(("insurance", "fund", "each"), [(0, 0, 10), (30, 30, 7), (100, 100, 0), (500, 100, 0)])
def test_ten_equal_winners(monkeypatch: pytest.MonkeyPatch, insurance: int, fund: int, each: int) -> None:
    """SETL-006, SETL-008: 100 missing, ten equal winners: 10 each (Injective's number); with 30 in the fund 7 each."""
    market = Market(monkeypatch, {LOSER: 500}, insurance)
    for winner in WINNERS:
        market.sells(LOSER, winner, 1)
    market.ends_at(1_060)
    assert market.standing(LOSER).equity == -100
    market.block()
    assert [market.cash(winner) - RICH for winner in WINNERS] == [60 - each] * 10
    assert market.cash(LOSER) == 0 and market.ctx.settlements.peek(BTC).shortfall_quanta == 0
    told, = market.of("settlement_shortfall")
    assert (told.paid_quanta, told.given_up_quanta, told.left_quanta) == (fund, 10 * each, 0)
    assert [part.given_up_quanta for part in market.of("holder_reduced")] == [each] * 10 * bool(each)
    losses = market.ctx.losses.peek(BTC)
    assert (losses.fund_paid_quanta, losses.given_up_quanta) == (fund, 10 * each)
    market.block()
    assert market.ctx.markets.peek(BTC).status == 7


def test_who_has_something_without_a_price_to_trust_owes_all_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    """SETL-006, LIQ-025: the loser has an order in ETH, whose price warms up after the sleep: what it owes is made up
    in the block that closes it, as anybody's is.
    """
    market = Market(monkeypatch, {LOSER: 600}, price=1_000, max_age_ns=30 * E9, warm_up_ns=3_600 * E9)
    for winner in WINNERS:
        market.sells(LOSER, winner, 1)
    market.driver.do(LOSER, b.buy(100, 1, market=ETH))
    market.ends_at(1_070)
    assert market.ctx.barred and market.standing(LOSER).equity == -100
    market.block()
    assert market.cash(LOSER) == 0 and [market.cash(winner) - RICH for winner in WINNERS] == [60] * 10


def test_by_net_profit(monkeypatch: pytest.MonkeyPatch) -> None:
    """SETL-008: of 48, profits of 60, 120, 180 and 120 bear 6, 12, 18 and 12; who lost elsewhere as much as here bears
    nothing, as long as others can; losers of the other side give up nothing.
    """
    market = Market(monkeypatch, {LOSER: 372})
    for winner, lots in zip(WINNERS[:4], (1, 2, 3, 1), strict=True):
        market.sells(LOSER, winner, lots)
    market.sells(WINNERS[5], WINNERS[6], 4, price=1_030)
    market.sells(WINNERS[9], WINNERS[3], 1, price=MARK_QUANTA[ETH], market=ETH)
    market.driver.mark(MARK_QUANTA[ETH] - 60, ETH)
    market.ends_at(1_060)
    assert market.standing(LOSER).equity == -48
    market.block()
    kept = [market.cash(WINNERS[index]) - RICH for index in (0, 1, 2, 5, 6)]
    assert kept == [60 - 6, 120 - 12, 180 - 18, -120, 120 - 12]
    assert market.standing(WINNERS[3]).equity == RICH + 60 - 60


def test_hedges_come_last_and_nobody_pays_more_than_a_profit(monkeypatch: pytest.MonkeyPatch) -> None:
    """SETL-008: when net profits do not suffice, hedged profits bear the rest; what is then left is a shortfall."""
    market = Market(monkeypatch, {LOSER: 90, WINNERS[0]: 50})
    market.sells(LOSER, WINNERS[1], 1)
    market.sells(WINNERS[0], WINNERS[1], 1)
    market.sells(WINNERS[1], WINNERS[2], 1, price=1_190)
    market.sells(WINNERS[9], WINNERS[1], 1, price=MARK_QUANTA[ETH], market=ETH)
    market.driver.mark(MARK_QUANTA[ETH] - 150, ETH)
    market.ends_at(1_200)
    owed = 110 + 150
    assert market.standing(LOSER).equity + market.standing(WINNERS[0]).equity == -owed
    market.block()
    gave = {part.account.owner: (part.given_up_quanta, part.net_profit_quanta) for part in market.of("holder_reduced")}
    profit = 1_200 - 500 - 495  # one of two bought at 1,000 was sold at 1,190; the other's entry is what remains
    assert gave[WINNERS[2].owner] == (10, 10)
    assert gave[WINNERS[1].owner][1] < gave[WINNERS[1].owner][0] <= profit
    left = owed - sum(part for part, _ in gave.values())
    owing = [market.cash(person) for person in (LOSER, WINNERS[0])]
    assert left == -sum(cash for cash in owing if cash < 0) == market.ctx.settlements.peek(BTC).shortfall_quanta > 0
    assert sum(told.left_quanta for told in market.of("settlement_shortfall")[:2]) == left


def test_who_holds_more_elsewhere_owes_a_share_here(monkeypatch: pytest.MonkeyPatch) -> None:
    """SETL-006: the market makes up the share of what is owed that it has in the account's maintenance margin; the
    rest stays with the other position, and is the other market's when that is closed.
    """
    market = Market(monkeypatch, {LOSER: 5_000_000})
    lots = 20_000
    market.sells(LOSER, WINNERS[0], lots)
    market.sells(LOSER, WINNERS[1], 1, price=MARK_QUANTA[ETH], market=ETH)
    market.ends_at(1_300)
    before, ctx = market.standing(LOSER), market.ctx
    margin = maintenance_margin(ctx, ctx.accounts.peek(LOSER.account()).position(BTC))
    owed = rules.bankruptcy_quote(0, margin, before.equity, before.maintenance)
    assert 0 < owed < -before.equity
    market.block()
    after = market.standing(LOSER)
    assert after.equity == before.equity + owed < 0 and after.maintenance == before.maintenance - margin
    assert market.cash(WINNERS[0]) - RICH == 300 * lots - owed
    assert market.of("settlement_shortfall")[0].left_quanta == 0
    monkeypatch.undo()
    market.block()
    assert market.cash(LOSER) == 0 and market.of("account_reduced")[0].market == ETH
    assert market.of("account_reduced")[0].deficit_quanta == -after.equity


@pytest.mark.parametrize(("insurance", "units", "cash"), [(1_000, 0, 0), (450, 55, -50), (0, 100, -90)])
def test_assets_count_before_anybody_pays(monkeypatch: pytest.MonkeyPatch, insurance: int, units: int,
                                          cash: int) -> None:
    """SETL-006: 500 owed, assets count for 90: 410 are missing. What the fund has left buys assets with which the
    account pays the rest of its debt; without a fund it goes on owing what its assets back.
    """
    market = Market(monkeypatch, {LOSER: 100}, insurance)
    market.driver.do(ORACLE, b.faucet(LOSER, 100, asset=1))
    market.sells(LOSER, WINNERS[0], 1)
    market.ends_at(1_600)
    market.block()
    account = market.ctx.accounts.peek(LOSER.account())
    assert (account.units(1), account.cash_quanta) == (units, cash)


def test_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    """SETL-005: two accounts a side and block; who owes comes first, who has a profit last: all winners bear it."""
    monkeypatch.setattr("app.liquidation.final.MAX_SETTLED_ACCOUNTS", 2)
    losers, winners = WINNERS[:5], WINNERS[5:]
    market = Market(monkeypatch, dict.fromkeys(losers, 50))
    for loser, winner in zip(losers, winners, strict=True):
        market.sells(loser, winner, 1)
    market.sells(LOSER, WINNERS[9], 5)
    market.ends_at(1_070)
    for _ in range(5):
        market.block()
    assert {market.cash(loser) for loser in losers} == {0}
    assert market.ctx.markets.peek(BTC).status == 7
    assert sum(market.cash(winner) - RICH for winner in winners) == 70 * 10 - 5 * 20


@pytest.mark.parametrize(("cash", "owed", "kept"), [(300, 150, [100, 50, 90, 60]), (50, 400, [0, 0, 30, 20])])
def test_the_greatest_profits_are_asked_first(monkeypatch: pytest.MonkeyPatch, cash: int, owed: int,
                                              kept: list[int]) -> None:
    """SETL-008: asked by twos, profits of 200 and 100 bear 150 as 100 and 50; of 400, those of 90 and 60 the rest."""
    monkeypatch.setattr("app.liquidation.final.REDUCTION_ASKED", 2)
    market = Market(monkeypatch, {LOSER: cash})
    for winner, price in zip(WINNERS, (1_000, 1_100, 1_110, 1_140), strict=False):
        market.sells(LOSER, winner, 1, price=price)
    market.ends_at(1_200)
    assert market.standing(LOSER).equity == -owed
    market.block()
    assert [market.cash(winner) - RICH for winner in WINNERS[:4]] == kept and market.cash(LOSER) == 0


def test_first_lots() -> None:
    """SETL-005: lots of either side are cut at the same total."""
    assert first_lots([(b"a", -3), (b"b", -4), (b"c", -1)], 5) == [(b"a", -3), (b"b", -2)]

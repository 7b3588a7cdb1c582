"""A portfolio that sold calls, and a price that runs away from it: hedged on the book, auctioned, made up; twice over,
once with a restart before each block, to the same app hash.
"""

from typing import Any

from app.events import AccountReduced, AuctionBidTaken, HolderReduced, PositionClosed
from app.invariants import audit
from app.margin.state import account_standing
from app.margin.types import Standing
from novation.v1 import tx_pb2
from tests.helpers import builders as b
from tests.helpers import ledger
from tests.helpers.builders import ALICE, BOB, BTC, CAROL, DAVE, MARK_QUANTA, ORACLE, Person
from tests.helpers.driver import Driver
from tests.helpers.listed import listed, series

P = MARK_QUANTA[BTC]
DAY = {"daily": 1, "weekly": 0, "monthly": 0, "quarterly": 0, "strikes": 3}
CASH = 1_000_000_000_000


class Twins:
    """Two chains that do the same, one of which starts anew before each block."""

    def __init__(self) -> None:
        state = b.genesis((ALICE, BOB, CAROL, DAVE, ORACLE), cash={ALICE: 7_000_000_000}, cash_quanta=CASH,
                          gas_price_e6=0, portfolios=(1,), terms={BTC: {"insurance_quanta": 100_000_000}})
        self.one, self.other = (listed(20, genesis=state, **DAY) for _ in range(2))
        self.call = series(self.one)["BTC-15NOV23-45600-C"]
        self.happened: list[Any] = []

    def block(self, *sent: tuple[Person, list[tx_pb2.Action]], seconds: int = 1) -> list[Any]:
        """One block on both; what happened. The laws of the ledger hold after it."""
        self.other.restart()
        results = [driver.run([driver.envelope(person, *actions) for person, actions in sent], seconds * 10**9)
                   for driver in (self.one, self.other)]
        assert results[0].app_hash == results[1].app_hash
        failed = [action.reason for tx in results[0].txs for action in tx.result.actions if action.code]
        assert not failed, failed
        audit(self.one.chain.ctx)
        ledger.check(self.one.reader)
        self.happened = [*results[0].occurred, *(event for tx in results[0].txs for event in tx.occurred)]
        return self.happened

    def price(self, quanta: int) -> None:
        """What validators see from the next block on."""
        for driver in (self.one, self.other):
            driver.mark(quanta)

    def of(self, kind: type) -> list[Any]:
        """What happened of a kind in the last block."""
        return [event for event in self.happened if isinstance(event, kind)]

    def standing(self, person: Person) -> Standing:
        """How a person stands."""
        return account_standing(self.one.chain.ctx, self.one.chain.ctx.accounts.get(person.account()))

    def lots(self, person: Person, market: int) -> int:
        """What a person holds."""
        return lots(self.one, person, market)


def lots(driver: Driver, person: Person, market: int) -> int:
    """What a person holds."""
    account = driver.chain.view.accounts.get(person.account())
    assert account is not None
    return account.position(market).lots


def test_calls_sold_into_a_rally() -> None:
    """LIQ-027 to LIQ-031: 60 calls of 0.01 BTC sold by a portfolio; BTC goes from 46,000 to 51,000. First perpetuals
    are bought against what a further rise would cost, then a bidder takes a fraction of calls and perpetuals alike; at
    73,000 nothing is left, and what is missing the fund and the holders of calls bear, to the unit.
    """
    town = Twins()
    town.block((ALICE, [b.margin_mode(2)]))
    mark = town.one.chain.view.marks.get(town.call).price_quanta
    ask = mark - mark % 10_000
    town.block((ALICE, [b.sell(ask, 60, market=town.call)]), (BOB, [b.buy(ask, 60, market=town.call)]))
    assert town.standing(ALICE).excess > 0 and town.lots(BOB, town.call) == 60
    near = P * 1110 // 1000 // 500 * 500
    town.price(near)
    town.block((CAROL, [b.sell(near + 500, 20)]))
    before = town.standing(ALICE)
    assert 0 < before.equity < before.maintenance and not town.of(PositionClosed)
    town.block()
    hedge, = town.of(PositionClosed)
    after = town.standing(ALICE)
    assert hedge.hedge and hedge.market == BTC and town.lots(ALICE, BTC) == -hedge.lots > 0
    assert after.maintenance < before.maintenance and after.excess > before.excess
    assert after.equity * before.maintenance >= before.equity * after.maintenance
    assert after.excess < 0
    town.block((DAVE, [b.bid(ALICE)]), seconds=450)
    taken, = town.of(AuctionBidTaken)
    assert town.lots(DAVE, town.call) < 0 < town.lots(DAVE, BTC) and town.lots(ALICE, town.call) > -60
    assert taken.freed_quanta > 0 and town.standing(ALICE).excess >= 0
    town.price(P * 16 // 10 // 500 * 500)
    town.block()
    assert town.standing(ALICE)[:3] == (0, 0, 0)
    reduced, gave = town.of(AccountReduced), town.of(HolderReduced)
    assert sum(one.deficit_quanta - one.fund_paid_quanta for one in reduced) == sum(one.given_up_quanta for one in gave)

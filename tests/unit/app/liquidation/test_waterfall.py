"""The waterfall step by step: one account falls short, and somebody pays, to the unit."""

import json
from typing import Any

import pytest

from app.errors import GenesisError, MarketFault
from app.invariants import audit
from app.margin.state import account_standing
from app.margin.types import Standing
from app.markets.types import REDUCE_ONLY
from novation.v1 import events_pb2
from tests.helpers import builders as b
from tests.helpers import ledger
from tests.helpers.builders import ALICE, BOB, BTC, CAROL, DAVE, ETH, MARK_QUANTA, Person
from tests.helpers.driver import Driver
from tests.unit.app.supposing import supposed

P = MARK_QUANTA[BTC]
RICH = 100_000_000_000


class Town:
    """ALICE with little cash is long 400 BTC lots against BOB; the mark falls."""

    def __init__(self, alice: int = 1_000_000_000, others: dict[Person, int] | None = None, **terms: object) -> None:
        genesis = b.genesis(cash_quanta=RICH, cash={ALICE: alice, **(others or {})}, terms={BTC: terms, ETH: terms})
        document = json.loads(genesis)  # fees as they stand in the market, and none of them to insurance
        flat = {"volume_quanta": 0, "maker_ppm": 1_000_000, "taker_ppm": 1_000_000}
        document["fees"] = {"tiers": [flat], "insurance_ppm": 0, "stakers_ppm": 1_000_000}
        self.driver = Driver(json.dumps(document).encode(), verify=lambda *_: True)
        self.events: list[events_pb2.Event] = []

    def trade(self, lots: int = 400) -> "Town":
        """ALICE buys of BOB at the mark."""
        self.driver.do(BOB, b.sell(P, lots))
        self.driver.do(ALICE, b.buy(P, lots))
        return self

    def mark(self, per_mille: int) -> int:
        """The mark of BTC from the begin of the next block on."""
        price = P * per_mille // 1000 // 500 * 500
        self.driver.mark(price)
        return price

    def block(self, *txs: bytes, step_ns: int = 10**9) -> list[events_pb2.Event]:
        """One block; the ledger's laws hold after it. Its events, but for the prices that came."""
        result = self.driver.run(list(txs), step_ns)
        ledger.check(self.driver.reader)
        audit(self.driver.chain.ctx)
        events = result.events + [event for tx in result.txs for event in tx.events]
        self.events = [event for event in events if not event.HasField("mark_price_set")]
        return self.events

    def of(self, kind: str) -> list[Any]:
        """The events of a kind in the last block."""
        return [getattr(event, kind) for event in self.events if event.HasField(kind)]  # type: ignore[arg-type]

    def standing(self, person: Person, price: int = 0) -> Standing:
        """The standing of an account; at another price of BTC, as it would be."""
        ctx = self.driver.chain.ctx
        account = ctx.accounts.peek(person.account())
        if not price:
            return account_standing(ctx, account)
        with supposed(ctx, price):
            return account_standing(ctx, account)

    def lots(self, person: Person, market: int = BTC) -> int:
        """What an account holds."""
        return self.driver.chain.ctx.accounts.peek(person.account()).position(market).lots

    def fund(self, market: int = BTC) -> int:
        """The insurance fund of a market."""
        return ledger.record(self.driver.reader, "funds", b"insurance/" + market.to_bytes(4, "big")).balance_quanta


def test_liq_001_the_safe_are_not_touched() -> None:
    """LIQ-001: at the margin to the quantum nothing happens; a quantum below it does."""
    price = P * 965 // 1000 // 500 * 500
    missing = -Town().trade().standing(ALICE, price).excess
    for given, events in ((missing, 0), (missing - 1, 1)):
        town = Town().trade()
        town.driver.do(BOB, b.transfer(ALICE, given))
        assert town.standing(ALICE, price).excess == given - missing
        assert town.mark(965) == price
        assert len(town.block()) == events and town.lots(ALICE) == 400


def test_liq_003_to_009_part_is_closed_on_the_book() -> None:
    """LIQ-003 to LIQ-009: orders and triggers go, as few lots as restore 110% are closed, the fund gets its fee, and
    the account's excess rises.
    """
    town = Town().trade()
    town.driver.do(ALICE, b.buy(500, 1), b.sell(2 * P, 3))
    price = P * 965 // 1000 // 500 * 500
    town.driver.do(CAROL, b.buy(price, 1000))
    before = town.standing(ALICE, town.mark(965))
    town.block()
    closed, = town.of("position_closed")
    assert [event.reason for event in town.of("order_cancelled")] == [events_pb2.CANCEL_REASON_LIQUIDATION] * 2
    assert (closed.lots, closed.notional_quanta) == (196, 196 * price)
    assert closed.fee_quanta == 196 * price * 5_000 // 1_000_000 == town.fund()
    assert closed.limit_quanta < price and closed.equity_quanta == before.equity
    after = town.standing(ALICE)
    assert after.excess > before.excess and after.equity >= after.maintenance * 11 // 10
    assert not town.block(), "once restored it is left alone"


def test_liq_005_a_large_position_goes_in_parts() -> None:
    """LIQ-005: a quarter a block."""
    town = Town(alice=9_000_000_000).trade(3_600)
    town.driver.do(CAROL, b.buy(44_000_000, 9_000))
    town.mark(955)
    sizes = []
    while town.block() and town.of("position_closed"):
        sizes.append(town.of("position_closed")[0].lots)
    assert sizes[:2] == [900, 675] and town.standing(ALICE).excess >= 0


def test_liq_010_above_its_cap_the_fund_takes_no_fee() -> None:
    """LIQ-010: what the fund's cap leaves over is the treasury's."""
    town = Town(insurance_cap_quanta=1_000, insurance_quanta=400).trade()
    town.driver.do(CAROL, b.buy(P * 965 // 1000 // 500 * 500, 1000))
    town.mark(965)
    town.block()
    fee = town.of("position_closed")[0].fee_quanta
    treasury = ledger.record(town.driver.reader, "funds", b"treasury").balance_quanta
    assert (town.fund(), treasury) == (1_000, fee - 600)


def auctioned(**terms: object) -> Town:
    """ALICE is short and nobody bids on the book: she is in auction."""
    town = Town(**terms).trade()
    town.mark(965)
    town.block()
    assert [event.equity_quanta for event in town.of("auction_started")] == [346_795_000]
    return town


def test_liq_011_to_014_a_bid_restores_the_account() -> None:
    """LIQ-011 to LIQ-014: after half of the time CAROL takes what restores ALICE and is paid half of the equity behind
    it; then the auction ends.
    """
    town = auctioned()
    town.block(step_ns=449 * 10**9)
    carol = town.standing(CAROL).equity
    town.block(town.driver.envelope(CAROL, b.bid(ALICE)))
    taken, = town.of("auction_bid_taken")
    assert (taken.discount_ppm, taken.fraction_ppm) == (500_000, 579_694)
    assert [(part.market, part.lots) for part in taken.taken] == [(BTC, 232)]
    assert taken.paid_quanta == 346_795_000 * taken.freed_quanta // 532_680_000 // 2
    assert town.standing(CAROL).equity - carol in range(taken.paid_quanta - 100_000, taken.paid_quanta + 1)
    standing = town.standing(ALICE)
    assert (town.lots(ALICE), town.lots(CAROL)) == (168, 232) and standing.equity >= standing.maintenance * 11 // 10
    assert [event.why for event in town.block() and town.of("auction_ended")] == [events_pb2.AUCTION_END_HEALTHY]


def test_liq_012_bids_that_saw_something_else_fail() -> None:
    """LIQ-012, LIQ-014: each way a bid is refused."""
    town = auctioned()
    refused = town.driver.refused
    assert refused(CAROL, b.bid(BOB)) == "AUCTION_NOT_OPEN"
    assert refused(ALICE, b.bid(ALICE), gas_limit=200_000) == "AUCTION_OWN"
    assert refused(CAROL, b.bid(ALICE, 0)) == refused(CAROL, b.bid(ALICE, 1_000_001)) == "AUCTION_FRACTION"
    assert refused(CAROL, b.bid(ALICE, expected_bids=1)) == "AUCTION_CHANGED"
    assert refused(CAROL, b.bid(ALICE, least_discount_ppm=900_000)) == "AUCTION_DISCOUNT"
    town.driver.do(CAROL, b.transfer(DAVE, RICH - 20_000_000))
    assert refused(CAROL, b.bid(ALICE)) == "MARGIN_INSUFFICIENT"
    town.driver.do(DAVE, b.bid(ALICE, 100_000))
    assert refused(DAVE, b.bid(ALICE, 100_000)) == "AUCTION_CHANGED"
    town.driver.do(DAVE, b.bid(ALICE, expected_bids=1))
    assert refused(DAVE, b.bid(ALICE, expected_bids=2)) == "AUCTION_NOT_OPEN"


def test_liq_012_a_bid_takes_at_least_a_tenth() -> None:
    """LIQ-012: a bid of 1 ppm fails and so cannot make another's fail in the same block; what restores is enough."""
    town = auctioned()
    driver = town.driver
    refused = driver.refused(DAVE, b.bid(ALICE, 99_999))
    assert refused == "AUCTION_FRACTION"
    result = driver.run([driver.envelope(DAVE, b.bid(ALICE, 1)), driver.envelope(CAROL, b.bid(ALICE))])
    assert [tx.result.actions[0].reason for tx in result.txs] == ["AUCTION_FRACTION", ""]
    assert town.lots(CAROL) > 0 == town.lots(DAVE)


def test_liq_011_an_account_that_cannot_be_valued_stays_on_offer(monkeypatch: pytest.MonkeyPatch) -> None:
    """LIQ-011: a fault keeps ALICE from being valued: her auction neither ends nor is she called healthy."""
    town = auctioned()
    valued = account_standing

    def faulty(ctx: Any, account: Any, *rest: Any) -> Standing:
        if account.position(BTC).lots == 400:
            raise MarketFault(BTC, "test")
        return valued(ctx, account, *rest)

    with monkeypatch.context() as patch:
        patch.setattr("app.liquidation.state.account_standing", faulty)
        patch.setattr("app.liquidation.hooks.account_standing", faulty)
        assert not town.block()
    town.driver.do(BOB, b.transfer(ALICE, 500_000_000))
    assert [event.why for event in town.block() and town.of("auction_ended")] == [events_pb2.AUCTION_END_HEALTHY]


def test_liq_016_the_fund_does_not_pay_for_a_bid_away_from_the_mark() -> None:
    """LIQ-016: the fund has 1,000, ALICE's equity is just gone; BOB bids 3% below the mark: the fund pays what it pays
    without that bid, and nobody is paid for the distance.
    """
    paid = []
    for resting in (False, True):
        town = Town(alice=240_000_000, insurance_quanta=1_000_000_000).trade(100)
        price = 43_600_000
        if resting:
            town.driver.do(BOB, b.buy(price * 97 // 100 // 500 * 500, 100))
        deficit = -town.standing(ALICE, price).equity
        both = town.standing(ALICE, price).equity + town.standing(BOB, price).equity
        town.driver.mark(price)
        town.block()
        paid.append(1_000_000_000 - town.fund())
        assert town.lots(ALICE) == 0 and 0 <= paid[-1] == max(0, deficit)
        assert town.standing(ALICE).equity + town.standing(BOB).equity - both <= paid[-1]
    assert paid[0] == paid[1]


def test_liq_011_the_owner_may_help_itself() -> None:
    """LIQ-011: a deposit makes it safe; so does closing by its own order while the auction runs."""
    town = auctioned()
    town.driver.do(CAROL, b.buy(P * 965 // 1000 // 500 * 500 - 500, 10))
    town.driver.do(BOB, b.transfer(ALICE, 500_000_000))
    assert [event.why for event in town.block() and town.of("auction_ended")] == [events_pb2.AUCTION_END_HEALTHY]
    assert town.lots(ALICE) == 390, "ten were closed on the book meanwhile"


def test_liq_017_an_auction_that_ran_out_closes_at_the_mark() -> None:
    """LIQ-015, LIQ-017: nobody bid; the rest is closed against BOB at the mark, and ALICE keeps her equity."""
    town = auctioned()
    equity = town.standing(ALICE).equity
    town.block(step_ns=950 * 10**9)
    reduced, = town.of("account_reduced")
    holder, = town.of("holder_reduced")
    assert (reduced.lots, reduced.deficit_quanta) == (400, 0) and (holder.lots, holder.given_up_quanta) == (-400, 0)
    assert town.standing(ALICE)[:3] == (equity, 0, 0) and town.lots(BOB) == 0
    assert [event.why for event in town.block() and town.of("auction_ended")] == [events_pb2.AUCTION_END_CLOSED]


def test_liq_015_the_fund_helps_to_close_on_the_book() -> None:
    """LIQ-015, LIQ-016: equity is gone; the book closes all, the fund pays what is missing, and winners keep all."""
    town = Town(insurance_quanta=200_000_000).trade()
    price = P * 940 // 1000 // 500 * 500
    town.driver.do(CAROL, b.buy(price, 1000))
    town.mark(940)
    missing = -town.standing(ALICE, price).equity
    bob = town.standing(BOB, price).equity
    town.block()
    closed, = town.of("position_closed")
    assert closed.lots == 400 and not town.of("holder_reduced")
    assert closed.fund_paid_quanta == missing + 400 * price * 500 // 1_000_000 == 200_000_000 - town.fund()
    assert town.standing(ALICE)[:3] == (0, 0, 0) and town.standing(BOB).equity == bob


def test_liq_016_to_020_what_the_fund_cannot_pay_winners_give_up() -> None:
    """LIQ-016 to LIQ-020: missing 113.2, the fund has 20: it pays 20, BOB gives up the rest and no more."""
    town = Town(insurance_quanta=20_000_000).trade()
    bob = town.standing(BOB, town.mark(940)).equity
    town.block()
    reduced, = town.of("account_reduced")
    holder, = town.of("holder_reduced")
    assert (reduced.deficit_quanta, reduced.fund_paid_quanta) == (113_205_000, 20_000_000)
    assert holder.given_up_quanta == 93_205_000 == bob - town.standing(BOB).equity
    assert (town.fund(), town.fund(ETH)) == (0, 20_000_000), "the fund of another market is not touched"
    assert town.standing(ALICE)[:3] == (0, 0, 0)
    losses = ledger.record(town.driver.reader, "losses", BTC.to_bytes(4, "big"))
    assert (losses.fund_paid_quanta, losses.given_up_quanta) == (20_000_000, 93_205_000)


def test_liq_016_the_limit_of_an_event() -> None:
    """LIQ-016: the fund has more, but pays an account no more than its limit."""
    town = Town(insurance_quanta=200_000_000, insurance_event_quanta=5_000_000).trade()
    town.mark(940)
    town.block()
    assert town.of("account_reduced")[0].fund_paid_quanta == 5_000_000 and town.fund() == 195_000_000


@pytest.mark.parametrize(("day", "paid"), [(None, 10_000_000), (7_000_000, 7_000_000), (5_000_000, 5_000_000), (0, 0)])
def test_liq_026_the_limit_of_a_day(day: int | None, paid: int) -> None:
    """LIQ-026: DAVE fails as ALICE does: together they get no more of the fund than its day has left, and after a day
    somebody gets as much again.
    """
    limit = {} if day is None else {"insurance_day_quanta": day}
    town = Town(others={DAVE: 1_000_000_000, CAROL: 1_000_000_000}, insurance_quanta=200_000_000,
                insurance_event_quanta=5_000_000, **limit).trade()
    town.driver.do(BOB, b.sell(P, 800))
    town.driver.do(DAVE, b.buy(P, 400))
    town.mark(940)
    town.block()
    assert sum(one.fund_paid_quanta for one in town.of("account_reduced")) == paid == 200_000_000 - town.fund()
    assert sum(one.given_up_quanta for one in town.of("holder_reduced")) == 2 * 113_205_000 - paid
    town.driver.restart()
    for _ in range(2):
        town.mark(1_000)
        town.block(step_ns=43_200 * 10**9)
    town.driver.do(CAROL, b.buy(P, 400))
    town.mark(940)
    town.block()
    again = min(5_000_000, 10**9 if day is None else day)
    assert town.of("account_reduced")[0].fund_paid_quanta == again
    losses = ledger.record(town.driver.reader, "losses", BTC.to_bytes(4, "big"))
    assert (losses.fund_paid_quanta, losses.fund_day_quanta) == (paid + again, again)


def test_liq_018_hedged_books_come_last() -> None:
    """LIQ-018, LIQ-019: BOB and DAVE are short alike, but DAVE lost as much in ETH: BOB is closed first."""
    town = Town(alice=500_000_000)
    town.driver.do(BOB, b.sell(P, 200))
    town.driver.do(DAVE, b.sell(P, 200), b.buy(MARK_QUANTA[ETH], 2_000, market=ETH))
    town.driver.do(CAROL, b.sell(MARK_QUANTA[ETH], 2_000, market=ETH), b.buy(P, 200))
    town.driver.do(ALICE, b.buy(P, 200))
    town.driver.mark(MARK_QUANTA[ETH] * 90 // 100, ETH)
    town.mark(930)
    town.block()
    assert {event.account.owner: event.lots for event in town.of("holder_reduced")} == {BOB.owner: -200}
    assert town.lots(DAVE) == -200


@pytest.mark.parametrize(("asked", "lots"), [(1, {BOB: -200}), (2, {BOB: -104, DAVE: -96})])
def test_liq_019_the_greatest_profits_are_asked_first(monkeypatch: pytest.MonkeyPatch, asked: int,
                                                      lots: dict[Person, int]) -> None:
    """LIQ-019: of more holders than are asked at once, BOB, who sold dearer than DAVE, bears it as long as he can."""
    monkeypatch.setattr("app.liquidation.reduction.REDUCTION_ASKED", asked)
    town = Town(alice=560_000_000)
    town.driver.do(DAVE, b.sell(P, 200))
    town.driver.do(CAROL, b.buy(P, 200))
    town.driver.do(BOB, b.sell(P + 300_000, 200))
    town.driver.do(ALICE, b.buy(P + 300_000, 200))
    town.mark(930)
    town.block()
    assert {event.account.owner: event.lots for event in town.of("holder_reduced")} == {
        person.owner: size for person, size in lots.items()}


def test_liq_021_a_market_that_loses_too_much_winds_down() -> None:
    """LIQ-021: winners gave up more than the day's limit: reduce-only from here on, and the record says until when."""
    town = Town(wind_down_loss_quanta=50_000_000, wind_down_ns=3_600 * 10**9).trade()
    town.mark(940)
    town.block()
    began, = town.of("wind_down_began")
    assert (began.day_quanta, began.ends_ns) == (113_205_000, town.driver.time_ns + 3_600 * 10**9)
    assert town.driver.chain.ctx.markets.peek(BTC).status == REDUCE_ONLY
    assert town.driver.refused(CAROL, b.buy(P, 1)) == "MARKET_NOT_TRADING"


def test_liq_022_terms_of_genesis() -> None:
    """LIQ-022: the vault holds what insurance funds hold; a bad term is named."""
    town = Town(insurance_quanta=7)
    town.block()
    assert town.fund() == town.fund(ETH) == 7
    with pytest.raises(GenesisError, match="liquidation_fee_ppm"):
        Town(liquidation_fee_ppm=-1)


def test_restart_in_the_middle() -> None:
    """A node that starts anew in the middle of an auction goes on alike."""
    one, two = auctioned(), auctioned()
    for step in (300 * 10**9, 300 * 10**9, 400 * 10**9, 10**9):
        two.driver.restart()
        one.block(step_ns=step)
        two.block(step_ns=step)
        assert one.driver.app_hash == two.driver.app_hash and one.events == two.events
    assert one.lots(ALICE) == 0

"""Leveraged accounts under jumping prices: whatever happens, the ledger sums, funds stay above zero, the healthy are
not touched, a liquidation makes safer what it touches, and winners together give up no more than the deficit.
"""

from random import Random
from typing import Any

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from app.invariants import audit
from app.margin.state import account_standing
from app.margin.types import Standing
from tests.helpers import builders as b
from tests.helpers import ledger
from tests.helpers.builders import BTC, ETH, MARK_QUANTA, ORACLE, TICK_QUANTA, Person
from tests.helpers.driver import Driver
from tests.helpers.twins import both
from tests.unit.app.supposing import supposed

PEOPLE = tuple(Person(f"gambler {number}") for number in range(7))
BY_OWNER = {person.owner: person for person in PEOPLE}
CASH = 60_000_000
JUMPS = (-110, -60, -30, -8, 8, 30, 60, 110)
TOUCHES = ("position_closed", "auction_started", "auction_bid_taken", "account_reduced")


class Casino:
    """Two chains that run the same blocks, one of them restarted before each; and what must hold after each block."""

    def __init__(self, seed: int, **terms: object) -> None:
        self.random = Random(seed)
        insured = {"insurance_quanta": 20_000_000, "insurance_event_quanta": 4_000_000, "liquidation_fee_ppm": 10_000}
        genesis = b.genesis((*PEOPLE, ORACLE), cash_quanta=CASH, gas_price_e6=0, max_block_gas=10**9,
                            terms={market: {**insured, **terms} for market in (BTC, ETH)})
        self.drivers = [Driver(genesis, verify=lambda *_: True) for _ in range(2)]
        self.marks = dict(MARK_QUANTA)
        self.seen: set[str] = set()
        self.run([])

    @property
    def ctx(self) -> Any:
        """The context of the first chain."""
        return self.drivers[0].chain.ctx

    def standings(self) -> dict[bytes, Standing]:
        """All accounts as committed, at the marks that the next block brings."""
        found = {person.account(): self.ctx.accounts.peek(person.account()) for person in PEOPLE}
        with supposed(self.ctx, self.marks[BTC]), supposed(self.ctx, self.marks[ETH], ETH):
            return {key: account_standing(self.ctx, account) for key, account in found.items() if account}

    def run(self, txs: list[bytes], step_ns: int = 10**9) -> list[Any]:
        """One block on both chains; they agree. Returns the events of its hooks."""
        result = both(self.drivers, txs, step_ns)
        audit(self.ctx)
        ledger.check(self.drivers[0].reader)
        ledger.check_index(self.drivers[0].reader, self.ctx.books)
        for key, fund in ledger.records(self.drivers[0].reader, "funds"):
            assert fund.balance_quanta >= 0 or key.startswith(b"funding/"), key
        self.seen |= {event.WhichOneof("kind") for event in result.events}
        self.seen |= {event.WhichOneof("kind") for tx in result.txs for event in tx.events}
        return list(result.events)

    def quiet(self, step_ns: int = 10**9) -> None:
        """A block without transactions: only the waterfall acts, and its laws can be read off the accounts."""
        before, funds = self.standings(), self.funds()
        events = self.run([], step_ns)
        after = self.standings()
        touched = {getattr(event, kind).account.owner for event in events for kind in TOUCHES if event.HasField(kind)}
        given_up: dict[bytes, int] = {}
        for event in events:
            if event.HasField("holder_reduced"):
                part = event.holder_reduced
                given_up[part.account.owner] = given_up.get(part.account.owner, 0) + part.given_up_quanta
        for key, now in before.items():
            then = after[key]
            if now.equity >= now.maintenance:
                assert key[:20] not in touched, "the healthy are not liquidated"
                assert then.excess >= 0, "and nothing that happens to others makes them short"
            elif key[:20] in touched:
                assert then.excess >= now.excess, "a liquidation never worsens what it touches"
                assert then.excess > now.excess or then.maintenance == now.maintenance
        reduced = [event.account_reduced for event in events if event.HasField("account_reduced")]
        deficit = sum(event.deficit_quanta - event.fund_paid_quanta for event in reduced)
        assert sum(given_up.values()) == deficit, "winners give up the deficit and no more"
        paid = sum(event.fund_paid_quanta for event in reduced) + sum(
            event.position_closed.fund_paid_quanta - event.position_closed.fee_quanta
            for event in events if event.HasField("position_closed"))
        shared = [event.fees_shared for event in events if event.HasField("fees_shared")]  # of the fills on the book
        fees = sum(event.insurance_quanta + event.treasury_quanta for event in shared)
        assert self.funds() == funds - paid + fees

    def funds(self) -> int:
        """Insurance funds and treasury together."""
        return sum(fund.balance_quanta for key, fund in ledger.records(self.drivers[0].reader, "funds")
                   if key.startswith((b"insurance/", b"treasury")))

    def orders(self, count: int = 6) -> list[bytes]:
        """Orders near the marks, most of them as large as margin allows, and bids in auctions."""
        random, made = self.random, []
        auctions = [BY_OWNER[key[:20]] for key, _ in ledger.records(self.drivers[0].reader, "auctions")]
        for _ in range(count):
            person, market = random.choice(PEOPLE), random.choice((BTC, ETH))
            tick = TICK_QUANTA[market]
            price = self.marks[market] // tick * tick + random.randint(-4, 4) * tick
            actions = [b.place(random.choice((1, 2)), max(tick, price), random.randint(1, 24), market=market)]
            if random.random() < 0.15:
                actions.insert(0, b.faucet(person, 20_000_000))
            if auctions and random.random() < 0.4:
                actions.append(b.bid(random.choice(auctions), random.choice((1_000_000, 300_000)),
                                     expected_bids=random.choice((0, 0, 1))))
            made.append(self.drivers[0].envelope(person, *actions))
        return made

    def jump(self, market: int, per_mille: int) -> None:
        """The mark moves with the next block."""
        low, high = MARK_QUANTA[market] // 3, MARK_QUANTA[market] * 3
        self.marks[market] = min(high, max(low, self.marks[market] * (1000 + per_mille) // 1000))
        for driver in self.drivers:
            driver.mark(self.marks[market], market)


class Waterfall(RuleBasedStateMachine):
    """Hypothesis chooses trades, jumps and pauses."""

    @initialize(seed=st.integers(0, 10_000))
    def start(self, seed: int) -> None:
        """A fresh casino."""
        self.casino = Casino(seed)

    @rule(count=st.integers(1, 12))
    def trade(self, count: int) -> None:
        """A block of orders and bids."""
        self.casino.run(self.casino.orders(count))

    @rule(market=st.sampled_from((BTC, ETH)), per_mille=st.integers(-150, 150))
    def jump(self, market: int, per_mille: int) -> None:
        """A price jumps; then only the waterfall acts."""
        self.casino.jump(market, per_mille)
        self.casino.quiet()

    @rule(seconds=st.sampled_from((1, 100, 500, 1_000)))
    def wait(self, seconds: int) -> None:
        """Time passes."""
        self.casino.quiet(seconds * 10**9)

    @invariant()
    def nobody_owes_for_ever(self) -> None:
        """An account that holds nothing owes nothing."""
        if hasattr(self, "casino"):
            for key, standing in self.casino.standings().items():
                held = self.casino.ctx.accounts.peek(key).positions.values()
                assert any(position.lots for position in held) or standing.equity >= 0, key.hex()


Waterfall.TestCase.settings = settings(max_examples=25, stateful_step_count=25, deadline=None)
TestWaterfall = Waterfall.TestCase


def test_a_long_crash() -> None:
    """LIQ-001 to LIQ-020: hundreds of blocks of trading and jumps: every step of the waterfall is seen."""
    seen: set[str] = set()
    for seed in range(5):
        casino = Casino(seed)
        for step in range(150):
            casino.run(casino.orders())
            if step % 3 == 0:
                casino.jump(casino.random.choice((BTC, ETH)), casino.random.choice(JUMPS))
            casino.quiet(casino.random.choice((1, 1, 400)) * 10**9)
        seen |= casino.seen
    wanted = {*TOUCHES, "auction_ended", "holder_reduced"}
    assert wanted <= seen, wanted - seen


def test_one_market_never_touches_the_fund_of_another() -> None:
    """LIQ-016: whatever breaks in BTC (a thin market pushed, as JELLY and POPCAT were), ETH's fund stays as it was."""
    casino = Casino(3)
    for _ in range(40):
        people = [(casino.random.choice(PEOPLE), casino.random.choice((1, 2))) for _ in range(6)]
        casino.run([casino.drivers[0].envelope(person, b.place(side, casino.marks[BTC] // 500 * 500, 20))
                    for person, side in people])
        casino.jump(BTC, casino.random.choice((-120, 120, 60, -60)))
        casino.quiet()
    fund = ledger.record(casino.drivers[0].reader, "funds", b"insurance/" + ETH.to_bytes(4, "big"))
    assert "account_reduced" in casino.seen and fund.balance_quanta == 20_000_000

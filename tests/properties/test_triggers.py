"""Triggers against a model that looks at every one of them at every price: none missed, none early, none twice."""

from dataclasses import dataclass, field

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from app.invariants import audit
from app.triggers import hooks
from novation.v1 import tx_pb2
from tests.helpers import builders as b
from tests.helpers.builders import ABOVE, ALICE, BELOW, BOB, BTC, CAROL, ETH, MARK_QUANTA, SELL, TICK_QUANTA
from tests.helpers.driver import BLOCK_TIME_NS, Driver

PEOPLE = {person.name: person for person in (ALICE, BOB, CAROL)}
FAR = {BTC: 60_000_000, ETH: 40_000_000}  # nobody bids there: an order that sells there does nothing
MOST_FIRED = 2

whos, markets = st.sampled_from(sorted(PEOPLE)), st.sampled_from((BTC, ETH))
moves = st.integers(-60, 60)
kinds = st.fixed_dictionaries({
    "way": st.sampled_from((ABOVE, BELOW)), "source": st.sampled_from((b.MARK, b.INDEX)), "away": st.integers(1, 90),
    "trail": st.sampled_from((0, 0, 16, 20, 48, 80)), "oco_id": st.sampled_from((0, 0, 0, 1, 2)),
    "life": st.sampled_from((0, 0, 0, 1, 3, 8))})


@dataclass
class Waiting:
    """A trigger as the model sees it: prices in ticks. `start` is the price when it was placed, `best` since then."""

    trigger_id: int
    who: str
    market: int
    source: int
    way: int
    level: int
    trail: int
    oco_id: int
    expires: int
    start: int = 0
    best: int = 0

    def rank(self) -> tuple[int, int, int, int, int]:
        """The order of firing among those that are reached together."""
        return self.market, self.source, self.way, self.level if self.way == ABOVE else -self.level, self.trigger_id

    def look(self, price: int) -> None:
        """A trailing trigger sees a price: its level is the best one's whole steps from where it began."""
        step = max(1, self.trail // 16)
        if self.trail and self.way == BELOW:
            self.best = max(self.best, price)
            self.level = self.start - self.trail + (self.best - self.start) // step * step
        elif self.trail:
            self.best = min(self.best, price)
            self.level = self.start + self.trail - (self.start - self.best) // step * step

    def reached(self, price: int) -> bool:
        """At the level or beyond."""
        return price >= self.level if self.way == ABOVE else price <= self.level


@dataclass
class Model:
    """All triggers in one list, and those that were reached in another."""

    prices: dict[int, int] = field(default_factory=dict)  # in ticks
    waiting: list[Waiting] = field(default_factory=list)
    due: list[Waiting] = field(default_factory=list)

    def begin(self, now: int) -> list[int]:
        """A block begins; the ids of what fires, in order."""
        for one in (self.waiting, self.due):
            one[:] = [trigger for trigger in one if not 0 < trigger.expires < now]
        for trigger in self.waiting:
            trigger.look(self.prices[trigger.market])
        reached = [trigger for trigger in self.waiting if trigger.reached(self.prices[trigger.market])]
        self.due += sorted(reached, key=Waiting.rank)
        self.waiting = [trigger for trigger in self.waiting if trigger not in reached]
        fired: list[int] = []
        while self.due and len(fired) < MOST_FIRED:
            first = self.due.pop(0)
            fired.append(first.trigger_id)
            if first.oco_id:
                for one in (self.waiting, self.due):
                    one[:] = [other for other in one if (other.who, other.oco_id) != (first.who, first.oco_id)]
        return fired

    def all(self) -> list[Waiting]:
        """Everything that has not fired."""
        return sorted(self.waiting + self.due, key=lambda trigger: trigger.trigger_id)


class TriggerMachine(RuleBasedStateMachine):
    """Two markets, three people; one action a block."""

    @initialize()
    def start(self) -> None:
        """A fresh chain, on which few triggers fire a block."""
        hooks.MAX_FIRED_A_BLOCK = MOST_FIRED
        self.driver = Driver(verify=lambda *_: True)
        self.driver.run([])
        self.model = Model({market: MARK_QUANTA[market] // TICK_QUANTA[market] for market in (BTC, ETH)})
        self.fired: list[int] = []

    def teardown(self) -> None:
        """As it was."""
        hooks.MAX_FIRED_A_BLOCK = 100

    def block(self, person: b.Person, *actions: tx_pb2.Action) -> list[tx_pb2.ActionResult]:
        """Run a block on both; what fires in it must be the same."""
        wanted = self.model.begin(self.driver.time_ns + BLOCK_TIME_NS)
        result = self.driver.run([self.driver.envelope(person, *actions)] if actions else [])
        fired = [event.trigger_fired for event in result.events if event.HasField("trigger_fired")]
        assert [event.trigger_id for event in fired] == wanted
        assert not any(event.code for event in fired)
        self.fired += wanted
        assert len(set(self.fired)) == len(self.fired)
        return list(result.txs[0].result.actions) if actions else []

    @rule(who=whos, market=markets, kind=kinds)
    def place(self, who: str, market: int, kind: dict[str, int]) -> None:
        """A trigger somewhere around the price."""
        tick, price, way = TICK_QUANTA[market], self.model.prices[market], kind["way"]
        level = 0 if kind["trail"] else price + (kind["away"] if way == ABOVE else -kind["away"])
        expires = kind["life"] and self.driver.time_ns + kind["life"] * BLOCK_TIME_NS
        (done,) = self.block(PEOPLE[who], b.trigger(
            way, level * tick, SELL, FAR[market], 1, market=market, source=kind["source"], trail=kind["trail"] * tick,
            oco_id=kind["oco_id"], expires=expires))
        if done.code:
            assert done.reason == "ORDER_GROUP" and kind["oco_id"]
            return
        trailing = price + kind["trail"] if way == ABOVE else price - kind["trail"]
        self.model.waiting.append(Waiting(
            done.order_id, who, market, kind["source"], way, level or trailing, kind["trail"], kind["oco_id"], expires,
            price, price))

    @rule(market=markets, by=moves)
    def move(self, market: int, by: int) -> None:
        """The mark moves by some ticks."""
        self.model.prices[market] += by
        self.driver.mark(self.model.prices[market] * TICK_QUANTA[market], market)
        self.block(ALICE)

    @rule(data=st.data())
    def cancel(self, data: st.DataObject) -> None:
        """One that waits, or that was reached and has not fired."""
        found = self.model.all()
        if found:
            chosen = data.draw(st.sampled_from(found))
            (done,) = self.block(PEOPLE[chosen.who], b.cancel_trigger(chosen.trigger_id))
            assert bool(done.code) == (chosen not in self.model.all())
            for one in (self.model.waiting, self.model.due):
                one[:] = [trigger for trigger in one if trigger is not chosen]

    @rule(blocks=st.integers(1, 3))
    def wait(self, blocks: int) -> None:
        """Blocks without transactions, the first run twice as after a crash."""
        self.driver.chain.finalize(self.driver.next_block([]))
        for _ in range(blocks):
            self.block(ALICE)

    @rule()
    def restart(self) -> None:
        """The index is made anew from the records."""
        self.driver.restart()

    @invariant()
    def same_state(self) -> None:
        """TRIG-004 to TRIG-009, INV-006: the same triggers at the same levels; memory is what the records say."""
        audit(self.driver.chain.ctx)
        stored = [(trigger.trigger_id, trigger.trigger_quanta // TICK_QUANTA[trigger.trigger_id >> 40])
                  for _, record in self.driver.chain.ctx.triggers.scan() for trigger in record.triggers.values()]
        assert sorted(stored) == [(trigger.trigger_id, trigger.level) for trigger in self.model.all()]


TriggerMachine.TestCase.settings = settings(max_examples=60, stateful_step_count=50, deadline=None)
TestTriggers = TriggerMachine.TestCase

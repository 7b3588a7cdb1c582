"""The limiter of withdrawals against a list of all that left, summed anew each time as fractions."""

from fractions import Fraction

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from app.invariants import audit
from tests.helpers import builders as b
from tests.helpers.builders import ALICE, CAROL
from tests.helpers.driver import GENESIS_TIME_NS, Driver

E9 = 10**9
HOUR, DAY = 3_600 * E9, 86_400 * E9


class Leaving(RuleBasedStateMachine):
    """BRK-014 to BRK-017: the room that the limiter leaves is the room that the list leaves, to the unit."""

    def __init__(self) -> None:
        super().__init__()
        self.left: list[tuple[int, int, int]] = []  # (time, amount, what the vault held)

    @initialize(hour=st.integers(1, 10_000), day=st.integers(1, 40_000), ppm=st.integers(0, 500))
    def start(self, hour: int, day: int, ppm: int) -> None:
        """A chain with these limits, an account a rich one."""
        self.terms = ((hour, ppm, HOUR), (day, 2 * ppm, DAY))
        genesis = b.genesis((ALICE, CAROL), cash_quanta=20_000_000, gas_price_e6=0, withdraw_hour_quanta=hour,
                            withdraw_hour_ppm=ppm, withdraw_day_quanta=day, withdraw_day_ppm=2 * ppm)
        self.driver = Driver(genesis, verify=lambda *_: True)

    def room(self, time_ns: int) -> int:
        """What the list says may leave now."""
        held = 40_000_000 - sum(amount for _, amount, _ in self.left)
        rooms = []
        for most, ppm, window in self.terms:
            level, last = Fraction(0), GENESIS_TIME_NS
            for then, amount, holding in self.left:
                limit = max(most, holding * ppm // 10**6)
                level = max(Fraction(0), level - Fraction(limit * (then - last), window)) + amount
                last = then
            limit = max(most, held * ppm // 10**6)
            level = max(Fraction(0), level - Fraction(limit * (time_ns - last), window))
            rooms.append(max(0, (limit - level).__floor__()))
        return min(rooms)

    @rule(step_s=st.sampled_from((1, 60, 777, 3_600, 40_000)), share=st.integers(0, 1_300), restart=st.booleans())
    def take(self, step_s: int, share: int, restart: bool) -> None:
        """Some time passes and somebody asks for a part of what fits, or a little more."""
        if restart:
            self.driver.restart()
        time_ns = self.driver.time_ns + step_s * E9
        room = self.room(time_ns)
        amount = max(1, room * share // 1_000)
        held = 40_000_000 - sum(one for _, one, _ in self.left)
        txs = [self.driver.envelope(ALICE if share % 2 else CAROL, b.withdraw(amount))]
        self.driver.chain.finalize(self.driver.next_block(txs, step_s * E9))
        done = self.driver.run(txs, step_s * E9).txs[0].result.actions[0]
        assert (done.reason == "") == (amount <= room), (amount, room)
        if done.reason:
            ready = {one.key: one.value for one in done.metadata}["try_again_ns"]
            assert ready == "0" or int(ready) > time_ns
        else:
            self.left.append((time_ns, amount, held))

    @invariant()
    def no_window_lets_more_than_twice_the_limit_out(self) -> None:
        """Whatever the hour or the day one looks at."""
        for first, (start, _, _) in enumerate(self.left):
            for most, ppm, window in self.terms:
                sums = [amount for then, amount, _ in self.left[first:] if then < start + window]
                assert sum(sums) <= 2 * max(most, 40_000_000 * ppm // 10**6)

    def teardown(self) -> None:
        """Nothing was lost."""
        if hasattr(self, "driver") and self.driver.height:
            audit(self.driver.chain.ctx)


Leaving.TestCase.settings = settings(max_examples=40, stateful_step_count=25, deadline=None)
TestLeaving = Leaving.TestCase

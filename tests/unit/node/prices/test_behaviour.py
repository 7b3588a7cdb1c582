"""Noise, lies and silence of test networks, and the smile that they may carry."""

from decimal import Decimal
from itertools import pairwise

import pytest

from app.surface.rules import butterfly_free, calendar_free, convex_slice
from node.prices.behaviour import FACTORS, LIE_NS, behaviour
from node.prices.observation import Observation, Pillar
from node.prices.smile import LOG_MONEYNESS, YEAR_NS, smile

SEEN = Observation(1_000, {"BTC/USD": Decimal(46_000), "ETH/USD": Decimal(3_700)},
                   {"BTC/USD": (Pillar(2_000, Decimal(1), (Decimal("0.01"),) * 7),)})


def at(time_ns: int) -> Observation:
    return Observation(time_ns, SEEN.prices, SEEN.pillars)


def test_noise_is_small_and_differs_by_node_and_moment() -> None:
    one, other = behaviour("honest", 500, 1), behaviour("honest", 500, 2)
    said = [one(at(moment)).prices["BTC/USD"] for moment in range(1, 200)]
    assert all(abs(price - 46_000) <= 23 for price in said)
    assert max(said) - min(said) > 30
    assert one(SEEN) == one(SEEN) != other(SEEN)
    assert behaviour("honest", 0, 1)(SEEN) is SEEN


def test_a_liar_is_wrong_at_every_feed_in_every_way() -> None:
    lie = behaviour("liar", 500, 1)
    factors = set()
    for moment in range(1, 200):
        said = lie(at(moment * LIE_NS // 3))
        factors |= {said.prices[symbol] / SEEN.prices[symbol] for symbol in SEEN.prices}
    assert factors == set(FACTORS)
    assert 1 not in factors
    assert lie(SEEN) == behaviour("liar", 0, 7)(SEEN), "all liars tell the same lie"
    assert lie(SEEN).pillars["BTC/USD"][0].variances == (Decimal("0.04"),) * 7


def test_a_silent_one_says_nothing() -> None:
    assert behaviour("silent", 0, 0)(SEEN) is None


def test_there_are_no_others() -> None:
    with pytest.raises(ValueError, match="honest, liar, silent"):
        behaviour("shy", 0, 0)


def test_the_smile_is_what_its_volatility_says_and_free_of_arbitrage() -> None:
    near, far = YEAR_NS // 12, YEAR_NS
    first, second = smile("1", Decimal("0.6"), [far, near], 0)
    assert (first.expiry_ns, second.expiry_ns) == (near, far)
    assert second.variances[LOG_MONEYNESS.index(0.0)] == Decimal("0.36")
    for pillar in (first, second):
        points = list(zip(LOG_MONEYNESS, map(float, pillar.variances), strict=True))
        slopes = [(after[1] - before[1]) / (after[0] - before[0]) for before, after in pairwise(points)]
        assert slopes == sorted(slopes), "it smiles"
        assert slopes[0] < 0
    assert all(early < late for early, late in zip(first.variances, second.variances, strict=True)), "calendar"
    assert smile("1", Decimal("0.6"), [far, near], 0) == (first, second)
    assert smile("2", Decimal("0.6"), [far, near], 0) != (first, second)


@pytest.mark.parametrize("percent", [20, 60, 150, 200, 500])
def test_no_seed_makes_an_arbitrage(percent: int) -> None:
    """SURF-005, SURF-006, by the chain's own checks: from a second to two years, rounding included."""
    seconds = [1, 61, 121, 600, 3_600, *(86_400 * days for days in (1, 2, 7, 14, 30, 91, 182, 365, 730))]
    for seed in range(60):
        pillars = smile(f"{seed}/BTC/USD", Decimal(percent) / 100, [one * 10**9 for one in seconds], 0)
        slices = [convex_slice([int(one.scaleb(9)) for one in pillar.variances]) for pillar in pillars]
        assert all(map(butterfly_free, slices)), seed
        assert all(calendar_free(early, late) for early, late in pairwise(slices)), seed


def test_an_expiry_that_has_passed_has_no_pillar() -> None:
    assert smile("1", Decimal("0.6"), [1_000], 1_000) == ()
    assert len(smile("1", Decimal("0.6"), [1_000], 999)) == 1

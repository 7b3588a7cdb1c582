"""Votes against liars: whatever validators with less than a third of the power say, alone or together, at every feed,
and whoever else is silent, a price stays among those that honest ones saw, and moves no faster than it may.

The median is checked against one that gives every unit of power a vote of its own.
"""

from collections.abc import Sequence
from fractions import Fraction
from itertools import count

from hypothesis import event, given, settings
from hypothesis import strategies as st

from app.chain import Chain
from app.limits import MAX_FEED_PRICE, MAX_PILLAR_E9, MAX_TOTAL_POWER
from app.oracle.hooks import medians_of
from app.oracle.rules import FRESH, JUMPING, STALE, THIN, WARMING
from app.oracle.types import Feed, Pillar, Reported, Vote, Votes
from tests.helpers import builders as b
from tests.helpers.builders import BTC, ETH, MARK_QUANTA
from tests.helpers.driver import GENESIS_TIME_NS, Driver
from tests.helpers.votes import Voters, prices

S = 10**9
FEEDS = (BTC, ETH)
HONEST, LIAR, SILENT = "honest", "liar", "silent"
STEPS = (0, 1, S // 2, S, 7 * S, 60 * S)


class Council:
    """Validators by place in the set, and what each of them is."""

    def __init__(self, powers: Sequence[int], roles: Sequence[str]) -> None:
        self.voters = Voters([f"councillor {place}" for place in range(len(powers))], powers)
        role_of = dict(zip(self.voters.keys, roles, strict=True))
        self.roles = [role_of[one.public_key] for one in self.voters.order]
        self.powers = [one.power for one in self.voters.order]
        self.total = sum(powers)

    def power(self, *roles: str) -> int:
        """That of all who are one of these."""
        return sum(power for power, role in zip(self.powers, self.roles, strict=True) if role in roles)

    def places(self, *roles: str) -> list[int]:
        """Who is one of these."""
        return [place for place, role in enumerate(self.roles) if role in roles]


@st.composite
def powers_of(draw: st.DrawFn) -> list[int]:
    """Equal ones, small ones, one mighty, and such as reach the bound of all together."""
    size = draw(st.integers(1, 12))
    most = MAX_TOTAL_POWER // size
    one = draw(st.sampled_from([st.just(1), st.integers(1, 4), st.integers(1, most), st.integers(most - 3, most)]))
    return draw(st.lists(one, min_size=size, max_size=size))


@st.composite
def councils(draw: st.DrawFn) -> Council:
    """As many liars as have less than a third, then as many silent ones as leave a quorum."""
    powers = draw(powers_of())
    roles, total = [HONEST] * len(powers), sum(powers)
    for role in (LIAR, SILENT):
        spent = 0
        for place in draw(st.permutations(range(len(powers)))):
            if roles[place] == HONEST and 3 * (spent + powers[place]) < total and draw(st.booleans()):
                roles[place], spent = role, spent + powers[place]
    return Council(powers, roles)


def any_price() -> st.SearchStrategy[int]:
    """What a liar may say: the ends, or anything."""
    return st.sampled_from([1, 2, MAX_FEED_PRICE - 1, MAX_FEED_PRICE]) | st.integers(1, MAX_FEED_PRICE)


@st.composite
def honest_votes(draw: st.DrawFn, council: Council) -> dict[int, Vote]:
    """Each sees every feed, a little apart: by nothing, or up to a few percent."""
    middle = {feed: draw(st.integers(1, MAX_FEED_PRICE // 2)) for feed in FEEDS}
    spread = draw(st.sampled_from([0, 1, 1_000, 50_000]))
    return {
        place: prices({feed: max(1, at + at * draw(st.integers(-spread, spread)) // 10**6)
                       for feed, at in middle.items()})
        for place in council.places(HONEST)
    }


@st.composite
def lies(draw: st.DrawFn, council: Council) -> dict[int, Vote]:
    """All the same lie, or each its own; about known feeds, others, or none; one may be silent too."""
    together = draw(st.none() | st.builds(lambda x, y: prices({BTC: x, ETH: y}), any_price(), any_price()))
    own = st.dictionaries(st.sampled_from([*FEEDS, 3, 99]), any_price(), max_size=4).map(prices)
    return {place: together or draw(own) for place in council.places(LIAR)}


def plain_median(cast: Sequence[tuple[int, int]]) -> int:
    """Each unit of power votes by itself; of an even number the lower middle."""
    units = sorted(price for price, power in cast for _ in range(power))
    return units[(len(units) - 1) // 2]


def votes_on(council: Council, votes: dict[int, Vote], feed: int) -> dict[int, int]:
    """Who votes what on a feed."""
    return {place: dict(zip(vote.feeds, vote.prices, strict=True))[feed]
            for place, vote in votes.items() if feed in vote.feeds}


def counted(council: Council, votes: dict[int, Vote]) -> Votes:
    """The votes as a block would bring them."""
    order = council.voters.order
    cast = [Reported(order[place].address, order[place].power, vote) for place, vote in votes.items()]
    return Votes(council.total, tuple(one.address for one in order), cast)


@given(st.data())
@settings(max_examples=150)
def test_a_median_is_among_the_honest_and_as_counted_by_units(data: st.DataObject) -> None:
    """ORCL-004: random stakes, spreads and lies; with a quorum each price lies among those that honest voters of it
    gave, without one there is none; small powers are counted one by one; the order of votes does not matter, nor their
    unit.
    """
    council = data.draw(councils())
    votes = data.draw(honest_votes(council)) | data.draw(lies(council))
    medians = medians_of(counted(council, votes))
    for feed in (*FEEDS, 3, 99):
        seen = votes_on(council, votes, feed)
        power = sum(council.powers[place] for place in seen)
        assert (feed in medians) == (3 * power > 2 * council.total)
        if feed in medians:
            honest = [price for place, price in seen.items() if council.roles[place] == HONEST]
            assert min(honest) <= medians[feed] <= max(honest)
            if power <= 1_000:
                assert medians[feed] == plain_median([(price, council.powers[place]) for place, price in seen.items()])
    event(f"{len(council.places(LIAR))} liars, {len(medians)} medians")
    shuffled = dict(data.draw(st.permutations(list(votes.items()))))
    assert medians_of(counted(council, shuffled)) == medians
    times = data.draw(st.integers(2, 9))
    plain = counted(council, votes)
    larger = [row._replace(power=row.power * times) for row in plain.cast]
    assert medians_of(Votes(plain.total * times, plain.present, larger)) == medians


@given(st.data())
@settings(max_examples=80)
def test_the_price_of_a_block_is_among_the_honest(data: st.DataObject) -> None:
    """ORCL-003, ORCL-004: the same through a block: whichever quorum of the votes a proposer picks, in whichever order
    it was told of them, it is one record, everybody accepts it, and the price lies in the honest spread.
    """
    council = data.draw(councils())
    driver = Driver(b.genesis(), voters=council.voters)
    driver.run([])
    votes = data.draw(honest_votes(council)) | data.draw(lies(council))
    picked = dict(data.draw(st.permutations(list(votes.items()))))
    power = sum(council.powers[place] for place in picked)
    for place in list(picked):
        left = power - council.powers[place]
        if 3 * left > 2 * council.total and data.draw(st.booleans()):
            power = left
            del picked[place]
    signed = [council.voters.sign(place, vote, driver.height) for place, vote in picked.items()]
    (record,) = driver.chain.prepare((), 10**6, council.voters.told_commit(signed))
    assert record == council.voters.record(driver.height, picked)
    assert Chain(driver.reader).process([record], 0) == ""
    driver.record = lambda: [record]  # type: ignore[method-assign]
    driver.run([])
    for feed in FEEDS:
        now, seen = feed_of(driver, feed), votes_on(council, picked, feed)
        if 3 * sum(council.powers[place] for place in seen) > 2 * council.total:
            honest = [price for place, price in seen.items() if council.roles[place] == HONEST]
            assert min(honest) <= now.median <= max(honest)
            assert (now.price == now.median) == (now.validity == FRESH), "on its way there as fast as it may"
        else:
            assert (now.price, now.validity) == (MARK_QUANTA[feed], THIN)


def feed_of(driver: Driver, feed: int) -> Feed:
    """A feed's record."""
    found = driver.chain.view.feeds.get(feed)
    assert isinstance(found, Feed)
    return found


@given(st.data())
@settings(max_examples=60)
def test_a_price_moves_no_faster_than_it_may(data: st.DataObject) -> None:
    """ORCL-005: all validators lie together, as they like, block after block: each step stays within the greatest move
    of the time since the last price, whoever votes; and what was cut off is jumping (ORCL-006).
    """
    move, a_second = data.draw(st.sampled_from([(1, 0), (10_000, 5_000), (50_000, 0), (10**9, 10**9)]))
    driver = Driver(b.genesis(feeds={BTC: {"move_ppm": move, "move_ppm_a_second": a_second}}), voters=Voters(("a",)))
    driver.run([])
    for said in data.draw(st.lists(any_price(), min_size=1, max_size=5)):
        before, step_ns = feed_of(driver, BTC), data.draw(st.sampled_from(STEPS))
        driver.mark(said)
        driver.run([], step_ns)
        most = 1 + Fraction(move + Fraction(a_second * (driver.time_ns - before.voted_ns), S), 10**6)
        now = feed_of(driver, BTC)
        assert before.price / most <= now.price <= before.price * most
        assert now.median == said and (now.price == said or now.validity == JUMPING)
        assert now.price == said or abs(now.price - said) < abs(before.price - said) or before.price == now.price


@given(st.data())
@settings(max_examples=60)
def test_without_a_quorum_the_price_stays_and_says_so(data: st.DataObject) -> None:
    """ORCL-004, ORCL-006: a third or more say nothing of a feed, block after block: what the others say changes
    nothing; the price is thin, then stale; the other feed goes on; who speaks again warms it up.
    """
    powers = data.draw(powers_of())
    mute: set[int] = set()
    council = Council(powers, [HONEST] * len(powers))
    for place in data.draw(st.permutations(range(len(powers)))):
        if 3 * sum(council.powers[one] for one in mute) < council.total:
            mute.add(place)
    driver = Driver(b.genesis(feeds={BTC: {"max_age_ns": 5 * S, "warm_up_ns": 3 * S}}), voters=council.voters)
    driver.run([])
    eth = count(MARK_QUANTA[ETH])
    for _ in range(data.draw(st.integers(1, 9))):
        said, seen = data.draw(any_price()), next(eth)
        votes = {place: prices({ETH: seen} if place in mute else {BTC: said, ETH: seen})
                 for place in range(len(powers))}
        driver.record = lambda votes=votes: [council.voters.record(driver.height, votes)]  # type: ignore[method-assign]
        driver.run([], data.draw(st.sampled_from((S // 2, S, 2 * S))))
        age = driver.time_ns - GENESIS_TIME_NS  # the price of genesis is the last one
        assert feed_of(driver, BTC).price == MARK_QUANTA[BTC]
        assert feed_of(driver, BTC).validity == (STALE if age > 5 * S else THIN)
        assert (feed_of(driver, ETH).price, feed_of(driver, ETH).validity) == (seen, FRESH)
    del driver.record
    stale = feed_of(driver, BTC).validity == STALE
    driver.mark(MARK_QUANTA[BTC] + 5)
    driver.run([], 0)
    assert feed_of(driver, BTC).price == MARK_QUANTA[BTC] + 5
    assert feed_of(driver, BTC).validity == (WARMING if stale else FRESH)


@given(st.data())
@settings(max_examples=40)
def test_volatility_is_among_the_honest(data: st.DataObject) -> None:
    """ORCL-009: of a pillar on which a quorum voted, forward and each variance lie in the honest spread, alone."""
    council = data.draw(councils())
    driver = Driver(b.genesis(), voters=council.voters)
    driver.run([])
    expiry = driver.time_ns // S + 60
    number = st.sampled_from([1, MAX_PILLAR_E9]) | st.integers(1, MAX_PILLAR_E9)
    seen = {place: data.draw(st.tuples(*[number if council.roles[place] == LIAR else st.integers(900, 1_100)] * 8))
            for place in council.places(HONEST, LIAR)}
    votes = {place: Vote((), (), (Pillar(BTC, expiry, row[0], row[1:]),)) for place, row in seen.items()}
    driver.record = lambda: [council.voters.record(driver.height, votes)]  # type: ignore[method-assign]
    driver.run([])
    ((_, forward, variances, _),) = driver.chain.view.surfaces.get(BTC).pillars
    for at, value in enumerate((forward, *variances)):
        honest = [seen[place][at] for place in council.places(HONEST)]
        assert min(honest) <= value <= max(honest)

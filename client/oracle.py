"""What the oracle says, in decimals: feeds, the votes behind them, who takes part, prices of markets as they change.

    oracle = await client.oracle()
    for feed in oracle.feeds:
        print(feed.symbol, feed.price, feed.validity, feed.bars)
    for voter in (await client.votes()).voters:
        print(voter.address.hex(), voter.kind, [(one.symbol, one.price, one.deviation) for one in voter.prices])

    async for price in client.watch_prices("BTC-PERP"):
        print(price.mark, price.index, price.validity)
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from client.errors import BadSymbol
from client.streams import resume
from novation.v1 import oracle_service_pb2 as oracle_service
from novation.v1 import state_pb2

if TYPE_CHECKING:
    from client.results import MarketInfo

PPM = 1_000_000


def word(enum: Any, value: int) -> str:
    """The name of an enum's value without what all of them begin with: FEED_VALIDITY_STALE is stale."""
    common = enum.DESCRIPTOR.values[0].name.removesuffix("UNSPECIFIED")
    return str(enum.Name(value)).removeprefix(common).lower()


def words(enum: Any, values: Any) -> tuple[str, ...]:
    """`word` of each."""
    return tuple(word(enum, value) for value in values)


@dataclass(slots=True, frozen=True)
class Turnout:
    """The power behind a block's record of votes. `refused` says why a record brought no prices, else it is empty."""

    validators: int
    total_power: int
    quorum_power: int  # the least that is a quorum
    voters: int
    voted_power: int
    refused: str

    @property
    def share(self) -> Decimal:
        """Of the power, what voted."""
        return Decimal(self.voted_power) / self.total_power


@dataclass(slots=True, frozen=True)
class FeedVotes:
    """The votes on one feed in a block. `lowest` and `highest` are of those that did not deviate, 0 without any."""

    symbol: str
    votes: int
    power: int
    counted: bool  # that power is a quorum
    median: Decimal  # 0 if it is not
    deviating: int  # votes far from the median
    lowest: Decimal
    highest: Decimal

    @property
    def spread(self) -> Decimal | None:
        """How far those that did not deviate lie apart, as a share of the median; None without one."""
        return (self.highest - self.lowest) / self.median if self.counted else None


@dataclass(slots=True, frozen=True)
class FeedMarket:
    """A market that uses a feed; `bars` is what may not rely on its price now."""

    market: int
    symbol: str
    bars: tuple[str, ...]


@dataclass(slots=True, frozen=True)
class Feed:
    """A feed at a height. Shares are of 1; `votes` is None when the gateway does not hold the last block."""

    feed: int
    symbol: str
    price: Decimal
    median: Decimal  # the last one as it was voted
    age_seconds: Decimal
    validity: str
    bars: tuple[str, ...]  # what its validity bars
    warm_at_ns: int  # when it counts as warm after it was stale
    most_move: Decimal  # how far a block of this time could move it
    max_age_seconds: Decimal
    markets: tuple[FeedMarket, ...]
    votes: FeedVotes | None


@dataclass(slots=True, frozen=True)
class Oracle:
    """All feeds, and who voted in the last block."""

    height: int
    time_ns: int
    feeds: tuple[Feed, ...]
    turnout: Turnout | None


@dataclass(slots=True, frozen=True)
class VotedPrice:
    """One price of a vote; `deviation` from the median is a share of it, None when no quorum voted on the feed. One
    that `deviates` lies farther from it than the chain takes for honest.
    """

    symbol: str
    price: Decimal
    deviation: Decimal | None
    deviates: bool


@dataclass(slots=True, frozen=True)
class Voter:
    """A validator and its vote: `kind` is "prices", "silent" (a vote without prices) or "absent"."""

    address: bytes
    power: int
    place: int
    kind: str
    prices: tuple[VotedPrice, ...]
    pillars: int


@dataclass(slots=True, frozen=True)
class Votes:
    """Who voted what in the record of a block. The first block has none: `turnout` is None."""

    height: int
    time_ns: int
    round: int
    turnout: Turnout | None
    voters: tuple[Voter, ...]
    feeds: tuple[FeedVotes, ...]


@dataclass(slots=True, frozen=True)
class Reporter:
    """A validator of the set in force, and how it took part so far."""

    address: bytes
    public_key: bytes
    power: int
    share: Decimal  # of all power
    blocks: int  # in which its vote could have been
    votes: int  # and was, with prices
    prices: int  # of these votes, that met a median
    deviations: int  # of those, far from it


@dataclass(slots=True, frozen=True)
class Pillar:
    """Voted volatility up to one expiry: the forward over the price, total variances at the points of the surface."""

    expiry_s: int
    forward: Decimal
    variances: tuple[Decimal, ...]
    voted_ns: int


@dataclass(slots=True, frozen=True)
class Surface:
    """Voted volatility of a feed, ascending by expiry."""

    symbol: str
    pillars: tuple[Pillar, ...]


@dataclass(slots=True, frozen=True)
class MarketPrice:
    """Mark and index of a market, in USD a unit of base, and how far they can be trusted."""

    market: int
    symbol: str
    mark: Decimal
    index: Decimal
    validity: str
    height: int
    time_ns: int


def seconds(time_ns: int) -> Decimal:
    """Nanoseconds as seconds."""
    return Decimal(time_ns).scaleb(-9)


def oracle_from(response: oracle_service.GetFeedsResponse) -> Oracle:
    """What GetFeeds says."""
    return Oracle(response.height, response.time_ns, tuple(map(_feed, response.feeds)),
                  _turnout(response.turnout) if response.HasField("turnout") else None)


def _feed(one: oracle_service.FeedSummary) -> Feed:
    record = one.feed
    return Feed(
        feed=record.feed, symbol=record.symbol, price=Decimal(record.price).scaleb(-record.decimals),
        median=Decimal(record.median).scaleb(-record.decimals), age_seconds=seconds(one.age_ns),
        validity=word(state_pb2.FeedValidity, record.validity), bars=words(state_pb2.PriceUse, one.bars),
        warm_at_ns=record.warm_from_ns + record.warm_up_ns if record.warm_from_ns else 0,
        most_move=Decimal(one.most_move_ppm) / PPM, max_age_seconds=seconds(record.max_age_ns),
        markets=tuple(FeedMarket(market.market, market.symbol, words(state_pb2.PriceUse, market.bars))
                      for market in one.markets),
        votes=_feed_votes(one.votes) if one.HasField("votes") else None)


def _turnout(one: oracle_service.Turnout) -> Turnout:
    return Turnout(one.validators, one.total_power, one.quorum_power, one.voters, one.voted_power, one.refused)


def _feed_votes(one: oracle_service.FeedVotes) -> FeedVotes:
    def price(units: int) -> Decimal:
        return Decimal(units).scaleb(-one.decimals)

    return FeedVotes(one.symbol, one.votes, one.power, one.counted, price(one.median), one.deviating,
                     price(one.lowest), price(one.highest))


def votes_from(response: oracle_service.GetVotesResponse) -> Votes:
    """What GetVotes says."""
    feeds = {one.feed: one for one in response.feeds}
    return Votes(
        response.block_height, response.block_time_ns, response.round,
        _turnout(response.turnout) if response.has_record else None,
        tuple(_voter(one, feeds) for one in response.voters), tuple(map(_feed_votes, response.feeds)))


def _voter(one: oracle_service.VoterSummary, feeds: dict[int, oracle_service.FeedVotes]) -> Voter:
    prices = tuple(_voted(feeds[feed], price, ppm)
                   for feed, price, ppm in zip(one.feeds, one.prices, one.deviations_ppm, strict=True))
    return Voter(one.address, one.power, one.place, word(oracle_service.VoteKind, one.kind), prices, one.pillars)


def _voted(feed: oracle_service.FeedVotes, price: int, deviation_ppm: int) -> VotedPrice:
    return VotedPrice(feed.symbol, Decimal(price).scaleb(-feed.decimals),
                      Decimal(deviation_ppm) / PPM if feed.counted else None,
                      feed.counted and not feed.lowest <= price <= feed.highest)


def reporters_from(response: oracle_service.GetReportersResponse) -> list[Reporter]:
    """What GetReporters says."""
    return [Reporter(one.address, one.public_key, one.power, Decimal(one.power) / response.total_power, one.blocks,
                     one.votes, one.prices, one.deviations) for one in response.reporters]


def surface_from(one: oracle_service.FeedSurface) -> Surface:
    """One surface of GetSurface."""
    return Surface(one.symbol, tuple(
        Pillar(pillar.expiry_s, Decimal(pillar.forward_e9).scaleb(-9),
               tuple(Decimal(variance).scaleb(-9) for variance in pillar.variances_e9), pillar.voted_ns)
        for pillar in one.pillars))


async def market_prices(open_call: Callable[[], Any],
                        find: Callable[[int], Awaitable[MarketInfo]]) -> AsyncIterator[MarketPrice]:
    """All prices at first and after a hole, then each that a block changed; none of a market that is gone already."""
    async for message in resume(lambda _: open_call()):
        for one in (*message.snapshot.prices, *message.changed.prices):
            try:
                info = await find(one.market)
            except BadSymbol:
                continue
            yield MarketPrice(info.market, info.symbol, info.units.price(one.mark_quanta),
                              info.units.price(one.index_quanta), word(state_pb2.FeedValidity, one.validity),
                              message.height, message.time_ns)

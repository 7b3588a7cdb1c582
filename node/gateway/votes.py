"""Who voted what: the record of votes that a block begins with, read by the chain's own code when somebody asks."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

from app.kernel.integers import PPM
from app.oracle import rules
from app.oracle.checks import Voters, votes_of
from app.oracle.hooks import DEVIATION_PPM, medians_of
from app.oracle.record import Record, decode_record
from app.oracle.types import Feed, Vote
from app.validators.types import Validator
from novation.v1 import feed_pb2
from novation.v1 import oracle_service_pb2 as oracle_service

MOST = (1 << 63) - 1  # of a field; a lie may be farther from the median


@dataclass(slots=True, frozen=True)
class BlockVotes:
    """What a block's record says, as clients see it: the whole set in its order, and each feed that the chain knows."""

    round: int
    turnout: oracle_service.Turnout
    voters: list[oracle_service.VoterSummary]
    feeds: dict[int, oracle_service.FeedVotes]


def read_votes(block: feed_pb2.CommittedBlock, voters: Voters, feeds: Sequence[Feed]) -> BlockVotes:
    """The votes of a block's record by the set of the height before. Of a refused record nothing is shown but why."""
    result = block.votes_result
    if result.code:
        return _summaries(Record(0, ()), voters, feeds, next((one.value for one in result.metadata), result.reason))
    record = decode_record(block.votes)
    if record is None:
        raise ValueError(f"block {block.height}: the engine took a record that cannot be read")
    return _summaries(record, voters, feeds)


def _summaries(record: Record, voters: Voters, feeds: Sequence[Feed], refused: str = "") -> BlockVotes:
    rows, total = voters.validators.validators, voters.validators.power
    cast = {one.place: one.vote for one in record.votes}
    votes = votes_of(record, voters)
    medians = medians_of(votes) if votes else {}
    turnout = oracle_service.Turnout(
        validators=len(rows), total_power=total, quorum_power=2 * total // 3 + 1, voters=len(cast),
        voted_power=sum(rows[place].power for place in cast), refused=refused)
    ballots: dict[int, list[tuple[int, int]]] = {feed.feed: [] for feed in feeds}
    for place, vote in cast.items():
        for feed, price in zip(vote.feeds, vote.prices, strict=True):
            if feed in ballots:
                ballots[feed].append((price, rows[place].power))
    return BlockVotes(
        record.round, turnout, [_voter(place, row, cast.get(place), medians, ballots.keys())
                                for place, row in enumerate(rows)],
        {feed.feed: _of_feed(feed, ballots[feed.feed], medians.get(feed.feed, 0)) for feed in feeds})


def _of_feed(feed: Feed, ballots: list[tuple[int, int]], median: int) -> oracle_service.FeedVotes:
    """ORCL-004, ORCL-008: the (price, power) on one feed; median 0: no quorum."""
    least, most = rules.near(median, DEVIATION_PPM)
    near = [price for price, _ in ballots if least <= price <= most]
    return oracle_service.FeedVotes(
        feed=feed.feed, symbol=feed.symbol, decimals=feed.decimals, votes=len(ballots),
        power=sum(power for _, power in ballots), counted=median > 0, median=median,
        deviating=len(ballots) - len(near), lowest=min(near, default=0), highest=max(near, default=0))


def _voter(place: int, row: Validator, vote: Vote | None, medians: Mapping[int, int],
           feeds: Collection[int]) -> oracle_service.VoterSummary:
    kind = (oracle_service.VOTE_KIND_ABSENT if vote is None else
            oracle_service.VOTE_KIND_PRICES if vote.prices else oracle_service.VOTE_KIND_SILENT)
    vote = vote or Vote()
    known = [(feed, price) for feed, price in zip(vote.feeds, vote.prices, strict=True) if feed in feeds]
    return oracle_service.VoterSummary(
        address=row.address, power=row.power, place=place, kind=kind, pillars=len(vote.pillars),
        feeds=[feed for feed, _ in known], prices=[price for _, price in known],
        deviations_ppm=[deviation_ppm(price, medians.get(feed, 0)) for feed, price in known])


def deviation_ppm(price: int, median: int) -> int:
    """How far a price lies from the median, rounded down; 0 without a median."""
    return min((price - median) * PPM // median, MOST) if median else 0

"""The record of the votes of one height: transaction 0 of the block after it.

It begins with a byte 0, as no envelope does. Each ballot is written beside those before it, so that a hundred votes
that hardly differ take less room than alone; the extensions that were signed are made from it again, byte by byte.
"""

from collections.abc import Sequence
from operator import add, sub
from typing import NamedTuple

from google.protobuf.message import DecodeError

from app.kernel.signatures import SIGNATURE_BYTES
from app.limits import MAX_EXTENSION_BYTES, MAX_FEEDS, MAX_VALIDATORS
from app.oracle.types import Vote
from app.oracle.votes import feeds_fit, from_gaps, gaps, pillar_messages, pillars_of, prices_fit, well_formed
from novation.v1 import oracle_pb2

MARK = b"\x00"
# A price of one byte takes up to eight as the distance from another: whatever well-formed votes say, a record holds
# them, or liars could make one that nobody accepts.
MAX_RECORD_BYTES = MAX_VALIDATORS * (MAX_EXTENSION_BYTES + 8 * MAX_FEEDS + SIGNATURE_BYTES + 32)


class Signed(NamedTuple):
    """A vote, the place of who cast it in the validator set (from 0), and the signature of its extension."""

    place: int
    vote: Vote
    signature: bytes


class Record(NamedTuple):
    """What a record says: the round that decided, and votes ascending by place."""

    round: int
    votes: tuple[Signed, ...]


def split_record(txs: Sequence[bytes]) -> tuple[bytes | None, list[bytes]]:
    """(the record, the envelopes) of a block's transactions; a record stands first or nowhere."""
    if txs and txs[0][:1] == MARK:
        return txs[0], list(txs[1:])
    return None, list(txs)


def encode_record(record: Record) -> bytes:
    """ORCL-003: the one encoding of a record."""
    message = oracle_pb2.VoteRecord(
        round=record.round,
        voter_gaps=gaps([signed.place + 1 for signed in record.votes]),
        signatures=b"".join(signed.signature for signed in record.votes),
    )
    last = LastPrices()
    for _, vote, _ in record.votes:
        same = vote.feeds == last.feeds
        message.ballots.add(
            same_feeds=same,
            feed_gaps=() if same else gaps(vote.feeds),
            price_moves=map(sub, vote.prices, last.of(vote.feeds)),
            pillars=pillar_messages(vote.pillars),
        )
        last.take(vote.feeds, vote.prices)
    return MARK + message.SerializeToString(deterministic=True)


def decode_record(data: bytes) -> Record | None:
    """ORCL-003: the record, or None when it is not the one encoding of well-formed votes. Never raises."""
    if len(data) > MAX_RECORD_BYTES or data[:1] != MARK:
        return None
    try:
        message = oracle_pb2.VoteRecord.FromString(data[1:])
    except DecodeError:
        return None
    message.DiscardUnknownFields()
    if message.SerializeToString(deterministic=True) != data[1:]:
        return None
    places = from_gaps(message.voter_gaps)
    voters, size = len(places), SIGNATURE_BYTES
    if len(message.ballots) != voters or len(message.signatures) != size * voters or voters > MAX_VALIDATORS:
        return None
    votes = _votes_of(message.ballots)
    if votes is None or 0 in message.voter_gaps:
        return None
    signatures = [message.signatures[size * place : size * place + size] for place in range(voters)]
    return Record(message.round, tuple(map(Signed, [place - 1 for place in places], votes, signatures)))


def _votes_of(ballots: Sequence[oracle_pb2.Ballot]) -> list[Vote] | None:
    votes: list[Vote] = []
    last = LastPrices()
    for ballot in ballots:
        feeds = last.feeds
        if not ballot.same_feeds:
            feeds = from_gaps(ballot.feed_gaps)
            if feeds == last.feeds or not feeds_fit(feeds):
                return None
        elif ballot.feed_gaps:
            return None
        prices = tuple(map(add, ballot.price_moves, last.of(feeds)))
        if len(ballot.price_moves) != len(feeds) or not prices_fit(feeds, prices):
            return None
        vote = Vote(feeds, prices, pillars_of(ballot.pillars))
        if vote.pillars and not well_formed(vote):
            return None
        votes.append(vote)
        last.take(feeds, prices)
    return votes


class LastPrices:
    """While a record is read or written: the feeds of the last ballot, and the last price of every feed so far."""

    def __init__(self) -> None:
        self.feeds: tuple[int, ...] = ()
        self.prices: tuple[int, ...] = ()
        self.others: dict[int, int] = {}

    def of(self, feeds: tuple[int, ...]) -> Sequence[int]:
        """The last price of each of these feeds, 0 where there was none."""
        if feeds == self.feeds:
            return self.prices
        self.others.update(zip(self.feeds, self.prices, strict=True))
        return [self.others.get(feed, 0) for feed in feeds]

    def take(self, feeds: tuple[int, ...], prices: tuple[int, ...]) -> None:
        """The ballot that comes next, after `of` was asked for its feeds."""
        self.feeds, self.prices = feeds, prices

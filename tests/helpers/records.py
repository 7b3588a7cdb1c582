"""Records of votes as a byzantine proposer makes them of correct ones, without anybody's key."""

from collections.abc import Callable
from itertools import pairwise

from app.oracle.record import MARK, Record, decode_record, encode_record
from app.oracle.types import Vote
from novation.v1 import oracle_pb2


def votes_in(record: bytes) -> Record:
    """What a correct record says."""
    found = decode_record(record)
    assert found is not None
    return found


def rewritten(record: bytes, change: Callable[[oracle_pb2.VoteRecord], object]) -> bytes:
    """The record after a change to its message."""
    message = oracle_pb2.VoteRecord.FromString(record[1:])
    change(message)
    return MARK + message.SerializeToString(deterministic=True)


def of_places(record: bytes, places: list[int]) -> bytes:
    """Votes of it, by their place among them, in another order or more than once, with their own signatures."""
    found = votes_in(record)
    chosen = [found.votes[place]._replace(place=at) for at, place in enumerate(places)]

    def number(message: oracle_pb2.VoteRecord) -> None:
        message.voter_gaps[:] = [(after - before) % (1 << 32) for before, after in pairwise([-1, *places])]

    return rewritten(encode_record(Record(found.round, tuple(chosen))), number)


def forged(record: bytes) -> bytes:
    """The first validator says that feed 1 is worth a unit, under its old signature."""
    found = votes_in(record)
    first = found.votes[0]
    lie = Vote((1,), (1,))
    return encode_record(found._replace(votes=(first._replace(vote=lie), *found.votes[1:])))


def swapped(record: bytes) -> bytes:
    """Two validators' signatures change places."""
    found = votes_in(record)
    one, two, *rest = found.votes
    return encode_record(found._replace(votes=(
        one._replace(signature=two.signature), two._replace(signature=one.signature), *rest)))


def stranger(record: bytes) -> bytes:
    """One vote more, of a place that nobody has."""
    found = votes_in(record)
    last = found.votes[-1]
    return encode_record(found._replace(votes=(*found.votes, last._replace(place=last.place + 1))))

"""Vote extensions: their one encoding, and what is signed.

ORCL-001: whether an extension is well-formed depends on its bytes alone, so that no two nodes can differ about it: at
most MAX_EXTENSION_BYTES; it parses, no field is unknown and encoding what was parsed gives the same bytes; at most
MAX_FEEDS prices of ascending feeds, each in 1..MAX_FEED_PRICE; at most MAX_PILLARS pillars ascending by feed and
expiry, each with PILLAR_POINTS variances. The empty extension is well-formed: a vote that saw nothing.
"""

from collections.abc import Sequence
from itertools import accumulate, pairwise
from operator import sub

from google.protobuf.message import DecodeError

from app.kernel.codec import uvarint
from app.limits import (
    MAX_EXPIRY_S,
    MAX_EXTENSION_BYTES,
    MAX_FEED_PRICE,
    MAX_FEEDS,
    MAX_PILLAR_E9,
    MAX_PILLARS,
    PILLAR_POINTS,
)
from app.oracle.types import Pillar, Vote
from novation.v1 import oracle_pb2

MAX_FEED = (1 << 32) - 1
NOTHING = Vote()


def gaps(ascending: Sequence[int]) -> list[int]:
    """Ascending numbers from 1 on as the first and the distances; all above 0."""
    return list(map(sub, ascending, (0, *ascending)))


def from_gaps(distances: Sequence[int]) -> tuple[int, ...]:
    """The inverse of `gaps`."""
    return tuple(accumulate(distances))


def encode_extension(vote: Vote) -> bytes:
    """The one encoding of a vote."""
    if vote == NOTHING:
        return b""
    return oracle_pb2.VoteExtension(
        feed_gaps=gaps(vote.feeds), prices=vote.prices, pillars=pillar_messages(vote.pillars)
    ).SerializeToString(deterministic=True)


def decode_extension(data: bytes) -> Vote | None:
    """ORCL-001: the vote, or None when the extension is not well-formed. Never raises."""
    if not data:
        return NOTHING
    if len(data) > MAX_EXTENSION_BYTES:
        return None
    try:
        message = oracle_pb2.VoteExtension.FromString(data)
    except DecodeError:
        return None
    vote = Vote(from_gaps(message.feed_gaps), tuple(message.prices), pillars_of(message.pillars))
    # What is left out or unknown is not encoded again, so this one comparison finds both.
    return vote if well_formed(vote) and encode_extension(vote) == data else None


def well_formed(vote: Vote) -> bool:
    """ORCL-001: whether every number of the vote is within its bounds and in order."""
    return feeds_fit(vote.feeds) and prices_fit(vote.feeds, vote.prices) and _pillars_fit(vote.pillars)


def feeds_fit(feeds: tuple[int, ...]) -> bool:
    """ORCL-001: at most MAX_FEEDS, ascending from 1 to MAX_FEED."""
    if not feeds:
        return True
    return len(feeds) <= MAX_FEEDS and feeds[-1] <= MAX_FEED and min(gaps(feeds)) > 0


def prices_fit(feeds: tuple[int, ...], prices: tuple[int, ...]) -> bool:
    """ORCL-001: a price for each feed, each in 1..MAX_FEED_PRICE."""
    if len(feeds) != len(prices):
        return False
    return not prices or (min(prices) > 0 and max(prices) <= MAX_FEED_PRICE)


def _pillars_fit(pillars: tuple[Pillar, ...]) -> bool:
    if len(pillars) > MAX_PILLARS:
        return False
    places = [(pillar.feed, pillar.expiry_s) for pillar in pillars]
    return all(before < after for before, after in pairwise(((0, 0), *places))) and all(
        pillar.feed > 0
        and 0 < pillar.expiry_s <= MAX_EXPIRY_S
        and 0 < pillar.forward_e9 <= MAX_PILLAR_E9
        and len(pillar.variances_e9) == PILLAR_POINTS
        and all(0 < variance <= MAX_PILLAR_E9 for variance in pillar.variances_e9)
        for pillar in pillars
    )


def pillar_messages(pillars: Sequence[Pillar]) -> list[oracle_pb2.Pillar]:
    """Pillars in the wire's form."""
    return [
        oracle_pb2.Pillar(feed=feed, expiry_s=expiry_s, forward_e9=forward_e9, variances_e9=variances_e9)
        for feed, expiry_s, forward_e9, variances_e9 in pillars
    ]


def pillars_of(messages: Sequence[oracle_pb2.Pillar]) -> tuple[Pillar, ...]:
    """The inverse of `pillar_messages`."""
    return tuple(Pillar(one.feed, one.expiry_s, one.forward_e9, tuple(one.variances_e9)) for one in messages)


def sign_bytes(chain_id: str, height: int, round_: int, extension: bytes) -> bytes:
    """ORCL-002: what a validator's extension signature is over: CometBFT's CanonicalVoteExtension with its length."""
    fixed = b""
    if extension:
        fixed += b"\x0a" + uvarint(len(extension)) + extension
    if height:
        fixed += b"\x11" + height.to_bytes(8, "little")
    if round_:
        fixed += b"\x19" + round_.to_bytes(8, "little")
    name = chain_id.encode()
    fixed += b"\x22" + uvarint(len(name)) + name
    return uvarint(len(fixed)) + fixed

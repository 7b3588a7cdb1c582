"""Extensions and records: one encoding each, everything else refused."""

from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tendermint.types import canonical_pb2

from app.kernel.codec import uvarint
from app.limits import (
    MAX_EXPIRY_S,
    MAX_EXTENSION_BYTES,
    MAX_FEED_PRICE,
    MAX_FEEDS,
    MAX_PILLAR_E9,
    MAX_PILLARS,
    MAX_VALIDATORS,
    PILLAR_POINTS,
)
from app.oracle.record import MARK, Record, Signed, decode_record, encode_record, split_record
from app.oracle.types import Pillar, Vote
from app.oracle.votes import decode_extension, encode_extension, sign_bytes
from novation.v1 import oracle_pb2
from tests.helpers.votes import prices as seen

prices = st.dictionaries(st.integers(1, 2**32 - 1), st.integers(1, MAX_FEED_PRICE), max_size=20)
pillars = st.dictionaries(
    st.tuples(st.integers(1, 9), st.integers(1, 2**33)),
    st.tuples(st.integers(1, 10**11), st.tuples(*[st.integers(1, 10**11)] * 7)), max_size=6)


@st.composite
def votes(draw: st.DrawFn) -> Vote:
    rows = tuple(Pillar(feed, expiry, forward, variances)
                 for (feed, expiry), (forward, variances) in sorted(draw(pillars).items()))
    return seen(draw(prices))._replace(pillars=rows)


@given(votes())
def test_orcl_001_a_vote_survives_its_extension(vote: Vote) -> None:
    """ORCL-001: what is encoded decodes to itself; the empty vote is the empty extension."""
    data = encode_extension(vote)
    assert decode_extension(data) == (vote if len(data) <= MAX_EXTENSION_BYTES else None)
    assert (data == b"") == (vote == Vote())


@given(votes(), st.data())
def test_orcl_001_no_two_extensions_mean_the_same(vote: Vote, data: st.DataObject) -> None:
    """ORCL-001: a changed byte makes another vote or none; unknown fields, trailing bytes, doubled parts make none."""
    good = encode_extension(vote)
    for bad in (good + b"\x00", good + b"\x20\x01", good + b"\x08\x01", b"\x28\x00" + good):
        assert decode_extension(bad) is None
    if good:
        at = data.draw(st.integers(0, len(good) - 1))
        changed = good[:at] + bytes([good[at] ^ data.draw(st.integers(1, 255))]) + good[at + 1:]
        other = decode_extension(changed)
        assert other is None or (other != vote and encode_extension(other) == changed)


@given(st.binary(max_size=200))
def test_orcl_001_any_bytes_have_an_answer(noise: bytes) -> None:
    """ORCL-001: decoding never raises."""
    vote = decode_extension(noise)
    assert vote is None or encode_extension(vote) == noise
    record = decode_record(MARK + noise)
    assert record is None or encode_record(record) == MARK + noise


def message(gaps: list[int], values: list[int], **fields: object) -> bytes:
    return oracle_pb2.VoteExtension(feed_gaps=gaps, prices=values, **fields).SerializeToString(deterministic=True)


PILLAR = {"feed": 1, "expiry_s": 1_800_000_000, "forward_e9": 10**9, "variances_e9": [5] * 7}


@pytest.mark.parametrize("bad", [
    message([1], []), message([0], [5]), message([1, 0], [5, 5]), message([1], [0]), message([1], [MAX_FEED_PRICE + 1]),
    message([2**32 - 1, 1], [5, 5]), message([1] * (MAX_FEEDS + 1), [5] * (MAX_FEEDS + 1)),
    message([], [], pillars=[{**PILLAR, "variances_e9": [5] * 6}]), message([], [], pillars=[PILLAR, PILLAR]),
    message([], [], pillars=[{**PILLAR, "forward_e9": 0}]), message([], [], pillars=[{**PILLAR, "feed": 0}]),
    message([], [], pillars=[{**PILLAR, "expiry_s": 0}]),
    message([], [], pillars=[{**PILLAR, "variances_e9": [0] * 7}]),
    message([], [], pillars=[{**PILLAR, "expiry_s": 1_800_000_000 + day} for day in range(33)]),
], ids=range(14))
def test_orcl_001_bounds(bad: bytes) -> None:
    """ORCL-001: each bound by one example."""
    assert bad and decode_extension(bad) is None


def test_orcl_001_a_hundred_feeds_fit() -> None:
    """ORCL-001: a hundred prices of eleven digits take less than half of the 2,048 bytes."""
    vote = seen({feed: 46_000_000_000 + feed for feed in range(1, 101)})
    assert len(encode_extension(vote)) <= 720 and decode_extension(encode_extension(vote)) == vote


@given(st.binary(max_size=40), st.integers(0, 2**62), st.integers(0, 2**31 - 1),
       st.text("abc-", min_size=1, max_size=50))
def test_orcl_002_signed_bytes_are_cometbfts(extension: bytes, height: int, round_: int, chain_id: str) -> None:
    """ORCL-002: the same bytes as protobuf makes of CometBFT's own message."""
    canonical = canonical_pb2.CanonicalVoteExtension(
        extension=extension, height=height, round=round_, chain_id=chain_id).SerializeToString(deterministic=True)
    assert sign_bytes(chain_id, height, round_, extension) == uvarint(len(canonical)) + canonical


@given(st.lists(votes(), max_size=6), st.integers(0, 9), st.randoms())
def test_orcl_003_a_record_survives_its_encoding(cast: list[Vote], round_: int, random: Random) -> None:
    """ORCL-003: whatever the votes, the record gives them back, with the places and signatures of who cast them."""
    places = sorted(random.sample(range(150), len(cast)))
    fitting = [vote if len(encode_extension(vote)) <= MAX_EXTENSION_BYTES else Vote() for vote in cast]
    record = Record(round_, tuple(Signed(place, vote, random.randbytes(64))
                                  for place, vote in zip(places, fitting, strict=True)))
    data = encode_record(record)
    found = decode_record(data)
    assert found == record and found.round == round_
    assert split_record([data, b"\x0a"]) == (data, [b"\x0a"])
    assert split_record([b"\x0a", data]) == (None, [b"\x0a", data])


def test_orcl_003_a_record_is_hardly_larger_than_its_extensions() -> None:
    """ORCL-003: a hundred votes on a hundred feeds, a tenth of a percent apart: with all signatures at most 1.1 times
    the extensions.
    """
    random = Random(7)
    middle = [random.randrange(10**6, 10**11) for _ in range(100)]
    cast = [seen({feed: random.randint(price * 999 // 1000, price * 1001 // 1000)
                  for feed, price in enumerate(middle, 1)}) for _ in range(100)]
    record = encode_record(Record(0, tuple(Signed(place, vote, bytes(64)) for place, vote in enumerate(cast))))
    assert len(record) <= 1.1 * sum(len(encode_extension(vote)) for vote in cast)


def heaviest(price: int) -> Vote:
    """A vote of this price at every feed, and as many of the largest pillars as fit."""
    pillar = Pillar(1 << 31, MAX_EXPIRY_S, MAX_PILLAR_E9, (MAX_PILLAR_E9,) * PILLAR_POINTS)
    vote = Vote(tuple(range(1, MAX_FEEDS + 1)), (price,) * MAX_FEEDS,
                tuple(pillar._replace(feed=pillar.feed + at) for at in range(MAX_PILLARS)))
    while len(encode_extension(vote)) > MAX_EXTENSION_BYTES:
        vote = vote._replace(pillars=vote.pillars[1:])
    return vote


def test_orcl_003_no_well_formed_votes_make_a_record_that_is_refused() -> None:
    """ORCL-003: distances take more room than prices do. As many validators as there may be vote as much as they may;
    every other price is as far from the one before as it can be; the record still is one.
    """
    low, high = heaviest(1), heaviest(MAX_FEED_PRICE)
    record = Record(0, tuple(Signed(place, high if place % 2 else low, bytes(64)) for place in range(MAX_VALIDATORS)))
    data = encode_record(record)
    assert len(data) > sum(len(encode_extension(one.vote)) + 80 for one in record.votes)
    assert decode_record(data) == record


@pytest.mark.parametrize("change", [
    lambda m: m.voter_gaps.append(1), lambda m: m.voter_gaps.__setitem__(0, 0), lambda m: m.ballots.add(),
    lambda m: m.ballots[1].price_moves.append(5), lambda m: m.ballots[1].feed_gaps.append(1),
    lambda m: m.ballots[0].price_moves.__setitem__(0, -5), lambda m: m.MergeFromString(b"\x30\x01"),
    lambda m: setattr(m, "signatures", m.signatures + b"x"), lambda m: m.voter_gaps.__setitem__(0, 2**32 - 1),
], ids=range(9))
def test_orcl_003_nothing_but_the_one_encoding(change) -> None:  # type: ignore[no-untyped-def]
    """ORCL-003: a record that says more, less or otherwise is none."""
    vote = seen({1: 500, 3: 700})
    good = encode_record(Record(0, (Signed(0, vote, bytes(64)), Signed(2, vote, bytes(64)))))
    changed = oracle_pb2.VoteRecord.FromString(good[1:])
    change(changed)
    data = MARK + changed.SerializeToString(deterministic=True)
    found = decode_record(data)
    assert found is None or found.votes[0].place >= 150, found

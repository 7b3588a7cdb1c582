"""What an engine says in its vote and what it takes from others: bytes alone decide, nothing is waited for, and nothing
that a feeder or a peer does makes it more than an empty vote.
"""

import contextlib
import socket
import time
from collections.abc import Iterator
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tendermint.abci import types_pb2 as abci

from app.errors import GenesisError
from app.limits import (
    MAX_EXPIRY_S,
    MAX_EXTENSION_BYTES,
    MAX_FEED_PRICE,
    MAX_FEEDS,
    MAX_PILLAR_E9,
    MAX_PILLARS,
    PILLAR_POINTS,
)
from app.oracle.record import MAX_RECORD_BYTES
from app.oracle.votes import decode_extension, encode_extension
from node.abci.application import validators_of
from node.abci.votes import vote_of
from node.prices.board import MAX_AGE_S
from node.prices.observation import Observation, Pillar, encode
from tests.helpers import builders as b
from tests.helpers.builders import BTC, ETH, MARK_QUANTA
from tests.helpers.votes import Voters, prices
from tests.localnet.single import wait_until
from tests.unit.node.abci.engine_process import EngineProcess
from tests.unit.node.abci.little_network import LittleNetwork, Seat, consensus_params, validator_updates

EXTEND_S = 1.0  # a vote is never later than this, whatever the feeder does, on a busy machine too
S = 10**9
FEEDS = [(BTC, "BTC/USD", 3), (ETH, "ETH/USD", 3)]
VARIANCES = (Decimal("0.01"),) * PILLAR_POINTS


def seen(**by_symbol: object) -> Observation:
    """An observation of now, of BTC and whatever else."""
    return Observation(time.time_ns(), {"BTC/USD": Decimal(46_000), **by_symbol})  # type: ignore[dict-item]


def of_expiries(*expiries_ns: int) -> tuple[Pillar, ...]:
    """Pillars that are alike but for when they end."""
    return tuple(Pillar(expiry_ns, Decimal(1), VARIANCES) for expiry_ns in expiries_ns)


def test_a_vote_is_what_was_seen_in_units_of_the_feeds() -> None:
    """ORCL-001: to the nearest unit; feeds nobody knows, zeros and what is too large are left out alone."""
    seen_now = seen(**{"ETH/USD": Decimal("24000.0004999"), "XYZ/USD": Decimal(1)})
    assert vote_of(seen_now, FEEDS) == prices({BTC: 46_000_000, ETH: 24_000_000})
    for bad in ("0", "0.0004", "-1", "NaN", "Infinity", str(MAX_FEED_PRICE)):
        assert vote_of(seen(**{"ETH/USD": Decimal(bad)}), FEEDS) == prices({BTC: 46_000_000}), bad
    assert encode_extension(vote_of(None, FEEDS)) == b""


@pytest.mark.parametrize(("expiries_ns", "kept_s"), [
    ((9 * S, 9 * S + 1, 10 * S), (9, 10)), ((5, 2 * S), (2,)), ((2 * S, (MAX_EXPIRY_S + 1) * S), (2,)),
    ((MAX_EXPIRY_S * S,), (MAX_EXPIRY_S,)),
])
def test_pillars_that_do_not_fit_take_nothing_with_them(expiries_ns: tuple[int, ...], kept_s: tuple[int, ...]) -> None:
    """ORCL-001: two in a second, one at no time, one too far ahead: the others and the prices are still voted."""
    vote = vote_of(Observation(1, {"BTC/USD": Decimal(5)}, {"BTC/USD": of_expiries(*expiries_ns)}), FEEDS)
    assert vote.prices == (5_000,) and tuple(one.expiry_s for one in vote.pillars) == kept_s
    assert decode_extension(encode_extension(vote)) == vote


@pytest.mark.parametrize("row", [
    Pillar(S, Decimal(1), VARIANCES[1:]), Pillar(S, Decimal(0), VARIANCES), Pillar(S, Decimal(1), (Decimal(0),) * 7),
    Pillar(S, Decimal(MAX_PILLAR_E9), VARIANCES), Pillar(S, Decimal("NaN"), VARIANCES),
])
def test_a_pillar_out_of_bounds_is_left_out(row: Pillar) -> None:
    """ORCL-001: too few points, nothing, too much, no number."""
    vote = vote_of(Observation(1, {"BTC/USD": Decimal(5)}, {"BTC/USD": (row,)}), FEEDS)
    assert vote == prices({BTC: 5_000})


def test_what_is_too_much_together_leaves_the_prices() -> None:
    """ORCL-001: a hundred feeds and 32 pillars are more than an extension holds: all prices stay, and pillars while
    there is room, the first of them.
    """
    feeds = [(feed, f"F{feed}/USD", 0) for feed in range(1, MAX_FEEDS + 1)]
    rows = {symbol: of_expiries(S, 2 * S) for _, symbol, _ in feeds}
    vote = vote_of(Observation(1, {symbol: Decimal(MAX_FEED_PRICE) for _, symbol, _ in feeds}, rows), feeds)
    data = encode_extension(vote)
    assert len(vote.prices) == MAX_FEEDS and decode_extension(data) == vote
    assert 10 < len(vote.pillars) < MAX_PILLARS and len(data) > MAX_EXTENSION_BYTES - 100
    assert [(one.feed, one.expiry_s) for one in vote.pillars] == [
        (1 + at // 2, 1 + at % 2) for at in range(len(vote.pillars))]


def fails(error: Exception) -> Any:
    """A board that fails."""
    raise error


decimals = st.decimals(allow_nan=True, allow_infinity=True, min_value=None, places=None).filter(
    lambda one: not one.is_finite() or one.adjusted() < 60)
anything = st.none() | st.integers() | st.text(max_size=3) | st.binary(max_size=3) | decimals
symbols = st.sampled_from(["BTC/USD", "ETH/USD", "?", ""])
rubbish = anything | st.builds(
    Observation, anything, st.dictionaries(symbols, anything, max_size=3) | anything,
    st.dictionaries(symbols, st.lists(st.builds(Pillar, anything, anything, st.lists(anything, max_size=8)) | anything,
                                      max_size=3) | anything, max_size=2) | anything)


@pytest.fixture(scope="module")
def pair() -> LittleNetwork:
    """Two validators."""
    return LittleNetwork(Voters(("one", "two"), (10, 10)))


@given(saw=rubbish | st.sampled_from([OSError(), RecursionError(), MemoryError(), ValueError("x"), KeyError(1)]))
@settings(max_examples=150)
def test_no_feeder_makes_an_engine_fail_or_its_peers_refuse(pair: LittleNetwork, saw: object) -> None:
    """ORCL-001: whatever the board holds, or raises, there is an extension in time, and a peer accepts it."""
    pair.seats[0].saw = (lambda: fails(saw)) if isinstance(saw, Exception) else lambda: saw
    began_s = time.monotonic()
    extension = pair.extended(0)
    assert time.monotonic() - began_s < EXTEND_S
    assert verified(pair.seats[1], extension)
    assert extension == b"" or isinstance(saw, Observation)


def verified(seat: Seat, extension: bytes, **fields: object) -> bool:
    """What a seat says of a peer's extension."""
    status = seat.call("verify_vote_extension", vote_extension=extension, **fields).status
    assert status != abci.ResponseVerifyVoteExtension.UNKNOWN
    return bool(status == abci.ResponseVerifyVoteExtension.ACCEPT)


@pytest.fixture(scope="module")
def three() -> list[Seat]:
    """An engine that has no genesis yet, one of a young chain, and one of another chain further on."""
    young = LittleNetwork(Voters(("one", "two"), (10, 10)), seats=1)
    old = LittleNetwork(Voters(("three",), (1,)), b.genesis(markets=1), seats=1)
    old.first()
    for _ in range(3):
        old.decide(old.prepare(0, {0: old.signed(0, encode_extension(prices({BTC: MARK_QUANTA[BTC]})))}))
    return [Seat(), young.seats[0], old.seats[0]]


good_votes = st.dictionaries(st.integers(1, 2**32 - 1), st.integers(1, MAX_FEED_PRICE), max_size=300).map(
    lambda found: encode_extension(prices(found)))


@st.composite
def extensions(draw: st.DrawFn) -> bytes:
    """Noise, votes of any size, votes with a byte changed, inserted or taken out."""
    data = draw(st.binary(max_size=60) | good_votes | st.binary(min_size=MAX_EXTENSION_BYTES, max_size=3_000))
    at = draw(st.integers(0, len(data)))
    return draw(st.sampled_from([data, data[:at] + draw(st.binary(max_size=2)) + data[at + draw(st.integers(0, 2)):]]))


@given(extensions(), st.integers(0, 2**62), st.binary(max_size=40), st.binary(max_size=40))
@settings(max_examples=150)
def test_a_peers_extension_is_judged_by_its_bytes_alone(three: list[Seat], data: bytes, height: int, block: bytes,
                                                        address: bytes) -> None:
    """ORCL-001: three engines that have nothing in common say the same of the same bytes, of whichever height, block
    and validator, again and again; never UNKNOWN, which CometBFT would not survive.
    """
    fields = {"height": height, "hash": block, "validator_address": address}
    said = {verified(seat, data, **fields) for seat in three} | {verified(three[2], data)}
    assert said == {decode_extension(data) is not None}


def genesis_request(**changed: object) -> abci.RequestInitChain:
    """InitChain of a network of one."""
    params = consensus_params(**changed)  # type: ignore[arg-type]
    return abci.RequestInitChain(initial_height=1, validators=validator_updates(Voters()), consensus_params=params)


def test_a_genesis_whose_blocks_have_no_room_for_votes_is_refused() -> None:
    """ORCL-003: a record is never larger than a block; without vote extensions there would be none."""
    for most in (4_000_000, -1, MAX_RECORD_BYTES + 2_000_000):
        assert validators_of(genesis_request(max_bytes=most)) == Voters().genesis
    for changed, said in (({"max_bytes": 1_048_576 + MAX_RECORD_BYTES}, "block.max_bytes"),
                          ({"extensions": 2}, "vote_extensions_enable_height")):
        with pytest.raises(GenesisError, match=said):
            validators_of(genesis_request(**changed))


# The same over real sockets: of CometBFT, and of a feeder.

@pytest.fixture(scope="module")
def engine(tmp_path_factory: pytest.TempPathFactory) -> Iterator[EngineProcess]:
    one = EngineProcess(tmp_path_factory.mktemp("voter") / "h")
    try:
        one.start().init_chain(voters=Voters())
        yield one
    finally:
        one.close()


@contextlib.contextmanager
def feeder(engine: EngineProcess) -> Iterator[socket.socket]:
    """A connection to the engine's board."""
    with socket.socket(socket.AF_UNIX) as one:
        one.connect(str(engine.home.prices_socket))
        yield one


def voted(engine: EngineProcess) -> bytes:
    """The engine's extension; in time."""
    began_s = time.monotonic()
    extension = bytes(engine.consensus.call("extend_vote", height=1, hash=b"b" * 32).vote_extension)
    assert time.monotonic() - began_s < EXTEND_S
    return extension


def test_votes_follow_the_feeder_over_sockets(engine: EngineProcess) -> None:
    """ORCL-001: nobody: empty. Prices: these. Rubbish, half a line, an old observation: as before, then empty; a
    feeder that comes back is heard at once. None of them takes longer or ends the engine.
    """
    assert voted(engine) == b""
    right = encode_extension(prices({BTC: 46_000_000}))
    with feeder(engine) as one:
        one.sendall(encode(seen()))
        wait_until(lambda: voted(engine) == right, "the vote of what was seen")
        one.sendall(encode(seen())[:30])
        assert voted(engine) == right
    for line in (b"rubbish\n", b"{}\n", b"\xff" * 70_000):
        with feeder(engine) as one:
            with contextlib.suppress(ConnectionError):
                one.sendall(line)
            assert voted(engine) in (right, b"")
    with feeder(engine) as one:
        one.sendall(encode(Observation(time.time_ns() - int((MAX_AGE_S + 1) * S), seen().prices)))
        wait_until(lambda: voted(engine) == b"", "what is old is no vote")
        one.sendall(encode(seen()))
        wait_until(lambda: voted(engine) == right, "the vote of what was seen")
    assert engine.exit_code is None

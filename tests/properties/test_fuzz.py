"""No bytes, whoever sends them, make anything but a ChainError escape from decoding and admission, or stop a block."""

from functools import lru_cache
from typing import Any

import pytest
from google.protobuf.descriptor import FieldDescriptor
from google.protobuf.message import Message
from hypothesis import example, given, settings
from hypothesis import strategies as st

from app.chain import Block, Chain
from app.errors import REGISTRY, ChainError
from app.kernel import signatures
from app.oracle.record import Signed
from app.oracle.types import Vote
from app.oracle.votes import decode_extension, encode_extension
from app.validators.state import set_at
from novation.v1 import tx_pb2
from tests.helpers import builders, ledger
from tests.helpers.builders import ALICE, BOB, BTC, MARK_QUANTA
from tests.helpers.driver import Driver
from tests.helpers.votes import Voters, prices

PLAIN = [
    builders.buy(MARK_QUANTA[BTC], 3, client_id=9), builders.cancel(client_id=9),
    builders.replace(MARK_QUANTA[BTC], 1, order_id=1 << 40), builders.cancel_all(1), builders.transfer(BOB, 5),
    builders.withdraw(5), builders.faucet(BOB, 5), builders.set_validator(BOB.public_key, 5)]


def filled(message: Message) -> None:
    """Put a small value into every field, so that mutations have something to hit."""
    for field in message.DESCRIPTOR.fields:
        if field.containing_oneof is not None and message.WhichOneof(field.containing_oneof.name):
            continue
        if field.message_type is not None:
            part = getattr(message, field.name)
            filled(part.add() if field.is_repeated else part)
        elif not field.is_repeated:
            setattr(message, field.name, b"bytes" if field.type == FieldDescriptor.TYPE_BYTES else 1)


def every_kind() -> list[tx_pb2.Action]:
    """One action of every kind: the common ones as people send them, the others with all their fields."""
    known = {action.WhichOneof("kind") for action in PLAIN}
    actions = list(PLAIN)
    for field in tx_pb2.Action.DESCRIPTOR.fields:
        if field.name not in known:
            action = tx_pb2.Action()
            filled(getattr(action, field.name))
            getattr(action, field.name).SetInParent()
            actions.append(action)
    return actions


VALID = builders.envelope(ALICE, every_kind(), 5, expiry_height=900, expiry_time_ns=1 << 61, all_or_nothing=True,
                          gas_limit=30_000_000)


ADMITTED_MUTANTS: set[bytes] = set()
ANSWERS: dict[str, int] = {}  # of admission, over the whole file


class Anybody(Voters):
    """Validators whose keys nobody has: what they cast is not signed."""

    def sign(self, place: int, vote: Vote, _height: int, _round: int = 0) -> Signed:
        """The vote with zeros for a signature."""
        return Signed(place, vote, bytes(64))


def verify(public_key: bytes, message: bytes, signature: bytes) -> bool:
    """The check of envelopes is the real one; votes are of whomever the mutants made validators."""
    return not message.startswith(b"novation/tx/") or signatures.verify(public_key, message, signature)


class Storm(Driver):
    """A chain whose validators become whatever an envelope says."""

    def record(self) -> list[bytes]:
        """The votes of all who validate by the chain's own record."""
        validators = set_at(self.chain.view, self.height)
        self.voters.order = list(validators.validators) if validators else []
        return super().record()


@lru_cache(maxsize=1)
def shared_driver() -> Driver:
    """One chain for all examples: whatever they do, it must go on. ALICE may do everything, validators too."""
    driver = Storm(builders.genesis(authority=ALICE.owner.hex()), verify=verify, voters=Anybody())
    driver.run([])
    return driver


def answer(chain: Chain, raw: bytes) -> str:
    """"" when `raw` is admitted, else the REASON; any other exception is the bug this file looks for."""
    try:
        chain.admit(raw)
    except ChainError as error:
        assert REGISTRY[error.code.code] is error.code
        assert all(isinstance(value, str) for value in error.metadata.values())
        assert len(str(error)) < 2_000
        return error.code.reason
    return ""


def survives(raw: bytes) -> str:
    """Admission, proposal and block all take `raw` in their stride and agree. The REASON of admission."""
    driver = shared_driver()
    reason = answer(driver.chain, raw)
    assert isinstance(driver.chain.process([*driver.record(), raw]), str)
    outcome = driver.run([raw]).txs[0]
    assert outcome.result.reason == reason or (reason == "" and outcome.result.reason == "TX_ACTION_FAILED")
    assert driver.chain.finalize(driver.next_block([raw])).txs[0].code, "nothing executes twice"
    ANSWERS[reason] = ANSWERS.get(reason, 0) + 1
    return reason


def test_what_is_mutated_was_good() -> None:
    """Otherwise the mutations below would be refused for another reason than their own."""
    assert answer(shared_driver().chain, VALID) == ""


@given(st.binary(max_size=300))
@settings(max_examples=300, deadline=None)
@example(b"")
@example(b"\x0a\xff\xff\xff\xff\x0f")
def test_random_bytes(raw: bytes) -> None:
    """Bytes of nobody are never admitted."""
    assert survives(raw)


Edit = tuple[str, int, int, bytes]  # what, where, how long, with what
EDITS = st.lists(st.tuples(st.sampled_from(("flip", "insert", "delete", "double", "cut", "varint", "default")),
                           st.integers(0, 1 << 16), st.integers(1, 9), st.binary(min_size=1, max_size=9)),
                 min_size=1, max_size=3)
VARINTS = (b"\x80\x00", b"\xff" * 9 + b"\x01", b"\xff" * 10, b"\x00")


def mutated(good: bytes, edits: list[Edit]) -> bytes:
    """Good bytes with a few of them changed, inserted, deleted or doubled."""
    raw = bytearray(good)
    for kind, place, length, data in edits:
        at = place % max(1, len(raw))
        if kind == "flip" and raw:
            raw[at] ^= 1 << length % 8
        elif kind == "insert":
            raw[at:at] = data
        elif kind == "delete":
            del raw[at:at + length]
        elif kind == "double":
            raw[at:at] = raw[at:at + length]
        elif kind == "varint":
            raw[at:at + 1] = VARINTS[length % len(VARINTS)]
        elif kind == "default":
            raw += bytes([length << 3, 0])  # a number of the outermost message, as zero
        else:
            del raw[at:]
    return bytes(raw)


@given(EDITS)
@settings(max_examples=600, deadline=None)
def test_mutated_envelopes(edits: list[Edit]) -> None:
    """Whatever is done to a signed envelope, it is refused: one meaning has one encoding, and the rest is signed."""
    raw = mutated(VALID, edits)
    assert raw == VALID or survives(raw)


@given(EDITS)
@settings(max_examples=600, deadline=None)
@example([("default", 0, 6, b"")])
@example([("insert", 0, 1, b"\xf8\x07\x01")])
def test_mutated_bodies_signed_again(edits: list[Edit]) -> None:
    """The same where the sender signs what was mutated, so that parsing goes on beyond the signature. What is admitted
    is canonical, holds known actions alone, and is of the account that signed.
    """
    good = tx_pb2.Body.FromString(tx_pb2.Envelope.FromString(VALID).body)
    good.nonce, good.expiry_height, good.expiry_time_ns = shared_driver().nonce(ALICE.account()), 0, 0
    raw = mutated(good.SerializeToString(deterministic=True), edits)
    if survives(builders.sign(ALICE, raw)) == "":
        body = tx_pb2.Body.FromString(raw)
        assert body.account.owner == ALICE.owner
        assert all(action.WhichOneof("kind") for action in body.actions)
        body.DiscardUnknownFields()
        assert body.SerializeToString(deterministic=True) == raw
        ADMITTED_MUTANTS.add(raw)


def test_some_mutated_bodies_are_admitted() -> None:
    """Otherwise the laws above were never tried."""
    test_mutated_bodies_signed_again()
    assert len(ADMITTED_MUTANTS) > 5


@lru_cache(maxsize=1)
def voted_driver() -> tuple[Driver, bytes]:
    """A chain with three validators, and the record with which its next block begins."""
    driver = Driver(voters=Voters(("one", "two", "three"), (30, 20, 10)))
    driver.run([])
    votes = {0: prices({1: 46_001_000, 2: 24_000_000}), 1: prices({1: 46_000_500}), 2: Vote()}
    return driver, driver.voters.record(driver.height, votes)


@given(EDITS)
@settings(max_examples=600, deadline=None)
@example([("flip", 0, 1, b"")])
@example([("cut", 1, 1, b"")])
@example([("default", 0, 6, b"")])
def test_mutated_records(edits: list[Edit]) -> None:
    """ORCL-003: whatever is done to a record of votes, the proposal is rejected; decided all the same, it is a refused
    transaction that brings no price, and envelopes behind it are run.
    """
    driver, good = voted_driver()
    raw = mutated(good, edits)
    envelope = builders.envelope(BOB, [builders.buy(500, 1)], 1)
    said = driver.chain.process([raw, envelope])
    result = driver.chain.finalize(Block(driver.height + 1, driver.time_ns + 1, [raw, envelope]))
    if raw == good:
        assert said == "" and result.record is not None and result.record.code == 0
    elif raw[:1] == good[:1]:
        assert said.startswith("votes:") and result.record is not None
        assert result.record.result.reason == "ORACLE_RECORD"
    else:
        assert said.startswith("votes:") and result.record is None and result.txs[0].code
    assert result.txs[-1].code == 0
    moved = any(event.HasField("mark_price_set") for event in result.events)
    assert moved == (raw == good), "the weighted median of the whole record is another price"


@given(st.one_of(st.binary(max_size=60), EDITS.map(lambda edits: mutated(
    encode_extension(prices({1: 46_000_000, 2: 24_000_000, 9: 1})), edits))))
@settings(max_examples=600, deadline=None)
@example(b"")
@example(b"\x0a\x00")
def test_any_extension(data: bytes) -> None:
    """ORCL-001: bytes that are a vote are the only ones that are; all others are none, and nothing is raised."""
    vote = decode_extension(data)
    assert vote is None or encode_extension(vote) == data
    assert voted_driver()[0].chain.accepts_extension(data) == (vote is not None)


NUMBERS = st.one_of(st.integers(0, 3), st.sampled_from(
    (500, 46_000_000, 2**31, 2**32 - 1, 2**63 - 1, 2**63, 2**64 - 1)))


@st.composite
def messages(draw: st.DrawFn, kind: type[Message], depth: int = 0) -> Any:
    """A message of any shape: each field absent or filled with something that its type can hold."""
    message = kind()
    for field in kind.DESCRIPTOR.fields:
        if draw(st.integers(0, 3)) == 0:
            continue
        if field.message_type is not None:
            part = messages(kind=getattr(tx_pb2, field.message_type.name), depth=depth + 1)
            if field.is_repeated:
                getattr(message, field.name).extend(draw(st.lists(part, max_size=4)))
            else:
                getattr(message, field.name).CopyFrom(draw(part))
        else:
            setattr(message, field.name, draw(scalars(field)))
    return message


def scalars(field: FieldDescriptor) -> st.SearchStrategy[Any]:
    """Values for a field that is not a message."""
    if field.type == FieldDescriptor.TYPE_BOOL:
        return st.booleans()
    if field.type == FieldDescriptor.TYPE_BYTES:
        return st.one_of(st.binary(max_size=70), st.sampled_from((ALICE.owner, BOB.owner)))
    if field.type == FieldDescriptor.TYPE_UINT64:
        return NUMBERS
    if field.type == FieldDescriptor.TYPE_ENUM:
        return st.integers(0, 9)
    return NUMBERS.map(lambda number: number % 2**32)


@given(messages(tx_pb2.Body), st.booleans())
@settings(max_examples=500, deadline=None)
@example(tx_pb2.Body(actions=[tx_pb2.Action()]), True)
def test_any_body(body: tx_pb2.Body, plausible: bool) -> None:
    """Well-formed bodies with absurd contents, signed by their account; half of them get past admission."""
    driver = shared_driver()
    if plausible:
        body.account.owner, body.account.number = ALICE.owner, 0
        body.gas_limit, body.fee_limit_quanta = 30_000_000, 10**9
        body.nonce, body.expiry_height, body.expiry_time_ns = driver.nonce(ALICE.account()), 0, 0
    survives(builders.sign(ALICE, body.SerializeToString(deterministic=True)))


def test_the_ledger_after_the_storm() -> None:
    """All of the above ran on one chain; its laws hold, and it still takes orders."""
    driver = shared_driver()
    test_any_body()  # some storm, also when this test runs alone
    assert ANSWERS[""] > 50, "the storm reached the actions"
    ledger.check(driver.reader)
    ledger.check_index(driver.reader, driver.chain.ctx.books)
    driver.act(ALICE, builders.set_status(1))  # the storm had the authority's key: it may have halted the market
    assert driver.do(BOB, builders.buy(500, 1))[0].open_lots == 1


@pytest.mark.parametrize("size", [65_536, 65_537, 1_000_000])
def test_large_bytes(size: int) -> None:
    """Size is looked at before anything else."""
    reason = survives(b"\x0a" * size)
    assert (reason == "TX_TOO_LARGE") is (size > 65_536) and reason

"""Proofs of presence and absence, checked by the client's own verifier, and every alteration refused."""

import random
from hashlib import sha256

import pytest

from app.errors import ChainError
from app.store import proofs
from app.store.proofs import StateVersion, Step, climb, ics23_proof, simple_proof, tree_of
from app.store.tree import EMPTY_ROOT, StoreDamaged
from app.store.view import DictReader
from client.light_proofs import Operator, ProofError, tree_key, verify_absence, verify_value
from tests.helpers.states import States, records_of

TABLES = ("accounts", "books", "funds", "marks", "orders", "vault")
SIZES = (1, 2, 3, 8, 9, 100, 3000)


def state_of(count: int) -> tuple[StateVersion, dict[bytes, bytes | None]]:
    """A state with `count` accounts, one vault and otherwise empty tables."""
    records = records_of(count)
    return States(*TABLES).commit({"accounts": records, "vault": {b"usd": b"money"}}), records


def sent(operators: list[proofs.ProofOperator]) -> list[Operator]:
    """The operators as a client gets them."""
    return [Operator(step.kind, step.key, step.data) for step in operators]


def some(keys: list[bytes]) -> list[bytes]:
    """At most forty of the keys, the same each time."""
    return random.Random(1).sample(keys, min(len(keys), 40))


@pytest.mark.parametrize("count", SIZES)
@pytest.mark.parametrize("make", [simple_proof, ics23_proof])
def test_presence(count: int, make) -> None:
    state, records = state_of(count)
    for key in some(list(records)):
        verify_value(state.app_hash, "accounts", key, records[key], sent(make(state, "accounts", key)))
    verify_value(state.app_hash, "vault", b"usd", b"money", sent(make(state, "vault", b"usd")))


@pytest.mark.parametrize("count", SIZES)
def test_absence(count: int) -> None:
    """Keys between two records, left of the first and right of the last, all occur in a small table."""
    state, records = state_of(count)
    hashes = sorted(sha256(key).digest() for key in records)
    places = set()
    for number in range(200):
        key = b"nobody" + number.to_bytes(2, "big")
        verify_absence(state.app_hash, "accounts", key, sent(ics23_proof(state, "accounts", key)))
        places.add((sha256(key).digest() > hashes[0]) + (sha256(key).digest() > hashes[-1]))
    if count <= 3:
        assert places >= {0, 2}


def test_absence_in_a_table_without_records() -> None:
    state, _ = state_of(3)
    operators = ics23_proof(state, "orders", b"anything")
    assert len(operators) == 1
    verify_absence(state.app_hash, "orders", b"anything", sent(operators))
    with pytest.raises(ProofError):  # the same proof says nothing about a table that has records
        verify_absence(state.app_hash, "accounts", b"anything", sent(operators))


def test_presence_is_no_absence_and_the_other_way_round() -> None:
    state, records = state_of(20)
    key = next(iter(records))
    with pytest.raises(ProofError):
        verify_absence(state.app_hash, "accounts", key, sent(ics23_proof(state, "accounts", key)))
    with pytest.raises(ProofError):
        verify_value(state.app_hash, "accounts", b"no", b"x", sent(ics23_proof(state, "accounts", b"no")))


@pytest.mark.parametrize("make", [simple_proof, ics23_proof])
def test_every_altered_bit_is_refused(make) -> None:
    state, records = state_of(20)
    key, value = next(iter(records.items()))
    operators = sent(make(state, "accounts", key))
    refused = [
        (bytes(32), "accounts", key, value, operators),
        (state.app_hash, "orders", key, value, operators),
        (state.app_hash, "accounts", key + b"\x00", value, operators),
        (state.app_hash, "accounts", key, value + b"\x00", operators),
        (state.app_hash, "accounts", key, b"", operators),
        (state.app_hash, "accounts", key, value, operators[:1]),
        (state.app_hash, "accounts", key, value, operators[::-1]),
    ]
    for at, operator in enumerate(operators):
        for bit in range(8 * len(operator.data)):
            data = bytearray(operator.data)
            data[bit >> 3] ^= 1 << (bit & 7)
            changed = Operator(operator.kind, operator.key, bytes(data))
            refused.append((state.app_hash, "accounts", key, value, [*operators[:at], changed, *operators[at + 1:]]))
    accepted = 0
    for question in refused:
        try:
            verify_value(*question)
            accepted += 1
        except ProofError:
            pass
    # Only in simple:v: another number of leaves may give the same path, and then proves the same.
    assert accepted <= (16 if make is simple_proof else 0)


def test_absence_with_a_leaf_left_out_is_refused() -> None:
    """Neighbours that are not next to one another prove nothing about what lies between them."""
    state, records = state_of(30)
    order = sorted(records, key=lambda key: sha256(key).digest())
    whole = ics23_proof(state, "accounts", order[10])[1]
    left, right = (proofs.existence(proofs.record_leaf(
        tree_of(state, "accounts"), state.reader, sha256(order[at]).digest())) for at in (9, 11))
    wanted = tree_key(order[10])
    for parts in ([(2, left), (3, right)], [(2, left)], [(3, right)]):
        data = proofs.bytes_field(1, wanted) + b"".join(proofs.message_field(*part) for part in parts)
        forged = Operator("ics23:simple", wanted, proofs.message_field(2, data))
        with pytest.raises(ProofError, match=r"neighbours|outermost"):
            verify_absence(state.app_hash, "accounts", order[10], [forged, *sent([whole])])


def test_absent_record_has_no_simple_proof() -> None:
    state, _ = state_of(3)
    with pytest.raises(ChainError, match="QUERY_PROOF"):
        simple_proof(state, "accounts", b"nobody")


def test_unknown_table() -> None:
    state, _ = state_of(3)
    for make in (simple_proof, ics23_proof):
        with pytest.raises(ChainError, match="QUERY_PATH"):
            make(state, "nothing", b"key")


def test_depth_limits(monkeypatch: pytest.MonkeyPatch) -> None:
    """A path that is too deep for a form is an error with a code, not a proof that fails."""
    state, records = state_of(100)
    key = next(iter(records))
    monkeypatch.setattr(proofs, "SIMPLE_DEPTH", 3)
    with pytest.raises(ChainError, match=r"QUERY_PROOF.*limit=3"):
        simple_proof(state, "accounts", key)
    monkeypatch.setattr(proofs, "ICS23_DEPTH", 3)
    with pytest.raises(ChainError, match=r"QUERY_PROOF.*limit=3"):
        ics23_proof(state, "accounts", key)


def test_damaged_record_is_never_proven() -> None:
    state, records = state_of(5)
    key = next(iter(records))
    reader = DictReader(state.reader)  # type: ignore[call-overload]
    reader[b"r\x01" + key] = b"something else"
    with pytest.raises(StoreDamaged):
        simple_proof(StateVersion(1, state.app_hash, state.trees, reader), "accounts", key)


def test_earlier_versions_still_prove() -> None:
    states, draw = States("accounts"), random.Random(2)
    keys = list(records_of(200))
    versions = []
    for _ in range(8):
        now = {key: (None if draw.random() < 0.3 else draw.randbytes(8)) for key in draw.sample(keys, 80)}
        versions.append((states.commit({"accounts": now}), now))
    for state, now in versions:
        for key, value in now.items():
            operators = sent(ics23_proof(state, "accounts", key))
            if value is None:
                verify_absence(state.app_hash, "accounts", key, operators)
            else:
                verify_value(state.app_hash, "accounts", key, value, operators)


def test_climb_and_empty_root() -> None:
    pair = sha256(b"\x01" + b"a" * 32 + b"b" * 32).digest()
    assert climb(b"a" * 32, [Step(b"b" * 32, False)]) == climb(b"b" * 32, [Step(b"a" * 32, True)]) == pair
    assert States("accounts").version().trees["accounts"].root == EMPTY_ROOT

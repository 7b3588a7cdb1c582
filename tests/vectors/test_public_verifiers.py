"""Proofs are accepted, and altered ones refused, by verifiers that others wrote: the public ICS-23 library with its
Tendermint spec, and CometBFT's own proof runtime. The Go program in `ics23/` only carries questions to them.
"""

import json
import shutil
import subprocess
from hashlib import sha256
from pathlib import Path

import pytest

from app.store.proofs import ProofOperator, StateVersion, ics23_proof, simple_proof
from app.store.tree import tree_key
from tests.helpers.states import States, records_of

PROJECT = Path(__file__).resolve().parents[2]
SOURCE = PROJECT / "tests" / "vectors" / "ics23"
PROGRAM = PROJECT / "build" / "proof-verifier"
SIZES = (1, 2, 3, 100, 5000)
Question = dict[str, object]


@pytest.fixture(scope="module")
def verifier() -> Path:
    """The built Go program. Go is needed by set-up anyway."""
    go = shutil.which("go")
    assert go, "Go is not on the path: see `make setup`"
    subprocess.run([go, "build", "-o", str(PROGRAM), "."], cwd=SOURCE, check=True)
    return PROGRAM


def verdicts(program: Path, questions: list[Question]) -> list[bool]:
    """What the verifiers say to each question."""
    done = subprocess.run([program], input=json.dumps(questions), capture_output=True, text=True, check=True)
    return json.loads(done.stdout)


def ask(state: StateVersion, table: str, key: bytes, value: bytes, operators: list[ProofOperator]) -> Question:
    """The question whether `operators` prove the record, or with an empty value its absence."""
    return {"app_hash": state.app_hash.hex(), "table": table, "key": tree_key(sha256(key).digest()).hex(),
            "value": value.hex(), "operators": [
                {"kind": step.kind, "key": step.key.hex(), "data": step.data.hex()} for step in operators]}


def state_of(count: int) -> tuple[StateVersion, dict[bytes, bytes]]:
    """`count` accounts, one vault, and a table without records."""
    records = {key: value for key, value in records_of(count).items() if value}
    return States("accounts", "orders", "vault").commit({"accounts": dict(records), "vault": {b"usd": b"1"}}), records


def absent_keys(records: dict[bytes, bytes]) -> list[bytes]:
    """Keys left of the first record, right of the last, and (when there are two) between."""
    hashes = sorted(sha256(key).digest() for key in records)
    found: dict[int, bytes] = {}
    number = 0
    while len(found) < (3 if len(records) > 1 else 2) and number < 1_000_000:
        key = b"absent" + number.to_bytes(4, "big")
        hashed = sha256(key).digest()
        found.setdefault(0 if hashed < hashes[0] else 2 if hashed > hashes[-1] else 1, key)
        number += 1
    return list(found.values())


@pytest.mark.parametrize("count", SIZES)
def test_presence_and_absence(count: int, verifier: Path) -> None:
    state, records = state_of(count)
    keys = sorted(records, key=lambda key: sha256(key).digest())
    chosen = dict.fromkeys([keys[0], keys[-1], *keys[:: max(1, count // 50)]])
    questions = [ask(state, "accounts", key, records[key], make(state, "accounts", key))
                 for key in chosen for make in (simple_proof, ics23_proof)]
    absent = absent_keys(records)
    assert len(absent) == (3 if count > 1 else 2)
    questions += [ask(state, "accounts", key, b"", ics23_proof(state, "accounts", key)) for key in absent]
    questions.append(ask(state, "orders", b"any", b"", ics23_proof(state, "orders", b"any")))
    answers = verdicts(verifier, questions)
    assert len(answers) == len(questions)
    assert all(answers)


def altered(question: Question, present: bytes) -> list[Question]:
    """The question with something changed: app hash, key, table, value, and a bit in each region of each proof.

    A proof of absence holds for every key between its neighbours, so there the other key is that of a present record.
    """
    operators = question["operators"]
    assert isinstance(operators, list)
    changed: list[Question] = [
        {**question, "table": "vaults"},
        {**question, "app_hash": flipped(str(question["app_hash"]), 31)},
        {**question, "operators": operators[::-1] if len(operators) > 1 else []},
    ]
    if question["value"]:
        changed.append({**question, "value": flipped(str(question["value"]), 0)})
        changed.append({**question, "key": flipped(str(question["key"]), 0)})
    else:
        changed.append({**question, "value": "00"})
        changed.append({**question, "key": tree_key(sha256(present).digest()).hex()})
    for at, operator in enumerate(operators):
        # the key is repeated in the data of ValueOp and NonExistenceProof, where nobody reads it: alter what follows
        repeated = operator["data"].find(operator["key"]) // 2
        exists = operator["kind"] == "ics23:simple" and operator["data"].startswith("0a")
        first = 0 if exists else repeated + len(operator["key"]) // 2
        for place in range(first, len(operator["data"]) // 2, 7):
            other = {**operator, "data": flipped(operator["data"], place)}
            changed.append({**question, "operators": [*operators[:at], other, *operators[at + 1:]]})
    return changed


def flipped(text: str, place: int) -> str:
    """Hex with one bit of the byte at `place` changed."""
    raw = bytearray.fromhex(text)
    raw[place] ^= 1
    return raw.hex()


@pytest.mark.parametrize("count", SIZES)
def test_altered_proofs_are_refused(count: int, verifier: Path) -> None:
    state, records = state_of(count)
    key, value = next(iter(records.items()))
    questions = [ask(state, "accounts", key, value, make(state, "accounts", key)) for make in (
        simple_proof, ics23_proof)]
    questions += [ask(state, "accounts", gone, b"", ics23_proof(state, "accounts", gone))
                  for gone in absent_keys(records)]
    assert all(verdicts(verifier, questions))
    wrong = [case for question in questions for case in altered(question, key)]
    answers = verdicts(verifier, wrong)
    assert len(answers) > 100
    assert not any(answers), [case for case, answer in zip(wrong, answers, strict=True) if answer][:2]


def test_neighbours_of_another_height_are_refused(verifier: Path) -> None:
    """A proof of absence from before a record was made says nothing about the state after it."""
    states = States("accounts")
    before = states.commit({"accounts": records_of(50)})
    old = ics23_proof(before, "accounts", b"newcomer")
    after = states.commit({"accounts": {b"newcomer": b"here"}})
    assert verdicts(verifier, [ask(before, "accounts", b"newcomer", b"", old),
                               ask(after, "accounts", b"newcomer", b"", old)]) == [True, False]


def test_hash_that_begins_like_an_escape(verifier: Path) -> None:
    """CometBFT's key paths read "x:" as an escape for hex; a record whose key hash starts so is shown all the same."""
    key = next(key for number in range(10**7)
               if sha256(key := b"account%d" % number).digest().startswith(b"x:"))
    state = States("accounts").commit({"accounts": {**records_of(10), key: b"value"}})
    assert verdicts(verifier, [ask(state, "accounts", key, b"value", simple_proof(state, "accounts", key))]) == [True]

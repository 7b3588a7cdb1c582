"""What counts as signed by a validator is what CometBFT's own code says: edge cases, and mutated signatures."""

import json
import shutil
import subprocess
from pathlib import Path
from random import Random

from app.kernel.signatures import is_validator_key, verify_vote
from tests.vectors import ed25519
from tests.vectors.zip215 import Case, cases, odd

PROJECT = Path(__file__).resolve().parents[2]
SOURCE = PROJECT / "tests" / "vectors" / "cometbft_ed25519"
PROGRAM = PROJECT / "build" / "signature-verifier"


def cometbft(asked: list[Case]) -> list[bool]:
    """The verdicts of CometBFT's crypto/ed25519. Go is needed by set-up anyway."""
    go = shutil.which("go")
    assert go, "Go is not on the path: see `make setup`"
    subprocess.run([go, "build", "-o", str(PROGRAM), "."], cwd=SOURCE, check=True)
    questions = [{"public_key": one.public_key.hex(), "message": one.message.hex(), "signature": one.signature.hex()}
                 for one in asked]
    done = subprocess.run([PROGRAM], input=json.dumps(questions), capture_output=True, text=True, check=True)
    return json.loads(done.stdout)


def mutated(count: int) -> list[Case]:
    """Signatures with torsion here and there, most of them with a bit of key, message or signature turned."""
    random, made = Random(215), []
    for number in range(count):
        seed = random.randbytes(32)
        message = b"vote %d" % number
        key, signature = odd(seed, message, random.randrange(8), random.randrange(8), nonce=random.randrange(2**250))
        parts = [key, message, signature]
        if number % 4:
            part = random.randrange(3)
            bit = random.randrange(8 * len(parts[part]))
            turned = int.from_bytes(parts[part], "little") ^ 1 << bit
            parts[part] = turned.to_bytes(len(parts[part]), "little")
        made.append(Case(f"mutated {number}", parts[0], parts[1], parts[2], not number % 4))
    return made


def test_cometbft_and_the_chain_agree() -> None:
    """CometBFT says of each case what the rule says by construction, and so does the chain."""
    asked = cases() + mutated(100)
    assert len(asked) > 700
    for case, theirs in zip(asked, cometbft(asked), strict=True):
        assert theirs == case.good, case.name
        assert verify_vote(case.public_key, case.message, case.signature) == theirs, case.name


def test_keys_that_a_set_takes_are_no_gift() -> None:
    """The forgeries that need no secret are under keys that no validator set takes."""
    forged = [case for case in cases() if case.good and case.signature[32:] == bytes(32)]
    assert len(forged) >= 196
    assert not any(is_validator_key(case.public_key) for case in forged)
    assert is_validator_key(ed25519.public_key(ed25519.SEED))

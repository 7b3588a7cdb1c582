"""The wire does not drift: recorded envelopes decode to what they say, byte for byte."""

import json

import pytest

from app.kernel.hashing import address_of
from app.kernel.signatures import verify
from app.tx import decode_tx, sign_bytes
from novation.v1 import tx_pb2
from tests.vectors import ed25519, envelopes

VECTORS = json.loads(envelopes.FILE.read_text())


def test_file_is_what_the_generator_writes() -> None:
    """A change of the wire shows here first; `python -m tests.vectors.envelopes` records it."""
    assert [envelopes.vector(*case) for case in envelopes.CASES] == VECTORS
    kinds = {action.WhichOneof("kind") for _, _, actions, _ in envelopes.CASES for action in actions}
    assert kinds == {field.name for field in tx_pb2.Action.DESCRIPTOR.fields}


@pytest.mark.parametrize("vector", VECTORS, ids=lambda vector: vector["name"])
def test_vector(vector: dict[str, str]) -> None:
    """TX-001, TX-002, TX-005: the chain's own decoding, sign bytes, address, hash; the signature by plain integers."""
    raw, body = bytes.fromhex(vector["envelope"]), bytes.fromhex(vector["body"])
    tx = decode_tx(raw, vector["chain_id"], verify)
    assert (tx.raw, tx.hash.hex(), tx.account[:20].hex()) == (raw, vector["hash"], vector["owner"])
    assert tx.body == tx_pb2.Body.FromString(body)
    assert sign_bytes(vector["chain_id"], body).hex() == vector["sign_bytes"]
    seed, public_key = bytes.fromhex(vector["seed"]), bytes.fromhex(vector["public_key"])
    assert address_of(tx_pb2.KEY_TYPE_ED25519, public_key).hex() == vector["owner"]
    authorization = tx_pb2.Envelope.FromString(raw).authorization
    assert ed25519.public_key(seed) == authorization.public_key == public_key
    assert ed25519.sign(seed, bytes.fromhex(vector["sign_bytes"])) == authorization.signature

"""Transactions: the envelope's canonical form, its sign bytes and its hash.

Canonical form (TX-001): the bytes parse; no field is unknown at any depth; encoding what was parsed gives the same
bytes again. So fields stand in number order, varints are minimal, defaults are absent and nothing trails. One meaning
has one encoding and one hash.
"""

from collections.abc import Callable
from dataclasses import dataclass

from google.protobuf.message import DecodeError

from app.accounts.keys import key_of
from app.errors import (
    TX_AGENT_ACTION,
    TX_BAD_SIGNATURE,
    TX_KEY_TYPE,
    TX_MALFORMED,
    TX_NO_ACTIONS,
    TX_NOT_CANONICAL,
    TX_TOO_LARGE,
    TX_TOO_MANY_ACTIONS,
    TX_UNKNOWN_ACTION,
    ChainError,
)
from app.kernel.hashing import address_of, sha
from app.limits import MAX_ACTIONS, MAX_ENVELOPE_BYTES
from novation.v1 import tx_pb2

SIGN_TAG = b"novation/tx/v1\x00"
ED25519 = 1
ACTION_WEIGHT_BYTES = 160

Verify = Callable[[bytes, bytes, bytes], bool]
"""(public key, message, signature) -> whether the signature holds."""


@dataclass(slots=True, frozen=True)
class Tx:
    """A decoded envelope in canonical form with a valid signature."""

    raw: bytes
    hash: bytes
    account: bytes
    body: tx_pb2.Body
    kinds: tuple[str, ...]
    nonce: int
    lane: int
    gas_limit: int
    expiry_height: int
    expiry_time_ns: int
    agent: bytes = b""  # address of the key that signed, unless it is the owner's

    @property
    def weight_bytes(self) -> int:
        """About what a decoded envelope keeps in memory: an action of four bytes becomes an object of many more."""
        return len(self.raw) + ACTION_WEIGHT_BYTES * len(self.kinds)


def sign_bytes(chain_id: str, body: bytes) -> bytes:
    """TX-002: what an envelope's signature signs: the domain tag, the chain id with its length in one byte, the body
    as it stands.
    """
    name = chain_id.encode()
    return SIGN_TAG + bytes([len(name)]) + name + body


def decode_tx(raw: bytes, chain_id: str, verify: Verify) -> Tx:
    """TX-001 to TX-006: decode an envelope and check all that does not depend on state.

    Raises TX_TOO_LARGE, TX_MALFORMED, TX_NOT_CANONICAL, TX_BAD_ACCOUNT, TX_NO_ACTIONS, TX_TOO_MANY_ACTIONS,
    TX_UNKNOWN_ACTION, TX_KEY_TYPE, TX_BAD_SIGNATURE, TX_AGENT_ACTION; never anything else, whatever the bytes.
    """
    if len(raw) > MAX_ENVELOPE_BYTES:
        raise ChainError(TX_TOO_LARGE, bytes=len(raw), most=MAX_ENVELOPE_BYTES)
    envelope = _parse_envelope(raw)
    body = _parse_body(envelope.body)
    account = key_of(body.account)
    if not body.actions:
        raise ChainError(TX_NO_ACTIONS)
    if len(body.actions) > MAX_ACTIONS:
        raise ChainError(TX_TOO_MANY_ACTIONS, actions=len(body.actions), most=MAX_ACTIONS)
    kinds = tuple(action.WhichOneof("kind") or "" for action in body.actions)
    if "" in kinds:
        raise ChainError(TX_UNKNOWN_ACTION, action=kinds.index(""))
    agent = _check_authorization(envelope, account, chain_id, verify)
    if agent and not AGENT_KINDS.issuperset(kinds):
        raise ChainError(TX_AGENT_ACTION, action=next(at for at, kind in enumerate(kinds) if kind not in AGENT_KINDS))
    return Tx(
        raw,
        sha(raw),
        account,
        body,
        kinds,
        body.nonce,
        lane_of(body, kinds),
        body.gas_limit,
        body.expiry_height,
        body.expiry_time_ns,
        agent,
    )


def _parse_envelope(raw: bytes) -> tx_pb2.Envelope:
    try:
        envelope = tx_pb2.Envelope.FromString(raw)
    except DecodeError as error:
        raise ChainError(TX_MALFORMED, part="envelope") from error
    envelope.DiscardUnknownFields()
    if envelope.SerializeToString(deterministic=True) != raw:
        raise ChainError(TX_NOT_CANONICAL, part="envelope")
    return envelope


def _parse_body(raw: bytes) -> tx_pb2.Body:
    try:
        body = tx_pb2.Body.FromString(raw)
    except DecodeError as error:
        raise ChainError(TX_MALFORMED, part="body") from error
    # Unknown fields survive parsing; without them the encoding differs, so both checks are one comparison. An action
    # of an unknown kind is an unknown field too.
    body.DiscardUnknownFields()
    if body.SerializeToString(deterministic=True) != raw:
        raise ChainError(TX_NOT_CANONICAL, part="body")
    return body


def _check_authorization(envelope: tx_pb2.Envelope, account: bytes, chain_id: str, verify: Verify) -> bytes:
    """TX-003 to TX-005: known key type, a signature over the sign bytes. Returns the address of the key unless it is
    the owner's: whether it is an agent's, state knows (ADM-006).
    """
    authorization = envelope.authorization
    if authorization.key_type != ED25519:
        raise ChainError(TX_KEY_TYPE, key_type=authorization.key_type)
    if not verify(authorization.public_key, sign_bytes(chain_id, envelope.body), authorization.signature):
        raise ChainError(TX_BAD_SIGNATURE)
    address = address_of(ED25519, authorization.public_key)
    return b"" if address == account[:20] else address


# What an agent may do: trade. Nothing here moves money or positions to another account.
AGENT_KINDS = frozenset(
    {
        "place_order",
        "cancel_order",
        "replace_order",
        "cancel_all",
        "place_trigger",
        "cancel_trigger",
        "set_dead_man",
        "set_protection",
        "place_combo",
    }
)


LANE_MAKERS = 0
LANE_OTHERS = 1

# An envelope is in the makers' lane when every action only takes liquidity away from nobody: cancels, and orders that
# cannot trade.
_MAKER_KINDS = frozenset({"cancel_order", "cancel_all", "cancel_trigger", "set_dead_man", "set_protection"})
_POST_ONLY = 4


def lane_of(body: tx_pb2.Body, kinds: tuple[str, ...]) -> int:
    """ORD-001: envelopes that only cancel or post come first, then all others."""
    for kind, action in zip(kinds, body.actions, strict=True):
        if not (
            kind in _MAKER_KINDS
            or (kind == "place_order" and action.place_order.time_in_force == _POST_ONLY)
            or (kind == "replace_order" and action.replace_order.time_in_force == _POST_ONLY)
        ):
            return LANE_OTHERS
    return LANE_MAKERS

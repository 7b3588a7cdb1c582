"""Block headers, validator sets and commits: their hashes, what validators sign, and when a header may be trusted.

The rules are those of CometBFT's light client. Everything is computed from the fields of CometBFT's JSON-RPC; the few
messages that are hashed or signed are encoded by hand, because this package must not carry CometBFT's protos.
"""

import base64
import re
from dataclasses import dataclass
from datetime import UTC, datetime
from hashlib import sha256
from typing import Any

from nacl.exceptions import BadSignatureError
from nacl.signing import VerifyKey

FOR_THE_BLOCK = 2  # a signature's block_id_flag: 1 absent, 2 for this block, 3 for no block
PRECOMMIT = 2
ED25519 = "tendermint/PubKeyEd25519"
NANOSECONDS = 1_000_000_000
TIME = re.compile(r"(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d)(?:\.(\d{1,9}))?Z")


class LightError(Exception):
    """A header cannot be trusted, or the node does not give what is needed to check it."""


class NotEnoughTrust(LightError):
    """Too few of the validators that are trusted signed the new header; a header in between may help."""


@dataclass(frozen=True, slots=True)
class BlockId:
    """What a commit names: the header's hash and the parts in which the block was sent."""

    hash: bytes
    parts_total: int
    parts_hash: bytes


@dataclass(frozen=True, slots=True)
class Header:
    """A block's header. `app_hash` is the state after the block before it."""

    block_version: int
    app_version: int
    chain_id: str
    height: int
    time_ns: int
    last_block: BlockId
    last_commit_hash: bytes
    data_hash: bytes
    validators_hash: bytes
    next_validators_hash: bytes
    consensus_hash: bytes
    app_hash: bytes
    last_results_hash: bytes
    evidence_hash: bytes
    proposer: bytes

    def hash(self) -> bytes:
        """The block's hash: the RFC 6962 root over the encoded fields."""
        return list_root([
            number_field(1, self.block_version) + number_field(2, self.app_version),
            bytes_field(1, self.chain_id.encode()), number_field(1, self.height), timestamp(self.time_ns),
            block_id(self.last_block), *(bytes_field(1, value) for value in (
                self.last_commit_hash, self.data_hash, self.validators_hash, self.next_validators_hash,
                self.consensus_hash, self.app_hash, self.last_results_hash, self.evidence_hash, self.proposer)),
        ])


@dataclass(frozen=True, slots=True)
class Signature:
    """One validator's place in a commit."""

    flag: int
    validator: bytes
    time_ns: int
    signature: bytes


@dataclass(frozen=True, slots=True)
class Commit:
    """More than two thirds of the validators' signatures on a block."""

    height: int
    round: int
    block: BlockId
    signatures: tuple[Signature, ...]


@dataclass(frozen=True, slots=True)
class Validator:
    """A validator with its Ed25519 key and its voting power."""

    public_key: bytes
    power: int

    @property
    def address(self) -> bytes:
        """How commits name it."""
        return sha256(self.public_key).digest()[:20]


@dataclass(frozen=True, slots=True)
class LightBlock:
    """All that is needed to trust a header: its commit, and the validators of its height in their order."""

    header: Header
    commit: Commit
    validators: tuple[Validator, ...]


def verify_step(trusted: LightBlock, new: LightBlock, period_ns: int, now_ns: int, drift_ns: int) -> None:
    """Accept `new` on the strength of `trusted`, which stands below it.

    Raises NotEnoughTrust when a header in between is needed, LightError when `new` is wrong or `trusted` too old.
    """
    check_age(trusted.header, period_ns, now_ns)
    signers = check_block(new, trusted.header.chain_id)
    if new.header.height <= trusted.header.height or new.header.time_ns <= trusted.header.time_ns:
        raise LightError("the new header is not after the trusted one")
    if new.header.time_ns >= now_ns + drift_ns:
        raise LightError("the new header is from the future; check this machine's clock")
    if new.header.height == trusted.header.height + 1:
        if new.header.validators_hash != trusted.header.next_validators_hash:
            raise LightError("the validators are not those that the trusted header announced")
    else:
        check_trusted_third(trusted.validators, signers)


def check_age(header: Header, period_ns: int, now_ns: int) -> None:
    """Raises LightError when a trusted header is older than validators can still be held to account for."""
    if header.time_ns + period_ns <= now_ns:
        raise LightError(f"the trusted header at height {header.height} is older than the trusting period; "
                         "take a newer height and hash from a source you trust")


def check_block(block: LightBlock, chain_id: str) -> frozenset[bytes]:
    """A header, its validators and its commit belong together, and more than two thirds signed: the addresses of those
    whose signatures verify. Raises LightError.

    CometBFT accepts signatures by the laxer rules of ZIP-215, so a good commit may hold some that do not verify here.
    They count for nothing.
    """
    header, commit = block.header, block.commit
    if header.chain_id != chain_id:
        raise LightError(f"the header is of chain {header.chain_id!r}, not {chain_id!r}")
    if commit.height != header.height or commit.block.hash != header.hash():
        raise LightError("the commit is for another header")
    if header.validators_hash != validators_hash(block.validators):
        raise LightError("the validators are not those that the header names")
    if len(commit.signatures) != len(block.validators):
        raise LightError("the commit has not one place for each validator")
    signers, signed = set(), 0
    for validator, place in zip(block.validators, commit.signatures, strict=True):
        if place.flag == FOR_THE_BLOCK:
            if place.validator != validator.address:
                raise LightError("a signature stands at another validator's place")
            if verifies(validator, chain_id, commit, place):
                signers.add(validator.address)
                signed += validator.power
    if 3 * signed <= 2 * sum(validator.power for validator in block.validators):
        raise LightError("no more than two thirds of the voting power signed the header")
    return frozenset(signers)


def check_trusted_third(trusted: tuple[Validator, ...], signers: frozenset[bytes]) -> None:
    """More than a third of the power that is trusted is among the signers of a header. Raises NotEnoughTrust."""
    signed = sum(validator.power for validator in trusted if validator.address in signers)
    if 3 * signed <= sum(validator.power for validator in trusted):
        raise NotEnoughTrust("no more than a third of the trusted voting power signed the header")


def verifies(validator: Validator, chain_id: str, commit: Commit, place: Signature) -> bool:
    """Whether a validator's signature in a commit holds by the strict rules: canonical, and no key of small order."""
    try:
        VerifyKey(validator.public_key).verify(sign_bytes(chain_id, commit, place.time_ns), place.signature)
    except (BadSignatureError, ValueError):
        return False
    return True


def sign_bytes(chain_id: str, commit: Commit, time_ns: int) -> bytes:
    """What a validator signs for a block: a length-prefixed CanonicalVote."""
    parts = number_field(1, commit.block.parts_total) + bytes_field(2, commit.block.parts_hash)
    named = bytes_field(1, commit.block.hash) + message_field(2, parts)
    vote = (number_field(1, PRECOMMIT) + fixed_field(2, commit.height) + fixed_field(3, commit.round)
            + message_field(4, named) + message_field(5, timestamp(time_ns)) + bytes_field(6, chain_id.encode()))
    return varint(len(vote)) + vote


def validators_hash(validators: tuple[Validator, ...]) -> bytes:
    """The hash of a validator set, in the order of the set."""
    return list_root([message_field(1, bytes_field(1, validator.public_key)) + number_field(2, validator.power)
                      for validator in validators])


def list_root(items: list[bytes]) -> bytes:
    """The RFC 6962 root over items."""
    if not items:
        return sha256(b"").digest()
    if len(items) == 1:
        return sha256(b"\x00" + items[0]).digest()
    middle = 1 << ((len(items) - 1).bit_length() - 1)
    return sha256(b"\x01" + list_root(items[:middle]) + list_root(items[middle:])).digest()


def block_id(block: BlockId) -> bytes:
    """An encoded BlockID."""
    parts = number_field(1, block.parts_total) + bytes_field(2, block.parts_hash)
    return bytes_field(1, block.hash) + message_field(2, parts)


def timestamp(time_ns: int) -> bytes:
    """An encoded protobuf Timestamp of a time after 1970."""
    return number_field(1, time_ns // NANOSECONDS) + number_field(2, time_ns % NANOSECONDS)


def varint(number: int) -> bytes:
    """An unsigned number in base 128, lowest group first. Raises LightError below zero."""
    if number < 0:
        raise LightError("a negative number where none can be")
    out = bytearray()
    while number > 127:
        out.append(number & 127 | 128)
        number >>= 7
    return bytes([*out, number])


def number_field(field: int, number: int) -> bytes:
    """An encoded varint field; nothing for zero."""
    return varint(field << 3) + varint(number) if number else b""


def fixed_field(field: int, number: int) -> bytes:
    """An encoded field of 8 bytes; nothing for zero."""
    return varint(field << 3 | 1) + number.to_bytes(8, "little") if number else b""


def bytes_field(field: int, value: bytes) -> bytes:
    """An encoded bytes or string field; nothing when empty."""
    return message_field(field, value) if value else b""


def message_field(field: int, message: bytes) -> bytes:
    """An encoded message field, written even when empty."""
    return varint(field << 3 | 2) + varint(len(message)) + message


def parse_time(text: str) -> int:
    """Nanoseconds since 1970 of CometBFT's time; 0 for its zero time. Raises LightError."""
    match = TIME.fullmatch(text)
    if match is None:
        raise LightError(f"not a time: {text!r}")
    seconds = int(datetime.fromisoformat(match[1]).replace(tzinfo=UTC).timestamp())
    return max(0, seconds * NANOSECONDS + int((match[2] or "").ljust(9, "0")))


def parse_block_id(json: Any) -> BlockId:
    """A block id from JSON-RPC."""
    return BlockId(bytes.fromhex(json["hash"]), int(json["parts"]["total"]), bytes.fromhex(json["parts"]["hash"]))


def parse_header(json: Any) -> Header:
    """A header from JSON-RPC."""
    return Header(
        block_version=int(json["version"].get("block", 0)), app_version=int(json["version"].get("app", 0)),
        chain_id=json["chain_id"], height=int(json["height"]), time_ns=parse_time(json["time"]),
        last_block=parse_block_id(json["last_block_id"]), proposer=bytes.fromhex(json["proposer_address"]),
        **{name: bytes.fromhex(json[name]) for name in (
            "last_commit_hash", "data_hash", "validators_hash", "next_validators_hash", "consensus_hash",
            "app_hash", "last_results_hash", "evidence_hash")})


def parse_commit(json: Any) -> Commit:
    """A commit from JSON-RPC."""
    return Commit(int(json["height"]), int(json["round"]), parse_block_id(json["block_id"]), tuple(
        Signature(int(place["block_id_flag"]), bytes.fromhex(place["validator_address"]),
                  parse_time(place["timestamp"]), base64.b64decode(place["signature"] or ""))
        for place in json["signatures"]))


def parse_validator(json: Any) -> Validator:
    """A validator from JSON-RPC. Raises LightError for a key that is not Ed25519."""
    if json["pub_key"]["type"] != ED25519:
        raise LightError(f"a validator key of type {json['pub_key']['type']!r}; only Ed25519 is known")
    return Validator(base64.b64decode(json["pub_key"]["value"]), int(json["voting_power"]))

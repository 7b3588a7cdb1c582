"""A remote signer of a validator, as CometBFT knows them, with a clock that is wrong: the votes that it signs carry
times that are off by `skew_ns`. So a network has a validator whose clock is an hour ahead, and nothing else is changed.
"""

import socket
import threading
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from time import monotonic, sleep

from nacl.signing import SigningKey
from tendermint.crypto import keys_pb2
from tendermint.types import canonical_pb2, types_pb2

from app.kernel.codec import uvarint
from app.oracle.votes import sign_bytes
from node.comet.keys import CometKey

# privval/types.proto: requests and responses by number, each a field of one message.
PUB_KEY, SIGN_VOTE, SIGN_PROPOSAL, PING = 1, 3, 5, 7
CONNECT_S = 60.0


def fields(data: bytes) -> Iterator[tuple[int, bytes]]:
    """(number, content) of a message whose fields all have a length."""
    at = 0
    while at < len(data):
        tag, at = varint_at(data, at)
        length, at = varint_at(data, at)
        yield tag >> 3, data[at:at + length]
        at += length


def varint_at(data: bytes, at: int) -> tuple[int, int]:
    """The number that begins at a place, and where it ends."""
    value = shift = 0
    while True:
        byte = data[at]
        value, shift, at = value | (byte & 0x7F) << shift, shift + 7, at + 1
        if byte < 0x80:
            return value, at


def field(number: int, content: bytes) -> bytes:
    """One field with a length."""
    return uvarint(number << 3 | 2) + uvarint(len(content)) + content


def with_length(data: bytes) -> bytes:
    """As CometBFT signs and sends."""
    return uvarint(len(data)) + data


def canonical_block(block: types_pb2.BlockID) -> canonical_pb2.CanonicalBlockID | None:
    """What is signed of a block's id; nothing of none."""
    if not block.hash:
        return None
    parts = canonical_pb2.CanonicalPartSetHeader(
        total=block.part_set_header.total, hash=block.part_set_header.hash)
    return canonical_pb2.CanonicalBlockID(hash=block.hash, part_set_header=parts)


class SkewedSigner(threading.Thread):
    """Signs whatever its node asks for, once; `stop` ends it."""

    def __init__(self, path: Path, key: CometKey) -> None:
        super().__init__(daemon=True)
        self.path = path
        self.key = SigningKey(key.seed)
        self.skew_ns = 0
        self.stopped = threading.Event()
        self.socket = socket.socket(socket.AF_UNIX)
        self.start()

    def run(self) -> None:
        deadline = monotonic() + CONNECT_S
        while not self.stopped.is_set() and monotonic() < deadline:
            try:
                self.socket.connect(str(self.path))
                break
            except OSError:  # the node does not listen yet
                sleep(0.05)
        try:
            while not self.stopped.is_set():
                ((kind, request),) = fields(self.read())
                self.socket.sendall(with_length(field(kind + 1, self.answer(kind, request))))
        except OSError:
            return  # the node is gone

    def read(self) -> bytes:
        """One message. OSError when the node hung up."""
        head = self.exactly(1)
        while head[-1] >= 0x80:
            head += self.exactly(1)
        return self.exactly(varint_at(head, 0)[0])

    def exactly(self, length: int) -> bytes:
        """So many bytes."""
        data = b""
        while len(data) < length:
            more = self.socket.recv(length - len(data))
            if not more:
                raise ConnectionError("the node hung up")
            data += more
        return data

    def answer(self, kind: int, request: bytes) -> bytes:
        """The response to a request."""
        parts = dict(fields(request)) if kind != PING else {}
        if kind == PUB_KEY:
            return field(1, keys_pb2.PublicKey(ed25519=bytes(self.key.verify_key)).SerializeToString())
        if kind == SIGN_VOTE:
            return field(1, self.vote(types_pb2.Vote.FromString(parts[1]), parts[2].decode()).SerializeToString())
        if kind == SIGN_PROPOSAL:
            proposal = types_pb2.Proposal.FromString(parts[1])
            return field(1, self.proposal(proposal, parts[2].decode()).SerializeToString())
        return b""

    def vote(self, vote: types_pb2.Vote, chain_id: str) -> types_pb2.Vote:
        """A vote with its signatures and its time, which the node takes over; those of proposals count for nothing."""
        vote.timestamp.FromNanoseconds(vote.timestamp.ToNanoseconds() + self.skew_ns)
        canonical = canonical_pb2.CanonicalVote(
            type=vote.type, height=vote.height, round=vote.round, block_id=canonical_block(vote.block_id),
            timestamp=vote.timestamp, chain_id=chain_id)
        vote.signature = self.sign(with_length(canonical.SerializeToString(deterministic=True)))
        if vote.type == types_pb2.SIGNED_MSG_TYPE_PRECOMMIT and vote.block_id.hash:
            vote.extension_signature = self.sign(sign_bytes(chain_id, vote.height, vote.round, vote.extension))
        return vote

    def proposal(self, proposal: types_pb2.Proposal, chain_id: str) -> types_pb2.Proposal:
        """A proposal with its signature."""
        canonical = canonical_pb2.CanonicalProposal(
            type=types_pb2.SIGNED_MSG_TYPE_PROPOSAL, height=proposal.height, round=proposal.round,
            pol_round=proposal.pol_round, block_id=canonical_block(proposal.block_id), timestamp=proposal.timestamp,
            chain_id=chain_id)
        proposal.signature = self.sign(with_length(canonical.SerializeToString(deterministic=True)))
        return proposal

    def sign(self, message: bytes) -> bytes:
        """Ed25519."""
        return bytes(self.key.sign(message).signature)

    def stop(self) -> None:
        """Hang up."""
        self.stopped.set()
        with suppress(OSError):
            self.socket.shutdown(socket.SHUT_RDWR)
        self.socket.close()
        self.join()

"""Running a chain's blocks again, apart from any node, and comparing the app hash of each with the next header's."""

import base64
import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Protocol

from google.protobuf.timestamp_pb2 import Timestamp

from app.block import Block
from app.chain import Chain
from app.store.view import Batch, Reader


class ReplayStore(Reader, Protocol):
    """Where the replayed state goes."""

    def write(self, batch: Batch) -> None:
        """Apply `batch`."""
        ...


class Blocks(Protocol):
    """Who has the blocks: CometBFT's RPC."""

    def block(self, height: int) -> dict[str, Any]:
        """The reply of its method `block`."""
        ...


@dataclass(frozen=True, slots=True)
class Replayed:
    """One block: what came out, and what the next header says (empty: it is not made yet)."""

    height: int
    app_hash: str
    stated: str
    txs: int

    @property
    def agrees(self) -> bool:
        return self.stated in ("", self.app_hash)


def begin(chain: Chain, genesis: dict[str, Any]) -> None:
    """InitChain as CometBFT does it from its genesis.json. Raises GenesisError or KeyError."""
    validators = [(base64.b64decode(one["pub_key"]["value"]), int(one["power"])) for one in genesis["validators"]]
    chain.init_chain(genesis["chain_id"], nanoseconds(genesis["genesis_time"]), int(genesis.get("initial_height", 1)),
                     json.dumps(genesis["app_state"]).encode(), validators)


def next_height(chain: Chain) -> int:
    """Of the block that comes after the chain's head, or of its first."""
    return chain.head.height + 1 if chain.head.height else chain.initial_height


def replay(chain: Chain, store: ReplayStore, blocks: Blocks, until: int) -> Iterator[Replayed]:
    """Run what follows the chain's head up to `until`, block by block; goes on after a difference if it is asked to."""
    first = next_height(chain)
    reply = blocks.block(first)
    for height in range(first, until + 1):
        result = chain.finalize(block_of(reply))
        store.write(chain.commit())
        chain.committed()
        reply = blocks.block(height + 1) if height < until else {}
        stated = reply["block"]["header"]["app_hash"] if reply else ""
        yield Replayed(height, result.app_hash.hex().upper(), stated, len(result.txs))


def block_of(reply: dict[str, Any]) -> Block:
    """A block as FinalizeBlock would bring it."""
    header = reply["block"]["header"]
    txs = [base64.b64decode(tx) for tx in reply["block"]["data"]["txs"] or []]
    return Block(int(header["height"]), nanoseconds(header["time"]), txs, bytes.fromhex(reply["block_id"]["hash"]),
                 bytes.fromhex(header["proposer_address"]))


def nanoseconds(text: str) -> int:
    """Since 1970, of an RFC 3339 time."""
    moment = Timestamp()
    moment.FromJsonString(text)
    return moment.ToNanoseconds()

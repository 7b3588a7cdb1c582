"""A chain in one process, without consensus: blocks on demand, over a dict. Tests tell it who does what."""

import hashlib
from collections.abc import Callable

from app.chain import Block, BlockResult, Chain
from app.kernel import signatures
from app.store.view import DictReader
from novation.v1 import tx_pb2
from tests.helpers import builders
from tests.helpers.builders import Person

GENESIS_TIME_NS = 1_700_000_000_000_000_000
BLOCK_TIME_NS = 1_000_000_000
Verify = Callable[[bytes, bytes, bytes], bool]


class Driver:
    """A chain, its storage, and the next nonce of each account."""

    def __init__(self, app_state: bytes | None = None, *, chain_id: str = builders.CHAIN_ID,
                 verify: Verify = signatures.verify) -> None:
        self.reader = DictReader()
        self.verify = verify
        self.chain = Chain(self.reader, verify=verify)
        self.time_ns = GENESIS_TIME_NS
        self.chain_id = chain_id
        self.nonces: dict[bytes, int] = {}
        self.app_state = app_state or builders.genesis()
        self.height = 0
        self.app_hash = self.chain.init_chain(chain_id, self.time_ns, 1, self.app_state)

    def nonce(self, account: bytes) -> int:
        """A fresh nonce for `account`."""
        self.nonces[account] = self.nonces.get(account, 0) + 1
        return self.nonces[account]

    def envelope(self, person: Person, *actions: tx_pb2.Action, number: int = 0, **fields: object) -> bytes:
        """A signed envelope with the account's next nonce."""
        nonce = fields.pop("nonce", None) or self.nonce(person.account(number))
        return builders.envelope(person, list(actions), nonce, chain_id=self.chain_id, number=number,  # type: ignore[arg-type]
                                 **fields)

    def next_block(self, txs: list[bytes], step_ns: int = BLOCK_TIME_NS) -> Block:
        """The block that would follow, with a hash made from its place and contents."""
        digest = hashlib.sha256(self.height.to_bytes(8, "big") + b"".join(txs)).digest()
        return Block(height=self.height + 1, time_ns=self.time_ns + step_ns, txs=txs, hash=digest, proposer=bytes(20))

    def run(self, txs: list[bytes], step_ns: int = BLOCK_TIME_NS) -> BlockResult:
        """Finalize and commit one block of exactly these envelopes."""
        block = self.next_block(txs, step_ns)
        result = self.chain.finalize(block)
        self.reader.write(self.chain.commit())
        self.chain.committed()
        self.height, self.time_ns, self.app_hash = block.height, block.time_ns, result.app_hash
        assert len(result.txs) == len(txs)
        assert (self.chain.head.height, self.chain.head.app_hash) == (self.height, self.app_hash)
        return result

    def act(self, person: Person, *actions: tx_pb2.Action, **fields: object) -> tx_pb2.EnvelopeResult:
        """One envelope in a block of its own; its result."""
        return self.run([self.envelope(person, *actions, **fields)]).txs[0].result

    def do(self, person: Person, *actions: tx_pb2.Action, **fields: object) -> list[tx_pb2.ActionResult]:
        """As `act`, and every action must succeed; their results."""
        result = self.act(person, *actions, **fields)
        failed = [action.reason for action in result.actions if action.code] + [result.reason] * bool(result.code)
        assert not failed, failed
        return list(result.actions)

    def refused(self, person: Person, action: tx_pb2.Action, **fields: object) -> str:
        """One action that must fail; the REASON."""
        result = self.act(person, action, **fields)
        reason: str = result.reason or result.actions[0].reason
        assert reason, "the action succeeded"
        return reason

    def restart(self) -> None:
        """Forget everything in memory and start again from what was written; from genesis before the first block."""
        self.chain = Chain(self.reader, verify=self.verify)
        if self.height == 0:
            assert self.chain.init_chain(self.chain_id, self.time_ns, 1, self.app_state) == self.app_hash
        assert (self.chain.head.height, self.chain.head.app_hash) == (self.height, self.app_hash)

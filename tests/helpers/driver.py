"""A chain in one process, without consensus: blocks on demand. Tests say who does what, and at what prices."""

import hashlib
from collections.abc import Callable

from app.chain import Block, BlockResult, Chain
from app.kernel import signatures
from app.oracle.state import feeds
from app.oracle.types import Pillar, Vote
from app.store.view import DictReader
from novation.v1 import tx_pb2
from tests.helpers import builders
from tests.helpers.builders import Person
from tests.helpers.votes import Voters, prices

GENESIS_TIME_NS = 1_700_000_000_000_000_000
BLOCK_TIME_NS = 1_000_000_000
Verify = Callable[[bytes, bytes, bytes], bool]


class Driver:
    """A chain, its storage, and the next nonce of each account.

    Each block begins with the votes of all `voters` for the same `prices`, by feed; those that nobody staged keep the
    price of genesis. `surface` says what they think of volatility at the time of a block, by feed and expiry.
    """

    def __init__(self, app_state: bytes | None = None, *, chain_id: str = builders.CHAIN_ID,
                 verify: Verify = signatures.verify, voters: Voters | None = None) -> None:
        self.reader = DictReader()
        self.verify = verify
        self.chain = Chain(self.reader, verify=verify)
        self.time_ns = GENESIS_TIME_NS
        self.chain_id = chain_id
        self.nonces: dict[bytes, int] = {}
        self.app_state = app_state or builders.genesis()
        self.height = 0
        self.voters = voters or Voters(chain_id=chain_id)
        self.prices: dict[int, int] = {}
        self.surface: Callable[[int], tuple[Pillar, ...]] | None = None
        self.app_hash = self.begin()
        self.prices = {feed.feed: feed.price for feed in feeds(self.chain.view)}

    def begin(self) -> bytes:
        """InitChain; the app hash of genesis."""
        return self.chain.init_chain(self.chain_id, self.time_ns, 1, self.app_state, self.voters.genesis)

    def mark(self, price_quanta: int, market: int = builders.BTC) -> None:
        """From the next block on the validators see this price: quanta a lot where a lot is 0.001, as feeds have it."""
        record = self.chain.view.markets.get(market)
        assert record is not None, market
        self.prices[record.feed] = price_quanta

    def record(self) -> list[bytes]:
        """What the next block begins with: nothing in the first, then the votes of the one before if anybody votes."""
        if not (self.height and self.voters.order):
            return []
        vote = prices(self.prices)
        pillars = self.surface(self.time_ns) if self.surface else ()
        return [self.voters.record(self.height, Vote(vote.feeds, vote.prices, pillars))]

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
        txs = self.record() + txs
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
        assert result.record is None or result.record.code == 0, result.record
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
            assert self.begin() == self.app_hash
        assert (self.chain.head.height, self.chain.head.app_hash) == (self.height, self.app_hash)

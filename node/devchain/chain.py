"""A chain whose only validator is here: the engine's own parts, driven by us where CometBFT would.

Each block goes the way that it goes on a node: a proposal from the mempool with the record of the votes, checked as
others' proposals are, run, made durable in LevelDB, told to mempool and feed.
"""

import hashlib
import shutil
import tempfile
import threading
import time
from contextlib import suppress
from dataclasses import dataclass, field
from decimal import Decimal
from pathlib import Path

from nacl.signing import SigningKey

from app.block import Block, BlockResult
from app.chain import Chain
from app.options.hooks import schedule_of
from app.oracle.checks import CommitVote
from app.oracle.votes import sign_bytes
from genesis.builder import AppState, canonical
from node.abci.votes import vote_of
from node.committed import Committed
from node.devchain.genesis import dev_state, symbols
from node.devchain.saved import Saved
from node.feed.server import FeedServer
from node.mempool.mempool import Mempool
from node.prices.observation import Observation, Pillar
from node.prices.smile import smile
from node.storage.leveldb import LevelDB
from novation.v1 import tx_pb2

CHAIN_ID = "novation-devchain"
SECOND_NS = 10**9
MAX_BLOCK_BYTES = 4_000_000
VOLATILITY_PERCENT = Decimal(60)
VALIDATOR = hashlib.sha256(b"novation/unsafe-dev-validator/v1").digest()  # a secret that everybody knows


class DevChainError(Exception):
    """What was asked of the devchain cannot be; the message says why and what to do."""


@dataclass(slots=True)
class Clock:
    """What time blocks have: the wall's and an offset; or, with `step_ns`, so much after the block before."""

    step_ns: int = 0
    offset_ns: int = 0

    def next_ns(self, last_ns: int) -> int:
        """The time of a block after one at `last_ns`, always later."""
        if self.step_ns:
            return last_ns + self.step_ns
        return max(last_ns + 1, time.time_ns() + self.offset_ns)

    def leap(self, time_ns: int) -> None:
        """From now on it is `time_ns`, and goes on from there."""
        self.offset_ns = time_ns - time.time_ns()


@dataclass(slots=True)
class Parts:
    """What runs over one store."""

    folder: Path
    store: LevelDB
    chain: Chain
    committed: Committed
    mempool: Mempool
    feed: FeedServer

    def close(self) -> None:
        """Close all, remove the store."""
        self.feed.close()
        self.committed.history.close()
        self.mempool.stop()
        self.store.close()
        shutil.rmtree(self.folder, ignore_errors=True)


@dataclass(slots=True)
class Seen:
    """What the validator votes: prices and volatilities (percent) by feed symbol."""

    prices: dict[str, Decimal] = field(default_factory=dict)
    volatilities: dict[str, Decimal] = field(default_factory=dict)


class DevChain:
    """One chain. Its methods may be called from any thread; blocks come one at a time.

    `on_demand`: a block for whatever is submitted, at once. `genesis_ns` is when it begins, 0: now. Who holds `lock`
    keeps blocks from being made.
    """

    def __init__(self, state: AppState | None = None, *, step_ns: int = 0, on_demand: bool = True, genesis_ns: int = 0,
                 saved: Saved | None = None) -> None:
        """Raises GenesisError for a state that the chain does not accept."""
        self.state = state if state is not None else dev_state()
        self.clock = Clock(step_ns, saved.offset_ns if saved else 0)
        self.on_demand = on_demand
        self.seen = Seen()
        self.checkpoints: dict[int, Saved] = {}
        self.folder = Path(tempfile.mkdtemp(prefix="novation-dev-"))
        self.socket = self.folder / "link.sock"
        self._key = SigningKey(VALIDATOR)
        self.lock = threading.RLock()
        self._wanted, self._stopping = threading.Event(), threading.Event()
        self._opened = 0
        self._genesis_ns = genesis_ns or time.time_ns()
        try:
            self.parts = self._open(saved)
        except BaseException:
            shutil.rmtree(self.folder, ignore_errors=True)
            raise
        self._miner = threading.Thread(target=self._mine_on_demand, name="devchain", daemon=True)
        self._miner.start()

    def _open(self, saved: Saved | None) -> Parts:
        self._opened += 1
        folder = self.folder / f"state-{self._opened}"
        store = LevelDB(folder)
        if saved is not None:
            store.write(dict(saved.records))
        chain = Chain(store)
        if not chain.head.height:
            public = bytes(self._key.verify_key)
            chain.init_chain(CHAIN_ID, self._genesis_ns, 1, canonical(self.state), [(public, 10)])
        self.seen = Seen(dict(saved.prices), dict(saved.volatilities)) if saved else self._first_seen()
        committed, mempool = Committed(chain, store), Mempool(chain)
        blocks = saved.blocks if saved else ()
        feed = FeedServer(self.socket, committed, Announcing(mempool, self._wanted), history=blocks)
        feed.start()
        mempool.start()
        return Parts(folder, store, chain, committed, mempool, feed)

    def _first_seen(self) -> Seen:
        prices = {one["symbol"]: Decimal(one["price"]).scaleb(-one["decimals"]) for one in self.state["feeds"]}
        return Seen(prices, dict.fromkeys(prices, VOLATILITY_PERCENT))

    @property
    def height(self) -> int:
        """Of the last block."""
        return self.parts.chain.head.height

    @property
    def time_ns(self) -> int:
        """Of the last block."""
        return self.parts.chain.head.time_ns

    def mine(self, blocks: int = 1, seconds: float | Decimal = 0) -> int:
        """Make so many blocks, which take so many seconds together (0: as the clock goes). The height then."""
        if blocks < 1 or seconds < 0:
            raise DevChainError("one block at least, and no time backwards: use a checkpoint and `revert` for that")
        part_ns = int(Decimal(str(seconds)) * SECOND_NS) // blocks
        with self.lock:
            for _ in range(blocks):
                if part_ns:
                    self.clock.leap(self.time_ns + part_ns)
                self._block(self.time_ns + part_ns if part_ns else self.clock.next_ns(self.time_ns))
            return self.height

    def _block(self, time_ns: int) -> BlockResult:
        parts = self.parts
        chain, commit = parts.chain, self._commit()
        txs = parts.mempool.propose(lambda candidates: chain.prepare(candidates, MAX_BLOCK_BYTES, commit))
        if why := chain.process(txs):
            raise DevChainError(f"the chain refuses its own proposal: {why}")
        height = chain.head.height + 1
        digest = hashlib.sha256(chain.head.app_hash + height.to_bytes(8, "big") + b"".join(txs)).digest()
        result = chain.finalize(Block(height, time_ns, txs, digest, self._address))
        parts.committed.commit()
        parts.mempool.after_commit(height, chain.head.time_ns, result.txs)
        parts.feed.publish(result)
        return result

    @property
    def _address(self) -> bytes:
        return hashlib.sha256(bytes(self._key.verify_key)).digest()[:20]

    def _commit(self) -> list[CommitVote]:
        """The commit of the last block, as CometBFT would tell it; none before block 1."""
        chain = self.parts.chain
        if not chain.head.height:
            return []
        extension = chain.extension(vote_of(self.observation(), chain.feeds()))
        message = sign_bytes(chain.head.chain_id, chain.head.height, 0, extension)
        return [CommitVote(self._address, extension, self._key.sign(message).signature)]

    def observation(self) -> Observation:
        """What the validator sees now."""
        pillars: dict[str, tuple[Pillar, ...]] = {}
        for feed, (symbol, _) in symbols(self.state).items():
            if expiries := self._expiries(feed):
                volatility = self.seen.volatilities[symbol] / 100
                pillars[symbol] = smile(symbol, volatility, expiries, self.time_ns)
        return Observation(self.time_ns, dict(self.seen.prices), pillars)

    def _expiries(self, feed: int) -> list[int]:
        """When the options on a feed expire, in ns (OPT-004, OPT-005)."""
        terms = self.parts.chain.view.option_classes.get(feed)
        listed = schedule_of(terms, self.time_ns // SECOND_NS) if terms else []
        return [expiry_s * SECOND_NS for expiry_s, _ in listed]

    def set_price(self, symbol: str, price: Decimal | str) -> None:
        """From the next block on the validator sees this price of a feed such as `BTC/USD`, in USD."""
        self.seen.prices[self._known(symbol)] = positive(price, "a price")

    def set_volatility(self, symbol: str, percent: Decimal | str) -> None:
        """From the next block on options on a feed are priced with this volatility a year at the money."""
        self.seen.volatilities[self._known(symbol)] = positive(percent, "a volatility")

    def _known(self, symbol: str) -> str:
        if symbol not in self.seen.prices:
            raise DevChainError(f"no feed {symbol!r}; there are {', '.join(sorted(self.seen.prices))}")
        return symbol

    def moment(self) -> Saved:
        """All that there is now, for `revert` and files. Raises DevChainError before the first block."""
        with self.lock:
            if not self.height:
                raise DevChainError("there is no block yet: mine one first")
            records = dict(self.parts.store.scan(b""))
            blocks = self.parts.feed.blocks()
            return Saved(records, blocks, dict(self.seen.prices), dict(self.seen.volatilities), self.clock.offset_ns)

    def checkpoint(self) -> int:
        """Remember this moment; its number."""
        number = len(self.checkpoints) + 1
        self.checkpoints[number] = self.moment()
        return number

    def require_checkpoint(self, number: int) -> Saved:
        """What was remembered. Raises DevChainError."""
        saved = self.checkpoints.get(number)
        if saved is None:
            known = ", ".join(map(str, sorted(self.checkpoints))) or "none"
            raise DevChainError(f"no checkpoint {number}; there are {known}")
        return saved

    def revert(self, number: int) -> None:
        """Go back to a checkpoint, as often as you like. Readers of the link are cut off and begin anew; envelopes that
        wait are forgotten. Raises DevChainError.
        """
        with self.lock:
            saved = self.require_checkpoint(number)
            self.parts.close()
            self.clock.offset_ns = saved.offset_ns
            self.parts = self._open(saved)

    def _mine_on_demand(self) -> None:
        while True:
            self._wanted.wait()
            self._wanted.clear()
            if self._stopping.is_set():
                return
            if self.on_demand and self.height:
                self.mine()

    def close(self) -> None:
        """Stop, and remove what is on the disk. May be called twice."""
        self._stopping.set()
        self._wanted.set()
        self._miner.join()
        with self.lock, suppress(FileNotFoundError):
            self.parts.close()
            shutil.rmtree(self.folder, ignore_errors=True)


class Announcing:
    """The mempool as the link sees it; whoever submits wakes the miner."""

    def __init__(self, mempool: Mempool, wanted: threading.Event) -> None:
        self._mempool = mempool
        self._wanted = wanted

    def submit(self, envelopes: list[bytes]) -> list[tx_pb2.EnvelopeResult]:
        """As the mempool's."""
        verdicts = self._mempool.submit(envelopes)
        if not all(verdict.code for verdict in verdicts):
            self._wanted.set()
        return verdicts

    @property
    def count(self) -> int:
        """How many envelopes wait."""
        return self._mempool.count

    @property
    def size_bytes(self) -> int:
        """How many bytes of envelopes wait."""
        return self._mempool.size_bytes


def positive(value: Decimal | str, what: str) -> Decimal:
    """A number above 0, or DevChainError."""
    try:
        number = Decimal(value)
    except ArithmeticError as error:
        raise DevChainError(f"{what} is a decimal, not {value!r}") from error
    if not (number.is_finite() and number > 0):
        raise DevChainError(f"{what} is above 0, not {value}")
    return number

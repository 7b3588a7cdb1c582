"""What consensus may ask of the state machine. The node calls this and nothing else.

Order of a height: `finalize` runs the block on working records and returns results and app hash, changing nothing
that is committed and starting afresh each time it is called; `commit` gives the batch to write; `committed`, called
once the batch is durable, makes the working records the committed ones. `prepare`, `process` and `admit` see
committed state only.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from app.accounts.state import check_nonce, require_account
from app.accounts.types import Account
from app.admission import admit, highest_fee
from app.block import Block, BlockResult, TxOutcome, refused, run_block
from app.context import Context
from app.errors import FAULTS, ORACLE_RECORD, TX_NO_CHAIN, ChainError, GenesisError, InvariantError, MarketFault
from app.events import Occurrence
from app.genesis import load_genesis
from app.invariants import audit
from app.kernel.hashing import sha
from app.kernel.signatures import verify as verify_signature
from app.limits import MAX_EXTENSION_BYTES, MAX_VALIDATORS, MAX_VAULT_QUANTA
from app.margin.state import equity
from app.memo import Memo
from app.oracle.checks import CommitVote, Voters, check_record, make_record
from app.oracle.record import split_record
from app.oracle.state import feeds
from app.oracle.types import Vote, Votes
from app.oracle.votes import decode_extension, encode_extension
from app.ordering import encoded_size, fault, select
from app.params import PARAMS_KEY, Params
from app.proposal import affordable
from app.registry import COMMITTED, REBUILD, TABLES, committed_view, open_context
from app.store.tree import DomainTree, Staged, app_hash
from app.store.view import Batch, LayeredReader, Reader
from app.tx import Tx, Verify, decode_tx
from app.validators.state import load_validators, set_at, updates
from novation.v1 import state_pb2
from novation.v1.tx_pb2 import EnvelopeResult

HEAD_KEY = b"mhead"


@dataclass(frozen=True, slots=True)
class Head:
    """The last committed block. Height 0: nothing is committed yet."""

    height: int = 0
    time_ns: int = 0
    app_hash: bytes = b""
    chain_id: str = ""

    def encode(self) -> bytes:
        """The stored form, a Head message."""
        return state_pb2.Head(
            height=self.height, time_ns=self.time_ns, app_hash=self.app_hash, chain_id=self.chain_id
        ).SerializeToString(deterministic=True)


def read_head(reader: Reader) -> Head:
    """The stored head, or an empty one."""
    stored = state_pb2.Head.FromString(reader.get(HEAD_KEY) or b"")
    return Head(stored.height, stored.time_ns, stored.app_hash, stored.chain_id)


def means(view: Context, account: Account) -> int:
    """The equity of a committed account, in quote quanta. CMP-003: one whose market raises is let in, so that execution
    meets the fault, quarantines the market and values the account without it.
    """
    try:
        return equity(view, account)
    except MarketFault:
        return MAX_VAULT_QUANTA


def recorded(record: bytes, why: str) -> TxOutcome:
    """The outcome of a record of votes: one that is wrong is refused, and the block brings no prices."""
    if why:
        return refused(sha(record), b"", 0, ChainError(ORACLE_RECORD, why=why))
    return TxOutcome(sha(record), b"", 0, 0, "", b"", 0, 0, [], EnvelopeResult())


class Chain:
    """The state machine over one store. `decode` and `admit` may be called from any thread, the rest from one."""

    def __init__(self, reader: Reader, *, verify: Verify = verify_signature) -> None:
        self.stored = reader
        self.reader = LayeredReader(reader)
        self.verify = verify
        self.memo = Memo()
        self.initial_height = 1
        self.reopen()

    def reopen(self) -> None:
        """Start from what is stored; also after another state was put there."""
        self.head = read_head(self.stored)
        self._open()
        if self.head.height:
            self.ctx.params = self._stored_params()
            self.ctx.time_ns = self.head.time_ns
            for rebuild in REBUILD:
                rebuild(self.ctx)

    def _open(self) -> None:
        self.ctx = open_context(self.reader)
        self.view = committed_view(self.ctx)
        self.trees = {name: DomainTree(schema.prefix, self.reader) for name, schema in TABLES.items()}
        self.staged: dict[str, Staged] = {}
        self.result: BlockResult | None = None
        self.heard: dict[bytes, Vote | None] = {}
        self.checked: tuple[bytes, int, Votes | None, str] = (b"", 0, None, "")

    def _stored_params(self) -> Params:
        params = self.ctx.params_table.get(PARAMS_KEY)
        if params is None:
            raise GenesisError("the store has a head but no parameters")
        return params

    @property
    def params(self) -> Params:
        """The chain's parameters, once genesis is loaded."""
        return self.ctx.params

    def init_chain(
        self,
        chain_id: str,
        time_ns: int,
        initial_height: int,
        app_state: bytes,
        validators: Sequence[tuple[bytes, int]] = (),
    ) -> bytes:
        """Load genesis and return its app hash. May be repeated until the first commit; nothing durable happens
        before it. `validators` are (Ed25519 key, power); a chain without any takes no prices.

        Raises GenesisError on anything invalid, and when the store already holds a chain.
        """
        if self.head.height:
            raise GenesisError(f"the store already holds {self.head.chain_id} at height {self.head.height}")
        if initial_height < 1:
            raise GenesisError("initial_height: at least 1")
        self.reader.pending.clear()
        self.memo.clear()
        self._open()
        self.initial_height = initial_height
        self.ctx.time_ns = time_ns
        carried = load_genesis(self.ctx, chain_id, app_state)
        load_validators(self.ctx, initial_height, validators)
        root, _, batch = self._stage()
        # Genesis becomes readable at once and durable with the first block.
        self.reader.pending.update(batch)
        if carried:
            self._take_carried(time_ns)
        else:
            self._merge()
        self.head = Head(0, time_ns, root, chain_id)
        return root

    def _take_carried(self, time_ns: int) -> None:
        """GEN-002: start from the records of a genesis as from stored ones; the whole ledger must hold."""
        self._open()
        self.ctx.params = self._stored_params()
        self.ctx.time_ns = time_ns
        try:
            for rebuild in REBUILD:
                rebuild(self.ctx)
            audit(self.ctx)
        except InvariantError as error:
            raise GenesisError(f"carried: {error}") from error
        except FAULTS as error:
            raise GenesisError(f"carried: the records do not fit together: {error!r}") from error

    def decode(self, raw: bytes) -> Tx:
        """The envelope, decoded and its signature checked, once: later calls with the same bytes are a look-up.

        Raises ChainError.
        """
        tx = self._decode(raw)
        self.memo.remember(tx)
        return tx

    def _decode(self, raw: bytes) -> Tx:
        if not self.head.chain_id:
            raise ChainError(TX_NO_CHAIN)
        return self.memo.get(sha(raw)) or decode_tx(raw, self.head.chain_id, self.verify)

    def admit(self, raw: bytes) -> Tx:
        """Decode and check against committed state as if for the next block. Raises ChainError.

        Only what passes is remembered: anybody can sign envelopes, but not everybody has an account.
        """
        tx = self._decode(raw)
        self.check(tx)
        self.memo.remember(tx)
        return tx

    def check(self, tx: Tx) -> int:
        """The state-dependent half of `admit`, for envelopes that wait. Raises ChainError.

        Returns the fee that would be held, in quote quanta.
        """
        head, view = self.head, self.view
        return admit(
            tx,
            view.accounts.get(tx.account),
            view.agents.get(tx.account) if tx.agent else None,
            self.params,
            head.height + 1,
            head.time_ns,
            lambda account: means(view, account),
        )

    def highest_fee(self, tx: Tx) -> int:
        """The most an envelope can cost, in quote quanta. Raises ChainError when its fee limit does not cover it."""
        return highest_fee(tx, self.params)

    def equity(self, key: bytes) -> int:
        """The committed equity of an account, in quote quanta; 0 when it does not exist."""
        account = self.view.accounts.get(key)
        return means(self.view, account) if account else 0

    def feeds(self) -> list[tuple[int, str, int]]:
        """What is voted on: (feed, symbol, decimals)."""
        return [(feed.feed, feed.symbol, feed.decimals) for feed in feeds(self.view)]

    def extension(self, vote: Vote) -> bytes:
        """ORCL-001: the extension of a vote, the empty one when the vote is not well-formed."""
        data = encode_extension(vote)
        return data if self.accepts_extension(data) else b""

    def accepts_extension(self, extension: bytes) -> bool:
        """ORCL-001: whether a precommit with this extension may count. The same on every node and at every height."""
        return self._vote(extension) is not None

    def _vote(self, extension: bytes) -> Vote | None:
        """The vote of an extension; those heard lately are decoded once."""
        if len(extension) > MAX_EXTENSION_BYTES:
            return None
        if extension not in self.heard:
            if len(self.heard) >= 2 * MAX_VALIDATORS:
                self.heard.clear()
            self.heard[extension] = decode_extension(extension)
        return self.heard[extension]

    def prepare(
        self, candidates: Iterable[Tx], max_bytes: int, commit: Iterable[CommitVote] = (), round_: int = 0
    ) -> list[bytes]:
        """ORD-001 to ORD-004: the transactions of a proposal: the record of the last commit, then candidates in the
        order of preference. Takes no more of them than the block has room for.
        """
        most = self.params.max_block_gas
        record = self._record(commit, round_)
        room = max_bytes - sum(encoded_size(raw) for raw in record)
        good = affordable(candidates, most, self.check, self.highest_fee, self.equity)
        return record + [tx.raw for tx in select(good, self.head.app_hash, room, most)]

    def _record(self, commit: Iterable[CommitVote], round_: int) -> list[bytes]:
        """ORCL-003: what a block of ours begins with. Its votes were checked one by one: `process` need not again."""
        height = self._next_height()
        voters = self._voters(height)
        if voters is None:
            return []
        record, votes = make_record(commit, round_, voters, self.verify, self._vote)
        if votes is not None:
            self.checked = (record, height, votes, "")
        return [record]

    def _next_height(self) -> int:
        return self.head.height + 1 if self.head.height else self.initial_height

    def _voters(self, height: int) -> Voters | None:
        """Whose votes block `height` holds: none in the first block."""
        validators = set_at(self.view, height - 1)
        return Voters(self.head.chain_id, height - 1, validators) if validators else None

    def _votes(self, record: bytes | None, height: int) -> tuple[Votes | None, str]:
        """ORCL-003: the votes that a block brings, or why its record is not right. Remembers the last answer: proposal
        and block bring the same record.
        """
        voters = self._voters(height)
        if voters is None:
            return None, "no votes are due" if record is not None else ""
        if record is None:
            return None, "the votes of the height before are missing"
        if self.checked[:2] != (record, height):
            self.checked = (record, height, *check_record(record, voters, self.verify))
        return self.checked[2:]

    def process(self, raws: list[bytes], round_: int | None = None) -> str:
        """Whether a proposal is one that a correct proposer can make: "" or the reason to reject it. `round_` is that
        of the last commit, where the caller knows it.
        """
        record, raws = split_record(raws)
        votes, why = self._votes(record, self._next_height())
        if votes is not None and round_ is not None and votes.round != round_:
            why = "votes of another round than the last commit's"
        if why:
            return f"votes: {why}"
        txs = []
        for position, raw in enumerate(raws):
            try:
                tx = self.decode(raw)
                check_nonce(require_account(self.view.accounts.get(tx.account), tx.account), tx.nonce)
            except ChainError as error:
                return f"transaction {position}: {error}"
            txs.append(tx)
        return fault(txs, self.head.app_hash, self.params.max_block_gas)

    def finalize(self, block: Block) -> BlockResult:
        """Run a decided block. May be called any number of times for a height; each call starts from the committed
        records.
        """
        ctx = self.ctx
        record, raws = split_record(block.txs)
        ctx.votes, why = self._votes(record, block.height)
        outcomes, events = self._run(block, raws)
        root, changes, self.batch = self._stage()
        self.next_head = Head(block.height, ctx.time_ns, root, self.head.chain_id)
        for outcome, raw in zip(outcomes, raws, strict=True):
            outcome.raw = raw
        self.result = BlockResult(block.height, ctx.time_ns, root, outcomes, events, changes, updates(ctx))
        if record is not None:
            self.result.votes, self.result.record = record, recorded(record, why)
        return self.result

    def _run(self, block: Block, raws: list[bytes]) -> tuple[list[TxOutcome], list[Occurrence]]:
        """CMP-004: run the block; should a market break in it, again with that market in quarantine from its start.

        Each run adds a market, so there is at most one for each and one more. Raises InvariantError when quarantine
        does not help.
        """
        txs = [self._decode_for_block(raw) for raw in raws]
        faults: dict[int, MarketFault] = {}
        while True:
            self._drop_working()
            self.ctx.journal.savepoint()
            self.ctx.time_ns = self.head.time_ns
            try:
                return run_block(self.ctx, block.height, block.time_ns, txs, faults.values())
            except MarketFault as fault:
                if fault.market in faults:
                    raise InvariantError(f"quarantine does not help: {fault}") from fault
                faults[fault.market] = fault

    def _decode_for_block(self, raw: bytes) -> Tx | TxOutcome:
        """BLK-006: an envelope that a byzantine majority let through still has an outcome: refused."""
        try:
            return self.decode(raw)
        except ChainError as error:
            return refused(sha(raw), b"", 0, error)

    def _drop_working(self) -> None:
        journal = self.ctx.journal
        while journal.marks:
            journal.rollback()
        for table in self.ctx.tables.values():
            table.drop()
        self.ctx.events.clear()
        self.ctx.faults.clear()
        self.ctx.refusals.clear()
        self.result = None

    def _stage(self) -> tuple[bytes, list[tuple[str, bytes, bytes | None]], Batch]:
        """App hash, record changes and writes of the working records."""
        batch: Batch = {}
        changes: list[tuple[str, bytes, bytes | None]] = []
        roots = {}
        for name in sorted(TABLES):
            table, tree = self.ctx.tables[name], self.trees[name]
            changed = table.changes()
            staged = self.staged[name] = tree.stage(changed)
            roots[name] = staged.root
            batch.update(staged.writes)
            for key, value in changed.items():
                batch[table.space + key] = value
                changes.append((name, key, value))
        return app_hash(roots), changes, batch

    def commit(self) -> Batch:
        """Everything that must become durable together with this height. Raises RuntimeError without a finalized
        block.
        """
        if self.result is None:
            raise RuntimeError("commit without a finalized block")
        return {**self.reader.pending, **self.batch, HEAD_KEY: self.next_head.encode()}

    def committed(self) -> None:
        """The batch is durable: working records become the committed ones."""
        self._merge()
        self.reader.pending.clear()
        self.head = self.next_head
        self.result = None

    def _merge(self) -> None:
        for hook in COMMITTED:
            hook(self.ctx)
        for name, staged in self.staged.items():
            self.trees[name].apply(staged)
            self.ctx.tables[name].merge()
        self.ctx.journal.clear()

    def read(self, table: str, key: bytes) -> bytes | None:
        """The committed bytes of a record. Raises KeyError for an unknown table."""
        return self.reader.get(self.ctx.tables[table].space + key)

    def snapshot(self, tables: Iterable[str]) -> tuple[Head, list[tuple[str, bytes, bytes]]]:
        """Head and all committed records of `tables`. The caller sees to it that no commit falls in between."""
        rows = []
        for name in tables:
            space = self.ctx.tables[name].space
            rows += [(name, stored[len(space) :], value) for stored, value in self.reader.scan(space)]
        return self.head, rows

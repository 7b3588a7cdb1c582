"""The spine: one block from header to results, readable top to bottom.

begin     time moves; domains act in the order of the registry
execute   each envelope: admission again, fee held, actions one by one, fee settled; exactly one outcome each
end       domains act; invariants are checked
"""

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

from app.accounts import rules as accounts_rules
from app.admission import admit
from app.book.types import market_of
from app.clock import CLOCK_KEY, Clock
from app.collateral.state import collect_fees
from app.compartment import action_fault, quarantine, quarantine_noted
from app.context import NO_LIMIT, Context
from app.errors import FAULTS, TX_ACTION_FAILED, ChainError, MarketFault
from app.event_messages import event_messages
from app.events import Occurrence
from app.gas import ACTION, GasMeter, charged_gas, intrinsic_gas
from app.invariants import check_block
from app.margin.state import equity
from app.params import fee_for_gas
from app.registry import ACTIONS, BEGIN_BLOCK, END_BLOCK
from app.tx import Tx
from novation.v1 import tx_pb2
from novation.v1.events_pb2 import Event


@dataclass(slots=True)
class Block:
    """What consensus decided."""

    height: int
    time_ns: int
    txs: list[bytes]
    hash: bytes = b""
    proposer: bytes = b""


@dataclass(slots=True)
class TxOutcome:
    """What one envelope did. `code`, `data` and gas are part of the next header; the rest is for readers."""

    hash: bytes
    account: bytes
    nonce: int
    code: int
    codespace: str
    data: bytes
    gas_wanted: int
    gas_used: int
    occurred: list[Occurrence]
    result: tx_pb2.EnvelopeResult
    raw: bytes = b""  # the envelope, as the block holds it

    @property
    def events(self) -> list[Event]:
        """What happened, in the wire's form; made anew at each call."""
        return event_messages(self.occurred)


@dataclass(slots=True)
class BlockResult:
    """What one block did. `changes` are (table, key, record bytes or None), ascending by table and key; `votes` is
    the record of votes where the block began with one and `record` its outcome; `txs` are those of the envelopes.
    """

    height: int
    time_ns: int
    app_hash: bytes
    txs: list[TxOutcome]
    occurred: list[Occurrence]
    changes: list[tuple[str, bytes, bytes | None]] = field(default_factory=list)
    validator_updates: list[tuple[bytes, int]] = field(default_factory=list)
    votes: bytes = b""
    record: TxOutcome | None = None

    @property
    def events(self) -> list[Event]:
        """What happened outside any envelope, in the wire's form; made anew at each call."""
        return event_messages(self.occurred)


def run_block(
    ctx: Context, height: int, time_ns: int, txs: list[Tx | TxOutcome], faults: Iterable[MarketFault] = ()
) -> tuple[list[TxOutcome], list[Occurrence]]:
    """Execute a block on the working records of `ctx`. A TxOutcome among `txs` stands for an envelope that did not
    decode.

    CMP-004: the markets of `faults`, found when the block was run before, are in quarantine from its start.
    Returns the outcomes in order and the events of the hooks. Raises MarketFault when an invariant of one market is
    broken, InvariantError when the ledger itself is.
    """
    begin_block(ctx, height, time_ns, faults)
    events = take_events(ctx)
    outcomes = [tx if isinstance(tx, TxOutcome) else execute(ctx, tx) for tx in txs]
    end_block(ctx)
    events += take_events(ctx)
    check_block(ctx)
    return outcomes, events


def begin_block(ctx: Context, height: int, time_ns: int, faults: Iterable[MarketFault] = ()) -> None:
    """Time moves, then each domain's begin hook. BLK-001: block time never runs backwards, whatever the header says.
    BLK-007: height and time are a record of the state. GAS-006: hooks have no gas limit.
    """
    ctx.gas = GasMeter(NO_LIMIT)
    ctx.height = height
    ctx.elapsed_ns = max(time_ns - ctx.time_ns, 0)
    ctx.time_ns += ctx.elapsed_ns
    ctx.clock.put(CLOCK_KEY, Clock(height, ctx.time_ns))
    for fault in faults:
        quarantine(ctx, fault)
    for hook in BEGIN_BLOCK:
        hook(ctx)


def end_block(ctx: Context) -> None:
    """Each domain's end hook. GAS-006: what an envelope's limit left is no limit of theirs."""
    ctx.gas = GasMeter(NO_LIMIT)
    for hook in END_BLOCK:
        hook(ctx)


def take_events(ctx: Context) -> list[Occurrence]:
    """The events so far, and a fresh list for what follows."""
    events, ctx.events = ctx.events, []
    return events


def execute(ctx: Context, tx: Tx) -> TxOutcome:
    """BLK-002: one envelope. Refused: nothing changes. Admitted: nonce and fee stay, whatever its actions do.

    CMP-003: should the account hold a market whose rules raise, that market is quarantined first.
    """
    ctx.gas = meter = GasMeter(tx.gas_limit)
    try:
        account = ctx.accounts.get(tx.account)
        agents = ctx.agents.get(tx.account) if tx.agent else None
        hold = admit(tx, account, agents, ctx.params, ctx.height, ctx.time_ns, lambda found: equity(ctx, found))
    except ChainError as error:
        return refused(tx.hash, tx.account, tx.nonce, error, min(tx.gas_limit, ctx.params.max_block_gas))
    except MarketFault as fault:
        if quarantine(ctx, fault):
            return execute(ctx, tx)
        raise
    begin_envelope(ctx, tx, hold)
    meter.charge(intrinsic_gas(len(tx.raw), len(tx.kinds)))
    result = tx_pb2.EnvelopeResult()
    run_actions(ctx, tx, result)
    if ctx.faults:
        quarantine_noted(ctx)
    fee = settle_fee(ctx, tx, hold)
    result.gas_used = meter.used
    result.fee_quanta = fee
    return TxOutcome(
        tx.hash,
        tx.account,
        tx.nonce,
        result.code,
        result.codespace,
        result.SerializeToString(deterministic=True),
        tx.gas_limit,
        meter.used,
        take_events(ctx),
        result,
    )


def begin_envelope(ctx: Context, tx: Tx, hold: int) -> None:
    """BLK-003: use the nonce and hold the highest fee, so that no action can spend it."""
    account = ctx.accounts.edit(tx.account)
    account.highest_nonce, account.used_nonces = accounts_rules.use_nonce(
        account.highest_nonce, account.used_nonces, tx.nonce
    )
    account.cash_quanta -= hold


def settle_fee(ctx: Context, tx: Tx, hold: int) -> int:
    """BLK-004: charge the gas (GAS-005), give back the rest of the hold. Returns the fee, in quote quanta."""
    fee = min(hold, fee_for_gas(charged_gas(ctx.gas.used, ctx.gas.limit), ctx.params.gas_price_e6))
    if hold != fee:
        ctx.accounts.edit(tx.account).cash_quanta += hold - fee
    collect_fees(ctx, fee)
    return fee


def run_actions(ctx: Context, tx: Tx, result: tx_pb2.EnvelopeResult) -> None:
    """BLK-005: each action succeeds or leaves no trace; with `all_or_nothing`, one that fails undoes them all and
    ends the envelope.

    One savepoint serves all actions, because a handler checks everything before it changes anything. Should one fail
    after a change all the same, the envelope runs again with a savepoint for each action, to the same end.
    """
    used = ctx.gas.used
    ctx.journal.savepoint()
    for kind, action in zip(tx.kinds, tx.body.actions, strict=True):
        touches = ctx.journal.touches
        failure = run_action(ctx, tx.account, kind, action, result)
        if failure is None:
            continue
        if tx.body.all_or_nothing:
            ctx.journal.rollback()
            ctx.events.clear()
            undo_results(result, failure)
            return
        if ctx.journal.touches != touches:
            ctx.journal.rollback()
            ctx.events.clear()
            ctx.gas.used = used
            result.ClearField("actions")
            run_actions_apart(ctx, tx, result)
            return
    ctx.journal.release()


def run_actions_apart(ctx: Context, tx: Tx, result: tx_pb2.EnvelopeResult) -> None:
    """BLK-005 with a savepoint for each action, whatever its handler does before it fails."""
    for kind, action in zip(tx.kinds, tx.body.actions, strict=True):
        ctx.journal.savepoint()
        if run_action(ctx, tx.account, kind, action, result) is None:
            ctx.journal.release()
        else:
            ctx.journal.rollback()


def undo_results(result: tx_pb2.EnvelopeResult, failure: ChainError) -> None:
    """BLK-005: say that nothing was done: the last action failed with `failure`, those before it because of it."""
    error = ChainError(TX_ACTION_FAILED, action=len(result.actions) - 1, reason=failure.code.reason)
    for undone in list(result.actions)[:-1]:
        gas_used = undone.gas_used
        undone.Clear()
        undone.gas_used = gas_used
        fill_error(undone, error)
    fill_error(result, error)


def run_action(
    ctx: Context, account: bytes, kind: str, action: tx_pb2.Action, result: tx_pb2.EnvelopeResult
) -> ChainError | None:
    """One action: its result is appended, its error returned. What it changed before an error is the caller's to
    undo.
    """
    used, events, depth = ctx.gas.used, len(ctx.events), len(ctx.journal.marks)
    failure = None
    try:
        done = ACTIONS[kind](ctx, account, getattr(action, kind))
    except ChainError as error:
        del ctx.events[events:]
        failure, done = error, tx_pb2.ActionResult()
        fill_error(done, error)
    except FAULTS as error:
        del ctx.events[events:]
        failure = action_fault(ctx, depth, named_market(ctx, account, getattr(action, kind)), error)
        done = tx_pb2.ActionResult()
        fill_error(done, failure)
    done.gas_used = ctx.gas.used - used + ACTION
    result.actions.append(done)
    return failure


def named_market(ctx: Context, account: bytes, action: Any) -> int:
    """The market that an action names, by number, order id or client id; 0 if it names none."""
    market: int = getattr(action, "market", 0) or market_of(getattr(action, "order_id", 0))
    record = ctx.orders.get(account)
    if not market and record is not None:
        market = market_of(record.client_ids.get(getattr(action, "client_id", 0), 0))
    return market


def fill_error(result: tx_pb2.ActionResult | tx_pb2.EnvelopeResult, error: ChainError) -> None:
    """Write code, codespace, reason and metadata of `error` into a result."""
    result.code = error.code.code
    result.codespace = error.code.codespace
    result.reason = error.code.reason
    for key in sorted(error.metadata):
        result.metadata.add(key=key, value=error.metadata[key])


def refused(tx_hash: bytes, account: bytes, nonce: int, error: ChainError, gas_wanted: int = 0) -> TxOutcome:
    """The outcome of an envelope that changed nothing."""
    result = tx_pb2.EnvelopeResult()
    fill_error(result, error)
    return TxOutcome(
        tx_hash,
        account,
        nonce,
        result.code,
        result.codespace,
        result.SerializeToString(deterministic=True),
        gas_wanted,
        0,
        [],
        result,
    )

"""A simulated month: real prices, simulated people, the chain's own code in one process, every block checked.

Each bar of the price file is a block whose time is the bar's. The invariants of the ledger run inside every block, as
on every node; the audit of the whole ledger runs every AUDIT_BLOCKS blocks and at the end.
"""

import json
import time
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from app.block import Block, BlockResult
from app.chain import Chain
from app.errors import InvariantError
from app.invariants import audit
from app.oracle.record import Record, Signed, encode_record
from app.store.view import DictReader
from node.prices.bars import Bar
from tests.bench.engine import envelope, no_signature
from tests.helpers import builders
from tests.helpers.votes import Voters, prices
from tests.sim.world import FUTURE, PERPETUAL, TICK_QUANTA, World

AUDIT_BLOCKS = 1_440
SAMPLE_BLOCKS = 15
EXPIRY_NS = 1_643_356_800 * 10**9  # 28 January 2022, 08:00 UTC
FEED = 1
VOTERS = Voters()
QUANTA_A_LOT = 1_000  # a price of one USD a BTC, with lots of 0.001 BTC and quanta of 0.000001 USD


@dataclass(slots=True)
class Sample:
    """The state of things after a block."""

    time_ns: int
    mark_quanta: int
    gamblers_quanta: int
    insurance_quanta: int
    lowest_fund_quanta: int  # of all but the funding pools, which may be below zero for a while
    events: Counter[str]


@dataclass
class Outcome:
    """What the run led to."""

    blocks: int = 0
    seconds: float = 0.0
    audits: int = 0
    actions: int = 0
    failed: Counter[str] = field(default_factory=Counter)
    events: Counter[str] = field(default_factory=Counter)
    volume_quanta: int = 0
    fees_quanta: int = 0
    fund_paid_quanta: int = 0
    deficits_quanta: int = 0  # of reduced accounts, beyond what funds paid
    given_up_quanta: int = 0  # by winners, for those deficits: never more
    worst_shortfall_quanta: int = 0
    samples: list[Sample] = field(default_factory=list)
    app_hash: str = ""
    broken: str = ""  # the invariant that ended the run


def genesis(world: World, first_quanta: int, fields: dict[str, object]) -> bytes:
    """The simulation's first state: a perpetual, and a future where one of the world's markets is; `fields` override
    the terms of both.
    """
    document = json.loads(builders.genesis(()))
    kinds: dict[int, dict[str, object]] = {PERPETUAL: {}, FUTURE: {"kind": "future", "expiry_ns": EXPIRY_NS}}
    symbols = {PERPETUAL: "BTC-PERP", FUTURE: "BTC-28JAN22"}
    document["markets"] = [
        {**builders.market_entry(builders.BTC, symbols[market]), "market": market, **kinds[market], **fields}
        for market in world.markets]
    document["feeds"] = [builders.feed_entry(FEED, "BTC/USD", first_quanta)]
    document["accounts"] = world.accounts()
    document["params"]["max_faucet_quanta"] = 10**15
    return json.dumps(document, sort_keys=True).encode()


def simulate(world: World, bars: Sequence[Bar], fields: dict[str, object],
             progress: Callable[[int, Outcome], None] = lambda _done, _outcome: None) -> Outcome:
    """Run all bars, or up to the first block that breaks the ledger: then `broken` says how."""
    reader = DictReader()
    chain = Chain(reader, verify=no_signature)
    chain.init_chain(
        "novation-sim", to_ns(bars[0]) - 1, 1, genesis(world, to_quanta(bars[0]), fields), VOTERS.genesis)
    outcome, nonces, recent = Outcome(), Counter[bytes](), Counter[str]()
    started = time.perf_counter()
    try:
        for height, bar in enumerate(bars, 1):
            recent += count(outcome, run_bar(chain, reader, world, nonces, bar))
            outcome.blocks = height
            if height % AUDIT_BLOCKS == 0 or height == len(bars):
                audit(chain.ctx)
                outcome.audits += 1
            if height % SAMPLE_BLOCKS == 0 or height == len(bars):
                outcome.samples.append(sample(chain, world, bar, recent))
                recent = Counter()
                progress(height, outcome)
    except InvariantError as error:
        outcome.broken = str(error)
    outcome.seconds, outcome.app_hash = time.perf_counter() - started, chain.head.app_hash.hex()
    return outcome


def run_bar(chain: Chain, reader: DictReader, world: World, nonces: Counter[bytes], bar: Bar) -> BlockResult:
    """One block: the price of the bar, and what everybody does. The first block takes no votes: its price is genesis's.
    """
    height = chain.head.height + 1
    txs = [record(to_quanta(bar))] if height > 1 else []
    for person, actions in world.acts(chain, height, dict.fromkeys(world.markets, to_quanta(bar))):
        nonces[person.owner] += 1
        txs.append(envelope(person, actions, nonces[person.owner], signed=False))
    result = chain.finalize(Block(height, to_ns(bar), txs))
    assert result.record is None or not result.record.code, result.record
    reader.write(chain.commit())
    chain.committed()
    return result


def record(price_quanta: int) -> bytes:
    """The votes of all validators for a price of the one feed, without signatures."""
    vote = prices({FEED: price_quanta})
    return encode_record(Record(0, tuple(Signed(place, vote, bytes(64)) for place in range(len(VOTERS.order)))))


def to_quanta(bar: Bar) -> int:
    """A bar's price on the tick, in quote quanta a lot."""
    return max(1, int(bar.price * QUANTA_A_LOT) // TICK_QUANTA) * TICK_QUANTA


def to_ns(bar: Bar) -> int:
    """A bar's time in nanoseconds since 1970."""
    return int(bar.time_s * 1_000) * 10**6


def count(outcome: Outcome, result: BlockResult) -> Counter[str]:
    """Add up what a block did; the kinds of its events."""
    kinds: Counter[str] = Counter()
    for event in [*result.events, *(event for tx in result.txs for event in tx.events)]:
        kind = event.WhichOneof("kind") or ""
        kinds[kind] += 1
        if kind == "fill":
            outcome.volume_quanta += event.fill.price_quanta * event.fill.size_lots
            outcome.fees_quanta += event.fill.maker_fee_quanta + event.fill.taker_fee_quanta
        elif kind == "position_closed":
            outcome.fund_paid_quanta += event.position_closed.fund_paid_quanta
            outcome.worst_shortfall_quanta = max(outcome.worst_shortfall_quanta, -event.position_closed.equity_quanta)
        elif kind == "account_reduced":
            outcome.fund_paid_quanta += event.account_reduced.fund_paid_quanta
            outcome.deficits_quanta += event.account_reduced.deficit_quanta - event.account_reduced.fund_paid_quanta
            outcome.worst_shortfall_quanta = max(outcome.worst_shortfall_quanta, event.account_reduced.deficit_quanta)
        elif kind == "holder_reduced":
            outcome.given_up_quanta += event.holder_reduced.given_up_quanta
    for tx in result.txs:
        if tx.code:
            outcome.failed[tx.result.reason] += 1
        for action in tx.result.actions:
            outcome.actions += 1
            if action.code:
                outcome.failed[action.reason] += 1
    outcome.events += kinds
    return kinds


def sample(chain: Chain, world: World, bar: Bar, recent: Counter[str]) -> Sample:
    """A point of the picture."""
    funds = dict(chain.view.funds.scan())
    return Sample(
        to_ns(bar), to_quanta(bar),
        sum(chain.equity(gambler.person.account()) for gambler in world.gamblers),
        sum(fund.balance_quanta for key, fund in funds.items() if key.startswith(b"insurance/")),
        min(fund.balance_quanta for key, fund in funds.items() if not key.startswith(b"funding/")),
        recent)

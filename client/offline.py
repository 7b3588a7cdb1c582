"""Risk without trust in any node: the records that an answer rests on, each proven, and the chain's own code on them.

    async with LightClient("http://127.0.0.1:26657", trust) as light:
        found = await prove_risk(light, risk_service.GetRiskRequest(account=account))
        found.answer    # as RiskService.GetRisk would say it, of the same height

This is the one module of the SDK that needs the state machine (`app`); nothing else in the package imports it. The
answer is computed over and over, each time until it reads a record that is not there yet; that record is fetched with
its proof, or the proof that there is none, against a header that the validators signed. So nothing is ever read that
was not proven, and nobody has to say beforehand what an answer needs.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from typing import Protocol

from app import questions
from app.accounts.keys import key_of
from app.accounts.types import decode
from app.context import Context
from app.errors import FAULTS, ChainError
from app.kernel.codec import u32
from app.oracle.state import barred_actions
from app.params import APP_VERSION, PARAMS_KEY
from app.question_messages import answer_message, question_of
from app.registry import TABLES, open_fork
from app.store.table import RECORD_SPACE
from client.errors import BadRequest, MarketClosed, NotProven
from client.light import Record
from client.light_headers import Header, LightError
from client.results import MarketInfo
from client.units import Units
from novation.v1 import risk_service_pb2 as risk_service
from novation.v1 import state_pb2

RECORDS_MAX = 4_096
PROOF_FORM = "ics23"  # it shows absence too
PROVABLE = frozenset({"set_margin_mode"})  # actions that touch nothing but the account
_NAMES = {RECORD_SPACE + bytes([schema.prefix]): name for name, schema in TABLES.items()}
_SPACE = len(RECORD_SPACE) + 1

Place = tuple[str, bytes]
"""Table and key of a record."""
Run = Callable[[Context, "OfflineRisk", risk_service.GetRiskRequest], None]
"""What is computed from proven records."""


class Light(Protocol):
    """What is needed of a light client."""

    async def header(self, height: int) -> Header:
        """The verified header at a height."""
        ...

    async def record(self, table: str, key: bytes, height: int = 0, *, form: str = ...) -> Record:
        """A verified record, or its absence."""
        ...


class ProvenReader:
    """State of which only proven records are known, None for those that are proven to be absent. Whoever reads
    another is told NotProven, and never that there is none.
    """

    def __init__(self, records: dict[Place, bytes | None]) -> None:
        self.records = records

    def get(self, key: bytes) -> bytes | None:
        """The record under a stored key. Raises NotProven."""
        place = _NAMES[key[:_SPACE]], key[_SPACE:]
        if place not in self.records:
            raise NotProven("NOT_PROVEN", metadata={"table": place[0], "key": place[1].hex()})
        return self.records[place]

    def scan(self, prefix: bytes) -> Iterator[tuple[bytes, bytes]]:
        """Raises NotProven: that a list of records is the whole table has no proof."""
        raise NotProven("NOT_PROVEN", f"all of {_NAMES[prefix]}, which no proof can show")


@dataclass(slots=True)
class OfflineRisk:
    """An answer with what it rests on: `own` is the header of `height`, `header` the next one, whose app hash commits
    to the state of that height.
    """

    height: int
    own: Header
    header: Header
    answer: risk_service.GetRiskResponse = field(default_factory=risk_service.GetRiskResponse)
    records: dict[Place, bytes | None] = field(default_factory=dict)
    proofs: list[Record] = field(default_factory=list)

    def take(self, record: Record) -> None:
        """Rest on a record too."""
        self.records[record.table, record.key] = record.value
        self.proofs.append(record)

    def market(self, number: int) -> MarketInfo:
        """A market as it is proven. Raises NotProven when the answer does not rest on it."""
        value = self.records.get(("markets", u32(number)))
        if value is None:
            raise NotProven("NOT_PROVEN", metadata={"table": "markets", "key": u32(number).hex()})
        return market_of(value)

    def confirm(self, told: MarketInfo) -> None:
        """Hold what somebody told of a market against its proven record. Raises NotProven when they differ."""
        proven = self.market(told.market)
        if (told.symbol, told.units, told.record.feed) != (proven.symbol, proven.units, proven.record.feed):
            raise NotProven("NOT_PROVEN", f"market {told.market} is {proven.symbol}, not {told.symbol}, or counts "
                                          "otherwise: who told you so lied")


def market_of(value: bytes) -> MarketInfo:
    """A market from its record."""
    record = state_pb2.Market.FromString(value)
    return MarketInfo(record.market, record.symbol, Units.of(record), record)


async def prove_risk(light: Light, request: risk_service.GetRiskRequest, height: int = 0,
                     told: Iterable[MarketInfo] = ()) -> OfflineRisk:
    """The answer to `request` at a height that the node still holds, the newest that is provable for 0. What somebody
    `told` of markets, so that the request could be made, is held against their records.

    Raises LightError and ProofError when what the node shows cannot be verified, NotProven when the question cannot be
    answered from proofs (actions meet a whole book), BadRequest as the gateway would.
    """
    if any(action.WhichOneof("kind") not in PROVABLE for action in request.actions):
        raise NotProven("NOT_PROVEN", "orders meet the orders of everybody, which no proof can show; suppose trades")
    first = await light.record("params", PARAMS_KEY, height, form=PROOF_FORM)
    if first.header.app_version != APP_VERSION:
        raise LightError(f"the chain runs version {first.header.app_version} of its rules, this is {APP_VERSION}")
    found = OfflineRisk(first.height, await light.header(first.height), first.header)
    found.take(first)
    for run in (stand, answer):  # first what is quickly computed: it needs most of the records
        while (missing := attempt(found, request, run)) is not None:
            await fetch(light, found, together(found, request, missing))
    named = {info.market: info for info in told}
    await fetch(light, found, [("markets", u32(market)) for market in named])
    for info in named.values():
        found.confirm(info)
    return found


async def fetch(light: Light, found: OfflineRisk, places: Iterable[Place]) -> None:
    """Prove what is not yet of these records. Raises NotProven when they are too many."""
    wanted = [place for place in places if place not in found.records]
    if len(found.records) + len(wanted) > RECORDS_MAX:
        raise NotProven("NOT_PROVEN", f"the answer needs more than {RECORDS_MAX} records")
    for record in await asyncio.gather(
            *(light.record(table, key, found.height, form=PROOF_FORM) for table, key in wanted)):
        found.take(record)


def stand(ctx: Context, found: OfflineRisk, request: risk_service.GetRiskRequest) -> None:
    """How the account stands, for the records that it takes."""
    questions.account_risk(ctx, key_of(request.account), scanned=False)


def answer(ctx: Context, found: OfflineRisk, request: risk_service.GetRiskRequest) -> None:
    """The answer, as the gateway would give it."""
    if request.actions:
        note_barred(ctx, key_of(request.account))
    made = questions.ask(ctx, key_of(request.account), question_of(request))
    found.answer = answer_message(found.height, found.own.time_ns, made)


def attempt(found: OfflineRisk, request: risk_service.GetRiskRequest, run: Run) -> Place | None:
    """Compute from what is proven; the first record that is not, if it took one. Raises BadRequest."""
    try:
        run(open_fork(ProvenReader(found.records), found.height, found.own.time_ns), found, request)
    except NotProven as error:
        if "table" not in error.metadata:
            raise
        return error.metadata["table"], bytes.fromhex(error.metadata["key"])
    except ChainError as error:
        raise BadRequest(error.code.reason, error.code.meaning, code=error.code.code, codespace=error.code.codespace,
                         metadata=error.metadata) from error
    except FAULTS as error:
        raise MarketClosed("MARKET_FAULT", f"the rules of a market of this account are broken: {error}") from error
    return None


def note_barred(ctx: Context, key: bytes) -> None:
    """ORCL-011, for the account's markets alone: what their prices bar, which actions ask."""
    account = ctx.accounts.get(key)
    found = {market: barred_actions(ctx, market) for market in (account.positions if account else ())}
    ctx.barred = {market: actions for market, actions in found.items() if actions}


def together(found: OfflineRisk, request: risk_service.GetRiskRequest, missing: Place) -> list[Place]:
    """What to fetch at once: what is asked of one market of the account will be asked of its others."""
    table, key = missing
    stored = found.records.get(("accounts", key_of(request.account)))
    if stored is None:
        return [missing]
    held = [u32(market) for market in decode(key_of(request.account), stored).positions]
    if key not in held:
        return [missing]
    return [(table, one) for one in held]

"""A light client for traders: records of the chain's state, checked against the validators' signatures.

Give it one height and header hash that you trust (from several sources, once) and the RPC address of any node, which
need not be trusted. It follows the validators from the trusted header to the one it needs, and checks the proof of
the record against that header's app hash. What it returns is as good as the validators' signatures.

    trust = TrustOptions("novation-1", height=1, hash=bytes.fromhex("..."))
    async with LightClient("http://127.0.0.1:26657", trust) as light:
        record = await light.record("accounts", owner + number.to_bytes(4, "big"))
"""

import asyncio
import base64
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Self, TypeVar

import httpx

from client.light_headers import (
    NANOSECONDS,
    Commit,
    Header,
    LightBlock,
    LightError,
    NotEnoughTrust,
    Validator,
    check_age,
    check_block,
    parse_commit,
    parse_header,
    parse_validator,
    verify_step,
)
from client.light_proofs import Operator, ProofError, verify_absence, verify_value

__all__ = ["LightClient", "LightError", "ProofError", "Record", "TrustOptions", "trust_in"]

T = TypeVar("T")

PERIOD_SECONDS = 7 * 24 * 3600
DRIFT_SECONDS = 10
TIMEOUT_SECONDS = 10.0
NEXT_BLOCK_SECONDS = 30.0
POLL_SECONDS = 0.1
PAGE = 100
PAGES_MAX = 100
BACKWARDS_MAX = 10_000
TRUSTED_MAX = 1_000


@dataclass(frozen=True, slots=True)
class TrustOptions:
    """Where trust starts. `period_seconds`: how old a header may be to vouch for another; keep it shorter than the
    time for which validators can be punished.
    """

    chain_id: str
    height: int
    hash: bytes
    period_seconds: int = PERIOD_SECONDS


@dataclass(frozen=True, slots=True)
class Record:
    """A proven answer: the record's bytes at the end of block `height`, None when there is none.

    `header` is the verified header of the block after it, whose app hash the proof, `operators`, leads to.
    """

    table: str
    key: bytes
    value: bytes | None
    height: int
    header: Header
    operators: tuple[Operator, ...] = ()


class LightClient:
    """Verified headers and records from an untrusted node. For one asyncio loop; `close` it, or use `async with`.

    `witnesses` are addresses of other nodes; a header is accepted only if they show the same one. Every method raises
    LightError when a header cannot be verified, ProofError when a proof is wrong, and httpx.HTTPError when a node
    cannot be reached.
    """

    def __init__(self, address: str, trust: TrustOptions, *, witnesses: Sequence[str] = (),
                 now_ns: Callable[[], int] = time.time_ns) -> None:
        self.address = address.rstrip("/")
        self.trust = trust
        self.witnesses = [witness.rstrip("/") for witness in witnesses]
        self._now_ns = now_ns
        self._http = httpx.AsyncClient(timeout=TIMEOUT_SECONDS)
        self._trusted: dict[int, LightBlock] = {}

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.close()

    async def close(self) -> None:
        """Close the connections."""
        await self._http.aclose()

    async def header(self, height: int) -> Header:
        """The verified header at `height`, which must be committed."""
        if not self._trusted:
            await self._start()
        if height in self._trusted:
            return self._trusted[height].header
        below = max((known for known in self._trusted if known < height), default=0)
        if not below:
            return await self._backwards(height)
        block = await self._forwards(self._trusted[below], height)
        await self._ask_witnesses(block.header)
        return block.header

    async def shown(self, height: int = 0) -> Header:
        """What the node shows as the header of a height, the newest for 0: unverified, to learn what to trust."""
        if not height:
            height = read(parse_newest, await self._call(self.address, "status"))
        return (await self._signed(self.address, height))[0]

    async def record(self, table: str, key: bytes, height: int = 0, *, form: str = "store") -> Record:
        """The record of `table` under `key` at a height that the node still holds; 0 is the newest that is provable.

        `form` is "store" for CometBFT's own kind of proof, "ics23" for ICS-23.
        """
        answer = read(parse_answer, await self._call(
            self.address, "abci_query", path=f'"/{form}/{table}/key"', data=f"0x{key.hex()}", height=f'"{height}"',
            prove="true"))
        if answer.code:
            raise LightError(answer.log or f"the query failed with code {answer.code}")
        if answer.height < 1 or height not in (0, answer.height):
            raise LightError(f"asked for height {height}, the node answered for {answer.height}")
        header = await self._after(answer.height)
        return proven(header, answer.height, table, key, answer.value, answer.operators)

    async def _after(self, height: int) -> Header:
        """The verified header of the block after `height`, which may still have to be made."""
        if height + 1 in self._trusted:
            return self._trusted[height + 1].header
        deadline = time.monotonic() + NEXT_BLOCK_SECONDS
        while True:
            newest = read(parse_newest, await self._call(self.address, "status"))
            if newest > height:
                return await self.header(height + 1)
            if time.monotonic() > deadline:
                raise LightError(f"no block after {height} in {NEXT_BLOCK_SECONDS} s; is the chain running?")
            await asyncio.sleep(POLL_SECONDS)

    async def _start(self) -> None:
        """Fetch the trusted header and hold the node to it."""
        block = await self._fetch(self.address, self.trust.height)
        if block.header.hash() != self.trust.hash:
            raise LightError(f"the node's header at height {self.trust.height} is not the trusted one")
        check_block(block, self.trust.chain_id)
        check_age(block.header, self.trust.period_seconds * NANOSECONDS, self._now_ns())
        await self._ask_witnesses(block.header)
        self._trusted[block.header.height] = block

    async def _forwards(self, trusted: LightBlock, height: int) -> LightBlock:
        """Verify up to `height`, in one step when enough validators stayed, else by way of headers in between."""
        waiting, verified = [await self._fetch(self.address, height)], []
        while waiting:
            new = waiting[-1]
            try:
                verify_step(trusted, new, self.trust.period_seconds * NANOSECONDS, self._now_ns(),
                            DRIFT_SECONDS * NANOSECONDS)
            except NotEnoughTrust:
                middle = (trusted.header.height + new.header.height) // 2
                waiting.append(await self._fetch(self.address, middle))
                continue
            trusted = waiting.pop()
            verified.append(trusted)
        # Only what no witness contradicts is trusted from here on.
        await self._ask_witnesses(trusted.header)
        for block in verified:
            self._remember(block)
        return trusted

    async def _backwards(self, height: int) -> Header:
        """Verify down from the lowest trusted header: each header names the hash of the one before it."""
        lowest = min(self._trusted)
        if height < 1 or lowest - height > BACKWARDS_MAX:
            raise LightError(f"height {height} is out of reach; trust a header that is closer to it")
        header = self._trusted[lowest].header
        check_age(header, self.trust.period_seconds * NANOSECONDS, self._now_ns())
        while header.height > height:
            before, _ = await self._signed(self.address, header.height - 1)
            if before.hash() != header.last_block.hash or before.time_ns >= header.time_ns:
                raise LightError(f"the header at {before.height} is not the one that its successor names")
            header = before
        return header

    def _remember(self, block: LightBlock) -> None:
        """Keep the newest headers and the first."""
        self._trusted[block.header.height] = block
        if len(self._trusted) > TRUSTED_MAX:
            del self._trusted[sorted(self._trusted)[1]]

    async def _ask_witnesses(self, header: Header) -> None:
        """Raises LightError when another node shows another header for the height: one of the two is attacked."""
        for witness in self.witnesses:
            other, _ = await self._signed(witness, header.height)
            if other.hash() != header.hash():
                raise LightError(f"{self.address} and {witness} show different headers at height {header.height}; "
                                 "trust neither until you know why")

    async def _fetch(self, address: str, height: int) -> LightBlock:
        """The unverified header, commit and validators at a height."""
        header, commit = await self._signed(address, height)
        if header.height != height:
            raise LightError(f"asked for height {height}, the node answered for {header.height}")
        validators: list[Validator] = []
        for page in range(1, PAGES_MAX + 1):
            part, total = read(parse_page, await self._call(
                address, "validators", height=f'"{height}"', page=f'"{page}"', per_page=f'"{PAGE}"'))
            validators += part
            if len(validators) >= total or not part:
                break
        return LightBlock(header, commit, tuple(validators))

    async def _signed(self, address: str, height: int) -> tuple[Header, Commit]:
        """The unverified header and commit at a height."""
        return read(parse_signed, await self._call(address, "commit", height=f'"{height}"'))

    async def _call(self, address: str, method: str, **parameters: str) -> Any:
        """The result of a JSON-RPC call. Raises LightError for the node's own errors."""
        answer = await self._http.get(f"{address}/{method}", params=parameters)
        try:
            body = answer.json()
        except ValueError as error:
            raise LightError(f"{address} does not answer as CometBFT does (HTTP {answer.status_code})") from error
        if not isinstance(body, dict) or "result" not in body:
            detail = body.get("error", {}) if isinstance(body, dict) else {}
            raise LightError(f"{method}: {detail.get('data') or detail.get('message') or 'no result'}")
        return body["result"]


async def trust_in(address: str, height: int = 0, hash: bytes = b"") -> TrustOptions:  # noqa: A002 - as in TrustOptions
    """Trust in the header of `height` (the newest for 0) that has this hash. Without a hash it is trust in what the
    node shows: compare the hash with what others say.
    """
    async with LightClient(address, TrustOptions("", 0, b"")) as light:
        header = await light.shown(height)
    return TrustOptions(header.chain_id, header.height, hash or header.hash())


def proven(header: Header, height: int, table: str, key: bytes, value: bytes, operators: list[Operator]) -> Record:
    """A record whose proof leads to the app hash of a verified header; no value: its absence. Raises ProofError."""
    if value:
        verify_value(header.app_hash, table, key, value, operators)
    else:
        verify_absence(header.app_hash, table, key, operators)
    return Record(table, key, value or None, height, header, tuple(operators))


@dataclass(frozen=True, slots=True)
class Answer:
    """What a node says to a query, unverified."""

    code: int
    log: str
    height: int
    value: bytes
    operators: list[Operator]


def parse_answer(json: Any) -> Answer:
    """The response to an ABCI query."""
    response = json["response"]
    steps = (response.get("proofOps") or {}).get("ops") or []
    return Answer(
        int(response.get("code") or 0), str(response.get("log") or ""), int(response.get("height") or 0),
        base64.b64decode(response.get("value") or ""),
        [Operator(str(step["type"]), base64.b64decode(step["key"]), base64.b64decode(step["data"])) for step in steps])


def parse_newest(json: Any) -> int:
    """The newest height of a node's status."""
    return int(json["sync_info"]["latest_block_height"])


def parse_signed(json: Any) -> tuple[Header, Commit]:
    """Header and commit of a signed header."""
    return parse_header(json["signed_header"]["header"]), parse_commit(json["signed_header"]["commit"])


def parse_page(json: Any) -> tuple[list[Validator], int]:
    """Some validators, and how many there are in all."""
    return [parse_validator(validator) for validator in json["validators"]], int(json["total"])


def read(parse: Callable[[Any], T], json: Any) -> T:
    """Parse what a node sent. Raises LightError when a field is missing or malformed."""
    try:
        return parse(json)
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise LightError(f"malformed answer: {error!r}") from error

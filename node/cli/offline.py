"""`novation query risk --offline`: the same numbers, computed here, from records that are proven."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

import click
import httpx

from client.errors import NovationError
from client.light import LightClient, LightError, ProofError, TrustOptions, trust_in
from client.risk import risk_request
from node.cli.chain import comet_address
from node.cli.scenarios import grid_of
from node.cli.session import EXIT_UNREACHABLE, EXIT_USAGE, Session, fail

if TYPE_CHECKING:
    from collections.abc import Iterable

    from client.offline import OfflineRisk
    from client.results import MarketInfo
    from novation.v1 import risk_service_pb2 as risk_service
    from novation.v1.tx_pb2 import AccountId

    Proven = tuple[OfflineRisk, dict[int, MarketInfo], TrustOptions]

OPTIONS = (
    click.option("--offline", is_flag=True,
                 help="Compute the answer here, from records proven against what the validators signed."),
    click.option("--trust", metavar="HEIGHT:HASH", default="",
                 help="With --offline or --inputs: the header to trust, from a source you trust."),
    click.option("--rpc", metavar="HOST:PORT", help="With --offline: CometBFT's RPC, if not found by itself."),
    click.option("--save", metavar="FILE", type=click.Path(dir_okay=False, writable=True),
                 help="With --offline: keep what was proven, for --inputs."),
    click.option("--inputs", metavar="FILE", type=click.Path(dir_okay=False, exists=True),
                 help="Compute the answer from such a file, without any node; --trust names its second header."),
)  # fmt: skip


def parsed_trust(text: str) -> tuple[int, bytes]:
    """Height and hash of the header to trust; (0, nothing) when none is named."""
    height, _, digits = text.partition(":")
    try:
        found = bytes.fromhex(digits)
    except ValueError:
        found = b""
    if text and not (height.isdecimal() and len(found) == 32):
        fail(f"{text!r} is not HEIGHT:HASH with 64 hex digits", EXIT_USAGE)
    return int(height or 0), found


async def risk_offline(session: Session, request: risk_service.GetRiskRequest, told: Iterable[MarketInfo],
                       rpc: str | None, trust: str, save: str | None) -> Proven:
    """The proven answer, its markets as they are proven, and what was trusted. Names, units and feeds of the markets of
    the request were `told` by the gateway.
    """
    from client.offline import prove_risk  # the whole state machine: only who asks for it waits for it
    from client.saved import save_inputs

    address = comet_address(session, rpc)
    address = address if "://" in address else f"http://{address}"
    try:
        trusted = await trust_in(address, *parsed_trust(trust))
        async with LightClient(address, trusted) as light:
            found = await prove_risk(light, request, told=told)
    except (LightError, ProofError) as error:
        fail(f"what the node shows does not hold: {error}")
    except httpx.HTTPError as error:
        fail(f"CometBFT at {address} does not answer ({error}): is the node running? `novation status`",
             EXIT_UNREACHABLE)
    if save:
        save_inputs(save, found.own, found.header, found.proofs)
    infos = {one.market: found.market(one.market)
             for one in (*found.answer.before.positions, *found.answer.after.positions)}
    return found, infos, trusted


def risk_from_file(inputs: str, account: AccountId, supposed: dict[str, Any], pictured: str | None,
                   trust: str) -> Proven:
    """The answer from a file of proven records, its markets, and what of it was trusted."""
    from client.offline import market_of, prove_risk
    from client.saved import SavedInputs

    height, digest = parsed_trust(trust)

    async def work() -> Proven:
        saved = SavedInputs.read(inputs, digest)
        if height not in (0, saved.following.height):
            fail(f"{inputs} rests on the header of height {saved.following.height}, not {height}", EXIT_USAGE)
        held = [await saved.record("markets", key) for key in saved.keys("markets")]
        infos = {info.market: info for record in held if record.value for info in [market_of(record.value)]}

        def find(market: str | int) -> MarketInfo:
            found = next((info for info in infos.values() if market in (info.market, info.symbol)), None)
            if found is None:
                fail(f"{inputs} does not hold the market {market}; ask a node again, with it", EXIT_USAGE)
            return found

        grid = grid_of(pictured, infos.values()) if pictured else None
        found = await prove_risk(saved, risk_request(find, account, grid=grid, **supposed))
        own = saved.following
        return found, infos, TrustOptions(own.chain_id, own.height, own.hash())

    try:
        return asyncio.run(work())
    except (LightError, ProofError) as error:
        fail(f"{inputs} does not hold: {error}")
    except NovationError as error:
        fail(str(error), reason=error.reason)


def proof_data(found: OfflineRisk, trusted: TrustOptions, *, named: bool) -> dict[str, Any]:
    """What was proven, for scripts."""
    return {"height": found.height, "app_hash": found.header.app_hash.hex(), "header_height": found.header.height,
            "header_hash": found.header.hash().hex(), "records": len(found.records),
            "absent": sum(value is None for value in found.records.values()),
            "trusted_height": trusted.height, "trusted_hash": trusted.hash.hex(), "trust_named": named}


def proof_text(data: dict[str, Any]) -> str:
    """What was proven, for people."""
    trust = (f"starting from the header {data['trusted_height']}:{data['trusted_hash']}"
             f"{' that you named' if data['trust_named'] else ': compare it with what others say'}")
    return (f"computed here from {data['records']} records at height {data['height']}, {data['absent']} of them proven "
            f"to be absent, under app hash {data['app_hash']} in the header of {data['header_height']}, signed by more "
            f"than 2/3 of the validators; {trust}")

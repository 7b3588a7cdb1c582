"""`novation query risk --offline`: the same numbers, computed here, from records that are proven."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click
import httpx

from client.light import LightClient, LightError, ProofError, TrustOptions, trust_in
from node.cli.chain import comet_address
from node.cli.session import EXIT_UNREACHABLE, EXIT_USAGE, Session, fail

if TYPE_CHECKING:
    from collections.abc import Iterable

    from client.offline import OfflineRisk
    from client.results import MarketInfo
    from novation.v1 import risk_service_pb2 as risk_service

OPTIONS = (
    click.option("--offline", is_flag=True,
                 help="Compute the answer here, from records proven against what the validators signed."),
    click.option("--trust", metavar="HEIGHT:HASH", default="",
                 help="With --offline: the header to trust, from a source you trust; else the newest of the node."),
    click.option("--rpc", metavar="HOST:PORT", help="With --offline: CometBFT's RPC, if not found by itself."),
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
                       rpc: str | None, trust: str) -> tuple[OfflineRisk, dict[int, MarketInfo], TrustOptions]:
    """The proven answer, its markets as they are proven, and what was trusted. Names, units and feeds of the markets of
    the request were `told` by the gateway.
    """
    from client.offline import prove_risk  # the whole state machine: only who asks for it waits for it

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
    infos = {one.market: found.market(one.market)
             for one in (*found.answer.before.positions, *found.answer.after.positions)}
    return found, infos, trusted


def proof_data(found: OfflineRisk, trusted: TrustOptions, *, named: bool) -> dict[str, Any]:
    """What was proven, for scripts."""
    return {"height": found.height, "app_hash": found.header.app_hash.hex(), "header_height": found.header.height,
            "header_hash": found.header.hash().hex(), "records": len(found.records),
            "absent": sum(value is None for value in found.records.values()),
            "trusted_height": trusted.height, "trusted_hash": trusted.hash.hex(), "trust_named": named}


def proof_text(data: dict[str, Any]) -> str:
    """What was proven, for people."""
    trust = (f"starting from the header {data['trusted_height']}:{data['trusted_hash']}"
             f"{' that you named' if data['trust_named'] else ', the newest of this node: compare it with others'}")
    return (f"computed here from {data['records']} records at height {data['height']}, {data['absent']} of them proven "
            f"to be absent, under app hash {data['app_hash']} in the header of {data['header_height']}, signed by more "
            f"than 2/3 of the validators; {trust}")

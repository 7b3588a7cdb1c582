"""`novation export` and `novation import`: a new chain that begins with the balances of an old one."""

import json
import time
from pathlib import Path
from typing import Any

import click

from app.chain import Chain
from app.errors import GenesisError
from app.store.view import DictReader
from node.cli.node_verbs import existing_home, make_home, places
from node.cli.session import EXIT_USAGE, Session, command, fail
from node.cli.snapshots import state_of
from node.cli.ticking import ticking
from node.comet.config import write_genesis
from node.export import export_genesis
from node.replay import begin

WARNED = "left behind: what rests or waits must be placed again"


@command()
@click.option("--chain-id", metavar="NAME", required=True,
              help="Name of the new chain: signatures of the old one mean nothing on it.")
@click.option("--file", type=click.Path(dir_okay=False), default="genesis-exported.json", show_default=True,
              help="Where to write it.")
@click.option("--from-snapshot", type=int, default=0, metavar="HEIGHT", help="That of a snapshot; the node may run.")
@click.option("--force", is_flag=True, help="Write over FILE if there is one.")
def export(session: Session, chain_id: str, file: str, from_snapshot: int, force: bool) -> None:
    """The state of a node that does not run, or one of its snapshots, as the genesis.json of a new chain.

    Accounts, positions, funds, markets, prices, funding and parameters go with it, and heights go on. Orders, triggers,
    switches, protections and auctions stay behind; the numbers of them are told.
    """
    if Path(file).exists() and not force:
        fail(f"{file} exists already: name another one with --file, or write over it with --force", EXIT_USAGE)
    home = existing_home(session)
    with state_of(session, home, from_snapshot) as store:
        try:
            with ticking(session, "exporting", "records") as tick:
                document, carried, left = export_genesis(store, chain_id, time.time_ns(), tick)
        except (ValueError, KeyError) as error:
            fail(f"there is no state at {home.root} to export: {error}")
    with session.progress("auditing the whole ledger"):
        wrong = problem(document)
    if wrong:
        fail(f"the export does not hold: {wrong}")
    write_genesis(Path(file), document)
    data: dict[str, Any] = {"file": file, "chain_id": chain_id, "initial_height": int(document["initial_height"]),
                            "carried": carried, "left_behind": left}
    lines = [f"{file}: {chain_id} from height {document['initial_height']}, {carried.get('accounts', 0)} accounts, "
             f"{carried.get('markets', 0)} markets",
             f"{WARNED}: " + ", ".join(f"{count} {name}" for name, count in sorted(left.items()) if count)
             if any(left.values()) else "nothing was left behind"]
    session.emit(data, "\n".join(lines))


@command(name="import")
@click.argument("file", type=click.Path(exists=True, dir_okay=False))
@click.option("--sole-validator", is_flag=True, help="This node alone validates, whoever did on the old chain.")
@places
def import_genesis(session: Session, file: str, sole_validator: bool, **options: Any) -> None:
    """Make a home whose chain begins with the exported FILE. The whole ledger is audited first."""
    try:
        document = json.loads(Path(file).read_text(encoding="utf-8"))
        with session.progress("auditing the whole ledger"):
            wrong = problem(document)
    except (ValueError, KeyError, TypeError) as error:
        fail(f"{file} is no genesis: {error!r}", EXIT_USAGE)
    if wrong:
        fail(f"{file} is refused: {wrong}")
    make_home(session, {"genesis_file": file, "sole_validator": sole_validator, "state_sync": "", "trust": "",
                        "chain_id": document["chain_id"], "preset": "", **options})


def problem(document: dict[str, Any]) -> str:
    """What the chain itself says of a genesis.json, "" when it accepts it."""
    try:
        begin(Chain(DictReader()), document)
    except GenesisError as error:
        return str(error)
    return ""

"""`novation replay` and `novation debug`: where two nodes differ, and what to send with a report of an error."""

import io
import json
import tempfile
import time
import zipfile
from contextlib import ExitStack
from dataclasses import asdict
from importlib.metadata import version as package_version
from pathlib import Path
from typing import Any

import click

from app.chain import Chain, read_head
from app.errors import GenesisError
from app.registry import TABLES
from app.store.table import RECORD_SPACE
from app.store.tree import DomainTree
from app.store.tree import app_hash as hash_over
from app.store.view import Reader
from genesis.validate import differences
from node.cli.doctor import looks
from node.cli.node_verbs import PACKAGES, existing_home
from node.cli.session import EXIT_UNREACHABLE, EXIT_USAGE, Session, Verbs, command, fail, simple_table
from node.cli.snapshots import fill, kept_at, kept_in, state_of, stopped_store
from node.cli.ticking import ticking
from node.comet.config import rpc_address
from node.comet.process import log_tail
from node.comet.rpc import CometRpc, RpcError, RpcUnreachable
from node.comet.version import COMETBFT_VERSION
from node.home import Home
from node.records import RECORDS, as_data
from node.replay import begin, next_height, replay
from node.snapshots.format import root_over
from node.storage.leveldb import LevelDB

LOG_LINES = 20_000
LOGS = ("engine", "cometbft", "gateway", "feeder", "supervisor")


@command(name="replay")
@click.option("--until", metavar="HEIGHT", type=int, default=0,
              help="The last block to run; default: the last that CometBFT has.")
@click.option("--from-snapshot", type=int, default=0, metavar="HEIGHT", help="Begin with a snapshot of this home.")
@click.option("--rpc", default="", metavar="HOST:PORT", help="CometBFT that has the blocks; default: this home's.")
def replay_blocks(session: Session, until: int, from_snapshot: int, rpc: str) -> None:
    """Run the blocks of this home's chain again, in a store of its own, and compare every app hash.

    The node runs on meanwhile. Exit status 1 at the first block whose app hash is not the one that the chain states.
    """
    home = existing_home(session)
    address = rpc or rpc_address(home)
    with ExitStack() as stack:
        folder = stack.enter_context(tempfile.TemporaryDirectory(prefix="novation-replay-"))
        store = LevelDB(Path(folder) / "state")
        stack.callback(store.close)
        chain = _beginning(session, home, store, from_snapshot)
        try:
            blocks = stack.enter_context(CometRpc(address, timeout_s=30.0))
            last = blocks.status().height
            _run(session, chain, store, blocks, min(until or last, last))
        except (RpcUnreachable, RpcError) as error:
            fail(f"{error}; CometBFT must run and have the blocks: `--from-snapshot` begins later", EXIT_UNREACHABLE)


def _beginning(session: Session, home: Home, store: LevelDB, height: int) -> Chain:
    if not height:
        chain = Chain(store)
        try:
            begin(chain, json.loads(home.genesis_file.read_text(encoding="utf-8")))
        except (GenesisError, KeyError, ValueError) as error:
            fail(f"{home.genesis_file}: {error}", EXIT_USAGE)
        return chain
    fill(session, store, kept_at(session, home, height))
    return Chain(store)


def _run(session: Session, chain: Chain, store: LevelDB, blocks: CometRpc, until: int) -> None:
    first, started, txs = next_height(chain), time.monotonic(), 0
    if until < first:
        fail(f"nothing to run: the chain's last block is {until}", EXIT_USAGE)
    with ticking(session, "replaying", "blocks") as tick:
        for done in replay(chain, store, blocks, until):
            txs += done.txs
            tick(done.height - first + 1, until - first + 1)
            if not done.agrees:
                fail(f"block {done.height} gives app hash {done.app_hash}, but the chain states {done.stated}; "
                     "`novation debug diff` finds the record", height=done.height, app_hash=done.app_hash,
                     stated=done.stated)
    data = {"first": first, "last": until, "txs": txs, "app_hash": chain.head.app_hash.hex(),
            "seconds": round(time.monotonic() - started, 2)}
    session.emit(data, f"blocks {first} to {until} with {txs} envelopes give the app hashes that the chain states")


@click.group(cls=Verbs)
def debug() -> None:
    """Hashes of tables, the first difference of two nodes, a bundle for a report."""


@command(debug)
@click.option("--height", metavar="HEIGHT", type=int, default=0,
              help="That of a snapshot; default: the state as it is.")
def hashes(session: Session, height: int) -> None:
    """The hash of every table: of the state of a node that does not run, or of one of its snapshots."""
    home = existing_home(session)
    if height:
        roots = {table.name: root_over(table.roots) for table in kept_at(session, home, height).manifest.message.tables}
    else:
        with stopped_store(home) as store:
            height, roots = read_head(store).height, roots_of(store)
    data = {"height": height, "app_hash": hash_over(roots).hex(),
            "tables": {name: root.hex() for name, root in sorted(roots.items())}}
    table = simple_table("table", "hash")
    for name, root in data["tables"].items():  # type: ignore[attr-defined]
        table.add_row(name, root)
    session.emit(data, [f"height {height}, app hash {data['app_hash']}", table])


def roots_of(store: Reader) -> dict[str, bytes]:
    """The root of each table, from what is stored of its tree."""
    return {name: DomainTree(schema.prefix, store).root for name, schema in TABLES.items()}


@command(debug)
@click.argument("first", type=click.Path(exists=True, file_okay=False))
@click.argument("second", type=click.Path(exists=True, file_okay=False))
@click.option("--height", metavar="HEIGHT", type=int, default=0,
              help="Compare snapshots of this height; the nodes may run.")
def diff(session: Session, first: str, second: str, height: int) -> None:
    """The first record in which the states of two homes differ. Neither node may run. Exit status 1 if one does."""
    with state_of(session, Home.at(first), height) as one, state_of(session, Home.at(second), height) as other:
        heads = [read_head(one), read_head(other)]
        mine, theirs = roots_of(one), roots_of(other)
        tables = [name for name in sorted(TABLES) if mine[name] != theirs[name]]
        found = {}
        with ticking(session, "comparing", "tables") as tick:
            for done, name in enumerate(tables, 1):
                found[name] = first_difference(one, other, name)
                tick(done, len(tables))
    data: dict[str, Any] = {"heights": [head.height for head in heads], "differ": tables, "records": found}
    lines = [f"heights {heads[0].height} and {heads[1].height}"]
    if heads[0].height != heads[1].height:
        lines.append("states of different heights differ: compare snapshots of one height with --height, or let the "
                     "node that is behind catch up")
    for name, record in found.items():
        lines += [f"{name} differs first at key {record['key']}:",
                  *(f"  {line}" for line in differences(record["first"], record["second"], name))]
    session.emit(data, "\n".join(lines if tables else [*lines, "all tables are equal"]))
    if tables:
        raise click.exceptions.Exit(1)


def first_difference(one: Reader, other: Reader, table: str) -> dict[str, Any]:
    """The lowest key with other records in two stores, and the fields of both; no key when only the trees differ."""
    space = RECORD_SPACE + bytes([TABLES[table].prefix])
    left, right = one.scan(space), other.scan(space)
    while True:
        mine, theirs = next(left, None), next(right, None)
        if mine == theirs:
            if mine is None:
                return {"key": "", "first": "the same records", "second": "under another tree: a store is damaged"}
            continue
        key = min(entry[0] for entry in (mine, theirs) if entry is not None)
        told = [as_data(RECORDS[table].FromString(entry[1])) if entry is not None and entry[0] == key else "absent"
                for entry in (mine, theirs)]
        return {"key": key[len(space):].hex(), "first": told[0], "second": told[1]}


@command(debug)
@click.argument("file", type=click.Path(dir_okay=False), default="novation-bundle.zip")
def bundle(session: Session, file: str) -> None:
    """Logs, settings, versions and what `doctor` finds, in one FILE for a report of an error. No keys.

    Only the files that are named here are read: config.toml, novation.toml, genesis.json and logs.
    """
    home = existing_home(session)
    with session.progress("gathering logs, settings and findings"):
        parts = _parts(session, home)
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in sorted(parts.items()):
            archive.writestr(name, data)
    Path(file).write_bytes(packed.getvalue())
    session.emit({"file": file, "parts": sorted(parts)}, f"{file}: {', '.join(sorted(parts))}")


def _parts(session: Session, home: Home) -> dict[str, bytes]:
    """What a bundle has, by name."""
    parts = {path.name: path.read_bytes() for path in (home.comet_config_file, home.settings_file, home.genesis_file)
             if path.exists()}
    for name in LOGS:
        lines = log_tail(home.log_file(name), LOG_LINES)
        if lines:
            parts[f"logs/{name}.log"] = "\n".join(lines).encode()
    versions = {name: package_version(name) for name in PACKAGES} | {"cometbft": COMETBFT_VERSION}
    parts["versions.json"] = json.dumps(versions, indent=2).encode()
    parts["doctor.json"] = json.dumps([asdict(one) for one in looks(home)], indent=2).encode()
    parts["snapshots.json"] = json.dumps([[kept.manifest.height, kept.manifest.app_hash.hex()]
                                          for kept in kept_in(session, home)]).encode()
    return parts

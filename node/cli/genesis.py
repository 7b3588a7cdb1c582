"""`novation genesis`: the first state of a chain."""

import json
from pathlib import Path
from typing import Any

import click
from google.protobuf.message import DecodeError

from genesis.builder import AppState, PresetError, build, canonical, preset_names, read_preset, state_hash
from genesis.validate import GenesisFileError, differences, problems, read_app_state
from node.carried import carried_problem, carried_summary, carries, legible_records
from node.cli.keys import find
from node.cli.session import EXIT_USAGE, Session, Verbs, command, fail
from node.keys.keystore import KeystoreError
from node.localnet.network import check_app_state


@click.group(cls=Verbs)
def genesis() -> None:
    """Build, validate and compare the first state of a chain."""


@command(genesis, "build")
@click.argument("preset", default="localnet")
@click.option("--file", "file", type=click.Path(dir_okay=False), help="Write there instead of to stdout.")
def build_state(session: Session, preset: str, file: str | None) -> None:
    """Turn PRESET (a name or a TOML file) into the canonical app_state, the same bytes everywhere."""

    def resolve(name: str) -> str:
        try:
            return find(session, name).owner
        except KeystoreError as error:
            raise KeyError(name) from error

    try:
        app_state = build(read_preset(preset), resolve)
    except PresetError as error:
        fail(f"{error}\npresets: {', '.join(preset_names())}", EXIT_USAGE)
    _refuse(session, app_state)
    if file is None:
        click.echo(canonical(app_state).decode("ascii"))
        return
    Path(file).write_bytes(canonical(app_state) + b"\n")
    digest = state_hash(app_state)
    session.emit({"file": file, "sha256": digest}, f"written to {file}\nsha256 of the canonical state {digest}")


def _refuse(session: Session, app_state: AppState) -> None:
    """End with the list of what is wrong, if anything is."""
    found = problems(app_state) or check_app_state(app_state)
    if found:
        fail("\n".join(["this genesis would be refused:", *found]), problems=found)


@command(genesis)
@click.argument("file", type=click.Path(dir_okay=False))
def validate(session: Session, file: str) -> None:
    """Check FILE (genesis.json or a bare app_state) and name every fault with its place."""
    app_state = _read(file)
    if carries(app_state):
        with session.progress("auditing the whole ledger"):
            wrong = carried_problem(app_state)
        if wrong:
            fail(f"this genesis would be refused:\n{wrong}", problems=[wrong])
        symbols, accounts = carried_summary(app_state)
    else:
        _refuse(session, app_state)
        symbols, accounts = [market["symbol"] for market in app_state["markets"]], len(app_state["accounts"])
    digest = state_hash(app_state)
    data: dict[str, Any] = {"valid": True, "sha256": digest, "markets": symbols, "accounts": accounts,
                            "carried": carries(app_state)}
    session.emit(data, f"valid: {len(symbols)} markets, {accounts} accounts"
                       f"{', carried over from another chain' if data['carried'] else ''}\n"
                       f"sha256 of the canonical state {digest}")


@command(genesis)
@click.argument("first", type=click.Path(dir_okay=False))
@click.argument("second", type=click.Path(dir_okay=False))
def diff(session: Session, first: str, second: str) -> None:
    """Say where two genesis files differ, records that are carried over field by field. Exit status 1 when they do."""
    lines = differences(_whole(first), _whole(second), "genesis")
    session.emit({"equal": not lines, "differences": lines}, "\n".join(lines) or "no difference")
    if lines:
        raise click.exceptions.Exit(1)


def _read(file: str) -> AppState:
    try:
        return read_app_state(Path(file))
    except GenesisFileError as error:
        fail(str(error), EXIT_USAGE)


def _whole(file: str) -> Any:
    state = _read(file)
    document = json.loads(Path(file).read_text(encoding="utf-8"))
    if not carries(state):
        return document
    try:
        legible = state | {"carried": legible_records(state)}
    except (AttributeError, KeyError, TypeError, ValueError, DecodeError) as error:
        fail(f"{file}: what it carries cannot be read: {error}", EXIT_USAGE)
    return document | {"app_state": legible} if "app_state" in document else legible

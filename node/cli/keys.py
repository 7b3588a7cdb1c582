"""`novation keys`: secrets at rest."""

import json
import os
from pathlib import Path
from typing import Any

import click
from rich.table import Table

from client.keys import SEED_BYTES
from node.cli.session import EXIT_USAGE, Session, Verbs, command, fail, passphrase_from, simple_table
from node.keys.keystore import KeyEntry, Keystore, KeystoreError, dev_entries

KEYSTORE_COST: dict[str, int] = {}  # empty: the keystore's own; tests make it cheap


@click.group(cls=Verbs)
def keys() -> None:
    """Make, show, import and export keys. Dev keys (alice, bob, ...) are for test networks only."""


def keystore(session: Session) -> Keystore:
    return Keystore(session.paths.keys, **KEYSTORE_COST)


def as_data(entry: KeyEntry) -> dict[str, Any]:
    return {"name": entry.name, "owner": entry.owner, "public_key": entry.public_key, "dev": entry.dev}


def find(session: Session, name: str) -> KeyEntry:
    """The key `name`: of the keystore, else a dev key."""
    store = keystore(session)
    if store.holds(name):
        return store.entry(name)
    for entry in dev_entries():
        if entry.name == name:
            return entry
    return store.entry(name)  # says that there is none


passphrase_option = click.option(
    "--passphrase-file", type=click.Path(dir_okay=False), help="Take the passphrase from the first line of this file."
)


@command(keys)
@click.argument("name")
@passphrase_option
def add(session: Session, name: str, passphrase_file: str | None) -> None:
    """Make a new key NAME and seal it under a passphrase."""
    _add(session, name, os.urandom(SEED_BYTES), passphrase_file)


def _add(session: Session, name: str, seed: bytes, passphrase_file: str | None) -> None:
    store = keystore(session)
    try:
        if store.holds(name):
            fail(f"there is a key {name!r} already: see it with `novation keys show {name}`")
        passphrase = passphrase_from(passphrase_file, session, confirm=True)
        if not passphrase:
            fail("an empty passphrase protects nothing: choose one", EXIT_USAGE)
        with session.progress("sealing the key"):
            entry = store.add(name, seed, passphrase)
    except KeystoreError as error:
        fail(str(error))
    session.emit(as_data(entry), f"{entry.name}  {entry.owner}\nsealed in {store.path(name)}; there is no way back "
                                 "without the passphrase, so keep it, and a copy: `novation keys export`")


@command(keys, "list")
@click.option("--dev", is_flag=True, help="Also the keys of test networks, which everybody knows.")
def list_keys(session: Session, dev: bool) -> None:
    """List the keys of this home."""
    try:
        entries = keystore(session).entries() + (dev_entries() if dev else [])
    except KeystoreError as error:
        fail(str(error))
    if not entries and not session.json:
        session.talk.print("no keys yet: make one with `novation keys add NAME` (or see --dev)")
    session.emit([as_data(entry) for entry in entries], lambda: _table(entries))


def _table(entries: list[KeyEntry]) -> Table:
    table = simple_table("name", "owner", "kind")
    for entry in entries:
        table.add_row(entry.name, entry.owner, "dev (unsafe)" if entry.dev else "sealed")
    return table


@command(keys)
@click.argument("name")
def show(session: Session, name: str) -> None:
    """Show the address and public key of NAME."""
    try:
        entry = find(session, name)
    except KeystoreError as error:
        fail(str(error))
    lines = [f"name        {entry.name}", f"owner       {entry.owner}", f"public key  {entry.public_key}"]
    if entry.dev:
        lines.append("a dev key: everybody knows its secret, use it on test networks only")
    session.emit(as_data(entry), "\n".join(lines))


@command(keys)
@click.argument("name")
@click.option("--file", "file", type=click.Path(dir_okay=False), help="Write there instead of to stdout.")
def export(session: Session, name: str, file: str | None) -> None:
    """Print the sealed key NAME: a copy to keep. It opens only with the passphrase."""
    try:
        document = keystore(session).exported(name)
    except KeystoreError as error:
        fail(str(error))
    text = json.dumps(document, indent=2)
    if file is None:
        click.echo(text)
        return
    if Path(file).exists():
        fail(f"{file} exists already: choose another name")
    Path(file).write_text(text + "\n", encoding="utf-8")
    session.emit({"file": file}, f"written to {file}")


@command(keys, "import")
@click.argument("name")
@click.argument("file", type=click.Path(exists=True, dir_okay=False, allow_dash=True))
@click.option("--seed", "is_seed", is_flag=True, help="FILE holds a bare seed of 64 hex digits, to be sealed.")
@passphrase_option
def import_key(session: Session, name: str, file: str, is_seed: bool, passphrase_file: str | None) -> None:
    """Take the key in FILE ('-' is stdin), exported here or elsewhere, as NAME."""
    with click.open_file(file, encoding="utf-8") as source:
        text = source.read()
    if is_seed:
        try:
            seed = bytes.fromhex(text.strip())
        except ValueError:
            fail(f"{file} does not hold a seed of 64 hex digits", EXIT_USAGE)
        _add(session, name, seed, passphrase_file)
        return
    try:
        document = json.loads(text)
        entry = keystore(session).import_sealed(name, document if isinstance(document, dict) else {})
    except KeystoreError as error:
        fail(str(error))
    except ValueError:
        fail(f"{file} is not an exported key; for a bare seed add --seed", EXIT_USAGE)
    session.emit(as_data(entry), f"{entry.name}  {entry.owner}")

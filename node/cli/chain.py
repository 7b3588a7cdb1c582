"""From a command to a gateway: which one, as whom, and what its errors mean for people and scripts."""

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import nullcontext
from pathlib import Path
from typing import Any, TypeVar

import click

from client.client import NovationClient
from client.errors import BadRequest, NotAvailable, NotCommitted, NovationError, RateLimited
from client.keys import Key
from node.cli.keys import find, keystore
from node.cli.session import EXIT_UNREACHABLE, EXIT_USAGE, Session, fail, passphrase_from
from node.comet.config import rpc_address
from node.keys import dev
from node.keys.keystore import KeystoreError
from node.localnet.plan import DEFAULT_DIRECTORY, find_running
from node.settings import DEFAULT_GATEWAY, SettingsError, read_settings
from novation.v1 import tx_pb2

Answer = TypeVar("Answer")

CONNECT_S = 3.0
ADVICE = {
    "ACCOUNT_NOT_FOUND": "fund it first: `novation faucet NAME 1000` on a test network",
    "MARGIN_INSUFFICIENT": "see what is free with `novation query account NAME`",
    "COLLATERAL_INSUFFICIENT": "see what is free with `novation query account NAME`",
    "COLLATERAL_AMOUNT": "amounts are in quanta there, millionths of a USD",
    "ORDER_SIZE": "sizes are in lots there: see the lot with `novation query market`",
    "ORDER_REDUCES_NOTHING": "see your positions with `novation query account NAME`",
    "TX_NOT_HELD": "it may still wait for a block; old ones are with CometBFT's RPC",
    "MARKET_NOT_FOUND": "list them with `novation query market`",
    "ORDER_NOT_FOUND": "list your orders with `novation query orders NAME`",
    "ORDER_WOULD_CROSS": "see the book with `novation query book SYMBOL`",
    "ORDER_NOT_FILLABLE": "see the book with `novation query book SYMBOL`",
}

key_options = [
    click.option("--key", "key_name", envvar="NOVATION_KEY", default="", metavar="NAME",
                 help="Sign as this key (required): one of yours, or a dev key such as alice on a test network."),
    click.option("--account", "account_number", metavar="N", default=0, show_default=True,
                 help="Number of the key's account."),
    click.option("--passphrase-file", type=click.Path(dir_okay=False), help="File with the passphrase."),
    click.option("--owner", default="", metavar="WHO", help="Trade for this owner, who made the key its agent."),
]  # fmt: skip


def gateway_address(session: Session) -> str:
    """Where to ask: --node, else the localnet of this folder, else the node of this home, else the default."""
    if session.node:
        return session.node
    if not session.home:
        plan = find_running(Path(DEFAULT_DIRECTORY))
        if plan is not None:
            return plan.nodes[0].gateway
    try:
        return read_settings(session.paths).gateway.listen
    except SettingsError:
        return DEFAULT_GATEWAY


def comet_address(session: Session, given: str | None) -> str:
    """The RPC of CometBFT that belongs to the gateway."""
    if given:
        return given
    plan = find_running(Path(DEFAULT_DIRECTORY)) if not session.home else None
    if plan is not None:
        return next((node.rpc for node in plan.nodes if node.gateway == session.node), plan.nodes[0].rpc)
    if session.paths.exists():
        return rpc_address(session.paths)
    fail("where is CometBFT's RPC? give --rpc HOST:PORT, or --home of a node on this machine", EXIT_USAGE)


def ask(session: Session, work: Callable[[NovationClient], Awaitable[Answer]], key: Key | None = None,
        account_number: int = 0, owner: bytes = b"", *, quiet: bool = False) -> Answer:
    """Connect, do `work`, and turn what goes wrong into an exit status and a next step. `quiet` shows no progress: the
    terminal belongs to `work`.
    """
    address = gateway_address(session)

    async def run() -> Answer:
        client = NovationClient(address, key, account_number=account_number, owner=owner)
        try:
            with nullcontext() if quiet else session.progress(f"asking {address}", quiet=True):
                await client.connect(CONNECT_S)
                _refuse_dev_keys(client, key)
                return await work(client)
        finally:
            await client.close()

    try:
        return asyncio.run(run())
    except (RateLimited, NotCommitted) as error:
        fail(f"{error}: try again", reason=error.reason, metadata=error.metadata)
    except NotAvailable as error:
        fail(f"the gateway at {address} does not answer ({error}): is the node running? `novation status`, or start a "
             "network with `novation localnet up`", EXIT_UNREACHABLE, reason=error.reason)
    except NovationError as error:
        fail(explain(error), EXIT_USAGE if isinstance(error, BadRequest) and not error.code else 1,
             reason=error.reason, code=error.code, codespace=error.codespace, metadata=error.metadata)
    except ValueError as error:  # a decimal that is not one, or between two ticks or lots
        fail(str(error), EXIT_USAGE)


def explain(error: NovationError) -> str:
    advice = ADVICE.get(error.reason)
    return f"{error}; {advice}" if advice else str(error)


def _refuse_dev_keys(client: NovationClient, key: Key | None) -> None:
    """Dev keys sign on test networks only: elsewhere what they hold is anybody's."""
    if key is None or client.params.test_network:
        return
    if any(dev.dev_key(name) == key for name in dev.NAMES):
        fail("a dev key must not be used on this chain: everybody knows its secret. "
             "Make your own with `novation keys add NAME`", EXIT_USAGE)


def unlock(session: Session, name: str, passphrase_file: str | None) -> Key:
    """The key `name`: a dev key as it is, a sealed one with its passphrase."""
    if not name:
        fail("as which key? on a test network `--key alice`, else `--key NAME` with a key made by "
             "`novation keys add NAME`", EXIT_USAGE)
    if name in dev.NAMES:
        return dev.dev_key(name)
    store = keystore(session)
    try:
        store.entry(name)
        passphrase = passphrase_from(passphrase_file, session)
        with session.progress("opening the key", quiet=True):
            return store.open(name, passphrase)
    except KeystoreError as error:
        fail(str(error))


def account_id(session: Session, text: str) -> tx_pb2.AccountId:
    """An account as people write it: `alice`, `alice/2`, 40 hex digits, or those with `/2`."""
    name, _, number = text.partition("/")
    if number and not number.isdecimal():
        fail(f"{text!r} is not an account: write NAME, NAME/2 or the 40 hex digits of an owner", EXIT_USAGE)
    try:
        owner = bytes.fromhex(name) if len(name) == 40 else b""
    except ValueError:
        owner = b""
    if not owner:
        try:
            owner = bytes.fromhex(find(session, name).owner)
        except KeystoreError as error:
            fail(str(error), EXIT_USAGE)
    return tx_pb2.AccountId(owner=owner, number=int(number or 0))


def with_options(options: list[Callable[..., Any]]) -> Callable[..., Any]:
    """A decorator that adds all of `options`."""

    def decorate(function: Callable[..., Any]) -> Callable[..., Any]:
        for option in reversed(options):
            function = option(function)
        return function

    return decorate


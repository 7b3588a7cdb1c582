"""`novation top`: the whole terminal for one market, one account and the node (node/tui)."""

import sys
from pathlib import Path

import click

from client.client import NovationClient
from client.errors import BadSymbol
from node.cli.chain import account_id, ask, gateway_address, unlock
from node.cli.session import EXIT_USAGE, Session, command, fail
from node.comet.config import rpc_address
from node.localnet.plan import DEFAULT_DIRECTORY, find_running
from node.settings import SettingsError, read_settings
from novation.v1 import tx_pb2

KEYS = """\b
Keys:
  m or /       choose a market; type to filter: btc c 46000
  [ and ]      the market before, the next one
  b, s         write an order that buys, that sells: limit, post only,
               market, ioc, fok; reduce only. Enter reviews it: fills, fee,
               margin and liquidation price; Enter again signs and sends it
  p            write the order that closes the position here
  up, down, c  choose one of your open orders, cancel it
  x            cancel all orders and triggers, here or everywhere
  i, t         candles of another length; dark or light
  ?, q         help; quit
"""


@command(help=f"""Book, depth, candles, trades, your account and the node on the whole terminal, live; trade from it.

MARKET is shown first (the first of all by default). With --key it trades: `novation top BTC-PERP --key alice`. Without,
it only shows: the account of --owner, or none. It needs a terminal of 80x24 or more, and the extra `tui`:
pip install 'novation[tui]'.

{KEYS}""")
@click.argument("market", default="")
@click.option("--key", "key_name", envvar="NOVATION_KEY", default="", metavar="NAME",
              help="Trade as this key: one of yours, or a dev key such as alice on a test network. Default: view only.")
@click.option("--account", "account_number", metavar="N", default=0, show_default=True, help="Number of the account.")
@click.option("--passphrase-file", type=click.Path(dir_okay=False), help="File with the passphrase.")
@click.option("--owner", default="", metavar="WHO",
              help="Watch this owner's account; with --key trade for it, if it made the key its agent.")
@click.option("--theme", type=click.Choice(["dark", "light"]), default="dark", show_default=True,
              envvar="NOVATION_THEME", help="For a dark or a light terminal; `t` changes it.")
@click.option("--rpc", default="", metavar="HOST:PORT",
              help="RPC of the node's CometBFT, for its number of peers; known for a localnet and for --home.")
def top(session: Session, market: str, key_name: str, account_number: int, passphrase_file: str | None, owner: str,
        theme: str, rpc: str) -> None:
    try:
        from node.tui.app import Top
    except ImportError as error:
        if (error.name or "").partition(".")[0] != "textual":
            raise
        fail("`novation top` needs textual: pip install 'novation[tui]'")
    if session.json or not (sys.stdin.isatty() and sys.stderr.isatty()):  # stderr: textual draws there
        fail("`novation top` needs a terminal; scripts ask `novation query book`, `query account` and `query orders` "
             "with --output json", EXIT_USAGE)
    account = watched(session, owner, account_number)
    key = unlock(session, key_name, passphrase_file) if key_name else None
    who = f"{owner.partition('/')[0] or key_name}/{account.number}" if key_name or owner else ""

    async def work(client: NovationClient) -> None:
        if not client.markets:
            fail("this chain has no markets yet: see `novation query market`")
        try:
            info = await client.find(market.upper()) if market else next(iter(client.markets.values()))
        except BadSymbol as error:
            fail(f"{error}; list them with `novation query market`", EXIT_USAGE)
        await Top(client, info, who, theme=theme, rpc=rpc or comet_rpc(session)).run_async()

    ask(session, work, key, account.number, account.owner, quiet=True)


def watched(session: Session, owner: str, number: int) -> tx_pb2.AccountId:
    """The account of --owner, which may be written with /NUMBER; without one only the number."""
    if not owner:
        return tx_pb2.AccountId(number=number)
    found = account_id(session, owner)
    return tx_pb2.AccountId(owner=found.owner, number=found.number or number)


def comet_rpc(session: Session) -> str:
    """The RPC of the CometBFT behind the gateway that is asked, empty if that is not known here."""
    address = gateway_address(session)
    plan = find_running(Path(DEFAULT_DIRECTORY)) if not session.home else None
    for node in plan.nodes if plan is not None else ():
        if node.gateway == address:
            return node.rpc
    try:
        if session.paths.exists() and read_settings(session.paths).gateway.listen == address:
            return rpc_address(session.paths)
    except SettingsError:
        pass
    return ""

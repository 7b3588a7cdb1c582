"""`novation devchain` runs the chain in one process; `novation dev` says what time it is there and what things cost."""

import signal
import threading
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import click

from app.errors import GenesisError
from client.client import NovationClient
from client.dev import Dev
from genesis.builder import PresetError
from node.cli.chain import ask
from node.cli.session import EXIT_USAGE, Session, Verbs, command, fail, simple_table
from node.cli.views import when
from node.devchain.chain import DevChain, DevChainError
from node.devchain.genesis import dev_state
from node.devchain.saved import SavedError, read_saved
from node.devchain.server import DevServer
from node.generated import StaleCode, refuse_stale
from node.keys.dev import TRADERS, dev_key
from node.logs import configure_logs
from novation.v1 import dev_service_pb2 as dev_service

DEFAULT_LISTEN = "127.0.0.1:26650"
DEFAULT_WEB = "127.0.0.1:26651"


@command(name="devchain")
@click.option("--listen", default=DEFAULT_LISTEN, show_default=True, metavar="HOST:PORT", help="Where gRPC is served.")
@click.option("--web", default=DEFAULT_WEB, show_default=True, metavar="HOST:PORT", help="The web page; '' for none.")
@click.option("--interval", type=click.FloatRange(0.01), metavar="SECONDS",
              help="A block every so often, even if it is empty; default: only when something is submitted.")
@click.option("--price", "prices", multiple=True, metavar="SYMBOL=USD", help="As in BTC/USD=46000; may be repeated.")
@click.option("--preset", metavar="NAME|FILE", default="localnet", show_default=True,
              help="Genesis preset: a name or a TOML file.")
@click.option("--strict", is_flag=True, help="Keep the preset's limits on how far prices and time may jump.")
@click.option("--load", "load_path", type=click.Path(exists=True, dir_okay=False), help="Go on from a saved file.")
def devchain(session: Session, listen: str, web: str, interval: float | None, prices: tuple[str, ...], preset: str,
             strict: bool, load_path: str | None) -> None:
    """A chain for trying things: no CometBFT, a block whenever something is submitted, until Ctrl-C.

    From another terminal: `novation dev price BTC/USD 40000`, `novation dev mine --seconds 3600`.
    """
    configure_logs("warning")
    try:
        refuse_stale()
        saved = read_saved(Path(load_path)) if load_path else None
        chain = DevChain(dev_state(preset, strict=strict), saved=saved)
    except (PresetError, GenesisError, SavedError, StaleCode, OSError) as error:
        fail(str(error), EXIT_USAGE)
    try:
        for text in prices:
            chain.set_price(*text.split("=", 1) if "=" in text else (text, ""))
        server = DevServer(chain, listen, web)
    except (DevChainError, OSError) as error:
        chain.close()
        fail(str(error), EXIT_USAGE)
    try:
        tell(session, chain, server)
        run(chain, interval)
    finally:
        server.close()
        chain.close()


def tell(session: Session, chain: DevChain, server: DevServer) -> None:
    """Where it is and who has money there."""
    address, page = server.address, f"http://{server.web_address}/" if server.web_address else ""
    accounts = [{"name": name, "owner": dev_key(name).owner.hex(), "secret": dev_key(name).seed.hex()}
                for name in TRADERS]
    data = {"address": address, "web": page, "height": chain.height, "time": when(chain.time_ns), "accounts": accounts}
    table = simple_table("account", "owner", "secret (everybody knows it)")
    for one in accounts:
        table.add_row(one["name"], one["owner"], one["secret"])
    session.emit(data, [
        f"devchain at {address}, height {chain.height}, {when(chain.time_ns)}", table,
        *([f"web page: {page}"] if page else ()), f"export NOVATION_NODE={address}",
        "novation tx order buy 0.01 BTC-PERP --price 47000 --key alice",
        "novation dev price BTC/USD 40000; novation dev mine --blocks 10 --seconds 3600      Ctrl-C ends it"])


def run(chain: DevChain, interval: float | None) -> None:
    """Until told to stop; with an interval, blocks."""
    stopping = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: stopping.set())
    while not stopping.wait(interval):
        chain.mine()


@click.group(cls=Verbs)
def dev() -> None:
    """What only a devchain can do: blocks, time, prices, checkpoints."""


def on_devchain(session: Session, work: Callable[[Dev], Awaitable[Any]]) -> Any:
    """Ask the devchain, by default the one on the default port."""
    session.node = session.node or DEFAULT_LISTEN

    async def asked(client: NovationClient) -> Any:
        return await work(Dev(client))

    return ask(session, asked)


def show(session: Session, found: dev_service.DevStatus) -> None:
    """How things stand."""
    feeds = {one.symbol: {"price": one.price, "volatility_percent": one.volatility_percent} for one in found.feeds}
    data = {"height": found.height, "time": when(found.time_ns), "app_hash": found.app_hash.hex(), "feeds": feeds,
            "checkpoints": list(found.checkpoints)}
    lines = [f"{symbol}: {one['price']} USD, volatility {one['volatility_percent']} %" for symbol, one in feeds.items()]
    kept = f"checkpoints: {', '.join(map(str, found.checkpoints))}" if found.checkpoints else "no checkpoints"
    session.emit(data, [f"height {found.height}, {when(found.time_ns)}", *lines, kept])


@command(dev)
def status(session: Session) -> None:
    """Height, time, prices, checkpoints."""
    show(session, on_devchain(session, lambda chain: chain.status()))


@command(dev)
@click.option("--blocks", metavar="N", default=1, show_default=True, type=click.IntRange(1, 100_000), help="How many.")
@click.option("--seconds", metavar="SECONDS", default=0.0, type=click.FloatRange(0),
              help="That they take together; 0: as the clock goes.")
def mine(session: Session, blocks: int, seconds: float) -> None:
    """Make blocks now, or let time pass: `--blocks 60 --seconds 3600` is an hour in steps of a minute."""
    with session.progress(f"making {blocks} blocks", quiet=blocks < 100):
        found = on_devchain(session, lambda chain: chain.mine(blocks, seconds))
    show(session, found)


@command(dev)
@click.argument("symbol")
@click.argument("usd")
def price(session: Session, symbol: str, usd: str) -> None:
    """Set the price of a feed, as in `novation dev price BTC/USD 40000`, and make a block."""

    async def work(chain: Dev) -> Any:
        await chain.set_price(symbol, usd)
        return await chain.mine()

    show(session, on_devchain(session, work))


@command(dev)
@click.argument("symbol")
@click.argument("percent")
def volatility(session: Session, symbol: str, percent: str) -> None:
    """Set the volatility a year of options on a feed, and make a block."""

    async def work(chain: Dev) -> Any:
        await chain.set_volatility(symbol, percent)
        return await chain.mine()

    show(session, on_devchain(session, work))


@command(dev)
def checkpoint(session: Session) -> None:
    """Remember this moment for `novation dev revert`."""
    found = on_devchain(session, lambda chain: chain.checkpoint())
    session.emit({"checkpoint": found.checkpoint, "height": found.height},
                 f"checkpoint {found.checkpoint} at height {found.height}: `novation dev revert {found.checkpoint}`")


@command(dev)
@click.argument("number", type=click.IntRange(1))
def revert(session: Session, number: int) -> None:
    """Go back to a checkpoint, as often as you like."""
    show(session, on_devchain(session, lambda chain: chain.revert(number)))


@command(dev)
@click.argument("path", type=click.Path(dir_okay=False))
def save(session: Session, path: str) -> None:
    """Write state and recent blocks to a file, for `novation devchain --load FILE`."""
    where = str(Path(path).absolute())
    show(session, on_devchain(session, lambda chain: chain.save(where)))

"""`novation tx` and `novation faucet`: everything that is signed."""

import sys
import time
from collections.abc import Awaitable, Callable
from decimal import Decimal
from typing import Any

import click

from client.client import NovationClient
from client.envelopes import MARKET_STATUSES, SOURCES, TIMES_IN_FORCE
from client.results import PlacedOrder, Sent
from node.cli.chain import account_id, ask, key_options, unlock, with_options
from node.cli.dry_run import preview
from node.cli.session import EXIT_USAGE, Session, Verbs, command, fail, simple_table
from node.cli.views import plain
from node.keys.dev import FAUCET, dev_key

TIMES = [name.replace("_", "-") for name in TIMES_IN_FORCE]
WAITS = click.Choice(["admitted", "committed"])

send_options = [
    *key_options,
    click.option("--wait", type=WAITS, default="committed", show_default=True,
                 help="Answer once a block holds it, or already once the node does."),
    click.option("--yes", is_flag=True, help="Do not ask before signing."),
    click.option("--dry-run", is_flag=True, help="Send nothing: say what it would do, and the margin afterwards."),
]  # fmt: skip
sends = with_options(send_options)
order_reference = with_options([
    click.option("--order-id", metavar="N", type=int, default=0, help="The chain's id of the order."),
    click.option("--client-id", metavar="N", type=int, default=0, help="Your own id of the order."),
])

Send = Callable[[NovationClient], Awaitable[Any]]


@click.group(cls=Verbs)
def tx() -> None:
    """Trade and move money. Sizes are in the base asset, prices and amounts in USD, as decimals."""


def sign_and_send(session: Session, what: dict[str, Any], options: dict[str, Any], send: Send) -> Any:
    """Show what will be signed, ask where somebody can answer, then send it. A dry run ends here."""
    key = unlock(session, options["key_name"], options["passphrase_file"])
    if options["dry_run"]:
        preview(session, what, send, key, options["account_number"])
    owner = account_id(session, options["owner"]).owner if options["owner"] else b""
    signer = f"{options['key_name']}{' for ' + options['owner'] if owner else ''}/{options['account_number']}"
    if not options["yes"] and not session.json and session.talk.is_terminal and sys.stdin.isatty():
        table = simple_table("to be signed", signer)
        for name, value in what.items():
            table.add_row(name, str(value))
        session.talk.print(table)
        if not click.confirm("Sign and send?", default=True, err=True):
            fail("nothing was sent")
    return ask(session, send, key, options["account_number"], owner)


@command(tx)
@click.argument("side", type=click.Choice(["buy", "sell"]))
@click.argument("size")
@click.argument("market")
@click.option("--price", metavar="USD",
              help="Limit, in USD for one of the base asset; of a pegged order the worst price.")
@click.option("--tif", type=click.Choice(TIMES), default="gtc", show_default=True, help="Time in force.")
@click.option("--reduce-only", is_flag=True, help="Only make the position smaller.")
@click.option("--client-id", metavar="N", type=int, default=0, help="Your own id, unique among your open orders.")
@click.option("--expires", metavar="SECONDS", type=int, default=0,
              help="Seconds from now after which it trades no more.")
@click.option("--display", metavar="SIZE", default="0", help="Iceberg: the most to be shown at a time.")
@click.option("--peg", type=click.Choice(["index", "mid"]), help="Follow a price; post-only.")
@click.option("--offset", metavar="TICKS", type=int, default=0,
              help="Ticks above (below: negative) what a pegged order follows.")
@click.option("--oco", metavar="N", type=int, default=0,
              help="What shares this number goes when one of them fills or fires.")
@sends
def order(session: Session, side: str, size: str, market: str, **options: Any) -> None:
    """Place a limit order: `novation tx order buy 0.01 BTC-PERP --price 46000 --key alice`."""
    if options["price"] is None and not options["peg"]:
        fail("give --price, or --peg", EXIT_USAGE)
    tif = "post_only" if options["peg"] else options["tif"].replace("-", "_")
    what = {"order": f"{side} {size} {market}", "at": options["price"] or options["peg"], "time in force": tif,
            "reduce only": options["reduce_only"]}

    async def send(client: NovationClient) -> PlacedOrder:
        return await client.place(market, side, size, options["price"] or 0, time_in_force=tif,
                                  reduce_only=options["reduce_only"], client_id=options["client_id"],
                                  expiry_time_ns=from_now(options["expires"]), display=options["display"],
                                  oco_id=options["oco"], peg=options["peg"] or "none",
                                  peg_offset_ticks=options["offset"], wait=options["wait"])

    show_order(session, sign_and_send(session, what, options, send))


def from_now(seconds: int) -> int:
    """A time in nanoseconds, so many seconds from now; 0 for 0."""
    return time.time_ns() + seconds * 10**9 if seconds else 0


@command(tx)
@click.argument("side", type=click.Choice(["buy", "sell"]))
@click.argument("size")
@click.argument("market")
@click.argument("direction", type=click.Choice(["above", "below"]))
@click.argument("level", default="0")
@click.option("--price", metavar="USD", required=True, help="Limit of the order.")
@click.option("--trail", metavar="USD", default="0", help="In place of LEVEL: follow the best price at this distance.")
@click.option("--source", type=click.Choice(list(SOURCES)), default="mark", show_default=True, help="What to watch.")
@click.option("--tif", type=click.Choice(["gtc", "ioc"]), default="ioc", show_default=True, help="Time in force.")
@click.option("--reduce-only", is_flag=True, help="Only make the position smaller.")
@click.option("--client-id", metavar="N", type=int, default=0, help="Your own id, unique among your triggers.")
@click.option("--expires", metavar="SECONDS", type=int, default=0,
              help="Seconds from now after which it fires no more.")
@click.option("--oco", metavar="N", type=int, default=0,
              help="What shares this number goes when one of them fills or fires.")
@sends
def trigger(session: Session, side: str, size: str, market: str, direction: str, level: str, **options: Any) -> None:
    """Place an order once the mark is at or above, at or below LEVEL:
    `novation tx trigger sell 0.01 BTC-PERP below 44000 --price 43000 --reduce-only --key alice`.
    """
    what = {"order": f"{side} {size} {market} at {options['price']}", "trailing by": options["trail"],
            "when": f"{options['source']} {direction} {level}", "reduce only": options["reduce_only"]}

    async def send(client: NovationClient) -> Sent:
        return await client.place_trigger(
            market, direction, side, size, options["price"], at=level, trail=options["trail"],
            source=options["source"], time_in_force=options["tif"], reduce_only=options["reduce_only"],
            client_id=options["client_id"], oco_id=options["oco"], expiry_time_ns=from_now(options["expires"]),
            wait=options["wait"])

    sent = sign_and_send(session, what, options, send)
    show_sent(session, sent, f"trigger {sent.results[0].order_id} waits" if sent.results else "sent")


@command(tx)
@click.option("--trigger-id", metavar="N", type=int, default=0, help="The chain's id of the trigger.")
@click.option("--client-id", metavar="N", type=int, default=0, help="Your own id of the trigger.")
@sends
def cancel_trigger(session: Session, trigger_id: int, client_id: int, **options: Any) -> None:
    """Cancel a trigger by one of its ids, or all triggers without any."""
    if trigger_id and client_id:
        fail("give at most one of --trigger-id and --client-id", EXIT_USAGE)

    async def send(client: NovationClient) -> Sent:
        return await client.cancel_trigger(trigger_id=trigger_id, client_id=client_id, wait=options["wait"])

    show_sent(session, sign_and_send(session, {"cancel trigger": trigger_id or client_id or "all"}, options, send),
              "cancelled")


@command(tx)
@click.argument("seconds", type=int)
@sends
def dead_man(session: Session, seconds: int, **options: Any) -> None:
    """Unless this is sent again within SECONDS, cancel all orders and triggers but reducing ones. 0 turns it off."""

    async def send(client: NovationClient) -> Sent:
        return await client.set_dead_man(from_now(seconds), wait=options["wait"])

    show_sent(session, sign_and_send(session, {"dead man": f"{seconds} s"}, options, send), "set")


@command(tx)
@click.argument("market")
@click.argument("size")
@click.option("--window", metavar="MS", type=int, default=1_000, show_default=True,
              help="Milliseconds in which SIZE may fill.")
@click.option("--freeze", metavar="MS", type=int, default=0,
              help="Milliseconds without quotes then; 0: until set anew.")
@sends
def protect(session: Session, market: str, size: str, window: int, freeze: int, **options: Any) -> None:
    """Market-maker protection: cancel the quotes once SIZE was filled as maker within the window. 0 turns it off."""

    async def send(client: NovationClient) -> Sent:
        return await client.set_protection(market, size, window_ns=window * 10**6, freeze_ns=freeze * 10**6,
                                           wait=options["wait"])

    show_sent(session, sign_and_send(session, {"protect": f"{size} {market} in {window} ms"}, options, send), "set")


def show_order(session: Session, placed: PlacedOrder) -> None:
    data = {
        "hash": placed.hash.hex(),
        "committed": placed.committed,
        "height": placed.height,
        "order_id": placed.order_id,
        "client_id": placed.client_id,
        "filled_size": plain(placed.filled_size),
        "average_price": plain(placed.average_price),
        "open_size": plain(placed.open_size),
        "fee": plain(placed.fee),
    }
    if not placed.committed:
        session.emit(data, f"admitted, hash {placed.hash.hex()}; see `novation query tx {placed.hash.hex()}`")
        return
    filled = f"filled {data['filled_size']} at {data['average_price']}" if placed.filled_size else "nothing filled"
    rest = f", {data['open_size']} rests on the book" if placed.open_size else ""
    session.emit(data, f"order {placed.order_id}: {filled}{rest} (height {placed.height}, gas fee {data['fee']} USD)")


def show_sent(session: Session, sent: Sent, done: str) -> None:
    result = sent.results[0] if sent.results else None
    data = {
        "hash": sent.hash.hex(),
        "committed": sent.committed,
        "height": sent.height,
        "fee": plain(sent.fee),
        "cancelled_orders": result.cancelled_orders if result else 0,
    }
    committed = f"{done} (height {sent.height}, gas fee {data['fee']} USD)"
    session.emit(data, committed if sent.committed else f"admitted, hash {data['hash']}")


@command(tx)
@order_reference
@sends
def cancel(session: Session, order_id: int, client_id: int, **options: Any) -> None:
    """Cancel an open order by exactly one of its ids."""
    _one_id(order_id, client_id)
    what = {"cancel": f"order {order_id}" if order_id else f"client id {client_id}"}

    async def send(client: NovationClient) -> Sent:
        return await client.cancel(order_id=order_id, client_id=client_id, wait=options["wait"])

    show_sent(session, sign_and_send(session, what, options, send), "cancelled")


def _one_id(order_id: int, client_id: int) -> None:
    if bool(order_id) == bool(client_id):
        fail("give exactly one of --order-id and --client-id: list your orders with `novation query orders NAME`",
             EXIT_USAGE)


@command(tx)
@click.argument("market")
@click.option("--size", metavar="SIZE", required=True, help="Open size after the replacement.")
@click.option("--price", metavar="USD", required=True, help="New limit, in USD for one of the base asset.")
@click.option("--tif", type=click.Choice(TIMES), default="gtc", show_default=True, help="Time in force.")
@order_reference
@sends
def replace(session: Session, market: str, order_id: int, client_id: int, **options: Any) -> None:
    """Give an open order another price and size. It keeps its rank when only the size shrinks."""
    _one_id(order_id, client_id)
    what = {"replace": f"order {order_id}" if order_id else f"client id {client_id}",
            "by": f"{options['size']} {market} at {options['price']}"}

    async def send(client: NovationClient) -> PlacedOrder:
        return await client.replace(market, options["size"], options["price"], order_id=order_id, client_id=client_id,
                                    time_in_force=options["tif"].replace("-", "_"), wait=options["wait"])

    show_order(session, sign_and_send(session, what, options, send))


@command(tx)
@click.argument("market", default="")
@sends
def cancel_all(session: Session, market: str, **options: Any) -> None:
    """Cancel every open order, of MARKET or of all markets."""

    async def send(client: NovationClient) -> Sent:
        return await client.cancel_all(market or None, wait=options["wait"])

    sent = sign_and_send(session, {"cancel all": market or "every market"}, options, send)
    count = sent.results[0].cancelled_orders if sent.results else 0
    show_sent(session, sent, f"cancelled {count} orders")


@command(tx)
@click.argument("amount")
@click.argument("to")
@sends
def transfer(session: Session, amount: str, to: str, **options: Any) -> None:
    """Move AMOUNT USD to account TO: a key's name or 40 hex digits, with /NUMBER for other than its first account."""
    target = account_id(session, to)

    async def send(client: NovationClient) -> Sent:
        return await client.transfer(target, amount, wait=options["wait"])

    what = {"transfer": f"{amount} USD", "to": f"{to} ({target.owner.hex()}/{target.number})"}
    show_sent(session, sign_and_send(session, what, options, send), f"moved {amount} USD to {to}")


@command(tx)
@click.argument("account")
@click.option("--fraction", metavar="PERCENT", default="100", show_default=True,
              help="Take at most so many percent of it.")
@click.option("--discount", metavar="PERCENT", default="0", show_default=True,
              help="Fail below so many percent of the equity behind it.")
@click.option("--expected-bids", metavar="N", default=0, show_default=True,
              help="Fail unless so many bids were taken before.")
@sends
def bid(session: Session, account: str, **options: Any) -> None:
    """Bid for ACCOUNT (OWNER/NUMBER, as `novation query auctions` has it): take what restores it, at the marks, for the
    discount of the block.
    """
    target = account_id(session, account)
    fraction, discount = (int(Decimal(options[name]) * 10_000) for name in ("fraction", "discount"))

    async def send(client: NovationClient) -> Sent:
        return await client.bid(target, most_fraction_ppm=fraction, least_discount_ppm=discount,
                                expected_bids=options["expected_bids"], wait=options["wait"])

    what = {"bid for": f"{account} ({target.owner.hex()}/{target.number})", "at most": f"{options['fraction']}%",
            "discount": f"at least {options['discount']}%"}
    show_sent(session, sign_and_send(session, what, options, send), f"bid for {account}")


@command(tx)
@click.argument("market")
@click.argument("status", type=click.Choice([name.replace("_", "-") for name in MARKET_STATUSES]))
@sends
def set_market_status(session: Session, market: str, status: str, **options: Any) -> None:
    """Test networks: the authority (--key authority) moves MARKET to another status."""

    async def send(client: NovationClient) -> Sent:
        return await client.set_market_status(market, status.replace("-", "_"), wait=options["wait"])

    show_sent(session, sign_and_send(session, {"market": market, "status": status}, options, send),
              f"{market} is {status}")


@command(tx)
@click.argument("public_key")
@click.argument("power", type=click.IntRange(0))
@sends
def set_validator(session: Session, public_key: str, power: int, **options: Any) -> None:
    """Test networks: the authority (--key authority) gives PUBLIC_KEY (hex) a voting POWER, 0 to take it out."""
    try:
        key = bytes.fromhex(public_key)
    except ValueError:
        fail(f"{public_key!r} is not a key of 64 hex digits", EXIT_USAGE)

    async def send(client: NovationClient) -> Sent:
        return await client.set_validator(key, power, wait=options["wait"])

    show_sent(session, sign_and_send(session, {"public key": public_key, "power": str(power)}, options, send),
              f"{public_key} has the power {power} from two blocks on")


@command(tx)
@click.argument("amount")
@click.argument("destination")
@sends
def withdraw(session: Session, amount: str, destination: str, **options: Any) -> None:
    """Take AMOUNT USD off the chain, to be paid out at DESTINATION (1 to 64 bytes of text)."""

    async def send(client: NovationClient) -> Sent:
        return await client.withdraw(amount, destination.encode("utf-8"), wait=options["wait"])

    what = {"withdraw": f"{amount} USD", "to": destination}
    show_sent(session, sign_and_send(session, what, options, send), f"withdrew {amount} USD")


@command(tx)
@click.argument("who")
@sends
def referrer(session: Session, who: str, **options: Any) -> None:
    """Name WHO (a key's name or 40 hex digits) as your referrer, for ever: it gets a share of your taker fees."""
    target = account_id(session, who)

    async def send(client: NovationClient) -> Sent:
        return await client.set_referrer(target.owner, wait=options["wait"])

    what = {"referrer": f"{who} ({target.owner.hex()})", "for": "ever, for all accounts of the key"}
    show_sent(session, sign_and_send(session, what, options, send), f"{who} is the referrer")


@command(tx)
@click.argument("amount")
@sends
def deposit(session: Session, amount: str, **options: Any) -> None:
    """Test networks: mint AMOUNT USD into the own account, which must exist (a new one: `novation faucet`)."""

    async def send(client: NovationClient) -> Sent:
        return await client.faucet(amount, wait=options["wait"])

    show_sent(session, sign_and_send(session, {"deposit": f"{amount} USD"}, options, send), f"deposited {amount} USD")


@command(tx)
@click.argument("market")
@click.argument("to_number", type=int)
@click.option("--size", metavar="SIZE", default="0",
              help="How much of the position, in the base asset; all of it by default.")
@click.option("--cash", metavar="USD", default="0", help="USD that go along.")
@sends
def isolate(session: Session, market: str, to_number: int, size: str, cash: str, **options: Any) -> None:
    """Move a position in MARKET, what it cost and cash to your account number TO_NUMBER, which it opens if need be."""

    async def send(client: NovationClient) -> Sent:
        return await client.isolate(market, to_number, Decimal(size), Decimal(cash), wait=options["wait"])

    what = {"isolate": f"{size if Decimal(size) else 'all'} {market}", "with": f"{cash} USD",
            "in": f"account number {to_number}"}
    show_sent(session, sign_and_send(session, what, options, send), f"moved {market} to account {to_number}")


@command(tx)
@click.argument("mode", type=click.Choice(["standard", "portfolio"]))
@sends
def margin_mode(session: Session, mode: str, **options: Any) -> None:
    """Margin the account market by market (standard) or all of it together (portfolio)."""

    async def send(client: NovationClient) -> Sent:
        return await client.set_margin_mode(mode, wait=options["wait"])

    show_sent(session, sign_and_send(session, {"margin mode": mode}, options, send), f"margined in {mode} mode")


@command()
@click.argument("to")
@click.argument("amount", default="10000")
@click.option("--asset", metavar="N", type=int, default=0, help="Number of another asset; AMOUNT is then in its units.")
def faucet(session: Session, to: str, amount: str, asset: int) -> None:
    """Test networks: mint AMOUNT USD (10000) into account TO: a key's name or 40 hex digits, also with /NUMBER."""
    target = account_id(session, to)
    if asset and not amount.isdigit():
        fail("the amount of an asset is a whole number of its units", EXIT_USAGE)

    async def send(client: NovationClient) -> Sent:
        if asset:
            return await client.faucet_asset(asset, int(amount), target)
        return await client.faucet(amount, target)

    minted = f"{amount} units of asset {asset}" if asset else f"{amount} USD"
    show_sent(session, ask(session, send, dev_key(FAUCET)), f"minted {minted} for {to}")

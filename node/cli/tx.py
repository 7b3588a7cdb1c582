"""`novation tx` and `novation faucet`: everything that is signed."""

import sys
from collections.abc import Awaitable, Callable
from decimal import Decimal
from typing import Any

import click

from client.client import NovationClient, PlacedOrder, Sent
from client.envelopes import TIMES_IN_FORCE
from node.cli.chain import account_id, ask, key_options, unlock, with_options
from node.cli.session import EXIT_USAGE, Session, command, fail, simple_table
from node.keys.dev import FAUCET, dev_key

TIMES = [name.replace("_", "-") for name in TIMES_IN_FORCE]
WAITS = click.Choice(["admitted", "committed"])

send_options = [
    *key_options,
    click.option("--wait", type=WAITS, default="committed", show_default=True, help="When to answer."),
    click.option("--yes", is_flag=True, help="Do not ask before signing."),
]  # fmt: skip
sends = with_options(send_options)
order_reference = with_options([
    click.option("--order-id", type=int, default=0, help="The chain's id of the order."),
    click.option("--client-id", type=int, default=0, help="Your own id of the order."),
])

Send = Callable[[NovationClient], Awaitable[Any]]


@click.group()
def tx() -> None:
    """Trade and move money. Sizes are in the base asset, prices and amounts in USD, as decimals."""


def sign_and_send(session: Session, what: dict[str, Any], options: dict[str, Any], send: Send) -> Any:
    """Show what will be signed, ask where somebody can answer, then send it."""
    key = unlock(session, options["key_name"], options["passphrase_file"])
    signer = f"{options['key_name']}/{options['account_number']}"
    if not options["yes"] and not session.json and session.talk.is_terminal and sys.stdin.isatty():
        table = simple_table("to be signed", signer)
        for name, value in what.items():
            table.add_row(name, str(value))
        session.talk.print(table)
        if not click.confirm("Sign and send?", default=True, err=True):
            fail("nothing was sent")
    return ask(session, send, key, options["account_number"])


@command(tx)
@click.argument("side", type=click.Choice(["buy", "sell"]))
@click.argument("size")
@click.argument("market")
@click.option("--price", required=True, help="Limit, in USD for one of the base asset.")
@click.option("--tif", type=click.Choice(TIMES), default="gtc", show_default=True, help="Time in force.")
@click.option("--reduce-only", is_flag=True, help="Only make the position smaller.")
@click.option("--client-id", type=int, default=0, help="Your own id, unique among your open orders.")
@sends
def order(session: Session, side: str, size: str, market: str, **options: Any) -> None:
    """Place a limit order: `novation tx order buy 0.01 BTC-PERP --price 46000 --key alice`."""
    what = {"order": f"{side} {size} {market}", "at": options["price"], "time in force": options["tif"],
            "reduce only": options["reduce_only"]}

    async def send(client: NovationClient) -> PlacedOrder:
        return await client.place(market, side, size, options["price"], time_in_force=options["tif"].replace("-", "_"),
                                  reduce_only=options["reduce_only"], client_id=options["client_id"],
                                  wait=options["wait"])

    show_order(session, sign_and_send(session, what, options, send))


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


def plain(value: Decimal) -> str:
    """A decimal without exponent and without idle zeros."""
    text = f"{value:f}"
    return text.rstrip("0").rstrip(".") if "." in text else text


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
@click.option("--size", required=True, help="Open size after the replacement.")
@click.option("--price", required=True, help="New limit, in USD for one of the base asset.")
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


@command()
@click.argument("to")
@click.argument("amount", default="10000")
def faucet(session: Session, to: str, amount: str) -> None:
    """Test networks: mint AMOUNT USD (10000) into account TO: a key's name or 40 hex digits, also with /NUMBER."""
    target = account_id(session, to)

    async def send(client: NovationClient) -> Sent:
        return await client.faucet(amount, target)

    show_sent(session, ask(session, send, dev_key(FAUCET)), f"minted {amount} USD for {to}")

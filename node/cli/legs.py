"""`novation tx combo` and `novation tx block`: several legs that are one decision."""

from typing import Any

import click
from google.protobuf.message import DecodeError

from client.client import NovationClient
from client.legs import Leg
from client.results import Sent
from node.cli.chain import account_id, ask, key_options, unlock, with_options
from node.cli.session import EXIT_USAGE, Session, command, fail
from node.cli.tx import sends, show_sent, sign_and_send, tx
from novation.v1 import tx_pb2


@command(tx)
@click.option("--leg", "legs", metavar="LEG", multiple=True, required=True,
              help="SIDE:SIZE:MARKET:PRICE, with :reduce if it only reduces; two to eight, each in another market.")
@click.option("--net", metavar="USD", help="Most USD that all legs together may cost; negative: least they must bring.")
@click.option("--client-id", metavar="N", type=int, default=0, help="Your own id; the fills carry it.")
@sends
def combo(session: Session, legs: tuple[str, ...], net: str | None, client_id: int, **options: Any) -> None:
    """Several orders that all fill in full, or none:
    `novation tx combo --leg sell:0.5:BTC-PERP:46000 --leg buy:0.5:BTC-DEC:46200 --net 150 --key alice`.
    """
    parsed = parse_legs(legs)
    what = {"legs": ", ".join(legs), "together": "as the legs allow" if net is None else f"at most {net} USD"}

    async def send(client: NovationClient) -> Sent:
        return await client.place_combo(parsed, net=net, client_id=client_id, wait=options["wait"])

    sent = sign_and_send(session, what, options, send)
    orders = ", ".join(str(leg.order_id) for leg in sent.results[0].legs) if sent.results else ""
    show_sent(session, sent, f"all {len(parsed)} legs filled, orders {orders}")


@tx.group()
def block() -> None:
    """Block trades: two parties agree on legs; one signs them, the other sends them, all settle at once."""


block_legs = click.option("--leg", "legs", metavar="LEG", multiple=True, required=True,
                          help="SIDE:SIZE:MARKET:PRICE, the side being the sender's; one to eight.")


@command(block, "sign")
@click.argument("sender")
@block_legs
@click.option("--seconds", metavar="SECONDS", type=int, default=60, show_default=True,
              help="How long the sender may settle it.")
@with_options(key_options)
def sign_block(session: Session, sender: str, legs: tuple[str, ...], seconds: int, **options: Any) -> None:
    """Consent to a trade with SENDER (a key's name or 40 hex digits, also with /NUMBER) and print it for them:
    `novation tx block sign alice --leg buy:0.5:BTC-PERP:46000 --key bob`. Nothing is sent.
    """
    parsed, target = parse_legs(legs), account_id(session, sender)
    key = unlock(session, options["key_name"], options["passphrase_file"])

    async def sign(client: NovationClient) -> tx_pb2.BlockTrade:
        return client.sign_block(target, parsed, lifetime_seconds=seconds)

    signed = ask(session, sign, key, options["account_number"])
    text = signed.SerializeToString(deterministic=True).hex()
    session.emit({"block": text, "nonce": signed.terms.nonce, "expiry_time_ns": signed.terms.expiry_time_ns}, text)


@command(block, "submit")
@click.argument("signed")
@block_legs
@sends
def submit_block(session: Session, signed: str, legs: tuple[str, ...], **options: Any) -> None:
    """Settle what the counterparty has SIGNED (hex, of `tx block sign`), if these are its legs:
    `novation tx block submit 0a1c… --leg buy:0.5:BTC-PERP:46000 --key alice`.
    """
    parsed = parse_legs(legs)
    try:
        trade = tx_pb2.BlockTrade.FromString(bytes.fromhex(signed))
    except (ValueError, DecodeError):
        fail("what was signed is the hex of `novation tx block sign`", EXIT_USAGE)
    other = trade.terms.counterparty
    what = {"legs": ", ".join(legs), "with": f"{other.owner.hex()}/{other.number}"}

    async def send(client: NovationClient) -> Sent:
        return await client.block_trade(trade, parsed, wait=options["wait"])

    show_sent(session, sign_and_send(session, what, options, send), f"{len(parsed)} legs settled")


def parse_legs(texts: tuple[str, ...]) -> list[Leg]:
    """Legs from the command line."""
    try:
        return [Leg.parse(text) for text in texts]
    except ValueError as error:
        fail(str(error), EXIT_USAGE)

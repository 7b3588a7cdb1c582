"""`novation tx agent`: let another key trade for an account."""

from typing import Any

import click

from client.client import NovationClient
from client.results import Sent
from node.cli.legs import tx  # with the verbs of tx and of legs
from node.cli.session import EXIT_USAGE, Session, command, fail
from node.cli.tx import sends, show_sent, sign_and_send
from node.keys.dev import NAMES, dev_key

KEY_DIGITS = 64


@command(tx)
@click.argument("public_key")
@click.option("--days", metavar="DAYS", default=7.0, show_default=True, type=click.FloatRange(0),
              help="How long; 0 takes it away.")
@sends
def agent(session: Session, public_key: str, days: float, **options: Any) -> None:
    """Let a key trade for this account: PUBLIC_KEY is 64 hex digits, or a dev key's name. It can move nothing out. It
    then trades with `--owner`: `novation tx order buy 0.01 BTC-PERP --price 46000 --key bot --owner alice`.
    """
    raw = dev_key(public_key).public_key if public_key in NAMES else parsed(public_key)

    async def send(client: NovationClient) -> Sent:
        return await client.set_agent(raw, int(days * 86_400), wait=options["wait"])

    what = {"agent": raw.hex(), "may trade for": f"{days:g} days" if days else "no longer"}
    show_sent(session, sign_and_send(session, what, options, send), "agent set" if days else "agent taken away")


def parsed(text: str) -> bytes:
    """A public key from its hex digits."""
    try:
        raw = bytes.fromhex(text)
    except ValueError:
        raw = b""
    if len(text) != KEY_DIGITS or not raw:
        fail(f"{text!r} is not a public key of {KEY_DIGITS} hex digits: `novation keys show NAME` says it", EXIT_USAGE)
    return raw

"""`novation query options`: the option chain as traders know it."""

from collections.abc import Sequence
from decimal import Decimal
from typing import Any

import click
from rich.table import Table

from client.client import NovationClient
from client.options import OptionChain, OptionExpiry, OptionQuote
from node.cli.breakers import query  # with the verbs of risk and prices
from node.cli.chain import ask
from node.cli.session import Session, command, simple_table
from node.cli.views import plain, when

CALLS = ("volume", "open int", "delta", "iv", "bid", "mark", "ask")  # left of the strike
PUTS = ("bid", "mark", "ask", "iv", "delta", "open int", "volume")  # right of it


def amount(value: Decimal | None) -> str | None:
    """A decimal as text, None for none."""
    return None if value is None else plain(value)


def share(value: Decimal | None) -> str | None:
    """A share of 1 as a percentage with two places."""
    return None if value is None else f"{plain((value * 100).quantize(Decimal('0.01')))}%"


def greek(one: OptionQuote, name: str, places: str) -> str | None:
    """A greek with so many places."""
    return None if one.greeks is None else plain(getattr(one.greeks, name).quantize(Decimal(places)) + 0)  # no -0


def quote_row(one: OptionQuote) -> dict[str, Any]:
    """A series, in decimals."""
    return {
        "symbol": one.symbol, "market": one.info.market, "right": one.right, "strike": plain(one.strike),
        "bid": amount(one.bid), "bid_size": plain(one.bid_size), "mark": amount(one.mark), "ask": amount(one.ask),
        "ask_size": plain(one.ask_size), "last": amount(one.last), "iv_bid": share(one.bid_volatility),
        "iv_mark": share(one.mark_volatility), "iv_ask": share(one.ask_volatility),
        "delta": greek(one, "delta", "0.0001"),
        "gamma_a_usd": greek(one, "gamma", "0.00000001"), "vega_usd_a_point": greek(one, "vega", "0.01"),
        "theta_usd_a_day": greek(one, "theta", "0.01"), "open_interest": plain(one.open_interest),
        "volume_24h": plain(one.volume)}


def expiry_row(expiry: OptionExpiry) -> dict[str, Any]:
    """An expiry with its series."""
    return {"underlying": expiry.underlying, "expiry": expiry.name, "expires": when(expiry.expiry_ns),
            "days_left": plain(expiry.days_left.quantize(Decimal("0.0001"))), "forward": amount(expiry.forward),
            "options": [quote_row(one) for one in expiry.quotes]}


def chain_table(expiry: OptionExpiry) -> Table:
    """Calls left of the strikes, puts right of them."""
    table = simple_table(title=heading(expiry), title_justify="left", title_style="bold")
    for name in CALLS:
        table.add_column(name, justify="right", style="green" if name in ("bid", "mark", "ask") else "")
    table.add_column("strike", justify="center", style="bold")
    for name in PUTS:
        table.add_column(name, justify="right", style="red" if name in ("bid", "mark", "ask") else "")
    for strike, call, put in expiry.rows():
        table.add_row(*cells(call, CALLS), plain(strike), *cells(put, PUTS))
    return table


def cells(one: OptionQuote | None, names: Sequence[str]) -> list[str]:
    """The cells of a call or a put, rounded to be read; empty where it is not listed."""
    if one is None:
        return [""] * len(names)
    texts = {"volume": plain(one.volume) if one.volume else "-",
             "open int": plain(one.open_interest) if one.open_interest else "-",
             "delta": f"{one.greeks.delta:.3f}" if one.greeks else "-",
             "iv": f"{one.mark_volatility * 100:.1f}%" if one.mark_volatility else "-",
             "bid": plain(one.bid) if one.bid else "-", "mark": f"{one.mark:.2f}" if one.mark else "-",
             "ask": plain(one.ask) if one.ask else "-"}
    return [texts[name] for name in names]


def greeks_table(expiry: OptionExpiry) -> Table:
    """A line for each series, with all greeks and the volatilities of bid and ask."""
    names = ("symbol", "bid", "iv_bid", "mark", "iv_mark", "ask", "iv_ask", "delta", "gamma_a_usd", "vega_usd_a_point",
             "theta_usd_a_day")
    table = simple_table(title=heading(expiry), title_justify="left", title_style="bold")
    for name in names:
        table.add_column(name.replace("_", " "), justify="left" if name == "symbol" else "right")
    for one in expiry.quotes:
        row = quote_row(one)
        table.add_row(*("-" if row[name] is None else str(row[name]) for name in names))
    return table


def heading(expiry: OptionExpiry) -> str:
    """What an expiry's series have in common."""
    days = expiry.days_left
    hours, minutes = days * 24, days * 1_440
    left = f"{days:.1f} days" if days >= 2 else f"{hours:.1f} hours" if hours >= 2 else f"{minutes:.1f} minutes"
    forward = "not known" if expiry.forward is None else f"{expiry.forward:,.2f} USD"
    return f"{expiry.underlying} {expiry.name}: expires {when(expiry.expiry_ns)} UTC, in {left}; forward {forward}"


@command(query)
@click.argument("underlying", default="")
@click.option("--expiry", default="", metavar="DATE", help="One expiry: 27NOV26 as in symbols, or 2026-11-27.")
@click.option("--greeks", is_flag=True, help="A line each: all greeks, and the volatilities of bid and ask.")
def options(session: Session, underlying: str, expiry: str, greeks: bool) -> None:
    """The option chain of UNDERLYING (BTC, or BTC/USD), or of all: calls left of the strike, puts right of it.

    Prices are USD for one of the base asset; open interest and the volume of a day are in it. Volatility (iv) is a
    year's, that of the mark unless it says otherwise. Delta is what the price gains of a USD that the forward gains,
    vega what a point of volatility adds, theta what a day adds.
    """

    async def work(client: NovationClient) -> OptionChain:
        return await client.option_chain(underlying, expiry)

    chain = ask(session, work)
    make = greeks_table if greeks else chain_table

    def text() -> list[Any] | str:
        tables: list[Any] = []
        for one in chain.expiries:
            tables += [make(one), ""]
        return tables[:-1] or "no options are listed"

    session.emit({"height": chain.height, "time": when(chain.time_ns),
                  "expiries": [expiry_row(one) for one in chain.expiries]}, text)

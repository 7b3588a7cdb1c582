"""The option chain over a devchain: SDK, ccxt's names, and the command line."""

import json
from collections.abc import Iterator
from decimal import Decimal
from typing import Any

import pytest
from click.testing import CliRunner

from client.errors import BadSymbol
from client.exchange import Exchange
from client.options import expiries_called, expiry_texts
from node.cli.main import cli
from novation.testing import Chain

D = Decimal
CALL = "BTC-15NOV23-46000-C"


@pytest.fixture(scope="module")
def chain() -> Iterator[Chain]:
    """Options are listed; alice bids for and offers one call, of which bob has bought a part."""
    running = Chain()
    try:
        running.mine(12)
        alice, bob = running.client("alice"), running.client("bob")
        alice.place(CALL, "buy", "1", "540")
        alice.place(CALL, "sell", "0.5", "600")
        bob.place(CALL, "buy", "0.2", "600")
        yield running
    finally:
        running.close()


def say(chain: Chain, *arguments: str) -> Any:
    return CliRunner().invoke(cli, [*arguments, "--node", chain.address])


def test_the_chain(chain: Chain) -> None:
    """By expiry and strike, with prices, sizes, volatilities and greeks in decimals."""
    reader = chain.client()
    found = reader.option_chain("BTC")
    ends = [one.expiry_ns for one in found.expiries]
    assert len(ends) > 2 and ends == sorted(ends)
    expiry = found.expiries[0]
    assert (expiry.underlying, expiry.name) == ("BTC/USD", "15NOV23")
    assert abs(expiry.forward - 46_000) < 1 and D("0.4") < expiry.days_left < D("0.5")
    strikes = [strike for strike, _, _ in expiry.rows()]
    assert strikes == sorted(strikes)
    call, put = next((call, put) for strike, call, put in expiry.rows() if strike == 46_000)
    assert (call.symbol, call.right, put.right) == (CALL, "call", "put")
    assert (call.bid, call.ask, call.bid_size, call.ask_size, call.last) == (540, 600, 1, D("0.3"), 600)
    assert call.open_interest == call.volume == D("0.2")
    assert call.bid_volatility and call.ask_volatility and put.bid_volatility is None
    assert (call.bid < call.mark) == (call.bid_volatility < call.mark_volatility)
    assert abs(call.mark_volatility - D("0.6")) < D("0.01") and abs(call.greeks.delta - D("0.5")) < D("0.02")
    assert abs(call.greeks.delta - put.greeks.delta - 1) < D("0.000001")
    assert abs(call.mark - put.mark - (expiry.forward - 46_000)) < 1, "marked in one of 16 blocks (MARK-005)"
    assert abs(-call.greeks.theta - call.mark / (2 * expiry.days_left)) < call.mark / 100, "at the money, as a root"
    assert abs(call.greeks.vega * 100 * call.mark_volatility - call.mark) < call.mark / 20, "linear in it there"
    decay = call.greeks.gamma * expiry.forward**2 * call.mark_volatility**2 / 2 / 365
    assert abs(decay + call.greeks.theta) < decay / 10, "what gamma earns is what time takes"
    assert found.quote(CALL) == call


def test_one_expiry_or_one_underlying(chain: Chain) -> None:
    """By the text in symbols, by date, by date and time; what is not there is said."""
    reader = chain.client()
    infos = list(reader.markets.values())
    for text in ("15NOV23", "15nov23", "2023-11-15", "2023-11-15T08:00:00"):
        (one,) = reader.option_chain(expiry=text).expiries
        assert one.name == "15NOV23"
    assert expiry_texts(infos)[0] == "15NOV23" and expiries_called("", infos) == []
    assert reader.option_chain("btc/usd").expiries and not reader.option_chain("ETH").expiries
    with pytest.raises(BadSymbol, match="BTC/USD, ETH/USD"):
        reader.option_chain("DOGE")
    with pytest.raises(BadSymbol, match="15NOV23"):
        reader.option_chain(expiry="1JAN20")


def test_under_ccxts_names(chain: Chain) -> None:
    """The chain by symbol, the greeks of one."""
    reader = chain.client()
    exchange = Exchange(reader.client)
    listed = reader.run(exchange.fetch_option_chain("BTC"))
    assert listed[CALL]["bidPrice"] == 540 and listed[CALL]["midPrice"] == 570
    assert listed[CALL]["impliedVolatility"] > D("0.5") and listed[CALL]["openInterest"] == D("0.2")
    greeks = reader.run(exchange.fetch_greeks(CALL))
    assert greeks["bidImpliedVolatility"] < greeks["askImpliedVolatility"] and greeks["rho"] == 0
    assert greeks["gamma"] > 0 > greeks["theta"] and greeks["underlyingPrice"] > 45_000
    with pytest.raises(BadSymbol):
        reader.run(exchange.fetch_greeks("BTC-PERP"))


def test_on_the_command_line(chain: Chain) -> None:
    """A table for each expiry; all greeks on demand; data for scripts; markets are listed without a line a series."""
    shown = say(chain, "query", "options", "BTC", "--expiry", "15NOV23").stdout
    (line,) = [line for line in shown.splitlines() if " 46000 " in line]
    assert "in 9." in shown and "forward 46,000" in shown and line.split()[:2] == ["0.2", "0.2"] and "540" in line
    assert "vega usd a point" in say(chain, "query", "options", "--greeks").stdout
    data = json.loads(say(chain, "query", "options", "--output", "json").stdout)
    quotes = {one["symbol"]: one for expiry in data["expiries"] for one in expiry["options"]}
    assert (quotes[CALL]["bid"], quotes[CALL]["ask"], quotes[CALL]["volume_24h"]) == ("540", "600", "0.2")
    assert quotes[CALL]["iv_bid"].endswith("%") and quotes[CALL]["delta"].startswith("0.5")
    assert say(chain, "query", "options", "DOGE").exit_code == 2
    assert "no options" in say(chain, "query", "options", "ETH").stdout
    brief, whole = (say(chain, "query", "market", *every).stdout for every in ((), ("--all",)))
    assert CALL not in brief and "15NOV23" in brief and CALL in whole
    assert CALL in say(chain, "query", "market", "--output", "json").stdout

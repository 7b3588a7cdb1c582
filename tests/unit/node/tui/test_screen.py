"""The screen by keyboard alone, over a real gateway: place, fill, cancel, refusals, other markets, drop and resume.

Pictures are kept in build/screenshots/top: look at them.
"""

from __future__ import annotations

import pytest
from textual.widgets import OptionList, Static

from client.sync import SyncClient
from node.devchain.server import DevServer
from node.keys.dev import dev_key
from node.tui.ticket import Ticket
from novation.testing import Chain
from tests.tidy.shape import PROJECT
from tests.unit.node.tui.conftest import Screen, Show

PICTURES = PROJECT / "build" / "screenshots" / "top"
POST_ONLY, MARKET = ("shift+tab", "right", "tab"), ("shift+tab", "right", "right", "tab")  # from the size, and back


def picture(screen: Screen, name: str) -> None:
    """Keep what the screen looks like."""
    PICTURES.mkdir(parents=True, exist_ok=True)
    (PICTURES / f"{name}.svg").write_text(screen.app.export_screenshot(), encoding="utf-8")


def test_an_order_is_previewed_signed_and_filled(chain: Chain, show: Show) -> None:
    async def steps(screen: Screen) -> None:
        await screen.ticket("b", "0.2", "46020")
        shown = await screen.until("effects", "Fills now")
        assert "0.200 at 46,017.5 on average" in shown and "Liquidated at" in shown
        assert "Initial margin     0.00 → 460.0" in shown
        assert not chain.client("alice").account().positions, "nothing is signed before the second Enter"
        picture(screen, "review")
        await screen.press("escape")
        await screen.when(lambda: len(screen.app.screen_stack) == 2, lambda: "the ticket does not come back")
        assert (screen.text("size"), screen.text("price")) == ("0.2", "46020")
        await screen.press("enter", "enter")
        await screen.until("effects", "Fills now")
        await screen.sign()
        await screen.until("message", "filled 0.2", "at 46,017.5")
        await screen.until("positions", "BTC-PERP", "+0.200")
        await screen.until("trades", "46,020.0")
        await screen.until("chart", "46,020.0")

    show(steps)
    assert chain.client("alice").account().positions[0].position.lots == 200


def test_orders_rest_and_are_cancelled_one_and_all(chain: Chain, show: Show) -> None:
    alice = chain.client("alice")
    for price in ("47000", "47100", "47200"):
        alice.place("BTC-PERP", "sell", "0.25", price)
    alice.place_trigger("BTC-PERP", "below", "sell", "0.1", "43000", at="44000")

    async def steps(screen: Screen) -> None:
        await screen.ticket("b", "0.5", "45900")
        await screen.until("effects", "Rests on the book  0.500")
        await screen.sign()
        await screen.until("orders", "45,900.0", "mark ≤ 44")
        await screen.until("book", "◂")
        await screen.press("down", "c")
        await screen.until("message", "cancelled sell 0.250 BTC-PERP at 47,100.0")
        await screen.when(lambda: "47,100.0" not in screen.text("orders"), lambda: screen.text("orders"))
        assert {one.price_quanta for one in alice.open_orders()} == {45_900_000, 47_000_000, 47_200_000}
        await screen.press("x")
        await screen.until("count", "in all markets: 4")
        await screen.press("a")
        await screen.until("message", "cancelled 4 orders and triggers")
        await screen.until("orders", "no open orders")

    show(steps)
    assert alice.open_orders() == [] and alice.triggers() == []


def test_what_is_refused_says_why_and_what_next(chain: Chain, show: Show) -> None:
    maker = chain.client("maker-1")

    async def steps(screen: Screen) -> None:
        await screen.ticket("b", "0.1", "46000.3")
        await screen.until("problem", "46000.3 is not a multiple of 0.5: use 46000.0 or 46000.5")
        await screen.press("backspace", "backspace", "shift+tab", "ctrl+u", "type:900", "enter")
        await screen.until("refusal", "MARGIN_INSUFFICIENT (margin 501)", "Order less, close something")
        picture(screen, "refused")
        await screen.press("enter")  # signs nothing that would be refused
        await screen.until("refusal", "MARGIN_INSUFFICIENT")
        await screen.press("escape", "escape")
        await screen.when(lambda: len(screen.app.screen_stack) == 1, lambda: "the ticket stays")
        await screen.ticket("s", "0.1", "46005", *POST_ONLY)
        await screen.until("effects", "Rests on the book  0.100")
        maker.place("BTC-PERP", "buy", "0.1", "46005")  # comes between review and signature
        await screen.sign()
        said = await screen.until("message", "ORDER_WOULD_CROSS (book 6")
        assert said.endswith("another type of order.")

    show(steps)
    assert chain.client("alice").open_orders() == []


def test_at_the_market_and_out_again(chain: Chain, show: Show) -> None:
    async def steps(screen: Screen) -> None:
        await screen.press("p")
        await screen.until("message", "no position in BTC-PERP")
        await screen.ticket("b", "0.3", "", *MARKET)
        await screen.until("effects", "0.300 at")
        await screen.sign()
        await screen.until("positions", "+0.300")
        await screen.ticket("p", "", "")
        await screen.until("effects", "0.300 at")
        await screen.sign()
        await screen.until("positions", "no positions")

    show(steps, key="bob", theme="light")


def test_what_is_written_for_one_market_is_reviewed_as_that_market(chain: Chain, show: Show) -> None:
    """Another market comes into view behind the ticket: neither its book nor its sizes get into the order."""
    for side, price in (("buy", "3600"), ("sell", "3800")):
        chain.client("maker-0").place("ETH-PERP", side, "0.1", price)

    async def steps(screen: Screen) -> None:
        await screen.press("b")
        await screen.when(lambda: isinstance(screen.app.screen, Ticket), lambda: "no ticket")
        screen.app.action_neighbour(1)
        await screen.when(lambda: screen.app.view.book and screen.app.view.book.best_bid == 36_000_000,
                          lambda: "the other book does not come")
        await screen.press("type:0.1", "enter")
        shown = await screen.until("effects", "Fills now")
        assert "BTC-PERP" in str(screen.app.screen.query_one(".headline", Static).render())
        assert "Rests on the book  0.100" in shown
        await screen.press("escape")
        await screen.when(lambda: isinstance(screen.app.screen, Ticket), lambda: "the ticket does not come back")
        await screen.press(*MARKET, "enter")
        await screen.until("problem", "nobody is on the other side")

    show(steps)


def test_without_a_key_nothing_is_signed(chain: Chain, show: Show) -> None:
    async def steps(screen: Screen) -> None:
        for key in ("b", "s", "c", "x", "p"):
            await screen.press("escape", key)
            await screen.until("message", "View only")
            assert len(screen.app.screen_stack) == 1
        assert screen.title("account") == "account taker-0/0 (view only)"
        await screen.until("positions", "+0.050")

    show(steps, key="", owner="taker-0")


def test_options_among_many_markets(chain: Chain, show: Show) -> None:
    chain.mine()
    series = next(symbol for symbol in chain.client().markets if symbol.startswith("BTC-2") and "45000-C" in symbol)
    chain.client("maker-0").place(series, "sell", "5", "3000")

    async def steps(screen: Screen) -> None:
        await screen.press("m")
        await screen.until("count", "of")
        await screen.press("type:btc 45 c")
        await screen.when(lambda: screen.app.screen.query_one(OptionList).options[0].id == series, lambda: "no series")
        picture(screen, "markets")
        await screen.press("enter")
        await screen.until("head", series, "expires in")
        await screen.until("book", "3,000")
        await screen.ticket("b", "1", "3000")
        await screen.until("effects", "1.0")
        await screen.sign()
        await screen.until("message", "filled")
        await screen.until("positions", series)
        picture(screen, "option")
        await screen.press("left_square_bracket")
        await screen.when(lambda: series not in screen.text("head"), lambda: screen.text("head"))

    show(steps)


def test_a_screen_that_lost_its_gateway_says_so_and_resumes(chain: Chain, show: Show) -> None:
    other = DevServer(chain.chain)  # so that others can trade while the screen's gateway is away

    async def steps(screen: Screen) -> None:
        chain.server.close()
        await screen.until("head", "NO CONNECTION")
        await screen.until("health", "trying again")
        await screen.ticket("b", "0.1", "46020")
        await screen.until("problem", "UNAVAILABLE", "Is the node running?")
        picture(screen, "lost")
        await screen.press("escape")
        with SyncClient(other.address, dev_key("taker-1")) as taker:
            taker.place("BTC-PERP", "sell", "0.01", "45990")
        chain.server = DevServer(chain.chain, chain.address)
        await screen.until("message", "Connected again after", f"resumed at block {chain.chain.height}")
        await screen.until("trades", "45,990.0")
        await screen.until("book", "0.090")  # of the 0.1 at 45,990
        await screen.ticket("b", "0.01", "46020")
        await screen.until("effects", "0.010 at 46,010.0")
        await screen.sign()
        await screen.until("message", "filled 0.01")

    try:
        show(steps)
    finally:
        other.close()


@pytest.mark.parametrize(("size", "theme"), [((80, 24), "light"), ((140, 42), "dark"), ((40, 12), "dark")])
def test_every_size_shows_what_fits(chain: Chain, show: Show, size: tuple[int, int], theme: str) -> None:
    async def steps(screen: Screen) -> None:
        await screen.until("positions", "BTC-PERP")
        picture(screen, f"{size[0]}x{size[1]}-{theme}")
        if size[0] >= 80:
            await screen.until("health", "block", "votes", "prices", "BTC fresh", "pool")
            await screen.until("account", "equity", "free")
        await screen.press("question_mark", "escape", "i", "t", "t")
        await screen.when(lambda: screen.title("chart") == "candles 1m", lambda: screen.title("chart"))

    show(steps, key="taker-0", size=size, theme=theme)


def test_a_chain_that_went_back_is_shown_as_it_is(chain: Chain, show: Show) -> None:
    moment = chain.checkpoint()
    chain.client("taker-0").place("BTC-PERP", "buy", "0.01", "46010")

    async def steps(screen: Screen) -> None:
        await screen.until("trades", "0.010")
        await screen.press("b", "escape")
        chain.revert(moment)
        await screen.when(lambda: "0.010" not in screen.text("trades"), lambda: screen.text("trades"))
        await screen.until("trades", "0.050")
        await screen.until("book", "0.050")

    show(steps)


def test_keys_in_a_burst_go_where_they_should(chain: Chain, show: Show) -> None:
    """As from a fast hand or a slow line: nothing that is meant for a window falls to the keys behind it."""
    alice = chain.client("alice")
    alice.place("BTC-PERP", "sell", "0.25", "47000")

    async def steps(screen: Screen) -> None:
        await screen.until("orders", "47,000.0")
        screen.burst("m", "type:c 45", "enter")
        await screen.when(lambda: "45000-C" in screen.text("head"), lambda: screen.text("head"))
        screen.burst("left_square_bracket", "m", "type:btc perp", "enter")
        await screen.when(lambda: "BTC-PERP" in screen.text("head"), lambda: screen.text("head"))
        await screen.until("book", "46,010.0")
        screen.burst("b", "type:0.1", "tab", "type:45900", "enter", "enter", "enter")
        assert "Buy 0.100 BTC-PERP at 45,900.0" in await screen.until("headline", "0.100")
        await screen.sign()
        await screen.until("message", "0.100 rests on the book")

    show(steps)
    assert sorted(one.price_quanta for one in alice.open_orders()) == [45_900_000, 47_000_000]

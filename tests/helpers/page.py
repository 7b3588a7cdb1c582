"""The web page as a person uses it, in a browser."""

from novation.testing import Chain
from tests.helpers.browser import Browser
from tests.tidy.shape import PROJECT

PICTURES = PROJECT / "build" / "screenshots"
PRICES = ("45990", "45980", "45970")
TRADERS = ("alice", "bob", "carl", "dave")


def quoted(chain: Chain) -> None:
    """Somebody quotes, and somebody trades."""
    maker, taker = chain.client("maker-0"), chain.client("taker-0")
    for place, price in enumerate(("46010", "46020", "46030")):
        maker.place("BTC-PERP", "sell", f"0.{place + 1}", price, time_in_force="post_only")
    for place, price in enumerate(PRICES):
        maker.place("BTC-PERP", "buy", f"0.{place + 1}", price, time_in_force="post_only")
    taker.place("BTC-PERP", "buy", "0.05", "46010")


def open_as(page: Browser, chain: Chain, name: str = "") -> None:
    """The trading page, with a test key if one is named."""
    page.look_like(width=1280)
    go(page, chain, "/", "#ticket")
    if name:
        page.click("#key-button")
        page.click(f"dialog [role=group] button:nth-of-type({TRADERS.index(name) + 1})")
        page.until("#key-button", lambda text: text == name, name)
        page.until("#account dd", lambda text: "USD" in text, "equity")


def order(page: Browser, side: str, price: str, size: str) -> None:
    """Write an order by keyboard alone, up to its review."""
    page.run("document.activeElement.blur()")
    page.press(side)
    assert page.run("return document.activeElement.name") == "price"
    page.write("input[name=price]", price)
    page.write("input[name=size]", size)
    page.press("Enter")


def go(page: Browser, chain: Chain, path: str, ready: str) -> None:
    """Open a page anew and wait for an element and a block."""
    page.open("about:blank")
    page.open(f"http://{chain.web_address}{path}")
    page.find(ready)
    page.until("#state", lambda text: text.startswith("block"), "a block")

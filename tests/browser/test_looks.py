"""Every page at the widths of a desk and of a telephone, in light and dark: it fits, and nothing moves as it loads.

Pictures are kept in build/screenshots: look at them.
"""

import pytest

from novation.testing import Chain
from tests.helpers.browser import Browser
from tests.helpers.page import PICTURES, go, open_as, order

SHIFT_MOST = 0.05  # cumulative; a tenth is what people are said not to notice
EXPLORER = {"blocks": "#blocks tr", "oracle": "tbody tr", "validators": "tbody tr", "params": "details",
            "breakers": "tbody tr", "governance": "tbody tr", "proof/markets/00000001": "#checks"}


@pytest.mark.parametrize("width", [1280, 390])
def test_every_page_fits_in_both_schemes(page: Browser, chain: Chain, width: int) -> None:
    open_as(page, chain, "alice")
    order(page, "b", "46020", "0.1")
    page.click("#confirm")
    page.until("#outcome", lambda text: "filled" in text, "a fill")
    height = chain.chain.height
    tx = chain.server.gateway.model.blocks[-1].block.txs[0].hash.hex()
    pages = {"trade": ("/", "#positions button"), "risk": ("/risk.html", "#heat td.now"),
             "options": ("/options.html", "#series a"),
             "block": (f"/explorer.html#/block/{height}", ".card"), "tx": (f"/explorer.html#/tx/{tx}", ".card")}
    pages |= {name.split("/")[0]: (f"/explorer.html#/{name}", ready) for name, ready in EXPLORER.items()}
    for name, (path, ready) in pages.items():
        look(page, chain, width, name, path, ready)
    assert page.complaints() == []


def look(page: Browser, chain: Chain, width: int, name: str, path: str, ready: str) -> None:
    """Load one page, measure it, and take its picture in both schemes."""
    page.look_like(width=width, height=900 if width > 600 else 844, dark=False)
    go(page, chain, path, ready)
    shift = page.run("""
        let sum = 0;
        new PerformanceObserver((list) => list.getEntries().forEach((entry) => { sum += entry.value; }))
            .observe({ type: "layout-shift", buffered: true });
        await new Promise((resolve) => setTimeout(resolve, 400));
        return sum;
    """)
    assert shift <= SHIFT_MOST, f"{name} moves by {shift:.3f} while it loads"
    for dark in (False, True):
        page.look_like(width=width, height=900 if width > 600 else 844, dark=dark)
        page.screenshot(PICTURES / f"{name}-{width}-{'dark' if dark else 'light'}.png")
        assert page.run("return document.documentElement.scrollWidth") <= width, f"{name} is wider than {width}"
    assert page.run("return [...document.querySelectorAll('.scroll:has(.fits), #chain-table')].every((one) => "
                    "one.scrollWidth <= one.clientWidth)"), f"a table of {name} scrolls sideways"
    assert page.run("return [...document.querySelectorAll('button, a, input, select')].filter((one) => "
                    "!(one.textContent || one.ariaLabel || one.placeholder || one.labels?.length)).length") == 0

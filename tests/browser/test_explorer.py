"""The explorer in a real headless Chromium: what a transaction asked for and did, proofs checked there, governance."""

import pytest

from client import envelopes as e
from node.keys.dev import dev_key
from novation.testing import Chain
from tests.helpers.browser import Browser
from tests.helpers.page import go, open_as

ALICE = dev_key("alice")


def test_a_transaction_is_decoded_with_the_action_that_failed(page: Browser, chain: Chain) -> None:
    good = e.place(market=1, side="buy", price_quanta=46_010_000, size_lots=50, client_id=7)
    bad = e.place(market=1, side="buy", price_quanta=46_000_000, size_lots=10, reduce_only=True)
    combo = e.place_combo([e.combo_leg(market=1, side="buy", size_lots=10, price_quanta=46_020_000),
                           e.combo_leg(market=2, side="sell", size_lots=10, price_quanta=1_000_000)])
    sent = chain.client("alice").send([good, bad, combo])
    go(page, chain, f"/explorer.html#/tx/{sent.hash.hex()}", ".card")
    first, second, third = (page.text(f".card:nth-of-type({place})") for place in (1, 2, 3))
    assert "1. Place order: done" in first and "46,010.0 USD" in first and "good til cancel" in first
    assert "2. Place order: failed" in second and "ORDER_REDUCES_NOTHING" in second and "code 612 of book" in second
    assert "3. Place combo: failed" in third and "BTC-PERP" in third and "ETH-PERP" in third
    assert ALICE.public_key.hex() in page.text("#view") and "owner's key" in page.text("#view")
    page.click("#view a[href^='#/account/']")
    page.until("#view", lambda text: "Maintenance margin" in text and "BTC-PERP" in text, "the account")
    assert page.complaints() == []


def test_a_proof_is_checked_in_the_browser(page: Browser, chain: Chain) -> None:
    open_as(page, chain, "alice")
    go(page, chain, "/explorer.html#/proof", "#proof-form")
    page.press("Tab")
    page.run("document.querySelector('#proof-form select').focus()")
    page.press("a")  # the first table whose name begins so: accounts
    page.until("#proof-form label:nth-of-type(2)", lambda text: "OWNER/NUMBER" in text, "how to write the key")
    page.run("document.querySelector('#proof-form input').focus()")
    page.press("Enter")
    checks = page.until("#checks", lambda text: "app hash" in text, "what was checked")
    assert "\u2713 The record's" in checks and "\u2717" not in checks and "devchain has no headers" in checks
    page.until("#view", lambda text: "Cash" in text and "USD" in text, "the record")
    page.run("location.hash = '#/proof/markets/0000ffff'")
    page.until("#checks", lambda text: "\u2713 That there is no such record" in text, "a proof of absence")
    page.run("location.hash = '#/proof/markets/zz'")
    page.until("#view > [role=alert]", lambda text: "hexadecimal" in text, "what is wrong")
    assert page.run("return document.querySelectorAll('#proof-form').length") == 1


def test_a_false_proof_is_shown_to_be_false(page: Browser, chain: Chain) -> None:
    chain.mine(2)
    go(page, chain, "/explorer.html#/blocks", "#blocks tr")
    page.run("""
        const real = window.fetch;
        window.fetch = async (path, options) => {
            const answer = await real(path, options);
            if (!String(path).startsWith("/api/proof")) return answer;
            const body = await answer.json();
            body.value = body.value.replace(/.$/, (last) => (last === "0" ? "1" : "0"));
            return new Response(JSON.stringify(body), { status: 200 });
        };
        location.hash = "#/proof/markets/00000001";
    """)
    page.until("#checks", lambda text: "\u2717 The proof does not hold: the proof is for another value" in text, "no")


def test_governance_shows_who_decides_and_what_they_did(page: Browser, chain: Chain) -> None:
    chain.client("authority").set_market_status("ETH-PERP", "reduce_only")
    chain.client("alice").send([e.set_market_status(1, "active")])
    go(page, chain, "/explorer.html#/governance", "tbody tr")
    shown = page.text("#view")
    assert dev_key("authority").owner.hex()[:12] in shown and "by no vote" in shown
    assert "market ETH-PERP, status reduce only" in shown and "MARKET_NOT_AUTHORITY" in shown
    assert "BTC-FUT expires" in shown and "before active, after reduce only, reason authority" in shown


@pytest.mark.parametrize(("view", "wanted"), [
    ("params", ["Gas price", "a million gas", "Withdraw hour", "Portfolio margin", "Haircut"]),
    ("validators", ["Last vote", "2 prices", "In force from block"]),
    ("oracle", ["BTC/USD", "Votes of block"]), ("breakers", ["Price bands", "stress test"])])
def test_the_chain_itself_is_told_in_units(page: Browser, chain: Chain, view: str, wanted: list[str]) -> None:
    go(page, chain, f"/explorer.html#/{view}", "#view h2")
    shown = page.text("#view")
    assert [one for one in wanted if one not in shown] == []
    assert page.complaints() == []

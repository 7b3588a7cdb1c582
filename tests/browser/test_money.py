"""Money leaves an account in a real headless Chromium: to another account, off the chain, and why not."""

from client import envelopes as e
from node.keys.dev import dev_key
from novation.testing import Chain
from tests.helpers.browser import Browser
from tests.helpers.page import open_as

USD = 1_000_000


def begin(page: Browser, chain: Chain, name: str) -> None:
    """The window, opened by whoever uses that key."""
    open_as(page, chain, name)
    page.click("#money-button")


def ask(page: Browser, amount: str, **fields: str) -> None:
    """Write the form and ask what it would do."""
    for field, text in {"amount": amount, **fields}.items():
        page.write(f"#money-form [name={field}]", text)
    page.click("#review-money")


def sign(page: Browser, done: str) -> None:
    """Sign what is shown, and wait for what it did."""
    page.click("#confirm-money")
    page.until("#money-said", lambda text: done in text, done)


def test_money_moves_between_numbers_of_an_owner(page: Browser, chain: Chain) -> None:
    begin(page, chain, "alice")
    ask(page, "12.5x")
    page.until("#money-error", lambda text: "Amount: write a number above 0" in text, "what is no number")
    ask(page, "0.5")
    page.until("#money-preview [role=alert]", lambda text: "COLLATERAL_NEW_ACCOUNT" in text and
               "Move more" in text and "amount 0.50 USD" in text, "too little for a new account")
    assert page.run("return document.querySelector('#confirm-money')") is None
    page.click("#money-preview button")
    ask(page, "1250.5")
    shown = page.until("#money-preview", lambda text: "Transfer 1,250.50 USD" in text, "the review")
    assert "Fromaccount number 0" in shown and "Toaccount number 1 of alice, your own" in shown
    assert "Gasat most 0.0" in shown and "May leave the account1,000,000.00 → 998,749.50 USD" in shown
    sign(page, "1,250.50 USD moved")
    assert chain.client("alice", 1).account().cash_quanta == 1_250_500_000
    page.until("#account", lambda text: "998,749" in text, "the account")
    ask(page, "5", number="0")
    page.until("#money-preview [role=alert]", lambda text: "COLLATERAL_SAME_ACCOUNT" in text, "from where to where")
    assert page.complaints() == []


def test_money_leaves_the_chain_within_its_limits(page: Browser, chain: Chain) -> None:
    chain.client("bob").send([e.faucet(dev_key("bob").account(0), 1_000_000 * USD)] * 24)
    begin(page, chain, "bob")
    page.click("#money-form [value=withdraw]")
    ask(page, "100", destination=" ")
    page.until("#money-error", lambda text: "Pay out to" in text, "whereto")
    ask(page, "100", destination="bank 1")
    shown = page.until("#money-preview", lambda text: "Withdraw 100.00 USD" in text, "the review")
    assert "Tobank 1" in shown and "All accounts may still withdraw, an hour" in shown
    sign(page, "100.00 USD left the chain")
    ask(page, "24000000")
    found = page.until("#money-preview [role=alert]", lambda text: "BREAKER_WITHDRAWALS" in text, "the limiter")
    assert "window hour" in found and "room " in found and "_quanta" not in found and "Take out less" in found
    page.click("#money-preview button")
    ask(page, "90000000")
    page.until("#money-preview [role=alert]", lambda text: "COLLATERAL_INSUFFICIENT" in text, "more than there is")

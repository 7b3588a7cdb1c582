"""What the ticket can do beyond a plain order, in a real headless Chromium: triggers, terms, combos, agents, modes."""

from client.sync import SyncClient
from node.keys.dev import dev_key
from novation.testing import Chain
from tests.helpers.browser import Browser, wait_for
from tests.helpers.page import go, open_as

ALICE = dev_key("alice")


def choose(page: Browser, selector: str, value: str) -> None:
    """Choose from a list, as a person does."""
    page.run("const one = document.querySelector(args[0]); one.value = args[1];"
             "for (const name of ['input', 'change']) one.dispatchEvent(new Event(name, { bubbles: true }));",
             selector, value)


def fill(page: Browser, **fields: str) -> None:
    """Write into the ticket's fields and ask for a review."""
    for name, text in fields.items():
        page.write(f"#ticket-form [name={name}]", text)
    page.click("#review")


def test_a_stop_waits_fires_and_fills(page: Browser, chain: Chain) -> None:
    chain.client("alice").place("BTC-PERP", "buy", "0.05", "46010")
    open_as(page, chain, "alice")
    page.click(".side.sell span")
    choose(page, "[name=kind]", "trigger")
    fill(page, trigger="45900.3", size="0.05")
    page.until("#ticket-error", lambda text: "Trigger price: a multiple of 0.5" in text, "the tick")
    page.click("#ticket-form [name=reduce_only]")
    fill(page, trigger="45900")
    shown = page.until("#preview", lambda text: "when the mark falls to 45,900.0" in text, "when it fires")
    assert "45,441.0 or better" in shown and "none while it waits" in shown and "Only reduces" in shown
    assert "If it fires at 45,900.0margin 115.0" in shown and "→ 0.00 USD" in shown, "it closes the position"
    assert "Then liquidatedno position" in shown
    page.press("Enter")
    page.until("#outcome", lambda text: "waits: a trigger" in text, "it waits")
    page.until("#orders", lambda text: "when the mark falls to 45,900.0" in text, "it is listed")
    chain.set_price("BTC/USD", "45300")  # the mark stays within a hundredth of it
    chain.mine(2)
    page.until("#orders", lambda text: text == "No open orders.", "it fired")
    page.until("#fills", lambda text: "sell" in text and "0.050" in text, "it filled")
    page.until("#positions", lambda text: text == "No positions.", "the position is closed")


def test_stop_and_profit_cancel_one_another_and_a_trailing_stop_follows(page: Browser, chain: Chain) -> None:
    open_as(page, chain, "bob")
    page.click(".side.sell span")
    choose(page, "[name=kind]", "bracket")
    fill(page, trigger="45000", profit="44000", size="0.1")
    page.until("#ticket-error", lambda text: "one belongs below it and one above" in text, "what is wrong")
    fill(page, profit="47000")
    both = page.until("#preview", lambda text: "the other goes" in text, "both")
    assert "If it fires at 45,000.0margin 0.00 → 225.00 USD" in both and "at 47,000.0margin 0.00 → 235.00 USD" in both
    assert both.count("Then liquidatedat ") == 2 and "Gasat most 0.0" in both
    page.press("Enter")
    page.until("#outcome", lambda text: "two triggers" in text, "they wait")
    page.until("#orders", lambda text: text.count("one cancels the other") == 2, "both are listed")
    choose(page, "[name=kind]", "trailing")
    fill(page, trail="800", size="900")
    page.until("#preview", lambda text: "too little, its order would be refused" in text, "what margin would say")
    page.click("#back")
    page.click("#ticket-form [name=reduce_only]")
    fill(page, size="0.2")
    page.until("#preview", lambda text: "no position that it would reduce now" in text, "why there is no margin")
    page.click("#back")
    page.click("#ticket-form [name=reduce_only]")
    page.click("#review")
    page.until("#preview", lambda text: "falls by 800.0 from its best, now 45,20" in text, "where it stands")
    page.press("Enter")
    page.until("#orders", lambda text: "trailing by 800.0" in text, "it is listed")
    page.click("#cancel-all")
    page.until("#orders", lambda text: text == "No open orders.", "all are gone")


def test_an_order_hides_follows_and_ends_as_it_is_told(page: Browser, chain: Chain) -> None:
    open_as(page, chain, "carl")
    page.click("#ticket-form summary")
    fill(page, price="45000", size="1", display="0.1", minutes="30", oco="7")
    shown = page.until("#preview", lambda text: "Shown at a time0.100" in text, "the terms")
    assert "Goes after30 min" in shown and "Group7" in shown
    page.press("Enter")
    page.until("#outcome", lambda text: "1.000 rests" in text, "it rests")
    order = chain.client("carl").open_orders("BTC-PERP")[0]
    assert (order.display_lots, order.oco_id, order.expiry_time_ns > chain.chain.time_ns) == (100, 7, True)
    for name in ("display", "minutes", "oco"):
        page.run("document.querySelector(`#ticket-form [name=${args[0]}]`).value = ''", name)
    choose(page, "[name=peg]", "mid")
    fill(page, price="", size="0.3", offset="-")
    page.until("#ticket-error", lambda text: "whole ticks" in text, "no number")
    fill(page, price="", size="0.3", offset="-40")
    page.until("#preview", lambda text: "the middle of the book, -40 ticks" in text, "what it follows")
    page.press("Enter")
    page.until("#orders", lambda text: "pegged to mid" in text, "it is pegged")


def strikes(chain: Chain) -> list[str]:
    """The symbols of calls of the last expiry, ascending by strike."""
    last = chain.client().option_chain("BTC").expiries[-1]
    return [one.symbol for one in last.quotes if one.right == "call"]


def test_a_series_is_shown_as_soon_as_it_is_listed(page: Browser, chain: Chain) -> None:
    """The stream tells of it: nothing waits for the next time that the page would ask by itself."""
    script = page.command("Page.addScriptToEvaluateOnNewDocument", source="window.setInterval = () => 0;")
    try:
        go(page, chain, "/options.html", "#series td")
        chain.mine(4)
        listed = strikes(chain)
        page.click("#expiries button:last-child")
        page.find(f"[data-key='{listed[0]}']")
        chain.set_price("BTC/USD", "60000")
        chain.mine(4)
        page.find(f"[data-key='{next(one for one in strikes(chain) if one not in listed)}']")
    finally:
        page.command("Page.removeScriptToEvaluateOnNewDocument", identifier=script["identifier"])


def test_a_spread_from_the_option_chain_is_a_combo(page: Browser, chain: Chain) -> None:
    chain.mine(4)
    lower, upper = strikes(chain)[2:4]
    maker = chain.client("maker-0")
    maker.place(lower, "sell", "1", "7000")
    maker.place(upper, "buy", "1", "2000")
    open_as(page, chain, "alice")
    go(page, chain, "/options.html", "#series td")
    page.click("#expiries button:last-child")
    page.click(f"[data-key='{lower} buy']")
    page.click(f"[data-key='{upper} sell']")
    page.click("#to-ticket")
    page.find("#legs .leg:nth-of-type(2)")
    page.until("#stats", lambda text: "Expires29 Dec 2023" in text, "when the option expires")
    legs = page.run("return [...document.querySelectorAll('#legs .leg')].map((leg) => "
                    "[...leg.querySelectorAll('input[name=symbol], select, [name=price]')].map((one) => one.value))")
    assert legs == [[lower, "buy", "7000"], [upper, "sell", "2000"]]
    for place in (1, 2):
        page.write(f"#legs .leg:nth-of-type({place}) [name=size]", "0.5")
    page.click("#review-combo")
    shown = page.until("#preview", lambda text: "Costs together" in text, "the preview")
    assert "Costs together2,500.00 USD" in shown and "Most loss at expiry2,500.00 USD" in shown
    assert "Most profit at expiry2,500.00 USD" in shown and "Margin, initial" in shown
    page.press("Enter")
    page.until("#outcome", lambda text: "all 2 legs filled" in text, "the fills")
    page.until("#positions", lambda text: f"{lower}" in text and "short 0.50" in text, "both positions")
    page.write("#combo-form [name=net]", "100")
    page.click("#review-combo")
    page.until("#preview [role=alert]", lambda text: "COMBO" in text, "it would cost more than that")


def test_an_agent_trades_takes_nothing_out_and_is_revoked(page: Browser, chain: Chain) -> None:
    open_as(page, chain, "alice")
    page.click("#key-button")
    page.write("dialog form [placeholder=name]", "robot")
    page.click("dialog > form button")
    page.until("dialog .keys", lambda text: "robot" in text, "the key")
    page.click("dialog > button:last-child")
    page.click("#key-button")
    page.find("#kept-keys option")
    key = page.run("return [...document.querySelectorAll('#kept-keys option')]"
                   ".find((one) => one.textContent === 'robot').value")
    page.write("dialog [name=agent]", key)
    page.click("dialog section form button")
    page.until("dialog [role=status]", lambda text: text == "The agent may trade.", "it may trade")
    page.until("#agents", lambda text: "robot" in text and "until" in text, "it is listed")
    owner = ALICE.owner.hex()
    page.write("dialog [placeholder^='empty']", owner)
    page.run("[...document.querySelectorAll('dialog .keys li')].find((one) => one.textContent.includes('robot'))"
             ".querySelector('button').click()")
    page.until("#key-button", lambda text: text == f"robot for {owner[:8]}", "robot trades for alice")
    page.press("b")
    fill(page, price="46010", size="0.05")
    page.until("#preview", lambda text: "Fills now0.050" in text, "a preview")
    page.press("Enter")
    page.until("#outcome", lambda text: "filled 0.050" in text, "a fill")
    refused = page.run("""
        const { send } = await import("/lib/session.js");
        const { unhex } = await import("/lib/format.js");
        const to = { owner: unhex(args[0]), number: 0 };
        const { result } = await send([{ transfer: { to, amount_quanta: 1000000n } }]);
        return result.reason;
    """, "ab" * 20)
    assert refused == "TX_AGENT_ACTION"
    open_as(page, chain, "alice")
    page.click("#key-button")
    page.click("#agents button")
    page.until("dialog [role=status]", lambda text: text == "The agent is revoked.", "revoked")
    page.until("#agents", lambda text: text == "No agents.", "none")
    assert not chain.client("alice").account().agents


def test_margin_modes_are_compared_and_switched(page: Browser, chain: Chain) -> None:
    with SyncClient(chain.address, dev_key("dave")) as dave:
        dave.place("BTC-PERP", "buy", "0.05", "46010")
    open_as(page, chain, "dave")
    page.until("#mode", lambda text: text == "standard", "the mode")
    page.click("#mode-button")
    shown = page.until("dialog", lambda text: "standard, in force" in text, "both modes")
    page.look_like(width=390)
    assert page.run("const box = document.querySelector('dialog .scroll'); return box.scrollWidth <= box.clientWidth")
    page.look_like(width=1280)
    assert "Initial margin" in shown and "Maintenance margin" in shown and "Hedges count" in shown
    page.click("#switch-mode")
    page.until("dialog [role=status]", lambda text: "margined by portfolio now" in text, "the switch")
    page.until("dialog", lambda text: "portfolio, in force" in text, "it is in force")
    page.press("Escape")
    wait_for(lambda: page.run("return !document.querySelector('dialog')"), "the window stays")
    page.until("#mode", lambda text: text == "portfolio", "the mode")
    page.press("s")
    fill(page, price="45990", size="0.05")
    page.until("#preview", lambda text: "Fills now0.050" in text, "a preview in the new mode")
    page.press("Enter")
    page.until("#outcome", lambda text: "filled 0.050" in text, "a fill in the new mode")

"""The trading page in a real headless Chromium, over a devchain: place, fill, cancel, drop and resume, keys."""

from client.keys import Key
from client.sync import SyncClient
from node.devchain.chain import DevChain
from node.devchain.genesis import dev_state
from node.devchain.server import DevServer
from node.keys.dev import dev_key
from novation.testing import GENESIS_NS, STEP_NS, Chain
from tests.helpers.browser import Browser, wait_for
from tests.helpers.page import PRICES, open_as, order
from tests.unit.node.web.test_wire import actions, as_json


def test_an_order_is_previewed_signed_and_filled_by_keyboard(page: Browser, chain: Chain) -> None:
    open_as(page, chain, "alice")
    order(page, "b", "46020", "0.1")
    shown = page.until("#preview", lambda text: "Liquidation price" in text, "a preview")
    assert "Buy 0.100 BTC at 46,020.0 or better" in shown and "Fills now0.050 at 46,010.0" not in shown
    assert "Margin, initial0.00 → " in shown and "Trading fee2.3" in shown and "rests until it is cancelled" in shown
    assert page.run("return document.activeElement.id") == "confirm", "Enter signs, Escape goes back"
    page.press("Escape")
    wait_for(lambda: page.run("return document.activeElement.name") == "size", "the form does not come back")
    page.press("Enter")
    page.find("#confirm")
    page.press("Enter")
    page.until("#outcome", lambda text: "filled 0.100" in text, "a fill")
    page.until("#positions", lambda text: "long 0.100" in text and "BTC-PERP" in text, "the position")
    page.until("#fills", lambda text: "46,0" in text, "the fill")
    page.until("#trades", lambda text: "46,0" in text, "the trade")
    assert page.complaints() == []


def test_an_order_rests_and_is_cancelled(page: Browser, chain: Chain) -> None:
    open_as(page, chain, "bob")
    order(page, "s", "47000", "0.25")
    page.click("#confirm")
    page.until("#outcome", lambda text: "0.250 rests on the book" in text, "it rests")
    page.until("#orders", lambda text: "47,000.0" in text and "0.250" in text, "the order")
    page.until("#asks", lambda text: "47,000.0" in text, "the level")
    page.click("#orders button")
    page.until("#outcome", lambda text: text == "The order: cancelled.", "cancelled")
    page.until("#orders", lambda text: text == "No open orders.", "none")
    assert chain.client("bob").open_orders("BTC-PERP") == []


def test_what_is_wrong_is_said_before_anything_is_signed(page: Browser, chain: Chain) -> None:
    open_as(page, chain)
    order(page, "b", "46000", "1")
    page.until("#ticket-error", lambda text: "Choose a key first" in text, "a key is asked for")
    open_as(page, chain, "carl")
    order(page, "b", "46000.3", "1")
    page.until("#ticket-error", lambda text: "a multiple of 0.5" in text, "the tick")
    order(page, "b", "46000", "900")
    found = page.until("#preview [role=alert]", lambda text: "MARGIN_INSUFFICIENT" in text, "the reason")
    assert found.endswith("Order less, or add collateral.")
    assert page.run("return document.querySelector('#confirm')") is None


def test_a_review_that_comes_late_is_not_shown_for_another_market(page: Browser, chain: Chain) -> None:
    """What is signed is what is shown: sizes and name would be those of the market that one has turned to meanwhile."""
    open_as(page, chain, "carl")
    page.run("""
        const ask = window.fetch, held = new Promise((go) => { window.release = go; });
        window.fetch = async (path, ...rest) => {
            if (path === "/api/risk") await held;
            return ask(path, ...rest);
        };
    """)
    order(page, "b", "46000", "0.1")
    page.run("location.hash = '#ETH-PERP'")
    page.until("#market-button", lambda text: "ETH-PERP" in text, "the other market")
    page.run("window.release()")
    wait_for(lambda: page.run("return !document.querySelector('#review').disabled"), "the answer does not come")
    assert page.run("return document.querySelector('#preview').hidden")
    assert chain.client("carl").open_orders() == []


def test_a_page_that_lost_its_gateway_goes_on_where_it_was(page: Browser, chain: Chain) -> None:
    open_as(page, chain, "dave")
    other = DevServer(chain.chain)  # so that others can trade while the page's gateway is away
    address = chain.web_address
    try:
        chain.server.close()
        page.until("#state", lambda text: "no connection" in text, "no connection")
        with SyncClient(other.address, dev_key("taker-1")) as taker:
            for price in PRICES:
                taker.place("BTC-PERP", "sell", "0.01", price)
        chain.server = DevServer(chain.chain, web_listen=address)
        page.until("#state", lambda text: text == f"block {chain.chain.height}", f"block {chain.chain.height}")
        rows = wait_for(lambda: (found := page.run(
            "return [...document.querySelectorAll('#trades tr')].map(row => row.children[0].textContent)")) and
            len(found) == 4 and found, "the trades that it missed")
        assert len([row for row in rows if "▼" in row]) == 3
    finally:
        other.close()


def test_pages_that_one_left_hold_no_connection(page: Browser, chain: Chain) -> None:
    """A browser has six for one address: with as many streams left behind, nothing would load any more."""
    open_as(page, chain, "alice")
    for path in ("/explorer.html", "/risk.html", "/", "/explorer.html#/oracle", "/risk.html", "/", "/risk.html", "/"):
        page.open(f"http://{chain.web_address}{path}")
        page.until("#state", lambda text: text.startswith("block"), "a block")
    web = chain.server.gateway.web
    assert web is not None
    wait_for(lambda: web.streams.open == 1, lambda: f"{web.streams.open} streams are open")
    page.run("history.back()")
    page.until("#state", lambda text: text.startswith("block"), "a block, after one came back")


def test_keys_stay_and_cannot_be_read(page: Browser, chain: Chain) -> None:
    open_as(page, chain)
    page.click("#key-button")
    page.write("dialog form input[required]", "mine")
    page.click("dialog form button")
    page.until("dialog .keys", lambda text: "mine" in text, "the key")
    found = page.run("""
        const { keptKeys, keyOfSeed, signer } = await import("/lib/keys.js");
        const { unhex, hex } = await import("/lib/format.js");
        const [key] = await keptKeys();
        const refused = await crypto.subtle.exportKey("pkcs8", key.secret).then(() => "read", (error) => error.name);
        const known = await keyOfSeed("seed", unhex(args[0]));
        return { extractable: key.secret.extractable, refused, owner: known.id,
                 signature: hex(await signer(known)(new TextEncoder().encode("words"))) };
    """, "07" * 32)
    key = Key(b"\x07" * 32)
    assert found == {"extractable": False, "refused": "InvalidAccessError", "owner": key.owner.hex(),
                     "signature": key.sign(b"words").hex()}
    page.click("dialog .keys button:nth-of-type(2)")
    page.until("dialog [role=status]", lambda text: "committed" in text, "test money")
    assert page.run("return document.cookie") == ""


def test_the_browser_encodes_what_python_encodes(page: Browser, chain: Chain) -> None:
    open_as(page, chain)
    found = page.run("""
        const [{ encode }, { ACTION }, { hex, unhex }] = await Promise.all(
            ["/wire/proto.js", "/wire/schemas.js", "/lib/format.js"].map((path) => import(path)));
        const read = (value) => Array.isArray(value) ? value.map(read) : typeof value !== "object" ? value
            : "int" in value ? BigInt(value.int) : "bytes" in value ? unhex(value.bytes)
            : Object.fromEntries(Object.entries(value).map(([name, it]) => [name, read(it)]));
        return args[0].map((one) => hex(encode(ACTION, read(one))));
    """, [as_json(action) for action in actions()])
    assert found == [action.SerializeToString(deterministic=True).hex() for action in actions()]


def test_the_mark_is_the_same_wherever_it_is_shown(page: Browser, chain: Chain) -> None:
    """In the book too, whose levels have not moved."""
    open_as(page, chain)
    chain.set_price("BTC/USD", "46100")
    mark = page.until("#stats dd", lambda text: text > "46,001.1", "the new mark")
    page.until("#mid", lambda text: text == f"Mark {mark}", mark)


def test_a_chain_that_starts_over_is_shown_anew(page: Browser, chain: Chain) -> None:
    """A few blocks lower or many, the page lets go of what it knew; nobody reloads it by hand."""
    open_as(page, chain, "alice")
    for blocks in (5, 150):
        chain.mine(blocks)
        with (SyncClient(chain.server.address, dev_key("bob")) as maker,
              SyncClient(chain.server.address, dev_key("carl")) as taker):
            maker.place("BTC-PERP", "sell", "0.1", "46010")
            taker.place("BTC-PERP", "buy", "0.1", "46010")
        page.until("#state", lambda text: text == f"block {chain.chain.height}", "the height")
        page.until("#trades", lambda text: "46,010" in text, "the trade")
        chain.server.close()
        chain.chain.close()
        chain.chain = DevChain(dev_state(), step_ns=STEP_NS, genesis_ns=GENESIS_NS)
        chain.server = DevServer(chain.chain, web_listen=chain.web_address)
        page.until("#trades", lambda text: text == "No trades yet.", "none of the new chain")
        page.until("#state", lambda text: text == f"block {chain.chain.height}", "the height")
        assert page.text("#key-button") == "alice", "the key stays"

"""The page's JavaScript signs the very bytes that Python signs: bodies, gas, envelopes, addresses, units."""

import json
import random
import shutil
import subprocess
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from client import envelopes as e
from client.keys import Key, sign_bytes
from client.units import Units
from node.keys.dev import dev_key
from node.web.site import STATIC
from novation.v1 import state_pb2, tx_pb2

NODE = shutil.which("node")
needs_node = pytest.mark.skipif(NODE is None, reason="no node on the path; the browser test signs too")
BIG = 2**64 - 1
ALICE = dev_key("alice").account(3)


def combo(legs: int, **terms: Any) -> tx_pb2.Action:
    """A combo of so many legs, one of them an option."""
    return e.place_combo([e.combo_leg(market=10_000 if place == 1 else place + 1, side=("buy", "sell")[place % 2],
                                      size_lots=place + 1, price_quanta=128 << place, reduce_only=place == 2)
                          for place in range(legs)], **terms)


def actions() -> list[tx_pb2.Action]:
    """Every kind of action that the page sends, at the edges of its fields."""
    seeded = random.Random(7)
    found = [
        e.place(market=1, side="buy", price_quanta=46_000_000, size_lots=10),
        e.place(market=2**32 - 1, side="sell", price_quanta=BIG, size_lots=BIG, time_in_force="post_only",
                reduce_only=True, client_id=BIG, expiry_time_ns=BIG, display_lots=5, oco_id=9, peg="mid",
                peg_offset_ticks=-(2**63)),
        e.place(market=1, side="buy", price_quanta=0, size_lots=1, peg="index", peg_offset_ticks=2**63 - 1),
        e.cancel(order_id=1_099_511_627_777), e.cancel(client_id=1),
        e.replace(order_id=5, price_quanta=127, size_lots=128, time_in_force="ioc"),
        e.cancel_all(), e.cancel_all(7), e.transfer(ALICE, 16_383), e.transfer(ALICE, 16_384, asset=2),
        e.faucet(ALICE, 10**12), e.withdraw(1, b"x"), e.withdraw(BIG, bytes(range(64)), asset=2**32 - 1),
        e.place_trigger(market=1, direction="below", side="sell", price_quanta=1, size_lots=1, trigger_quanta=2),
        e.place_trigger(market=1, direction="above", side="buy", price_quanta=1, size_lots=1, trail_quanta=2,
                        source="last", reduce_only=True, client_id=4, oco_id=3, expiry_time_ns=2),
        e.cancel_trigger(trigger_id=8), e.cancel_trigger(),
        e.set_margin_mode("portfolio"), e.set_margin_mode("standard"),
        e.set_agent(bytes(range(32)), BIG), e.set_agent(bytes(range(32)), 0),
        combo(2, net_limit_quanta=-(2**63)), combo(8, net_limit_quanta=2**63 - 1, client_id=BIG),
        combo(3, net_limit_quanta=0), combo(2),
    ]
    for _ in range(200):
        bits = seeded.randrange(1, 64)
        found.append(e.place(market=seeded.randrange(1, 2**20), side=seeded.choice(["buy", "sell"]),
                             price_quanta=seeded.getrandbits(bits), size_lots=seeded.getrandbits(bits),
                             time_in_force=seeded.choice(list(e.TIMES_IN_FORCE)),
                             peg_offset_ticks=seeded.getrandbits(bits) - 2 ** (bits - 1)))
    return found


def as_json(message: Any) -> Any:
    """A message as the page's code takes it: what is set; integers and bytes marked as such."""
    found = {}
    for field, value in message.ListFields():
        if field.type == field.TYPE_MESSAGE:
            found[field.name] = [as_json(one) for one in value] if field.is_repeated else as_json(value)
        elif field.type == field.TYPE_BYTES:
            found[field.name] = {"bytes": value.hex()}
        else:
            found[field.name] = value if field.type == field.TYPE_BOOL else {"int": str(int(value))}
    return found


READ = """
const { readFileSync } = await import("node:fs");
const [base, ...names] = process.argv.slice(1);
const at = (name) => import(`file://${base}/wire/${name}.js`);
const hex = (bytes) => Buffer.from(bytes).toString("hex");
const read = (value) => Array.isArray(value) ? value.map(read) : value === null || typeof value !== "object" ? value
  : "int" in value ? BigInt(value.int) : "bytes" in value ? Uint8Array.from(Buffer.from(value.bytes, "hex"))
  : Object.fromEntries(Object.entries(value).map(([name, one]) => [name, read(one)]));
const given = JSON.parse(readFileSync(0, "utf8"));
"""


def run(script: str, given: Any) -> Any:
    """What a script prints as JSON, which finds `given`, `read`, `hex` and `at(module)`."""
    assert NODE is not None
    done = subprocess.run([NODE, "--input-type=module", "-e", READ + script, str(STATIC)], input=json.dumps(given),
                          capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


@needs_node
def test_every_action_has_the_same_bytes_and_gas() -> None:
    script = """
const { encode } = await at("proto"), { ACTION } = await at("schemas"), { gasFor } = await at("gas");
const fixed = (action) => ({ ...action, ...(action.place_order ? { place_order: { ...action.place_order,
  time_in_force: Number(action.place_order.time_in_force) } } : {}) });
const all = given.map(read).map(fixed);
console.log(JSON.stringify({ bytes: all.map((one) => hex(encode(ACTION, one))), gas: all.map((one) => gasFor([one])),
  together: gasFor(all.slice(0, 15)) }));
"""
    found = run(script, [as_json(action) for action in actions()])
    assert found["bytes"] == [action.SerializeToString(deterministic=True).hex() for action in actions()]
    assert found["gas"] == [e.gas_for([action]) for action in actions()]
    assert found["together"] == e.gas_for(actions()[:15])


@needs_node
def test_an_envelope_is_signed_the_same() -> None:
    key, chain_id = dev_key("alice"), "novation-devchain"
    order = e.place(market=1, side="buy", price_quanta=46_000_000, size_lots=10)
    body = e.make_body(key.account(3), [order, e.cancel_all()], nonce=179_567_158_371, gas_price_e6=10_001,
                       expiry_time_ns=1_700_000_000_000_000_000)
    script = """
const { makeBody, makeEnvelope, ownerOf, signBytes } = await at("envelope");
const keys = await import("node:crypto");
const secret = keys.createPrivateKey({ key: Buffer.concat([Buffer.from("302e020100300506032b657004220420", "hex"),
  Buffer.from(given.seed, "hex")]), format: "der", type: "pkcs8" });
const publicKey = Uint8Array.from(keys.createPublicKey(secret).export({ format: "der", type: "spki" }).subarray(-32));
const owner = await ownerOf(publicKey);
const body = makeBody({ owner, number: 3, actions: [{ place_order: { market: 1, side: 1, price_quanta: 46000000n,
  size_lots: 10n, time_in_force: 1, reduce_only: false, self_trade_prevention: 1 } }, { cancel_all: {} }],
  nonce: 179567158371n, gasPriceE6: "10001", expiryTimeNs: 1700000000000000000n });
const sign = async (bytes) => Uint8Array.from(keys.sign(null, bytes, secret));
const envelope = await makeEnvelope(given.chain, body, publicKey, sign);
const said = hex(signBytes(given.chain, body));
console.log(JSON.stringify({ owner: hex(owner), body: hex(body), said, envelope: hex(envelope) }));
"""
    found = run(script, {"seed": key.seed.hex(), "chain": chain_id})
    encoded = body.SerializeToString(deterministic=True)
    assert found == {"owner": key.owner.hex(), "body": encoded.hex(), "said": sign_bytes(chain_id, encoded).hex(),
                     "envelope": e.sign_envelope(key, chain_id, body).hex()}
    assert Key(key.seed).owner.hex() == found["owner"]


@needs_node
def test_what_does_not_fit_is_refused() -> None:
    script = """
const { encode } = await at("proto"), { ACTION } = await at("schemas");
const of = (market) => ({ cancel_all: { market } });
const outcome = (action) => {
  try { return hex(encode(ACTION, action)); } catch (error) { return error.name; }
};
const tried = [of(-1n), of(2n ** 64n), of(1.5), { cancel_all: { nothing: 1n } }, { dance: {} }, of(2 ** 53)];
console.log(JSON.stringify(tried.map(outcome)));
"""
    assert run(script, None) == ["RangeError", "RangeError", "RangeError", "TypeError", "TypeError", "RangeError"]


@needs_node
def test_units_are_those_of_the_client() -> None:
    market = state_pb2.Market(symbol="BTC-PERP", lot_size="0.001", tick_size="0.5", tick_quanta=500)
    units = Units.of(market)
    script = """
const { Units, decimal, ratio, usd } = await at("units");
const units = new Units(given.market);
const either = ({ value, error }) => String(value ?? error);
console.log(JSON.stringify({
  prices: given.quanta.map((one) => units.price(one, false)),
  sizes: given.quanta.map((one) => units.size(one, false)),
  lots: ["0.25", "1", "0,001", "0.0005", "0", "-1", "x", "1e3", ""].map((text) => either(units.lots(text))),
  quanta: ["46000.5", "46000", "46000.3"].map((text) => either(units.quanta(text))),
  small: [units.price(40n), units.price(0n),
    new Units({ lot_size: "1", tick_size: "1", tick_quanta: "1" }).price(451000n)],
  usd: [usd("1234567890123"), usd("-1"), usd("-1", 6), usd("999999"), usd(0)],
  tick: [units.onTick(1001n, true), units.onTick(1001n, false)].map(String) }));
"""
    quanta = [500, 46_000_500, 10**18 + 500]
    found = run(script, {"market": {"lot_size": "0.001", "tick_size": "0.5", "tick_quanta": "500"},
                         "quanta": [str(one) for one in quanta]})
    assert [Decimal(price) for price in found["prices"]] == [units.price(one) for one in quanta]
    assert [Decimal(size) for size in found["sizes"]] == [units.size(one) for one in quanta]
    assert found["lots"][:3] == ["250", "1000", "1"] and found["lots"][3].startswith("Size: a multiple of 0.001")
    assert all("above 0" in text for text in found["lots"][4:])
    assert found["quanta"] == ["46000500", "46000000", "Price: a multiple of 0.5; try 46000.0."]
    assert found["usd"] == ["1,234,567.89", "0.00", "\u22120.000001", "1.00", "0.00"]
    assert found["tick"] == ["1500", "1000"]
    assert found["small"] == ["0.0400", "0.0", "0.451"]


def test_the_page_names_no_other_host_and_runs_no_inline_script() -> None:
    pages = sorted(STATIC.glob("*.html"))
    assert pages
    for page in pages:
        text = page.read_text(encoding="utf-8")
        assert "http://" not in text and "https://" not in text and "style=" not in text and " onclick" not in text
        assert text.count("<script") == text.count("<script src=") + text.count('<script type="module" src=')
    for script in STATIC.rglob("*.js"):
        if "vendor" not in script.parts:
            assert "innerHTML" not in script.read_text(encoding="utf-8"), script
            assert len(script.read_text(encoding="utf-8").splitlines()) <= 300, Path(script).name

"""The examples that need no CometBFT, run as a reader would run them, each against a fresh devchain."""

import json
import signal
import subprocess
import sys
import time
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from node.keys.dev import dev_key
from novation.testing import Chain

SECONDS = 90
PROJECT = Path(__file__).resolve().parents[3]


@pytest.fixture
def chain(devchain: Chain) -> Chain:
    """A devchain; it has a future beside the perpetual."""
    return devchain


def command(name: str, *arguments: str) -> list[str]:
    return [sys.executable, "-m", f"client.examples.{name}", *arguments]


def run(name: str, *arguments: str) -> str:
    """What an example says; it must end well."""
    done = subprocess.run(command(name, *arguments), capture_output=True, text=True, timeout=SECONDS)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def by(chain: Chain, name: str) -> list[str]:
    """The arguments of an example that trades as somebody."""
    return ["--gateway", chain.address, "--key-hex", dev_key(name).seed.hex()]


def position(chain: Chain, name: str, market: int) -> int:
    held = chain.client(name).account().positions
    return sum(one.position.lots for one in held if one.position.market == market)


def test_arbitrage(chain: Chain) -> None:
    """The future is dear: both legs trade, as long as it brings what is asked."""
    alice = chain.client("alice")
    alice.place("BTC-PERP", "sell", "0.1", "46000")
    alice.place("BTC-FUT", "buy", "0.07", "46100")
    said = run("arbitrage", *by(chain, "bob"), "--other", "BTC-FUT", "--least", "50", "--seconds", "3",
               "--interval", "0.1")
    assert "1 trades of both legs" in said and "sold BTC-FUT" in said, said
    assert (position(chain, "bob", 1), position(chain, "bob", 3)) == (50, -50)


def test_block_trade(chain: Chain) -> None:
    """What two agreed on is settled for both."""
    said = run("block_trade", *by(chain, "alice"), "--other-key-hex", dev_key("bob").seed.hex(),
               "--leg", "buy:0.5:BTC-PERP:46000", "--leg", "sell:0.5:BTC-FUT:46050")
    assert "settled" in said
    assert [position(chain, name, market) for name in ("alice", "bob") for market in (1, 3)] == [500, -500, -500, 500]


def test_agent_key(chain: Chain) -> None:
    """It trades, moves no money, and is out when it is taken away."""
    said = run("agent_key", *by(chain, "alice"))
    assert "the agent placed order" in said and "TX_AGENT_ACTION" in said and "TX_WRONG_KEY" in said, said


def test_risk_report(chain: Chain) -> None:
    """A long of ten times its money is liquidated somewhere below, and in the row of a fall."""
    alice, bob = chain.client("alice"), chain.client("bob")
    alice.place("BTC-PERP", "sell", "100", "46000")
    bob.place("BTC-PERP", "buy", "100", "46000")
    said = run("risk_report", *by(chain, "bob"))
    assert "BTC-PERP: 100" in said and "liquidated at" in said
    rows = [line for line in said.splitlines() if line.strip().startswith(("-30%", "30%"))]
    assert "liquidated" in rows[0] and "safe" in rows[1], said


def test_stream_recorder(chain: Chain, tmp_path: Path) -> None:
    """Every trade while it runs, and the best prices around it."""
    out, alice, bob = tmp_path / "btc.jsonl", chain.client("alice"), chain.client("bob")
    recorder = command("stream_recorder", "--gateway", chain.address, "--out", str(out), "--seconds", "20")
    process = subprocess.Popen(recorder, stdout=subprocess.PIPE, text=True)
    try:
        wait_for(lambda: out.exists() and "best" in out.read_text())
        for price in ("46000", "46001"):
            alice.place("BTC-PERP", "sell", "0.1", price)
            bob.place("BTC-PERP", "buy", "0.1", price)
        wait_for(lambda: out.read_text().count('"trade"') == 2)
    finally:
        process.terminate()
        process.communicate(timeout=SECONDS)
    lines = [json.loads(line) for line in out.read_text().splitlines()]
    assert [Decimal(one["price"]) for one in lines if one["kind"] == "trade"] == [46_000, 46_001]


def test_historical_replay(chain: Chain, tmp_path: Path) -> None:
    """A trend up: the follower is long and has made money."""
    bars = tmp_path / "bars.csv"
    bars.write_text("time,close\n" + "".join(f"{at},{46_000 + 20 * at}\n" for at in range(60)))
    said = run("historical_replay", *by(chain, "bob"), "--maker-key-hex", dev_key("alice").seed.hex(), "--prices",
               str(bars), "--bars", "60")
    assert "60 bars, 1 trades, position 0.1" in said, said
    assert Decimal(said.split("profit ")[1].split()[0]) > 50


def test_covered_call(chain: Chain) -> None:
    """Bought and sold, the calls live until they expire in the money: what they pay the perpetual has gained."""
    alice, call = chain.client("alice"), "BTC-15NOV23-48000-C"
    chain.mine(12)
    assert call in {one.market.symbol for one in alice.refresh_markets()}
    alice.place("BTC-PERP", "sell", "0.5", "46000")
    alice.place(call, "buy", "0.2", "60")
    run = command("covered_call", *by(chain, "bob"), "--size", "0.2", "--interval", "0.05", "--delta", "0.05",
                  "--give-percent", "50", "--portfolio")
    process = subprocess.Popen(run, stdout=subprocess.PIPE, text=True, stderr=subprocess.STDOUT)
    try:
        assert process.stdout is not None
        said = process.stdout.readline() + process.stdout.readline() + process.stdout.readline()
        assert f"0.2 {call} sold for 60.00 each" in said, said
        chain.set_price("BTC/USD", "49000")
        chain.mine(40, seconds=40_000)
        rest, _ = process.communicate(timeout=SECONDS)
    finally:
        process.terminate()
        process.wait(timeout=SECONDS)
    assert process.returncode == 0, said + rest
    assert f"{call} expired and paid 1000.00: -188.00 USD" in rest, rest
    assert "1 expiries, 0.200 BTC-PERP held; equity +40" in rest, rest  # 600 of the perpetual, less 188 and fees
    assert (position(chain, "bob", 1), len(chain.client("bob").account().positions)) == (200, 1)


def test_market_maker_and_taker(chain: Chain) -> None:
    """One quotes, the other takes, both end with nothing on the book."""
    maker = subprocess.Popen(command("market_maker", *by(chain, "alice"), "--seconds", "20", "--interval", "0.2"),
                             stdout=subprocess.PIPE, text=True)
    try:
        wait_for(lambda: chain.client("carl").book("BTC-PERP").book.asks)
        run("taker", *by(chain, "bob"), "--seconds", "1")
    finally:
        maker.send_signal(signal.SIGINT)
        said, _ = maker.communicate(timeout=SECONDS)
    assert "quotes, fee" in said, said
    assert chain.client("bob").trades("BTC-PERP") and not chain.client("alice").open_orders()


def test_place_and_cancel(chain: Chain) -> None:
    """An order rests and goes."""
    said = run("place_and_cancel", *by(chain, "alice"))
    assert "cancelled" in said and not chain.client("alice").open_orders(), said


def test_liquidator(chain: Chain) -> None:
    """Nobody is on offer: it looks, and ends as it began. How it bids: test_liquidator.py."""
    assert "0 bids taken" in run("liquidator", *by(chain, "alice"), "--seconds", "0.3", "--interval", "0.1")


def test_every_example_is_run() -> None:
    """Each has a test here, but the one that needs CometBFT, which tests/localnet runs."""
    names = {path.stem for path in (PROJECT / "client/examples").glob("*.py")} - {"__init__", "common"}
    text = Path(__file__).read_text(encoding="utf-8")
    assert {name for name in names if f'("{name}"' not in text} == {"proof_check"}
    assert "client.examples.proof_check" in (PROJECT / "tests/localnet/test_localnet.py").read_text(encoding="utf-8")


def wait_for(holds: Any) -> None:
    """Until something holds."""
    deadline = time.monotonic() + SECONDS
    while not holds():
        assert time.monotonic() < deadline
        time.sleep(0.05)

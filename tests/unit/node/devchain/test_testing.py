"""The fixture that users get: a real chain for each test."""

import time
from decimal import Decimal

import pytest

from client.errors import InsufficientFunds, NovationError
from node.devchain.chain import DevChainError
from novation.testing import Chain, devchain

__all__ = ["devchain"]  # a fixture is imported to be found


def test_an_order_is_filled_at_once(devchain: Chain) -> None:
    """A block is made for what is submitted; the docstring's example holds."""
    maker, taker = devchain.client("alice"), devchain.client("bob")
    maker.place("BTC-PERP", "sell", "0.1", "46000", time_in_force="post_only")
    assert taker.place("BTC-PERP", "buy", "0.1", "46000").filled_size == Decimal("0.1")
    assert devchain.client().book("BTC-PERP").book.asks == []
    with pytest.raises(InsufficientFunds):
        taker.place("BTC-PERP", "buy", "900", "46000")


def test_prices_and_time_are_the_tests_own(devchain: Chain) -> None:
    """A price is there with the next block; an hour passes when it is told to; each test begins at the same moment."""
    reader = devchain.client()
    first = reader.status()
    assert (first.height, first.time_ns) == (1, 1_700_000_001_000_000_000)
    devchain.set_price("BTC/USD", "40000.5")
    (btc,) = [one for one in reader.refresh_markets() if one.market.symbol == "BTC-PERP"]
    assert btc.mark_price_quanta == 40_000_500
    devchain.mine(60, seconds=3_600)
    assert reader.status().height == 62
    assert reader.status().time_ns == first.time_ns + 3_601 * 10**9
    with pytest.raises(DevChainError, match="BTC/USD"):
        devchain.set_price("DOGE/USD", "1")
    with pytest.raises(DevChainError, match="above 0"):
        devchain.set_price("BTC/USD", "-1")
    with pytest.raises(DevChainError, match="decimal"):
        devchain.set_price("BTC/USD", "cheap")
    with pytest.raises(DevChainError, match="one block"):
        devchain.mine(0)


def test_checkpoints_bring_everything_back(devchain: Chain) -> None:
    """State, blocks, time and prices of a moment come back, again and again, to the same app hash; so does what was on
    another branch.
    """
    alice, bob = devchain.client("alice"), devchain.client("bob")
    alice.place("BTC-PERP", "sell", "1", "46000")
    first = devchain.checkpoint()
    there = devchain.chain.parts.chain.head
    bob.place("BTC-PERP", "buy", "1", "46000")
    devchain.set_price("BTC/USD", "47000")
    devchain.mine(3, seconds=86_400)
    second, later = devchain.checkpoint(), devchain.chain.parts.chain.head
    for _ in range(2):
        devchain.revert(first)
        assert devchain.chain.parts.chain.head == there
        assert alice.status().height == there.height
        assert len(alice.open_orders()) == 1 and not bob.account().positions
        assert len(bob.place("BTC-PERP", "buy", "0.5", "46000").hash) == 32
        devchain.revert(second)
        assert devchain.chain.parts.chain.head == later
        assert bob.account().positions[0].position.lots == 1_000
        assert alice.block(later.height - 1).height == later.height - 1
    with pytest.raises(DevChainError, match="no checkpoint 9"):
        devchain.revert(9)


def test_options_are_listed_and_settle(devchain: Chain) -> None:
    """Days pass in blocks: what expires settles at what it is in the money, by rule; volatility is the test's own."""
    alice, bob = devchain.client("alice"), devchain.client("bob")
    devchain.mine(3)
    alice.refresh_markets()
    calls = [one for one in alice.markets.values() if one.symbol.endswith("-46000-C")]
    chosen = min(calls, key=lambda one: one.record.expiry_ns)
    bob.refresh_markets()
    low = alice.mark_price(chosen.symbol)
    devchain.set_volatility("BTC/USD", "120")
    devchain.mine(16)
    assert alice.mark_price(chosen.symbol) > low
    devchain.set_volatility("BTC/USD", "60")
    devchain.mine(16)
    price = chosen.units.floor_price(alice.mark_price(chosen.symbol))
    alice.place(chosen.symbol, "sell", "0.5", price)
    assert bob.place(chosen.symbol, "buy", "0.5", price).filled_size == Decimal("0.5")
    before = alice.account().cash_quanta, bob.account().cash_quanta
    devchain.set_price("BTC/USD", "47000")
    left = (chosen.record.expiry_ns - alice.status().time_ns) // 10**9
    devchain.mine(400, seconds=left + 60)
    after = alice.account().cash_quanta, bob.account().cash_quanta
    assert after[1] - before[1] == before[0] - after[0] == 500_000_000, "half of (47,000 - 46,000) USD"
    assert not bob.account().positions


def test_two_chains_of_one_test_know_nothing_of_each_other(devchain: Chain) -> None:
    """As many as wanted in one process, each within moments."""
    began = time.monotonic()
    other = Chain()
    try:
        other.client("alice").place("BTC-PERP", "buy", "1", "45000")
        assert devchain.client().book("BTC-PERP").book.bids == []
        assert time.monotonic() - began < 30
    finally:
        other.close()
        other.close()


def test_a_node_has_no_such_service(devchain: Chain) -> None:
    """DevService is the devchain's alone: a gateway without it says so."""
    from client.dev import Dev
    from node.gateway.server import Gateway

    assert "DevService" not in str(Gateway.__init__.__doc__)
    client = devchain.client()
    assert client.run(Dev(client.client).status()).height == 1
    with pytest.raises(NovationError, match="no checkpoint"):
        client.run(Dev(client.client).revert(7))

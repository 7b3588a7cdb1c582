"""The bots keep to the market's rules, lean against their position, and their orders meet."""

import random

import pytest

from node.localnet.bots import (
    LEVELS,
    STAKE_QUANTA,
    BotMarket,
    Taste,
    gambler_actions,
    maker_actions,
    on_tick,
    taker_actions,
    taste_of,
)
from novation.v1 import tx_pb2

MARKET = BotMarket(market=1, tick_quanta=500, quote_lots=50, position_lots=5_000)
MARK = 46_000_000


def orders(actions: list[tx_pb2.Action]) -> list[tx_pb2.PlaceOrder]:
    return [action.place_order for action in actions if action.HasField("place_order")]


def sides(placed: list[tx_pb2.PlaceOrder]) -> set[int]:
    return {order.side for order in placed}


@pytest.mark.parametrize("mark", [MARK, 46_000_123, 500, 1])
@pytest.mark.parametrize("held", [0, 4_999, -4_999, 50_000, -50_000])
def test_every_order_is_on_the_tick_and_has_a_size(mark: int, held: int) -> None:
    chance = random.Random(1)
    for actions in (maker_actions(MARKET, mark, held, chance), taker_actions(MARKET, mark, held, chance)):
        placed = orders(actions)
        assert placed
        assert all(order.price_quanta > 0 and order.price_quanta % 500 == 0 for order in placed)
        assert all(0 < order.size_lots <= 50 * (LEVELS + 1) for order in placed)


def test_a_maker_clears_its_old_quotes_first_and_never_crosses_itself() -> None:
    actions = maker_actions(MARKET, MARK, 0, random.Random(1))
    assert actions[0].cancel_all.market == 1
    placed = orders(actions)
    assert len(placed) == 2 * LEVELS
    bids = [order.price_quanta for order in placed if order.side == tx_pb2.SIDE_BUY]
    asks = [order.price_quanta for order in placed if order.side == tx_pb2.SIDE_SELL]
    assert max(bids) < MARK < min(asks)


def test_a_maker_leans_against_its_position_and_stops_at_its_limit() -> None:
    def best_bid(held: int) -> int:
        placed = orders(maker_actions(MARKET, MARK, held, random.Random(1)))
        return max(order.price_quanta for order in placed if order.side == tx_pb2.SIDE_BUY)

    assert best_bid(4_000) < best_bid(0) < best_bid(-4_000)
    assert sides(orders(maker_actions(MARKET, MARK, 5_000, random.Random(1)))) == {tx_pb2.SIDE_SELL}
    assert sides(orders(maker_actions(MARKET, MARK, -5_000, random.Random(1)))) == {tx_pb2.SIDE_BUY}


def test_a_taker_reaches_the_makers_quotes() -> None:
    makers = orders(maker_actions(MARKET, MARK, 0, random.Random(1)))
    best_ask = min(order.price_quanta for order in makers if order.side == tx_pb2.SIDE_SELL)
    best_bid = max(order.price_quanta for order in makers if order.side == tx_pb2.SIDE_BUY)
    for seed in range(20):
        for order in orders(taker_actions(MARKET, MARK, 0, random.Random(seed))):
            assert order.price_quanta > best_ask if order.side == tx_pb2.SIDE_BUY else order.price_quanta < best_bid


def test_a_taker_comes_home_more_often_than_it_goes_away() -> None:
    chance = random.Random(3)
    buys = sum(sides(orders(taker_actions(MARKET, MARK, 50_000, chance))) == {tx_pb2.SIDE_BUY} for _ in range(1_000))
    assert 0 < buys < 250


def test_rounding_to_ticks() -> None:
    assert on_tick(501, MARKET, up=True) == 1_000
    assert on_tick(999, MARKET, up=False) == 500
    assert on_tick(3, MARKET, up=False) == 500


def test_a_gambler_borrows_by_its_taste_and_holds_on() -> None:
    (entry,) = orders(gambler_actions(MARKET, MARK, 0, STAKE_QUANTA, Taste(10, buys=True), random.Random(1)))
    assert entry.side == tx_pb2.SIDE_BUY
    assert entry.price_quanta > MARK
    assert entry.size_lots * MARK <= 10 * STAKE_QUANTA < (entry.size_lots + 1) * MARK
    assert gambler_actions(MARKET, MARK, 0, 1_000, Taste(10, buys=True), random.Random(1)) == []
    chance = random.Random(1)
    (more,) = orders(gambler_actions(MARKET, MARK, -7, 0, Taste(5, buys=False), random.Random(1)))
    assert (more.side, more.size_lots) == (tx_pb2.SIDE_SELL, 5 * STAKE_QUANTA // MARK - 7)
    looks = [gambler_actions(MARKET, MARK, -9_000, STAKE_QUANTA, Taste(5, buys=False), chance) for _ in range(1_000)]
    left = [orders(actions)[0] for actions in looks if actions]
    assert 0 < len(left) < 30
    assert {(order.side, order.size_lots) for order in left} == {(tx_pb2.SIDE_BUY, 9_000)}


def test_tastes_differ() -> None:
    tastes = {taste_of(random.Random(seed)) for seed in range(50)}
    assert len(tastes) > 5

"""Bots of options: which series they trade, that quotes stand around marks on the tick, what they hold against."""

import random

import pytest

from node.localnet import option_bots
from node.localnet.option_bots import EXPIRIES, SERIES_EACH, hedge_lots, maker_envelopes, series_of, taker_actions
from novation.v1 import market_data_service_pb2 as market_data
from novation.v1 import state_pb2, tx_pb2

S = 10**9
CALL, PUT = state_pb2.OPTION_RIGHT_CALL, state_pb2.OPTION_RIGHT_PUT


def summary(number: int, strike: int, right: int, expiry_s: int, mark: int = 70_000) -> market_data.MarketSummary:
    """A series as the gateway tells it."""
    market = state_pb2.Market(market=number, kind=state_pb2.MARKET_KIND_OPTION, status=state_pb2.MARKET_STATUS_ACTIVE,
                              strike_quanta=strike, right=right, expiry_ns=expiry_s * S, tick_quanta=10_000)
    return market_data.MarketSummary(market=market, mark_price_quanta=mark, index_price_quanta=460_000_000)


def chain(expiries: int = 6, strikes: int = 9) -> list[market_data.MarketSummary]:
    """Calls and puts at strikes around the index, and a perpetual."""
    found = [market_data.MarketSummary(market=state_pb2.Market(market=1, kind=state_pb2.MARKET_KIND_PERPETUAL),
                                       mark_price_quanta=46_000_000, index_price_quanta=46_000_000)]
    for expiry in range(expiries):
        for place in range(strikes):
            strike = 460_000_000 + (place - strikes // 2) * 500_000
            for right in (CALL, PUT):
                found.append(summary(10_000 + len(found), strike, right, 100 * (expiry + 1)))
    return found


def test_the_nearest_expiries_and_strikes() -> None:
    chosen = series_of(chain(), 97 * S)
    assert len(chosen) == EXPIRIES * SERIES_EACH
    assert sorted({one.expiry_ns for one in chosen}) == [one * 100 * S for one in range(2, 2 + EXPIRIES)]
    assert max(one.away_quanta for one in chosen) == 500_000
    assert {one.is_call for one in chosen} == {True, False}
    assert series_of([summary(10_000, 460_000_000, CALL, 100, mark=1)], 0) == []


@pytest.mark.parametrize("held", [0, 199, 200, -200])
def test_quotes_stand_around_the_mark(held: int) -> None:
    chosen = series_of(chain(), 0)
    envelopes = maker_envelopes(chosen, {one.market: held for one in chosen}, [], random.Random(1))
    orders = [action.place_order for actions in envelopes for action in actions if action.HasField("place_order")]
    marks = {one.market: one.mark_quanta for one in chosen}
    for order in orders:
        assert order.price_quanta % 10_000 == 0 and order.price_quanta > 0
        below = order.side == tx_pb2.SIDE_BUY
        assert order.price_quanta < marks[order.market] if below else order.price_quanta > marks[order.market]
    assert {order.time_in_force for order in orders} == {tx_pb2.TIME_IN_FORCE_GOOD_TIL_CANCEL}  # takes what is beyond
    sides = {order.side for order in orders}
    assert (tx_pb2.SIDE_BUY in sides, tx_pb2.SIDE_SELL in sides) == (held < 200, held > -200)


def test_no_book_stands_empty_until_the_next_envelope() -> None:
    """A series' quotes go in the envelope that brings new ones; those of series no longer quoted go first."""
    chosen = series_of(chain(), 0)
    gone, *envelopes = maker_envelopes(chosen, {}, [7, 9], random.Random(1))
    assert [action.cancel_all.market for action in gone] == [7, 9]
    quoted = [[action.cancel_all.market or action.place_order.market for action in actions] for actions in envelopes]
    assert [len(markets) for markets in quoted] == [15, 15, 15, 15, 12]
    assert [markets[::3] for markets in quoted] == [markets[1::3] for markets in quoted]
    assert [action.HasField("cancel_all") for actions in envelopes for action in actions] == [True, False, False] * 24
    assert sorted(market for markets in quoted for market in markets[::3]) == sorted(one.market for one in chosen)


def test_a_taker_reaches_through_the_mark_and_works_home() -> None:
    chosen = series_of(chain(), 0)
    for seed in range(20):
        order = taker_actions(chosen, {one.market: 201 for one in chosen}, random.Random(seed))[0].place_order
        assert order.side == tx_pb2.SIDE_SELL and order.price_quanta < 70_000
    assert taker_actions([], {}, random.Random(1)) == []


def test_what_stands_against_options() -> None:
    found = chain(1, 1)
    call, put = (one.market.market for one in found[1:])
    assert hedge_lots(found, {call: 10, put: 0, 1: 99}) == -5
    assert hedge_lots(found, {call: 10, put: 30}) == 10
    assert option_bots.order(7, 1, 2, 3, 1).place_order.size_lots == 3

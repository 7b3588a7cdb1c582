"""What is drawn, and orders as they are typed, without a screen."""

from __future__ import annotations

import re
from decimal import Decimal

import pytest

from app.errors import REGISTRY
from client.errors import InsufficientFunds, NotAvailable, NotCommitted, NovationError
from client.results import MarketInfo
from client.streams import LocalBook
from client.units import Units
from node.tui.app import Top
from node.tui.book import draw_book
from node.tui.chart import Scale, continuous, draw_chart
from node.tui.draft import Draft, terms_of
from node.tui.money import liquidation_text
from node.tui.problems import NEXT, problem_text
from node.tui.view import View
from node.tui.windows import KEYS, matches
from node.tui.words import Palette, places, price_text, size_text
from novation.v1 import market_data_service_pb2 as market_data
from novation.v1 import risk_service_pb2 as risk_service
from novation.v1 import state_pb2

PALETTE = Palette("green", "red", "yellow", "blue", "dark_green", "dark_red", "grey30")
SECOND_NS = 10**9


@pytest.fixture
def info() -> MarketInfo:
    """BTC-PERP: a lot of 0.001, a tick of 0.5."""
    record = state_pb2.Market(market=1, symbol="BTC-PERP", lot_size="0.001", tick_size="0.5", tick_quanta=500, feed=1)
    return MarketInfo(1, "BTC-PERP", Units.of(record), record)


def test_numbers_have_the_places_of_their_market(info: MarketInfo) -> None:
    assert price_text(info, 46_000_500) == "46,000.5" and price_text(info, 0) == "-"
    assert size_text(info, 1_250, "+") == "+1.250" and size_text(info, -5) == "-0.005"
    assert [places(Decimal(unit)) for unit in ("0.001", "0.50", "1", "5", "100")] == [3, 1, 0, 0, 0]


def test_a_book_is_summed_from_the_best_price_and_marks_own_orders(info: MarketInfo) -> None:
    book = LocalBook(1, bids={45_990_000: (100, 1), 45_980_000: (300, 2)}, asks={46_010_000: (200, 1)})
    view = View(info, book=book, orders=[state_pb2.Order(order_id=(1 << 40) + 5, price_quanta=45_980_000)])
    lines = [line.plain for line in draw_book(view, PALETTE, 30, 7)]
    assert [line.split() for line in lines] == [
        [], [], ["46,010.0", "0.200", "0.200"], ["spread", "20.0", "·", "0.04%"],
        ["45,990.0", "0.100", "0.100"], ["45,980.0", "0.300", "0.400◂"]]
    assert all(len(line) <= 30 for line in lines)
    deepest = draw_book(view, PALETTE, 30, 7)[-1]
    assert any(span.style == "on dark_green" and (span.start, span.end) == (0, 30) for span in deepest.spans)
    assert "one side is empty" in draw_book(View(info, book=LocalBook(1, bids={1: (1, 1)})), PALETTE, 30, 7)[3].plain


def test_candles_fill_what_nothing_was_traded_in(info: MarketInfo) -> None:
    rows = [[100, 5, 9, 4, 8, 10], [140, 8, 8, 6, 7, 5]]
    flat = continuous(rows, 10, 8)
    assert [candle[0] for candle in flat] == [100, 110, 120, 130, 140]
    assert flat[2] == [120, 8, 8, 8, 8, 0]
    assert [candle[0] for candle in continuous(rows, 10, 3)] == [120, 130, 140]
    assert [candle[0] for candle in continuous([[0, 1, 1, 1, 1, 1], [10**9, 1, 1, 1, 1, 1]], 1, 4)] == [
        10**9 - 3, 10**9 - 2, 10**9 - 1, 10**9]


def test_a_chart_reaches_from_the_lowest_to_the_highest_price(info: MarketInfo) -> None:
    view = View(info)
    for second, price in ((0, 46_000_000), (3, 46_100_000), (12, 45_900_000), (25, 46_050_000)):
        view.candles.add([market_data.Trade(market=1, price_quanta=price, size_lots=5, time_ns=second * SECOND_NS)])
    lines = [line.plain for line in draw_chart(view, PALETTE, 40, 10)]
    assert len(lines) == 10 and all(len(line) <= 40 for line in lines)
    assert lines[0].endswith("46,100.0") and lines[7].endswith("45,900.0")
    assert any(line.endswith("46,050.0") for line in lines[1:7])
    assert lines[8].strip(), "volumes"
    assert Scale(100, 100, 5).row(100) == 2, "one price alone is in the middle"


@pytest.mark.parametrize(("draft", "price", "force"), [
    (Draft("buy", "limit", "0.25", "46,000.5", False), "46000.5", "gtc"),
    (Draft("buy", "market", "0.25", "", False), "46470.5", "ioc"),   # 46,010 and 1%, up to the tick
    (Draft("sell", "market", "1", "ignored", True), "45530.0", "ioc"),  # 45,990 less 1%, down to the tick
    (Draft("sell", "post only", "1", "47000", False), "47000", "post_only"),
    (Draft("sell", "fok", "1", "47000", False), "47000", "fok"),
])
def test_an_order_as_it_is_typed(info: MarketInfo, draft: Draft, price: str, force: str) -> None:
    book = LocalBook(1, bids={45_990_000: (100, 1)}, asks={46_010_000: (200, 1)})
    terms = terms_of(draft, info, book)
    assert (terms.price, terms.time_in_force, terms.reduce_only) == (Decimal(price), force, draft.reduce_only)


@pytest.mark.parametrize(("draft", "said"), [
    (Draft("buy", "limit", "", "46000", False), "size: it is empty"),
    (Draft("buy", "limit", "-1", "46000", False), "above 0"),
    (Draft("buy", "limit", "x", "46000", False), "not a number"),
    (Draft("buy", "limit", "0.0001", "46000", False), "use 0.000 or 0.001"),
    (Draft("buy", "limit", "1", "46000.2", False), "use 46000.0 or 46000.5"),
    (Draft("buy", "limit", "1", "0", False), "above 0"),
    (Draft("buy", "market", "1", "", False), "nobody is on the other side"),
])
def test_what_is_no_order_says_why(info: MarketInfo, draft: Draft, said: str) -> None:
    with pytest.raises(ValueError, match=re.escape(said)):
        terms_of(draft, info, LocalBook(1))


def test_liquidation_in_words(info: MarketInfo) -> None:
    held = risk_service.PositionRisk(market=1, lots=5, safe=risk_service.SafeRange(lower_quanta=41_000_000))
    assert liquidation_text(risk_service.AccountRisk(positions=[held]), info) == "≤ 41,000.0"
    option = risk_service.PositionRisk(market=1, lots=5)
    spans = [risk_service.ShortSpan(upper=30_000_000_000), risk_service.ShortSpan(lower=60_000_000_000)]
    underlying = risk_service.UnderlyingRisk(name="BTC", markets=[1], decimals=6, short=spans)
    assert liquidation_text(risk_service.AccountRisk(positions=[option], underlyings=[underlying]), info) == (
        "BTC ≤ 30,000, BTC ≥ 60,000")
    assert liquidation_text(risk_service.AccountRisk(positions=[option]), info) == "no price"
    assert liquidation_text(risk_service.AccountRisk(), info) == "no position"


def test_every_problem_has_a_code_and_a_next_step() -> None:
    refused = InsufficientFunds("MARGIN_INSUFFICIENT", code=501, codespace="margin", metadata={"market": "1"})
    assert problem_text(refused) == ("MARGIN_INSUFFICIENT (margin 501): the account could not carry the order "
                                     "(market=1). Order less, close something, or add collateral.")
    assert problem_text(NotAvailable("UNAVAILABLE", "connection refused")).startswith(
        "UNAVAILABLE: connection refused. Is the node running?")
    assert "look at your orders" in problem_text(NotCommitted("NOT_COMMITTED", "admitted, but no block holds it yet"))
    assert problem_text(NovationError("NEW_REASON")) == "NEW_REASON: refused. Change it and try again."
    assert {code.reason for code in REGISTRY.values()} >= NEXT.keys(), "advice for a reason that does not exist"


def test_parts_of_a_name_find_a_series() -> None:
    symbols = ["BTC-PERP", "ETH-PERP", "BTC-27NOV26-45000-C", "BTC-27NOV26-45000-P", "BTC-4DEC26-50000-C"]

    def found(wanted: str) -> list[str]:
        return [symbol for symbol in symbols if all(matches(symbol, part) for part in wanted.split())]

    assert found("btc 45 c") == ["BTC-27NOV26-45000-C"]
    assert found("c") == ["BTC-27NOV26-45000-C", "BTC-4DEC26-50000-C"]
    assert found("nov p") == ["BTC-27NOV26-45000-P"]
    assert found("perp") == ["BTC-PERP", "ETH-PERP"] and found("") == symbols and not found("xrp")


def test_the_help_names_every_key() -> None:
    told = " ".join(key for _, keys in KEYS for key, _ in keys).split()
    names = {"slash": "/", "left_square_bracket": "[", "right_square_bracket": "]", "escape": "Esc",
             "question_mark": "?"}
    for binding in Top.BINDINGS:
        key = binding.key.split(",")[0]  # type: ignore[union-attr]
        assert names.get(key, key) in (*told, "ctrl+c"), key

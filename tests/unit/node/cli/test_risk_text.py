"""What `novation query risk` shows of an account with options: for people and for scripts."""

from io import StringIO
from typing import Any

import pytest
from rich.console import Console

from app.margin.suppose import Move
from app.markets.types import CALL, PUT
from app.portfolio.hooks import move_anchors
from app.portfolio.types import PortfolioTerms
from app.question_messages import answer_message
from app.questions import Question, ask
from app.registry import TABLES
from client.offline import market_of
from client.results import MarketInfo
from node.cli.risk import account_data, risk_text
from novation.v1 import risk_service_pb2 as risk_service
from tests.helpers.builders import ALICE, BTC, ETH
from tests.helpers.options import MONTH_S, holds, listed, number_of

LOTS = {BTC: 60, ETH: -30, number_of(500_000_000, CALL): -20, number_of(400_000_000, PUT, MONTH_S): -10}


@pytest.fixture(scope="module")
def answered() -> tuple[risk_service.GetRiskResponse, dict[int, MarketInfo]]:
    """Alice's account under a move of BTC."""
    ctx = listed()
    for feed in (1, 2):
        ctx.portfolios.put(feed, PortfolioTerms(feed))
    move_anchors(ctx)
    holds(ctx, ALICE.account(), LOTS, 2_000_000_000)
    reply = answer_message(7, 1, ask(ctx, ALICE.account(), Question(moves=[Move(1, -100_000, 200_000)])))
    encode = TABLES["markets"].encode
    return reply, {market: market_of(encode(ctx.markets.get(market))) for market in LOTS}


def test_the_data_for_scripts(answered: Any) -> None:
    """Tails, greeks, modes and spans as plain data; parts and rest are the worst row."""
    reply, infos = answered
    data = account_data(reply.after, infos)
    together, btc, eth = data["tails"]
    assert [tail["underlying"] for tail in (together, btc, eth)] == ["all together", "BTC", "ETH"]
    assert [one["market"] for one in together["parts"]] == [
        "BTC-PERP", infos[number_of(500_000_000, CALL)].symbol, infos[number_of(400_000_000, PUT, MONTH_S)].symbol,
        "ETH-PERP"]
    total = sum(float(one["adds_usd"]) for one in together["parts"]) + float(together["rest_usd"])
    assert total == pytest.approx(float(together["worst_usd"]))
    assert len(btc["rows"]) == 34 and btc["rows"][30]["row"] == "+500%, volatility up"
    assert data["greeks"][0]["expiry"] == "-" and len(data["greeks"]) == 4
    assert [one["mode"] for one in data["modes"]] == ["standard, in force", "portfolio"]
    assert data["underlyings"][0]["price"] == "41400" and data["underlyings"][0]["short"]


def test_the_page_for_people(answered: Any) -> None:
    """All of it in tables; options have no bar of their own."""
    reply, infos = answered
    data = {"before": account_data(reply.before, infos), "after": account_data(reply.after, infos), "results": []}
    console = Console(file=StringIO(), width=200)
    for part in risk_text("alice", data, reply, infos, True, False):
        console.print(part)
    page = console.file.getvalue()
    for said in ("all together: to its worst row", "BTC: far moves", "+500%, volatility up", "theta day usd",
                 "portfolio", "discounts and roundings", "x liquidates"):
        assert said in page, page
    assert "skew" not in page

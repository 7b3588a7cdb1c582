"""Pictures of what an account gains and loses: the table behind them, the terminal's, the PNG."""

import sys
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from app.margin.scenarios import Grid
from app.markets.types import CALL, PUT
from app.question_messages import answer_message
from app.questions import Question, ask
from client.results import MarketInfo
from client.units import Units
from node.cli.scenarios import (
    PRICES_PPM,
    VOLATILITIES_PPM,
    Table,
    grid_of,
    heat_map,
    lines,
    save_picture,
    short_usd,
    table_data,
    table_of,
)
from node.cli.session import CliError
from novation.v1 import state_pb2
from tests.helpers.builders import ALICE, BTC
from tests.helpers.options import holds, listed, number_of


@pytest.fixture(scope="module")
def table() -> Table:
    """Alice is short a strangle and a little long."""
    ctx = listed()
    holds(ctx, ALICE.account(), {BTC: 60, number_of(500_000_000, CALL): -20, number_of(400_000_000, PUT): -10},
          -500_000_000)
    answer = ask(ctx, ALICE.account(), Question(grid=Grid(1, PRICES_PPM, VOLATILITIES_PPM)))
    reply = answer_message(1, 1, answer)
    return table_of("BTC", reply.scenarios, reply.after.equity_quanta)


def test_the_table_is_what_was_answered(table: Table) -> None:
    """Profits are against the equity of now; at expiry the strikes are the corners."""
    here = table.prices_ppm.index(0)
    assert table.now[here] == 0 and table.price == Decimal("46000")
    assert table.at_expiry[here] > 0, "what was sold expires worthless"
    up, far = table.prices_ppm.index(200_000), table.prices_ppm.index(300_000)
    assert table.at_expiry[far] - table.at_expiry[up] == Decimal("4600") * (Decimal("0.06") - Decimal("0.2"))
    assert table.excess[-1][0] < 0 < table.excess[-1][here]
    data = table_data(table)
    assert data["rows"][0]["volatility"] == "50%" and len(data["at_expiry_usd"]) == 21


def test_the_terminal_shows_both(table: Table) -> None:
    """Across in steps of 10 %, down by volatility; lines of 13 rows."""
    shown = heat_map(table).plain.splitlines()
    assert len(shown) == 3 + 5 and shown[2].split()[0] == "-50%" and "!" in shown[3]
    assert [line[:3] for line in shown[3:]] == ["+50", "+25", "  0", "-25", "-50"]
    assert {len(line) for line in shown[2:]} == {80}, "a narrow terminal shows it whole"
    picture = lines(table).plain.splitlines()
    assert len(picture) == 15 and "#" in "".join(picture) and "23000" in picture[-1] and "69000" in picture[-1]
    assert [short_usd(Decimal(one)) for one in ("0.4", "-999", "1234", "-45678", "1e9")] == [
        "0", "-999", "1.23k", "-45.7k", "1b"]


def test_the_png_is_one(table: Table, tmp_path: Path) -> None:
    """A PNG; without matplotlib one is told what to install."""
    save_picture(table, str(tmp_path / "risk.png"))
    assert (tmp_path / "risk.png").read_bytes()[:8] == b"\x89PNG\r\n\x1a\n"


def test_without_matplotlib(table: Table, monkeypatch: pytest.MonkeyPatch) -> None:
    """It says which extra is missing."""
    monkeypatch.setitem(sys.modules, "matplotlib", None)
    with pytest.raises(CliError, match="novation\\[pictures\\]"):
        save_picture(table, "risk.png")


def test_volatility_moves_only_where_there_are_options() -> None:
    """A feed without options has no volatility to move."""
    units = Units(Decimal("0.001"), Decimal("0.5"), 500)

    def info(number: int, feed: int, kind: Any) -> MarketInfo:
        return MarketInfo(number, str(number), units, state_pb2.Market(feed=feed, kind=kind))

    infos = {"BTC": info(1, 1, state_pb2.MARKET_KIND_PERPETUAL), "ETH": info(2, 2, state_pb2.MARKET_KIND_PERPETUAL),
             "BTC-C": info(3, 1, state_pb2.MARKET_KIND_OPTION)}
    for market, volatilities in (("BTC", VOLATILITIES_PPM), ("ETH", (0,))):
        grid = grid_of(market, infos.values())(lambda name: infos[str(name)])
        assert (tuple(grid.volatilities_ppm), tuple(grid.prices_ppm)) == (volatilities, PRICES_PPM)

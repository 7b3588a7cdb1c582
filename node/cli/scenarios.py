"""What an account gains and loses as an underlying and its volatility move: in the terminal, and as a PNG."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click
from rich.text import Text

from client.risk import Find, Supposed, scenario_grid
from client.units import usd
from node.cli.session import fail
from node.cli.views import percent, plain
from novation.v1 import state_pb2

if TYPE_CHECKING:
    from collections.abc import Iterable

    from client.results import MarketInfo
    from novation.v1 import risk_service_pb2 as risk_service

OPTIONS = (
    click.option("--scenarios", "pictured", metavar="MARKET",
                 help="Profit and loss as the underlying of MARKET and its volatility move, and at expiry."),
    click.option("--picture", metavar="FILE.png", type=click.Path(dir_okay=False, writable=True),
                 help="With --scenarios: as a picture too."),
)  # fmt: skip
PRICES_PPM = tuple(range(-500_000, 500_001, 50_000))
VOLATILITIES_PPM = tuple(range(500_000, -500_001, -250_000))  # the highest on top
EVERY = 2  # so many prices are a column of the terminal's map, and each is so many of its lines
LINE_ROWS = 13
CELL = 7  # characters of an amount: eleven and three more are a terminal of 80
LOSS, GAIN = (200, 55, 45), (40, 150, 80)  # red, green, blue of the extremes


def grid_of(market: str, markets: Iterable[MarketInfo]) -> Supposed:
    """The cases of a picture: volatility moves too, where there are options."""
    def grid(find: Find) -> risk_service.ScenarioGrid:
        feed = find(market).record.feed
        options = any(one.record.feed == feed and one.record.kind == state_pb2.MARKET_KIND_OPTION for one in markets)
        volatilities_ppm = VOLATILITIES_PPM if options else (0,)
        made: risk_service.ScenarioGrid = scenario_grid(market, PRICES_PPM, volatilities_ppm)(find)
        return made

    return grid


@dataclass(frozen=True, slots=True)
class Table:
    """A table of cases in USD. Profits are against the equity of now; `cells` by volatility and price, `excess` of
    equity over maintenance margin likewise.
    """

    name: str
    price: Decimal
    prices_ppm: tuple[int, ...]
    volatilities_ppm: tuple[int, ...]
    cells: tuple[tuple[Decimal, ...], ...]
    excess: tuple[tuple[Decimal, ...], ...]
    at_expiry: tuple[Decimal, ...]

    def price_at(self, ppm: int) -> Decimal:
        """The price of the underlying after a change."""
        return self.price * (1_000_000 + ppm) / 1_000_000

    @property
    def now(self) -> tuple[Decimal, ...]:
        """Profits by price while volatility stays."""
        return self.cells[self.volatilities_ppm.index(0)]


def table_of(name: str, found: risk_service.Scenarios, equity_quanta: int) -> Table:
    """The answer as a table of profits."""
    return Table(
        name, Decimal(found.price).scaleb(-found.decimals), tuple(found.prices_ppm),
        tuple(row.volatility_ppm for row in found.rows),
        tuple(tuple(usd(cell.equity_quanta - equity_quanta) for cell in row.cells) for row in found.rows),
        tuple(tuple(usd(cell.excess_quanta) for cell in row.cells) for row in found.rows),
        tuple(usd(one - equity_quanta) for one in found.expiry_equity_quanta))


def table_data(table: Table) -> dict[str, Any]:
    """The table for scripts."""
    rows = zip(table.volatilities_ppm, table.cells, table.excess, strict=True)
    return {"underlying": table.name, "price": plain(table.price),
            "prices": [percent(one) for one in table.prices_ppm],
            "rows": [{"volatility": percent(volatility), "profit_usd": [plain(one) for one in row],
                      "excess_usd": [plain(one) for one in excess]} for volatility, row, excess in rows],
            "at_expiry_usd": [plain(one) for one in table.at_expiry]}


def short_usd(amount: Decimal) -> str:
    """An amount in six characters or fewer."""
    for size, letter in ((Decimal(10**9), "b"), (Decimal(10**6), "m"), (Decimal(10**3), "k")):
        if abs(amount) >= size:
            return f"{amount / size:.3g}{letter}" if abs(amount) < 100 * size else f"{amount / size:.0f}{letter}"
    return f"{amount:.0f}"


def heat_map(table: Table) -> Text:
    """Profit by price (across) and volatility (down): green gains, red losses, `!` where it would be liquidated."""
    columns = range(0, len(table.prices_ppm), EVERY)
    most = max((abs(one) for row in table.cells for one in row), default=Decimal(0)) or Decimal(1)
    text = Text(f"{table.name} at {plain(table.price)}: profit in USD by change of the price (across)\n"
                "and of volatility, % (down); ! short of maintenance margin\n")
    text.append("   " + "".join(f"{_signed(table.prices_ppm[at]):>{CELL}}" for at in columns) + "\n")
    for place, volatility in enumerate(table.volatilities_ppm):
        text.append(f"{volatility // 10_000:+3d}" if volatility else "  0")
        for at in columns:
            profit, mark = table.cells[place][at], "!" if table.excess[place][at] < 0 else ""
            text.append(f"{mark + short_usd(profit):>{CELL}}", style=f"white on {_colour(profit / most)}")
        text.append("\n")
    return text


def _signed(ppm: int) -> str:
    return ("+" if ppm > 0 else "") + percent(ppm)


def _colour(share: Decimal) -> str:
    """From grey at 0 to the colours of the extremes; the root, so that small ones show."""
    extreme, part = (GAIN if share > 0 else LOSS), float(abs(share)) ** 0.5
    return "#" + "".join(f"{round(60 + (one - 60) * part):02x}" for one in extreme)


def lines(table: Table) -> Text:
    """Profit now (·) and at expiry (#) by price."""
    series = (table.now, table.at_expiry)
    low = min(min(one) for one in series + ((Decimal(0),),))
    high = max(max(one) for one in series + ((Decimal(0),),))
    step = (high - low) / (LINE_ROWS - 1) or Decimal(1)
    width = EVERY * (len(table.prices_ppm) - 1) + 1
    grid = [[" "] * width for _ in range(LINE_ROWS)]
    grid[round(high / step)] = ["-"] * width
    for mark, one in zip("·#", series, strict=True):
        for at in range(width):
            before, after = one[at // EVERY], one[-(-at // EVERY)]
            profit = before + (after - before) * (at % EVERY) / EVERY
            grid[round((high - profit) / step)][at] = mark
    text = Text(f"{table.name}: profit in USD now (·) and if all its options expired there (#)\n")
    for place, row in enumerate(grid):
        text.append(f"{short_usd(high - place * step):>8} {''.join(row)}\n")
    ends = plain(table.price_at(table.prices_ppm[0])), plain(table.price_at(table.prices_ppm[-1]))
    text.append(" " * 9 + ends[0] + ends[1].rjust(width - len(ends[0])) + "\n")
    return text


def save_picture(table: Table, file: str) -> None:
    """Both pictures as a PNG. Needs matplotlib, the extra `pictures`."""
    try:
        import matplotlib
    except ImportError:
        fail("pictures need matplotlib: `pip install 'novation[pictures]'`; without --picture they are in the terminal")
    matplotlib.use("Agg")
    from matplotlib import pyplot
    from matplotlib.colors import TwoSlopeNorm

    prices = [float(table.price_at(one)) for one in table.prices_ppm]
    figure, (left, right) = pyplot.subplots(1, 2, figsize=(14, 5.5), layout="constrained")
    left.axhline(0, color="grey", linewidth=0.8)
    left.axvline(float(table.price), color="grey", linewidth=0.8, linestyle=":")
    left.plot(prices, [float(one) for one in table.now], label="now", color="#1f5fa8")
    left.plot(prices, [float(one) for one in table.at_expiry], label="at expiry", color="#c77d0a")
    is_short = [one < 0 for one in table.excess[table.volatilities_ppm.index(0)]]
    if any(is_short):
        left.fill_between(prices, 0, 1, where=is_short, transform=left.get_xaxis_transform(), color="#c8372d",
                          alpha=0.15, label="short of maintenance margin")
    left.set(title=f"{table.name}: profit by price", xlabel="price of the underlying, USD", ylabel="profit, USD")
    left.legend()
    cells = [[float(one) for one in row] for row in table.cells]
    most = max((abs(one) for row in cells for one in row), default=0.0) or 1.0
    shown = right.pcolormesh(prices, [one / 10_000 for one in table.volatilities_ppm], cells, cmap="RdYlGn",
                             norm=TwoSlopeNorm(0.0, -most, most), shading="gouraud" if len(cells) > 1 else "nearest")
    excess = [[float(one) for one in row] for row in table.excess]
    if len(excess) > 1 and min(map(min, excess)) < 0 < max(map(max, excess)):
        right.contour(prices, [one / 10_000 for one in table.volatilities_ppm], excess, levels=[0.0], colors="black",
                      linewidths=1.2)
    right.axvline(float(table.price), color="grey", linewidth=0.8, linestyle=":")
    right.set(title=f"{table.name}: profit by price and volatility (black: where it would be liquidated)",
              xlabel="price of the underlying, USD", ylabel="change of volatility, %")
    figure.colorbar(shown, ax=right, label="profit, USD")
    for axes in (left, right):
        axes.ticklabel_format(style="plain", axis="x")
        axes.xaxis.set_major_formatter("{x:,.0f}")
    left.yaxis.set_major_formatter("{x:,.0f}")
    figure.savefig(Path(file), dpi=110)
    pyplot.close(figure)

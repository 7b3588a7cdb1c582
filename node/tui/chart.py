"""Candles in characters: wicks and bodies to half a row, prices at the right, volume below."""

from __future__ import annotations

from collections.abc import Sequence

from rich.text import Text

from node.tui.view import View
from node.tui.words import Palette, clock, price_text
from node.web.candles import INTERVALS_S, Candle

SECOND_NS = 10**9
VOLUMES = " ▁▂▃▄▅▆▇█"
# What a cell shows by its upper and lower half: 0 nothing, 1 wick, 2 body.
CELLS = {(0, 0): " ", (1, 1): "│", (2, 2): "┃", (1, 0): "╵", (0, 1): "╷", (2, 0): "╹", (0, 2): "╻", (1, 2): "╽",
         (2, 1): "╿"}
ROWS_LEAST = 4


def draw_chart(view: View, palette: Palette, width: int, height: int) -> list[Text]:
    """The last candles of the view's interval. A period without a trade is a dash at the last close."""
    info = view.info
    rows = view.candles.rows(info.market, view.interval)
    if not rows or height < ROWS_LEAST:
        return [Text("no trades seen yet", "dim")]
    labels = max(len(price_text(info, candle[place])) for candle in rows[-width:] for place in (2, 3))
    columns = max(width - labels - 1, 1)
    shown = continuous(rows, INTERVALS_S[view.interval], columns)
    low, high = min(one[3] for one in shown), max(one[2] for one in shown)
    picture = height - 2  # below it: volume, time
    scale = Scale(low, high, picture)
    last = shown[-1][4]
    named = {scale.row(low): low, scale.row(high): high, scale.row(last): last}
    lines, left = [], " " * (columns - len(shown))
    for row in range(picture):
        line = Text(left)
        for candle in shown:
            line.append(*_cell(candle, scale, row, palette))
        line.append(" ")
        if row in named:
            text = price_text(info, named[row])
            line.append(f"{text:>{labels}}", f"bold {palette.accent}" if named[row] == last else "dim")
        lines.append(line)
    lines.append(Text(left).append_text(_volumes(shown, palette)))
    lines.append(Text(left).append_text(_times(shown)))
    return lines


class Scale:
    """From prices to half rows, 0 at the top; one price alone is in the middle."""

    def __init__(self, low: int, high: int, rows: int) -> None:
        if low == high:
            low, high = low - 1, high + 1
        self._high, self._range, self.halves = high, high - low, 2 * rows

    def half(self, price: int) -> int:
        """The half row of a price."""
        return min((self._high - price) * self.halves // self._range, self.halves - 1)

    def row(self, price: int) -> int:
        """The row of a price."""
        return self.half(price) // 2


def continuous(rows: Sequence[Candle], seconds: int, columns: int) -> list[Candle]:
    """At most `columns` candles up to the last one, with a flat one of no volume where nothing was traded."""
    found: list[Candle] = []
    for row in reversed(rows):
        if found:
            missing = (found[-1][0] - row[0]) // seconds - 1
            close = row[4]
            found += [[row[0] + seconds * place, close, close, close, close, 0]
                      for place in range(missing, max(missing - columns, 0), -1)]
        found.append(row)
        if len(found) >= columns:
            break
    return found[:columns][::-1]


def _cell(candle: Candle, scale: Scale, row: int, palette: Palette) -> tuple[str, str]:
    """One character of a candle, and its colour."""
    _, opened, high, low, closed, lots = candle
    if not lots:
        return ("┄", "dim") if scale.row(closed) == row else (" ", "")
    top, bottom = scale.half(high), scale.half(low)
    body_top, body_bottom = scale.half(max(opened, closed)), scale.half(min(opened, closed))

    def part(half: int) -> int:
        return 2 if body_top <= half <= body_bottom else 1 if top <= half <= bottom else 0

    return CELLS[part(2 * row), part(2 * row + 1)], palette.up if closed >= opened else palette.down


def _volumes(shown: Sequence[Candle], palette: Palette) -> Text:
    most, line = max(candle[5] for candle in shown) or 1, Text()
    for candle in shown:
        step = -(-candle[5] * (len(VOLUMES) - 1) // most)
        line.append(VOLUMES[step], palette.up if candle[4] >= candle[1] else palette.down)
    return line


def _times(shown: Sequence[Candle]) -> Text:
    first, last = (clock(candle[0] * SECOND_NS) for candle in (shown[0], shown[-1]))
    between = len(shown) - len(first) - len(last)
    return Text(f"{first}{' ' * between}{last}" if between > 0 else "", "dim")

"""Own open orders and triggers, one of them chosen."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from rich.text import Text
from textual.binding import Binding, BindingType

from client.results import MarketInfo
from node.tui.panel import Panel
from node.tui.view import View, market_of
from node.tui.words import SIDES, Palette, clock, fitted, price_text, size_text, widest
from novation.v1 import state_pb2, tx_pb2

SYMBOL_MOST = 28


@dataclass(frozen=True, slots=True)
class Open:
    """An order or trigger as it is shown and can be cancelled."""

    number: int
    is_trigger: bool
    symbol: str
    side: int
    size: str
    price: str
    terms: str

    @property
    def words(self) -> str:
        """It in words."""
        return f"{SIDES.get(self.side, '?')} {self.size} {self.symbol} at {self.price}"


def open_orders(view: View) -> list[Open]:
    """Orders, then triggers; those of a market that is not known yet are left out."""
    found = []
    for one in (*view.orders, *view.triggers):
        is_trigger = isinstance(one, state_pb2.Trigger)
        number, lots = (one.trigger_id, one.size_lots) if is_trigger else (one.order_id, one.open_lots)
        info = view.info_of(market_of(number))
        if info is not None:
            found.append(Open(number, is_trigger, info.symbol, one.side, size_text(info, lots),
                              price_text(info, one.price_quanta), ", ".join(_terms(info, one))))
    return found


def _terms(info: MarketInfo, one: state_pb2.Order | state_pb2.Trigger) -> list[str]:
    terms = ["reduce only"] if one.reduce_only else []
    if isinstance(one, state_pb2.Trigger):
        way = "≥" if one.direction == tx_pb2.TRIGGER_DIRECTION_AT_OR_ABOVE else "≤"
        source = tx_pb2.PriceSource.Name(one.source).removeprefix("PRICE_SOURCE_").lower()
        terms.insert(0, f"{source} {way} {price_text(info, one.trigger_quanta)}")
    else:
        if one.hidden_lots:
            terms.append(f"shows {size_text(info, one.open_lots - one.hidden_lots)}")
        if one.peg_reference:
            reference = tx_pb2.PegReference.Name(one.peg_reference).removeprefix("PEG_REFERENCE_")
            terms.append(f"pegged to {reference.lower()}")
    if one.expiry_time_ns:
        terms.append(f"until {clock(one.expiry_time_ns)}")
    if one.oco_id:
        terms.append(f"group {one.oco_id}")
    return terms


class OrdersPanel(Panel, can_focus=True):
    """A line an order, one of them chosen by the arrow keys; the choice stays with its order while others go."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("up,k", "move(-1)", show=False), Binding("down,j", "move(1)", show=False),
        Binding("pageup", "move(-10)", show=False), Binding("pagedown", "move(10)", show=False)]

    def __init__(self, view: View, **settings: str) -> None:
        super().__init__(view, self._lines, lambda now: f"open orders: {len(open_orders(now)) or 'none'}", **settings)
        self._place = 0
        self._number = 0

    def chosen(self) -> Open | None:
        """The order that `c` cancels."""
        return self._choice(open_orders(self._view))

    def _choice(self, rows: list[Open]) -> Open | None:
        numbers = [row.number for row in rows]
        if self._number in numbers:
            self._place = numbers.index(self._number)
        if not rows:
            return None
        self._place = min(max(self._place, 0), len(rows) - 1)
        self._number = numbers[self._place]
        return rows[self._place]

    def action_move(self, by: int) -> None:
        """Choose another order."""
        rows = open_orders(self._view)
        if self._choice(rows) is not None:
            self._place = min(max(self._place + by, 0), len(rows) - 1)
            self._number = rows[self._place].number
        self.redraw()

    def _lines(self, view: View, palette: Palette, width: int, height: int) -> list[Text]:
        rows = open_orders(view)
        chosen = self._choice(rows)
        if chosen is None:
            return [Text("no open orders" if view.who else "no account", "dim")]
        columns = (min(widest((row.symbol for row in rows), 6), SYMBOL_MOST), widest((row.size for row in rows), 4),
                   widest((row.price for row in rows), 5))
        symbol, size, price = columns
        head = Text(f"  {fitted('market', symbol)} side {'size':>{size}}  {'price':>{price}}  terms", "dim")
        first = max(0, self._place - max(height - 2, 0))
        heads = [head] if height > 1 else []
        return [*heads, *(_line(row, columns, palette, width, row is chosen) for row in rows[first:])]


def _line(row: Open, columns: tuple[int, int, int], palette: Palette, width: int, chosen: bool) -> Text:
    symbol, size, price = columns
    line = Text.assemble(
        (f"{'▸' if chosen else ' '} ", palette.accent), f"{fitted(row.symbol, symbol)} ",
        (f"{SIDES.get(row.side, '?'):<5}", palette.side(row.side)), f"{row.size:>{size}}  {row.price:>{price}}  ",
        (row.terms, "dim"))
    line.append(" " * max(width - line.cell_len, 0))
    if chosen:
        line.stylize(f"bold on {palette.chosen}")
    return line

"""The smaller windows: which market, which orders to cancel, what the keys do."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

from rich.text import Text
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical, VerticalScroll
from textual.screen import ModalScreen
from textual.widgets import Input, OptionList, Static
from textual.widgets.option_list import Option

from client.results import MarketInfo
from node.tui.words import fitted, price_text
from novation.v1 import market_data_service_pb2 as market_data
from novation.v1 import state_pb2

KEYS = (
    ("Markets", (
        ("m  /", "choose a market: type parts of its name, as in “btc c 46000”"),
        ("[  ]", "the market before, the next one"),
        ("i", "candles of another length"))),
    ("Trading", (
        ("b  s", "write an order that buys, that sells"),
        ("Enter", "review: fills, fee, margin, liquidation; Enter again signs"),
        ("p", "write an order that closes the position in this market"),
        ("↑ ↓", "choose one of your open orders"),
        ("c", "cancel the chosen order"),
        ("x", "cancel all orders and triggers: here, or everywhere"))),
    ("Screen", (
        ("t", "dark or light"),
        ("Esc", "close a window; clear the message"),
        ("?  q", "this help; quit"))),
)
LEGEND = (
    "Bars behind the book are its depth, summed up from the best price; ◂ marks your own orders. Trades: ▲ a buyer "
    "took, ▼ a seller. Candles: ┄ nothing was traded. All is of committed blocks; times are UTC.")
SYMBOL_WIDTH = 24
ANYWHERE = 3


class Chooser(ModalScreen[str | None]):
    """Ends with the symbol of a market, or None."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape", "close", "Close"),
        *(Binding(key, f"move('{key}')", show=False, priority=True) for key in ("up", "down", "pageup", "pagedown"))]

    def __init__(self, summaries: Sequence[market_data.MarketSummary], infos: dict[str, MarketInfo], now: str) -> None:
        super().__init__()
        self._rows = [(one.market.symbol, _row(one, infos[one.market.symbol])) for one in summaries]
        self._now = now

    def compose(self) -> ComposeResult:
        with Vertical(classes="window tall") as window:
            window.border_title = "Markets"
            window.border_subtitle = "type to filter · ↑ ↓ · Enter choose · Esc close"
            yield Input(placeholder="parts of a name, in any order: btc c 46000", compact=True)
            yield Static(f"{'market':<{SYMBOL_WIDTH}}{'mark':>12}{'bid':>12}{'ask':>12}", classes="head")
            yield OptionList(compact=True)
            yield Static("", id="count")

    def on_mount(self) -> None:
        self._fill("")
        self.query_one(Input).focus()

    def on_input_changed(self, event: Input.Changed) -> None:
        """Narrow the list."""
        self._fill(event.value)

    def _fill(self, wanted: str) -> None:
        parts = wanted.lower().split()
        rows = [(symbol, row) for symbol, row in self._rows if all(matches(symbol, part) for part in parts)]
        listed = self.query_one(OptionList)
        listed.clear_options()
        listed.add_options(Option(row, id=symbol) for symbol, row in rows)
        symbols = [symbol for symbol, _ in rows]
        if rows:
            listed.highlighted = symbols.index(self._now) if self._now in symbols and not parts else 0
        self.query_one("#count", Static).update(f"{len(rows)} of {len(self._rows)}")

    def action_move(self, key: str) -> None:
        """Move in the list while the filter keeps the focus."""
        listed = self.query_one(OptionList)
        {"up": listed.action_cursor_up, "down": listed.action_cursor_down, "pageup": listed.action_page_up,
         "pagedown": listed.action_page_down}[key]()

    def on_input_submitted(self) -> None:
        """Enter, after all that was typed before it."""
        highlighted = self.query_one(OptionList).highlighted_option
        if highlighted is not None:
            self.dismiss(highlighted.id)

    def action_close(self) -> None:
        self.dismiss(None)


def matches(symbol: str, part: str) -> bool:
    """Whether a piece of the symbol begins with `part`, or, of ANYWHERE letters on, the symbol has it anywhere: `c` is
    calls and `4` strikes that begin with it, not every symbol with a c or a 4 in it.
    """
    name = symbol.lower()
    return any(piece.startswith(part) for piece in name.split("-")) or (len(part) >= ANYWHERE and part in name)


def _row(one: market_data.MarketSummary, info: MarketInfo) -> Text:
    prices = (price_text(info, price) for price in (one.mark_price_quanta, one.best_bid_quanta, one.best_ask_quanta))
    row = Text(fitted(one.market.symbol, SYMBOL_WIDTH)).append("".join(f"{price:>12}" for price in prices))
    if one.market.status != state_pb2.MARKET_STATUS_ACTIVE:
        status = state_pb2.MarketStatus.Name(one.market.status).removeprefix("MARKET_STATUS_")
        row.append(f"  {status.lower().replace('_', ' ')}", "dim")
    return row


class CancelAll(ModalScreen[str | None]):
    """Ends with "here", "everywhere" or None."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape", "decide('')", "Keep them"), Binding("enter", "decide('here')", "This market", priority=True),
        Binding("a", "decide('everywhere')", "All markets")]

    def __init__(self, symbol: str, here: int, everywhere: int) -> None:
        super().__init__()
        self._symbol, self._here, self._everywhere = symbol, here, everywhere

    def compose(self) -> ComposeResult:
        with Vertical(classes="window refused") as window:
            window.border_title = "Cancel all?"
            window.border_subtitle = "Esc keeps them"
            yield Static(f"Enter  orders in {self._symbol}: {self._here}\n"
                         f"a      orders and triggers in all markets: {self._everywhere}", markup=False, id="count")

    def action_decide(self, where: str) -> None:
        self.dismiss(where or None)


class Help(ModalScreen[None]):
    """Every key."""

    BINDINGS: ClassVar[list[BindingType]] = [Binding("escape,question_mark,q,enter", "close", "Close", priority=True)]

    def compose(self) -> ComposeResult:
        with VerticalScroll(classes="window") as window:
            window.border_title = "Keys"
            window.border_subtitle = "Esc close"
            yield Static(self._text())

    def _text(self) -> Text:
        text = Text()
        for title, keys in KEYS:
            text.append(f"{title}\n", "bold")
            for key, meaning in keys:
                text.append(f"  {key:<7}", "bold").append(f"{meaning}\n")
        return text.append(LEGEND, "dim")

    def action_close(self) -> None:
        self.dismiss(None)

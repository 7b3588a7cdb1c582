"""The smaller windows: which market, which orders to cancel, what the keys do."""

from __future__ import annotations

from typing import Any, ClassVar

from rich.text import Text
from textual import work
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical, VerticalScroll
from textual.message import Message
from textual.screen import ModalScreen
from textual.widgets import Input, OptionList, Static
from textual.widgets.option_list import Option

from client.client import NovationClient
from client.errors import NovationError
from client.results import MarketInfo
from node.tui.problems import problem_text
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
SYMBOL_WIDTH = 28  # of the longest, a series of a time of day
ANYWHERE = 3


class TypedAhead(ModalScreen[Any]):
    """A window with fields to type in. Until its first field has the focus, the app keeps back what is typed."""

    AUTO_FOCUS = "Input"
    ready = False

    def first_field(self) -> Input:
        """Where typing begins."""
        return self.query(Input).first()

    def on_descendant_focus(self) -> None:
        """The keys that were kept back may come."""
        if not self.ready:
            self.ready = True
            self.app.post_message(Ready())


class Ready(Message, bubble=False):
    """A window takes keys from now on."""


class Chooser(TypedAhead):
    """Ends with the symbol of a market, or None. It opens with what is known, and asks for the rest."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape", "close", "Close"),
        *(Binding(key, f"move('{key}')", show=False, priority=True) for key in ("up", "down", "pageup", "pagedown"))]

    def __init__(self, client: NovationClient, now: str) -> None:
        super().__init__()
        self._client = client
        self._rows = [(symbol, Text(symbol)) for symbol in client.markets]
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
        self._ask()

    @work(exit_on_error=False)
    async def _ask(self) -> None:
        """All markets there are now, with their prices."""
        try:
            summaries = await self._client.refresh_markets()
        except NovationError as error:
            self.query_one("#count", Static).update(problem_text(error))
            return
        infos = self._client.markets
        self._rows = [(one.market.symbol, _row(one, infos[one.market.symbol])) for one in summaries]
        listed = self.query_one(OptionList)
        chosen = listed.highlighted_option
        self._now = str(chosen.id) if chosen is not None else self._now
        self._fill(self.first_field().value, self._now)

    def on_input_changed(self, event: Input.Changed) -> None:
        """Narrow the list."""
        self._fill(event.value)

    def _fill(self, wanted: str, now: str = "") -> None:
        """List what `wanted` finds, with `now` chosen; without it the first, or all with the market in view chosen."""
        parts = wanted.lower().split()
        rows = [(symbol, row) for symbol, row in self._rows if all(matches(symbol, part) for part in parts)]
        listed = self.query_one(OptionList)
        listed.clear_options()
        listed.add_options(Option(row, id=symbol) for symbol, row in rows)
        symbols = [symbol for symbol, _ in rows]
        if rows:
            chosen = now or ("" if parts else self._now)
            listed.highlighted = symbols.index(chosen) if chosen in symbols else 0
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

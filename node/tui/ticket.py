"""The order ticket: write, review what it would do, then sign. Nothing is signed that was not shown first."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

from rich.text import Text
from textual import work
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal, Vertical
from textual.message import Message
from textual.reactive import reactive
from textual.screen import ModalScreen
from textual.widget import Widget
from textual.widgets import Input, Label, Static

from client.client import NovationClient
from client.errors import NovationError
from client.results import MarketInfo
from client.streams import LocalBook
from node.tui.draft import MARKET, WORST, Draft, Terms, effects, headline, kinds, preview, refusal, terms_of
from node.tui.problems import problem_text
from node.tui.view import View
from node.tui.windows import TypedAhead
from node.tui.words import Palette, percent_text, price_text
from novation.v1 import risk_service_pb2 as risk_service

SEEN_SECONDS = 0.3
TICKET_KEYS = "Enter review · Tab, ↑ ↓ next field · ← → choose · Esc close"


class Choice(Widget, can_focus=True):
    """One of a few words, by the arrow keys."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("left", "step(-1)", show=False), Binding("right,space", "step(1)", show=False)]
    value: reactive[str] = reactive("")

    class Changed(Message):
        """Another word was chosen."""

    def __init__(self, words: Sequence[str], value: str, **settings: str) -> None:
        super().__init__(**settings)
        self._words = tuple(words)
        self.set_reactive(Choice.value, value)

    def action_step(self, by: int) -> None:
        """The next word, or the one before; around at the ends."""
        self.value = self._words[(self._words.index(self.value) + by) % len(self._words)]
        self.post_message(self.Changed())

    def render(self) -> Text:
        text, accent = Text(), Palette.of(self.app.theme_variables).accent
        for word in self._words:
            text.append(f" {word} ", f"bold reverse {accent}" if word == self.value else "dim").append(" ")
        return text


class Ticket(TypedAhead):
    """Ends with the terms that were reviewed and are to be signed, or None."""

    # Those that move the focus come first, so that what is typed after them, however fast, goes where it should. Enter
    # comes in its turn, after what was typed before it.
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape", "close", "Close"), Binding("enter", "review", "Review"),
        Binding("tab,down", "app.focus_next", show=False, priority=True),
        Binding("shift+tab,up", "app.focus_previous", show=False, priority=True)]

    def __init__(self, client: NovationClient, view: View, draft: Draft) -> None:
        super().__init__()
        self._client = client
        self._view = view
        self._info = view.info  # the market may be another when the answer comes
        self._draft = draft

    def compose(self) -> ComposeResult:
        base, draft, units = self._info.symbol.partition("-")[0], self._draft, self._info.units
        with Vertical(classes="window") as window:
            window.border_title = f"Order in {self._info.symbol}"
            window.border_subtitle = TICKET_KEYS
            yield Static(self._quotes(), id="quotes")
            with Horizontal(classes="field"):
                yield Label("Side")
                yield Choice(("buy", "sell"), draft.side, id="side")
            with Horizontal(classes="field"):
                yield Label("Type")
                yield Choice(kinds(), draft.kind, id="kind")
            with Horizontal(classes="field"):
                yield Label(f"Size {base}")
                yield Input(draft.size, placeholder=f"a multiple of {units.lot_size:f}", id="size", compact=True)
            with Horizontal(classes="field"):
                yield Label("Price USD")
                yield Input(draft.price, placeholder=f"a multiple of {units.tick_size:f}", id="price", compact=True)
            with Horizontal(classes="field"):
                yield Label("Reduce only")
                yield Choice(("no", "yes"), "yes" if draft.reduce_only else "no", id="reduce")
            yield Static("", id="problem", markup=False)

    def on_mount(self) -> None:
        self._at_market()

    def _book(self) -> LocalBook | None:
        """The book of this ticket's market, None while another market's is shown."""
        book = self._view.book
        return book if book is not None and book.market == self._info.market else None

    def _quotes(self) -> str:
        book, info = self._book(), self._info
        bid, ask = (price_text(info, price) for price in ((book.best_bid, book.best_ask) if book else (0, 0)))
        return f"bid {bid} · ask {ask}"

    def on_choice_changed(self) -> None:
        """A market order has no price of its own."""
        self._at_market()
        self._say("")

    def _at_market(self) -> None:
        market = self.query_one("#kind", Choice).value == MARKET
        price = self.query_one("#price", Input)
        price.disabled = market
        if market:
            self._say(f"At most {percent_text(WORST, 0)} beyond the best price; what does not fill is cancelled.")

    def on_input_submitted(self) -> None:
        """Enter in a field."""
        self.action_review()

    def _say(self, text: str, bad: bool = False) -> None:
        line = self.query_one("#problem", Static)
        line.set_class(bad, "bad")
        line.update(text)

    def draft(self) -> Draft:
        """What is written now."""
        side, kind, reduce = (self.query_one(f"#{name}", Choice).value for name in ("side", "kind", "reduce"))
        size, price = (self.query_one(f"#{name}", Input).value for name in ("size", "price"))
        return Draft(side, kind, size, price, reduce == "yes")

    def action_close(self) -> None:
        self.dismiss(None)

    def action_review(self) -> None:
        """Review, unless that is in view already: an Enter that was waiting meanwhile."""
        if self.is_current:
            self._review()

    @work(exclusive=True, exit_on_error=False)
    async def _review(self) -> None:
        """Ask what the order would do, and show it."""
        try:
            terms = terms_of(self.draft(), self._info, self._book())
            self._say("asking what it would do …")
            answer = await preview(self._client, terms)
        except (NovationError, ValueError) as error:
            self._say(problem_text(error), bad=True)
            return
        self._say("")
        if await self.app.push_screen_wait(Review(self._view.who, self._info, terms, answer)):
            self.dismiss(terms)


class Review(ModalScreen[bool]):
    """What an order would do to the book and the account. Ends with True to sign it, once it was there to be seen: an
    Enter that was meant for the ticket signs nothing.
    """

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape", "back", "Back"), Binding("enter", "sign", "Sign and send", priority=True)]

    def __init__(self, who: str, info: MarketInfo, terms: Terms, answer: risk_service.GetRiskResponse) -> None:
        super().__init__()
        self._who = who
        self._info = info
        self._terms = terms
        self._answer = answer
        self._refusal = refusal(answer)
        self._seen = False

    def compose(self) -> ComposeResult:
        with Vertical(classes=f"window {'refused' if self._refusal else self._terms.side}") as window:
            window.border_title = "The chain would refuse this" if self._refusal else f"Sign as {self._who}?"
            window.border_subtitle = "Esc back to the ticket"
            yield Static(headline(self._terms, self._info), classes="headline", id="headline", markup=False)
            if self._refusal:
                yield Static(self._refusal, classes="bad", id="refusal", markup=False)
            else:
                yield Static(self._table(), id="effects")

    def _table(self) -> Text:
        rows = effects(self._answer, self._info)
        return Text("\n").join(Text.assemble((f"{name:<19}", "dim"), (text, "bold")) for name, text in rows)

    def on_mount(self) -> None:
        if not self._refusal:
            self.set_timer(SEEN_SECONDS, self._be_seen)

    def _be_seen(self) -> None:
        self._seen = True
        self.query_one(Vertical).border_subtitle = "Enter sign and send · Esc back"

    def action_sign(self) -> None:
        if self._seen:
            self.dismiss(True)

    def action_back(self) -> None:
        self.dismiss(False)

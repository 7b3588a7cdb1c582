"""The screen: what stands where, what the keys do, and what they send."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import ClassVar

from textual import events, work
from textual.app import App, ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal, Vertical
from textual.widgets import Footer, Static
from textual.worker import Worker, WorkerState

from client.client import NovationClient
from client.envelopes import cancel_all, cancel_trigger
from client.errors import NovationError
from client.results import MarketInfo
from node.tui.book import draw_book, draw_trades
from node.tui.chart import draw_chart
from node.tui.draft import MARKET, Draft, Terms, outcome_text
from node.tui.feed import Feed
from node.tui.health import draw_head, draw_health
from node.tui.money import draw_account, draw_positions
from node.tui.orders import OrdersPanel
from node.tui.panel import Panel
from node.tui.problems import problem_text
from node.tui.ticket import Ticket
from node.tui.view import View, market_of
from node.tui.windows import CancelAll, Chooser, Help, TypedAhead
from node.web.candles import INTERVALS_S

DRAW_SECONDS = 0.2
CLOCK_SECONDS = 1.0  # a lost connection's seconds count on the screen
VIEW_ONLY = "View only: start with --key NAME to trade; on a test network `novation top --key alice`."
THEMES = {"dark": "textual-dark", "light": "textual-light"}


class Top(App[None]):
    """`novation top`. The client is connected already and stays the caller's."""

    CSS_PATH = "top.tcss"
    TITLE = "novation top"
    ENABLE_COMMAND_PALETTE = False
    HORIZONTAL_BREAKPOINTS: ClassVar[list[tuple[int, str]] | None] = [(0, "-tiny"), (72, "-narrow"), (110, "-wide")]
    VERTICAL_BREAKPOINTS: ClassVar[list[tuple[int, str]] | None] = [(0, "-short"), (32, "-tall")]
    # Priority: done in the order in which keys come, before whatever comes next is given to somebody.
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("m", "choose", "Market", priority=True), Binding("slash", "choose", show=False, priority=True),
        Binding("b", "order('buy')", "Buy", priority=True), Binding("s", "order('sell')", "Sell", priority=True),
        Binding("c", "cancel", "Cancel", priority=True), Binding("x", "cancel_all", "Cancel all", priority=True),
        Binding("p", "close", "Close", priority=True), Binding("i", "interval", "Candles", priority=True),
        Binding("t", "theme", show=False, priority=True), Binding("escape", "clear", show=False, priority=True),
        Binding("left_square_bracket", "neighbour(-1)", show=False, priority=True),
        Binding("right_square_bracket", "neighbour(1)", show=False, priority=True),
        Binding("question_mark,h,f1", "help", "Help", key_display="?", priority=True),
        Binding("q", "quit", "Quit"), Binding("ctrl+c", "quit", show=False, priority=True)]
    BEHIND_WINDOWS = frozenset({"choose", "order", "cancel", "cancel_all", "close", "interval", "theme", "clear",
                                "neighbour", "help"})

    def __init__(self, client: NovationClient, info: MarketInfo, who: str = "", *, theme: str = "dark",
                 rpc: str = "") -> None:
        """Shows `info` first, and the client's account, which the user calls `who`; `rpc` is CometBFT's, for peers."""
        super().__init__()
        self.theme = THEMES[theme]
        self._client = client
        self._rpc = rpc
        self._dirty = True
        self._kept: list[events.Key] = []
        self.view = View(info, who, client.key is not None)
        self._learn_markets()
        self._feed = Feed(client, self.view, self._changed, self._anew)

    def compose(self) -> ComposeResult:
        view = self.view
        yield Panel(view, draw_head, "", id="head")
        with Horizontal(id="market"):
            yield Panel(view, draw_book, "book", id="book")
            yield Panel(view, draw_chart, lambda now: f"candles {now.interval}", id="chart")
            yield Panel(view, draw_trades, "trades", id="trades")
        with Horizontal(id="own"):
            with Vertical(id="holdings"):
                yield Panel(view, draw_positions, "positions", id="positions")
                yield OrdersPanel(view, id="orders")
            with Vertical(id="figures"):
                yield Panel(view, draw_account, _account_title, id="account")
                yield Panel(view, draw_health, _node_title, id="health")
        yield Static("", id="message", markup=False)
        yield Footer(compact=True)

    def on_mount(self) -> None:
        self.query_one(OrdersPanel).focus()
        self.set_interval(DRAW_SECONDS, self._draw)
        self.set_interval(CLOCK_SECONDS, self._changed)
        self._follow()

    def _changed(self) -> None:
        self._dirty = True

    def _draw(self) -> None:
        """What has changed since the last time, once however often it did."""
        if not self._dirty or not self.screen_stack:  # there is none while it ends
            return
        self._dirty = False
        main = self.screen_stack[0]
        for panel in main.query(Panel):
            panel.redraw()
        for line in main.query("#message").results(Static):
            line.update(self.view.message.text)
            line.set_classes(self.view.message.kind)

    # Following.

    def _follow(self) -> None:
        """Begin to follow everything; what was followed before ends."""
        self._run(self._feed.follow_node(self._rpc), "node")
        self._run(self._feed.follow_market(), "market")
        if self.view.who:
            self._run(self._feed.follow_account(), "account")

    def _run(self, following: Awaitable[None], group: str) -> None:
        self.run_worker(following, group=group, exclusive=True, exit_on_error=False)

    def _anew(self) -> None:
        """The gateway serves another chain, or an earlier state of it: nothing that was seen holds."""
        self.view.blocks.clear()
        self.view.say("The chain is another than a moment ago: everything was asked anew.")
        self.call_later(self._follow)

    def _learn_markets(self) -> None:
        self.view.infos.update({info.market: info for info in self._client.markets.values()})

    def on_worker_state_changed(self, event: Worker.StateChanged) -> None:
        """A fault of this program's own: said, and the rest goes on."""
        if event.state == WorkerState.ERROR:
            self._say(f"This screen has a fault ({event.worker.error!r}). Quit (q), start it again, please report it.",
                      "bad")

    def _say(self, text: str, kind: str = "plain") -> None:
        self.view.say(text, kind)
        self._changed()

    # Keys.

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """While a window is open its keys count alone."""
        return None if action in self.BEHIND_WINDOWS and len(self.screen_stack) > 1 else True

    async def on_event(self, event: events.Event) -> None:
        """Keys for a window that does not take any yet wait for it, in their order."""
        window = self.screen_stack[-1] if self.screen_stack else None
        closed = isinstance(window, TypedAhead) and not window.ready
        if isinstance(event, events.Key) and not event.is_forwarded and (self._kept or closed):
            self._kept.append(event)
        else:
            await super().on_event(event)

    async def on_ready(self) -> None:
        """A window takes keys now."""
        kept, self._kept = self._kept, []
        for event in kept:
            await self.on_event(event)

    def _show(self, info: MarketInfo) -> None:
        self.view.show_market(info)
        self._say("")
        self._run(self._feed.follow_market(), "market")

    # Windows open at once, before anything is asked: what is typed next must not fall to the keys of the screen.

    def action_choose(self) -> None:
        """Another market, from all there are now."""
        self.push_screen(Chooser(self._client, self.view.info.symbol), self._chosen)

    def _chosen(self, symbol: str | None) -> None:
        self._learn_markets()
        if symbol and symbol != self.view.info.symbol:
            self._show(self._client.market(symbol))

    def action_neighbour(self, by: int) -> None:
        """The market before or after, by number."""
        infos = sorted(self._client.markets.values(), key=lambda info: info.market)
        numbers = [info.market for info in infos]
        place = numbers.index(self.view.info.market) if self.view.info.market in numbers else 0
        self._show(infos[(place + by) % len(infos)])

    def action_interval(self) -> None:
        """Candles of the next length."""
        names = list(INTERVALS_S)
        self.view.interval = names[(names.index(self.view.interval) + 1) % len(names)]
        self._changed()

    def action_theme(self) -> None:
        """Dark or light."""
        self.theme = THEMES["light" if self.theme == THEMES["dark"] else "dark"]
        self._changed()

    def action_clear(self) -> None:
        """Take the message away."""
        self._say("")

    def action_help(self) -> None:
        """All keys."""
        self.push_screen(Help())

    def action_order(self, side: str) -> None:
        """Write an order; at first at the best price of its own side."""
        book = self.view.book
        best = (book.best_bid if side == "buy" else book.best_ask) if book else 0
        self._ticket(Draft(side, "limit", "", f"{self.view.info.units.price(best):f}" if best else "", False))

    def action_close(self) -> None:
        """Write an order that closes the position in this market."""
        info, now = self.view.info, self.view.account
        held = [one.position.lots for one in now.positions if one.position.market == info.market] if now else []
        lots = held[0] if held else 0
        if self.view.can_sign and not lots:
            self._say(f"There is no position in {info.symbol} to close: choose its market (m).", "bad")
            return
        size = f"{info.units.size(abs(lots)):f}"
        self._ticket(Draft("sell" if lots > 0 else "buy", MARKET, size, "", True))

    def _may_sign(self) -> bool:
        if not self.view.can_sign:
            self._say(VIEW_ONLY, "bad")
        return self.view.can_sign

    def _ticket(self, draft: Draft) -> None:
        info = self.view.info

        def written(terms: Terms | None) -> None:
            if terms is not None:
                self._send(lambda: self._place(terms, info))

        if self._may_sign():
            self.push_screen(Ticket(self._client, self.view, draft), written)

    async def _place(self, terms: Terms, info: MarketInfo) -> str:
        return outcome_text(await self._client.place(
            terms.symbol, terms.side, terms.size, terms.price, time_in_force=terms.time_in_force,
            reduce_only=terms.reduce_only), info)

    def action_cancel(self) -> None:
        """Cancel the order under the cursor."""
        if not self._may_sign():
            return
        chosen = self.query_one(OrdersPanel).chosen()
        if chosen is None:
            self._say("There is no open order to cancel.", "bad")
            return

        async def cancel() -> str:
            if chosen.is_trigger:
                sent = await self._client.cancel_trigger(trigger_id=chosen.number)
            else:
                sent = await self._client.cancel(order_id=chosen.number)
            return f"Block {sent.height:,}: cancelled {chosen.words}."

        self._send(cancel)

    def action_cancel_all(self) -> None:
        """Cancel the orders of this market, or everything everywhere."""
        view = self.view
        if not self._may_sign():
            return
        here = sum(market_of(one.order_id) == view.info.market for one in view.orders)
        everywhere = len(view.orders) + len(view.triggers)
        if not everywhere:
            self._say("There is no open order to cancel.", "bad")
            return
        self.push_screen(CancelAll(view.info.symbol, here, everywhere), self._cancel_where)

    def _cancel_where(self, where: str | None) -> None:
        view = self.view
        if where is None:
            return
        actions = [cancel_all(view.info.market)] if where == "here" else [
            cancel_all(0), *([cancel_trigger()] if view.triggers else [])]

        async def cancel() -> str:
            sent = await self._client.send(actions)
            for error in sent.errors():
                if error is not None:
                    raise error
            count = sum(result.cancelled_orders for result in sent.results)
            return f"Block {sent.height:,}: cancelled {count} orders{' and triggers' if where == 'everywhere' else ''}."

        self._send(cancel)

    @work(group="send", exit_on_error=False)
    async def _send(self, sending: Callable[[], Awaitable[str]]) -> None:
        """Send something, and say what became of it."""
        self._say("sent; waiting for a block …")
        try:
            self._say(await sending(), "good")
        except (NovationError, ValueError) as error:
            self._say(problem_text(error), "bad")
        self._feed.account_moved()


def _account_title(view: View) -> str:
    if not view.who:
        return "account"
    return f"account {view.who}" + ("" if view.can_sign else " (view only)")


def _node_title(view: View) -> str:
    return f"node of {view.status.chain_id}" if view.status else "node"

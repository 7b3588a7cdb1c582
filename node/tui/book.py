"""The order book: asks above, bids below, depth as bars behind them; own levels marked. And the trades beside it."""

from __future__ import annotations

from itertools import accumulate

from rich.text import Text

from client.results import MarketInfo
from node.tui.view import View, market_of
from node.tui.words import Palette, clock, percent_text, price_text, size_text
from novation.v1 import tx_pb2

OWN = "◂"
HEADED_ROWS = 12  # from which on there is room for names of columns
Level = tuple[int, int]
"""Price in quanta, lots."""


def draw_book(view: View, palette: Palette, width: int, height: int) -> list[Text]:
    """As many levels of each side as fit, the spread between them."""
    info, book = view.info, view.book
    if book is None:
        return [Text("waiting for the book …", "dim")]
    headed = height >= HEADED_ROWS
    each, spare = divmod(max(height - 1 - headed, 0), 2)
    asks = [(price, book.asks[price][0]) for price in sorted(book.asks)[:each]]
    bids = [(price, book.bids[price][0]) for price in sorted(book.bids, reverse=True)[: each + spare]]
    own = {order.price_quanta for order in view.orders if market_of(order.order_id) == info.market}
    deepest = max(sum(lots for _, lots in side) for side in (asks, bids))
    rows = [
        [_row(info, level, total, deepest, width, colours, level[0] in own) for level, total in
         zip(side, accumulate(lots for _, lots in side), strict=True)]
        for side, colours in ((asks, (palette.down, palette.down_bar)), (bids, (palette.up, palette.up_bar)))]
    price, size, summed = _columns(width)
    head = [Text(f"{'price':>{price}}{'size':>{size}}{'sum':>{summed}}", "dim")] if headed else []
    empty = [Text() for _ in range(each - len(asks))]
    return [*head, *empty, *reversed(rows[0]), _middle(view, width), *rows[1]]


def _columns(width: int) -> tuple[int, int, int]:
    """Widths of price, size and sum; one column is left for the mark of own orders."""
    third = (width - 1) // 3
    return width - 1 - 2 * third, third, third


def _row(info: MarketInfo, level: Level, total: int, deepest: int, width: int, colours: tuple[str, str],
         own: bool) -> Text:
    price, size, summed = _columns(width)
    colour, bar = colours
    row = Text.assemble(
        (f"{price_text(info, level[0]):>{price}}", colour),
        f"{size_text(info, level[1]):>{size}}{size_text(info, total):>{summed}}",
        (OWN if own else " ", f"bold {colour}"))
    filled = max(1, width * total // deepest) if deepest else 0
    row.stylize(f"on {bar}", width - filled, width)
    return row


def _middle(view: View, width: int) -> Text:
    """Spread, and the mark."""
    info, book = view.info, view.book
    if book is None or not (book.best_bid and book.best_ask):
        side = "no orders" if book is not None and not (book.bids or book.asks) else "one side is empty"
        return Text(side.center(width), "bold")
    spread = book.best_ask - book.best_bid
    share = info.units.price(spread) / info.units.price(book.best_ask + book.best_bid) * 2
    return Text(f"spread {price_text(info, spread)} · {percent_text(share, 2)}".center(width), "bold")


def draw_trades(view: View, palette: Palette, width: int, height: int) -> list[Text]:
    """The last trades, newest first; the colour is the taker's side."""
    if not view.trades:
        return [Text("no trades seen yet", "dim")]
    info, rows = view.info, []
    for trade in list(view.trades)[: -height - 1: -1]:
        arrow = "▲" if trade.taker_side == tx_pb2.SIDE_BUY else "▼"
        time = clock(trade.time_ns)
        left = width - len(time) - 3
        price = f"{price_text(info, trade.price_quanta):>{left - left // 2}}"
        rows.append(Text.assemble(
            (f"{arrow}{price}", palette.side(trade.taker_side)), f"{size_text(info, trade.size_lots):>{left // 2}} ",
            (time, "dim"), "b" if trade.block else ""))
    return rows


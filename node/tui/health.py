"""The line above everything, and the health of the node: blocks, votes, prices, pool, peers."""

from __future__ import annotations

import time

from rich.text import Text

from client.oracle import Feed
from node.tui.view import LOST, RESUMING, View
from node.tui.words import (
    SECOND_NS,
    Palette,
    bytes_text,
    clock,
    decimal_text,
    percent_text,
    price_text,
    size_text,
)
from novation.v1 import state_pb2

GOOD_VALIDITY = ("fresh", "thin")
FEEDS_NAMED = 3


def draw_head(view: View, palette: Palette, width: int, height: int) -> list[Text]:
    """The market in view at the left, the connection at the right."""
    info, summary, price = view.info, view.summary, view.price
    state = _connection(view, palette)
    line = Text.assemble((f" {info.symbol} ", f"bold reverse {palette.accent}"))
    mark = decimal_text(info, price.mark) if price else price_text(info, summary.mark_price_quanta) if summary else "…"
    line.append(" mark ", "dim").append(mark, "bold")
    if price is not None and price.validity not in GOOD_VALIDITY:
        line.append(f" {price.validity}", f"bold {palette.warn}")
    if summary is not None:
        status = state_pb2.MarketStatus.Name(summary.market.status).removeprefix("MARKET_STATUS_").lower()
        if status != "active":
            line.append(f" {status.replace('_', ' ')}", f"bold {palette.warn}")
        for name, text in _more(view):
            if line.cell_len + len(name) + len(text) + 4 > width - state.cell_len:
                break
            line.append(f"  {name} ", "dim").append(text)
    line.append(" " * max(width - line.cell_len - state.cell_len, 1)).append_text(state)
    return [line]


def _more(view: View) -> list[tuple[str, str]]:
    """Facts of the market by weight: shown as far as they fit."""
    info, summary = view.info, view.summary
    if summary is None:
        return []
    facts = [("index", price_text(info, summary.index_price_quanta))]
    terms = summary.market
    if terms.kind == state_pb2.MARKET_KIND_PERPETUAL:
        facts.append(("funding 8h", f"{summary.funding.rate_e9 / 1e7:+.4f}%"))
    if terms.expiry_ns:
        left_s = max(0, terms.expiry_ns - (view.status.time_ns if view.status else 0)) // SECOND_NS
        facts.append(("expires in", f"{left_s // 86_400} d {left_s % 86_400 // 3_600} h"))
    facts += [("open", size_text(info, summary.open_interest_lots)),
              ("last", price_text(info, summary.last_price_quanta))]
    return facts


def _connection(view: View, palette: Palette) -> Text:
    link, status = view.link, view.status
    if link.state == LOST:
        return Text(f" ✖ NO CONNECTION {time.monotonic() - link.since:.0f} s ", f"bold reverse {palette.down}")
    if link.state == RESUMING:
        return Text("◌ resuming ", f"bold {palette.warn}")
    if status is None:
        return Text("◌ asking ", "dim")
    if not status.live:
        return Text("◌ waits for its engine ", f"bold {palette.warn}")
    return Text.assemble(("● ", palette.up), f"block {status.height:,} ")


def draw_health(view: View, palette: Palette, width: int, height: int) -> list[Text]:
    """The node, in lines of a name and what is known."""
    if view.link.state == LOST:
        return [Text(f"no connection: {view.link.why}", f"bold {palette.down}"),
                Text("what is shown is old;", "dim"), Text("trying again every second", "dim")]
    rows = [_row("block", _block(view)), _row("votes", _votes(view)), _prices(view, palette),
            _row("pool", _pool(view)), _row("a block", _load(view))]
    return rows


def _row(name: str, text: str) -> Text:
    return Text.assemble((f"{name:<8}", "dim"), text)


def _block(view: View) -> str:
    status, blocks = view.status, view.blocks
    if status is None:
        return "…"
    every = ""
    if len(blocks) > 1:
        every = f"  {(blocks[-1].time_ns - blocks[0].time_ns) / (len(blocks) - 1) / SECOND_NS:.2f} s"
    return f"{status.height:,} {clock(status.time_ns)}{every}"


def _votes(view: View) -> str:
    turnout = view.oracle.turnout if view.oracle else None
    if turnout is None:
        return "of no block yet" if view.oracle else "…"
    refused = f", refused: {turnout.refused}" if turnout.refused else ""
    return f"{turnout.voters} of {turnout.validators}, {percent_text(turnout.share, 0)} of power{refused}"


def _prices(view: View, palette: Palette) -> Text:
    """How far prices can be trusted: the feed of the market in view first, those that are in trouble named."""
    feeds = list(view.oracle.feeds) if view.oracle else []
    if not feeds:
        return _row("prices", "…")
    feeds.sort(key=lambda one: (one.validity in GOOD_VALIDITY, one.feed != view.info.record.feed, one.feed))
    row = _row("prices", "")
    for place, one in enumerate(feeds[:FEEDS_NAMED]):
        row.append(", " if place else "").append(_feed(one), _colour(one, palette))
    return row


def _feed(one: Feed) -> str:
    return f"{one.symbol.partition('/')[0]} {one.validity}"


def _colour(one: Feed, palette: Palette) -> str:
    return palette.up if one.validity in GOOD_VALIDITY else palette.down


def _pool(view: View) -> str:
    status = view.status
    if status is None:
        return "…"
    peers = f", {view.peers} peers" if view.peers is not None else ""
    return f"{status.mempool_envelopes}, {bytes_text(status.mempool_bytes)}{peers}"


def _load(view: View) -> str:
    """Actions and fills a block, of the last blocks."""
    blocks = view.blocks
    if not blocks:
        return "no block seen yet"
    actions, fills = (sum(counts) / len(blocks) for counts in zip(
        *((one.actions_count, one.fills_count) for one in blocks), strict=True))
    return f"{actions:.1f} actions, {fills:.1f} fills"

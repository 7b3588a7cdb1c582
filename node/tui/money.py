"""The account: figures, positions with the prices at which they would be liquidated."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal

from rich.text import Text

from client.results import MarketInfo
from node.tui.view import View
from node.tui.words import Palette, fitted, percent_text, price_text, size_text, usd_text, widest
from novation.v1 import account_service_pb2 as account_service
from novation.v1 import risk_service_pb2 as risk_service

VIEW_ONLY = "view only: nobody's account is watched. Start with --key NAME to trade, --owner WHO to watch"
WIDE = 84  # columns from which on a position shows everything
TIGHT = Decimal("0.8")  # of equity as maintenance margin: shown as a warning


def draw_account(view: View, palette: Palette, width: int, height: int) -> list[Text]:
    """Equity and margins, and how much of the equity the maintenance margin is."""
    now = view.account
    if not view.who:
        return [Text(VIEW_ONLY, "dim")] if width > len(VIEW_ONLY) else _folded(VIEW_ONLY, width)
    if now is None:
        return [Text("asking …", "dim")]
    if not now.exists:
        return _folded(f"{view.who} holds nothing yet: on a test network `novation faucet {view.who}`", width)
    used = Decimal(now.maintenance_margin_quanta) / now.equity_quanta if now.equity_quanta > 0 else Decimal(1)
    pnl = now.unrealised_pnl_quanta
    rows = [("equity", usd_text(now.equity_quanta), "bold"), ("unrealised", usd_text(pnl, "+"), palette.sign(pnl)),
            ("initial margin", usd_text(now.initial_margin_quanta), ""),
            ("maintenance", usd_text(now.maintenance_margin_quanta), ""),
            ("free", usd_text(now.free_collateral_quanta), "" if now.free_collateral_quanta > 0 else palette.down)]
    lines = [_pair(name, text, width, style) for name, text, style in rows]
    if now.HasField("auction") or now.liquidatable:
        state = "in auction" if now.HasField("auction") else "being liquidated"
        lines.insert(0, Text(state.center(width), f"bold reverse {palette.down}"))
    elif height > len(lines):
        lines.append(_meter(used, width, palette))
    return lines


def _folded(text: str, width: int) -> list[Text]:
    lines = [""]
    for word in text.split():
        if lines[-1] and len(lines[-1]) + 1 + len(word) > width:
            lines.append("")
        lines[-1] += (" " if lines[-1] else "") + word
    return [Text(line, "dim") for line in lines]


def _pair(name: str, text: str, width: int, style: str) -> Text:
    return Text.assemble((fitted(name, max(width - len(text), 0)), "dim"), (text, style))


def _meter(used: Decimal, width: int, palette: Palette) -> Text:
    """Maintenance margin as a part of equity: at the right end the account is liquidated."""
    text = f" {percent_text(used)} of equity"
    cells = max(width - len(text), 4)
    filled = min(int(used * cells + Decimal("0.999")), cells)
    colour = palette.up if used < TIGHT / 2 else palette.warn if used < TIGHT else palette.down
    return Text.assemble(("━" * filled, colour), ("━" * (cells - filled), "dim"), (text, "dim"))


def draw_positions(view: View, palette: Palette, width: int, height: int) -> list[Text]:
    """A line a position; that of the market in view first."""
    held = [one for one in view.account.positions if one.position.lots] if view.account else []
    if not held:
        return [Text("no positions" if view.who else "no account", "dim")]
    held.sort(key=lambda one: one.position.market != view.info.market)
    wide = width >= WIDE
    rows = [_position(view, info, one, wide) for one in held if (info := view.info_of(one.position.market))]
    names = ["market", "size", *(["entry", "mark"] if wide else []), "profit", "liq. at"]
    widths = [widest(column) for column in zip(names, *rows, strict=True)]
    lines = [_cells(names, widths, ["dim"] * len(names))]
    for one, row in zip(held, rows, strict=False):
        styles = ["bold" if one.position.market == view.info.market else "", palette.sign(one.position.lots),
                  *(["", ""] if wide else []), palette.sign(one.unrealised_pnl_quanta), ""]
        lines.append(_cells(row, widths, styles))
    if height < 2:
        return lines[1:]
    if len(lines) > height:
        lines[height - 1:] = [Text(f"and {len(lines) - height + 1} more: `novation query account {view.who}`", "dim")]
    return lines


def _position(view: View, info: MarketInfo, one: account_service.PositionSummary, wide: bool) -> list[str]:
    lots = one.position.lots
    prices = [price_text(info, abs(one.position.entry_quanta) // abs(lots)), price_text(info, one.mark_price_quanta)]
    return [info.symbol, size_text(info, lots, "+"), *(prices if wide else []),
            usd_text(one.unrealised_pnl_quanta, "+"), liquidation_text(view.risk, info)]


def _cells(texts: Sequence[str], widths: Sequence[int], styles: Sequence[str]) -> Text:
    """The first and the last column to the left, the others to the right."""
    last, line = len(texts) - 1, Text()
    for place, (text, width, style) in enumerate(zip(texts, widths, styles, strict=True)):
        line.append("  " if place else "")
        line.append(f"{text:<{width}}" if place in (0, last) else f"{text:>{width}}", style)
    return line


def liquidation_text(risk: risk_service.AccountRisk | None, info: MarketInfo) -> str:
    """The prices of a market, or of its underlying, at which its holder would be liquidated, in words."""
    if risk is None:
        return "…"
    safe = next((one.safe for one in risk.positions if one.market == info.market and one.lots), None)
    if safe is None:
        return "no position"
    texts = [f"≤ {price_text(info, safe.lower_quanta)}" if safe.lower_quanta else "",
             f"≥ {price_text(info, safe.upper_quanta)}" if safe.upper_quanta else ""]
    return ", ".join(filter(None, texts)) or _underlying_text(risk, info) or "no price"


def _underlying_text(risk: risk_service.AccountRisk, info: MarketInfo) -> str:
    """With options or several markets: prices of the underlying at which the account is short."""
    spans = [(one, span) for one in risk.underlyings if info.market in one.markets for span in one.short]
    texts = []
    for one, span in spans:
        lower, upper = (f"{Decimal(price).scaleb(-one.decimals):,.0f}" for price in (span.lower, span.upper))
        texts.append(f"{one.name} {lower} to {upper}" if span.lower and span.upper
                     else f"{one.name} ≤ {upper}" if span.upper else f"{one.name} ≥ {lower}")
    return ", ".join(texts)

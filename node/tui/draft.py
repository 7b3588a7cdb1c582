"""An order as it is written on the screen, and what the chain's own code says that it would do."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal

from client.client import NovationClient
from client.errors import error_from_result
from client.results import MarketInfo, PlacedOrder
from client.risk import suppose_order
from client.streams import LocalBook
from client.units import decimal, usd
from node.tui.money import liquidation_text
from node.tui.problems import problem_text
from node.tui.words import decimal_text, size_text, usd_text
from novation.v1 import risk_service_pb2 as risk_service

KINDS = {"limit": "gtc", "post only": "post_only", "market": "ioc", "ioc": "ioc", "fok": "fok"}
"""The kinds of order on the screen, and the time in force of each."""
MARKET = "market"
WORST = Decimal("0.01")  # of the best price: a market order goes no farther


@dataclass(frozen=True, slots=True)
class Draft:
    """What was typed. Texts are as people write decimals."""

    side: str
    kind: str
    size: str
    price: str
    reduce_only: bool


@dataclass(frozen=True, slots=True)
class Terms:
    """An order that fits its market: sizes and prices are whole lots and ticks."""

    symbol: str
    side: str
    size: Decimal
    price: Decimal
    time_in_force: str
    reduce_only: bool


def terms_of(draft: Draft, info: MarketInfo, book: LocalBook | None) -> Terms:
    """The order. One at the market is a limit WORST beyond the best price of the other side, on a tick; it never rests.

    Raises ValueError (NotExact between two lots or ticks) with words for people.
    """
    size, price = _number(draft.size, "size"), Decimal(0)
    if size <= 0:
        raise ValueError("size: give a size above 0")
    info.units.lots(size)
    if draft.kind == MARKET:
        price = _worst(draft.side, info, book)
    else:
        price = _number(draft.price, "price")
        if price <= 0:
            raise ValueError("price: give a price above 0")
    info.units.price_quanta(price)
    return Terms(info.symbol, draft.side, size, price, KINDS[draft.kind], draft.reduce_only)


def _number(text: str, what: str) -> Decimal:
    """A decimal, with or without commas between thousands."""
    text = text.strip().replace(",", "")
    if not text:
        raise ValueError(f"{what}: it is empty")
    return decimal(text, what)


def _worst(side: str, info: MarketInfo, book: LocalBook | None) -> Decimal:
    best = (book.best_ask if side == "buy" else book.best_bid) if book is not None else 0
    if not best:
        raise ValueError("nobody is on the other side of the book now: use a limit order")
    price = info.units.price(best)
    if side == "buy":
        return info.units.ceil_price(price * (1 + WORST))
    return max(info.units.floor_price(price * (1 - WORST)), info.units.tick_size)


async def preview(client: NovationClient, terms: Terms) -> risk_service.GetRiskResponse:
    """What it would do, by the node's own code on a fork of its state. Raises NovationError."""
    return await client.risk(orders=[suppose_order(
        terms.symbol, terms.side, terms.size, terms.price, time_in_force=terms.time_in_force,
        reduce_only=terms.reduce_only)])


def refusal(answer: risk_service.GetRiskResponse) -> str:
    """Why the chain would refuse the order, empty if it would not."""
    error = error_from_result(answer.results[0])
    return problem_text(error) if error is not None else ""


def headline(terms: Terms, info: MarketInfo) -> str:
    """The order in a sentence."""
    size, price = size_text(info, info.units.lots(terms.size)), decimal_text(info, terms.price)
    reduce = ", only reducing" if terms.reduce_only else ""
    rest = {"gtc": "the rest stays on the book", "post_only": "refused if it would fill at once",
            "ioc": "what does not fill at once is cancelled", "fok": "all at once or nothing"}[terms.time_in_force]
    return f"{terms.side.capitalize()} {size} {info.symbol} at {price} or better; {rest}{reduce}"


def effects(answer: risk_service.GetRiskResponse, info: MarketInfo) -> list[tuple[str, str]]:
    """Name and text of what the order would do to book and account."""
    before, after, result = answer.before, answer.after, answer.results[0]
    fills = "nothing"
    if result.filled_lots:
        average = usd(result.filled_quote_quanta) / info.units.size(result.filled_lots)
        fills = f"{size_text(info, result.filled_lots)} at {decimal_text(info, average)} on average"
    return [
        ("Fills now", fills),
        ("Rests on the book", size_text(info, result.open_lots) if result.open_lots else "nothing"),
        ("Trading fee", f"{usd(answer.trading_fees_quanta):,.4f} USD, and gas"),
        ("Initial margin", _change(before.initial_quanta, after.initial_quanta)),
        ("Free collateral", _change(before.equity_quanta - before.initial_quanta,
                                    after.equity_quanta - after.initial_quanta)),
        ("Liquidated at", liquidation_text(after, info)),
    ]


def _change(before: int, after: int) -> str:
    return f"{usd_text(before)} → {usd_text(after)} USD"


def outcome_text(placed: PlacedOrder, info: MarketInfo) -> str:
    """What became of it."""
    parts = []
    if placed.filled_size:
        parts.append(f"filled {placed.filled_size} at {decimal_text(info, placed.average_price)}")
    if placed.open_size:
        parts.append(f"{placed.open_size} rests on the book")
    return f"Block {placed.height:,}: {', '.join(parts) or 'nothing filled, and the rest was cancelled'}."


def kinds() -> Sequence[str]:
    """The kinds of order, as the screen offers them."""
    return tuple(KINDS)

"""How markets, accounts and orders look: plain data for scripts, and tables of it for people."""

from collections.abc import Sequence
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

from rich.table import Table

from client.oracle import word, words
from client.results import MarketInfo
from client.units import usd
from node.cli.session import simple_table
from novation.v1 import account_service_pb2 as account_service
from novation.v1 import market_data_service_pb2 as market_data
from novation.v1 import state_pb2, tx_pb2

SIDES = {tx_pb2.SIDE_BUY: "buy", tx_pb2.SIDE_SELL: "sell"}
DIRECTIONS = {tx_pb2.TRIGGER_DIRECTION_AT_OR_ABOVE: "above", tx_pb2.TRIGGER_DIRECTION_AT_OR_BELOW: "below"}
FUNDING_HOURS = 8  # that a rate is stated for
LISTED = ("symbol", "kind", "matching", "status", "mark", "validity", "bid", "ask", "last", "open_interest",
          "funding_8h")
E9 = 1_000_000_000


def plain(value: Decimal) -> str:
    """A decimal without exponent and without idle zeros."""
    text = f"{value:f}"
    return text.rstrip("0").rstrip(".") if "." in text else text


def when(time_ns: int) -> str:
    """A block's time for people, in UTC."""
    return f"{datetime.fromtimestamp(time_ns // 1_000_000_000, UTC):%Y-%m-%d %H:%M:%S}"


def price_text(info: MarketInfo, price_quanta: int) -> str:
    """A price, "-" for none."""
    return plain(info.units.price(price_quanta)) if price_quanta else "-"


def dollars(amount_quanta: int) -> str:
    """USD with cents, for people."""
    return f"{usd(amount_quanta):,.2f}"


def percent(ppm: int) -> str:
    """A share in millionths as a percentage."""
    return f"{plain(Decimal(ppm) / 10_000)}%"


def percent_e9(share_e9: int, parts: int = 1) -> str:
    """A share times 10^9 as a percentage; with `parts`, one of so many equal parts of it."""
    return f"{plain((Decimal(share_e9) / (10_000_000 * parts)).quantize(Decimal('0.0000001')))}%"


def shade(colour: str, text: str) -> str:
    """Text of a table in a colour, "" for none."""
    return f"[{colour}]{text}[/{colour}]" if colour else text


def rows_table(rows: Sequence[dict[str, Any]], when_empty: str) -> Table | str:
    """Rows of equal names as a table."""
    if not rows:
        return when_empty
    table = simple_table(*(name.replace("_", " ") for name in rows[0]))
    for row in rows:
        table.add_row(*(_fact(value) for value in row.values()))
    return table


def facts_table(title: str, facts: dict[str, Any]) -> Table:
    """One thing's facts, a line each; nothing is left out, "-" stands for none."""
    table = simple_table(title, "")
    for name, value in facts.items():
        table.add_row(name.replace("_", " "), "-" if value in (None, "", []) else _fact(value))
    return table


def _fact(value: Any) -> str:
    if isinstance(value, list):
        return "\n".join(_fact(one) for one in value)
    if isinstance(value, dict):
        return ", ".join(f"{name.replace('_', ' ')} {_fact(one)}" for name, one in value.items() if one is not None)
    if isinstance(value, bool):
        return "yes" if value else "no"
    return "-" if value is None else str(value)


def market_data_of(info: MarketInfo, summary: market_data.MarketSummary) -> dict[str, Any]:
    """All there is to know of a market."""
    terms, funding = info.record, summary.funding
    perpetual, option = (terms.kind == kind for kind in (state_pb2.MARKET_KIND_PERPETUAL, state_pb2.MARKET_KIND_OPTION))
    return {
        "market": info.market,
        "symbol": info.symbol,
        "kind": word(state_pb2.MarketKind, terms.kind),
        "matching": word(state_pb2.Matching, terms.matching),
        "status": word(state_pb2.MarketStatus, terms.status),
        "opens": when(terms.opens_ns) if terms.opens_ns else None,
        "expires": when(terms.expiry_ns) if terms.expiry_ns else None,
        "right": word(state_pb2.OptionRight, terms.right) if option else None,
        "strike": plain(info.units.price(terms.strike_quanta)) if option else None,
        "mark": price_text(info, summary.mark_price_quanta),
        "index": price_text(info, summary.index_price_quanta),
        "basis": None if option else plain(info.units.price(summary.mark_price_quanta - summary.index_price_quanta)),
        "basis_share": None if option else _basis_share(summary),
        "feed": summary.feed,
        "validity": word(state_pb2.FeedValidity, summary.validity),
        "bars": list(words(state_pb2.PriceUse, summary.bars)),
        "bid": price_text(info, summary.best_bid_quanta),
        "ask": price_text(info, summary.best_ask_quanta),
        "last": price_text(info, summary.last_price_quanta),
        "open_interest": plain(info.units.size(summary.open_interest_lots)),
        "funding_8h": percent_e9(funding.rate_e9) if perpetual else None,
        "funding_hour": percent_e9(funding.rate_e9, FUNDING_HOURS) if perpetual else None,
        "funding_paid": plain(info.units.price(funding.index_e9) / E9) if perpetual else None,
        "lot": terms.lot_size,
        "tick": terms.tick_size,
        "max_order": plain(info.units.size(terms.max_order_lots)),
        "max_position": plain(info.units.size(terms.max_position_lots)),
        "initial_margin": percent(terms.initial_margin_ppm),
        "maintenance_margin": percent(terms.maintenance_margin_ppm),
        "tiers": [{"from_usd": plain(usd(tier.from_notional_quanta)), "initial": percent(tier.initial_ppm),
                   "maintenance": percent(tier.maintenance_ppm)} for tier in terms.tiers],
        "maker_fee": percent(terms.maker_fee_ppm),
        "taker_fee": percent(terms.taker_fee_ppm),
        "liquidation_fee": percent(terms.liquidation_fee_ppm),
        "insurance_fund_usd": plain(usd(summary.insurance_quanta)),
        "losses": _losses(summary.losses) if summary.HasField("losses") else None,
        "settlement": _settlement(info, summary.settlement) if summary.HasField("settlement") else None,
        "quarantined_until": when(terms.quarantine_ends_ns) if terms.quarantine_ends_ns else None,
        "sealed": "yes" if terms.sealed else None,
    }


def option_groups(rows: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
    """Options by underlying and expiry: how many there are, between which strikes, how many bid and offered."""
    groups: dict[tuple[str, str], list[dict[str, Any]]] = {}
    for row in rows:
        groups.setdefault((row["feed"], row["expires"]), []).append(row)
    found = []
    for (feed, expires), group in sorted(groups.items()):
        strikes = sorted({Decimal(row["strike"]) for row in group})
        found.append({
            "options on": feed, "expiry": group[0]["symbol"].rsplit("-", 3)[1], "expires": expires,
            "series": len(group), "strikes": f"{plain(strikes[0])} to {plain(strikes[-1])}",
            "bid": sum(row["bid"] != "-" for row in group), "offered": sum(row["ask"] != "-" for row in group),
            "open_interest": plain(sum((Decimal(row["open_interest"]) for row in group), Decimal(0)))})
    return found


def _basis_share(summary: market_data.MarketSummary) -> str | None:
    """How far the mark lies from the index, as a share of it."""
    index = summary.index_price_quanta
    return percent_e9((summary.mark_price_quanta - index) * E9 // index) if index else None


def _losses(losses: state_pb2.Losses) -> dict[str, Any]:
    return {"fund_paid_usd": plain(usd(losses.fund_paid_quanta)), "given_up_usd": plain(usd(losses.given_up_quanta)),
            "winds_down_until": when(losses.wind_down_ends_ns) if losses.wind_down_ends_ns else None}


def _settlement(info: MarketInfo, settlement: state_pb2.Settlement) -> dict[str, Any]:
    """A market's end: the mean price is taken until `ends`, then it is fixed and positions are closed at it."""
    return {"ends": when(settlement.ends_ns), "price": price_text(info, settlement.price_quanta),
            "averaged_seconds": settlement.covered_ns // E9, "shortfall_usd": plain(usd(settlement.shortfall_quanta))}


def position_row(info: MarketInfo, summary: account_service.PositionSummary) -> dict[str, Any]:
    """A position, its profit, the funding it owes since it last changed, and its margins."""
    lots, entry_quanta = summary.position.lots, summary.position.entry_quanta
    entry = info.units.price(abs(entry_quanta)) / abs(lots)
    return {
        "market": info.symbol,
        "size": plain(info.units.size(lots)),
        "entry": plain(entry.quantize(Decimal("0.01"))),
        "mark": price_text(info, summary.mark_price_quanta),
        "unrealised_usd": plain(usd(summary.unrealised_pnl_quanta)),
        "funding_owed_usd": plain(usd(summary.unsettled_funding_quanta)),
        "initial_margin_usd": plain(usd(summary.initial_margin_quanta)),
        "maintenance_margin_usd": plain(usd(summary.maintenance_margin_quanta)),
    }


def asset_row(asset: account_service.AssetSummary) -> dict[str, Any]:
    """Collateral besides cash, and what it counts for."""
    return {"asset": asset.asset, "symbol": asset.symbol, "held": plain(Decimal(asset.units).scaleb(-asset.decimals)),
            "collateral_usd": plain(usd(asset.value_quanta))}


def auction_row(auction: account_service.AuctionSummary) -> dict[str, Any]:
    """An account on offer."""
    return {"owner": auction.account.owner.hex(), "number": auction.account.number, "since": when(auction.started_ns),
            "discount": percent(auction.discount_ppm), "bids": auction.bids,
            "equity_usd": plain(usd(auction.equity_quanta)),
            "maintenance_margin_usd": plain(usd(auction.maintenance_margin_quanta))}


def order_row(info: MarketInfo, one: state_pb2.Order) -> dict[str, Any]:
    """An open order."""
    return {"order_id": one.order_id, "client_id": one.client_id, "market": info.symbol,
            "side": SIDES.get(one.side, "?"), "price": plain(info.units.price(one.price_quanta)),
            "open_size": plain(info.units.size(one.open_lots)), "reduce_only": one.reduce_only,
            "terms": terms_text(info, one)}


def terms_text(info: MarketInfo, one: state_pb2.Order) -> str:
    """What an order has besides price and size, in words."""
    terms = []
    if one.expiry_time_ns:
        terms.append(f"until {when(one.expiry_time_ns)}")
    if one.display_lots:
        terms.append(f"shows {plain(info.units.size(one.open_lots - one.hidden_lots))}")
    if one.peg_reference:
        terms.append(f"pegged to {word(tx_pb2.PegReference, one.peg_reference)} {one.peg_offset_ticks:+d} ticks")
    if one.oco_id:
        terms.append(f"group {one.oco_id}")
    return ", ".join(terms)


def trigger_row(info: MarketInfo, one: state_pb2.Trigger) -> dict[str, Any]:
    """An order that waits for a price."""
    source, direction = word(tx_pb2.PriceSource, one.source), DIRECTIONS.get(one.direction, "?")
    return {"trigger_id": one.trigger_id, "client_id": one.client_id, "market": info.symbol,
            "fires": f"{source} {direction} {plain(info.units.price(one.trigger_quanta))}",
            "trailing": price_text(info, one.trail_quanta), "side": SIDES.get(one.side, "?"),
            "size": plain(info.units.size(one.size_lots)), "price": plain(info.units.price(one.price_quanta)),
            "reduce_only": one.reduce_only,
            "until": when(one.expiry_time_ns) if one.expiry_time_ns else "-", "group": one.oco_id}

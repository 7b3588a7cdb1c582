"""Classes of options from genesis: what is listed on which underlying, and its terms."""

from app.context import Context
from app.errors import GenesisError
from app.kernel.integers import PPM
from app.limits import (
    FIRST_SERIES,
    MAX_BAND_PPM,
    MAX_FEED_NS,
    MAX_FEEDS,
    MAX_MARKETS,
    MAX_ORDER_LOTS,
    MAX_PRICE_QUANTA,
    MAX_SERIES,
    MIN_BAND_PPM,
)
from app.markets.genesis import check_decimals
from app.markets.types import Listing, Market, OptionClass
from app.options.state import LISTING_KEY
from app.oracle.genesis import scale
from app.params import optional_integer, require_integer, require_symbol

DAY_S = 86_400
HOUR_S = 8 * 3_600
MAX_EXPIRIES = 12  # of one kind

# name -> (lowest, highest, what stands when the entry says nothing)
TERMS = {
    "max_open_interest_lots": (0, MAX_ORDER_LOTS, 0),
    "maker_fee_ppm": (0, PPM, 0),
    "taker_fee_ppm": (0, PPM, 0),
    "order_band_ppm": (MIN_BAND_PPM, MAX_BAND_PPM, 20_000),
    "fill_band_ppm": (MIN_BAND_PPM, MAX_BAND_PPM, 40_000),
    "surface_max_age_ns": (1, MAX_FEED_NS, 60_000_000_000),
    "hour_s": (0, DAY_S - 1, HOUR_S),
    "daily": (0, MAX_EXPIRIES, 2),
    "weekly": (0, MAX_EXPIRIES, 2),
    "monthly": (0, MAX_EXPIRIES, 2),
    "quarterly": (0, MAX_EXPIRIES, 2),
    "short_s": (0, DAY_S, 0),
    "shorts": (0, MAX_EXPIRIES, 0),
    "strikes": (1, 50, 8),
    "step_ppm": (1_000, 200_000, 10_000),
    "max_series": (2, MAX_SERIES, 400),
    "margin_most_ppm": (10_000, PPM, 150_000),
    "margin_least_ppm": (10_000, PPM, 100_000),
    "maintenance_ppm": (5_000, PPM, 75_000),
    "initial_offset_ppm": (PPM, 10 * PPM, 1_050_000),
    "unpaired_initial_ppm": (0, 10 * PPM, 1_200_000),
    "unpaired_maintenance_ppm": (0, 10 * PPM, 1_100_000),
}
NEEDED = {
    "feed",
    "symbol",
    "lot_size",
    "tick_size",
    "tick_quanta",
    "max_order_lots",
    "max_position_lots",
    "fund_market",
}


def load_class(ctx: Context, section: dict[str, object]) -> None:
    """OPT-001: validate one entry of the genesis list `options` and store it. Raises GenesisError naming the field."""
    if unknown := sorted(section.keys() - NEEDED - TERMS.keys()):
        raise GenesisError(f"options: unknown fields {unknown}")
    number = require_integer(section, "options[]", "feed", 1, MAX_FEEDS)
    where, feed = f"options[{number}]", ctx.feeds.get(number)
    if feed is None or ctx.option_classes.get(number) is not None:
        raise GenesisError(f"{where}.feed: there is no such feed, or it is there twice")
    terms = {name: optional_integer(section, where, name, *bounds) for name, bounds in TERMS.items()}
    lot_size = str(section.get("lot_size"))
    made = OptionClass(
        feed=number,
        symbol=require_symbol(section, where),
        lot_size=lot_size,
        tick_size=str(section.get("tick_size")),
        tick_quanta=require_integer(section, where, "tick_quanta", 1, MAX_PRICE_QUANTA),
        max_order_lots=require_integer(section, where, "max_order_lots", 1, MAX_ORDER_LOTS),
        max_position_lots=require_integer(section, where, "max_position_lots", 1, MAX_ORDER_LOTS),
        fund_market=require_integer(section, where, "fund_market", 1, MAX_MARKETS),
        **terms,
    )
    check_terms(ctx, where, made)
    made.index_multiplier, made.index_divisor = scale(lot_size, feed.decimals)
    ctx.option_classes.put(number, made)
    if ctx.listing.get(LISTING_KEY) is None:
        ctx.listing.put(LISTING_KEY, Listing(FIRST_SERIES))


def check_terms(ctx: Context, where: str, made: OptionClass) -> None:
    """OPT-001: what must hold between the terms of a class. Raises GenesisError."""
    fund = ctx.markets.get(made.fund_market)
    if fund is None or fund.feed != made.feed:
        raise GenesisError(f"{where}.fund_market: a market on the same feed")
    if len(made.symbol) > 6:
        raise GenesisError(f"{where}.symbol: at most 6 characters, for expiry and strike come after it")
    if bool(made.short_s) != bool(made.shorts) or (made.shorts and not ctx.params.test_network):
        raise GenesisError(f"{where}.shorts: with short_s, and on test networks only")
    if not 0 < made.maintenance_ppm <= made.margin_least_ppm <= made.margin_most_ppm:
        raise GenesisError(f"{where}.maintenance_ppm: at most margin_least_ppm, and that at most margin_most_ppm")
    if made.unpaired_maintenance_ppm > made.unpaired_initial_ppm:
        raise GenesisError(f"{where}.unpaired_maintenance_ppm: at most unpaired_initial_ppm")
    if made.order_band_ppm > made.fill_band_ppm:
        raise GenesisError(f"{where}.order_band_ppm: at most fill_band_ppm")
    check_decimals(where, Market(lot_size=made.lot_size, tick_size=made.tick_size, tick_quanta=made.tick_quanta))

"""Markets from genesis."""

from app.context import Context
from app.errors import GenesisError
from app.kernel.codec import decimal_parts
from app.kernel.integers import PPM
from app.limits import (
    MAX_AUCTION_NS,
    MAX_FEEDS,
    MAX_MARGIN_TIERS,
    MAX_MARK_BAND_PPM,
    MAX_MARKETS,
    MAX_ORDER_LOTS,
    MAX_ORDER_NOTIONAL_QUANTA,
    MAX_PRICE_QUANTA,
    MAX_TIME_NS,
    MAX_VAULT_QUANTA,
)
from app.markets.types import ACTIVE, ANNOUNCED, BATCH, CONTINUOUS, FUTURE, PERPETUAL, MarginTier, Market, MarketTotals
from app.params import optional_integer, require_integer, require_symbol

QUANTA_A_QUOTE = 1_000_000
E9 = 1_000_000_000
FIELDS = {
    "market",
    "symbol",
    "lot_size",
    "tick_size",
    "tick_quanta",
    "max_order_lots",
    "max_position_lots",
    "initial_margin_ppm",
    "maintenance_margin_ppm",
    "maker_fee_ppm",
    "taker_fee_ppm",
    "feed",
    "mark_band_ppm",
    "mark_window_ns",
    "tiers",
    "open_interest_lower_quanta",
    "open_interest_upper_quanta",
    "profit_cap_quanta",
    "kind",
    "matching",
    "opens_ns",
    "auction_ns",
    "expiry_ns",
    "impact_notional_quanta",
    "interest_e9",
    "funding_band_e9",
    "funding_cap_e9",
    "fee_charge_ppm",
    "fee_charge_until_ns",
    "insurance_cap_quanta",
    # app/liquidation/genesis.py
    "liquidation_fee_ppm",
    "insurance_event_quanta",
    "insurance_day_quanta",
    "wind_down_loss_quanta",
    "wind_down_ns",
    "insurance_quanta",
    # app/breakers/genesis.py
    "order_band_ppm",
    "fill_band_ppm",
    "halt_move_ppm",
    "halt_window_ns",
    "halt_auction_ns",
    "halt_extensions",
    "max_open_interest_lots",
    "max_open_interest_quanta",
}
TIER_FIELDS = set(MarginTier._fields)
KINDS = {"perpetual": PERPETUAL, "future": FUTURE}
MATCHINGS = {"continuous": CONTINUOUS, "batch": BATCH}


def load_market(ctx: Context, section: dict[str, object]) -> None:
    """Validate one entry of the genesis list `markets` and store it. Raises GenesisError naming the field."""
    if unknown := sorted(section.keys() - FIELDS):
        raise GenesisError(f"markets: unknown fields {unknown}")
    number = require_integer(section, "markets[]", "market", 1, MAX_MARKETS)
    where = f"markets[{number}]"
    if ctx.markets.get(number) is not None:
        raise GenesisError(f"{where}: listed twice")
    market = Market(
        market=number,
        symbol=require_symbol(section, where),
        status=ANNOUNCED if section.get("opens_ns") else ACTIVE,
        lot_size=str(section.get("lot_size")),
        tick_size=str(section.get("tick_size")),
        tick_quanta=require_integer(section, where, "tick_quanta", 1, MAX_PRICE_QUANTA),
        max_order_lots=require_integer(section, where, "max_order_lots", 1, MAX_ORDER_LOTS),
        max_position_lots=require_integer(section, where, "max_position_lots", 1, MAX_ORDER_LOTS),
        initial_margin_ppm=require_integer(section, where, "initial_margin_ppm", 5_000, PPM),
        maintenance_margin_ppm=require_integer(section, where, "maintenance_margin_ppm", 1_000, PPM),
        maker_fee_ppm=require_integer(section, where, "maker_fee_ppm", 0, PPM),
        taker_fee_ppm=require_integer(section, where, "taker_fee_ppm", 0, PPM),
        feed=require_integer(section, where, "feed", 1, MAX_FEEDS),
        mark_band_ppm=optional_integer(section, where, "mark_band_ppm", 0, MAX_MARK_BAND_PPM, 10_000),
        mark_window_ns=optional_integer(section, where, "mark_window_ns", E9, MAX_AUCTION_NS, 150 * E9),
        kind=one_of(section, where, "kind", "perpetual", KINDS),
        matching=one_of(section, where, "matching", "continuous", MATCHINGS),
        opens_ns=optional_integer(section, where, "opens_ns", 0, MAX_TIME_NS, 0),
        auction_ns=optional_integer(section, where, "auction_ns", 0, MAX_AUCTION_NS, 0),
        expiry_ns=optional_integer(section, where, "expiry_ns", 0, MAX_TIME_NS, 0),
        impact_notional_quanta=optional_integer(
            section, where, "impact_notional_quanta", 1, MAX_ORDER_NOTIONAL_QUANTA, 20_000_000_000
        ),
        interest_e9=optional_integer(section, where, "interest_e9", -E9, E9, 100_000),
        funding_band_e9=optional_integer(section, where, "funding_band_e9", 0, E9, 500_000),
        funding_cap_e9=optional_integer(section, where, "funding_cap_e9", 0, E9, 40_000_000),
        fee_charge_ppm=optional_integer(section, where, "fee_charge_ppm", 0, PPM, 0),
        fee_charge_until_ns=optional_integer(section, where, "fee_charge_until_ns", 0, MAX_TIME_NS, 0),
        insurance_cap_quanta=optional_integer(section, where, "insurance_cap_quanta", 0, MAX_VAULT_QUANTA, 10**12),
    )
    if market.maintenance_margin_ppm >= market.initial_margin_ppm:
        raise GenesisError(f"{where}.maintenance_margin_ppm: must be below initial_margin_ppm")
    if (market.kind == FUTURE) != bool(market.expiry_ns):
        raise GenesisError(f"{where}.expiry_ns: a future has one, a perpetual none")
    if market.mark_band_ppm >= market.maintenance_margin_ppm:
        raise GenesisError(f"{where}.mark_band_ppm: must be below maintenance_margin_ppm (MARK-004)")
    if market.auction_ns and not market.opens_ns:
        raise GenesisError(f"{where}.auction_ns: only a market that opens at a stated time begins with an auction")
    check_decimals(where, market)
    load_margin_terms(where, market, section)
    ctx.markets.put(number, market)
    ctx.totals.put(number, MarketTotals())


def load_margin_terms(where: str, market: Market, section: dict[str, object]) -> None:
    """MARG-010: further brackets, open-interest bounds and profit cap, each off unless given. Raises GenesisError."""
    rows = section.get("tiers", [])
    if not isinstance(rows, list) or len(rows) > MAX_MARGIN_TIERS:
        raise GenesisError(f"{where}.tiers: a list of at most {MAX_MARGIN_TIERS}")
    below = MarginTier(0, market.initial_margin_ppm, market.maintenance_margin_ppm)
    for index, row in enumerate(rows):
        at = f"{where}.tiers[{index}]"
        if not isinstance(row, dict) or row.keys() != TIER_FIELDS:
            raise GenesisError(f"{at}: an object with {sorted(TIER_FIELDS)}")
        tier = MarginTier(
            require_integer(row, at, "from_notional_quanta", below.from_notional_quanta + 1, MAX_VAULT_QUANTA),
            require_integer(row, at, "initial_ppm", below.initial_ppm, PPM),
            require_integer(row, at, "maintenance_ppm", below.maintenance_ppm, PPM),
        )
        if tier.maintenance_ppm >= tier.initial_ppm:
            raise GenesisError(f"{at}.maintenance_ppm: must be below initial_ppm")
        market.tiers, below = (*market.tiers, tier), tier
    if upper := section.get("open_interest_upper_quanta", 0):
        market.open_interest_lower_quanta = require_integer(
            section, where, "open_interest_lower_quanta", 0, MAX_VAULT_QUANTA
        )
        low = market.open_interest_lower_quanta + 1
        upper = require_integer(section, where, "open_interest_upper_quanta", low, MAX_VAULT_QUANTA)
        market.open_interest_upper_quanta = upper
    if "profit_cap_quanta" in section:
        market.profit_cap_quanta = require_integer(section, where, "profit_cap_quanta", 0, MAX_VAULT_QUANTA)


def one_of(section: dict[str, object], where: str, name: str, default: str, known: dict[str, int]) -> int:
    """The number of the word at `section[name]`, or GenesisError."""
    word = section.get(name, default)
    if not isinstance(word, str) or word not in known:
        raise GenesisError(f"{where}.{name}: one of {sorted(known)}, not {word!r}")
    return known[word]


def check_decimals(where: str, market: Market) -> None:
    """MKT-001: the tick in quanta a lot must be exactly tick_size x lot_size in quote quanta."""
    try:
        lot, lot_places = decimal_parts(market.lot_size)
        tick, tick_places = decimal_parts(market.tick_size)
    except ValueError as error:
        raise GenesisError(f"{where}: lot_size and tick_size are plain decimals, not {error}") from error
    if lot * tick * QUANTA_A_QUOTE != market.tick_quanta * 10 ** (lot_places + tick_places):
        raise GenesisError(
            f"{where}.tick_quanta: not tick_size {market.tick_size} x lot_size {market.lot_size}: {market.tick_quanta}"
        )

"""From a preset, written in decimals of people, to the canonical genesis `app_state` of integers."""

import hashlib
import json
import tomllib
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from genesis.units import (
    UnitError,
    base_to_lots,
    base_to_units,
    days_to_ns,
    decimal,
    moment_to_ns,
    percent_to_e9,
    percent_to_ppm,
    price_to_quanta,
    seconds_to_ns,
    usd_to_quanta,
)

PRESETS = Path(__file__).with_name("presets")
FRIDAY = 4

AppState = dict[str, Any]
Resolve = Callable[[str], str]

PARAMS = {"test_network", "authority", "gas_price_e6", "max_block_gas", "max_faucet_usd"}
# What the chain need not say of its breakers, and of portfolio margin.
PARAMS_OPTIONS: dict[str, tuple[str, Callable[[Any], Any]]] = {
    "withdraw_hour_usd": ("withdraw_hour_quanta", usd_to_quanta),
    "withdraw_hour_percent": ("withdraw_hour_ppm", percent_to_ppm),
    "withdraw_day_usd": ("withdraw_day_quanta", usd_to_quanta),
    "withdraw_day_percent": ("withdraw_day_ppm", percent_to_ppm),
    "gap_seconds": ("gap_ns", seconds_to_ns),
    "gap_cool_down_seconds": ("gap_cool_down_ns", seconds_to_ns),
    "sweep_accounts": ("sweep_accounts", lambda value: _integer(value)),
    "stress_percent": ("stress_ppm", percent_to_ppm),
    "portfolio_maintenance_percent": ("portfolio_maintenance_ppm", percent_to_ppm),
    "offset_cap_usd": ("offset_cap_quanta", usd_to_quanta),
}
MARKET = {
    "market", "symbol", "lot_size", "tick_size", "max_order", "max_position", "initial_margin_percent",
    "maintenance_margin_percent", "maker_fee_percent", "taker_fee_percent", "feed",
}  # fmt: skip
MARGIN = {"tiers", "open_interest_lower_usd", "open_interest_upper_usd", "profit_cap_usd"}  # may be left out
TIER = {"from_notional_usd", "initial_percent", "maintenance_percent"}
# What a market need not say: name in the preset -> (name in the genesis, conversion).
MARKET_OPTIONS: dict[str, tuple[str, Callable[[Any], Any]]] = {
    "kind": ("kind", lambda value: _text(value)),
    "matching": ("matching", lambda value: _text(value)),
    "opens": ("opens_ns", moment_to_ns),
    "auction_seconds": ("auction_ns", seconds_to_ns),
    "expiry": ("expiry_ns", moment_to_ns),
    "impact_notional_usd": ("impact_notional_quanta", usd_to_quanta),
    "interest_percent": ("interest_e9", percent_to_e9),
    "funding_band_percent": ("funding_band_e9", percent_to_e9),
    "funding_cap_percent": ("funding_cap_e9", percent_to_e9),
    "fee_charge_percent": ("fee_charge_ppm", percent_to_ppm),
    "fee_charge_until": ("fee_charge_until_ns", moment_to_ns),
    "mark_band_percent": ("mark_band_ppm", percent_to_ppm),
    "mark_window_seconds": ("mark_window_ns", seconds_to_ns),
    "insurance_cap_usd": ("insurance_cap_quanta", usd_to_quanta),
    "insurance_usd": ("insurance_quanta", usd_to_quanta),
    "insurance_event_usd": ("insurance_event_quanta", usd_to_quanta),
    "insurance_day_usd": ("insurance_day_quanta", usd_to_quanta),
    "liquidation_fee_percent": ("liquidation_fee_ppm", percent_to_ppm),
    "wind_down_loss_usd": ("wind_down_loss_quanta", usd_to_quanta),
    "wind_down_days": ("wind_down_ns", days_to_ns),
    "order_band_percent": ("order_band_ppm", percent_to_ppm),
    "fill_band_percent": ("fill_band_ppm", percent_to_ppm),
    "halt_move_percent": ("halt_move_ppm", percent_to_ppm),
    "halt_window_seconds": ("halt_window_ns", seconds_to_ns),
    "halt_auction_seconds": ("halt_auction_ns", seconds_to_ns),
    "halt_extensions": ("halt_extensions", lambda value: _integer(value)),
    "max_open_interest_usd": ("max_open_interest_quanta", usd_to_quanta),
}
CAP = "max_open_interest"  # in base; may be left out
FEED = {"feed", "symbol", "decimals", "price"}
FEED_OPTIONS: dict[str, tuple[str, Callable[[Any], Any]]] = {
    "move_percent": ("move_ppm", percent_to_ppm),
    "move_percent_a_second": ("move_ppm_a_second", percent_to_ppm),
    "max_age_seconds": ("max_age_ns", seconds_to_ns),
    "warm_up_seconds": ("warm_up_ns", seconds_to_ns),
}
CLASS = {"feed", "symbol", "lot_size", "tick_size", "max_order", "max_position", "fund_market"}
# What a class of options need not say.
CLASS_OPTIONS: dict[str, tuple[str, Callable[[Any], Any]]] = {
    "maker_fee_percent": ("maker_fee_ppm", percent_to_ppm),
    "taker_fee_percent": ("taker_fee_ppm", percent_to_ppm),
    "order_band_percent": ("order_band_ppm", percent_to_ppm),
    "fill_band_percent": ("fill_band_ppm", percent_to_ppm),
    "surface_max_age_seconds": ("surface_max_age_ns", seconds_to_ns),
    "hour": ("hour_s", lambda value: 3_600 * _integer(value)),
    "short_seconds": ("short_s", lambda value: _integer(value)),
    "step_percent": ("step_ppm", percent_to_ppm),
    "margin_most_percent": ("margin_most_ppm", percent_to_ppm),
    "margin_least_percent": ("margin_least_ppm", percent_to_ppm),
    "maintenance_percent": ("maintenance_ppm", percent_to_ppm),
    "initial_offset_percent": ("initial_offset_ppm", percent_to_ppm),
    "unpaired_initial_percent": ("unpaired_initial_ppm", percent_to_ppm),
    "unpaired_maintenance_percent": ("unpaired_maintenance_ppm", percent_to_ppm),
    **{
        name: (name, lambda value: _integer(value))
        for name in ("daily", "weekly", "monthly", "quarterly", "shorts", "strikes", "max_series")
    },
}
# What portfolios of an underlying need not say; the rest of their terms a preset leaves as they are (app/portfolio).
PORTFOLIO_OPTIONS: dict[str, tuple[str, Callable[[Any], Any]]] = {
    "shortest_seconds": ("shortest_ns", seconds_to_ns),
    **{
        f"{name}_percent": (f"{name}_ppm", percent_to_ppm)
        for name in ("up", "down", "least_volatility", "skew", "basis", "basis_year", "long", "long_year",
                     "linear_maintenance", "linear_initial", "option_maintenance", "option_initial", "offset")
    },
}
FEES = {"tiers", "referral_percent", "insurance_percent", "stakers_percent"}
FEE_TIER = {"volume_usd", "maker_percent", "taker_percent"}
ACCOUNTS = {"owners", "number", "cash_usd"}
ASSET = {"asset", "symbol", "decimals", "haircut_percent", "account_cap", "deposit_cap"}
ASSET_PRICE = {"price_market", "price_usd"}  # one of them


class PresetError(ValueError):
    """A preset that cannot become a genesis; the message names the place in it."""


def preset_names() -> list[str]:
    return sorted(path.stem for path in PRESETS.glob("*.toml"))


def read_preset(name_or_path: str) -> dict[str, Any]:
    """A preset by name (`localnet`) or any TOML file by path. Raises PresetError."""
    path = PRESETS / f"{name_or_path}.toml"
    if not path.exists():
        path = Path(name_or_path)
    try:
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError as error:
        known = ", ".join(preset_names())
        raise PresetError(f"no preset {name_or_path!r}; there are {known}, or give a file") from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError, IsADirectoryError) as error:
        raise PresetError(f"{path}: {error}") from error


def build(preset: dict[str, Any], resolve: Resolve, now: datetime | None = None) -> AppState:
    """The `app_state` of a preset: integers only, markets by number, accounts by owner and number.

    `resolve` turns the name of an account's owner into the 40 hex digits of an address; hex digits pass as they are.
    `now` is what `expiry_days` counts from. Raises PresetError.
    """
    now = now or datetime.now(UTC)
    _only(preset, {"params", "feeds", "markets", "accounts", "assets", "fees", "options", "portfolios"}, "the preset")
    markets = [_at(f"markets[{at}]", _market, one, now) for at, one in enumerate(preset.get("markets", []))]
    feeds = [_at(f"feeds[{index}]", _feed, one) for index, one in enumerate(preset.get("feeds", []))]
    accounts = [
        account
        for index, group in enumerate(preset.get("accounts", []))
        for account in _at(f"accounts[{index}]", _accounts, group, resolve)
    ]
    fees = {"fees": _at("fees", _fees, preset["fees"])} if "fees" in preset else {}
    rows = [_at(f"assets[{index}]", _asset, one) for index, one in enumerate(preset.get("assets", []))]
    assets = {"assets": sorted(rows, key=lambda asset: asset["asset"])} if rows else {}
    classes = [_at(f"options[{index}]", _class, one) for index, one in enumerate(preset.get("options", []))]
    options = {"options": sorted(classes, key=lambda one: one["feed"])} if classes else {}
    terms = [_at(f"portfolios[{index}]", _portfolio, one) for index, one in enumerate(preset.get("portfolios", []))]
    portfolios = {"portfolios": sorted(terms, key=lambda one: one["feed"])} if terms else {}
    return {
        **fees,
        **assets,
        **options,
        **portfolios,
        "params": _at("params", _params, preset.get("params", {}), resolve),
        "feeds": sorted(feeds, key=lambda feed: feed["feed"]),
        "markets": sorted(markets, key=lambda market: market["market"]),
        "accounts": sorted(accounts, key=lambda account: (account["owner"], account["number"])),
    }


def _at(place: str, convert: Callable[..., Any], *arguments: Any) -> Any:
    try:
        return convert(*arguments)
    except KeyError as error:
        raise PresetError(f"{place}: {error.args[0]}") from error
    except UnitError as error:
        raise PresetError(f"{place}: {error}") from error


def _only(table: dict[str, Any], names: set[str], place: str) -> None:
    unknown = sorted(set(table) - names)
    if unknown:
        raise PresetError(f"{place} has unknown keys {', '.join(unknown)}; known are {', '.join(sorted(names))}")


def _field(table: dict[str, Any], name: str, convert: Callable[..., Any], *arguments: Any) -> Any:
    """One converted field, with its name in whatever goes wrong."""
    if name not in table:
        raise KeyError(f"{name} is missing")
    try:
        return convert(table[name], *arguments)
    except UnitError as error:
        raise UnitError(f"{name} {error}") from error


def _integer(value: object) -> int:
    if not isinstance(value, int) or isinstance(value, bool) or value < 0:
        raise UnitError(f"is not a whole number: {value!r}")
    return value


def _flag(value: object) -> bool:
    if not isinstance(value, bool):
        raise UnitError(f"is neither true nor false: {value!r}")
    return value


def _text(value: object) -> str:
    if not isinstance(value, str) or not value:
        raise UnitError(f"is not a text: {value!r}")
    return value


def _owner(name: object, resolve: Resolve) -> str:
    text = _text(name)
    if len(text) == 40 and all(digit in "0123456789abcdef" for digit in text):
        return text
    try:
        return resolve(text)
    except KeyError as error:
        raise UnitError(f"{text!r} is neither an address of 40 hex digits nor a known name") from error


def _params(table: dict[str, Any], resolve: Resolve) -> dict[str, Any]:
    _only(table, PARAMS | PARAMS_OPTIONS.keys(), "params")
    return {
        "test_network": _field(table, "test_network", _flag),
        "authority": _field(table, "authority", _owner, resolve) if "authority" in table else "",
        "gas_price_e6": _field(table, "gas_price_e6", _integer),
        "max_block_gas": _field(table, "max_block_gas", _integer),
        "max_faucet_quanta": _field(table, "max_faucet_usd", usd_to_quanta),
        **{
            stored: _field(table, name, convert) for name, (stored, convert) in PARAMS_OPTIONS.items() if name in table
        },
    }


def _feed(table: dict[str, Any]) -> dict[str, Any]:
    _only(table, FEED | FEED_OPTIONS.keys(), "a feed")
    decimals = _field(table, "decimals", _integer)
    return {
        "feed": _field(table, "feed", _integer),
        "symbol": _field(table, "symbol", _text),
        "decimals": decimals,
        "price": _field(table, "price", base_to_units, decimals),
        **{stored: _field(table, name, convert) for name, (stored, convert) in FEED_OPTIONS.items() if name in table},
    }


def _dated(table: dict[str, Any], now: datetime) -> dict[str, Any]:
    """A future that expires so many days ahead does so on the Friday after, at 08:00 UTC."""
    if "expiry_days" not in table:
        return table
    if "expiry" in table:
        raise KeyError("give one of expiry and expiry_days")
    after = now + timedelta(days=_field(table, "expiry_days", _integer))
    friday = after + timedelta(days=(FRIDAY - after.weekday()) % 7)
    expiry = friday.replace(hour=8, minute=0, second=0, microsecond=0)
    dated = {**table, "expiry": expiry if expiry > after else expiry + timedelta(days=7)}
    del dated["expiry_days"]
    return dated


def _market(table: dict[str, Any], now: datetime) -> dict[str, Any]:
    table = _dated(table, now)
    _only(table, MARKET | MARGIN | MARKET_OPTIONS.keys() | {CAP}, "a market")
    lot_size = _field(table, "lot_size", _text)
    decimal(lot_size)
    return {
        "market": _field(table, "market", _integer),
        "symbol": _field(table, "symbol", _text),
        "lot_size": lot_size,
        "tick_size": _field(table, "tick_size", _text),
        "tick_quanta": _field(table, "tick_size", price_to_quanta, lot_size),
        "max_order_lots": _field(table, "max_order", base_to_lots, lot_size),
        "max_position_lots": _field(table, "max_position", base_to_lots, lot_size),
        "initial_margin_ppm": _field(table, "initial_margin_percent", percent_to_ppm),
        "maintenance_margin_ppm": _field(table, "maintenance_margin_percent", percent_to_ppm),
        "maker_fee_ppm": _field(table, "maker_fee_percent", percent_to_ppm),
        "taker_fee_ppm": _field(table, "taker_fee_percent", percent_to_ppm),
        "feed": _field(table, "feed", _integer),
        **_margin_terms(table),
        **({"max_open_interest_lots": _field(table, CAP, base_to_lots, lot_size)} if CAP in table else {}),
        **{
            stored: _field(table, name, convert) for name, (stored, convert) in MARKET_OPTIONS.items() if name in table
        },
    }


def _class(table: dict[str, Any]) -> dict[str, Any]:
    _only(table, CLASS | CLASS_OPTIONS.keys() | {CAP}, "a class of options")
    lot_size = _field(table, "lot_size", _text)
    return {
        "feed": _field(table, "feed", _integer),
        "symbol": _field(table, "symbol", _text),
        "lot_size": lot_size,
        "tick_size": _field(table, "tick_size", _text),
        "tick_quanta": _field(table, "tick_size", price_to_quanta, lot_size),
        "max_order_lots": _field(table, "max_order", base_to_lots, lot_size),
        "max_position_lots": _field(table, "max_position", base_to_lots, lot_size),
        "fund_market": _field(table, "fund_market", _integer),
        **({"max_open_interest_lots": _field(table, CAP, base_to_lots, lot_size)} if CAP in table else {}),
        **{stored: _field(table, name, convert) for name, (stored, convert) in CLASS_OPTIONS.items() if name in table},
    }


def _portfolio(table: dict[str, Any]) -> dict[str, Any]:
    _only(table, {"feed"} | PORTFOLIO_OPTIONS.keys(), "portfolios of an underlying")
    said = {stored: _field(table, name, convert) for name, (stored, convert) in PORTFOLIO_OPTIONS.items()
            if name in table}
    return {"feed": _field(table, "feed", _integer), **said}


def _asset(table: dict[str, Any]) -> dict[str, Any]:
    _only(table, ASSET | ASSET_PRICE, "an asset")
    if len(ASSET_PRICE & table.keys()) != 1:
        raise KeyError("give one of price_market and price_usd")
    decimals = _field(table, "decimals", _integer)
    price = (
        {"price_market": _field(table, "price_market", _integer)}
        if "price_market" in table
        else {"price_quanta": _field(table, "price_usd", usd_to_quanta)}
    )
    return {
        "asset": _field(table, "asset", _integer),
        "symbol": _field(table, "symbol", _text),
        "decimals": decimals,
        "haircut_ppm": _field(table, "haircut_percent", percent_to_ppm),
        "account_cap_units": _field(table, "account_cap", base_to_units, decimals),
        "deposit_cap_units": _field(table, "deposit_cap", base_to_units, decimals),
        **price,
    }


def _margin_terms(table: dict[str, Any]) -> dict[str, Any]:
    """What a market says of MARG-007 to MARG-009; nothing when it says nothing."""
    terms: dict[str, Any] = {}
    if "tiers" in table:
        terms["tiers"] = [_at(f"tiers[{index}]", _tier, tier) for index, tier in enumerate(table["tiers"])]
    for name in sorted(MARGIN - {"tiers"}):
        if name in table:
            terms[name.replace("_usd", "_quanta")] = _field(table, name, usd_to_quanta)
    return terms


def _tier(table: dict[str, Any]) -> dict[str, Any]:
    _only(table, TIER, "a tier")
    return {
        "from_notional_quanta": _field(table, "from_notional_usd", usd_to_quanta),
        "initial_ppm": _field(table, "initial_percent", percent_to_ppm),
        "maintenance_ppm": _field(table, "maintenance_percent", percent_to_ppm),
    }


def _fees(table: dict[str, Any]) -> dict[str, Any]:
    """Terms of fees; what is left out is the chain's default. A tier's percents are of a market's rates."""
    _only(table, FEES, "fees")
    terms: dict[str, Any] = {
        f"{name}_ppm": _field(table, f"{name}_percent", percent_to_ppm)
        for name in ("referral", "insurance", "stakers") if f"{name}_percent" in table
    }
    if "tiers" in table:
        terms["tiers"] = [_at(f"tiers[{index}]", _fee_tier, tier) for index, tier in enumerate(table["tiers"])]
    return terms


def _fee_tier(table: dict[str, Any]) -> dict[str, Any]:
    _only(table, FEE_TIER, "a tier")
    rebate = str(table.get("maker_percent", "")).startswith("-")
    maker = {**table, "maker_percent": str(table.get("maker_percent", "")).removeprefix("-")}
    return {
        "volume_quanta": _field(table, "volume_usd", usd_to_quanta),
        "maker_ppm": _field(maker, "maker_percent", percent_to_ppm) * (-1 if rebate else 1),
        "taker_ppm": _field(table, "taker_percent", percent_to_ppm),
    }


def _accounts(group: dict[str, Any], resolve: Resolve) -> list[dict[str, Any]]:
    _only(group, ACCOUNTS, "an account group")
    owners = group.get("owners")
    if not isinstance(owners, list) or not owners:
        raise KeyError("owners is not a list of names or addresses")
    cash_quanta = _field(group, "cash_usd", usd_to_quanta)
    number = _integer(group.get("number", 0))
    return [{"owner": _owner(name, resolve), "number": number, "cash_quanta": cash_quanta} for name in owners]


def canonical(app_state: AppState) -> bytes:
    """The one way to write an `app_state`: sorted keys, no spaces, ASCII."""
    text = json.dumps(app_state, sort_keys=True, separators=(",", ":"), ensure_ascii=True, allow_nan=False)
    return text.encode("ascii")


def state_hash(app_state: AppState) -> str:
    """SHA-256 of the canonical bytes: what validators compare before they start a network."""
    return hashlib.sha256(canonical(app_state)).hexdigest()

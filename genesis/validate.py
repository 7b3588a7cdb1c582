"""Every way in which a genesis can be wrong, found at once and said with its place."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

from genesis.units import UINT64_MAX, UnitError, base_to_lots, price_to_quanta

PPM = 1_000_000
UINT32_MAX = 2**32 - 1
FEEDS_MAX = 100
VAULT_MAX = 10**17  # quanta that the chain's vault may hold

Check = Callable[[Any], str]  # "" when good, else what is wrong


class GenesisFileError(ValueError):
    """The file is not a genesis at all."""


def _integer(low: int, high: int) -> Check:
    def check(value: Any) -> str:
        if not isinstance(value, int) or isinstance(value, bool):
            return f"must be an integer, not {json.dumps(value)}"
        return "" if low <= value <= high else f"must be between {low} and {high}, not {value}"

    return check


def _off_or(low: int, high: int) -> Check:
    within = _integer(low, high)
    return lambda value: "" if value == 0 and not isinstance(value, bool) else within(value)


def _list(value: Any) -> str:
    return "" if isinstance(value, list) else "must be a list"


def _flag(value: Any) -> str:
    return "" if isinstance(value, bool) else f"must be true or false, not {json.dumps(value)}"


def _owner(value: Any) -> str:
    good = isinstance(value, str) and len(value) == 40 and all(digit in "0123456789abcdef" for digit in value)
    return "" if good else "must be an address of 40 lower-case hex digits"


def _owner_or_none(value: Any) -> str:
    return "" if value == "" else _owner(value)


def _text(value: Any) -> str:
    good = isinstance(value, str) and 1 <= len(value) <= 32 and value.isascii() and value.isprintable()
    return "" if good else "must be a text of 1 to 32 printable ASCII characters"


def _one_of(*words: str) -> Check:
    return lambda value: "" if value in words else f"must be one of {', '.join(words)}, not {json.dumps(value)}"


def _tiers(value: Any) -> str:
    if not isinstance(value, list):
        return "must be a list"
    for index, row in enumerate(value):
        wrong = _record(row, TIER, f"[{index}]") if isinstance(row, dict) else [f"[{index}]: must be an object"]
        if wrong:
            return wrong[0]
    starts = [row["from_notional_quanta"] for row in value]
    return "" if starts == sorted(set(starts)) else "must ascend by from_notional_quanta"


TIER: dict[str, Check] = {
    "from_notional_quanta": _integer(1, UINT64_MAX),
    "initial_ppm": _integer(1, PPM),
    "maintenance_ppm": _integer(1, PPM),
}


def _fee_tiers(value: Any) -> str:
    if not isinstance(value, list) or not 1 <= len(value) <= 16:
        return "must be a list of 1 to 16 tiers"
    for index, row in enumerate(value):
        wrong = _record(row, FEE_TIER, f"[{index}]") if isinstance(row, dict) else [f"[{index}]: must be an object"]
        if wrong:
            return wrong[0]
    volumes = [row["volume_quanta"] for row in value]
    return "" if volumes[0] == 0 and volumes == sorted(set(volumes)) else "must ascend by volume_quanta from 0"


FEE_TIER: dict[str, Check] = {
    "volume_quanta": _integer(0, 2**62),
    "maker_ppm": _integer(-PPM, PPM),
    "taker_ppm": _integer(0, PPM),
}
PARAMS: dict[str, Check] = {
    "test_network": _flag,
    "authority": _owner_or_none,
    "gas_price_e6": _integer(0, UINT64_MAX),
    "max_block_gas": _integer(32_000_000, 10**13),
    "max_faucet_quanta": _integer(0, UINT64_MAX),
}
PARAMS_OPTIONAL: dict[str, Check] = {
    "withdraw_hour_quanta": _integer(0, 10**14),
    "withdraw_hour_ppm": _integer(0, 250_000),
    "withdraw_day_quanta": _integer(0, 5 * 10**14),
    "withdraw_day_ppm": _integer(0, 500_000),
    "gap_ns": _off_or(5 * 10**9, 3_600 * 10**9),
    "gap_cool_down_ns": _off_or(5 * 10**9, 3_600 * 10**9),
    "sweep_accounts": _integer(0, 1_000),
    "stress_ppm": _off_or(1_000, 500_000),
    "portfolio_maintenance_ppm": _integer(500_000, PPM),
    "offset_cap_quanta": _integer(0, 10**17),
}
NEVER_OFF = (("withdraw_hour_quanta", "withdraw_hour_ppm"), ("withdraw_day_quanta", "withdraw_day_ppm"), ("gap_ns",),
             ("gap_cool_down_ns",), ("sweep_accounts",), ("stress_ppm",))
MARKET: dict[str, Check] = {
    "market": _integer(1, UINT32_MAX),
    "symbol": _text,
    "lot_size": _text,
    "tick_size": _text,
    "tick_quanta": _integer(1, UINT64_MAX),
    "max_order_lots": _integer(1, UINT64_MAX),
    "max_position_lots": _integer(1, UINT64_MAX),
    "initial_margin_ppm": _integer(1, PPM),
    "maintenance_margin_ppm": _integer(1, PPM),
    "maker_fee_ppm": _integer(0, PPM),
    "taker_fee_ppm": _integer(0, PPM),
    "feed": _integer(1, FEEDS_MAX),
}
FEED: dict[str, Check] = {
    "feed": _integer(1, FEEDS_MAX),
    "symbol": _text,
    "decimals": _integer(0, 18),
    "price": _integer(1, 2**50),
}
FEED_OPTIONAL: dict[str, Check] = {
    "move_ppm": _integer(1, 10**9),
    "move_ppm_a_second": _integer(0, 10**9),
    "max_age_ns": _integer(1, 30 * 86_400 * 10**9),
    "warm_up_ns": _integer(0, 30 * 86_400 * 10**9),
}
MARKET_OPTIONAL: dict[str, Check] = {
    "tiers": _tiers,
    "open_interest_lower_quanta": _integer(0, UINT64_MAX),
    "open_interest_upper_quanta": _integer(0, UINT64_MAX),
    "profit_cap_quanta": _integer(0, UINT64_MAX),
    "kind": _one_of("perpetual", "future"),
    "matching": _one_of("continuous", "batch"),
    "opens_ns": _integer(0, 2**62),
    "auction_ns": _integer(0, 7 * 86_400 * 10**9),
    "expiry_ns": _integer(0, 2**62),
    "impact_notional_quanta": _integer(1, 10**17),
    "interest_e9": _integer(-(10**9), 10**9),
    "funding_band_e9": _integer(0, 10**9),
    "funding_cap_e9": _integer(0, 10**9),
    "fee_charge_ppm": _integer(0, PPM),
    "fee_charge_until_ns": _integer(0, 2**62),
    "mark_band_ppm": _integer(0, 200_000),
    "mark_window_ns": _integer(10**9, 7 * 86_400 * 10**9),
    "insurance_cap_quanta": _integer(0, VAULT_MAX),
    "insurance_quanta": _integer(0, VAULT_MAX),
    "insurance_event_quanta": _integer(0, VAULT_MAX),
    "insurance_day_quanta": _integer(0, VAULT_MAX),
    "liquidation_fee_ppm": _integer(0, PPM),
    "wind_down_loss_quanta": _integer(0, VAULT_MAX),
    "wind_down_ns": _integer(0, 365 * 86_400 * 10**9),
    "order_band_ppm": _off_or(1_000, PPM),
    "fill_band_ppm": _off_or(1_000, PPM),
    "halt_move_ppm": _off_or(1_000, PPM),
    "halt_window_ns": _integer(10**9, 3_600 * 10**9),
    "halt_auction_ns": _integer(10**9, 7 * 86_400 * 10**9),
    "halt_extensions": _integer(0, 20),
    "max_open_interest_lots": _integer(0, 2**40),
    "max_open_interest_quanta": _integer(0, VAULT_MAX),
}
CLASS: dict[str, Check] = {
    "feed": _integer(1, FEEDS_MAX),
    "symbol": _text,
    "lot_size": _text,
    "tick_size": _text,
    "tick_quanta": _integer(1, UINT64_MAX),
    "max_order_lots": _integer(1, UINT64_MAX),
    "max_position_lots": _integer(1, UINT64_MAX),
    "fund_market": _integer(1, UINT32_MAX),
}
CLASS_OPTIONAL: dict[str, Check] = {
    "max_open_interest_lots": _integer(0, 2**40),
    "maker_fee_ppm": _integer(0, PPM),
    "taker_fee_ppm": _integer(0, PPM),
    "order_band_ppm": _integer(1_000, PPM),
    "fill_band_ppm": _integer(1_000, PPM),
    "surface_max_age_ns": _integer(1, 30 * 86_400 * 10**9),
    "hour_s": _integer(0, 86_399),
    "daily": _integer(0, 12),
    "weekly": _integer(0, 12),
    "monthly": _integer(0, 12),
    "quarterly": _integer(0, 12),
    "short_s": _integer(0, 86_400),
    "shorts": _integer(0, 12),
    "strikes": _integer(1, 50),
    "step_ppm": _integer(1_000, 200_000),
    "max_series": _integer(2, 1_000),
    "margin_most_ppm": _integer(10_000, PPM),
    "margin_least_ppm": _integer(10_000, PPM),
    "maintenance_ppm": _integer(5_000, PPM),
    "initial_offset_ppm": _integer(PPM, 10 * PPM),
    "unpaired_initial_ppm": _integer(0, 10 * PPM),
    "unpaired_maintenance_ppm": _integer(0, 10 * PPM),
}
PORTFOLIO: dict[str, Check] = {"feed": _integer(1, UINT32_MAX)}
PORTFOLIO_OPTIONAL: dict[str, Check] = {
    "rows": _list,
    "up_ppm": _integer(0, 5 * PPM),
    "down_ppm": _integer(0, PPM),
    "near_power_ppm": _integer(0, PPM),
    "far_power_ppm": _integer(0, PPM),
    "shortest_ns": _integer(60 * 10**9, 365 * 86_400 * 10**9),
    "least_volatility_ppm": _integer(0, 5 * PPM),
    "skew_ppm": _integer(0, PPM),
    "skew_root_ppm": _integer(-PPM, PPM),
    "skew_least_ppm": _integer(1_000, PPM),
    "skew_reach_ppm": _integer(0, 100 * PPM),
    "skew_reach_root_ppm": _integer(-100 * PPM, 100 * PPM),
    "basis_up_ppm": _integer(1, PPM),
    "basis_down_ppm": _integer(1 - PPM, -1),
    "basis_ppm": _integer(0, 10 * PPM),
    "basis_year_ppm": _integer(0, 10 * PPM),
    "long_ppm": _integer(0, PPM),
    "long_year_ppm": _integer(0, PPM),
    "short_ppm": _integer(PPM, 2 * PPM),
    "short_year_ppm": _integer(0, PPM),
    "linear_maintenance_ppm": _integer(0, PPM),
    "linear_initial_ppm": _integer(0, PPM),
    "option_maintenance_ppm": _integer(0, PPM),
    "option_initial_ppm": _integer(0, PPM),
    "offset_ppm": _integer(0, PPM),
}
BANDS = {"order_band_ppm": 100_000, "fill_band_ppm": 150_000}  # where a market says nothing
FEES: dict[str, Check] = {
    "tiers": _fee_tiers,
    "referral_ppm": _integer(0, 500_000),
    "insurance_ppm": _integer(0, PPM),
    "stakers_ppm": _integer(0, PPM),
}
ACCOUNT: dict[str, Check] = {
    "owner": _owner,
    "number": _integer(0, UINT32_MAX),
    "cash_quanta": _integer(0, 2**63 - 1),
}
ASSET: dict[str, Check] = {
    "asset": _integer(1, UINT32_MAX),
    "symbol": _text,
    "decimals": _integer(0, 18),
    "haircut_ppm": _integer(0, PPM),
    "account_cap_units": _integer(0, 2**62),
    "deposit_cap_units": _integer(0, 2**62),
}
ASSET_PRICE: dict[str, Check] = {"price_market": _integer(1, UINT32_MAX), "price_quanta": _integer(1, UINT64_MAX)}
OPTIONAL = {"feeds": FEED_OPTIONAL, "markets": MARKET_OPTIONAL, "assets": ASSET_PRICE, "options": CLASS_OPTIONAL,
            "portfolios": PORTFOLIO_OPTIONAL}
TABLES = {"feeds": FEED, "markets": MARKET, "accounts": ACCOUNT, "assets": ASSET, "options": CLASS,
          "portfolios": PORTFOLIO}


def read_app_state(path: Path) -> dict[str, Any]:
    """The `app_state` in a file: CometBFT's genesis.json, or the bare object. Raises GenesisFileError."""
    try:
        document = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError as error:
        raise GenesisFileError(f"no file {path}: build one with `novation genesis build --file {path}`") from error
    except ValueError as error:
        raise GenesisFileError(f"{path} is not JSON: {error}") from error
    state = document.get("app_state", document) if isinstance(document, dict) else None
    if not isinstance(state, dict):
        raise GenesisFileError(f"{path} does not hold an app_state object")
    return state


def problems(app_state: dict[str, Any]) -> list[str]:
    """Everything wrong with `app_state`, each line beginning with its place; empty when all is well."""
    found = _unknown(app_state, {"params", "fees", *TABLES}, "app_state")
    params = app_state.get("params")
    found += (_record(params, PARAMS, "params", PARAMS_OPTIONAL) if isinstance(params, dict)
              else ["params: must be an object"])
    fees = app_state.get("fees", {})
    found += _record(fees, {}, "fees", FEES) if isinstance(fees, dict) else ["fees: must be an object"]
    for name, checks in TABLES.items():
        rows = app_state.get(name, [] if name in ("assets", "options", "portfolios") else None)
        if not isinstance(rows, list):
            found.append(f"{name}: must be a list")
            continue
        for index, row in enumerate(rows):
            place = f"{name}[{index}]"
            optional = OPTIONAL.get(name, {})
            found += _record(row, checks, place, optional) if isinstance(row, dict) else [f"{place}: must be an object"]
    return found or _relations(app_state)


def _unknown(record: dict[str, Any], names: set[str], place: str) -> list[str]:
    return [f"{place}.{name}: is not known" for name in sorted(set(record) - names)]


def _record(record: dict[str, Any], checks: dict[str, Check], place: str,
            optional: dict[str, Check] | None = None) -> list[str]:
    optional = optional or {}
    found = _unknown(record, set(checks) | set(optional), place)
    for name, check in {**checks, **optional}.items():
        if name in optional and name not in record:
            continue
        wrong = check(record[name]) if name in record else "is missing"
        if wrong:
            found.append(f"{place}.{name}: {wrong}")
    return found


def _relations(app_state: dict[str, Any]) -> list[str]:
    """What only shows between fields; called once every field is sound."""
    found: list[str] = []
    params = app_state["params"]
    for names in NEVER_OFF:
        if not params["test_network"] and not any(params.get(name, 1) for name in names):
            found.append(f"params.{names[0]}: only a test network may switch it off")
    fees = app_state.get("fees", {})
    if fees.get("insurance_ppm", 0) + fees.get("stakers_ppm", 0) > PPM:
        found.append(f"fees.stakers_ppm: must be at most {PPM} together with insurance_ppm")
    if not app_state["markets"]:
        found.append("markets: there must be at least one")
    for index, market in enumerate(app_state["markets"]):
        found += [f"markets[{index}].{wrong}" for wrong in _market_relations(market)]
        if market["feed"] > len(app_state["feeds"]):
            found.append(f"markets[{index}].feed: there is no feed {market['feed']}")
    if [feed["feed"] for feed in app_state["feeds"]] != list(range(1, len(app_state["feeds"]) + 1)):
        found.append("feeds: must be numbered from 1, ascending and without gaps")
    for field in ("market", "symbol"):
        found += _repeated([market[field] for market in app_state["markets"]], "markets", field)
    found += _asset_relations(app_state) + _class_relations(app_state)
    owners = [(account["owner"], account["number"]) for account in app_state["accounts"]]
    found += _repeated(owners, "accounts", "owner and number")
    cash = sum(account["cash_quanta"] for account in app_state["accounts"])
    if cash + sum(market.get("insurance_quanta", 0) for market in app_state["markets"]) > VAULT_MAX:
        found.append(f"accounts: all cash, and insurance_quanta of all markets, must not exceed {VAULT_MAX} together")
    return found


def _asset_relations(app_state: dict[str, Any]) -> list[str]:
    assets = app_state.get("assets", [])
    numbers = {market["market"] for market in app_state["markets"]}
    found = _repeated([asset["asset"] for asset in assets], "assets", "asset")
    for index, asset in enumerate(assets):
        if len(ASSET_PRICE.keys() & asset.keys()) != 1:
            found.append(f"assets[{index}]: needs one of price_market and price_quanta")
        elif asset.get("price_market", 0) and asset["price_market"] not in numbers:
            found.append(f"assets[{index}].price_market: there is no market {asset['price_market']}")
    return found


def _class_relations(app_state: dict[str, Any]) -> list[str]:
    classes = app_state.get("options", [])
    known = [feed["feed"] for feed in app_state["feeds"]]
    portfolios = [one["feed"] for one in app_state.get("portfolios", [])]
    feeds = {market["market"]: market["feed"] for market in app_state["markets"]}
    found = _repeated([one["feed"] for one in classes], "options", "feed")
    found += _repeated(portfolios, "portfolios", "feed")
    found += [f"portfolios[{index}].feed: there is no feed {feed}" for index, feed in enumerate(portfolios)
              if feed not in known]
    for index, one in enumerate(classes):
        place = f"options[{index}]"
        if feeds.get(one["fund_market"]) != one["feed"]:
            found.append(f"{place}.fund_market: must be a market on feed {one['feed']}")
        if one.get("order_band_ppm", 20_000) > one.get("fill_band_ppm", 40_000):
            found.append(f"{place}.order_band_ppm: must be at most fill_band_ppm")
        if bool(one.get("short_s")) != bool(one.get("shorts")):
            found.append(f"{place}.shorts: with short_s, or neither")
        if one.get("shorts") and not app_state["params"]["test_network"]:
            found.append(f"{place}.shorts: on a test network only")
        found += [f"{place}.{wrong}" for wrong in _ticks(one)]
    return found


def _ticks(market: dict[str, Any]) -> list[str]:
    """What is wrong with the decimals of a market or class of options."""
    try:
        base_to_lots(market["lot_size"], market["lot_size"])
        stated = price_to_quanta(market["tick_size"], market["lot_size"])
    except UnitError as error:
        return [f"lot_size and tick_size: {error}"]
    if stated != market["tick_quanta"]:
        return [f"tick_quanta: is {market['tick_quanta']}, but tick_size times lot_size make {stated}"]
    return []


def _market_relations(market: dict[str, Any]) -> list[str]:
    found = []
    if (market.get("kind") == "future") != bool(market.get("expiry_ns")):
        found.append("expiry_ns: a future has one, a perpetual none")
    if market["maintenance_margin_ppm"] > market["initial_margin_ppm"]:
        found.append("maintenance_margin_ppm: must not exceed initial_margin_ppm")
    if market["max_order_lots"] > market["max_position_lots"]:
        found.append("max_order_lots: must not exceed max_position_lots")
    order_band, fill_band = (market.get(name, default) for name, default in BANDS.items())
    if fill_band and not 0 < order_band <= fill_band:
        found.append("order_band_ppm: must be above 0 and at most fill_band_ppm")
    cap = market.get("insurance_cap_quanta")
    if cap is not None and market.get("insurance_quanta", 0) > cap:
        found.append(f"insurance_quanta: must not exceed insurance_cap_quanta {cap}")
    return found + _ticks(market)


def _repeated(values: list[Any], table: str, field: str) -> list[str]:
    seen: set[Any] = set()
    found = []
    for index, value in enumerate(values):
        if value in seen:
            found.append(f"{table}[{index}].{field}: {value} is there twice")
        seen.add(value)
    return found


def differences(left: Any, right: Any, place: str = "app_state") -> list[str]:
    """Where two documents differ: one line a place, in order."""
    if isinstance(left, dict) and isinstance(right, dict):
        lines = []
        for name in sorted(set(left) | set(right)):
            if name not in left:
                lines.append(f"{place}.{name}: only in the second: {json.dumps(right[name], sort_keys=True)}")
            elif name not in right:
                lines.append(f"{place}.{name}: only in the first: {json.dumps(left[name], sort_keys=True)}")
            else:
                lines += differences(left[name], right[name], f"{place}.{name}")
        return lines
    if isinstance(left, list) and isinstance(right, list) and len(left) == len(right):
        pairs = enumerate(zip(left, right, strict=True))
        return [line for index, (one, two) in pairs for line in differences(one, two, f"{place}[{index}]")]
    if left == right:
        return []
    return [f"{place}: {json.dumps(left, sort_keys=True)} → {json.dumps(right, sort_keys=True)}"]

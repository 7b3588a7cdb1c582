"""Assets from genesis: what else may be collateral."""

from app.collateral.types import Asset, Vault, asset_vault
from app.context import Context
from app.errors import GenesisError
from app.kernel.codec import decimal_parts
from app.kernel.integers import PPM
from app.limits import MAX_ASSET_DECIMALS, MAX_ASSET_UNITS, MAX_ASSETS, MAX_MARKETS, MAX_PRICE_QUANTA
from app.params import require_integer, require_symbol

FIELDS = {
    "asset",
    "symbol",
    "decimals",
    "haircut_ppm",
    "account_cap_units",
    "deposit_cap_units",
    "price_market",
    "price_quanta",
}


def load_asset(ctx: Context, section: dict[str, object]) -> None:
    """COLL-010: validate one entry of the genesis list `assets`, after the markets, and store it. Raises GenesisError
    naming the field.

    Either `price_market`, whose base the asset is, or `price_quanta`, the fixed price of one whole.
    """
    if unknown := sorted(section.keys() - FIELDS):
        raise GenesisError(f"assets: unknown fields {unknown}")
    number = require_integer(section, "assets[]", "asset", 1, MAX_ASSETS)
    where = f"assets[{number}]"
    if ctx.assets.get(number) is not None:
        raise GenesisError(f"{where}: listed twice")
    if ("price_market" in section) == ("price_quanta" in section):
        raise GenesisError(f"{where}: either price_market or price_quanta")
    asset = Asset(
        asset=number,
        symbol=require_symbol(section, where),
        decimals=require_integer(section, where, "decimals", 0, MAX_ASSET_DECIMALS),
        haircut_ppm=require_integer(section, where, "haircut_ppm", 0, PPM),
        account_cap_units=require_integer(section, where, "account_cap_units", 0, MAX_ASSET_UNITS),
        deposit_cap_units=require_integer(section, where, "deposit_cap_units", 0, MAX_ASSET_UNITS),
    )
    if "price_quanta" in section:
        asset.price_quanta = require_integer(section, where, "price_quanta", 1, MAX_PRICE_QUANTA)
        asset.units_a_price = 10**asset.decimals
    else:
        asset.price_market = require_integer(section, where, "price_market", 1, MAX_MARKETS)
        asset.units_a_price = units_a_lot(ctx, where, asset)
    ctx.assets.put(number, asset)
    ctx.vault.put(asset_vault(number), Vault())


def units_a_lot(ctx: Context, where: str, asset: Asset) -> int:
    """How many units of the asset a lot of its price market is; a whole number, or GenesisError."""
    market = ctx.markets.get(asset.price_market)
    if market is None:
        raise GenesisError(f"{where}.price_market: there is no market {asset.price_market}")
    digits, places = decimal_parts(market.lot_size)
    units: int = digits * 10**asset.decimals // 10**places
    if not units or units * 10**places != digits * 10**asset.decimals:
        raise GenesisError(f"{where}.decimals: a lot of {market.lot_size} is not a whole number of units")
    return units

"""What the chain holds for its users, and the funds it keeps for itself. Quote quanta throughout."""

from dataclasses import dataclass, replace

from app.kernel.codec import u32

VAULT_KEY = b"usd"
ASSET_SPACE = b"asset/"
FEES_FUND = b"fees"
TREASURY_FUND = b"treasury"
STAKERS_FUND = b"stakers"
INSURANCE_FUNDS = b"insurance/"
FUNDING_POOLS = b"funding/"
FUNDS = (FEES_FUND, TREASURY_FUND, STAKERS_FUND)


def insurance_fund(market: int) -> bytes:
    """The key of a market's insurance fund."""
    return INSURANCE_FUNDS + u32(market)


def funding_pool(market: int) -> bytes:
    """The key of a market's funding pool: the one fund that may be below zero, while those who
    owe have not settled (FUND-003).
    """
    return FUNDING_POOLS + u32(market)


def asset_vault(asset: int) -> bytes:
    """The key of the vault of an asset, which counts in its units."""
    return ASSET_SPACE + u32(asset)


def asset_fund(asset: int, fund: bytes) -> bytes:
    """The key of what `fund` holds of an asset, in its units."""
    return ASSET_SPACE + u32(asset) + b"/" + fund


def asset_of(key: bytes) -> int:
    """The asset that a key of a vault or fund counts; 0 for the quote currency."""
    start = len(ASSET_SPACE)
    return int.from_bytes(key[start : start + 4], "big") if key.startswith(ASSET_SPACE) else 0


@dataclass(slots=True)
class Asset:
    """What else may be collateral, and what it counts for (COLL-010). Its price is for `units_a_price` units: the
    index of `price_market`, or `price_quanta` when that is 0.
    """

    asset: int = 0
    symbol: str = ""
    decimals: int = 0
    haircut_ppm: int = 0
    account_cap_units: int = 0
    deposit_cap_units: int = 0
    price_market: int = 0
    price_quanta: int = 0
    units_a_price: int = 0
    stamp: int = 0

    def copy(self) -> "Asset":
        """A copy that may be changed."""
        return replace(self)


@dataclass(slots=True)
class Vault:
    """All of one collateral in custody. COLL-001: equals what all accounts plus all funds hold of it."""

    held_quanta: int = 0
    stamp: int = 0

    def copy(self) -> "Vault":
        """A copy that may be changed."""
        return Vault(self.held_quanta)


@dataclass(slots=True)
class Fund:
    """A named pot of the chain's own, such as collected fees. Only funding pools may be below zero."""

    balance_quanta: int = 0
    stamp: int = 0

    def copy(self) -> "Fund":
        """A copy that may be changed."""
        return Fund(self.balance_quanta)

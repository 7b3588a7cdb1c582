"""What the chain holds for its users, and the funds it keeps for itself. Quote quanta throughout."""

from dataclasses import dataclass

from app.kernel.codec import u32

VAULT_KEY = b"usd"
FEES_FUND = b"fees"
TREASURY_FUND = b"treasury"
STAKERS_FUND = b"stakers"
FUNDS = (FEES_FUND, TREASURY_FUND, STAKERS_FUND)


def insurance_fund(market: int) -> bytes:
    """The key of a market's insurance fund."""
    return b"insurance/" + u32(market)


def funding_pool(market: int) -> bytes:
    """The key of a market's funding pool: the one fund that may be below zero, while those who
    owe have not settled (FUND-003).
    """
    return b"funding/" + u32(market)


@dataclass(slots=True)
class Vault:
    """All collateral in custody. COLL-001: equals the cash of all accounts plus all funds."""

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

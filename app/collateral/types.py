"""What the chain holds for its users, and the funds it keeps for itself. Quote quanta throughout."""

from dataclasses import dataclass

VAULT_KEY = b"usd"
FEES_FUND = b"fees"


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
    """A named pot of the chain's own, such as collected fees."""

    balance_quanta: int = 0
    stamp: int = 0

    def copy(self) -> "Fund":
        """A copy that may be changed."""
        return Fund(self.balance_quanta)

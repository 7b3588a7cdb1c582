"""All proofs: importing a file of laws registers them. A new domain adds its file here."""

from tests.proofs.laws import (
    accounts,
    book,
    breakers,
    clearing,
    collateral,
    fees,
    funding,
    kernel,
    liquidation,
    margin,
    markets,
    settlement,
    triggers,
)
from tests.proofs.prover import PROOFS

LAWS = (
    kernel, accounts, collateral, markets, breakers, fees, funding, margin, clearing, book, settlement, triggers,
    liquidation,
)

__all__ = ["LAWS", "PROOFS"]

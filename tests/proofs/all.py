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
    marks,
    option_margin,
    options,
    oracle,
    portfolio,
    pricing,
    settlement,
    surface,
    triggers,
    validators,
)
from tests.proofs.prover import PROOFS

LAWS = (
    kernel, accounts, validators, oracle, collateral, markets, breakers, fees, funding, marks, margin,
    clearing, book, settlement, triggers, liquidation, pricing, surface,
    portfolio, option_margin, options,
)  # fmt: skip

__all__ = ["LAWS", "PROOFS"]

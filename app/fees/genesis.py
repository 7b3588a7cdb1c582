"""The terms of fees from genesis; a chain that says nothing has the defaults."""

from app.context import Context
from app.errors import GenesisError
from app.fees.types import TERMS_KEY, FeeTerms, Tier
from app.kernel.integers import PPM
from app.limits import MAX_FEE_TIERS, MAX_REFERRAL_PPM
from app.params import require_integer

TIER_FIELDS = {"volume_quanta", "maker_ppm", "taker_ppm"}
SHARES = (("referral_ppm", MAX_REFERRAL_PPM), ("insurance_ppm", PPM), ("stakers_ppm", PPM))


def load_terms(ctx: Context, section: dict[str, object]) -> None:
    """FEES-008: validate the genesis section `fees` and store it. Raises GenesisError naming the field."""
    known = {"tiers"} | {name for name, _ in SHARES}
    if unknown := sorted(section.keys() - known):
        raise GenesisError(f"fees: unknown fields {unknown}")
    terms = FeeTerms()
    if "tiers" in section:
        terms.tiers = _tiers(section["tiers"])
    for name, most in SHARES:
        if name in section:
            setattr(terms, name, require_integer(section, "fees", name, 0, most))
    if terms.insurance_ppm + terms.stakers_ppm > PPM:
        raise GenesisError(f"fees.stakers_ppm: with insurance_ppm at most {PPM}")
    ctx.fee_terms.put(TERMS_KEY, terms)


def _tiers(entries: object) -> tuple[Tier, ...]:
    if not isinstance(entries, list) or not 1 <= len(entries) <= MAX_FEE_TIERS:
        raise GenesisError(f"fees.tiers: a list of 1 to {MAX_FEE_TIERS} tiers")
    tiers: list[Tier] = []
    for number, entry in enumerate(entries):
        where = f"fees.tiers[{number}]"
        if not isinstance(entry, dict) or entry.keys() != TIER_FIELDS:
            raise GenesisError(f"{where}: an object with {sorted(TIER_FIELDS)}")
        low = tiers[-1].volume_quanta + 1 if tiers else 0
        tiers.append(
            Tier(
                require_integer(entry, where, "volume_quanta", low, 1 << 62 if tiers else 0),
                require_integer(entry, where, "maker_ppm", -PPM, PPM),
                require_integer(entry, where, "taker_ppm", 0, PPM),
            )
        )
    return tuple(tiers)

"""Every function under proof: the proofs that speak of it, or why there are none. A test keeps this complete."""

from tests.proofs import source
from tests.proofs.all import PROOFS

TABLES = "reads tables of numbers of 96 bits: compared with mpmath in tests/unit/app/pricing, laws in tests/properties"
SHAPES = "exponentials, roots and prices: compared with mpmath in tests/properties/test_portfolio.py"
ROOT = "an integer square root: both its sides are tried in tests/properties/test_pricing.py"
DATES = "dates: compared with the standard library's calendar in tests/unit/app/options"

LISTED = {
    "kernel.sqrt_floor": "the standard library's integer square root",
    "params.Params.copy": "copies a record; no arithmetic",
    "params.is_authority": "compares bytes; no arithmetic",
    "params.params_from_genesis": "reads a document; its tests are in tests/unit",
    "params.breaker_terms": "reads a document; its tests are in tests/unit",
    "params.optional_integer": "reads a document; its tests are in tests/unit",
    "params.require_integer": "reads a document; its tests are in tests/unit",
    "params.require_symbol": "reads a document; its tests are in tests/unit",
    "oracle.kept_expiries": "sorts and filters a list; no arithmetic on money; its tests are in tests/unit",
    "surface.convex_slice": "a minimum over 35 chords has too many paths: tried in tests/properties/test_surface.py",
    "surface.butterfly_free": "squares of products: compared with the density in tests/properties/test_surface.py",
    "surface.slice_between": "surface.between, which is proven, at each of the seven points",
    "surface.split_forward": "products of three unknowns: tried in tests/unit/app/surface/test_curves.py",
    "surface.counted_slice": "a share of seven numbers: tried in tests/unit/app/surface/test_curves.py",
    "surface.entering": "filters a list by what butterfly_free says: tried in tests/unit/app/surface/test_curves.py",
    "surface.staying": "filters a list by what calendar_free says: tried in tests/unit/app/surface/test_curves.py",
    "surface.dense": "as butterfly_free",
    "margin.frozen_option": "a sum of products and frozen_margin: its numbers are tried in tests/unit/app/margin",
    "portfolio.volatility_factors": SHAPES,
    "portfolio.static_discounts": SHAPES,
    "portfolio.skew_limits": SHAPES,
    "portfolio.expiry_of": SHAPES,
    "portfolio.skewed": SHAPES,
    "portfolio.array_of": SHAPES,
    "portfolio.expiry_rows": "products of 80 bits: its laws are tried in tests/properties/test_portfolio.py",
    "portfolio.anchor_distance": "products of 80 bits: what it bounds is tried in tests/properties/test_portfolio.py",
    "portfolio.has_left": "compares products; its edges are tried in tests/unit/app/portfolio",
    "portfolio.steady_row": "finds a row; no arithmetic",
    "portfolio.Scan.total_e6": "a sum",
    "options.civil": DATES,
    "options.first_of_month": DATES,
    "options.fridays": DATES,
    "options.last_fridays": DATES,
    "options.next_days": DATES,
    "options.expiry_days": DATES,
    "options.schedule": DATES,
    "options.strike_step": ROOT,
    "options.date_text": "makes text; its tests are in tests/unit/app/options",
    "options.price_text": "makes text; its tests are in tests/unit/app/options",
    "pricing.deviation": ROOT,
    "pricing.volatility": ROOT,
    "pricing.distance": TABLES,
    "pricing.time_value": TABLES,
    "pricing.call": TABLES,
    "pricing.put": TABLES,
    "pricing.array": TABLES,
    "pricing.greeks": TABLES,
    "pricing.implied_deviation": "prices on both sides of what it finds are tried in tests/properties/test_pricing.py",
    "pricing.search": "as implied_deviation",
    "pricing.option_price": "as call and put: compared with them in tests/unit/app/pricing/test_means.py",
    "pricing.payoff": "tried at its edges in tests/unit/app/pricing/test_means.py",
    "pricing.in_lots": "tried at its edges in tests/unit/app/pricing/test_means.py",
    "pricing.newton": "a guess only: whatever it says, search ends at the same deviation",
}


def functions() -> list[str]:
    """Every function of every rules.py, of the integers, and of gas and params."""
    return [name for short in source.modules() for name in source.functions(short)]


def proofs_of(function: str) -> list[str]:
    """The names of the proofs that speak of a function. Laws that do not hold are no proofs."""
    return [item.name for item in PROOFS if function in item.about and not item.breaks]


def rows() -> list[tuple[str, str]]:
    """(function, its proofs or the reason for none)."""
    return [(name, ", ".join(proofs_of(name)) or LISTED.get(name, "NEITHER PROVEN NOR LISTED")) for name in functions()]

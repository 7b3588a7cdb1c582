"""Terms of portfolio margin from genesis: what an entry does not say is near Derive's PMRM of mainnet."""

from app.context import Context
from app.errors import GenesisError
from app.kernel.integers import PPM
from app.limits import MAX_FEEDS, MAX_MOVE_PPM, MAX_PORTFOLIO_ROWS
from app.params import optional_integer, require_integer
from app.portfolio.rules import DOWN, STEADY, UP, Row, Terms, steady_row
from app.portfolio.types import DEFAULT, PortfolioTerms
from app.pricing.rules import YEAR_NS

# name -> (lowest, highest)
BOUNDS = {
    "up_ppm": (0, 5 * PPM),
    "down_ppm": (0, PPM),
    "near_power_ppm": (0, PPM),
    "far_power_ppm": (0, PPM),
    "shortest_ns": (60 * 10**9, YEAR_NS),
    "least_volatility_ppm": (0, 5 * PPM),
    "skew_ppm": (0, PPM),
    "skew_root_ppm": (-PPM, PPM),
    "skew_least_ppm": (1_000, PPM),
    "skew_reach_ppm": (0, 100 * PPM),
    "skew_reach_root_ppm": (-100 * PPM, 100 * PPM),
    "basis_up_ppm": (1, PPM),
    "basis_down_ppm": (1 - PPM, -1),
    "basis_ppm": (0, 10 * PPM),
    "basis_year_ppm": (0, 10 * PPM),
    "long_ppm": (0, PPM),
    "long_year_ppm": (0, PPM),
    "short_ppm": (PPM, 3 * PPM // 2),
    "short_year_ppm": (0, PPM // 5),
    "linear_maintenance_ppm": (0, PPM // 2),
    "linear_initial_ppm": (0, PPM),
    "option_maintenance_ppm": (0, PPM),
    "option_initial_ppm": (0, PPM),
    "offset_ppm": (0, PPM),
}
VOLATILITIES = {"steady": STEADY, "up": UP, "down": DOWN}


def load_portfolio(ctx: Context, section: dict[str, object]) -> None:
    """PORT-012: validate one entry of the genesis list `portfolios` and store it. Raises GenesisError."""
    if unknown := sorted(section.keys() - {"feed", "rows"} - BOUNDS.keys()):
        raise GenesisError(f"portfolios: unknown fields {unknown}")
    feed = require_integer(section, "portfolios[]", "feed", 1, MAX_FEEDS)
    where = f"portfolios[{feed}]"
    if ctx.feeds.get(feed) is None or ctx.portfolios.get(feed) is not None:
        raise GenesisError(f"{where}.feed: there is no such feed, or it is there twice")
    numbers = {
        name: optional_integer(section, where, name, low, high, getattr(DEFAULT, name))
        for name, (low, high) in BOUNDS.items()
    }
    terms = Terms(rows_of(section, where), **numbers)
    check_rows(ctx, where, terms)
    ctx.portfolios.put(feed, PortfolioTerms(feed, terms))


def rows_of(section: dict[str, object], where: str) -> tuple[Row, ...]:
    """PORT-001: the rows of an entry, each {spot_ppm, volatility, weight_ppm}; those of mainnet when it has none."""
    listed = section.get("rows")
    if listed is None:
        return DEFAULT.rows
    if not isinstance(listed, list) or not 0 < len(listed) <= MAX_PORTFOLIO_ROWS:
        raise GenesisError(f"{where}.rows: a list of 1 to {MAX_PORTFOLIO_ROWS}")
    rows = []
    for row in listed:
        if not isinstance(row, dict) or row.keys() != set(Row._fields) or row["volatility"] not in VOLATILITIES:
            raise GenesisError(f"{where}.rows: each with {list(Row._fields)}, volatility one of {list(VOLATILITIES)}")
        spot_ppm = require_integer(row, f"{where}.rows[]", "spot_ppm", 1 - PPM, MAX_MOVE_PPM)
        weight_ppm = require_integer(row, f"{where}.rows[]", "weight_ppm", 1, PPM)
        rows.append(Row(spot_ppm, VOLATILITIES[row["volatility"]], weight_ppm))
    return tuple(rows)


def check_rows(ctx: Context, where: str, terms: Terms) -> None:
    """PORT-001, PORT-010: the rows that others rest on are there, and all underlyings have as many."""
    for spot_ppm in (0, terms.basis_up_ppm, terms.basis_down_ppm):
        row = steady_row(terms.rows, spot_ppm)
        if row < 0 or (not spot_ppm and terms.rows[row].weight_ppm < PPM):
            raise GenesisError(f"{where}.rows: one of {spot_ppm} ppm with steady volatility, without a move in full")
    if max(abs(row.spot_ppm) * row.weight_ppm for row in terms.rows) > PPM * PPM // 2:  # HLTH-005 rests on it
        raise GenesisError(f"{where}.rows: a move times its weight is at most a half")
    for feed in range(1, MAX_FEEDS + 1):
        other = ctx.portfolios.get(feed)
        if other is not None and len(other.terms.rows) != len(terms.rows):
            raise GenesisError(f"{where}.rows: as many as those of feed {feed}")

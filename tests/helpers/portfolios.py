"""Portfolio margin in doubles: what the integers of app.portfolio.rules stand for, written once more and plainly."""

import math
from dataclasses import dataclass

from app.portfolio.rules import DOWN, UP, Terms
from app.pricing.rules import YEAR_NS

MONTH_DAYS, DAY_NS, PPM = 30.0, 86_400 * 10**9, 1e6


@dataclass(frozen=True, slots=True)
class Held:
    """Lots of one option on a flat curve."""

    strike: int
    is_call: bool
    lots: int


def black(forward: float, strike: float, spread: float, is_call: bool) -> float:
    """Black-76 without discount."""
    side = 1 if is_call else -1
    if strike <= 0:
        return max(0.0, forward - strike) if is_call else 0.0
    if spread <= 0 or forward <= 0:
        return max(0.0, side * (forward - strike))
    above = math.log(forward / strike) / spread + spread / 2
    near, far = math.erfc(-side * above / math.sqrt(2)) / 2, math.erfc(-side * (above - spread) / math.sqrt(2)) / 2
    return side * (forward * near - strike * far)


def spread_in(row: int, spread: float, time_ns: int, terms: Terms) -> float:
    """The deviation in a row that shocks volatility."""
    days = max(time_ns, terms.shortest_ns) / DAY_NS
    power = (terms.near_power_ppm if days <= MONTH_DAYS else terms.far_power_ppm) / PPM
    shock = (MONTH_DAYS / days) ** power
    if row == UP:
        least = terms.least_volatility_ppm / PPM * math.sqrt(time_ns / YEAR_NS)
        return max(spread * (1 + terms.up_ppm / PPM * shock), least)
    return spread * max(0.0, 1 - terms.down_ppm / PPM * shock) if row == DOWN else spread


def skew_of(spread: float, moneyness: float, time_ns: int, terms: Terms) -> float:
    """The deviation in a skew row."""
    root = math.sqrt(time_ns / YEAR_NS)
    most = min(1.0, max(0.0, (terms.skew_ppm + terms.skew_root_ppm * root) / PPM))
    reach = max(terms.skew_least_ppm / PPM, root * (terms.skew_reach_ppm + terms.skew_reach_root_ppm * root) / PPM)
    return spread * (1 + max(-most, min(most, moneyness * most / reach)))


def expiry_profits(held: list[Held], value: float, fixed: int, live: int, spread: float, time_ns: int,
                   terms: Terms) -> list[float]:
    """The unweighted figures of one expiry, repriced directly: rows, skews, basis."""

    def worth(forward: float, of: dict[int, float] | float) -> float:
        return sum(one.lots * black(forward - fixed, one.strike - fixed, of[place] if isinstance(of, dict) else of,
                                    one.is_call) for place, one in enumerate(held))

    now = worth(fixed + live, spread)
    years = time_ns / YEAR_NS
    long = terms.long_ppm / PPM * math.exp(-years * terms.long_year_ppm / PPM)
    short = terms.short_ppm / PPM * math.exp(years * terms.short_year_ppm / PPM)
    found = []
    for row in terms.rows:
        change = worth(fixed + live * (1 + row.spot_ppm / PPM), spread_in(row.volatility, spread, time_ns, terms)) - now
        shocked = value + change
        found.append(shocked * (long if shocked >= 0 else short) - value)
    depth = [math.log((one.strike - fixed) / live) if one.strike > fixed and live else 0.0 for one in held]
    for skew in (depth, [abs(away) for away in depth]):
        spreads = {place: skew_of(spread, away, time_ns, terms) for place, away in enumerate(skew)}
        found.append(-abs(worth(fixed + live, spreads) - now))
    ends = [worth(fixed + live * (1 + move / PPM), spread) - now for move in (terms.basis_up_ppm, terms.basis_down_ppm)]
    found.append(min(0.0, *ends) * (terms.basis_ppm + terms.basis_year_ppm * years) / PPM)
    return found

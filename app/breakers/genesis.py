"""Terms of breakers, from a market's entry in genesis. What an entry does not say is set to something safe."""

from app.breakers.types import CHAIN, SWEEP_KEY, Breakers, Sweep
from app.context import Context
from app.errors import GenesisError
from app.limits import (
    MAX_AUCTION_NS,
    MAX_BAND_PPM,
    MAX_HALT_EXTENSIONS,
    MAX_HALT_WINDOW_NS,
    MAX_ORDER_LOTS,
    MAX_VAULT_QUANTA,
    MIN_BAND_PPM,
    MIN_HALT_NS,
)
from app.params import optional_integer

# name -> (lowest beside 0, highest, what stands when the entry says nothing)
TERMS = {
    "order_band_ppm": (MIN_BAND_PPM, MAX_BAND_PPM, 100_000),
    "fill_band_ppm": (MIN_BAND_PPM, MAX_BAND_PPM, 150_000),
    "halt_move_ppm": (MIN_BAND_PPM, MAX_BAND_PPM, 100_000),
    "halt_window_ns": (MIN_HALT_NS, MAX_HALT_WINDOW_NS, 300_000_000_000),
    "halt_auction_ns": (MIN_HALT_NS, MAX_AUCTION_NS, 120_000_000_000),
    "halt_extensions": (0, MAX_HALT_EXTENSIONS, 5),
    "max_open_interest_lots": (0, MAX_ORDER_LOTS, 0),
    "max_open_interest_quanta": (0, MAX_VAULT_QUANTA, 0),
}
MAY_BE_OFF = {"order_band_ppm", "fill_band_ppm", "halt_move_ppm"}


def arm(ctx: Context, number: int, section: dict[str, object]) -> None:
    """BRK-013: store what a market's entry says of breakers, within the bounds of the code. Raises GenesisError."""
    where, market = f"markets[{number}]", ctx.markets.edit(number)
    for name, (low, high, default) in TERMS.items():
        value = optional_integer(section, where, name, 0 if name in MAY_BE_OFF else low, high, default)
        if 0 < value < low:
            raise GenesisError(f"{where}.{name}: 0 or from {low} to {high}, not {value}")
        setattr(market, name, value)
    if market.fill_band_ppm and not 0 < market.order_band_ppm <= market.fill_band_ppm:
        raise GenesisError(f"{where}.order_band_ppm: above 0 and at most fill_band_ppm, or an order halts the market")
    ctx.breakers.put(number, Breakers())


def arm_chain(ctx: Context) -> None:
    """BRK-001: the records of the whole chain; what genesis says of its breakers is in `params` (BRK-018)."""
    ctx.breakers.put(CHAIN, Breakers())
    ctx.sweeps.put(SWEEP_KEY, Sweep())

"""Terms of liquidation and the first balance of insurance funds, from a market's entry in genesis. All are optional."""

from app.collateral.types import Fund, insurance_fund
from app.context import Context
from app.kernel.integers import PPM
from app.limits import MAX_VAULT_QUANTA
from app.params import require_integer

# name -> (lowest, highest); the defaults are those of markets.types.Market
TERMS = {
    "liquidation_fee_ppm": (0, PPM),
    "insurance_event_quanta": (0, MAX_VAULT_QUANTA),
    "insurance_day_quanta": (0, MAX_VAULT_QUANTA),
    "wind_down_loss_quanta": (0, MAX_VAULT_QUANTA),
    "wind_down_ns": (0, 365 * 86_400_000_000_000),
}

EVENTS_A_DAY = 10  # where genesis does not say it: a day is so many times what is paid for one account


def insure(ctx: Context, market: int, section: dict[str, object]) -> int:
    """LIQ-022: store what the entry says of liquidation, and the market's insurance fund. Returns the fund's quanta,
    which the vault must hold. Raises GenesisError.
    """
    where = f"markets[{market}]"
    record = ctx.markets.edit(market)
    for name, (low, high) in TERMS.items():
        if name in section:
            setattr(record, name, require_integer(section, where, name, low, high))
    if "insurance_day_quanta" not in section:
        record.insurance_day_quanta = min(EVENTS_A_DAY * record.insurance_event_quanta, MAX_VAULT_QUANTA)
    balance = require_integer({"insurance_quanta": 0, **section}, where, "insurance_quanta", 0, MAX_VAULT_QUANTA)
    ctx.funds.put(insurance_fund(market), Fund(balance))
    return balance

"""Chain-wide parameters: one record, set at genesis."""

from dataclasses import dataclass, replace

from app.errors import GenesisError
from app.kernel.hashing import ADDRESS_SIZE
from app.kernel.integers import PPM
from app.limits import (
    MAX_GAP_NS,
    MAX_STRESS_PPM,
    MAX_SWEEP_ACCOUNTS,
    MAX_VAULT_QUANTA,
    MAX_WITHDRAW_DAY_PPM,
    MAX_WITHDRAW_DAY_QUANTA,
    MAX_WITHDRAW_HOUR_PPM,
    MAX_WITHDRAW_HOUR_QUANTA,
    MIN_BAND_PPM,
    MIN_GAP_NS,
)

APP_VERSION = 1
PARAMS_KEY = b"params"
# Breakers of the whole chain: name -> (lowest beside 0, highest, what stands when genesis says nothing).
BREAKER_TERMS = {
    "withdraw_hour_quanta": (1, MAX_WITHDRAW_HOUR_QUANTA, 10**12),
    "withdraw_hour_ppm": (1, MAX_WITHDRAW_HOUR_PPM, 50_000),
    "withdraw_day_quanta": (1, MAX_WITHDRAW_DAY_QUANTA, 5 * 10**12),
    "withdraw_day_ppm": (1, MAX_WITHDRAW_DAY_PPM, 200_000),
    "gap_ns": (MIN_GAP_NS, MAX_GAP_NS, 60_000_000_000),
    "gap_cool_down_ns": (MIN_GAP_NS, MAX_GAP_NS, 120_000_000_000),
    "sweep_accounts": (1, MAX_SWEEP_ACCOUNTS, 100),
    "stress_ppm": (MIN_BAND_PPM, MAX_STRESS_PPM, 100_000),
}
# Portfolio margin: name -> (lowest, highest, what stands when genesis says nothing).
PORTFOLIO_TERMS = {
    "portfolio_maintenance_ppm": (500_000, PPM, 800_000),
    "offset_cap_quanta": (0, MAX_VAULT_QUANTA, 10**13),
}
# Of each of these one is on, but on a test network.
NEVER_OFF = (
    ("withdraw_hour_quanta", "withdraw_hour_ppm"),
    ("withdraw_day_quanta", "withdraw_day_ppm"),
    ("gap_ns",),
    ("gap_cool_down_ns",),
    ("sweep_accounts",),
    ("stress_ppm",),
)


@dataclass(slots=True)
class Params:
    """What the whole chain shares. `gas_price_e6` is quote quanta a million gas."""

    chain_id: str = ""
    test_network: bool = False
    authority: bytes = b""
    gas_price_e6: int = 0
    max_block_gas: int = 0
    max_faucet_quanta: int = 0
    app_version: int = APP_VERSION
    withdraw_hour_quanta: int = 0  # these are breakers' (app/breakers), 0: off
    withdraw_hour_ppm: int = 0
    withdraw_day_quanta: int = 0
    withdraw_day_ppm: int = 0
    gap_ns: int = 0
    gap_cool_down_ns: int = 0
    sweep_accounts: int = 0
    stress_ppm: int = 0
    portfolio_maintenance_ppm: int = 800_000  # PORT-011
    offset_cap_quanta: int = 0  # PORT-010
    stamp: int = 0

    def copy(self) -> "Params":
        """A copy that may be changed."""
        return replace(self)


def fee_for_gas(gas: int, gas_price_e6: int) -> int:
    """GAS-003: the fee of `gas`, in quote quanta, rounded up."""
    return -(-gas * gas_price_e6 // 1_000_000)


def is_authority(params: Params, account: bytes) -> bool:
    """Whether the account is the authority's, on a test network. REMOVE with governance."""
    return params.test_network and bool(params.authority) and account[:ADDRESS_SIZE] == params.authority


def params_from_genesis(chain_id: str, section: dict[str, object]) -> Params:
    """Validate the genesis section `params`. Raises GenesisError naming the field."""
    known = {"test_network", "authority", "gas_price_e6", "max_block_gas", "max_faucet_quanta"}
    if unknown := sorted(section.keys() - known - BREAKER_TERMS.keys() - PORTFOLIO_TERMS.keys()):
        raise GenesisError(f"params: unknown fields {unknown}")
    test_network = section.get("test_network", False)
    if not isinstance(test_network, bool):
        raise GenesisError("params.test_network: true or false")
    authority = section.get("authority", "")
    if not isinstance(authority, str) or len(authority) not in (0, 2 * ADDRESS_SIZE):
        raise GenesisError(f"params.authority: {2 * ADDRESS_SIZE} hexadecimal digits or nothing")
    if authority and not test_network:
        raise GenesisError("params.authority: only a test network may have one")
    numbers = {}
    for name, low, high in (
        ("gas_price_e6", 0, 10**12),
        ("max_block_gas", 32_000_000, 10**13),
        ("max_faucet_quanta", 0, 10**15),
    ):
        numbers[name] = require_integer(section, "params", name, low, high)
    try:
        address = bytes.fromhex(authority)
    except ValueError as error:
        raise GenesisError(f"params.authority: {error}") from error
    numbers |= breaker_terms(section, test_network=test_network)
    for name, (least, most, default) in PORTFOLIO_TERMS.items():
        numbers[name] = optional_integer(section, "params", name, least, most, default)
    return Params(chain_id=chain_id, test_network=test_network, authority=address, **numbers)


def breaker_terms(section: dict[str, object], *, test_network: bool) -> dict[str, int]:
    """BRK-018: what `params` say of the breakers of the whole chain; only a test network can do without one of them."""
    terms = {}
    for name, (least, most, default) in BREAKER_TERMS.items():
        terms[name] = optional_integer(section, "params", name, 0, most, default)
        if 0 < terms[name] < least:
            raise GenesisError(f"params.{name}: 0 or from {least} to {most}, not {terms[name]}")
    for names in NEVER_OFF:
        if not test_network and not any(terms[name] for name in names):
            raise GenesisError(f"params.{names[0]}: only a test network may switch it off")
    return terms


def optional_integer(
    section: dict[str, object], where: str, name: str, low: int, high: int, default: int
) -> int:
    """`section[name]` as `require_integer` has it, or `default` when it is not there."""
    return require_integer(section, where, name, low, high) if name in section else default


def require_integer(section: dict[str, object], where: str, name: str, low: int, high: int) -> int:
    """`section[name]` if it is an integer in low..high, else GenesisError."""
    value = section.get(name)
    if not isinstance(value, int) or isinstance(value, bool) or not low <= value <= high:
        raise GenesisError(f"{where}.{name}: an integer from {low} to {high}, not {value!r}")
    return value


def require_symbol(section: dict[str, object], where: str) -> str:
    """`section["symbol"]` if it is 1 to 24 ASCII characters, else GenesisError."""
    symbol = section.get("symbol")
    if not isinstance(symbol, str) or not symbol.isascii() or not 1 <= len(symbol) <= 24:
        raise GenesisError(f"{where}.symbol: 1 to 24 ASCII characters")
    return symbol

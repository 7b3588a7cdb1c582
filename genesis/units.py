"""Decimals of people to integers of the chain, exactly or not at all."""

from datetime import datetime
from fractions import Fraction

QUANTA_PER_USD = 1_000_000
PPM_PER_PERCENT = 10_000
UINT64_MAX = 2**64 - 1


class UnitError(ValueError):
    """A decimal that is not one, or that the chain's integers cannot hold exactly."""


def decimal(text: object) -> Fraction:
    """A plain decimal such as "0.001". Written as a string, because TOML's floats would already be rounded."""
    if isinstance(text, int) and not isinstance(text, bool):
        return Fraction(text)
    if not isinstance(text, str) or not text.isascii() or not text.replace(".", "", 1).isdigit() or len(text) > 40:
        raise UnitError(f"{text!r} is not a plain decimal in quotes, like \"0.001\"")
    return Fraction(text)


def whole(value: Fraction, unit: str) -> int:
    """`value` as an integer count of `unit`; raises UnitError when it is not whole."""
    if value.denominator != 1:
        raise UnitError(f"is not a whole number of {unit}: {float(value)}")
    if not 0 <= value.numerator <= UINT64_MAX:
        raise UnitError(f"does not fit into 64 bits as {unit}")
    return value.numerator


def usd_to_quanta(text: object) -> int:
    return whole(decimal(text) * QUANTA_PER_USD, "quote quanta (0.000001 USD)")


def percent_to_ppm(text: object) -> int:
    return whole(decimal(text) * PPM_PER_PERCENT, "parts per million")


def percent_to_e9(text: object) -> int:
    """A percentage as a share times 10^9; it may be negative."""
    sign = -1 if isinstance(text, str) and text.startswith("-") else 1
    magnitude = text[1:] if isinstance(text, str) and sign < 0 else text
    return sign * whole(decimal(magnitude) * 10_000_000, "parts of 10^9")


def seconds_to_ns(value: object) -> int:
    return whole(decimal(value) * 1_000_000_000, "nanoseconds")


def days_to_ns(value: object) -> int:
    return seconds_to_ns(value) * 86_400


def moment_to_ns(value: object) -> int:
    """A TOML date and time with its offset, such as 2027-03-26T08:00:00Z, as nanoseconds since 1970."""
    if not isinstance(value, datetime) or value.tzinfo is None:
        raise UnitError(f"is not a date and time with an offset: {value!r}")
    return whole(Fraction(round(value.timestamp() * 1_000_000)) * 1_000, "nanoseconds")


def base_to_lots(text: object, lot_size: object) -> int:
    lot = decimal(lot_size)
    if not lot:
        raise UnitError("lot_size is zero")
    return whole(decimal(text) / lot, f"lots of {lot_size}")


def base_to_units(text: object, decimals: int) -> int:
    return whole(decimal(text) * 10**decimals, f"units of 10^-{decimals}")


def price_to_quanta(text: object, lot_size: object) -> int:
    """A price in USD for one base to quote quanta for one lot."""
    return whole(decimal(text) * decimal(lot_size) * QUANTA_PER_USD, "quote quanta a lot")

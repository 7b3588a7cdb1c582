"""What a feeder saw, and its one line of JSON on the way to the engine: symbols, decimal text, nothing else."""

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import Context, Decimal
from itertools import pairwise
from typing import Any, NamedTuple

SYMBOL = re.compile(r"[A-Za-z0-9.\-]{1,16}/[A-Za-z0-9.\-]{1,16}")
NUMBER = re.compile(r"[0-9]{1,24}(\.[0-9]{1,24})?")  # no sign and no exponent: few characters never mean a huge number
FEEDS_MAX = 128
PILLARS_MAX = 64  # of one symbol
PILLAR_POINTS = 7
TIME_NS_MAX = 1 << 63
SIGNIFICANT = Context(prec=15)
LINE_BYTES_MAX = 64 * 1024


class MalformedError(ValueError):
    """A line is not an observation."""


class Pillar(NamedTuple):
    """Volatility up to one expiry: the forward over the price now, and total variances at LOG_MONEYNESS."""

    expiry_ns: int
    forward: Decimal
    variances: tuple[Decimal, ...]


@dataclass(frozen=True, slots=True)
class Observation:
    """Prices by feed symbol such as `BTC/USD`, all above zero, and pillars by ascending expiry. `time_ns` is by the
    feeder's clock.
    """

    time_ns: int
    prices: Mapping[str, Decimal]
    pillars: Mapping[str, tuple[Pillar, ...]] = field(default_factory=dict)


def encode(observation: Observation) -> bytes:
    """One line, with its end; numbers with 15 digits that count, and at most 18 after the point."""
    document = {
        "time_ns": observation.time_ns,
        "prices": {symbol: _text(price) for symbol, price in observation.prices.items()},
        "pillars": {
            symbol: [[one.expiry_ns, _text(one.forward), [_text(variance) for variance in one.variances]]
                     for one in pillars]
            for symbol, pillars in observation.pillars.items()
        },
    }
    return json.dumps(document, separators=(",", ":")).encode() + b"\n"


def _text(number: Decimal) -> str:
    text = f"{SIGNIFICANT.plus(number):.18f}"
    return text.rstrip("0").rstrip(".")


def decode(line: bytes) -> Observation:
    """The observation of a line. A price of zero is left out, as if nothing was seen. Raises MalformedError."""
    try:
        document = json.loads(line)
        if not isinstance(document, dict) or set(document) != {"time_ns", "prices", "pillars"}:
            raise MalformedError("not the three parts of an observation")
        prices = {_symbol(symbol): _number(text) for symbol, text in _items(document["prices"])}
        pillars = {_symbol(symbol): _pillars(rows) for symbol, rows in _items(document["pillars"])}
    except (ValueError, TypeError, KeyError, RecursionError) as error:
        raise MalformedError(str(error)[:200]) from error
    return Observation(_time_ns(document["time_ns"]), {one: price for one, price in prices.items() if price}, pillars)


def _items(table: Any) -> list[tuple[str, Any]]:
    if not isinstance(table, dict) or len(table) > FEEDS_MAX:
        raise MalformedError(f"not a table of at most {FEEDS_MAX} feeds")
    return list(table.items())


def _symbol(text: str) -> str:
    if not SYMBOL.fullmatch(text):
        raise MalformedError(f"{text[:40]!r} is no symbol")
    return text


def _number(text: Any) -> Decimal:
    if not isinstance(text, str) or not NUMBER.fullmatch(text):
        raise MalformedError(f"{str(text)[:40]!r} is no number")
    return Decimal(text)


def _time_ns(value: Any) -> int:
    if type(value) is not int or not 0 < value < TIME_NS_MAX:
        raise MalformedError(f"{str(value)[:40]} is no time")
    return value


def _pillars(rows: Any) -> tuple[Pillar, ...]:
    if not isinstance(rows, list) or len(rows) > PILLARS_MAX:
        raise MalformedError(f"not a list of at most {PILLARS_MAX} pillars")
    pillars = tuple(_pillar(*row) for row in rows)
    if any(before.expiry_ns >= after.expiry_ns for before, after in pairwise(pillars)):
        raise MalformedError("the expiries do not ascend")
    return pillars


def _pillar(expiry_ns: Any, forward: Any, variances: Any) -> Pillar:
    if not isinstance(variances, list) or len(variances) != PILLAR_POINTS:
        raise MalformedError(f"not {PILLAR_POINTS} variances")
    return Pillar(_time_ns(expiry_ns), _number(forward), tuple(_number(one) for one in variances))

"""Price files: any sensible CSV with a time and a price in each row."""

import csv
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal, InvalidOperation
from itertools import pairwise
from pathlib import Path

TIME_COLUMNS = ("timestamp", "time", "datetime", "date", "open_time", "opentime", "ts", "t")
PRICE_COLUMNS = ("close", "price", "last", "mark_price", "mark", "c", "p", "value", "vwap")

# Times are guessed by size: seconds, milliseconds, microseconds or nanoseconds since 1970, for dates from 1973 on.
EPOCH_UNITS = ((10**17, 10**9), (10**14, 10**6), (10**11, 10**3), (0, 1))


class PricesError(ValueError):
    """A price file cannot be used; the message names file, line and column."""


@dataclass(frozen=True, slots=True)
class Bar:
    """One row of a price file: seconds since 1970 and a price in quote for one base."""

    time_s: float
    price: Decimal


def read_bars(path: Path, time_column: str = "", price_column: str = "") -> list[Bar]:
    """The rows of a CSV file with a time and a price column, in order of time.

    The columns are named by the caller (name, or number from 1 for a file without a header), else found by their usual
    names. Times are ISO 8601 or seconds, milliseconds, microseconds or nanoseconds since 1970. Raises PricesError.
    """
    try:
        with open(path, newline="", encoding="utf-8-sig") as file:
            sample = file.read(4096)
            file.seek(0)
            rows = list(csv.reader(file, delimiter=_delimiter(sample)))
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise PricesError(f"{path}: {error}") from error
    rows = [row for row in rows if row]
    if not rows:
        raise PricesError(f"{path} is empty")
    header = [cell.strip().lower() for cell in rows[0]]
    time_index = _column(path, header, time_column, TIME_COLUMNS, "time")
    price_index = _column(path, header, price_column, PRICE_COLUMNS, "price")
    first = 0 if _is_number(header[price_index]) else 1
    bars = [_bar(path, number, row, time_index, price_index) for number, row in enumerate(rows[first:], first + 1)]
    return _in_order(path, bars)


def _delimiter(sample: str) -> str:
    first_line = sample.splitlines()[0] if sample else ""
    return max(",;\t", key=first_line.count)


def _column(path: Path, header: list[str], wanted: str, usual: tuple[str, ...], kind: str) -> int:
    if wanted.isdecimal() and 1 <= int(wanted) <= len(header):
        return int(wanted) - 1
    for name in (wanted.lower(),) if wanted else usual:
        if name in header:
            return header.index(name)
    raise PricesError(f"{path} has no {kind} column among {', '.join(header)}: "
                      f"call it {wanted or ', '.join(usual[:3])} in the first line of the file")


def _is_number(text: str) -> bool:
    try:
        return Decimal(text.strip()).is_finite()
    except InvalidOperation:
        return False


def _bar(path: Path, line: int, row: list[str], time_index: int, price_index: int) -> Bar:
    if len(row) <= max(time_index, price_index):
        raise PricesError(f"{path} line {line} has too few columns")
    price_text = row[price_index].strip()
    if not _is_number(price_text) or Decimal(price_text) <= 0:
        raise PricesError(f"{path} line {line}: {price_text!r} is not a price")
    try:
        return Bar(_seconds(row[time_index].strip()), Decimal(price_text))
    except ValueError as error:
        raise PricesError(f"{path} line {line}: {row[time_index]!r} is not a time") from error


def _seconds(text: str) -> float:
    if _is_number(text):
        value = Decimal(text)
        unit = next(unit for least, unit in EPOCH_UNITS if abs(value) >= least)
        return float(value / unit)
    moment = datetime.fromisoformat(text.removesuffix(" UTC").replace("Z", "+00:00"))
    return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp()


def _in_order(path: Path, bars: list[Bar]) -> list[Bar]:
    """Ascending by time, the last of rows with one time; files that run backwards are turned round."""
    by_time = {bar.time_s: bar for bar in bars}
    ordered = [by_time[time_s] for time_s in sorted(by_time)]
    if len(ordered) < 2 or any(left.time_s >= right.time_s for left, right in pairwise(ordered)):
        raise PricesError(f"{path} has fewer than two prices at different times")
    return ordered

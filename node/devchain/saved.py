"""All of a devchain that outlives its process: records, recent blocks, prices; as one file."""

import json
from collections.abc import Iterable
from dataclasses import dataclass, field
from decimal import Decimal
from pathlib import Path

MAGIC = b"novation devchain 1\n"


class SavedError(Exception):
    """The file is not what `save` writes; the message says why."""


@dataclass(frozen=True, slots=True)
class Saved:
    """A moment of a devchain. `blocks` are encoded CommittedBlocks, ascending; prices and volatilities (percent) are by
    feed symbol; `offset_ns` is how far its clock is ahead of the wall's.
    """

    records: dict[bytes, bytes]
    blocks: tuple[tuple[int, bytes], ...] = ()
    prices: dict[str, Decimal] = field(default_factory=dict)
    volatilities: dict[str, Decimal] = field(default_factory=dict)
    offset_ns: int = 0


def write_saved(path: Path, saved: Saved) -> None:
    """Replace the file at once, so that nobody ever sees half of it. Raises OSError."""
    head = {
        "prices": {symbol: str(price) for symbol, price in saved.prices.items()},
        "volatilities": {symbol: str(one) for symbol, one in saved.volatilities.items()},
        "offset_ns": saved.offset_ns,
        "records": len(saved.records),
        "blocks": [height for height, _ in saved.blocks],
    }
    parts = [json.dumps(head).encode()]
    for key in sorted(saved.records):
        parts += [key, saved.records[key]]
    parts += [block for _, block in saved.blocks]
    fresh = path.with_name(path.name + ".new")
    fresh.write_bytes(MAGIC + b"".join(framed(parts)))
    fresh.replace(path)


def read_saved(path: Path) -> Saved:
    """The moment that `write_saved` wrote. Raises SavedError, OSError."""
    data = path.read_bytes()
    if not data.startswith(MAGIC):
        raise SavedError(f"{path} was not written by `novation dev save`")
    try:
        head, *parts = unframed(data[len(MAGIC):])
        said = json.loads(head)
        count, heights = said["records"], said["blocks"]
        if len(parts) != 2 * count + len(heights):
            raise SavedError(f"{path} is cut off")
        records = dict(zip(parts[0 : 2 * count : 2], parts[1 : 2 * count : 2], strict=True))
        return Saved(
            records,
            tuple(zip(heights, parts[2 * count :], strict=True)),
            {symbol: Decimal(text) for symbol, text in said["prices"].items()},
            {symbol: Decimal(text) for symbol, text in said["volatilities"].items()},
            said["offset_ns"],
        )
    except (ValueError, KeyError, TypeError, ArithmeticError) as error:
        raise SavedError(f"{path} is damaged: {error}") from error


def framed(parts: Iterable[bytes]) -> Iterable[bytes]:
    """Each part with its length in four bytes before it."""
    for part in parts:
        yield len(part).to_bytes(4, "big")
        yield part


def unframed(data: bytes) -> list[bytes]:
    """The inverse of `framed`. Raises ValueError when the last part is cut off."""
    parts, place = [], 0
    while place < len(data):
        size = int.from_bytes(data[place : place + 4], "big")
        place += 4 + size
        if place > len(data):
            raise ValueError("the file is cut off")
        parts.append(data[place - size : place])
    return parts

"""Whether the generated code still fits the sources: after a pull it may not, and what happens then is hard to read.

It imports only the standard library, so it also works where the generated code is missing.
"""

import hashlib
from pathlib import Path

from node.comet.version import COMETBFT_VERSION, GOGOPROTO_VERSION

PROJECT = Path(__file__).resolve().parents[1]
SOURCES = PROJECT / "proto"
STAMP = PROJECT / "gen" / ".sources"
ADVICE = "the code in gen/ was compiled from other files than proto/ holds now: run `make setup`"


class StaleCode(Exception):
    """Set-up has to run again; the message says so."""


def digest() -> str:
    """Of all that the generated code is made from."""
    found = hashlib.sha256(f"{COMETBFT_VERSION} {GOGOPROTO_VERSION}".encode())
    for path in sorted(SOURCES.rglob("*.proto")):
        found.update(str(path.relative_to(SOURCES)).encode() + b"\0" + path.read_bytes() + b"\0")
    return found.hexdigest()


def refuse_stale() -> None:
    """Raises StaleCode: before processes are started that would end in other words."""
    if is_stale():
        raise StaleCode(ADVICE)


def is_stale() -> bool:
    """False also where there is nothing to compare: in an installed package."""
    try:
        return STAMP.read_text(encoding="ascii") != digest()
    except FileNotFoundError:
        return False

"""Rule codes: which the READMEs state, and which sources and tests cite."""

import re
from collections import Counter
from pathlib import Path

from tests.tidy.shape import PROJECT

CODE = re.compile(r"\b([A-Z]{2,5})-(\d{3})\b")
STATED = re.compile(r"^\s*- \*\*([A-Z]{2,5}-\d{3})\*\*", re.MULTILINE)
RANGE = re.compile(r"\b([A-Z]{2,5})-(\d{3}) to ([A-Z]{2,5})-(\d{3})\b")
OTHERS = {"SHA", "RFC", "UTF", "EIP", "ICS", "ISO", "ZIP"}  # names of standards that look like codes


def stated(text: str) -> Counter[str]:
    """The codes that a README states, as `- **BOOK-001** ...`, with how often."""
    return Counter(STATED.findall(text))


def cited(text: str) -> set[str]:
    """The codes that a text names, those inside a range `TX-001 to TX-006` included."""
    found = {match[0] for match in CODE.finditer(text) if match[1] not in OTHERS}
    for prefix, first, last_prefix, last in RANGE.findall(text):
        if prefix == last_prefix:
            found |= {f"{prefix}-{number:03}" for number in range(int(first), int(last) + 1)}
    return found


def readmes() -> list[Path]:
    """The specification: the READMEs of app."""
    return sorted((PROJECT / "app").rglob("README.md"))


def cited_in(top: str, skip: str = "") -> dict[str, str]:
    """Each code cited by the Python files under `top`, with the first file that does."""
    found: dict[str, str] = {}
    for path in sorted((PROJECT / top).rglob("*.py")):
        name = str(path.relative_to(PROJECT))
        if not skip or not name.startswith(skip):
            for code in sorted(cited(path.read_text())):
                found.setdefault(code, name)
    return found

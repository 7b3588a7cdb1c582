"""What a guide in docs/ tells its reader to type."""

import re
from pathlib import Path

DOCS = Path(__file__).resolve().parents[2] / "docs"
BLOCK = re.compile(r"^```(\w*)\n(.*?)^```", re.MULTILINE | re.DOTALL)
INLINE = re.compile(r"`((?:novation|curl) [^`\n]+)`")


def commands(guide: str) -> list[str]:
    """The lines of a guide's blocks that begin with `novation`, without what follows a #."""
    return [line for line in block_lines(guide) if line.startswith("novation ")]


def block_lines(guide: str) -> list[str]:
    """All lines of a guide's blocks, without what follows a #."""
    return [_bare(line) for _, block in BLOCK.findall(text_of(guide)) for line in block.splitlines()]


def everything_typed(guide: str) -> list[str]:
    """Lines of blocks and commands within the text, in the order of the guide."""
    found, text = [], text_of(guide)
    for line in _flat(text).splitlines():
        found += [_bare(line[1:])] if line.startswith("\0") else INLINE.findall(line)
    return [line for line in found if line]


def programs(guide: str) -> list[str]:
    """The Python blocks of a guide."""
    return [block for kind, block in BLOCK.findall(text_of(guide)) if kind == "python"]


def text_of(guide: str) -> str:
    return (DOCS / guide).read_text(encoding="utf-8")


def _flat(text: str) -> str:
    """The text with lines of blocks without a language marked by a zero, others of blocks left out."""
    return BLOCK.sub(lambda match: "" if match[1] else "".join(f"\0{line}\n" for line in match[2].splitlines()), text)


def _bare(line: str) -> str:
    return line.split("  #")[0].split(" # ")[0].strip()

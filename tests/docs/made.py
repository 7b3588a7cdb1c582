"""What of docs/ is made from the code: the pictures and the index of rules."""

from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

from tests.docs.pictures import PICTURES
from tests.docs.rules import rules_page
from tests.tidy.shape import PROJECT

MADE: Mapping[str, Callable[[], str]] = {
    "docs/rules.md": rules_page, **{f"docs/pictures/{name}": draw for name, draw in PICTURES.items()}}


def make_all() -> dict[str, str]:
    """Each file with what it should be."""
    return {name: make() for name, make in MADE.items()}


def stale(texts: Mapping[str, str], folder: Path = PROJECT) -> list[str]:
    """Which of these files are not there, or say something else."""
    return [name for name, text in texts.items()
            if not (folder / name).exists() or (folder / name).read_text(encoding="utf-8") != text]


def write() -> Iterator[str]:
    """Bring all of them up to date; those that changed."""
    texts = make_all()
    for name in stale(texts):
        (PROJECT / name).parent.mkdir(parents=True, exist_ok=True)
        (PROJECT / name).write_text(texts[name], encoding="utf-8")
        yield name

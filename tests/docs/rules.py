"""docs/rules.md: every rule of the specification by its code, with where it is kept and which tests hold it."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from tests.tidy.shape import PROJECT
from tests.tidy.spec import STATED, cited, readmes

SHOWN = 4  # places of a rule; the others are counted
SENTENCE_END = re.compile(r"\.(?=\s)")
LINKED = re.compile(r"\[([^\]]*)\]\([^)]*\)")
SHORT = 25  # a first sentence of fewer characters says too little: the next one too
HEAD = """# The rules by their codes

Made by `make docs` from the specification in [app](../app/README.md), the code and the tests; a test fails when it says
anything else than these. A rule's code links to where it is stated in full, with worked numbers.
"""


class Place(NamedTuple):
    """A function or class of a file, "" for the file as a whole."""

    path: str
    name: str


def statements(text: str) -> Iterator[tuple[str, str]]:
    """The rules of a README, each with its text on one line and without links."""
    for part in re.split(r"^(?=\s*- \*\*[A-Z]{2,5}-\d{3}\*\*)", text, flags=re.MULTILINE):
        found = STATED.match(part)
        if found:
            body = re.split(r"\n\s*\n|\n#|\n\s*- |\n```|\n\|", part[found.end() :])[0]
            yield found[1], LINKED.sub(r"\1", " ".join(body.split()))


def first_sentence(text: str) -> str:
    """Up to the first full stop after SHORT characters."""
    end = SENTENCE_END.search(text, SHORT)
    return f"{text[: end.start()] if end else text.rstrip('.')}."


def definitions(source: str) -> Iterator[tuple[str, str]]:
    """The module without what it defines (as ""), each function, each class without its methods, each method: name and
    text.
    """
    lines, rest = source.splitlines(), set(range(len(source.splitlines())))

    def text(node: ast.AST, without: set[int]) -> str:
        return "\n".join(lines[number] for number in span(node) if number not in without)

    for node in ast.parse(source).body:
        if not isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            continue
        rest -= set(span(node))
        inner: set[int] = set()
        for member in node.body if isinstance(node, ast.ClassDef) else ():
            if isinstance(member, ast.FunctionDef | ast.AsyncFunctionDef):
                inner |= set(span(member))
                yield f"{node.name}.{member.name}", text(member, set())
        yield node.name, text(node, inner)
    yield "", "\n".join(lines[number] for number in sorted(rest))


def span(node: ast.AST) -> range:
    """The lines of a definition, from 0, decorators included."""
    first = min([node.lineno, *(one.lineno for one in node.decorator_list)])  # type: ignore[attr-defined]
    return range(first - 1, node.end_lineno)  # type: ignore[attr-defined]


def places(top: str, skip: str = "") -> dict[str, list[Place]]:
    """Where the Python files under `top` cite each code: by function, or by file where it is outside of any."""
    found: dict[str, list[Place]] = {}
    for path in sorted((PROJECT / top).rglob("*.py")):
        name = str(path.relative_to(PROJECT))
        if skip and name.startswith(skip):
            continue
        source = path.read_text(encoding="utf-8")
        for definition, text in definitions(source) if cited(source) else ():
            for code in cited(text):
                found.setdefault(code, []).append(Place(name, definition))
    return found


def told(found: list[Place], domain: str = "") -> str:
    """Places as links, those of the rule's own domain and with a name first."""
    ordered = sorted(set(found), key=lambda one: (not one.path.startswith(domain), not one.name, one))
    by_file: dict[str, list[str]] = {}
    for one in ordered[:SHOWN]:
        by_file.setdefault(one.path, []).append(one.name)
    links = [f"[{label(path)}](../{path})" + "".join(f" `{name}`" for name in names if name)
             for path, names in by_file.items()]
    more = len(ordered) - SHOWN
    return ", ".join(links) + (f" and {more} more" if more > 0 else "")


def label(path: str) -> str:
    """A path as it is read: without its first folders."""
    return path.removeprefix("app/").removeprefix("tests/").removeprefix("unit/app/")


def section(readme: Path, code: dict[str, list[Place]], tests: dict[str, list[Place]]) -> str:
    """The rules of one README as a table."""
    name, text = str(readme.relative_to(PROJECT)), readme.read_text(encoding="utf-8")
    domain = "" if readme.parent.name == "app" else f"{readme.parent.relative_to(PROJECT)}/"
    order = list(dict.fromkeys(code.split("-")[0] for code in STATED.findall(text)))
    title = text.splitlines()[0].removeprefix("# ")
    stated = sorted(statements(text), key=lambda one: (order.index(one[0].split("-")[0]), one[0]))
    rows = [f"| [{rule}](../{name}) | {first_sentence(said).replace('|', chr(92) + '|')} | "
            f"{told(code.get(rule, []), domain)} | {told(tests.get(rule, []))} |" for rule, said in stated]
    return "\n".join([f"## {title}", "", "| rule | says | code | tests |", "|---|---|---|---|", *rows, ""])


def rules_page() -> str:
    """The whole page."""
    code, tests = places("app"), places("tests", skip="tests/tidy")
    every = [readme for readme in readmes() if STATED.search(readme.read_text(encoding="utf-8"))]
    every.sort(key=lambda readme: (readme.parent.name != "app", readme.parent.name))
    return "\n".join([HEAD, *(section(readme, code, tests) for readme in every)])

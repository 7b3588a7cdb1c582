"""What the code says of itself: layers, imports, hooks, actions, records, events of the state machine's domains."""

import ast
import configparser
import inspect
import re
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cache
from typing import Any

import grimp

from app import events, registry
from tests.tidy.shape import PROJECT
from tests.tidy.spec import STATED

APP = PROJECT / "app"
LIMIT = re.compile(r"\b[A-Z]+_[A-Z_]+\b")
RULES = re.compile(r"((?:[A-Z]{2,5}-\d{3}(?: to |, )?)+)[,:]?\s*(.*)", re.DOTALL)


@dataclass(slots=True)
class Domain:
    """A package of `app`. `depth` is its layer, 0 the uppermost; `imports` how many of its modules import another."""

    name: str
    depth: int
    about: str
    prefixes: list[str]
    imports: dict[str, int] = field(default_factory=dict)
    tables: list[str] = field(default_factory=list)
    actions: list[str] = field(default_factory=list)
    events: list[str] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Step:
    """What a domain does in each block."""

    domain: str
    name: str
    rules: str
    about: str


def layers() -> list[list[str]]:
    """The domains that are built, as .importlinter has them, the uppermost first."""
    config = configparser.ConfigParser()
    config.read(PROJECT / ".importlinter")
    lines = config["importlinter:contract:domains"]["layers"].strip().splitlines()
    found = [[name.strip().removeprefix("app.") for name in line.split("|") if "(" not in name] for line in lines]
    return [layer for layer in found if layer]


def domains() -> dict[str, Domain]:
    """All domains by name, the uppermost first."""
    found = {name: Domain(name, depth, *described(name)) for depth, layer in enumerate(layers()) for name in layer}
    graph = imports()
    for module in graph.modules:
        own = domain_of(module)
        others = {domain_of(other) for other in graph.find_modules_directly_imported_by(module)} - {own}
        for other in others & set(found) if own in found else ():
            found[own].imports[other] = found[own].imports.get(other, 0) + 1
    for kind, handler in registry.ACTIONS.items():
        found[domain_of(handler.__module__)].actions.append(kind)
    for table, domain in table_domains().items():
        if domain in found:
            found[domain].tables.append(table)
    for name, domain in found.items():
        domain.events = events_of(name)
    return found


@cache
def imports() -> grimp.ImportGraph:
    """Which module of `app` imports which."""
    return grimp.build_graph("app", cache_dir=None, exclude_type_checking_imports=True)


def described(name: str) -> tuple[str, list[str]]:
    """What app/README.md says of a domain, and the prefixes of the rules that its own README states. The kernel and the
    store say it in their package.
    """
    readme = APP / name / "README.md"
    if not readme.exists():
        return (ast.get_docstring(ast.parse((APP / name / "__init__.py").read_text())) or "").split(".")[0], []
    stated = STATED.findall(readme.read_text(encoding="utf-8"))
    row = re.search(rf"^\|[^|]*\| ([^|]*) \| \[{name}\]", (APP / "README.md").read_text(encoding="utf-8"), re.MULTILINE)
    if row is None:
        raise ValueError(f"app/README.md says nothing of {name}")
    return row[1], list(dict.fromkeys(code.split("-")[0] for code in stated))


def domain_of(module: str) -> str:
    """app.book.hooks -> book; "" for what belongs to no domain."""
    parts = module.split(".")
    return parts[1] if len(parts) > 1 and (APP / parts[1]).is_dir() else ""


def table_domains() -> dict[str, str]:
    """table -> the domain whose record it holds, as the registry's source names it."""
    tree = ast.parse((APP / "registry.py").read_text(encoding="utf-8"))
    modules = {alias.asname or alias.name: f"{node.module}.{alias.name}" for node in ast.walk(tree)
               if isinstance(node, ast.ImportFrom) for alias in node.names}
    found = {}
    for call in (node for node in ast.walk(tree) if isinstance(node, ast.Call)):
        name = call.args[0] if call.args else None
        if isinstance(name, ast.Constant) and name.value in registry.TABLES:
            owners = [modules[part.value.id] for part in call.args if isinstance(part, ast.Attribute)
                      and isinstance(part.value, ast.Name) and modules[part.value.id].startswith("app.")]
            found[str(name.value)] = domain_of(owners[0]) if owners else ""
    return found


def events_of(domain: str) -> list[str]:
    """The events that a domain makes."""
    known = {name for name, kind in vars(events).items()
             if inspect.isclass(kind) and kind.__module__ == events.__name__}
    made = {node.func.id for path in sorted((APP / domain).rglob("*.py"))
            for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Name)}
    return sorted(made & known)


def steps(hooks: tuple[Callable[..., Any], ...]) -> list[Step]:
    """Hooks in their order, with the rules that they keep and the first clause of what they say."""
    return [Step(domain_of(hook.__module__), hook.__name__, *clause(hook)) for hook in hooks]


def clause(function: Callable[..., Any]) -> tuple[str, str]:
    """(rules, what follows them up to the first stop) of a docstring; a limit that it names with its value."""
    doc = " ".join((function.__doc__ or "").split())
    found = RULES.match(doc)
    rules, rest = (found[1], found[2]) if found else ("", doc)
    said = LIMIT.sub(lambda name: f"{function.__globals__[name[0]]:,}", re.split(r"[;.](?:\s|$)", rest)[0])
    return rules.rstrip(", "), said[:1].upper() + said[1:]

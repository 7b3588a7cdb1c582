"""The code under proof: the modules as they are, or as a mutation of one of them would have them."""

import ast
import builtins
import importlib
import types
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

PROJECT = Path(__file__).resolve().parents[2]
EXTRA = {"kernel": "app.kernel.integers", "gas": "app.gas", "params": "app.params"}


@dataclass(frozen=True, slots=True)
class Mutation:
    """A slip in one module: `old` becomes `new` at its only occurrence. `module` as in `modules`."""

    module: str
    old: str
    new: str


def modules() -> dict[str, str]:
    """Short name -> dotted name of every module under proof: each rules.py, integers, gas and params."""
    rules = sorted((PROJECT / "app").glob("*/rules.py"))
    return {path.parent.name: f"app.{path.parent.name}.rules" for path in rules} | EXTRA


def text_of(dotted: str) -> str:
    """The source of a module of app."""
    return (PROJECT / (dotted.replace(".", "/") + ".py")).read_text()


def functions(short: str) -> dict[str, str]:
    """Name -> docstring of the functions of a module, methods as `Class.method`."""
    found: dict[str, str] = {}
    for node in ast.parse(text_of(modules()[short])).body:
        if isinstance(node, ast.FunctionDef):
            found[f"{short}.{node.name}"] = ast.get_docstring(node) or ""
        if isinstance(node, ast.ClassDef):
            for member in node.body:
                if isinstance(member, ast.FunctionDef):
                    found[f"{short}.{node.name}.{member.name}"] = ast.get_docstring(member) or ""
    return found


def mutated(mutation: Mutation) -> dict[str, types.ModuleType]:
    """All modules under proof, executed from source with one slip; what imports the slipped module sees the slip."""
    names = modules()
    source = text_of(names[mutation.module])
    if source.count(mutation.old) != 1:
        raise ValueError(f"{mutation.module}: {source.count(mutation.old)} times {mutation.old!r}, not once")
    texts = {names[mutation.module]: source.replace(mutation.old, mutation.new)}
    made: dict[str, types.ModuleType] = {}

    def load(dotted: str) -> types.ModuleType:
        if dotted not in made:
            module = types.ModuleType(dotted)
            module.__dict__["__builtins__"] = vars(builtins) | {"__import__": import_}
            made[dotted] = module
            text = texts.get(dotted) or text_of(dotted)
            exec(compile(text, f"<{dotted}>", "exec", dont_inherit=True), module.__dict__)
        return made[dotted]

    def import_(name: str, scope: Any = None, local: Any = None, wanted: Any = (), level: int = 0) -> Any:
        return load(name) if name in names.values() and wanted else __import__(name, scope, local, wanted, level)

    # Only modules that can see the slip are executed anew: dataclasses of others need their place in sys.modules.
    return {short: load(dotted) if _sees(dotted, names[mutation.module]) else importlib.import_module(dotted)
            for short, dotted in names.items()}


def _sees(dotted: str, slipped: str) -> bool:
    return dotted == slipped or slipped in text_of(dotted)


@dataclass(slots=True)
class Rules:
    """What a proof gets: `rules.margin.position_margin(...)`. Notes which functions were called."""

    modules: dict[str, types.ModuleType]
    called: set[str] = field(default_factory=set)

    def __getattr__(self, short: str) -> "Module":
        if short not in self.modules:
            raise AttributeError(short)
        return Module(short, self.modules[short], self.called)


@dataclass(slots=True)
class Module:
    """One module of `Rules`."""

    short: str
    module: types.ModuleType
    called: set[str]

    def __getattr__(self, name: str) -> Any:
        found = getattr(self.module, name)
        if isinstance(found, types.FunctionType):
            self.called.add(f"{self.short}.{name}")
        elif isinstance(found, type):
            self.called |= {f"{self.short}.{name}.{member}" for member, value in vars(found).items()
                            if isinstance(value, types.FunctionType)}
        return found


def real() -> Rules:
    """The modules that the chain runs."""
    return Rules({short: importlib.import_module(dotted) for short, dotted in modules().items()})


def with_slip(mutation: Mutation) -> Rules:
    """The modules with one slip."""
    return Rules(mutated(mutation))

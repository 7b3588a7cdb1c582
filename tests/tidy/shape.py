"""The shape of files and of the repository, as checks over text: lengths, imports of rules, names, what is tracked."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

PROJECT = Path(__file__).resolve().parents[2]

FILE_LINES = 450
FUNCTION_LINES = 70
REASON = re.compile(r"#\s*long:\s*\S+")  # "# long: why" on the def line, or anywhere in a long file

DOMAIN_FILES = {
    "README.md", "__init__.py", "types.py", "keys.py", "state.py", "rules.py", "actions.py", "hooks.py", "queries.py",
    "genesis.py",
}
# Files beyond the common names, each with its reason.
DOMAIN_EXTRAS = {
    ("oracle", "votes.py"): "the encoding of vote extensions",
    ("oracle", "record.py"): "the encoding of a block's votes",
    ("oracle", "checks.py"): "whose votes a block holds, and whether they are enough",
    ("book", "index.py"): "the sorted index in memory",
    ("book", "combos.py"): "several orders that are one decision",
    ("clearing", "blocks.py"): "trades agreed between two parties",
    ("liquidation", "hedges.py"): "the one order that helps a portfolio most",
    ("book", "uncross.py"): "the meeting at one price",
    ("book", "match.py"): "the price-time loop",
    ("book", "terms.py"): "what an order may ask for beyond price and size",
    ("book", "conditions.py"): "what bars a resting order from trading",
    ("book", "pegs.py"): "orders that follow a reference",
    ("book", "protection.py"): "market-maker protection",
    ("breakers", "flows.py"): "the limiter of what leaves the chain",
    ("breakers", "halts.py"): "the life of a halt",
    ("markets", "holders.py"): "who holds what, in memory",
    ("liquidation", "close.py"): "closing on the book, on an account's behalf",
    ("liquidation", "debts.py"): "what accounts without lots owe against their assets",
    ("liquidation", "final.py"): "the last closing of a market that settles, and who makes up what is owed",
    ("liquidation", "queue.py"): "whose turn it is, market by market",
    ("liquidation", "stress.py"): "the stress test that the chain makes of itself",
    ("liquidation", "reduction.py"): "the one pass over holders that covers a deficit",
    ("margin", "groups.py"): "margins of what is margined together",
    ("margin", "health.py"): "who is within reach of a price",
    ("margin", "index.py"): "accounts by the levels that could hurt them, in memory",
    ("margin", "suppose.py"): "what a question supposes of prices and volatility",
    ("margin", "spans.py"): "the prices at which an account is short, by a scan",
    ("margin", "sensitivities.py"): "greeks of an account",
    ("margin", "scenarios.py"): "an account under many moves at once",
    ("margin", "tails.py"): "what an account makes in every row",
}
NOT_DOMAINS = {"kernel", "store"}

# Put together from parts, so that this file passes its own check.
REGISTRY_HOSTS = [".".join(parts) for parts in (
    ("pypi", "org"), ("files", "pythonhosted", "org"), ("registry", "npmjs", "org"), ("proxy", "golang", "org"),
    ("sum", "golang", "org"), ("crates", "io"), ("registry", "yarnpkg", "com"),
)]
MACHINE_PATHS = [re.compile(rf"(?<![\w.\-])/{folder}(?![\w\-])") for folder in ("work", "root", "Users", "tmp/team")]
GENERATED = re.compile(
    r"(^|/)(gen|build|\.venv|\.localnet|__pycache__|\.hypothesis|[^/]+\.egg-info)/|_pb2(_grpc)?\.pyi?$|\.pyc$"
)
PURE_IMPORT = re.compile(r"app\.kernel(\.|$)|app\.\w+\.rules(\.|$)|(typing|dataclasses|enum|collections)(\.|$)")


def long_parts(source: str) -> Iterator[str]:
    """Functions over FUNCTION_LINES and files over FILE_LINES that give no reason."""
    lines = source.splitlines()
    if len(lines) > FILE_LINES and not REASON.search(source):
        yield f"{len(lines)} lines; split it, or say why with a comment `# long: reason`"
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)):
            length = (node.end_lineno or node.lineno) - node.lineno + 1
            if length > FUNCTION_LINES and not REASON.search(lines[node.lineno - 1]):
                yield f"{node.name} has {length} lines"


def impure_rule_imports(source: str) -> Iterator[str]:
    """Imports of a rules.py that are neither the kernel, nor other rules, nor declarations of the standard library."""
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.ImportFrom):
            modules = [f"{node.module}.{alias.name}" for alias in node.names]
        elif isinstance(node, ast.Import):
            modules = [alias.name for alias in node.names]
        else:
            continue
        for module in modules:
            if not PURE_IMPORT.match(module):
                yield f"{node.lineno}: {module}"


def untold_docstrings(source: str) -> Iterator[str]:
    """The module, and public functions and classes at its top or in its public classes, that have no docstring."""
    tree = ast.parse(source)
    if source.strip() and not ast.get_docstring(tree):
        yield "the module"
    tops = [node for node in tree.body if not getattr(node, "name", "_").startswith("_")]
    members = [node for top in tops if isinstance(top, ast.ClassDef) for node in top.body]
    for node in tops + members:
        if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)) and not node.name.startswith("_"):
            decorators = {ast.unparse(decorator) for decorator in node.decorator_list}
            if not ast.get_docstring(node) and not any(name.endswith((".setter", "overload")) for name in decorators):
                yield f"{node.lineno}: {node.name}"


def strange_domain_files(files: list[str]) -> Iterator[str]:
    """Paths like app/<domain>/<file> whose name is not one of the common ones."""
    for path in files:
        parts = path.split("/")
        if len(parts) == 3 and parts[0] == "app" and parts[1] not in NOT_DOMAINS:
            if parts[2] not in DOMAIN_FILES and (parts[1], parts[2]) not in DOMAIN_EXTRAS:
                yield path
        elif len(parts) > 3 and parts[0] == "app":
            yield path


def generated(files: list[str]) -> list[str]:
    """Paths of things that set-up or a run makes."""
    return [path for path in files if GENERATED.search(path)]


def leaks(text: str) -> Iterator[str]:
    """Hosts of package registries and absolute paths of one machine."""
    for number, line in enumerate(text.splitlines(), 1):
        for host in REGISTRY_HOSTS:
            if host in line:
                yield f"{number}: {host}"
        for pattern in MACHINE_PATHS:
            if pattern.search(line):
                yield f"{number}: {line.strip()[:80]}"

"""What the state machine's source must not contain, as checks over syntax trees.

Each check takes a parsed file and yields (line, what is wrong). `CHECKS` names them; the tests run each over `app/` and
over a snippet that it must refuse. Purity is a property of the source, so it is checked without running anything.
"""

import ast
from collections.abc import Callable, Iterator

Finding = tuple[int, str]
Check = Callable[[ast.Module], Iterator[Finding]]

# All that app may import from outside itself, and why it is pure.
ALLOWED_IMPORTS = {
    "__future__": "annotations",
    "abc": "declarations",
    "base64": "bytes to text",
    "bisect": "sorted lists",
    "collections": "containers",
    "dataclasses": "records",
    "enum": "names for numbers",
    "functools": "memo and partial application",
    "google.protobuf": "the encoding of records",
    "hashlib": "SHA-2",
    "heapq": "ordered queues",
    "itertools": "iteration",
    "json": "the genesis document; see json_floats",
    "math": "integer functions only; see math_names",
    "nacl": "signature verification",
    "novation": "generated messages",
    "operator": "sort keys",
    "re": "patterns over text",
    "struct": "packing of keys",
    "types": "declarations",
    "typing": "declarations",
}
DIVISIONS = {"truediv", "itruediv", "__truediv__", "__rtruediv__", "__itruediv__"}
INTEGER_MATH = {"isqrt", "gcd", "lcm", "comb", "perm", "factorial", "prod"}
BANNED_CALLS = {
    "breakpoint", "compile", "delattr", "dir", "eval", "exec", "float", "complex", "globals", "hash", "id", "input",
    "locals", "open", "print", "round", "vars", "__import__",
}
TIE_TAKERS = {"sorted", "min", "max"}  # with a key of their own: among equals the first one wins
ORDER_TAKERS = {"list", "tuple", "iter", "enumerate", "zip", "map", "filter", "reversed", "next", "dict", "deque"}
SET_OPERATORS = (ast.BitOr, ast.BitAnd, ast.BitXor, ast.Sub)
SET_METHODS = {"union", "intersection", "difference", "symmetric_difference", "copy"}


def floats(tree: ast.Module) -> Iterator[Finding]:
    """Float and complex literals, and the name `float` anywhere."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Constant) and isinstance(node.value, (float, complex)):
            yield node.lineno, f"the literal {node.value!r}"
        if isinstance(node, ast.Name) and node.id in ("float", "complex"):
            yield node.lineno, f"the name {node.id}"


def true_division(tree: ast.Module) -> Iterator[Finding]:
    """`/` and `/=`: they make floats of integers. Powers may too, when the exponent is negative. Neither by name."""
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom) and node.module == "operator":
            yield from ((node.lineno, f"operator.{one.name}") for one in node.names if one.name in DIVISIONS)
        if isinstance(node, ast.Attribute) and node.attr in DIVISIONS:
            yield node.lineno, f"the attribute {node.attr}"
        if isinstance(node, ast.Name) and node.id == "pow":
            yield node.lineno, "the built-in pow; a power is written **"
        if isinstance(node, (ast.BinOp, ast.AugAssign)):
            if isinstance(node.op, ast.Div):
                yield node.lineno, "true division; name the rounding with app.kernel.integers"
            exponent = node.right if isinstance(node, ast.BinOp) else node.value
            if isinstance(node.op, ast.Pow) and isinstance(exponent, ast.UnaryOp) and isinstance(exponent.op, ast.USub):
                yield node.lineno, "a negative power"


def banned_calls(tree: ast.Module) -> Iterator[Finding]:
    """Built-ins that depend on the process, do I/O or run text."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Name) and node.id in BANNED_CALLS and isinstance(node.ctx, ast.Load):
            yield node.lineno, f"the built-in {node.id}"
        if isinstance(node, ast.Attribute) and node.attr in ("__hash__", "__dict__", "__subclasses__"):
            yield node.lineno, f"the attribute {node.attr}"


def imports(tree: ast.Module) -> Iterator[Finding]:
    """Modules outside the list above, wherever the import stands, and imports by level or by star."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            names = [node.module or "."]
            if node.level or any(alias.name == "*" for alias in node.names):
                yield node.lineno, "a relative or star import"
        else:
            continue
        for name in names:
            allowed = any(name == root or name.startswith(root + ".") for root in (*ALLOWED_IMPORTS, "app"))
            if not allowed:
                yield node.lineno, f"the import of {name}"


def math_names(tree: ast.Module) -> Iterator[Finding]:
    """Functions of `math` that are not exact on integers."""
    for node in ast.walk(tree):
        names = []
        if isinstance(node, ast.ImportFrom) and node.module == "math":
            names = [alias.name for alias in node.names]
        elif isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name) and node.value.id == "math":
            names = [node.attr]
        yield from ((node.lineno, f"math.{name}") for name in names if name not in INTEGER_MATH)


def json_floats(tree: ast.Module) -> Iterator[Finding]:
    """`json.loads` without `parse_float` and `parse_constant`, or `json.load`: a document could bring floats in."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and ast.unparse(node.func) in ("json.loads", "json.load"):
            given = {keyword.arg for keyword in node.keywords}
            if not {"parse_float", "parse_constant"} <= given or ast.unparse(node.func) == "json.load":
                yield node.lineno, "json.loads must refuse floats: parse_float=, parse_constant="


def broad_excepts(tree: ast.Module) -> Iterator[Finding]:
    """`except:`, `except Exception`, `except BaseException`, alone or in a tuple."""
    for node in ast.walk(tree):
        if isinstance(node, ast.ExceptHandler):
            caught = node.type.elts if isinstance(node.type, ast.Tuple) else [node.type]
            for kind in caught:
                if kind is None or (isinstance(kind, ast.Name) and kind.id in ("Exception", "BaseException")):
                    yield node.lineno, "an except that catches everything"


def asserts(tree: ast.Module) -> Iterator[Finding]:
    """`assert`: it vanishes under python -O, so two nodes could disagree. Raise an error instead."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Assert):
            yield node.lineno, "an assert"


def concurrency(tree: ast.Module) -> Iterator[Finding]:
    """Coroutines. (Threads and processes cannot be imported.)"""
    for node in ast.walk(tree):
        if isinstance(node, (ast.AsyncFunctionDef, ast.AsyncFor, ast.AsyncWith, ast.Await)):
            yield node.lineno, "asynchronous code"


def set_iteration(tree: ast.Module) -> Iterator[Finding]:
    """Whatever takes the order of a set: loops, list(), unpacking, pop(), join(), sorted() by a key. sorted() without
    one is the way out."""
    names = set_names(tree)
    for node in ast.walk(tree):
        for used in _order_users(node):
            if _is_set(used, names):
                yield used.lineno, f"the order of a set: {ast.unparse(used)}"


def set_names(tree: ast.Module) -> frozenset[str]:
    """Names and attributes that the file binds to a set or annotates as one, found to a fixed point."""
    names: frozenset[str] = frozenset()
    while True:
        found = set(names)
        for node in ast.walk(tree):
            for target, value, annotation in _bindings(node):
                name = target.id if isinstance(target, ast.Name) else getattr(target, "attr", None)
                if name and (_is_set_annotation(annotation) or (value is not None and _is_set(value, names))):
                    found.add(name)
            if isinstance(node, ast.arg) and _is_set_annotation(node.annotation):
                found.add(node.arg)
            if isinstance(node, ast.FunctionDef) and _is_set_annotation(node.returns):
                found.add(node.name)
        if found == names:
            return names
        names = frozenset(found)


def _bindings(node: ast.AST) -> Iterator[tuple[ast.AST, ast.expr | None, ast.expr | None]]:
    if isinstance(node, ast.Assign):
        yield from ((target, node.value, None) for target in node.targets)
    elif isinstance(node, ast.AnnAssign):
        yield node.target, node.value, node.annotation
    elif isinstance(node, (ast.NamedExpr, ast.AugAssign)):
        yield node.target, node.value, None


def _is_set_annotation(annotation: ast.expr | None) -> bool:
    if isinstance(annotation, ast.Constant) and isinstance(annotation.value, str):
        annotation = ast.parse(annotation.value, mode="eval").body
    if isinstance(annotation, ast.BinOp):
        return _is_set_annotation(annotation.left) or _is_set_annotation(annotation.right)
    head = annotation.value if isinstance(annotation, ast.Subscript) else annotation
    return isinstance(head, ast.Name) and head.id in ("set", "frozenset", "Set", "AbstractSet", "MutableSet")


def _is_set(node: ast.AST, names: frozenset[str]) -> bool:
    if isinstance(node, (ast.Set, ast.SetComp)):
        return True
    if isinstance(node, ast.Name):
        return node.id in names
    if isinstance(node, ast.Attribute):
        return node.attr in names
    if isinstance(node, ast.BinOp) and isinstance(node.op, SET_OPERATORS):
        sides = (node.left, node.right)
        return any(_is_set(side, names) or _is_keys_view(side) for side in sides)
    if isinstance(node, ast.IfExp):
        return _is_set(node.body, names) or _is_set(node.orelse, names)
    if isinstance(node, ast.Call) and isinstance(node.func, ast.Name):
        return node.func.id in ("set", "frozenset") or node.func.id in names
    if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute):
        return node.func.attr in names or (node.func.attr in SET_METHODS and _is_set(node.func.value, names))
    return False


def _is_keys_view(node: ast.AST) -> bool:
    return isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr in ("keys", "items")


def _order_users(node: ast.AST) -> Iterator[ast.expr]:
    """The expressions whose order `node` takes."""
    if isinstance(node, (ast.For, ast.AsyncFor, ast.comprehension)):
        yield node.iter
    elif isinstance(node, (ast.Starred, ast.YieldFrom)):
        yield node.value
    elif isinstance(node, ast.Assign):
        if any(isinstance(target, (ast.Tuple, ast.List)) for target in node.targets):
            yield node.value
    elif isinstance(node, ast.Call):
        if isinstance(node.func, ast.Name) and node.func.id in ORDER_TAKERS:
            yield from node.args
        by_key = any(keyword.arg == "key" for keyword in node.keywords)
        if isinstance(node.func, ast.Name) and node.func.id in TIE_TAKERS and by_key:
            yield from node.args
        if isinstance(node.func, ast.Attribute) and node.func.attr in ("join", "extend", "fromkeys"):
            yield from node.args
        if isinstance(node.func, ast.Attribute) and node.func.attr == "pop" and not node.args:
            yield node.func.value


CHECKS: dict[str, Check] = {
    check.__name__: check
    for check in (
        floats, true_division, banned_calls, imports, math_names, json_floats, broad_excepts, asserts, concurrency,
        set_iteration,
    )
}


def findings(source: str, check: str) -> list[str]:
    """What `check` says about `source`, as "line: text"."""
    return [f"{line}: {text}" for line, text in CHECKS[check](ast.parse(source))]

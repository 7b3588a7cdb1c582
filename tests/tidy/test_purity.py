"""The state machine is a pure function of (state, block): its source holds nothing that could make it otherwise."""

from pathlib import Path

import pytest

from tests.tidy.purity import CHECKS, findings

PROJECT = Path(__file__).resolve().parents[2]
FILES = sorted((PROJECT / "app").rglob("*.py"))

# For each check: snippets that it must refuse, and snippets that look alike and are fine.
BAD = {
    "floats": ["x = 0.5", "x = 1e6", "x = 1j", "y = float(3)", "def f(x: float) -> None: ..."],
    "true_division": ["x = a / b", "x /= 2", "x = 10 ** -3", "x = pow(a, b)", "from operator import truediv",
                      "import operator\nx = operator.truediv(a, b)", "x = a.__truediv__(b)"],
    "banned_calls": ["hash(x)", "id(x)", "open('f')", "print(1)", "input()", "eval('1')", "exec('1')", "key = hash",
                     "sorted(xs, key=id)", "__import__('time')", "globals()", "round(3)", "x.__hash__()"],
    "imports": ["import time", "import datetime", "from random import random", "import secrets", "import os",
                "import os.path", "import sys", "import threading", "import asyncio", "import socket",
                "import subprocess", "from pathlib import Path", "import io", "import locale", "import uuid",
                "import decimal", "import fractions", "import multiprocessing", "import tempfile", "import logging",
                "import weakref", "def f():\n    import time", "from . import x", "from app.limits import *",
                "import node.abci", "import client", "import apple", "import importlib"],
    "math_names": ["import math\nmath.sqrt(2)", "from math import log", "import math\nx = math.pi"],
    "json_floats": ["import json\njson.loads(t)", "import json\njson.loads(t, parse_float=refuse)",
                    "import json\njson.load(f, parse_float=r, parse_constant=r)"],
    "broad_excepts": ["try: f()\nexcept: pass", "try: f()\nexcept Exception: pass",
                      "try: f()\nexcept (ValueError, BaseException) as error: pass"],
    "asserts": ["assert x > 0"],
    "concurrency": ["async def f(): ...", "async def f():\n    await g()"],
    "set_iteration": ["for x in {1, 2}: f(x)", "for x in set(xs): f(x)", "ys = [x for x in frozenset(xs)]",
                      "s = set()\nfor x in s: f(x)", "s = {1}\nt = s | other\nlist(t)", "list({x for x in xs})",
                      "def f(s: set[int]):\n    return [x for x in s]", "def f(s: 'frozenset[int] | None'): tuple(s)",
                      "class A:\n    s: set[int]\n    def f(self):\n        for x in self.s: g(x)",
                      "s = set(xs)\ns.pop()", "s = {1}\nf(*s)", "a, b = {1, 2}", "','.join({'a', 'b'})",
                      "for k in d.keys() - e.keys(): f(k)", "s = {1}\nlist(s.union(t))", "s = {1}\nnext(iter(s))",
                      "if (s := set(xs)):\n    for x in s: f(x)", "sorted({1, 2}, key=f)",
                      "s = set(xs)\nmax(s, key=f)",
                      "def f() -> set[int]: ...\nfor x in f(): g(x)",
                      "class A:\n    def f(self) -> frozenset[int]: ...\n    def g(self): return list(self.f())"],
}
GOOD = {
    "floats": ["x = 5", "y = '0.5'"],
    "true_division": ["x = a // b", "x = a % b", "x = 10 ** 3", "path = 'a/b'"],
    "banned_calls": ["order.id", "def f(order_id): ...", "x.open()", "hashlib.sha256(b'')"],
    "imports": ["from collections.abc import Iterator", "from app.limits import MAX_ACTIONS", "import hashlib",
                "from novation.v1.tx_pb2 import Body"],
    "math_names": ["from math import isqrt", "import math\nmath.gcd(4, 6)"],
    "json_floats": ["import json\njson.loads(t, parse_float=refuse, parse_constant=refuse)", "json.dumps(x)"],
    "broad_excepts": ["try: f()\nexcept ValueError: pass", "try: f()\nfinally: g()"],
    "asserts": ["if x <= 0:\n    raise InvariantError('x')"],
    "concurrency": ["def f(): yield 1"],
    "set_iteration": ["for x in sorted({1, 2}): f(x)", "for x in {1: 2}: f(x)", "x in {1, 2}", "s = set()\ns.add(1)",
                      "len({1})", "for k in d.keys(): f(k)", "xs = [1]\nxs.pop()", "d = {}\nd.pop(1)", "a - b",
                      "s = {1}\nmax(s)", "sorted([1], key=f)", "def f() -> list[int]: ...\nfor x in f(): g(x)"],
}


@pytest.mark.parametrize("check", CHECKS)
def test_app_is_pure(check: str) -> None:
    """No file of app has what the check refuses."""
    found = [f"{path.relative_to(PROJECT)}:{line}" for path in FILES for line in findings(path.read_text(), check)]
    assert not found, "\n".join(found)


def test_there_is_something_to_check() -> None:
    """A wrong path would make every check above pass."""
    assert len(FILES) > 10


@pytest.mark.parametrize(("check", "snippet"), [(check, snippet) for check in CHECKS for snippet in BAD[check]])
def test_check_fires(check: str, snippet: str) -> None:
    """A check that cannot fail is worthless: each refuses its bad snippets."""
    assert findings(snippet, check), snippet


@pytest.mark.parametrize(("check", "snippet"), [(check, snippet) for check in CHECKS for snippet in GOOD[check]])
def test_check_spares_what_is_fine(check: str, snippet: str) -> None:
    """And lets pass what only looks alike."""
    assert not findings(snippet, check), snippet

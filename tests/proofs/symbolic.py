"""Runs a plain Python function on symbolic integers: its very source, along every path it can take.

A `Number` holds a z3 expression in place of an int, a `Truth` one in place of a bool. Arithmetic builds expressions;
where the function asks a `Truth` for its value (`if`, `and`, `max`, `not`), the run takes one branch and notes the
other; `explore` runs the function again for each branch noted, so every path is run exactly once. Nothing of the
function is copied, translated or read: Python itself executes it.

Two kinds of numbers: unbounded z3 integers, or, for functions that shift and mask, two's complement of a stated width
in which every operation claims that it was exact.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

import z3

FEASIBLE_EFFORT = 200_000  # z3 resource units to see that a branch cannot be taken; if they do not do, it is run
MOST_PATHS = 5_000


class Infeasible(Exception):
    """The path contradicts itself: there is nothing to run."""


@dataclass(slots=True)
class Claim:
    """What must hold whenever a run comes here: under `given`, `truth`."""

    words: str
    given: list[z3.BoolRef]
    truth: z3.BoolRef


@dataclass(slots=True)
class Path:
    """One run: what was decided at each fork, what is known because of it, and what was claimed on the way.

    `prefix` are the decisions to repeat; claims made before its end were made by an earlier run too and are left out.
    `bits` is the width of all numbers, or 0 for unbounded integers.
    """

    prefix: tuple[bool, ...]
    bits: int = 0
    decisions: list[bool] = field(default_factory=list)
    known: list[z3.BoolRef] = field(default_factory=list)
    claims: list[Claim] = field(default_factory=list)
    variables: dict[str, z3.ExprRef] = field(default_factory=dict)
    branches: list[tuple[bool, ...]] = field(default_factory=list)
    fresh: int = 0

    # What a proof calls. `Sample` below has the same three.

    def whole(self, name: str, low: int | None = None, high: int | None = None) -> "Number":
        """A symbolic integer, `low` and `high` included."""
        variable = z3.BitVec(name, self.bits) if self.bits else z3.Int(name)
        self.variables[name] = variable
        number = Number(self, variable)
        if low is not None:
            self.known.append((number >= low).expression)
        if high is not None:
            self.known.append((number <= high).expression)
        return number

    def assume(self, *truths: "Truth | bool") -> None:
        """Only runs in which these hold are of interest."""
        for truth in truths:
            if truth is False:
                raise Infeasible
            if isinstance(truth, Truth):
                self.known.append(truth.expression)

    def claim(self, truth: "Truth | bool", words: str) -> None:
        """This must hold here."""
        if len(self.decisions) >= len(self.prefix):
            expression = truth.expression if isinstance(truth, Truth) else z3.BoolVal(truth)
            self.claims.append(Claim(words, list(self.known), expression))

    # What numbers call.

    def decide(self, condition: z3.BoolRef) -> bool:
        """Take a branch, and note the other if it can be taken too."""
        condition = z3.simplify(condition)
        if z3.is_true(condition) or z3.is_false(condition):
            return z3.is_true(condition)
        depth = len(self.decisions)
        if depth < len(self.prefix):
            taken = self.prefix[depth]
        else:
            taken = self._feasible(condition)
            if taken and self._feasible(z3.Not(condition)):
                self.branches.append((*self.decisions, False))
        self.decisions.append(taken)
        self.known.append(condition if taken else z3.Not(condition))
        return taken

    def _feasible(self, condition: z3.BoolRef) -> bool:
        if self.bits:
            return True  # dearer to ask than to run
        solver = z3.Solver()
        solver.set("rlimit", FEASIBLE_EFFORT)
        solver.set("random_seed", 1)
        solver.set("timeout", 500)
        solver.add(*self.known, condition)
        return solver.check() != z3.unsat

    def unknown_whole(self, name: str) -> "Number":
        """An integer about which nothing is known yet, made by an operation and not by the proof."""
        self.fresh += 1
        return Number(self, z3.Int(f"{name}!{self.fresh}"))


class Truth:
    """A symbolic bool."""

    __slots__ = ("expression", "path")
    __hash__ = None  # type: ignore[assignment]

    def __init__(self, path: Path, expression: z3.BoolRef) -> None:
        self.path = path
        self.expression = expression

    def __bool__(self) -> bool:
        return self.path.decide(self.expression)

    def _other(self, other: object) -> z3.BoolRef:
        return other.expression if isinstance(other, Truth) else z3.BoolVal(bool(other))

    def __eq__(self, other: object) -> "Truth":  # type: ignore[override]
        return Truth(self.path, self.expression == self._other(other))

    def __ne__(self, other: object) -> "Truth":  # type: ignore[override]
        return Truth(self.path, self.expression != self._other(other))

    def __and__(self, other: object) -> "Truth":
        return Truth(self.path, z3.And(self.expression, self._other(other)))

    def __or__(self, other: object) -> "Truth":
        return Truth(self.path, z3.Or(self.expression, self._other(other)))

    __rand__, __ror__ = __and__, __or__


class Number:
    """A symbolic int. Whatever Python's int does that is not here raises TypeError, so nothing is silently wrong."""

    __slots__ = ("expression", "path")
    __hash__ = None  # type: ignore[assignment]

    def __init__(self, path: Path, expression: z3.ExprRef) -> None:
        self.path = path
        self.expression = expression

    def _of(self, other: object) -> z3.ExprRef | None:
        """The expression of an operand, or None if it is no integer."""
        if isinstance(other, Number):
            return other.expression
        if not isinstance(other, int):
            return None
        if not self.path.bits:
            return z3.IntVal(int(other))
        if not -(1 << self.path.bits - 1) <= other < 1 << self.path.bits - 1:
            raise OverflowError(f"{other} does not fit {self.path.bits} bits")
        return z3.BitVecVal(int(other), self.path.bits)

    def _exact(self, *conditions: z3.BoolRef) -> None:
        """In a stated width: claim that an operation did not run over."""
        for condition in conditions:
            self.path.claim(Truth(self.path, condition), f"exact in {self.path.bits} bits")

    def _make(self, expression: z3.ExprRef) -> "Number":
        return Number(self.path, expression)

    def __bool__(self) -> bool:
        return self.path.decide(self.expression != self._of(0))

    def __neg__(self) -> "Number":
        if self.path.bits:
            self._exact(z3.BVSNegNoOverflow(self.expression))
        return self._make(-self.expression)

    def __pos__(self) -> "Number":
        return self

    def __abs__(self) -> "Number":
        return self if self >= 0 else -self

    def __add__(self, other: object) -> "Number":
        term = self._of(other)
        if term is None:
            return NotImplemented
        if self.path.bits:
            self._exact(z3.BVAddNoOverflow(self.expression, term, True), z3.BVAddNoUnderflow(self.expression, term))
        return self._make(self.expression + term)

    __radd__ = __add__

    def __sub__(self, other: object) -> "Number":
        term = self._of(other)
        if term is None:
            return NotImplemented
        if self.path.bits:
            self._exact(z3.BVSubNoOverflow(self.expression, term), z3.BVSubNoUnderflow(self.expression, term, True))
        return self._make(self.expression - term)

    def __rsub__(self, other: object) -> "Number":
        term = self._of(other)
        return NotImplemented if term is None else self._make(term) - self

    def __mul__(self, other: object) -> "Number":
        term = self._of(other)
        if term is None:
            return NotImplemented
        if self.path.bits:
            raise TypeError("no products in a stated width")
        return self._make(self.expression * term)

    __rmul__ = __mul__

    def __floordiv__(self, other: object) -> "Number":
        return divmod(self, other)[0]

    def __rfloordiv__(self, other: object) -> "Number":
        return divmod(self._make(self._of(other)), self)[0]

    def __mod__(self, other: object) -> "Number":
        return divmod(self, other)[1]

    def __rmod__(self, other: object) -> "Number":
        return divmod(self._make(self._of(other)), self)[1]

    def __divmod__(self, other: object) -> "tuple[Number, Number]":
        """Python's own: the remainder has the divisor's sign. A divisor that may be 0 raises on that path."""
        term = self._of(other)
        if term is None or self.path.bits:
            raise TypeError("no such division")
        divisor = self._make(term)
        if divisor == 0:
            raise ZeroDivisionError("integer division or modulo by zero")
        positive = bool(divisor > 0)
        quotient, rest = self.path.unknown_whole("quotient"), self.path.unknown_whole("rest")
        self.path.assume(self == quotient * divisor + rest)
        if positive:
            self.path.assume(rest >= 0, rest < divisor)
        else:
            self.path.assume(rest <= 0, rest > divisor)
        return quotient, rest

    def _compare(self, other: object, operation: Callable[[Any, Any], Any]) -> Truth:
        term = self._of(other)
        if term is None:
            raise TypeError(f"cannot compare with {other!r}")
        return Truth(self.path, operation(self.expression, term))

    def __lt__(self, other: object) -> Truth:
        return self._compare(other, lambda a, b: a < b)

    def __le__(self, other: object) -> Truth:
        return self._compare(other, lambda a, b: a <= b)

    def __gt__(self, other: object) -> Truth:
        return self._compare(other, lambda a, b: a > b)

    def __ge__(self, other: object) -> Truth:
        return self._compare(other, lambda a, b: a >= b)

    def __eq__(self, other: object) -> Truth:  # type: ignore[override]
        return self._compare(other, lambda a, b: a == b)

    def __ne__(self, other: object) -> Truth:  # type: ignore[override]
        return self._compare(other, lambda a, b: a != b)

    # Bits: in a stated width only.

    def _bits(self, other: object) -> z3.ExprRef:
        term = self._of(other)
        if term is None or not self.path.bits:
            raise TypeError("bits need a stated width")
        return term

    def __and__(self, other: object) -> "Number":
        return self._make(self.expression & self._bits(other))

    def __or__(self, other: object) -> "Number":
        return self._make(self.expression | self._bits(other))

    __rand__, __ror__ = __and__, __or__

    def __lshift__(self, other: object) -> "Number":
        places = self._make(self._bits(other))
        if places < 0:
            raise ValueError("negative shift count")
        shifted = self.expression << places.expression
        self._exact((places < self.path.bits).expression, shifted >> places.expression == self.expression)
        return self._make(shifted)

    def __rlshift__(self, other: object) -> "Number":
        return self._make(self._bits(other)) << self

    def __rshift__(self, other: object) -> "Number":
        places = self._make(self._bits(other))
        if places < 0:
            raise ValueError("negative shift count")
        return self._make(self.expression >> places.expression)

    def __rrshift__(self, other: object) -> "Number":
        return self._make(self._bits(other)) >> self


@dataclass(slots=True)
class Sample:
    """The same three calls on plain ints: a counterexample is run by Python alone, with no symbol in sight."""

    values: dict[str, int]
    broken: list[str] = field(default_factory=list)
    outside: bool = False

    def whole(self, name: str, low: int | None = None, high: int | None = None) -> int:
        """The value of `name`."""
        value = self.values.get(name, 0)
        if (low is not None and value < low) or (high is not None and value > high):
            raise Infeasible
        return value

    def assume(self, *truths: bool) -> None:
        """Stop when one does not hold."""
        if not all(truths):
            raise Infeasible

    def claim(self, truth: bool, words: str) -> None:
        """Note it when it does not hold."""
        if not truth:
            self.broken.append(words)


@dataclass(slots=True)
class Run:
    """One path and how it ended: `raised` is None when the function returned."""

    path: Path
    raised: Exception | None


def explore(law: Callable[[Path], None], bits: int = 0) -> Iterator[Run]:
    """Run `law` along every path. An exception of the code under proof ends its path and is reported with it."""
    pending: list[tuple[bool, ...]] = [()]
    for _ in range(MOST_PATHS):
        if not pending:
            return
        path = Path(pending.pop(), bits)
        raised: Exception | None = None
        try:
            law(path)
        except Infeasible:
            path.known.append(z3.BoolVal(False))
        except Exception as error:  # noqa: BLE001 - whatever the code under proof raises is reported
            raised = error
        pending.extend(path.branches)
        yield Run(path, raised)
    raise RuntimeError(f"more than {MOST_PATHS} paths: prove smaller parts")

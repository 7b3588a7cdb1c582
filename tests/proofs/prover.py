"""What a proof is, and how it is decided.

A proof is a function `law(case, rules)`: it takes integers from `case`, states what may be assumed of them, calls
rules, and claims what must hold. `prove` runs it along every path and asks z3 for integers that break a claim.
None: proven. Some: refuted, and the law is run once more on those integers, by Python alone, to see it fail.
"""

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import z3

from tests.proofs.source import Mutation, Rules
from tests.proofs.symbolic import Infeasible, Path, Sample, explore

PROVEN, REFUTED, UNDECIDED = "proven", "refuted", "not decided"
SEED = 1
EFFORT = 3_000_000  # z3 resource units a claim: the same verdict on every machine
SECONDS = 20  # a safety net; a claim that meets it is not decided
LAW_SECONDS = 60  # and a law with many paths that meets this

Law = Callable[[Any, Any], None]


@dataclass(frozen=True, slots=True)
class Proof:
    """A law of some rules. `code` is the rule's in the READMEs, `about` the functions it speaks of, `bounds` the
    ranges it holds in, `slips` mutations that it must refute. `bits` as in `symbolic.Path`. `breaks`: the law does
    not hold, the rule's README says so, and the proof shows by an example that this is still the case.
    """

    name: str
    code: str
    words: str
    about: tuple[str, ...]
    law: Law
    slips: tuple[Mutation, ...]
    bounds: str
    bits: int = 0
    breaks: bool = False


@dataclass(slots=True)
class Verdict:
    """How it went. `example` breaks `claim`; `seen` says that Python alone broke it too on those integers."""

    verdict: str
    paths: int = 0
    claims: int = 0
    seconds: float = 0.0
    claim: str = ""
    example: dict[str, int] = field(default_factory=dict)
    seen: bool = False


PROOFS: list[Proof] = []


def proof(code: str, words: str, *about: str, slips: dict[str, tuple[str, str] | list[tuple[str, str]]],
          bounds: str = "all integers", bits: int = 0, breaks: bool = False) -> Callable[[Law], Law]:
    """Register a law. `slips`: module -> (old, new) or a list of them."""
    made = tuple(Mutation(module, old, new) for module, pairs in slips.items()
                 for old, new in (pairs if isinstance(pairs, list) else [pairs]))

    def register(law: Law) -> Law:
        PROOFS.append(Proof(law.__name__, code, words, about, law, made, bounds, bits, breaks))
        return law

    return register


def prove(item: Proof, rules: Rules, effort: int = EFFORT) -> Verdict:
    """Decide `item` for `rules`: refuted at the first broken claim, else not decided if any claim was left open."""
    started, result = time.perf_counter(), Verdict(PROVEN)
    for run in explore(lambda case: item.law(case, rules), item.bits):
        if time.perf_counter() - started > LAW_SECONDS:
            result.verdict, result.claim = UNDECIDED, f"{result.paths} paths in {LAW_SECONDS} s, and there are more"
            break
        result.paths += 1
        claims = [(claim.words, [*claim.given, z3.Not(claim.truth)]) for claim in run.path.claims]
        if run.raised is not None:
            claims.append((f"does not raise {type(run.raised).__name__}: {run.raised}", list(run.path.known)))
        for words, wrong in claims:
            result.claims += 1
            answer, model = solve(wrong, effort)
            if answer == z3.unsat:
                continue
            result.claim = words
            if answer == z3.sat and model is not None:
                result.example = values(run.path, model)
                result.seen = breaks_in_python(item, rules, result.example)
                # Python is the judge: an example that it does not follow shows a gap in the symbolic run.
                result.verdict = REFUTED if result.seen else UNDECIDED
                result.seconds = time.perf_counter() - started
                return result
            result.verdict = UNDECIDED
    if result.claims == 0:
        result.verdict, result.claim = UNDECIDED, "nothing was claimed"
    result.seconds = time.perf_counter() - started
    return result


def solve(facts: list[z3.BoolRef], effort: int) -> tuple[z3.CheckSatResult, z3.ModelRef | None]:
    """Whether `facts` can hold together, and how."""
    solver = z3.Solver()
    solver.set("random_seed", SEED)
    solver.set("rlimit", effort)
    solver.set("timeout", SECONDS * 1000)
    solver.add(*facts)
    answer = solver.check()
    return answer, solver.model() if answer == z3.sat else None


def values(path: Path, model: z3.ModelRef) -> dict[str, int]:
    """The integers of an example."""
    found = {}
    for name, variable in path.variables.items():
        value = model.eval(variable, model_completion=True)
        found[name] = value.as_signed_long() if path.bits else value.as_long()
    return found


def breaks_in_python(item: Proof, rules: Rules, example: dict[str, int]) -> bool:
    """Whether the law fails on plain integers, without z3."""
    sample = Sample(dict(example))
    try:
        item.law(sample, rules)
    except Infeasible:
        return bool(sample.broken)
    except Exception:  # noqa: BLE001 - whatever the rule raises, it is what the proof says it must not
        return True
    return bool(sample.broken)


def killed(item: Proof, slip: Mutation, effort: int = EFFORT) -> Verdict:
    """The verdict on `item` when its rule has `slip`. A proof that does not break then proves nothing."""
    from tests.proofs.source import with_slip
    return prove(item, with_slip(slip), effort)

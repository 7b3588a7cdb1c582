"""The quick part of `make prove`, which decides every law: the executor does what Python does, a law of each domain
holds and a slip breaks it, and no rule is without one.
"""

import pytest
import z3

from tests.proofs import coverage, source
from tests.proofs.all import PROOFS
from tests.proofs.prover import PROVEN, REFUTED, killed, prove
from tests.proofs.symbolic import Number, Path, explore

SLOW = {"used_stays_used", "the_window_slides_up", "longs_equal_shorts", "the_split_is_exact", "rates_round_up",
        "offsets_lie_between", "hedges_never_hurt"}
QUICK = {item.about[0].split(".")[0]: item for item in reversed(PROOFS) if "margin.initial_margin" not in item.about
         and "margin.fits_record" not in item.about and item.name not in SLOW | {"reducing_never_bleeds"}}


@pytest.mark.parametrize("item", QUICK.values(), ids=lambda item: item.name)
def test_law(item) -> None:
    """The law holds of the rules as they are, calls what it speaks of, and its first slip breaks it in Python too."""
    rules = source.real()
    assert prove(item, rules).verdict == PROVEN
    assert set(item.about) <= rules.called
    broken = killed(item, item.slips[0])
    assert (broken.verdict, broken.seen) == (REFUTED, True)


def test_every_function_is_proven_or_listed() -> None:
    """Whoever adds a rule adds a proof, or says why not; a reason whose function is gone goes too."""
    functions = coverage.functions()
    assert len(functions) > 25
    assert not [name for name in functions if not coverage.proofs_of(name) and name not in coverage.LISTED]
    assert not [name for name in coverage.LISTED if name not in functions or coverage.proofs_of(name)]


def test_every_law_has_slips_that_are_in_the_source() -> None:
    """A slip whose text is gone would show nothing."""
    for item in PROOFS:
        assert item.slips or item.breaks, item.name
        for slip in item.slips:
            source.mutated(slip)


def test_every_law_names_its_rule() -> None:
    """The code of a law is cited by one of the functions it speaks of, or by none of them having one."""
    functions = set(coverage.functions())
    for item in PROOFS:
        assert set(item.about) <= functions, item.name


def test_division_is_that_of_python() -> None:
    """Quotient and rest of all small integers, divisors of both signs, are Python's and no others."""
    for value in (-7, -6, -1, 0, 1, 6, 7):
        for divisor in (-3, -2, 2, 3):
            def law(case: Path, value: int = value, divisor: int = divisor) -> None:
                symbol = case.whole("value", value, value)
                case.claim(symbol // divisor == value // divisor, "quotient")
                case.claim(symbol % divisor == value % divisor, "rest")

            for run in explore(law):
                for claim in run.path.claims:
                    solver = z3.Solver()
                    solver.add(*claim.given, z3.Not(claim.truth))
                    assert solver.check() == z3.unsat, (value, divisor, claim.words)


def test_every_path_is_run_once_and_errors_are_seen() -> None:
    """max, and, abs fork as Python decides; a division by what may be 0 raises on one path."""
    seen = []

    def law(case: Path) -> None:
        number = case.whole("number", -1, 1)
        seen.append(max(0, abs(number)) is not None)
        assert isinstance(10 // number, Number)

    raised = [type(run.raised) for run in explore(law) if run.raised]
    assert raised == [ZeroDivisionError] and len(seen) == 3

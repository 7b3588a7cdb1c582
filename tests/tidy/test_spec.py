"""Specification, code and tests speak of the same rules; the one table and the error registry are complete."""

import re
from collections import Counter

import pytest

from app import errors, gas
from app.registry import ACTIONS, TABLES
from novation.v1 import tx_pb2
from tests.helpers import ledger
from tests.tidy import spec
from tests.tidy.shape import PROJECT

STATED: Counter[str] = sum((spec.stated(path.read_text()) for path in spec.readmes()), Counter())


def sources(*tops: str) -> str:
    """All Python text under some folders."""
    return "\n".join(path.read_text() for top in tops for path in sorted((PROJECT / top).rglob("*.py")))


def test_every_rule_is_stated_once() -> None:
    """A code means one thing."""
    assert len(STATED) > 40
    assert not [code for code, times in STATED.items() if times > 1]


def test_rules_are_numbered_without_gaps() -> None:
    """A code that is gone leaves a gap that somebody must explain."""
    numbers: dict[str, list[int]] = {}
    for code in STATED:
        prefix, number = code.split("-")
        numbers.setdefault(prefix, []).append(int(number))
    for prefix, found in numbers.items():
        assert sorted(found) == list(range(1, len(found) + 1)), prefix


def test_every_rule_is_cited_by_a_test() -> None:
    """A rule that no test names is a wish."""
    in_tests = spec.cited_in("tests", skip="tests/tidy")
    missing = sorted(code for code in STATED if code not in in_tests)
    assert not missing, f"no test cites {missing}"


def test_every_rule_is_cited_by_the_code() -> None:
    """Whoever reads a rule finds the place that keeps it."""
    in_app = spec.cited_in("app")
    missing = sorted(code for code in STATED if code not in in_app)
    assert not missing, f"nothing in app cites {missing}"


@pytest.mark.parametrize("top", ["app", "node", "client", "genesis", "tests"])
def test_every_cited_rule_exists(top: str) -> None:
    """A citation that leads nowhere is worse than none."""
    found = spec.cited_in(top, skip="tests/tidy")
    strange = {code: where for code, where in found.items() if code not in STATED}
    assert not strange


def test_registry_knows_every_action() -> None:
    """Each kind of action on the wire has a handler, and each handler names the rule it keeps."""
    assert set(ACTIONS) == {field.name for field in tx_pb2.Action.DESCRIPTOR.fields}
    for kind, handler in ACTIONS.items():
        assert spec.cited(handler.__doc__ or "") & set(STATED), kind
        assert "ctx.gas.charge" in handler_source(handler.__name__), f"{kind} charges no gas"


def handler_source(name: str) -> str:
    """The text of a function of app, up to the next one."""
    match = re.search(rf"^def {name}\(.*?(?=^def |\Z)", sources("app"), re.MULTILINE | re.DOTALL)
    return match[0] if match else ""


def test_registry_knows_every_table() -> None:
    """Prefixes are unique, and the tests' own list of tables says the same."""
    prefixes = [schema.prefix for schema in TABLES.values()]
    assert len(set(prefixes)) == len(prefixes) and all(0 < prefix < 256 for prefix in prefixes)
    assert {name: schema.prefix for name, schema in TABLES.items()} == {
        name: prefix for name, (prefix, _) in ledger.TABLES.items()}


def test_every_error_code_is_raised_and_tested() -> None:
    """Each entry of the registry is raised somewhere, and some test expects it."""
    code, tests = words("app", "node"), words("tests")
    reasons = [entry.reason for entry in errors.REGISTRY.values()]
    assert not [reason for reason in reasons if code[reason] < 3], "defined, never raised"
    assert not [reason for reason in reasons if not tests[reason]], "no test expects it"


def words(*tops: str) -> Counter[str]:
    """How often each word in capitals stands in the Python text under some folders."""
    return Counter(re.findall(r"\b[A-Z][A-Z0-9_]*\b", sources(*tops)))


def test_every_gas_price_is_charged() -> None:
    """No entry of the gas table is dead."""
    found = words("app")
    entries = [name for name in vars(gas) if name.isupper() and isinstance(getattr(gas, name), int)]
    assert len(entries) > 5
    assert not [name for name in entries if found[name] < 2]


def test_the_checks_themselves() -> None:
    """They find what is stated and cited, ranges included, and are not taken in by names of standards."""
    assert spec.stated("- **BOOK-001** One.\n  - **BOOK-002** Two.\n**BOOK-003** is not stated, nor is BOOK-004.") == {
        "BOOK-001": 1, "BOOK-002": 1}
    assert spec.stated("- **BOOK-001** a\n- **BOOK-001** b")["BOOK-001"] == 2
    found = spec.cited("TX-001 to TX-003, MARG-007; SHA-256, RFC-803, ABC-12")
    assert found == {"TX-001", "TX-002", "TX-003", "MARG-007"}
    assert "ctx.gas.charge" in handler_source("handle_place_order") and not handler_source("no_such_handler")

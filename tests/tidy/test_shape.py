"""Files stay short, rules import nothing, domains look alike, and the repository holds only what people wrote."""

import subprocess
from pathlib import Path

import pytest

from tests.tidy import shape
from tests.tidy.shape import PROJECT

SOURCES = sorted(path for top in ("app", "node", "client", "genesis") for path in (PROJECT / top).rglob("*.py"))
APP = sorted((PROJECT / "app").rglob("*.py"))


def tracked() -> list[str]:
    """The files under version control, or all there are when this is an unpacked archive."""
    done = subprocess.run(["git", "ls-files"], cwd=PROJECT, capture_output=True, text=True)
    if done.returncode == 0:
        return [path for path in done.stdout.splitlines() if (PROJECT / path).is_file()]
    return [str(path.relative_to(PROJECT)) for path in PROJECT.rglob("*")
            if path.is_file() and not shape.GENERATED.search(str(path.relative_to(PROJECT)))]


def report(found: dict[Path, list[str]]) -> str:
    """What was found, one line each; empty when nothing was."""
    return "\n".join(f"{path.relative_to(PROJECT)}: {line}" for path, lines in found.items() for line in lines)


def test_files_and_functions_are_short() -> None:
    """No function over 70 lines, no file over 450, unless it says why."""
    assert not report({path: list(shape.long_parts(path.read_text())) for path in SOURCES})


def test_rules_import_only_rules() -> None:
    """rules.py imports the kernel and other rules, so that auditors and provers need nothing else."""
    rules = [path for path in APP if path.name == "rules.py"]
    assert len(rules) >= 3
    assert not report({path: list(shape.impure_rule_imports(path.read_text())) for path in rules})


def test_public_names_of_app_are_documented() -> None:
    """Every module, public class and public function of app says what it is."""
    assert not report({path: list(shape.untold_docstrings(path.read_text())) for path in APP})


def test_domains_have_the_same_file_names() -> None:
    """Whoever knows one domain finds the way in all of them."""
    files = [str(path.relative_to(PROJECT)) for path in (PROJECT / "app").rglob("*")
             if path.is_file() and "__pycache__" not in path.parts]
    assert not list(shape.strange_domain_files(files))
    for domain, name in shape.DOMAIN_EXTRAS:
        assert (PROJECT / "app" / domain / name).exists(), f"{domain}/{name} is excused but gone"


def test_nothing_generated_is_tracked() -> None:
    """Set-up makes it, so no copy can be stale."""
    assert not shape.generated(tracked())


def test_no_machine_leaks_into_the_project() -> None:
    """The tracked files name no package registry and no path of somebody's machine."""
    found = {}
    for path in tracked():
        try:
            found[PROJECT / path] = list(shape.leaks((PROJECT / path).read_text()))
        except UnicodeDecodeError:
            continue
    assert len(found) > 20
    assert not report(found)


LONG_FUNCTION = "def f():\n" + "    x = 1\n" * 80
LONG_FILE = "x = 1\n" * 500


@pytest.mark.parametrize(("source", "fires"), [
    (LONG_FUNCTION, True), (LONG_FUNCTION.replace(":", ":  # long: a table", 1), False), (LONG_FILE, True),
    (LONG_FILE + "# long: one table\n", False), (LONG_FILE + "# long:\n", True), ("def f():\n    pass\n", False),
])
def test_length_check(source: str, fires: bool) -> None:
    """Fires on what is long and gives no reason."""
    assert bool(list(shape.long_parts(source))) is fires


@pytest.mark.parametrize(("source", "fires"), [
    ("from app.kernel.integers import mul_div", False), ("from app.kernel import integers", False),
    ("from app.margin.rules import worst", False), ("from app.margin import rules", False),
    ("from typing import NewType", False), ("from app.margin.state import x", True),
    ("from app.margin import state", True), ("from app.errors import ChainError", True), ("import json", True),
    ("def f():\n    from app.context import C", True), ("from novation.v1 import state_pb2", True),
    ("import app.kernelish", True),
])
def test_rules_check(source: str, fires: bool) -> None:
    """Fires on every import but the kernel, rules and declarations."""
    assert bool(list(shape.impure_rule_imports(source))) is fires


@pytest.mark.parametrize(("source", "fires"), [
    ('"""Doc."""\ndef f():\n    """Doc."""\n', False), ("x = 1\n", True), ('"""Doc."""\ndef f(): ...\n', True),
    ('"""Doc."""\nclass A:\n    """Doc."""\n    def f(self): ...\n', True), ('"""Doc."""\ndef _f(): ...\n', False),
    ("", False),
])
def test_docstring_check(source: str, fires: bool) -> None:
    """Fires on a module, class or function that is public and silent."""
    assert bool(list(shape.untold_docstrings(source))) is fires


def test_domain_files_check() -> None:
    """Fires on names of one's own and on folders inside a domain."""
    files = ["app/chain.py", "app/book/rules.py", "app/book/index.py", "app/kernel/codec.py"]
    assert not list(shape.strange_domain_files(files))
    strange = ["app/book/utils.py", "app/funding/index.py", "app/book/deep/rules.py"]
    assert list(shape.strange_domain_files(strange)) == strange


def test_generated_check() -> None:
    """Fires on what set-up and runs make, wherever it lies."""
    made = ["gen/novation/v1/tx_pb2.py", "client/tx_pb2_grpc.py", "build/bin/x", ".venv/bin/python",
            "app/__pycache__/a.pyc"]
    assert shape.generated(made) == made
    assert not shape.generated(["proto/generate.py", "genesis/build.py", "docs/building.md"])


def test_leak_check() -> None:
    """Fires on registry hosts and machine paths, and spares what only looks alike."""
    slash = "/"
    bad = [f"https://{shape.REGISTRY_HOSTS[0]}/x", f"cd {slash}work/a", f"open('{slash}root/x')", f"{slash}tmp/team/a"]
    for line in bad:
        assert list(shape.leaks(line)), line
    assert not list(shape.leaks("a/work/b, /workers, docs/root/x, ./root, https://go.dev/dl, /tmp/x"))

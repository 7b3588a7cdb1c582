"""The layers of .importlinter hold, and each contract fires on an import that breaks it."""

import configparser
import re
import subprocess
import sys
from pathlib import Path

import pytest

from tests.tidy.shape import PROJECT

LINT = Path(sys.executable).with_name("lint-imports")
DOMAINS = ("liquidation", "settlement", "options", "triggers", "book", "clearing", "margin", "portfolio", "marks",
           "funding", "breakers", "markets", "fees", "pricing", "surface", "collateral", "oracle", "validators",
           "accounts")


def small_house(folder: Path) -> None:
    """Packages with the names that the contracts speak of, and nothing in them."""
    packages = ["app", "app/kernel", "app/store", "node", "node/abci", "client", "genesis"]
    for package in packages + [f"app/{domain}" for domain in DOMAINS]:
        (folder / package).mkdir(parents=True)
        (folder / package / "__init__.py").write_text("")
    (folder / "app/context.py").write_text("")
    (folder / "client/offline.py").write_text("import app.context\n")
    for domain in DOMAINS:
        for name in ("rules", "types", "state"):
            (folder / "app" / domain / f"{name}.py").write_text("")


def lint(folder: Path) -> subprocess.CompletedProcess[str]:
    """Run lint-imports over `folder` with the project's contracts."""
    return subprocess.run([LINT, "--no-cache", "--config", PROJECT / ".importlinter"], cwd=folder, text=True,
                          capture_output=True, env={"PYTHONPATH": str(folder), "COLUMNS": "200"})


def test_every_domain_has_its_layer() -> None:
    """A package without a layer may import whatever it likes; brackets are for rooms that are not built yet."""
    config = configparser.ConfigParser()
    config.read(PROJECT / ".importlinter")
    layers = set(re.split(r"[\s|]+", config["importlinter:contract:domains"]["layers"].strip()))
    packages = {f"app.{path.parent.name}" for path in (PROJECT / "app").glob("*/__init__.py")}
    assert len(packages) > 10
    assert packages <= layers, f"no layer in .importlinter, or still in brackets: {packages - layers}"


def test_contracts_pass_on_an_innocent_house(tmp_path: Path) -> None:
    """The baseline of the tests below: nothing fires without a reason."""
    small_house(tmp_path)
    (tmp_path / "app/book/state.py").write_text("import app.margin.rules\nimport app.accounts.state\n")
    (tmp_path / "app/book/rules.py").write_text("import app.kernel\nimport app.margin.rules\n")
    (tmp_path / "node/abci/__init__.py").write_text("import app.book.state\nimport asyncio\n")
    done = lint(tmp_path)
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.parametrize(("module", "line", "contract"), [
    ("app/margin/state", "import app.book.state", "Domains"),
    ("app/kernel/__init__", "import app.store", "Domains"),
    ("app/accounts/state", "import app.collateral.state", "Domains"),
    ("app/oracle/state", "import app.markets.state", "Domains"),
    ("app/book/state", "import node.abci", "The state machine"),
    ("app/context", "import threading", "The state machine"),
    ("app/store/__init__", "import plyvel", "The state machine"),
    ("client/__init__", "import app.kernel", "The SDK"),
    ("client/__init__", "import node.abci", "The SDK"),
    ("client/offline", "import node.abci", "The SDK"),
    ("client/__init__", "import client.offline", "No other part"),
    ("genesis/__init__", "import node.abci", "The genesis builder"),
    ("app/margin/rules", "import app.margin.state", "Money"),
    ("app/margin/rules", "import app.context", "Money"),
    ("app/margin/rules", "from app.accounts.types import x", "Money"),
])
def test_contract_fires(tmp_path: Path, module: str, line: str, contract: str) -> None:
    """Each contract is broken by an import against it, and by that alone."""
    small_house(tmp_path)
    (tmp_path / f"{module}.py").write_text(line + "\n")
    done = lint(tmp_path)
    assert done.returncode == 1, done.stdout + done.stderr
    assert re.search(rf"{contract}.* BROKEN", done.stdout), done.stdout

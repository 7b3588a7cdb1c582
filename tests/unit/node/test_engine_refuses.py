"""The engine starts only with the code that was tested."""

import os
import subprocess
import sys
from pathlib import Path

import pytest


@pytest.mark.parametrize(("flags", "variables", "message"), [
    (["-O"], {}, "python -O"),
    ([], {"PYTHONOPTIMIZE": "1"}, "python -O"),
    ([], {"PROTOCOL_BUFFERS_PYTHON_IMPLEMENTATION": "python"}, "upb"),
])
def test_other_interpreters_are_refused(flags: list[str], variables: dict[str, str], message: str,
                                        tmp_path: Path) -> None:
    """It says why, does nothing, and exits with a status that scripts see."""
    done = subprocess.run([sys.executable, *flags, "-m", "node.engine", "--home", str(tmp_path / "home")],
                          env={**os.environ, **variables}, capture_output=True, text=True, timeout=60)
    assert done.returncode == 1
    assert message in done.stderr
    assert not (tmp_path / "home").exists()

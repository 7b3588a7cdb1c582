"""The property tests once more, and again, each time with other seeds and more examples."""

import os
import random
import subprocess
import sys
from itertools import cycle
from pathlib import Path

import pytest

from tests.soak.conftest import Left

PROPERTIES = Path(__file__).resolve().parents[1] / "properties"


@pytest.mark.soak
def test_other_seeds(left_s: Left, tmp_path: Path) -> None:
    """File after file, in another order each time, until the time is over."""
    files = sorted(PROPERTIES.glob("test_*.py"))
    random.shuffle(files)
    for done, file in enumerate(cycle(files)):
        if left_s() < 0 and done:
            break
        seed = random.randrange(2**32)
        command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", f"--hypothesis-seed={seed}",
                   "--hypothesis-profile=soak", "--timeout=0", str(file)]
        run = subprocess.run(command, env={**os.environ, "HYPOTHESIS_STORAGE_DIRECTORY": str(tmp_path)}, text=True,
                             capture_output=True)
        assert run.returncode == 0, f"{' '.join(command)}\n{run.stdout[-10_000:]}"
        print(f"{file.stem}: seed {seed}")

"""Set-up: build the pinned CometBFT into the project, or take the one `COMETBFT` names.

Run as `python -m node.comet.install`. It imports only the standard library, so it also works before
the project's own dependencies are installed.
"""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

from node.comet.version import COMETBFT_COMMAND, COMETBFT_VERSION, GO_MINIMUM

PROJECT = Path(__file__).resolve().parents[2]
BINARY = PROJECT / "build" / "bin" / f"cometbft-{COMETBFT_VERSION}"


def cometbft_binary() -> Path:
    """The CometBFT to run: `COMETBFT` from the environment, else the one that set-up built.

    Raises FileNotFoundError with the next command to run when neither is there.
    """
    own = os.environ.get("COMETBFT")
    if own:
        found = shutil.which(own)
        if not found:
            raise FileNotFoundError(f"COMETBFT={own} is not an executable file")
        return Path(found)
    if not BINARY.exists():
        raise FileNotFoundError("CometBFT is not built yet: run `make setup`, or set COMETBFT=/path/to/cometbft")
    return BINARY


def go_command() -> str:
    """The path of a Go that is new enough. Exits with what to do when there is none."""
    go = shutil.which("go")
    wanted = ".".join(map(str, GO_MINIMUM))
    if not go:
        sys.exit(f"Go is not installed. Novation builds CometBFT {COMETBFT_VERSION} from source and needs Go "
                 f"{wanted} or later (https://go.dev/dl). "
                 "To bring your own binary: COMETBFT=/path/to/cometbft make setup")
    text = subprocess.run([go, "env", "GOVERSION"], capture_output=True, text=True).stdout
    match = re.match(r"go(\d+)\.(\d+)", text)
    if not match or (int(match[1]), int(match[2])) < GO_MINIMUM:
        sys.exit(f"{text.strip() or 'This Go'} is too old: CometBFT {COMETBFT_VERSION} needs Go {wanted} or later. "
                 "Update Go, or bring your own binary: COMETBFT=/path/to/cometbft make setup")
    return go


def install() -> Path:
    """Build CometBFT once, into `build/bin`; a second call returns at once."""
    if os.environ.get("COMETBFT"):
        return cometbft_binary()
    if BINARY.exists():
        return BINARY
    go = go_command()
    BINARY.parent.mkdir(parents=True, exist_ok=True)
    print(f"building CometBFT {COMETBFT_VERSION} (about a minute, once) ...", file=sys.stderr, flush=True)
    environment = {**os.environ, "GOBIN": str(BINARY.parent), "GOFLAGS": "-mod=mod"}
    if subprocess.run([go, "install", COMETBFT_COMMAND], env=environment).returncode:
        sys.exit(f"Go could not build {COMETBFT_COMMAND}: see above. It needs a C compiler and, once, the network. "
                 "To bring your own binary: COMETBFT=/path/to/cometbft make setup")
    (BINARY.parent / "cometbft").rename(BINARY)
    return BINARY


if __name__ == "__main__":
    try:
        install()
    except FileNotFoundError as error:
        sys.exit(f"{error}. Name one that is, or leave COMETBFT out to have CometBFT {COMETBFT_VERSION} built")

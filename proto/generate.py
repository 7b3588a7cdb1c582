"""Set-up: compile our protos and CometBFT's into `gen/`, which is never committed.

Run as `python proto/generate.py` from the project's root. CometBFT's protos come from the Go module of
the very version that is built (node/comet/version.py), so wire and binary cannot drift apart.
"""

import json
import shutil
import subprocess
import sys
from pathlib import Path

import grpc_tools
from grpc_tools import protoc

PROJECT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(PROJECT))

from node.comet.version import (  # noqa: E402
    COMETBFT_MODULE,
    COMETBFT_VERSION,
    GO_MINIMUM,
    GOGOPROTO_MODULE,
    GOGOPROTO_VERSION,
)
from node.generated import STAMP, digest  # noqa: E402

OUT = PROJECT / "gen"
WELL_KNOWN = Path(grpc_tools.__file__).parent / "_proto"


def module_folder(module: str, version: str) -> Path:
    """The folder of a Go module in the local module cache, downloaded when it is not there yet. Any Go will do."""
    go = shutil.which("go")
    if not go:
        wanted = ".".join(map(str, GO_MINIMUM))
        sys.exit(f"Go is not installed (https://go.dev/dl). Set-up builds CometBFT {COMETBFT_VERSION} with Go {wanted} "
                 "or later. With a binary of your own, COMETBFT=/path/to/cometbft, any Go will do: it only fetches "
                 "CometBFT's protocol files")
    done = subprocess.run([go, "mod", "download", "-json", f"{module}@{version}"],
                          capture_output=True, text=True)
    answer = json.loads(done.stdout or "{}")
    if done.returncode or "Dir" not in answer:
        sys.exit(f"cannot fetch the Go module {module}@{version}: {answer.get('Error') or done.stderr}")
    return Path(answer["Dir"])


def compile_protos(roots: list[Path], files: list[str], *, services: bool) -> None:
    """Compile `files` (relative to one of `roots`) into OUT, with type stubs, and service stubs if asked."""
    arguments = ["protoc", *[f"-I{root}" for root in roots], f"-I{WELL_KNOWN}",
                 f"--python_out={OUT}", f"--pyi_out={OUT}"]
    if services:
        arguments.append(f"--grpc_python_out={OUT}")
    if protoc.main([*arguments, *files]):
        sys.exit(f"protoc failed on {files}")


def main() -> None:
    shutil.rmtree(OUT, ignore_errors=True)
    OUT.mkdir()
    ours = PROJECT / "proto"
    compile_protos([ours], sorted(str(p.relative_to(ours)) for p in ours.rglob("*.proto")), services=True)
    comet = module_folder(COMETBFT_MODULE, COMETBFT_VERSION) / "proto"
    gogo = module_folder(GOGOPROTO_MODULE, GOGOPROTO_VERSION)
    wanted = ["tendermint/abci/types.proto", "tendermint/crypto/proof.proto", "tendermint/crypto/keys.proto",
              "tendermint/types/types.proto", "tendermint/types/params.proto", "tendermint/types/validator.proto",
              "tendermint/types/canonical.proto", "tendermint/version/types.proto"]
    compile_protos([comet, gogo], wanted, services=False)
    compile_protos([gogo], ["gogoproto/gogo.proto"], services=False)
    STAMP.write_text(digest(), encoding="ascii")
    print(f"compiled protos into {OUT.relative_to(PROJECT)}/", file=sys.stderr)


if __name__ == "__main__":
    main()

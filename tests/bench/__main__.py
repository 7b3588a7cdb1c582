"""Benchmarks: `python -m tests.bench [SECTION ...] [--quick] [--markdown]`. Prints JSON, or the README's table.

Each section is a module of this folder with `run(quick: bool) -> dict` that says under "how" what it measured.
Nothing here is a test: figures depend on the machine, which the report describes.
"""

import argparse
import importlib
import json
import os
import platform
import subprocess
import sys
from datetime import UTC, datetime
from importlib import metadata

# section -> module of this folder
SECTIONS = {"engine": "engine", "gas": "gas", "store": "store", "margin": "margin", "health": "health",
            "funding": "funding", "oracle": "oracle", "breakers": "breakers", "liquidation": "liquidation",
            "pricing": "pricing", "portfolio": "portfolio", "options": "options",
            "abci": "abci_server", "gateway": "gateway", "localnet": "localnet"}


def machine() -> dict[str, object]:
    """What the figures were measured on."""
    commit = subprocess.run(["git", "rev-parse", "--short", "HEAD"], capture_output=True, text=True).stdout.strip()
    model = platform.processor()
    try:
        with open("/proc/cpuinfo") as lines:
            model = next((line.split(":")[1].strip() for line in lines if line.startswith("model name")), model)
    except OSError:
        pass  # not Linux: what platform says must do
    return {"processor": model, "cores": os.cpu_count(), "python": platform.python_version(),
            "system": platform.platform(), "protobuf": metadata.version("protobuf"), "commit": commit,
            "time": datetime.now(UTC).isoformat(timespec="seconds"), "load_average": round(os.getloadavg()[0], 2)}


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m tests.bench", description=__doc__)
    parser.add_argument("sections", nargs="*", default=[], metavar="SECTION", help=f"any of: {', '.join(SECTIONS)}")
    parser.add_argument("--quick", action="store_true", help="fewer blocks and shorter runs")
    parser.add_argument("--markdown", action="store_true", help="print the README's performance table instead of JSON")
    parser.add_argument("--from-json", metavar="FILE", help="do not measure: take a report that was printed before")
    parser.add_argument("--profile", action="store_true", help="engine only: where the time goes")
    options = parser.parse_args()
    unknown = [section for section in options.sections if section not in SECTIONS]
    if unknown:
        parser.error(f"no such section: {', '.join(unknown)}; there are {', '.join(SECTIONS)}")
    if options.profile:
        from tests.bench import engine
        engine.profile(options.quick)
        return
    if options.from_json:
        with open(options.from_json) as file:
            report = json.load(file)
    else:
        report = measure(options.sections or list(SECTIONS), options.quick)
    if options.markdown:
        from tests.bench.markdown import table
        print(table(report))
    else:
        print(json.dumps(report, indent=1))


def measure(sections: list[str], quick: bool) -> dict[str, object]:
    """Run the sections one after the other and report."""
    report: dict[str, object] = {"machine": machine(), "command": " ".join(["python -m tests.bench", *sys.argv[1:]])}
    for section in sections:
        print(f"bench: {section} ...", file=sys.stderr, flush=True)
        report[section] = importlib.import_module(f"tests.bench.{SECTIONS[section]}").run(quick)
    return report


if __name__ == "__main__":
    main()

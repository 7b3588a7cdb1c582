"""Proofs: `python -m tests.proofs [NAME ...] [--quick] [--output json]`, one process a core.

Each law is decided on the rules as they are, then on each of its slips, which must break it. Ends with 1 when a law is
refuted that should hold, or a slip of a proven one goes uncaught. What is not decided within the limits is told, and is
no proof.
"""

import argparse
import json
import sys
import time
from concurrent.futures import ProcessPoolExecutor
from typing import Any

from rich.console import Console
from rich.table import Table

from tests.proofs import coverage
from tests.proofs.all import PROOFS
from tests.proofs.prover import PROVEN, REFUTED, UNDECIDED, Proof, killed, prove
from tests.proofs.source import real

COLOURS = {PROVEN: "green", REFUTED: "red", UNDECIDED: "yellow"}


def decide(item: Proof, with_slips: bool) -> dict[str, Any]:
    """Everything about one proof, as plain data."""
    rules = real()
    result = prove(item, rules)
    slips, open_law = [], result.verdict == UNDECIDED  # slips of a law that is not decided would show nothing
    for slip in () if open_law else item.slips if with_slips else item.slips[:1]:
        broken = killed(item, slip)
        slips.append({"module": slip.module, "from": slip.old, "to": slip.new, "caught": broken.verdict == REFUTED,
                      "by": broken.claim, "example": broken.example, "seconds": round(broken.seconds, 2)})
    return {"name": item.name, "code": item.code, "law": item.words, "about": list(item.about), "bounds": item.bounds,
            "called": sorted(rules.called), "verdict": result.verdict, "expected": REFUTED if item.breaks else PROVEN,
            "claim": result.claim, "example": result.example, "seen_in_python": result.seen, "paths": result.paths,
            "claims": result.claims, "seconds": round(result.seconds, 2), "slips": slips}


def decide_number(number: int, with_slips: bool) -> dict[str, Any]:
    """The same for the proof of that number, in a process of its own."""
    return decide(PROOFS[number], with_slips)


def is_good(found: dict[str, Any]) -> bool:
    """Whether the verdict is the expected one and every slip was caught."""
    return found["verdict"] == found["expected"] and all(slip["caught"] for slip in found["slips"])


def is_open(found: dict[str, Any]) -> bool:
    """Whether the law was not decided."""
    return found["verdict"] == UNDECIDED


def show(console: Console, found: dict[str, Any]) -> None:
    """Two or more lines about one proof."""
    caught = sum(slip["caught"] for slip in found["slips"])
    verdict, stated = found["verdict"], " as its README states" if found["expected"] == REFUTED else ""
    console.print(f"[bold]{found['code']:<9}[/] [{COLOURS[verdict] if not stated else 'green'}]{verdict}{stated}[/]  "
                  f"{found['law']}  [dim]{found['name']}[/]", highlight=False)
    console.print(f"          [dim]{', '.join(found['about'])}; for {found['bounds']}; {found['paths']} paths, "
                  f"{found['claims']} claims, {found['seconds']} s; {caught} of {len(found['slips'])} slips caught[/]",
                  highlight=False)
    if verdict != PROVEN:
        console.print(f"          {found['claim']}: {found['example'] or 'no example'}", highlight=False)
    for slip in found["slips"]:
        if not slip["caught"]:
            console.print(f"          [red]not caught[/] {slip['module']}: {slip['from']} -> {slip['to']}",
                          highlight=False, markup=True)


def functions_table(rows: list[tuple[str, str]]) -> Table:
    """Every function and what is known of it."""
    table = Table("function", "proven by, or why not", title="Functions", title_justify="left")
    for name, text in rows:
        table.add_row(name, text)
    return table


def main() -> int:
    parser = argparse.ArgumentParser(prog="make prove", description=__doc__)
    parser.add_argument("names", nargs="*", metavar="NAME", help="parts of names, codes or functions; default: all")
    parser.add_argument("--quick", action="store_true", help="only the first slip of each proof")
    parser.add_argument("--output", choices=("text", "json"), default="text")
    options = parser.parse_args()
    started, console, results = time.perf_counter(), Console(), []
    chosen = [number for number, item in enumerate(PROOFS) if not options.names or any(
        part in " ".join((item.name, item.code, *item.about)) for part in options.names)]
    with ProcessPoolExecutor() as workers:
        for found in workers.map(decide_number, chosen, [not options.quick] * len(chosen)):
            results.append(found)
            if options.output == "text":
                show(console, found)
    good, seconds = sum(map(is_good, results)), time.perf_counter() - started
    undecided = [found["name"] for found in results if is_open(found)]
    slips = [slip for found in results for slip in found["slips"]]
    if options.output == "json":
        print(json.dumps({"proofs": results, "functions": dict(coverage.rows()), "good": good,
                          "not_decided": undecided,
                          "seconds": round(seconds, 1)}, indent=1))
    else:
        console.print(functions_table(coverage.rows()))
        console.print(f"{good} of {len(results)} proofs as expected, {sum(slip['caught'] for slip in slips)} of "
                      f"{len(slips)} slips caught, {seconds:.0f} s"
                      + (f"; not decided: {', '.join(undecided)}" if undecided else ""))
    return 0 if results and all(is_good(found) or is_open(found) for found in results) else 1


if __name__ == "__main__":
    sys.exit(main())

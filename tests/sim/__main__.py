"""A market through a crash: `python -m tests.sim [--prices FILE.csv] [--days N] [--gamblers N] [--picture FILE.png]`.

Without a file the prices are a seeded walk that falls by a quarter on the way. Prints a report; ends with 1 when an
invariant broke.
"""

import argparse
import json
import random
import sys
from decimal import Decimal
from pathlib import Path

from rich.console import Console
from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn, TimeRemainingColumn

from node.prices.bars import Bar, PricesError, read_bars
from tests.sim.report import as_data, draw, show
from tests.sim.run import Outcome, simulate
from tests.sim.world import FUTURE, PERPETUAL, World

BARS_A_DAY = 1_440
FIELDS: dict[str, object] = {
    "tiers": [{"from_notional_quanta": 5_000_000 * 10**6, "initial_ppm": 100_000, "maintenance_ppm": 60_000}],
    "insurance_quanta": 2_000 * 10**6,
    "insurance_cap_quanta": 5_000 * 10**6,  # so small that the winners are asked too
    "wind_down_loss_quanta": 10_000_000 * 10**6,
    "profit_cap_quanta": 1_000_000 * 10**6,
}


def crash(seed: int, days: int) -> list[Bar]:
    """One price a minute: a walk that loses a quarter in its middle third, with steep hours in between."""
    chance = random.Random(f"novation/crash/{seed}")
    bars, price, count = [], 46_000.0, days * BARS_A_DAY
    for minute in range(count):
        falling = count // 3 <= minute < 2 * count // 3
        price *= 1 + chance.gauss(-0.18 / (count / 3) if falling else 0.0, 0.0008 if falling else 0.0004)
        if falling and chance.random() < 6 / (count / 3):
            price *= 1 - chance.uniform(0.005, 0.025)
        bars.append(Bar(1_640_995_200 + 60.0 * minute, Decimal(repr(round(price, 1)))))
    return bars


def main() -> int:
    """Run, report, draw."""
    parser = argparse.ArgumentParser(prog="python -m tests.sim", description="a market through a crash")
    parser.add_argument("--prices", type=Path, help="a CSV of time and price; without it, a seeded walk that crashes")
    parser.add_argument("--days", type=int, default=0, help="only so many days; 0: all of the file, 3 of the walk")
    parser.add_argument("--skip", type=int, default=0, help="days of the file to leave out at its start")
    parser.add_argument("--gamblers", type=int, default=300, help="accounts with leverage")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--picture", type=Path, help="where to draw mark, equity and liquidations, as PNG")
    parser.add_argument("--output", choices=["text", "json"], default="text")
    options = parser.parse_args()
    try:
        bars = read_bars(options.prices) if options.prices else crash(options.seed, options.days or 3)
    except PricesError as error:
        print(f"{error}", file=sys.stderr)
        return 2
    first = options.skip * BARS_A_DAY
    bars = bars[first:first + options.days * BARS_A_DAY if options.days else None]
    world = World((PERPETUAL, FUTURE), options.seed)
    world.populate(options.gamblers)
    console = Console(stderr=True)
    columns = (TextColumn("{task.description}"), BarColumn(), TaskProgressColumn(), TimeRemainingColumn())
    with Progress(*columns, console=console) as bar:
        task = bar.add_task("blocks", total=len(bars))

        def progress(done: int, outcome: Outcome) -> None:
            fills = outcome.events["fill"]
            bar.update(task, completed=done, description=f"block {done:,}: {fills:,} fills")

        outcome = simulate(world, bars, FIELDS, progress)
    report = as_data(outcome)
    if options.picture:
        draw(outcome, options.picture)
        report["picture"] = str(options.picture)
    if options.output == "json":
        print(json.dumps(report, indent=2))
    else:
        show(report, Console())
    return 1 if outcome.broken else 0


if __name__ == "__main__":
    sys.exit(main())

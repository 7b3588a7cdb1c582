"""What a simulation led to: as JSON, as a table for people, and as a picture."""

from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import matplotlib
from rich.console import Console
from rich.table import Table

from tests.sim.run import Outcome

# From the first step of a liquidation to the last: what the picture stacks.
STEPS = ("position_closed", "auction_started", "auction_bid_taken", "account_reduced", "holder_reduced")
QUANTA_A_USD = 1_000_000


def usd(quanta: int) -> str:
    """Exact dollars of quote quanta."""
    return f"{Decimal(quanta) / QUANTA_A_USD:f}"


def as_data(outcome: Outcome) -> dict[str, Any]:
    """The report as plain data; money in USD."""
    samples = outcome.samples
    marks = [sample.mark_quanta for sample in samples]
    return {
        "blocks": outcome.blocks,
        "seconds": round(outcome.seconds, 1),
        "blocks_per_second": round(outcome.blocks / max(outcome.seconds, 1e-9)),
        "audits": outcome.audits,
        "blocks_with_invariants_checked": outcome.blocks,
        "broken_invariant": outcome.broken or "none",
        "actions": outcome.actions,
        "failed": dict(outcome.failed.most_common()),
        "events": dict(outcome.events.most_common()),
        "volume_usd": outcome.volume_quanta // QUANTA_A_USD,
        "fees_usd": outcome.fees_quanta // QUANTA_A_USD,
        "deepest_fall_percent": round(100 - 100 * min(marks) / max(marks), 1),
        "insurance_usd_first": samples[0].insurance_quanta // QUANTA_A_USD,
        "insurance_usd_lowest": min(sample.insurance_quanta for sample in samples) // QUANTA_A_USD,
        "insurance_usd_last": samples[-1].insurance_quanta // QUANTA_A_USD,
        "insurance_paid_usd": usd(outcome.fund_paid_quanta),
        "deficits_beyond_insurance_usd": usd(outcome.deficits_quanta),
        "given_up_by_winners_usd": usd(outcome.given_up_quanta),
        "worst_shortfall_of_an_account_usd": usd(outcome.worst_shortfall_quanta),
        "lowest_fund_quanta": min(sample.lowest_fund_quanta for sample in samples),
        "app_hash": outcome.app_hash,
    }


def show(report: dict[str, Any], console: Console) -> None:
    """Print the report as a table."""
    table = Table(title="The simulated month", show_header=False)
    for name, value in report.items():
        if isinstance(value, dict):
            value = "\n".join(f"{key}: {number:,}" for key, number in value.items())
        table.add_row(name.replace("_", " "), f"{value:,}" if isinstance(value, int) else str(value))
    console.print(table)


def draw(outcome: Outcome, path: Path) -> None:
    """Mark, equity of the gamblers, insurance and liquidations over time, as a PNG."""
    matplotlib.use("Agg")
    from matplotlib import pyplot

    times = [datetime.fromtimestamp(sample.time_ns / 1e9, UTC) for sample in outcome.samples]
    figure, panels = pyplot.subplots(4, 1, sharex=True, figsize=(12, 9), constrained_layout=True)
    lines = (
        ("mark, USD a BTC", [sample.mark_quanta / 1_000 for sample in outcome.samples]),
        ("equity of leveraged\naccounts, USD", [sample.gamblers_quanta / QUANTA_A_USD for sample in outcome.samples]),
        ("insurance funds, USD", [sample.insurance_quanta / QUANTA_A_USD for sample in outcome.samples]),
    )
    for panel, (label, values) in zip(panels, lines, strict=False):
        panel.plot(times, values, color="black", linewidth=0.8)
        panel.set_ylabel(label)
    floor, width = [0.0] * len(times), 2 * (times[-1] - times[0]) / max(1, len(times))
    for kind in STEPS:
        heights = [float(sample.events[kind]) for sample in outcome.samples]
        panels[3].bar(times, heights, width=width, bottom=floor, label=kind.replace("_", " "))
        floor = [low + high for low, high in zip(floor, heights, strict=True)]
    panels[3].set_ylabel("events of liquidation")
    panels[3].legend()
    figure.savefig(path, dpi=110)
    pyplot.close(figure)

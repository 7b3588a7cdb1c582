"""A short crash, twice: the same hashes, no broken ledger, and a report that says what happened."""

from pathlib import Path

from tests.sim.__main__ import FIELDS, crash
from tests.sim.report import as_data, draw
from tests.sim.run import Outcome, simulate
from tests.sim.world import PERPETUAL, World


def run() -> Outcome:
    world = World((PERPETUAL,), seed=3)
    world.populate(120)
    return simulate(world, crash(seed=3, days=2)[900:1_500], FIELDS)


def test_a_crash_is_survived_and_replays(tmp_path: Path) -> None:
    first, second = run(), run()
    assert (first.app_hash, first.events) == (second.app_hash, second.events)
    report = as_data(first)
    assert report["deepest_fall_percent"] > 10
    assert report["events"]["fill"] > 50
    assert report["audits"] == 1
    assert (report["broken_invariant"], report["blocks_with_invariants_checked"]) == ("none", 600)
    assert report["lowest_fund_quanta"] >= 0
    assert report["events"]["position_closed"] > 10
    assert first.given_up_quanta == first.deficits_quanta
    draw(first, tmp_path / "crash.png")
    assert (tmp_path / "crash.png").stat().st_size > 10_000

"""Dashboards and alerts name only what is served, and what is served is on a dashboard."""

import json
from pathlib import Path

import yaml
from prometheus_client import generate_latest

from node.telemetry.engine import EngineMetrics
from node.telemetry.gateway import GatewayMetrics
from tests.helpers.ops import OPS, asked, served


class Nothing:
    """A gateway of which nothing is read."""

    height = time_ns = opened = dropped = open = 0
    live = False


def ours() -> set[str]:
    """What engine and gateway serve."""
    engine, nothing = EngineMetrics(), Nothing()
    figures = ("novation_mempool_envelopes", "novation_mempool_bytes", "novation_store_bytes",
               "novation_snapshot_height", "novation_snapshot_seconds")
    counters = ("novation_mempool_admitted_total", "novation_mempool_refused_total", "novation_mempool_dropped_total")
    engine.state.read_from(dict, dict.fromkeys(figures, float), dict.fromkeys(counters, float))
    gateway = GatewayMetrics(nothing, nothing, nothing)
    return served((generate_latest(engine.registry) + generate_latest(gateway.registry)).decode())


def test_every_metric_of_a_dashboard_or_alert_is_served() -> None:
    """CometBFT's own are looked up by tests/localnet/test_telemetry.py."""
    missing = {name: where for name, where in asked().items()
               if not name.startswith("cometbft_") and name not in ours()}
    assert missing == {}


def test_every_figure_of_ours_is_on_a_dashboard() -> None:
    forgotten = {name for name in ours() - set(asked()) if name.startswith("novation_")}
    assert forgotten == set()


def test_dashboards_have_names_of_their_own() -> None:
    boards = [json.loads(path.read_text()) for path in sorted(OPS.glob("grafana/*.json"))]
    assert len(boards) == 5
    assert len({board["uid"] for board in boards}) == 5
    for board in boards:
        assert len({panel["title"] for panel in board["panels"]}) == len(board["panels"])


def test_alerts_say_what_to_read() -> None:
    """Each has a severity, a summary, and a part of the operator's guide that exists."""
    guide = (Path(OPS).parent / "docs" / "operator.md").read_text()
    groups = yaml.safe_load((OPS / "prometheus" / "alerts.yml").read_text())["groups"]
    rules = [rule for group in groups for rule in group["rules"]]
    assert len({rule["alert"] for rule in rules}) == len(rules)
    for rule in rules:
        assert rule["labels"]["severity"] in ("page", "ticket")
        assert rule["annotations"]["summary"]
        assert f"## {rule['annotations']['runbook']}\n" in guide, rule["alert"]

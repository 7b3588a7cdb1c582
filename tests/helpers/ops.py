"""Names of metrics: those that dashboards and alerts ask for, and those that a scrape has."""

import json
import re
from pathlib import Path
from typing import Any

import promql_parser
import yaml

OPS = Path(__file__).resolve().parents[2] / "ops"
SUFFIX = re.compile(r"_(?:bucket|sum|count)$")


def asked() -> dict[str, set[str]]:
    """Metric -> where dashboards and alerts name it."""
    found: dict[str, set[str]] = {}
    for path in sorted(OPS.glob("grafana/*.json")):
        for panel in json.loads(path.read_text())["panels"]:
            for target in panel["targets"]:
                for name in metrics_of(target["expr"]):
                    found.setdefault(SUFFIX.sub("", name), set()).add(f"{path.name}: {panel['title']}")
    for group in yaml.safe_load((OPS / "prometheus" / "alerts.yml").read_text())["groups"]:
        for rule in group["rules"]:
            for name in metrics_of(rule["expr"]) - {"up"}:  # Prometheus's own: whether it could scrape
                found.setdefault(SUFFIX.sub("", name), set()).add(f"alert {rule['alert']}")
    return found


def metrics_of(expression: str) -> set[str]:
    """The metrics that a query in PromQL reads. Raises ValueError when Prometheus would not understand it."""
    found = set[str]()
    _collect(promql_parser.parse(expression), found)
    return found


def _collect(node: Any, found: set[str]) -> None:
    """All selectors in a tree."""
    if isinstance(node, promql_parser.VectorSelector):
        found.add(node.name)
    parts = [getattr(node, name, None) for name in ("lhs", "rhs", "expr", "param", "vector_selector")]
    for part in (*parts, *(getattr(node, "args", None) or ())):
        if part is not None:
            _collect(part, found)


def served(scrape: str) -> set[str]:
    """The metrics of a scrape."""
    return {line.split()[2] for line in scrape.splitlines() if line.startswith("# TYPE ")}

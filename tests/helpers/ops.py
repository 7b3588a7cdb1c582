"""Names of metrics: those that dashboards and alerts ask for, and those that a scrape has."""

import json
import re
from pathlib import Path

import yaml

OPS = Path(__file__).resolve().parents[2] / "ops"
NAME = re.compile(r"\b(?:novation|cometbft|process)_[a-z0-9_]+\b")
SUFFIX = re.compile(r"_(?:bucket|sum|count)$")


def asked() -> dict[str, set[str]]:
    """Metric -> where dashboards and alerts name it."""
    found: dict[str, set[str]] = {}
    for path in sorted(OPS.glob("grafana/*.json")):
        for panel in json.loads(path.read_text())["panels"]:
            for target in panel["targets"]:
                for name in NAME.findall(target["expr"]):
                    found.setdefault(SUFFIX.sub("", name), set()).add(f"{path.name}: {panel['title']}")
    for group in yaml.safe_load((OPS / "prometheus" / "alerts.yml").read_text())["groups"]:
        for rule in group["rules"]:
            for name in NAME.findall(rule["expr"]):
                found.setdefault(SUFFIX.sub("", name), set()).add(f"alert {rule['alert']}")
    return found


def served(scrape: str) -> set[str]:
    """The metrics of a scrape."""
    return {line.split()[2] for line in scrape.splitlines() if line.startswith("# TYPE ")}

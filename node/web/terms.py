"""By what rules the chain runs now: every record that holds terms rather than somebody's money or a market's state."""

from __future__ import annotations

from typing import Any

from node.gateway.model import ReadModel
from node.records import RECORDS
from node.web.plain import plain

TABLES = ("params", "fee_terms", "assets", "option_classes", "portfolios", "validators")


def terms_document(model: ReadModel) -> dict[str, Any]:
    """All records of TABLES, ascending by key, and the height that they are of."""
    found: dict[str, Any] = {"height": str(model.height), "time_ns": str(model.time_ns)}
    for table in TABLES:
        found[table] = [plain(RECORDS[table].FromString(value)) for _, value in sorted(model.records(table).items())]
    return found

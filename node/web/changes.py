"""What changed about the chain itself: the authority's actions, and markets, breakers and series that came, went or
changed their status. Of the blocks that this gateway saw, the last ones.
"""

from __future__ import annotations

from collections import deque
from typing import Any

from google.protobuf.message import DecodeError

from node.gateway.model import BlockView, ReadModel
from node.web.plain import plain
from novation.v1 import feed_pb2, tx_pb2

KEPT = 300
EVENTS = frozenset({
    "market_status_changed", "market_quarantined", "wind_down_began", "series_listed", "series_removed", "expiry_fixed",
    "settlement_price_set", "breaker_tripped", "breaker_ended", "breaker_extended",
})
ACTIONS = frozenset({"set_market_status", "set_validator"})  # that only the authority may send


class Changes:
    """The last actions and events of the kind. `catch_up` takes in the blocks that came since."""

    def __init__(self, model: ReadModel) -> None:
        self._model = model
        self._generation = -1
        self._height = 0
        self._actions: deque[dict[str, Any]] = deque(maxlen=KEPT)
        self._events: deque[dict[str, Any]] = deque(maxlen=KEPT)

    def catch_up(self) -> None:
        """Take in the blocks that came since. Called with every block, so that none leaves the model unseen."""
        model = self._model
        if self._generation != model.generation:
            self._generation = model.generation
            self._height = model.blocks[0].height - 1 if model.blocks else model.height
            self._actions.clear()
            self._events.clear()
        while self._height < model.height:
            self._height += 1
            if (view := model.block(self._height)) is not None:
                self._add(view)

    def _add(self, view: BlockView) -> None:
        block, at = view.block, {"height": str(view.height), "time_ns": str(view.time_ns)}
        for tx in block.txs:
            for action, result in _actions(tx):
                self._actions.append({**at, "tx_hash": tx.hash.hex(), "action": action, "result": result})
        for events, tx_hash in [(block.events, ""), *((tx.events, tx.hash.hex()) for tx in block.txs)]:
            for event in events:
                if event.WhichOneof("kind") in EVENTS:
                    self._events.append({**at, "tx_hash": tx_hash, "event": plain(event)})

    def document(self) -> dict[str, Any]:
        """All of them, newest first."""
        self.catch_up()
        return {"height": str(self._model.height), "actions": list(reversed(self._actions)),
                "events": list(reversed(self._events))}


def _actions(tx: feed_pb2.CommittedTx) -> list[tuple[dict[str, Any], dict[str, Any]]]:
    """The authority's actions of a transaction, each with what it did."""
    if not any(name in tx.envelope for name in MARKS):
        return []
    try:
        actions = tx_pb2.Body.FromString(tx_pb2.Envelope.FromString(tx.envelope).body).actions
    except DecodeError:
        return []
    found = []
    for place, action in enumerate(actions):
        if action.WhichOneof("kind") in ACTIONS:
            result = tx.result.actions[place] if place < len(tx.result.actions) else tx_pb2.ActionResult(
                code=tx.result.code, reason=tx.result.reason)
            found.append((plain(action), plain(result)))
    return found


# The tags that these actions begin with: what has none of them needs no decoding.
MARKS = tuple(tx_pb2.Action(**{name: {}}).SerializeToString()[:-1] for name in sorted(ACTIONS))

"""Where cash went: what the events of a block say against what the records say, for every block that a Driver runs."""

import json
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from app.block import BlockResult
from node.feed.encoding import encode_block
from node.gateway.cash import cash_changes
from novation.v1 import feed_pb2
from tests.helpers import ledger
from tests.helpers.driver import BLOCK_TIME_NS, Driver


def cash_of(driver: Driver) -> dict[bytes, int]:
    """The cash of every account, as stored; before the first block, as genesis says."""
    if not driver.height:
        return {bytes.fromhex(one["owner"]) + one.get("number", 0).to_bytes(4, "big"): one["cash_quanta"]
                for one in json.loads(driver.app_state)["accounts"]}
    found = ledger.records(driver.reader, "accounts")
    return {key: account.cash_quanta for key, account in found}  # type: ignore[attr-defined]


def check_money(before: dict[bytes, int], after: dict[bytes, int], result: BlockResult) -> None:
    """AssertionError unless the changes of cash that the block tells are all there were."""
    told = cash_changes(feed_pb2.CommittedBlock.FromString(encode_block(result)))
    for key in sorted(before.keys() | after.keys() | told.keys()):
        moved = after.get(key, 0) - before.get(key, 0)
        said = sum(change.amount_quanta for change in told.get(key, ()))
        assert moved == said, f"cash of {key.hex()} changed by {moved} in block {result.height}, events say {said}"


@contextmanager
def followed() -> Iterator[None]:
    """Check every block of every Driver, as long as this lasts."""
    plain_run = Driver.run

    def run(self: Driver, txs: list[bytes], step_ns: int = BLOCK_TIME_NS) -> BlockResult:
        before = cash_of(self)
        result = plain_run(self, txs, step_ns)
        check_money(before, cash_of(self), result)
        return result

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Driver, "run", run)
        yield

"""Two chains that are told the same: what one decides, the other must decide too, whatever happened to it before."""

from collections.abc import Sequence

from app.block import BlockResult
from tests.helpers.driver import BLOCK_TIME_NS, Driver


def both(twins: Sequence[Driver], txs: list[bytes], step_ns: int = BLOCK_TIME_NS) -> BlockResult:
    """One block on both: the first chain has run it once in vain, the second starts anew before it. All that they say
    of the block is equal: app hash, changed records, events, data.
    """
    steady, restless = twins
    steady.chain.finalize(steady.next_block(txs, step_ns))
    restless.restart()
    results = [driver.run(txs, step_ns) for driver in twins]
    said = [(r.app_hash, r.changes, r.events, [(t.data, t.events) for t in r.txs]) for r in results]
    assert said[0] == said[1]
    return results[0]

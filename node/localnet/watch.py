"""What a local network does, read from the committed blocks of every engine: heights, app hashes, orders, fills."""

import asyncio
import time
from collections import deque
from collections.abc import Iterable
from dataclasses import dataclass, field

from app.limits import FIRST_SERIES
from node.feed.client import LinkClient, LinkClosedError, LinkError
from node.localnet.plan import NodePlan
from novation.v1 import events_pb2, feed_pb2

RECONNECT_S = 0.5
STATUS_S = 1.0
HASHES_KEPT = 2_000
RATE_WINDOW_S = 10.0
BLOCK_TIMES_KEPT = 50


@dataclass(slots=True)
class NodeView:
    """What is known of one node. Heights are of the engine's last commit."""

    name: str
    up: bool = False
    height: int = 0
    app_hash: str = ""
    mempool: int = 0
    block_times_ns: deque[int] = field(default_factory=lambda: deque(maxlen=BLOCK_TIMES_KEPT))

    @property
    def block_ms(self) -> float:
        """Mean time between its recent blocks, by their headers; 0 before there are two."""
        times = self.block_times_ns
        return (times[-1] - times[0]) / (len(times) - 1) / 1e6 if len(times) > 1 else 0.0


@dataclass(slots=True)
class Totals:
    """Counts over the blocks seen, each block once however many nodes report it."""

    blocks: int = 0
    envelopes: int = 0
    actions: int = 0
    failed: int = 0
    orders: int = 0
    fills: int = 0
    triggers: int = 0  # fired
    closings: int = 0  # of positions of accounts that fell short, on the book
    auctions: int = 0  # begun
    bids: int = 0  # taken in auctions
    reductions: int = 0  # of accounts that neither book nor bidders could close
    reduced_holders: int = 0  # of the other side
    fund_paid_quanta: int = 0  # by insurance funds
    given_up_quanta: int = 0  # by holders of the other side
    market_changes: int = 0  # of status: opened, quarantined, wound down, settled ...
    breakers: int = 0  # that tripped
    price_changes: int = 0  # of marks
    option_fills: int = 0  # of the fills
    series: int = 0  # of options listed
    series_gone: int = 0
    expiries: int = 0  # fixed, so that their options settled
    marks: dict[int, int] = field(default_factory=dict)  # quanta a lot, by market


@dataclass(slots=True)
class NetworkView:
    """The whole network. `disagreement` stays empty while all nodes have equal app hashes at equal heights."""

    nodes: list[NodeView]
    totals: Totals = field(default_factory=Totals)
    counted_height: int = 0
    agreed_height: int = 0  # highest height that all nodes reported with one app hash
    disagreement: str = ""
    hashes: dict[int, dict[str, str]] = field(default_factory=dict)
    samples: deque[tuple[float, int, int]] = field(default_factory=deque)  # monotonic seconds, orders, fills

    def observe(self, node: NodeView, block: feed_pb2.CommittedBlock) -> None:
        """Take in a block that `node` committed."""
        node.up = True
        node.height = block.height
        node.app_hash = block.app_hash.hex()
        node.block_times_ns.append(block.time_ns)
        self._compare(node, block.height)
        if block.height > self.counted_height:
            self.counted_height = block.height
            count_block(self.totals, block)

    def _compare(self, node: NodeView, height: int) -> None:
        seen = self.hashes.setdefault(height, {})
        for other, app_hash in seen.items():
            if app_hash != node.app_hash and not self.disagreement:
                self.disagreement = (f"height {height}: {other} has app hash {app_hash[:16]}, "
                                     f"{node.name} has {node.app_hash[:16]}")
        seen[node.name] = node.app_hash
        if len(seen) == len(self.nodes) and not self.disagreement:
            self.agreed_height = max(self.agreed_height, height)
        while len(self.hashes) > HASHES_KEPT:
            self.hashes.pop(next(iter(self.hashes)))

    def sample(self) -> None:
        """Remember the totals now, for rates."""
        now = time.monotonic()
        self.samples.append((now, self.totals.orders, self.totals.fills))
        while self.samples[0][0] < now - RATE_WINDOW_S:
            self.samples.popleft()

    def rates(self) -> tuple[float, float]:
        """Orders and fills a second over the last ten seconds."""
        if len(self.samples) < 2 or self.samples[-1][0] == self.samples[0][0]:
            return 0.0, 0.0
        (start_s, orders, fills), (end_s, orders_now, fills_now) = self.samples[0], self.samples[-1]
        return (orders_now - orders) / (end_s - start_s), (fills_now - fills) / (end_s - start_s)


def count_block(totals: Totals, block: feed_pb2.CommittedBlock) -> None:
    totals.blocks += 1
    totals.envelopes += len(block.txs)
    for tx in block.txs:
        totals.actions += len(tx.result.actions)
        totals.failed += sum(action.code != 0 for action in tx.result.actions)
        totals.orders += sum(action.order_id != 0 and not action.cancelled_orders for action in tx.result.actions)
        count_events(totals, tx.events)
    count_events(totals, block.events)


COUNTED = {
    "fill": "fills", "trigger_fired": "triggers", "position_closed": "closings", "auction_started": "auctions",
    "auction_bid_taken": "bids", "account_reduced": "reductions", "holder_reduced": "reduced_holders",
    "market_status_changed": "market_changes", "market_quarantined": "market_changes",
    "breaker_tripped": "breakers", "mark_price_set": "price_changes", "series_listed": "series",
    "series_removed": "series_gone", "expiry_fixed": "expiries",
}
FUND_PAYMENTS = {"position_closed": "fund_paid_quanta", "account_reduced": "fund_paid_quanta",
                 "asset_seized": "paid_quanta", "settlement_shortfall": "paid_quanta"}


def count_events(totals: Totals, events: Iterable[events_pb2.Event]) -> None:
    """What happened, by kind, and what insurance funds and winners paid for it."""
    for event in events:
        kind = event.WhichOneof("kind")
        if kind in COUNTED:
            name = COUNTED[kind]
            setattr(totals, name, getattr(totals, name) + 1)
        if kind == "fill":
            totals.option_fills += event.fill.market >= FIRST_SERIES
        if kind in FUND_PAYMENTS:
            totals.fund_paid_quanta += getattr(getattr(event, kind), FUND_PAYMENTS[kind])
        elif kind == "mark_price_set":
            totals.marks[event.mark_price_set.market] = event.mark_price_set.price_quanta
        elif kind == "holder_reduced":
            totals.given_up_quanta += event.holder_reduced.given_up_quanta


async def follow(network: NetworkView, view: NodeView, plan: NodePlan) -> None:
    """Keep `view` up to date for ever, through restarts of the node. Cancel it to end."""
    while True:
        try:
            async with await LinkClient.connect(plan.paths.link_socket) as link:
                status = asyncio.create_task(_follow_status(link, view))
                try:
                    async for message in link.subscribe(view.height):
                        if isinstance(message, feed_pb2.CommittedBlock):
                            network.observe(view, message)
                finally:
                    status.cancel()
        except (LinkError, LinkClosedError, OSError):
            view.up = False
        await asyncio.sleep(RECONNECT_S)


async def _follow_status(link: LinkClient, view: NodeView) -> None:
    while True:
        try:
            view.mempool = (await link.status()).mempool_envelopes
            view.up = True
        except (LinkError, LinkClosedError, OSError):
            view.up = False
        await asyncio.sleep(STATUS_S)

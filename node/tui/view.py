"""Everything that the screen shows, as plain data. Feeds write it, panels read it."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field

from client.oracle import MarketPrice, Oracle
from client.results import MarketInfo
from client.streams import LocalBook
from node.web.candles import INTERVALS_S, CandleRows
from novation.v1 import account_service_pb2 as account_service
from novation.v1 import chain_service_pb2 as chain_service
from novation.v1 import market_data_service_pb2 as market_data
from novation.v1 import risk_service_pb2 as risk_service
from novation.v1 import state_pb2

TRADES_KEPT = 200
BLOCKS_KEPT = 20
LIVE, RESUMING, LOST = "live", "resuming", "lost"


@dataclass(slots=True)
class Link:
    """How the connection stands. `since` is a monotonic second; RESUMING: it answers again, the streams do not yet."""

    state: str = LIVE
    since: float = 0.0
    why: str = ""


@dataclass(slots=True)
class Message:
    """The last thing that was said: `kind` is "good", "bad" or "plain"."""

    text: str = ""
    kind: str = "plain"


@dataclass(slots=True)
class View:
    """One market, one account, one node."""

    info: MarketInfo
    who: str = ""  # the account as the user named it; empty: none is watched
    can_sign: bool = False
    interval: str = next(iter(INTERVALS_S))
    infos: dict[int, MarketInfo] = field(default_factory=dict)
    link: Link = field(default_factory=Link)
    message: Message = field(default_factory=Message)
    # The market.
    summary: market_data.MarketSummary | None = None
    price: MarketPrice | None = None
    book: LocalBook | None = None
    trades: deque[market_data.Trade] = field(default_factory=lambda: deque(maxlen=TRADES_KEPT))  # newest last
    candles: CandleRows = field(default_factory=CandleRows)
    # The account.
    account: account_service.GetAccountResponse | None = None
    risk: risk_service.AccountRisk | None = None
    orders: list[state_pb2.Order] = field(default_factory=list)
    triggers: list[state_pb2.Trigger] = field(default_factory=list)
    # The node.
    status: chain_service.GetStatusResponse | None = None
    oracle: Oracle | None = None
    blocks: deque[chain_service.BlockSummary] = field(default_factory=lambda: deque(maxlen=BLOCKS_KEPT))
    peers: int | None = None

    def show_market(self, info: MarketInfo) -> None:
        """Another market, of which nothing is known yet."""
        self.info = info
        self.summary = self.price = self.book = None
        self.trades.clear()

    def say(self, text: str, kind: str = "plain") -> None:
        """The last thing that was said."""
        self.message = Message(text, kind)

    def info_of(self, market: int) -> MarketInfo | None:
        """A market by number, None while it is not known."""
        return self.infos.get(market)


def market_of(order_id: int) -> int:
    """The market of an order or trigger: its id says it."""
    return order_id >> 40

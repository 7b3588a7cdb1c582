"""The services of one gateway, over one model: what gRPC serves, and the web page."""

from __future__ import annotations

from dataclasses import dataclass

from node.gateway.account import AccountService
from node.gateway.chain import ChainService
from node.gateway.clients import Clients
from node.gateway.engine import Engine
from node.gateway.market_data import MarketDataService
from node.gateway.model import ReadModel
from node.gateway.oracle import OracleService
from node.gateway.risk import RiskService
from node.gateway.streams import Streams
from node.gateway.submissions import Submissions
from node.gateway.trading import TradingService


@dataclass(slots=True, frozen=True)
class Services:
    """All of them, and what they share."""

    model: ReadModel
    clients: Clients
    submissions: Submissions
    trading: TradingService
    market_data: MarketDataService
    account: AccountService
    chain: ChainService
    oracle: OracleService
    risk: RiskService

    @staticmethod
    def of(model: ReadModel, engine: Engine, submissions: Submissions, streams: Streams) -> Services:
        """Services that answer from a model, hand envelopes to an engine, and stream by `streams`."""
        risk = RiskService(model)
        return Services(
            model, streams.clients, submissions, TradingService(model, submissions, streams.clients),
            MarketDataService(model, streams, risk.questions), AccountService(model, streams),
            ChainService(model, streams, engine), OracleService(model, streams), risk)

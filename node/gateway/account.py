"""AccountService: one account's money, positions, orders and fills. Margin figures come from the chain's own rules."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

from app.accounts.types import decode
from app.collateral.state import counted_value, require_asset
from app.context import Context
from app.fees.queries import fee_standing
from app.kernel.hashing import ADDRESS_SIZE
from app.limits import NONCE_WINDOW
from app.liquidation.rules import is_short
from app.margin import rules
from app.margin.state import margin_parts, market_risk, position_value
from app.margin.types import Standing
from node.gateway.activity import account_key
from node.gateway.auctions import auction_of, open_auctions
from node.gateway.errors import bad_argument, not_ready, stream, unary
from node.gateway.model import BlockView, ReadModel
from node.gateway.streams import Quiet, Streams
from novation.v1 import account_service_pb2 as account_service
from novation.v1 import account_service_pb2_grpc, state_pb2, tx_pb2
from novation.v1 import market_data_service_pb2 as market_data

AUCTIONS_DEFAULT = 100
AUCTIONS_MAX = 200


def require_owner(account: tx_pb2.AccountId) -> None:
    """BAD_ARGUMENT unless the owner is an address."""
    if len(account.owner) != ADDRESS_SIZE:
        raise bad_argument("account.owner", f"{ADDRESS_SIZE} bytes")


class AccountService(account_service_pb2_grpc.AccountServiceServicer):
    """See account_service.proto."""

    def __init__(self, model: ReadModel, streams: Streams) -> None:
        self.model = model
        self.streams = streams

    @unary
    async def GetAccount(self, request: account_service.GetAccountRequest,
                         context: Any) -> account_service.GetAccountResponse:
        key = self._key(request.account)
        record = self.model.account(key)
        response = account_service.GetAccountResponse(
            height=self.model.height, time_ns=self.model.time_ns, account=request.account, exists=record is not None,
            lowest_nonce=1)
        if record is not None:
            self._fill_in(response, key, record)
            response.open_orders = len(self.model.orders(key).orders)
            response.agents.extend(state_pb2.Agents.FromString(self.model.record("agents", key) or b"").agents)
        return response

    @unary
    async def GetOrders(self, request: account_service.GetOrdersRequest,
                        context: Any) -> account_service.GetOrdersResponse:
        key = self._key(request.account)
        orders, triggers = self.model.orders(key).orders, self.model.triggers(key).triggers
        return account_service.GetOrdersResponse(
            height=self.model.height, time_ns=self.model.time_ns,
            orders=[order for order in orders if request.market in (0, order.order_id >> 40)],
            triggers=[trigger for trigger in triggers if request.market in (0, trigger.trigger_id >> 40)])

    @unary
    async def GetFees(self, request: account_service.GetFeesRequest, context: Any) -> account_service.GetFeesResponse:
        owner = self._key(request.account)[:ADDRESS_SIZE]
        found = fee_standing(self.model.fork(), owner)
        return account_service.GetFeesResponse(
            height=self.model.height, time_ns=self.model.time_ns, volume_quanta=found.volume_quanta, tier=found.tier,
            next_tier_quanta=found.next_tier_quanta, referrer=found.referrer,
            rates=[account_service.FeeRates(market=market, maker_ppm=maker, taker_ppm=taker)
                   for market, maker, taker in found.rates])

    @unary
    async def GetAuctions(self, request: account_service.GetAuctionsRequest,
                          context: Any) -> account_service.GetAuctionsResponse:
        if not self.model.height:
            raise not_ready()
        if request.limit > AUCTIONS_MAX:
            raise bad_argument("limit", f"at most {AUCTIONS_MAX}")
        count, auctions = open_auctions(self.model.fork(), request.limit or AUCTIONS_DEFAULT)
        return account_service.GetAuctionsResponse(height=self.model.height, time_ns=self.model.time_ns, open=count,
                                                   auctions=auctions)

    @stream
    async def WatchOrders(self, request: account_service.WatchOrdersRequest,
                          context: Any) -> AsyncIterator[account_service.WatchOrdersResponse]:
        key, resumed = self._key(request.account), bool(request.after_height)
        async for step in self.streams.follow(request.after_height):
            if isinstance(step, BlockView):
                updates, triggers = step.activity.orders.get(key), step.activity.triggers.get(key)
                if updates or triggers:
                    yield account_service.WatchOrdersResponse(
                        height=step.height, time_ns=step.time_ns,
                        updates=account_service.OrderUpdates(updates=updates, triggers=triggers))
            elif isinstance(step, Quiet) and resumed:
                yield account_service.WatchOrdersResponse(height=step.height, time_ns=step.time_ns,
                                                          heartbeat=market_data.Heartbeat())
            else:  # a new stream, or one with a hole behind it: all open orders
                yield account_service.WatchOrdersResponse(
                    height=self.model.height, time_ns=self.model.time_ns,
                    snapshot=account_service.OrdersSnapshot(orders=self.model.orders(key).orders,
                                                            triggers=self.model.triggers(key).triggers))
            resumed = True

    @stream
    async def WatchFills(self, request: account_service.WatchFillsRequest,
                         context: Any) -> AsyncIterator[account_service.WatchFillsResponse]:
        key = self._key(request.account)
        async for step in self.streams.follow(request.after_height):
            if isinstance(step, BlockView):
                if (fills := step.activity.fills.get(key)) is not None:
                    yield account_service.WatchFillsResponse(height=step.height, time_ns=step.time_ns,
                                                             fills=account_service.FillsOfBlock(fills=fills))
            elif isinstance(step, Quiet):
                yield account_service.WatchFillsResponse(height=step.height, time_ns=step.time_ns,
                                                         heartbeat=market_data.Heartbeat())
            else:
                yield account_service.WatchFillsResponse(height=step.height, time_ns=step.time_ns,
                                                         gap=step.gap)

    @stream
    async def WatchCash(self, request: account_service.WatchCashRequest,
                        context: Any) -> AsyncIterator[account_service.WatchCashResponse]:
        key = self._key(request.account)
        async for step in self.streams.follow(request.after_height):
            if isinstance(step, BlockView):
                if (changes := step.cash.get(key)) is not None:
                    yield account_service.WatchCashResponse(height=step.height, time_ns=step.time_ns,
                                                            changes=account_service.CashOfBlock(changes=changes))
            elif isinstance(step, Quiet):
                yield account_service.WatchCashResponse(height=step.height, time_ns=step.time_ns,
                                                        heartbeat=market_data.Heartbeat())
            else:
                yield account_service.WatchCashResponse(height=step.height, time_ns=step.time_ns, gap=step.gap)

    def _key(self, account: tx_pb2.AccountId) -> bytes:
        require_owner(account)
        if not self.model.height:
            raise not_ready()
        return account_key(account)

    def _fill_in(self, response: account_service.GetAccountResponse, key: bytes, record: state_pb2.Account) -> None:
        state = self.model.fork()
        parts = margin_parts(state, decode(key, record.SerializeToString()))
        positions = [_position(state, position, *parts[position.market]) for position in record.positions]
        assets = [_asset(state, balance) for balance in record.assets]
        response.positions.extend(positions)
        response.assets.extend(assets)
        response.cash_quanta = record.cash_quanta
        response.equity_quanta = record.cash_quanta + sum(one.value_quanta for one in assets) + sum(
            p.notional_quanta - p.unsettled_funding_quanta for p in positions)
        response.unrealised_pnl_quanta = sum(p.unrealised_pnl_quanta for p in positions)
        response.initial_margin_quanta = sum(p.initial_margin_quanta for p in positions)
        response.maintenance_margin_quanta = sum(p.maintenance_margin_quanta for p in positions)
        response.free_collateral_quanta = response.equity_quanta - response.initial_margin_quanta
        now = Standing(response.equity_quanta, response.initial_margin_quanta, response.maintenance_margin_quanta)
        response.liquidatable = bool(record.positions) and is_short(now.equity, now.maintenance)
        if (auction := auction_of(state, key, now)) is not None:
            response.auction.CopyFrom(auction)
        response.highest_nonce = record.highest_nonce
        response.lowest_nonce = max(record.highest_nonce - NONCE_WINDOW + 1, 1)
        response.used_nonces = record.used_nonces


def _position(
    state: Context, held: state_pb2.Position, initial: int, maintenance: int
) -> account_service.PositionSummary:
    risk = market_risk(state, held.market)
    mark = risk.mark_quanta
    return account_service.PositionSummary(
        position=held, mark_price_quanta=mark, notional_quanta=held.lots * mark,
        unrealised_pnl_quanta=rules.unrealised_profit(held.lots, held.entry_quanta, mark),
        unsettled_funding_quanta=held.lots * mark - position_value(risk, held),
        initial_margin_quanta=initial, maintenance_margin_quanta=maintenance)


def _asset(state: Context, balance: state_pb2.AssetBalance) -> account_service.AssetSummary:
    asset = require_asset(state, balance.asset)
    return account_service.AssetSummary(
        asset=asset.asset, symbol=asset.symbol, decimals=asset.decimals, units=balance.units,
        value_quanta=counted_value(state, asset.asset, balance.units))

"""RiskService: what an account owes, and what could happen to it. See risk_service.proto."""

from __future__ import annotations

from typing import Any

from app import questions
from app.accounts.keys import key_of
from app.event_messages import event_message
from app.margin import queries
from node.gateway.account import require_owner
from node.gateway.errors import unary
from node.gateway.questions import Questions
from novation.v1 import risk_service_pb2 as risk_service
from novation.v1 import risk_service_pb2_grpc


class RiskService(risk_service_pb2_grpc.RiskServiceServicer):
    """See risk_service.proto."""

    def __init__(self, questions: Questions) -> None:
        self.questions = questions

    @unary
    async def GetRisk(self, request: risk_service.GetRiskRequest, context: Any) -> risk_service.GetRiskResponse:
        require_owner(request.account)
        key, question = key_of(request.account), question_of(request)
        frozen, answer = await self.questions.ask(
            lambda ctx: questions.ask(ctx, key, question), books=bool(question.actions))
        return risk_service.GetRiskResponse(
            height=frozen.height, time_ns=frozen.time_ns, before=account_message(answer.before),
            after=account_message(answer.after), results=answer.results.actions,
            fills=[event_message(fill).fill for fill in answer.fills], trading_fees_quanta=answer.trading_fees_quanta)


def question_of(request: risk_service.GetRiskRequest) -> questions.Question:
    """What a request supposes."""
    return questions.Question(
        [questions.Price(one.market, one.price_quanta, one.change_ppm) for one in request.prices],
        len(request.volatilities),
        request.cash_quanta,
        [questions.Trade(one.market, one.side, one.price_quanta, one.size_lots) for one in request.trades],
        list(request.actions),
    )


def account_message(risk: questions.AccountRisk) -> risk_service.AccountRisk:
    """The wire form of an account's standing."""
    now = risk.now
    return risk_service.AccountRisk(
        cash_quanta=risk.cash, assets_quanta=risk.assets, equity_quanta=now.equity, usable_quanta=now.usable,
        initial_quanta=now.initial, maintenance_quanta=now.maintenance, excess_quanta=now.excess,
        free_quanta=risk.free, positions=[position_message(one) for one in risk.positions],
        underlyings=[risk_service.UnderlyingRisk(name=one.name, markets=one.markets, safe=range_message(one.safe))
                     for one in risk.underlyings])


def position_message(one: queries.PositionRisk) -> risk_service.PositionRisk:
    """The wire form of what a market contributes."""
    held = one.held
    return risk_service.PositionRisk(
        market=held.market, lots=held.lots, mark_quanta=one.mark, value_quanta=one.value,
        entry_quanta=held.entry_quanta, unrealised_quanta=one.unrealised, funding_quanta=one.funding,
        initial_quanta=one.initial, maintenance_quanta=one.maintenance, share_ppm=one.share_ppm,
        safe=range_message(one.safe), open_buy_lots=held.open_buy_lots, open_sell_lots=held.open_sell_lots)


def range_message(safe: queries.Range) -> risk_service.SafeRange:
    """The wire form of liquidation prices."""
    return risk_service.SafeRange(lower_quanta=safe.lower or 0, upper_quanta=safe.upper or 0)

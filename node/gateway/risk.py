"""RiskService: what an account owes, and what could happen to it. See risk_service.proto."""

from __future__ import annotations

import time
from typing import Any

from app import questions
from app.accounts.keys import key_of
from app.breakers import queries as breakers
from app.breakers.rules import STRESS_ROWS
from app.liquidation import queries as liquidation
from app.question_messages import answer_message, prices_of, question_of
from app.registry import BOOKS, HOLDERS
from node.gateway.account import require_owner
from node.gateway.errors import unary
from node.gateway.model import ReadModel
from node.gateway.questions import Frozen, Questions
from novation.v1 import risk_service_pb2 as risk_service
from novation.v1 import risk_service_pb2_grpc, state_pb2

HEAVY_WAITING_MAX = 8
STRESS_SECONDS = 10.0


class RiskService(risk_service_pb2_grpc.RiskServiceServicer):
    """See risk_service.proto."""

    def __init__(self, model: ReadModel) -> None:
        self.questions = Questions(model)
        self.heavy = Questions(model, HEAVY_WAITING_MAX)  # what takes seconds does not hold up the others
        self._stressed: dict[tuple[tuple[int, ...], bool], tuple[float, risk_service.GetStressResponse]] = {}

    def stop(self) -> None:
        """End the workers."""
        self.questions.stop()
        self.heavy.stop()

    @unary
    async def GetRisk(self, request: risk_service.GetRiskRequest, context: Any) -> risk_service.GetRiskResponse:
        require_owner(request.account)
        key, question = key_of(request.account), question_of(request)
        line = self.heavy if question.grid else self.questions  # a table takes as long as hundreds of plain questions
        frozen, answer = await line.ask(
            lambda ctx: questions.ask(ctx, key, question), BOOKS if question.actions else ())
        return answer_message(frozen.height, frozen.time_ns, answer)

    @unary
    async def GetReduction(self, request: risk_service.GetReductionRequest,
                           context: Any) -> risk_service.GetReductionResponse:
        require_owner(request.account)
        key, prices = key_of(request.account), prices_of(request.prices)
        frozen, found = await self.heavy.ask(lambda ctx: liquidation.reduction_of(
            ctx, key, request.market, prices, everybody=request.everybody), HOLDERS)
        return risk_service.GetReductionResponse(
            height=frozen.height, time_ns=frozen.time_ns, mark_quanta=found.mark, held_lots=found.held_lots,
            taken_lots=found.taken_lots, given_up_quanta=found.given_up, net_profit_quanta=found.net_profit,
            losers=found.losers, loser_lots=found.loser_lots, deficit_quanta=found.deficit,
            fund_paid_quanta=found.fund_paid, winners=found.winners, others=found.others,
            behind_ppm=found.behind_ppm)

    @unary
    async def GetBreakers(self, request: risk_service.GetBreakersRequest,
                          context: Any) -> risk_service.GetBreakersResponse:
        frozen, found = await self.questions.ask(breakers.ask)
        return breakers_message(frozen, found)

    @unary
    async def GetStress(self, request: risk_service.GetStressRequest, context: Any) -> risk_service.GetStressResponse:
        """An answer serves everybody who asks the same for STRESS_SECONDS."""
        shocks, grid, now = tuple(request.shocks_ppm), request.grid, time.monotonic()
        self._stressed = {key: kept for key, kept in self._stressed.items() if now - kept[0] < STRESS_SECONDS}
        if (shocks, grid) not in self._stressed:
            frozen, found = await self.heavy.ask(lambda ctx: liquidation.stress(ctx, shocks, grid=grid))
            self._stressed[shocks, grid] = time.monotonic(), stress_message(frozen, found)
        return self._stressed[shocks, grid][1]


def stress_message(frozen: Frozen, found: liquidation.Stress) -> risk_service.GetStressResponse:
    """The wire form of a stress test."""
    return risk_service.GetStressResponse(
        height=frozen.height, time_ns=frozen.time_ns, accounts=found.accounts,
        funds=[risk_service.InsuranceFund(market=market, balance_quanta=max(0, balance))
               for market, balance in sorted(found.funds.items())],
        rows=[risk_service.StressRow(
            feed=row.feed, shock_ppm=row.shock_ppm, short=row.short, below_zero=row.below_zero,
            shortfall_quanta=row.shortfall, fund_pays_quanta=row.fund_pays, left_quanta=row.left,
            not_valued=row.not_valued) for row in found.rows],
        grid=[risk_service.StressGridRow(
            feed=row.feed, price_ppm=row.price_ppm, volatility=row.volatility,  # type: ignore[arg-type]
            below_zero=row.below_zero, shortfall_quanta=row.shortfall, fund_pays_quanta=row.fund_pays,
            left_quanta=row.left, not_valued=row.not_valued) for row in found.grid])


def breakers_message(frozen: Frozen, found: breakers.Answer) -> risk_service.GetBreakersResponse:
    """The wire form of what breakers say."""
    sweep, stress_ppm = found.sweep, found.stress_ppm
    rows = sorted(zip((quarters * stress_ppm // 4 for quarters in STRESS_ROWS), sweep.done_shortfalls, strict=False))
    return risk_service.GetBreakersResponse(
        height=frozen.height, time_ns=frozen.time_ns,
        breakers=[risk_service.BreakerStatus(market=scope, breaker=state_pb2.Breaker(**row._asdict()))
                  for scope, row in found.breakers],
        bands=[risk_service.PriceBand(
            market=band.market, mark_quanta=band.mark, order_low_quanta=band.order_low,
            order_high_quanta=band.order_high, fill_low_quanta=band.fill_low, fill_high_quanta=band.fill_high)
            for band in found.bands],
        stress=[risk_service.SweptRow(shock_ppm=shock, shortfall_quanta=shortfall) for shock, shortfall in rows],
        swept_ns=sweep.done_ns, swept_accounts=sweep.done_accounts, insured_quanta=sweep.insured_quanta)

"""The wire's form of questions and of their answers, for the gateway and for who trusts none (RISK-004)."""

from collections.abc import Iterable

from app import questions
from app.event_messages import event_message
from app.margin import queries
from novation.v1 import risk_service_pb2 as risk_service


def prices_of(prices: Iterable[risk_service.SupposedPrice]) -> list[queries.Price]:
    """Supposed marks."""
    return [queries.Price(one.market, one.price_quanta, one.change_ppm) for one in prices]


def question_of(request: risk_service.GetRiskRequest) -> questions.Question:
    """What a request supposes."""
    return questions.Question(
        prices_of(request.prices),
        len(request.volatilities),
        request.cash_quanta,
        [questions.Trade(one.market, one.side, one.price_quanta, one.size_lots) for one in request.trades],
        list(request.actions),
    )


def answer_message(height: int, time_ns: int, answer: questions.Answer) -> risk_service.GetRiskResponse:
    """The answer to a question that was asked of a height."""
    return risk_service.GetRiskResponse(
        height=height,
        time_ns=time_ns,
        before=account_message(answer.before),
        after=account_message(answer.after),
        results=answer.results.actions,
        fills=[event_message(fill).fill for fill in answer.fills],
        trading_fees_quanta=answer.trading_fees_quanta,
    )


def account_message(risk: questions.AccountRisk) -> risk_service.AccountRisk:
    """An account's standing."""
    now = risk.now
    return risk_service.AccountRisk(
        cash_quanta=risk.cash,
        assets_quanta=risk.assets,
        equity_quanta=now.equity,
        usable_quanta=now.usable,
        initial_quanta=now.initial,
        maintenance_quanta=now.maintenance,
        excess_quanta=now.excess,
        free_quanta=risk.free,
        positions=[position_message(one) for one in risk.positions],
        underlyings=[
            risk_service.UnderlyingRisk(name=one.name, markets=one.markets, safe=range_message(one.safe))
            for one in risk.underlyings
        ],
    )


def position_message(one: queries.PositionRisk) -> risk_service.PositionRisk:
    """What a market contributes."""
    held = one.held
    return risk_service.PositionRisk(
        market=held.market,
        lots=held.lots,
        mark_quanta=one.mark,
        value_quanta=one.value,
        entry_quanta=held.entry_quanta,
        unrealised_quanta=one.unrealised,
        funding_quanta=one.funding,
        initial_quanta=one.initial,
        maintenance_quanta=one.maintenance,
        share_ppm=one.share_ppm,
        safe=range_message(one.safe),
        open_buy_lots=held.open_buy_lots,
        open_sell_lots=held.open_sell_lots,
    )


def range_message(safe: queries.Range) -> risk_service.SafeRange:
    """Liquidation prices."""
    return risk_service.SafeRange(lower_quanta=safe.lower or 0, upper_quanta=safe.upper or 0)

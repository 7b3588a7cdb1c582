"""The wire's form of questions and of their answers, for the gateway and for who trusts none (RISK-004)."""

from collections.abc import Iterable

from app import questions
from app.event_messages import event_message
from app.margin import queries
from app.margin.scenarios import Grid, Scenarios
from app.margin.sensitivities import Sensitivities
from app.margin.suppose import Move, Price
from app.margin.tails import Tail
from app.margin.types import Standing
from novation.v1 import risk_service_pb2 as risk_service


def prices_of(prices: Iterable[risk_service.SupposedPrice]) -> list[Price]:
    """Supposed marks."""
    return [Price(one.market, one.price_quanta, one.change_ppm) for one in prices]


def moves_of(moves: Iterable[risk_service.SupposedMove]) -> list[Move]:
    """Supposed moves of underlyings."""
    return [Move(one.feed, one.price_ppm, one.volatility_ppm) for one in moves]


def question_of(request: risk_service.GetRiskRequest) -> questions.Question:
    """What a request supposes."""
    return questions.Question(
        moves_of(request.moves),
        prices_of(request.prices),
        request.cash_quanta,
        [questions.Trade(one.market, one.side, one.price_quanta, one.size_lots) for one in request.trades],
        list(request.actions),
        Grid(request.grid.feed, request.grid.prices_ppm, request.grid.volatilities_ppm or (0,))
        if request.HasField("grid")
        else None,
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
        scenarios=scenarios_message(answer.scenarios) if answer.scenarios else None,
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
        underlyings=[underlying_message(one) for one in risk.underlyings],
        sensitivities=[sensitivity_message(one) for one in risk.sensitivities],
        portfolio=risk.is_portfolio,
        standard_margin=mode_message(risk.modes[0]),
        portfolio_margin=mode_message(risk.modes[1]),
        tails=[tail_message(one) for one in risk.tails],
    )


def mode_message(now: Standing | None) -> risk_service.ModeMargin | None:
    """What an account would ask for in a mode."""
    if now is None:
        return None
    return risk_service.ModeMargin(
        initial_quanta=now.initial, maintenance_quanta=now.maintenance, usable_quanta=now.usable
    )


def tail_message(one: Tail) -> risk_service.Tail:
    """What positions make in every row."""
    return risk_service.Tail(
        feed=one.feed,
        rows=[
            risk_service.TailRow(
                kind=row.kind,  # type: ignore[arg-type]
                price_ppm=row.price_ppm,
                volatility=row.volatility,  # type: ignore[arg-type]
                weight_ppm=row.weight_ppm,
                unweighted_quanta=row.unweighted,
                weighted_quanta=row.weighted,
            )
            for row in one.rows
        ],
        worst_row=one.worst_row,
        parts=[risk_service.TailPart(market=market, quanta=part) for market, part in one.parts],
        rest_quanta=one.rest,
        shortfall_quanta=one.shortfall,
        weighted_shortfall_quanta=one.weighted_shortfall,
    )


def underlying_message(one: questions.Underlying) -> risk_service.UnderlyingRisk:
    """An underlying with its liquidation prices."""
    return risk_service.UnderlyingRisk(
        name=one.name,
        markets=one.markets,
        safe=range_message(one.safe),
        feed=one.feed,
        price=one.price,
        decimals=one.decimals,
        short=[risk_service.ShortSpan(lower=span.lower or 0, upper=span.upper or 0) for span in one.spans],
    )


def sensitivity_message(one: Sensitivities) -> risk_service.Sensitivity:
    """Greeks of one underlying and expiry."""
    return risk_service.Sensitivity(
        feed=one.feed,
        expiry_ns=one.expiry_ns,
        delta_quanta=one.delta,
        gamma_quanta=one.gamma,
        vega_quanta=one.vega,
        theta_quanta=one.theta,
    )


def scenarios_message(found: Scenarios) -> risk_service.Scenarios:
    """A table of cases."""
    rows = zip(found.grid.volatilities_ppm, found.cells, strict=True)
    return risk_service.Scenarios(
        rows=[
            risk_service.ScenarioRow(
                volatility_ppm=volatility,
                cells=[
                    risk_service.ScenarioCell(equity_quanta=now.equity, excess_quanta=now.excess) for now in cells
                ],
            )
            for volatility, cells in rows
        ],
        expiry_equity_quanta=found.at_expiry,
        prices_ppm=found.grid.prices_ppm,
        price=found.price,
        decimals=found.decimals,
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

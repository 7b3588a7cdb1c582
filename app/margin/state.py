"""Margin of accounts, read from state. The formulas are in rules.py."""

from collections.abc import Iterable

from app.accounts.types import Account, Position
from app.collateral.state import asset_allows, assets_value, require_asset
from app.context import Context
from app.errors import ORACLE_UNTRUSTED, PROGRAMMING_ERRORS, ChainError, MarketFault
from app.funding.rules import payment
from app.funding.state import index_of
from app.gas import TOGETHER
from app.limits import FIRST_SERIES
from app.margin import rules
from app.margin.groups import (
    Entry,
    group_margins,
    group_parts,
    groups_of,
    holdings_of,
    portfolio_margins,
    portfolio_parts,
)
from app.margin.types import MarketRisk, Standing
from app.markets.state import open_interest, require_market
from app.markets.types import OPTION, SETTLED, SETTLING, Market
from app.oracle.state import allows, index_price, mark_price
from app.portfolio.state import portfolio_risk, terms_of
from app.portfolio.types import PortfolioRisk
from novation.v1 import state_pb2

ALONE, IN_GROUPS, TOGETHER_WITH_ALL, SETTLED_ALREADY = 1, 2, 3, 4  # how a position is margined
AnyPosition = Position | state_pb2.Position  # the record, or its wire form as the gateway holds it


def untrusted_market(ctx: Context, account: Account, action: int) -> int:
    """ORCL-011: the first market that values a position or an asset of the account and whose price bars the action; 0
    when there is none.
    """
    if ctx.barred:
        for market in account.positions:
            if not allows(ctx, market, action):
                return market
    for number, _ in account.assets:
        if not asset_allows(ctx, number, action):
            return require_asset(ctx, number).price_market
    return 0


def require_trusted(ctx: Context, account: Account, action: int, market: int = 0) -> None:
    """ORCL-011: ORACLE_UNTRUSTED when the price of `market`, or of anything that the account holds, bars the action."""
    barring = market if not allows(ctx, market, action) else untrusted_market(ctx, account, action)
    if barring:
        mark = ctx.marks.get(barring)
        raise ChainError(ORACLE_UNTRUSTED, market=barring, validity=mark.validity if mark else 0)


def market_risk(ctx: Context, market: int) -> MarketRisk:
    """What margin needs to know of a market now. Raises MARKET_NOT_FOUND.

    Kept in `ctx.risks`; whoever changes mark, funding, open interest or margin terms of a market calls
    `ctx.forget_risk`.
    """
    risk = ctx.risks.get(market)
    if risk is None:
        risk = ctx.risks[market] = _make_risk(ctx, market)
    return risk


def _make_risk(ctx: Context, number: int) -> MarketRisk:
    market = require_market(ctx, number)
    interest = open_interest(ctx, number) if market.open_interest_upper_quanta else 0
    try:
        risk = risk_of(market, mark_price(ctx, number), index_of(ctx, number), interest)
        if risk.quarantined and market.kind == OPTION:
            risk.frozen_index_quanta = index_price(ctx, number)
        return risk
    except PROGRAMMING_ERRORS as error:
        raise MarketFault(number, type(error).__name__) from error


def risk_of(
    market: Market | state_pb2.Market, mark_quanta: int, funding_index_e9: int, interest_lots: int
) -> MarketRisk:
    """MARG-007 to MARG-009: what the terms of a market come to at this mark, funding index and open interest.

    A market in quarantine has one bracket, at the rates of its highest (CMP-005).
    """
    initial = [(0, market.initial_margin_ppm)]
    maintenance = [(0, market.maintenance_margin_ppm)]
    for tier in market.tiers:
        initial.append((tier.from_notional_quanta, tier.initial_ppm))
        maintenance.append((tier.from_notional_quanta, tier.maintenance_ppm))
    quarantined = market.quarantine_ends_ns > 0
    if quarantined:
        highest, kept = initial[-1][1], maintenance[-1][1]
        return MarketRisk(
            market.market,
            mark_quanta,
            funding_index_e9,
            highest,
            kept,
            ((0, highest, 0),),
            ((0, kept, 0),),
            quarantined=True,
            plain=False,
        )
    if upper := market.open_interest_upper_quanta:
        interest, lower = interest_lots * mark_quanta, market.open_interest_lower_quanta
        initial = [(start, rules.open_interest_rate(rate, interest, lower, upper)) for start, rate in initial]
    return MarketRisk(
        market.market,
        mark_quanta,
        funding_index_e9,
        initial[0][1],
        maintenance[0][1],
        brackets(initial),
        brackets(maintenance),
        tiered=bool(market.tiers),
        profit_cap_quanta=market.profit_cap_quanta,
        plain=not (market.tiers or market.profit_cap_quanta),
    )


def brackets(rates: Iterable[tuple[int, int]]) -> tuple[rules.Bracket, ...]:
    """MARG-007: the brackets of a scale from where each begins and its rate, ascending."""
    made: list[rules.Bracket] = []
    rate, deduction = 0, 0
    for start, rate_ppm in rates:
        made.append(rules.bracket(start, rate_ppm, rate, deduction))
        _, rate, deduction = made[-1]
    return tuple(made)


def position_value(risk: MarketRisk, held: AnyPosition) -> int:
    """What a position is worth at the mark, less the funding it has not settled (FUND-002), in quote quanta;
    without it in quarantine (CMP-005).
    """
    lots, index = held.lots, risk.funding_index_e9
    if lots and index != held.funding_index_e9 and not risk.quarantined:
        return lots * risk.mark_quanta - payment(lots, index, held.funding_index_e9)
    return lots * risk.mark_quanta


def position_initial(risk: MarketRisk, held: AnyPosition, *, with_orders: bool = True) -> int:
    """The initial margin of one market, in quote quanta.

    `with_orders` counts open orders at their worst side (MARG-003); without, only what is held (MARG-001, MARG-007). A
    market in quarantine counts by the frozen rule (CMP-005, CMP-007).
    """
    if risk.quarantined:
        orders = max(held.open_buy_lots, held.open_sell_lots) if with_orders else 0
        if index := risk.frozen_index_quanta:
            return rules.frozen_option(held.lots, orders, risk.mark_quanta, index, risk.initial[-1][1])
        return rules.frozen_margin(held.lots, orders, risk.mark_quanta, risk.initial[-1][1])
    if with_orders and (held.open_buy_lots or held.open_sell_lots):
        return rules.initial_margin(
            held.lots,
            held.open_buy_lots,
            held.open_buy_notional_quanta,
            held.open_sell_lots,
            held.open_sell_notional_quanta,
            risk.mark_quanta,
            risk.initial,
        )
    if risk.tiered:
        return rules.tiered_margin(abs(held.lots) * risk.mark_quanta, risk.initial)
    return rules.position_margin(held.lots, risk.mark_quanta, risk.initial_ppm)


def lots_maintenance(risk: MarketRisk, lots: int) -> int:
    """MARG-001, MARG-007: the maintenance margin of `lots` of a market, in quote quanta; in quarantine CMP-005."""
    if risk.quarantined:
        return rules.frozen_margin(lots, 0, risk.mark_quanta, risk.maintenance[-1][1])
    if risk.tiered:
        return rules.tiered_margin(abs(lots) * risk.mark_quanta, risk.maintenance)
    return rules.position_margin(lots, risk.mark_quanta, risk.maintenance_ppm)


def maintenance_margin(ctx: Context, held: Position) -> int:
    """MARG-001: the maintenance margin of one position, in quote quanta. Raises MarketFault."""
    try:
        return lots_maintenance(market_risk(ctx, held.market), held.lots)
    except PROGRAMMING_ERRORS as error:
        raise MarketFault(held.market, type(error).__name__) from error


def is_whole(account: Account, market: int = 0) -> bool:
    """MARG-018: whether more than market by market is asked of an account, holding something in `market` too: of
    options, and of portfolios.
    """
    return account.portfolio or market >= FIRST_SERIES or max(account.positions, default=0) >= FIRST_SERIES


def margined_as(ctx: Context, market: Market, *, portfolio: bool) -> int:
    """MARG-016, MARG-019, PORT-011, CMP-005: how a position in a market is margined: with all others of a portfolio, in
    a group of options, as what has its settlement price, or alone.
    """
    if market.quarantine_ends_ns:
        return ALONE
    if market.market >= FIRST_SERIES and market.status in (SETTLING, SETTLED):
        return SETTLED_ALREADY
    if portfolio and terms_of(ctx, market.feed):
        return TOGETHER_WITH_ALL
    return IN_GROUPS if market.market >= FIRST_SERIES else ALONE


def standing(
    ctx: Context,
    cash_quanta: int,
    positions: Iterable[Position],
    *,
    with_orders: bool = True,
    portfolio: bool = False,
) -> Standing:
    """Equity, initial and maintenance margin of an account with this cash and these positions at the current marks.

    Options are margined by group (MARG-016); in a `portfolio` all positions on underlyings that have terms together
    (PORT-011). A market whose rules raise is to blame itself: MarketFault.
    """
    equity, initial, maintenance, uncounted, market = cash_quanta, 0, 0, 0, 0
    options: list[Entry] = []
    together: list[Entry] = []
    try:
        for held in positions:
            market = held.market
            risk = market_risk(ctx, market)
            value = position_value(risk, held)
            equity += value
            if risk.profit_cap_quanta:
                uncounted += rules.uncounted_profit(value - held.entry_quanta, risk.profit_cap_quanta)
            kind, record = ALONE, None
            if portfolio or market >= FIRST_SERIES:
                record = require_market(ctx, market)
                kind = margined_as(ctx, record, portfolio=portfolio)
            if record is not None and kind == TOGETHER_WITH_ALL:
                together.append(Entry(record, held, risk.mark_quanta))
            elif record is not None and kind == IN_GROUPS:
                options.append(Entry(record, held, risk.mark_quanta))
            elif kind == SETTLED_ALREADY:
                initial += abs(held.lots)
                maintenance += abs(held.lots)
            else:
                initial += position_initial(risk, held, with_orders=with_orders)
                maintenance += lots_maintenance(risk, held.lots)
        for group in groups_of(options):
            market = group[0].market.market
            asked, kept = group_margins(ctx, group, with_orders=with_orders)
            initial, maintenance = initial + asked, maintenance + kept
        if together:
            market = together[0].market.market
            asked, kept = portfolio_margins(ctx, together, with_orders=with_orders)
            initial, maintenance = initial + asked, maintenance + kept
    except PROGRAMMING_ERRORS as error:
        raise MarketFault(market, type(error).__name__) from error
    return Standing(equity, initial, maintenance, uncounted)


def margin_parts(ctx: Context, account: Account) -> dict[int, tuple[int, int]]:
    """RISK-002: (initial, maintenance margin) by market, as they sum to the account's: of what is margined together,
    shared out by what each would ask for alone.
    """
    parts: dict[int, tuple[int, int]] = {}
    options: list[Entry] = []
    together: list[Entry] = []
    for number, held in account.positions.items():
        risk, market = market_risk(ctx, number), require_market(ctx, number)
        entry = Entry(market, held, risk.mark_quanta)
        kind = margined_as(ctx, market, portfolio=account.portfolio)
        if kind == TOGETHER_WITH_ALL:
            together.append(entry)
        elif kind == IN_GROUPS:
            options.append(entry)
        elif kind == SETTLED_ALREADY:
            parts[number] = abs(held.lots), abs(held.lots)
        else:
            parts[number] = position_initial(risk, held), lots_maintenance(risk, held.lots)
    shares = [(group, group_parts(ctx, group)) for group in groups_of(options)]
    if together:
        shares.append((together, portfolio_parts(ctx, together)))
    for group, margins in shares:
        parts |= {entry.market.market: one for entry, one in zip(group, margins, strict=True)}
    return parts


def portfolio_of(ctx: Context, account: Account) -> PortfolioRisk:
    """PORT-008 to PORT-011: the report of all that an account holds on underlyings with terms, whatever its mode."""
    entries = [
        Entry(market, held, market_risk(ctx, number).mark_quanta)
        for number, held in sorted(account.positions.items())
        if margined_as(ctx, (market := require_market(ctx, number)), portfolio=True) == TOGETHER_WITH_ALL
    ]
    return portfolio_risk(ctx, holdings_of(entries))


def account_standing(ctx: Context, account: Account) -> Standing:
    """MARG-011: the standing of `account` as it is, open orders included."""
    cash = account.cash_quanta + (assets_value(ctx, account) if account.assets else 0)
    return standing(ctx, cash, account.positions.values(), portfolio=account.portfolio)


def equity(ctx: Context, account: Account) -> int:
    """Cash, assets at their collateral value (COLL-010) and all positions at their marks less unsettled funding, in
    quote quanta; may be negative. Raises MarketFault.
    """
    value, market = account.cash_quanta + (assets_value(ctx, account) if account.assets else 0), 0
    try:
        for market, held in account.positions.items():
            if held.lots:
                value += position_value(market_risk(ctx, market), held)
    except PROGRAMMING_ERRORS as error:
        raise MarketFault(market, type(error).__name__) from error
    return value


def allows_change(ctx: Context, account: Account, cash_after: int, changed: Position, *, with_orders: bool) -> bool:
    """MARG-004 to MARG-006: whether `account` may come to hold `cash_after` and `changed` in place of its position
    there.
    """
    if not rules.fits_record(
        cash_after, changed.entry_quanta, changed.open_buy_notional_quanta, changed.open_sell_notional_quanta
    ):
        return False
    if is_whole(account, changed.market):
        return allows_whole(ctx, account, cash_after, changed, with_orders=with_orders)
    mine, risks = changed.market, ctx.risks
    market = mine
    try:
        usable, initial = _weight(risks.get(mine) or market_risk(ctx, mine), changed, with_orders)
        for market, held in account.positions.items():
            if market != mine:
                value, margin = _weight(risks.get(market) or market_risk(ctx, market), held, with_orders)
                usable += value
                initial += margin
    except PROGRAMMING_ERRORS as error:
        raise MarketFault(market, type(error).__name__) from error
    usable += cash_after + (assets_value(ctx, account) if account.assets else 0)
    return rules.may_take_on(usable, initial) or reduces(ctx, account, cash_after, changed, with_orders=with_orders)


def allows_whole(ctx: Context, account: Account, cash_after: int, changed: Position, *, with_orders: bool) -> bool:
    """MARG-004, MARG-005 where positions are margined together: the account is asked as it would be, and only if that
    is too little, as it is. Both are paid for (GAS-007).
    """
    asked = [held for held in account.positions.values() if with_orders or held.lots]
    others, whole = [held for held in asked if held.market != changed.market], account.portfolio
    assets = assets_value(ctx, account) if account.assets else 0
    ctx.gas.charge(TOGETHER * (len(others) + 1))
    now = standing(ctx, cash_after + assets, [*others, changed], with_orders=with_orders, portfolio=whole)
    if rules.may_take_on(now.usable, now.initial):
        return True
    ctx.gas.charge(TOGETHER * len(asked))
    then = standing(ctx, account.cash_quanta + assets, asked, with_orders=with_orders, portfolio=whole)
    return rules.may_reduce(then.initial, now.initial, then.excess, now.excess)


def allows_account(ctx: Context, before: Account, after: Account) -> bool:
    """MARG-004 to MARG-006: whether `before` may become `after` all at once, open orders counted: in several markets it
    is the account as a whole that is asked, and not each step.
    """
    for held in after.positions.values():
        if not rules.fits_record(
            after.cash_quanta, held.entry_quanta, held.open_buy_notional_quanta, held.open_sell_notional_quanta
        ):
            return False
    if is_whole(before) or is_whole(after):
        ctx.gas.charge(TOGETHER * (len(before.positions) + len(after.positions)))
    now = account_standing(ctx, after)
    if rules.may_take_on(now.usable, now.initial):
        return True
    then = account_standing(ctx, before)
    return rules.may_reduce(then.initial, now.initial, then.excess, now.excess)


def _weight(risk: MarketRisk, held: Position, with_orders: bool) -> tuple[int, int]:
    """(what new risk may rest on, initial margin) of one market.

    Written out for the plain case, because each order asks it of each market of its account.
    """
    if not risk.plain:
        value = position_value(risk, held)
        if risk.profit_cap_quanta:
            value -= rules.uncounted_profit(value - held.entry_quanta, risk.profit_cap_quanta)
        return value, position_initial(risk, held, with_orders=with_orders)
    lots, mark = held.lots, risk.mark_quanta
    value = lots * mark
    if held.funding_index_e9 != risk.funding_index_e9:
        value -= payment(lots, risk.funding_index_e9, held.funding_index_e9)
    if with_orders and (held.open_buy_lots or held.open_sell_lots):
        return value, position_initial(risk, held)
    return value, rules.position_margin(lots, mark, risk.initial_ppm)


def reduces(ctx: Context, account: Account, cash_after: int, changed: Position, *, with_orders: bool) -> bool:
    """MARG-005: whether the change makes an account safer that is short of initial margin, market by market."""
    others = [held for held in account.positions.values() if held.market != changed.market]
    after = standing(ctx, cash_after, [*others, changed], with_orders=with_orders)  # assets stay, so they cancel
    before = standing(ctx, account.cash_quanta, account.positions.values(), with_orders=with_orders)
    return rules.may_reduce(before.initial, after.initial, before.excess, after.excess)

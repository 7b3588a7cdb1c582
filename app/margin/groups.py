"""Margins that are not a market's own: of options by underlying and expiry, of portfolios as a whole."""

from collections.abc import Sequence
from typing import NamedTuple

from app.accounts.types import Position
from app.context import Context
from app.margin import rules
from app.margin.rules import Leg, OptionTerms
from app.markets.types import CALL, Market
from app.oracle.state import index_price
from app.portfolio.state import alone, portfolio_risk
from app.portfolio.types import Holding

Margins = tuple[int, int]  # initial, maintenance


class Entry(NamedTuple):
    """A position that is margined with others: its market, what it holds and has on order, the mark."""

    market: Market
    held: Position
    mark_quanta: int


def option_terms(ctx: Context, feed: int) -> OptionTerms:
    """OPT-001: the rates of standard margin for options on an underlying. Raises KeyError without a class."""
    terms = ctx.option_classes.get(feed)
    if terms is None:
        raise KeyError(feed)
    return OptionTerms(
        terms.margin_most_ppm,
        terms.margin_least_ppm,
        terms.maintenance_ppm,
        terms.maintenance_ppm,
        terms.maintenance_ppm,
        terms.initial_offset_ppm,
        terms.unpaired_initial_ppm,
        terms.unpaired_maintenance_ppm,
    )


def groups_of(entries: Sequence[Entry]) -> list[list[Entry]]:
    """MARG-016: options by underlying and expiry, ascending."""
    found: dict[tuple[int, int], list[Entry]] = {}
    for entry in entries:
        found.setdefault((entry.market.feed, entry.market.expiry_ns), []).append(entry)
    return [found[group] for group in sorted(found)]


def leg_of(entry: Entry, lots: int) -> Leg:
    """So many lots of an option."""
    return Leg(lots, entry.mark_quanta, entry.market.strike_quanta, entry.market.right == CALL)


def group_margins(ctx: Context, group: Sequence[Entry], *, with_orders: bool) -> Margins:
    """MARG-014 to MARG-017: what the options of one underlying and expiry ask for."""
    market = group[0].market
    terms, index = option_terms(ctx, market.feed), index_price(ctx, market.market)
    legs = [leg_of(entry, entry.held.lots) for entry in group if with_orders or entry.held.lots]
    value = sum(leg.lots * leg.mark_quanta for leg in legs)
    net_calls = sum(leg.lots for leg in legs if leg.is_call)
    lost = rules.most_loss(value, rules.worst_payoff(legs))
    lone = [rules.lone_margins(leg, index, terms) for leg in legs]
    asked, kept = sum(one[0] for one in lone), sum(one[1] for one in lone)
    lost_kept = lost + rules.unpaired(net_calls, index, terms.unpaired_maintenance_ppm)
    lost += rules.unpaired(net_calls, index, terms.unpaired_ppm)
    if with_orders:
        for entry, one in zip(group, lone, strict=True):
            if entry.held.open_buy_lots or entry.held.open_sell_lots:
                asked += ordered_alone(entry, index, terms) - one[0]
                lost += ordered_loss(entry, legs, index, terms)
    least = 1 if any(leg.lots for leg in legs) else 0  # so that whoever owes has a share of something (LIQ-006)
    return max(least, min(asked, lost)), max(least, min(kept, lost_kept))


def order_losses(entry: Entry) -> tuple[int, int]:
    """MARG-003: what buying above, and selling below, the mark would lose; below 0: gain."""
    held, mark = entry.held, entry.mark_quanta
    bought = held.open_buy_notional_quanta - held.open_buy_lots * mark
    return bought, held.open_sell_lots * mark - held.open_sell_notional_quanta


def ordered_alone(entry: Entry, index_quanta: int, terms: OptionTerms) -> int:
    """MARG-017: the initial margin of one option alone with its orders: nothing, all buys or all sells filling."""
    held, (bought, sold) = entry.held, order_losses(entry)
    cases = (held.lots, 0), (held.lots + held.open_buy_lots, bought), (held.lots - held.open_sell_lots, sold)
    return max(rules.lone_margins(leg_of(entry, lots), index_quanta, terms)[0] + max(0, lost) for lots, lost in cases)


def ordered_loss(entry: Entry, legs: Sequence[Leg], index_quanta: int, terms: OptionTerms) -> int:
    """MARG-017: what the worse side of an option's orders adds to what its group can lose, at the strikes of all."""
    held, (bought, sold) = entry.held, order_losses(entry)
    strikes = [leg._replace(lots=0) for leg in legs]
    each = []
    for lots in (1, -1):
        leg = leg_of(entry, lots)
        lost = rules.most_loss(lots * leg.mark_quanta, rules.worst_payoff([leg, *strikes]))
        each.append(lost + rules.unpaired(lots if leg.is_call else 0, index_quanta, terms.unpaired_ppm))
    return rules.worse_side(held.open_buy_lots, each[0], bought, held.open_sell_lots, each[1], sold)


def portfolio_margins(ctx: Context, entries: Sequence[Entry], *, with_orders: bool) -> Margins:
    """PORT-011, PORT-014: what a portfolio asks for, its open orders included."""
    found = portfolio_risk(ctx, holdings_of(entries))
    orders = sum(portfolio_orders(ctx, entry) for entry in entries) if with_orders else 0
    least = 1 if found.underlyings else 0
    return max(least, found.initial) + orders, max(least, found.maintenance)


def holdings_of(entries: Sequence[Entry]) -> list[Holding]:
    """The positions with lots."""
    return [Holding(market, held.lots, mark) for market, held, mark in entries if held.lots]


def portfolio_orders(ctx: Context, entry: Entry) -> int:
    """PORT-014: what the open orders of one market ask for in a portfolio: the worse side, each lot as it would alone,
    and the loss against the mark.
    """
    held = entry.held
    if not (held.open_buy_lots or held.open_sell_lots):
        return 0
    bought, sold = order_losses(entry)
    long, short = alone(ctx, entry.market, entry.mark_quanta)
    return rules.worse_side(held.open_buy_lots, long, bought, held.open_sell_lots, short, sold)


def group_parts(ctx: Context, group: Sequence[Entry]) -> list[Margins]:
    """RISK-002: what a group asks for, shared out among its options by what each asks for alone; sums are exact."""
    terms, index = option_terms(ctx, group[0].market.feed), index_price(ctx, group[0].market.market)
    lone = [
        (ordered_alone(entry, index, terms), rules.lone_margins(leg_of(entry, entry.held.lots), index, terms)[1])
        for entry in group
    ]
    return shared(group_margins(ctx, group, with_orders=True), lone)


def portfolio_parts(ctx: Context, entries: Sequence[Entry]) -> list[Margins]:
    """RISK-002: what a portfolio asks for, shared out by what each position and its orders ask for alone."""
    lone = []
    for entry in entries:
        one = portfolio_risk(ctx, holdings_of([entry]))
        lone.append((one.initial + portfolio_orders(ctx, entry), one.maintenance))
    return shared(portfolio_margins(ctx, entries, with_orders=True), lone)


def shared(margins: Margins, lone: Sequence[Margins]) -> list[Margins]:
    """RISK-002: both margins shared out by both weights."""
    parts = [rules.shared_out(total, [one[which] for one in lone]) for which, total in enumerate(margins)]
    return list(zip(*parts, strict=True))

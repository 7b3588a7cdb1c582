"""The last closing, at the begin of a block: the positions of a market that settles, those who owe first.

What they owe is made up before they are closed, and all in the block in which they are: by the market's fund, then by
its winners. All are closed at the settlement price, so that who is closed against whom changes nothing.
"""

from dataclasses import dataclass, replace
from functools import partial
from heapq import nsmallest

from app.compartment import guarded
from app.context import Context
from app.errors import MarketFault
from app.events import HolderReduced, SettlementShortfall
from app.limits import MAX_SETTLED_ACCOUNTS, REDUCTION_ASKED, SERIES_COST
from app.liquidation import rules
from app.liquidation.reduction import portions, profit_of, winners_among, within_looks
from app.liquidation.state import fund_purse, margin_freed, note_given_up, spend, trusted_standing
from app.margin.health import candidates
from app.margin.state import equity
from app.margin.types import Standing
from app.markets.holders import LONG, SHORT, holders
from app.markets.state import market_numbers, open_interest, require_market
from app.markets.types import OPTION, QUARANTINED, SETTLING
from app.settlement.rules import fund_pays
from app.settlement.state import close_positions

Closings = list[tuple[bytes, int]]


@dataclass(slots=True)
class Debt:
    """What an account that is closed now owes beyond what it has, and who has made up how much of it."""

    key: bytes
    quanta: int
    paid_quanta: int = 0
    given_up_quanta: int = 0


def close_settling(ctx: Context) -> None:
    """SETL-005: positions are closed in every market that has its settlement price and no order left. Of options, which
    end many at once, of at most MAX_SETTLED_ACCOUNTS accounts together, about (OPT-012).
    """
    left = MAX_SETTLED_ACCOUNTS
    for number in market_numbers(ctx):
        market = require_market(ctx, number)
        if market.kind == OPTION and (left <= 0 or not open_interest(ctx, number)):
            continue
        if market.status in (SETTLING, QUARANTINED):
            record, book = ctx.settlements.get(number), ctx.books[number]
            if record and record.fixed and not book.bids.best_price() and not book.asks.best_price():
                counts: list[int] = []
                guarded(ctx, number, partial(close_some, counts), in_quarantine=True)
                if market.kind == OPTION:
                    left -= SERIES_COST + sum(counts)


def close_some(counts: list[int], ctx: Context, market: int) -> None:
    """SETL-005: one block's closings: the same lots of either side, of at most 500 accounts each. `counts` gets how
    many accounts were closed.
    """
    debtors = debtors_of(ctx, market)
    longs = next_holders(ctx, market, LONG, debtors)
    shorts = next_holders(ctx, market, SHORT, debtors)
    total = min(sum(lots for _, lots in longs), -sum(lots for _, lots in shorts))
    if total:
        closings = [*first_lots(longs, total), *first_lots(shorts, total)]
        make_up(ctx, market, debts_of(ctx, market, closings, debtors))
        close_positions(ctx, market, ctx.settlements.edit(market).price_quanta, closings)
        counts.append(len(closings))


def debtors_of(ctx: Context, market: int) -> dict[bytes, Standing]:
    """SETL-006: the holders whose equity is below zero, with their standings. Only those are asked for their margin: of
    options hundreds end at once, and each asks again.
    """
    found: dict[bytes, Standing] = {}
    for key in candidates(ctx):
        account = ctx.accounts.get(key)
        try:
            if account is not None and account.position(market).lots and equity(ctx, account) < 0:
                now = trusted_standing(ctx, account)
                if now.equity < 0:
                    found[key] = now
        except MarketFault:  # as in `short_accounts`
            continue
    return found


def next_holders(ctx: Context, market: int, side: int, debtors: dict[bytes, Standing]) -> Closings:
    """SETL-005: whom to close next on one side, and what they hold: those who owe, then by key; but as long as anybody
    owes, who has a profit comes last, so that all of them are there when it is shared out.
    """
    keys = holders(ctx, market, side, None if debtors else MAX_SETTLED_ACCOUNTS)
    found = [(key, account.position(market)) for key in keys if (account := ctx.accounts.get(key)) is not None]
    if debtors:
        ranks = [(key not in debtors, profit_of(ctx, held) > 0, key, held.lots) for key, held in found]
        return [(key, lots) for _, _, key, lots in nsmallest(MAX_SETTLED_ACCOUNTS, ranks)]
    return [(key, held.lots) for key, held in found]


def first_lots(side: Closings, total: int) -> Closings:
    """The first `total` lots of a side, with its sign."""
    closings: Closings = []
    for key, lots in side:
        closed = min(total, abs(lots))
        if closed:
            closings.append((key, closed if lots > 0 else -closed))
        total -= closed
    return closings


def debts_of(ctx: Context, market: int, closings: Closings, debtors: dict[bytes, Standing]) -> list[Debt]:
    """SETL-006: what those of `closings` who owe will lack: the share of it that the lots closed have in their
    maintenance margin (LIQ-006), so all of it for who holds nothing elsewhere.
    """
    debts = []
    for key, lots in closings:
        account, now = ctx.accounts.get(key), debtors.get(key)
        if now is not None and account is not None:
            margin = margin_freed(ctx, account, account.position(market), lots)
            debts.append(Debt(key, rules.bankruptcy_quote(0, margin, now.equity, now.maintenance)))
    return debts


def make_up(ctx: Context, market: int, debts: list[Debt]) -> None:
    """SETL-006, SETL-008: the fund pays, then winners give up, exactly what is owed; each debtor is told by whom."""
    owed = sum(debt.quanta for debt in debts)
    if not owed:
        return
    paid = fund_pays(-owed, fund_purse(ctx, market))
    given_up = share_out(ctx, market, owed - paid)
    spend(ctx, market, paid)
    note_given_up(ctx, market, given_up)
    for debt in debts:
        debt.paid_quanta = min(debt.quanta, paid)
        debt.given_up_quanta = min(debt.quanta - debt.paid_quanta, given_up)
        paid -= debt.paid_quanta
        given_up -= debt.given_up_quanta
        made_up = debt.paid_quanta + debt.given_up_quanta
        ctx.accounts.edit(debt.key).cash_quanta += made_up
        ctx.emit(
            SettlementShortfall(debt.key, market, debt.paid_quanta, debt.given_up_quanta, debt.quanta - made_up)
        )


def share_out(ctx: Context, market: int, owed_quanta: int) -> int:
    """SETL-008: take what is owed from the market's winners, of whom the greatest profits are asked first, as many at a
    time as a reduction asks. Returns what they gave up.
    """
    gains, left = profits_of(ctx, market) if owed_quanta else [], owed_quanta
    while gains and left:
        count, _ = within_looks(ctx, [key for key, _ in gains], REDUCTION_ASKED)
        left -= ask(ctx, market, left, dict(gains[:count]))
        gains = gains[count:]
    return owed_quanta - left


def ask(ctx: Context, market: int, owed_quanta: int, profits: dict[bytes, int]) -> int:
    """SETL-008: by net profit, up to that and the excess over maintenance margin; what is then left, by profit before
    losses elsewhere, up to that. Returns what these winners gave up.
    """
    winners = {winner.key: winner for winner in winners_among(ctx, market, list(profits))}
    net = {key: winner.profit_quanta for key, winner in winners.items()}
    rooms = {key: min(profits[key], winner.excess_quanta) for key, winner in winners.items()}
    parts = portions(owed_quanta, net, {key: min(net[key], room) for key, room in rooms.items()})
    left = owed_quanta - sum(parts.values())
    if left:
        more = portions(left, profits, {key: room - parts.get(key, 0) for key, room in rooms.items()})
        parts = {key: parts.get(key, 0) + more.get(key, 0) for key in rooms}
    price_quanta = ctx.settlements.edit(market).price_quanta
    for key in sorted(key for key, part in parts.items() if part):
        give_up(ctx, key, market, parts[key])
        ctx.emit(HolderReduced(key, market, 0, price_quanta, parts[key], net[key]))
    return sum(parts.values())


def give_up(ctx: Context, key: bytes, market: int, part_quanta: int) -> None:
    """SETL-008: take a winner's part out of its cash and its profit, which will not be asked for the same again."""
    account = ctx.accounts.edit(key)
    held = account.position(market)
    account.cash_quanta -= part_quanta
    account.set_position(replace(held, entry_quanta=held.entry_quanta + part_quanta))


def profits_of(ctx: Context, market: int) -> list[tuple[bytes, int]]:
    """SETL-008: the holders with a profit at the settlement price, funding counted, and what it is; the greatest first,
    equal ones by key.
    """
    gains: list[tuple[bytes, int]] = []
    for side in (LONG, SHORT):
        for key in holders(ctx, market, side):
            account = ctx.accounts.get(key)
            profit = profit_of(ctx, account.position(market)) if account else 0
            if profit > 0:
                gains.append((key, profit))
    return sorted(gains, key=lambda gain: (-gain[1], gain[0]))

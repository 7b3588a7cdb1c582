"""Reduction: what no book and no bidder takes is closed against holders of the other side, in one pass a market.

Each lot closed bears the same part of the deficit, so all are closed at one price; who has the more net profit closes
the more lots. Winners together give up the deficit and no more.
"""

from dataclasses import dataclass

from app.accounts.types import Account, Position
from app.clearing.state import add_open_interest, off_book, settle
from app.collateral.state import credit_fund
from app.collateral.types import funding_pool
from app.context import Context
from app.events import AccountReduced, HolderReduced
from app.funding.state import unsettled
from app.limits import REDUCTION_ASKED
from app.liquidation import rules
from app.liquidation.state import effort, fund_purse, margin_freed, note_given_up, pay_from_fund
from app.margin.rules import FIELD_LIMIT_QUANTA, unrealised_profit
from app.margin.state import account_standing, is_whole, market_risk
from app.markets.holders import LONG, SHORT, holders
from app.markets.state import require_market


@dataclass(slots=True)
class Loser:
    """An account to be closed: its lots without sign, what it owes beyond its equity, and what of that the fund
    pays.
    """

    key: bytes
    lots: int
    deficit_quanta: int
    paid_quanta: int

    @property
    def open_quanta(self) -> int:
        """The deficit that is left to the other side."""
        return self.deficit_quanta - self.paid_quanta


@dataclass(slots=True)
class Winner:
    """A holder of the other side: its lots without sign, its net profit, what it can give up, the lots it closes."""

    key: bytes
    lots: int
    profit_quanta: int
    excess_quanta: int
    taken_lots: int = 0


def reduce_market(ctx: Context, market: int, spent: dict[tuple[bytes, int], int]) -> int:
    """LIQ-017 to LIQ-020: one pass over the holders of a market for those of `spent`, whose keys are (account, market)
    and whose values are what the fund has paid for it in this block. Returns the looks at holders (LIQ-032).
    """
    looked = 0
    for sign in (LONG, SHORT):
        losers = make_losers(ctx, market, sign, spent)
        if losers:
            keys, asked = by_profit(ctx, market, holders(ctx, market, -sign)), 0
            winners: list[Winner] = []
            while not allot(winners, losers) and keys:
                count, looks = within_looks(ctx, keys, max(asked, REDUCTION_ASKED))
                winners += winners_among(ctx, market, keys[:count])
                keys, asked = keys[count:], asked + looks
            looked += asked
            while losers and not allot(winners, losers):
                losers = losers[: len(losers) // 2] or shrunk(winners, losers)
            apply_reduction(ctx, market, sign, losers, winners)
    return looked


def by_profit(ctx: Context, market: int, keys: list[bytes]) -> list[bytes]:
    """LIQ-019: the greatest profits first, when there are more holders than are asked at once; else as they are."""
    if within_looks(ctx, keys, REDUCTION_ASKED)[0] == len(keys):
        return keys
    found = [(key, account.position(market)) for key in keys if (account := ctx.accounts.get(key)) is not None]
    return [key for _, key in sorted((-profit_of(ctx, held), key) for key, held in found)]


def within_looks(ctx: Context, keys: list[bytes], most: int) -> tuple[int, int]:
    """LIQ-019, LIQ-032: how many of the first holders, at least one, count for `most` looks together at the most; and
    for how many they do.
    """
    looks = 0
    for place, key in enumerate(keys):
        account = ctx.accounts.get(key)
        more = effort(account) if account else 0
        if place and looks + more > most:
            return place, looks
        looks += more
    return len(keys), looks


def winners_among(ctx: Context, market: int, keys: list[bytes]) -> list[Winner]:
    """LIQ-018: what these holders can give up."""
    return [winner for key in keys if (winner := make_winner(ctx, key, market)) is not None]


def make_losers(ctx: Context, market: int, sign: int, spent: dict[tuple[bytes, int], int]) -> list[Loser]:
    """LIQ-017: the accounts of one side that are to be closed, by key; so is the fund's balance given out. What they
    owe together fits a field; the rest follows in the next block.
    """
    losers: list[Loser] = []
    balance, room = fund_purse(ctx, market), FIELD_LIMIT_QUANTA
    for key, number in sorted(spent):
        loser = make_loser(ctx, key, market, sign, spent[key, number], balance) if number == market else None
        if loser is not None and loser.deficit_quanta <= room:
            losers.append(loser)
            balance -= loser.paid_quanta
            room -= loser.deficit_quanta
    return losers


def make_loser(
    ctx: Context, key: bytes, market: int, sign: int, spent_quanta: int, balance_quanta: int
) -> Loser | None:
    """LIQ-016, LIQ-017: an account's part in a reduction: its share of what it owes, and what of it the fund pays. It
    closes no more lots at once than are worth what a field holds, with their share of what is owed.
    """
    account = ctx.accounts.get(key)
    held = account.positions.get(market) if account else None
    if account is None or held is None or held.lots * sign <= 0:
        return None
    now = account_standing(ctx, account)
    margin, size = margin_freed(ctx, account, held, held.lots), abs(held.lots)
    lots = min(size, FIELD_LIMIT_QUANTA // market_risk(ctx, market).mark_quanta)
    deficit = rules.given_up(max(0, rules.bankruptcy_quote(0, margin, now.equity, now.maintenance)), size, 0, lots)
    limit = require_market(ctx, market).insurance_event_quanta - spent_quanta
    return Loser(key, lots, deficit, rules.fund_pays(deficit, balance_quanta, limit))


def make_winner(ctx: Context, key: bytes, market: int) -> Winner | None:
    """LIQ-018: a holder's lots, its net profit, and its excess over maintenance margin."""
    account = ctx.accounts.get(key)
    held = account.positions.get(market) if account else None
    if account is None or held is None:
        return None
    excess, lots = max(0, account_standing(ctx, account).excess), abs(held.lots)
    if is_whole(account):
        lots, excess = bearable(ctx, account, held, excess)
    profit = profit_of(ctx, held)
    net = rules.net_profit(profit, _losses_elsewhere(ctx, account, market)) if profit > 0 and excess else 0
    return Winner(key, lots, net, excess)


def bearable(ctx: Context, account: Account, held: Position, excess_quanta: int) -> tuple[int, int]:
    """LIQ-031: (lots, excess) that a winner can do without whose positions are margined together, so that what its
    position hedges does not make it short.
    """
    without = account.copy()
    mark = market_risk(ctx, held.market).mark_quanta
    _, without.cash_quanta, left = off_book(ctx, without, held.market, -held.lots, mark)
    without.set_position(left)
    excess_without = account_standing(ctx, without).excess
    lots = rules.bearable_lots(abs(held.lots), excess_quanta, excess_without)
    return lots, max(0, min(excess_quanta, max(excess_without, excess_quanta // 2)))


def _losses_elsewhere(ctx: Context, account: Account, market: int) -> int:
    return sum(max(0, -profit_of(ctx, held)) for held in account.positions.values() if held.market != market)


def profit_of(ctx: Context, held: Position) -> int:
    """Profit on paper of a position less its unsettled funding, in quote quanta."""
    mark = market_risk(ctx, held.market).mark_quanta
    return unrealised_profit(held.lots, held.entry_quanta, mark) - unsettled(ctx, held)


def allot(winners: list[Winner], losers: list[Loser]) -> bool:
    """LIQ-019: give all lots of the losers to the winners: by net profit, as far as profit and excess bear it; then, by
    lots, to all as far as their excess bears it. Returns whether all found a place.
    """
    lots, deficit = sum(loser.lots for loser in losers), sum(loser.open_quanta for loser in losers)
    for winner in winners:
        winner.taken_lots = 0
    left = serve(
        winners,
        lots,
        {w.key: w.profit_quanta for w in winners},
        {
            w.key: rules.payable_lots(w.lots, min(w.profit_quanta, w.excess_quanta), deficit, lots)
            for w in winners
            if w.profit_quanta
        },
    )
    if left:
        caps = {w.key: rules.payable_lots(w.lots, w.excess_quanta, deficit, lots) - w.taken_lots for w in winners}
        left = serve(winners, left, {w.key: w.lots for w in winners}, caps)
    return left == 0


def serve(winners: list[Winner], lots: int, weights: dict[bytes, int], caps: dict[bytes, int]) -> int:
    """LIQ-019: share `lots` out by `weights` within `caps`. Returns what is left when all are at their caps."""
    got = portions(lots, weights, caps)
    for winner in winners:
        winner.taken_lots += got.get(winner.key, 0)
    return lots - sum(got.values())


def portions(left: int, weights: dict[bytes, int], caps: dict[bytes, int]) -> dict[bytes, int]:
    """LIQ-019: what each gets of `left` by weight within its cap: who is capped lowest for its weight is served first,
    so that what a cap leaves over goes to the others by weight.
    """
    served = [key for key, weight in weights.items() if weight > 0 and caps.get(key, 0) > 0]
    served.sort(key=lambda key: (caps[key] * 10**18 // weights[key], key))
    weight_left = sum(weights[key] for key in served)
    got: dict[bytes, int] = {}
    for key in served:
        got[key] = rules.portion(left, weights[key], weight_left, caps[key])
        left -= got[key]
        weight_left -= weights[key]
    return got


def shrunk(winners: list[Winner], losers: list[Loser]) -> list[Loser]:
    """LIQ-019: a single loser whose deficit all winners together cannot bear closes as many lots as they can; the rest
    stays open until the next block.
    """
    loser = losers[0]
    lots = min(sum(winner.taken_lots for winner in winners), loser.lots - 1 - loser.lots // 64)
    if lots <= 0:
        return []
    deficit = rules.given_up(loser.deficit_quanta, loser.lots, 0, lots)
    return [Loser(loser.key, lots, deficit, rules.given_up(loser.paid_quanta, loser.lots, 0, lots))]


def apply_reduction(ctx: Context, market: int, sign: int, losers: list[Loser], winners: list[Winner]) -> None:
    """LIQ-020: move lots at the mark, and the deficit from winners to losers, to the unit."""
    lots, deficit = sum(loser.lots for loser in losers), sum(loser.open_quanta for loser in losers)
    mark = market_risk(ctx, market).mark_quanta
    interest = 0
    for loser in losers:
        pay_from_fund(ctx, loser.key, market, loser.paid_quanta)
        interest += trade(ctx, loser.key, market, -sign * loser.lots, mark, loser.open_quanta)
        ctx.emit(
            AccountReduced(loser.key, market, sign * loser.lots, mark, loser.deficit_quanta, loser.paid_quanta)
        )
    done = 0
    for winner in winners if losers else ():
        if winner.taken_lots:
            part = rules.given_up(deficit, lots, done, winner.taken_lots)
            done += winner.taken_lots
            interest += trade(ctx, winner.key, market, sign * winner.taken_lots, mark, -part)
            ctx.emit(HolderReduced(winner.key, market, -sign * winner.taken_lots, mark, part, winner.profit_quanta))
    add_open_interest(ctx, market, interest)
    note_given_up(ctx, market, deficit)


def trade(ctx: Context, key: bytes, market: int, signed_lots: int, price_quanta: int, extra_quanta: int) -> int:
    """CLR-002: an account buys `signed_lots` (negative: sells) outside the book and gets `extra_quanta`; its funding is
    settled first. Returns what that adds to open interest.
    """
    account = ctx.accounts.edit(key)
    owed, cash, held = off_book(ctx, account, market, signed_lots, price_quanta, extra_quanta)
    credit_fund(ctx, funding_pool(market), owed)
    return settle(ctx, key, market, cash, held)

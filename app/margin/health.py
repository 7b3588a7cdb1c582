"""HLTH: whom a price could hurt. In memory, over committed state; what it finds is a superset, the exact check decides.

An account with positions is filed under the levels of its markets at which it could first be short of maintenance
margin. A candidate is an account whose level was crossed, and one that the running block has touched. Nothing here is
part of the state: two nodes whose indexes were built at different moments name different candidates, and act alike.
"""

from collections.abc import Iterable

from app.accounts.types import Account
from app.collateral.state import asset_price, counted_value
from app.context import Context
from app.errors import FAULTS, MarketFault
from app.kernel.integers import PPM
from app.margin import rules
from app.margin.groups import option_terms
from app.margin.index import (
    ANCHOR,
    ASSET,
    INDEX,
    LONG_FIRST,
    LONG_LAST,
    LONG_WHOLE,
    NOWHERE,
    SHORT_FIRST,
    SHORT_LAST,
    SHORT_WHOLE,
    Filed,
    HealthIndex,
    Slot,
)
from app.margin.state import account_standing, is_whole, lots_maintenance, market_risk, position_value
from app.margin.types import MarketRisk
from app.markets.state import require_market
from app.markets.types import OPTION, SETTLED, SETTLING, Market
from app.oracle.state import index_price
from app.portfolio.rules import Expiry, anchor_distance
from app.portfolio.state import anchored_curve, array_of, expiry_of
from app.portfolio.state import terms_of as portfolio_terms
from app.surface.types import Curve

ANCHOR_SHARE = 2  # of the budget an anchor gets as much as this part of the index would


def candidates(ctx: Context) -> list[bytes]:
    """HLTH-001: the keys, ascending, of accounts that may be short of maintenance margin at present prices.

    No account that is short is missing. Whoever acts on one checks it exactly first. Costs what prices have crossed.
    """
    index = ctx.health
    recall_changed_terms(ctx)
    for slot in list(index.levels):
        index.recall(slot, level_of(ctx, slot))
    found = {key for key, _, account in ctx.accounts.touched() if account is not None and needs_watch(account)}
    return sorted(index.near | found)


def needs_watch(account: Account) -> bool:
    """Whether an account could be short at any price."""
    return account.cash_quanta < 0 or any(held.lots for held in account.positions.values())


def level_of(ctx: Context, slot: Slot) -> int:
    """HLTH-002: where a slot stands now. A market whose rules raise stands nowhere: its accounts are met elsewhere."""
    kind, number = slot
    if kind == ASSET:
        asset = ctx.assets.get(number)
        return -asset_price(ctx, asset) if asset else NOWHERE
    if kind == ANCHOR:
        return ctx.health.travelled.get(number, 0)
    if kind == INDEX:
        return index_price(ctx, number) if ctx.markets.get(number) else NOWHERE
    try:
        risk = market_risk(ctx, number)
    except MarketFault:
        return NOWHERE
    first, last, index = risk.maintenance[0][1], risk.maintenance[-1][1], funding_of(risk)
    if kind == LONG_WHOLE:
        return -rules.long_level_e9(risk.mark_quanta, index, -PPM)
    if kind == SHORT_WHOLE:
        return rules.short_level_e9(risk.mark_quanta, index, PPM)
    if kind in (LONG_FIRST, LONG_LAST):
        return -rules.long_level_e9(risk.mark_quanta, index, first if kind == LONG_FIRST else last)
    return rules.short_level_e9(risk.mark_quanta, index, first if kind == SHORT_FIRST else last)


def funding_of(risk: MarketRisk) -> int:
    """The funding index that counts: none in quarantine (CMP-005)."""
    return 0 if risk.quarantined else risk.funding_index_e9


def terms_of(ctx: Context, slot: Slot) -> object:
    """What the levels of a slot were made with, besides prices."""
    kind, number = slot
    if kind == ASSET:
        asset = ctx.assets.get(number)
        return (asset.haircut_ppm, asset.account_cap_units, asset.price_market, asset.units_a_price) if asset else None
    if kind == ANCHOR:
        return anchored(ctx, number)
    if kind == INDEX:
        return None
    try:
        risk = market_risk(ctx, number)
    except MarketFault:
        return None
    market = ctx.markets.get(number)
    return risk.maintenance, risk.quarantined, market is not None and market.status in (SETTLING, SETTLED)


def recall_changed_terms(ctx: Context) -> None:
    """HLTH-004: when a market's or an asset's terms change, or a market settles or goes, all who are filed under it are
    looked at.
    """
    index = ctx.health
    for slot in list(index.levels):
        if slot[0] != ASSET and ctx.markets.get(slot[1]) is None:
            index.drop(slot)
            continue
        if slot[0] == ANCHOR:
            follow_anchor(ctx, slot)
            continue
        terms = terms_of(ctx, slot)
        if index.terms.get(slot) != terms:
            index.recall(slot)
            index.terms[slot] = terms


def anchored(ctx: Context, number: int) -> tuple[Curve, Expiry, list[int]] | None:
    """HLTH-005: the anchor of an option and what a portfolio sees of it; None: nobody knows."""
    market = ctx.markets.get(number)
    terms = portfolio_terms(ctx, market.feed) if market else None
    if market is None or terms is None:
        return None
    try:
        return anchored_curve(ctx, market), expiry_of(ctx, market, terms), array_of(ctx, market).changes_q80
    except FAULTS:
        return None


def follow_anchor(ctx: Context, slot: Slot) -> None:
    """HLTH-005: count how far the anchor of an option has moved since it was last seen; where that cannot be told, all
    who are filed under it are looked at.
    """
    index, number = ctx.health, slot[1]
    known: tuple[Curve, Expiry, list[int]] | None = index.terms.get(slot)  # type: ignore[assignment]
    market = require_market(ctx, number)
    if known is not None and known[0] == anchored_curve(ctx, market):
        return
    seen, mark = anchored(ctx, number), ctx.marks.get(number)
    index.terms[slot] = seen
    if known is None or seen is None or mark is None:
        index.recall(slot)
    else:
        distance = anchor_distance(known[1:], seen[1:], mark.price_quanta)
        index.travelled[number] = index.travelled.get(number, 0) + distance


def rebuild(ctx: Context) -> None:
    """Make the index anew, at start."""
    ctx.health = HealthIndex()
    for key, account in ctx.accounts.scan():
        refile(ctx, key, account)


def file_changes(ctx: Context) -> None:
    """HLTH-003: at the end of a block that is durable, file anew whoever it changed and whoever was looked at."""
    recall_changed_terms(ctx)
    index = ctx.health
    looked_at = sorted(index.near)
    index.near = set()
    for key in looked_at:
        refile(ctx, key, ctx.accounts.get(key))
    for key, _, account in ctx.accounts.touched():
        refile(ctx, key, account)


def refile(ctx: Context, key: bytes, account: Account | None) -> None:
    """File an account where it could first be short; leave it where it is while that is still right."""
    index = ctx.health
    filed = index.filed.get(key)
    if account is None or not needs_watch(account):
        if filed is not None:
            index.unfile(key)
        return
    shape = [(held.market, held.lots, held.funding_index_e9) for held in account.positions.values() if held.lots]
    if filed is not None:
        if (
            filed.shape == shape
            and filed.assets == account.assets
            and filed.portfolio == account.portfolio
            and account.cash_quanta >= filed.least_cash_quanta
        ):
            return
        index.unfile(key)
    try:
        if is_whole(account):
            file_whole(ctx, key, account, shape)
        else:
            file_levels(ctx, key, account, shape)
    except FAULTS:  # a market whose rules raise: the exact check will meet it, inside that market's compartment
        index.unfile(key)
        index.near.add(key)


def file_levels(ctx: Context, key: bytes, account: Account, shape: list[tuple[int, int, int]]) -> None:
    """HLTH-002: a level for each thing whose price can hurt the account, each as far away as the others in proportion
    to its price, so that all of them crossed at once cost no more than the budget.
    """
    index, positions = ctx.health, account.positions
    equity, maintenance, total = account.cash_quanta, 0, 0
    held: list[tuple[MarketRisk, int]] = []
    for market, lots, _ in shape:
        risk = ctx.risks.get(market) or market_risk(ctx, market)
        equity += position_value(risk, positions[market])
        maintenance += lots_maintenance(risk, lots)
        total += abs(lots) * risk.mark_quanta
        held.append((risk, lots))
    assets = [(number, counted_value(ctx, number, units)) for number, units in account.assets]
    for _, value in assets:
        equity += value
        total += value + 1 if value else 0
    reserve, budget = rules.reach(equity, maintenance, 2 * len(shape) + len(assets))
    if budget <= 0:
        index.near.add(key)
        return
    index.stamp += 1
    slots: list[Slot] = []
    index.filed[key] = Filed(index.stamp, slots, shape, account.assets, account.cash_quanta - reserve)
    for risk, lots in held:
        room_e9 = rules.room_e9(risk.mark_quanta, budget, total)
        for slot, level in market_levels(risk, lots, room_e9):
            add_level(ctx, slot, level, key)
            slots.append(slot)
    for number, value in assets:
        asset = ctx.assets.get(number)
        if value and asset is not None:
            price = asset_price(ctx, asset)
            add_level(ctx, (ASSET, number), rules.room(price, budget, total) - price, key)
            slots.append((ASSET, number))


def add_level(ctx: Context, slot: Slot, level: int, key: bytes) -> None:
    """File one level."""
    if slot not in ctx.health.levels:
        ctx.health.open(slot, terms_of(ctx, slot))
    ctx.health.add(slot, level, key)


def market_levels(risk: MarketRisk, lots: int, room_e9: int) -> Iterable[tuple[Slot, int]]:
    """HLTH-002: the levels of one market: at the rate of the first bracket, and of the last where there are more.

    When the mark falls, margin falls at least by the first rate; when it rises, margin rises at most by the last.
    """
    number, mark, index = risk.market, risk.mark_quanta, funding_of(risk)
    if lots > 0:
        yield (LONG_FIRST, number), room_e9 - rules.long_level_e9(mark, index, risk.maintenance_ppm)
        if risk.tiered:
            yield (LONG_LAST, number), room_e9 - rules.long_level_e9(mark, index, risk.maintenance[-1][1])
    else:
        yield (SHORT_FIRST, number), room_e9 + rules.short_level_e9(mark, index, risk.maintenance_ppm)
        if risk.tiered:
            yield (SHORT_LAST, number), room_e9 + rules.short_level_e9(mark, index, risk.maintenance[-1][1])


def file_whole(ctx: Context, key: bytes, account: Account, shape: list[tuple[int, int, int]]) -> None:
    """HLTH-005: levels of an account whose positions are margined together. As a mark moves by one, a lot's value does,
    and what the account must hold by no more than that; as an index rises by one, what a short option asks for rises
    by its rates; all else moves with anchors, by no more than they have travelled.
    """
    index, now = ctx.health, account_standing(ctx, account)
    slots: dict[Slot, tuple[int, int]] = {}  # -> (where it stands, what a unit costs the account), both in quanta
    for number, lots, _ in shape:
        mark, market = market_risk(ctx, number).mark_quanta, require_market(ctx, number)
        slots[LONG_WHOLE if lots > 0 else SHORT_WHOLE, number] = 2 * mark, abs(lots)
        if market.kind == OPTION and lots < 0:
            slots[INDEX, number] = index_price(ctx, market.market), -(lots * index_ppm(ctx, account, market) // PPM)
        if market.kind == OPTION and account.portfolio:
            slots[ANCHOR, number] = index_price(ctx, number) // ANCHOR_SHARE + 1, abs(lots)
    assets = [(number, counted_value(ctx, number, units)) for number, units in account.assets]
    total = sum(price * each for price, each in slots.values()) + sum(value + 1 for _, value in assets if value)
    reserve, budget = rules.reach(now.equity, now.maintenance, 16 * len(shape) + 16 + len(assets))
    if budget <= 0 or not total:
        index.near.add(key)
        return
    index.stamp += 1
    filed = Filed(index.stamp, [], shape, account.assets, account.cash_quanta - reserve, account.portfolio)
    index.filed[key] = filed
    for slot, (price, _) in sorted(slots.items()):
        unit = 1 if slot[0] in (INDEX, ANCHOR) else rules.E9
        room = rules.room(price * unit, budget, total)
        add_level(ctx, slot, level_of(ctx, slot) + room, key)
        filed.slots.append(slot)
    for number, value in assets:
        asset = ctx.assets.get(number)
        if value and asset is not None:
            price = asset_price(ctx, asset)
            add_level(ctx, (ASSET, number), rules.room(price, budget, total) - price, key)
            filed.slots.append((ASSET, number))


def index_ppm(ctx: Context, account: Account, market: Market) -> int:
    """HLTH-005: how much more of the index a short lot of an option may ask for as maintenance margin, at most."""
    terms = portfolio_terms(ctx, market.feed) if account.portfolio else None
    if terms is not None:
        return terms.option_maintenance_ppm
    standard = option_terms(ctx, market.feed)
    return max(standard.call_ppm, standard.put_ppm) + standard.unpaired_maintenance_ppm

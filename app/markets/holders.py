"""Who holds what, by market, in memory: derived from the accounts, made anew at start, moved on at commit.

For whoever must reach all holders of a market, or of one side of it: settlement, reduction of winners. What is in
memory says who held something when the last block was committed; the running block's changes are looked at besides,
so the answer is exact at any moment and the same on every node. Besides, in order of their keys, all who hold anything:
for whoever looks at some of them in each block.
"""

from heapq import nsmallest

from app.accounts.types import Account
from app.context import Context
from app.kernel.ordered import SortedKeys

LONG, SHORT = 1, -1


def holders(ctx: Context, market: int, side: int, most: int | None = None) -> list[bytes]:
    """The accounts that are LONG or SHORT in `market` now, ascending by key; the first `most` of them if that is
    given.
    """
    known = dict(ctx.holders.get(market, ()))
    for key, _, _ in ctx.accounts.touched():
        known[key] = None
    found = (key for key in known if _lots(ctx, key, market) * side > 0)
    return sorted(found) if most is None else nsmallest(most, found)


def _lots(ctx: Context, key: bytes, market: int) -> int:
    account = ctx.accounts.get(key)
    held = account.positions.get(market) if account else None
    return held.lots if held else 0


def rebuild(ctx: Context) -> None:
    """Make the index from the stored accounts, at start."""
    ctx.holders, ctx.holding = {}, SortedKeys()
    for key, account in ctx.accounts.scan():
        for held in account.positions.values():
            if held.lots:
                ctx.holders.setdefault(held.market, {})[key] = None
        if _holds(account):
            ctx.holding.add(key)


def move_on(ctx: Context) -> None:
    """The block is about to be committed: take over what it changed."""
    for key, before, after in ctx.accounts.touched():
        if before is after:
            continue
        for held in before.positions.values() if before else ():
            if held.lots:
                ctx.holders[held.market].pop(key, None)
        for held in after.positions.values() if after else ():
            if held.lots:
                ctx.holders.setdefault(held.market, {})[key] = None
        if _holds(before) != _holds(after):
            (ctx.holding.add if _holds(after) else ctx.holding.remove)(key)
    for market, _, record in ctx.markets.touched():
        if record is None:
            ctx.holders.pop(market, None)


def _holds(account: Account | None) -> bool:
    return account is not None and any(held.lots for held in account.positions.values())

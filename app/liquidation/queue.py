"""Whose turn it is: the short accounts of a block, a queue a market, so that no market waits for another."""

from collections.abc import Iterator

from app.accounts.state import require_account
from app.breakers.state import counted_from_ns
from app.context import Context
from app.limits import AUCTION_NS
from app.liquidation.state import Short, filed_under


def queues_of(ctx: Context, short: list[Short]) -> list[list[Short]]:
    """LIQ-002: a queue for each open market, the shortest queue first, equal ones by market.

    An account is filed where `filed_under` says, and left out when none of its markets is open.
    In a queue, those on offer whose auction still runs come after the others.
    """
    first: dict[int, list[Short]] = {}
    last: dict[int, list[Short]] = {}
    for key, now in short:
        market = filed_under(ctx, require_account(ctx.accounts.get(key), key))
        if market:
            first.setdefault(market, [])
            on_offer = now.equity > 0 and ctx.auctions.get(key) is not None and not ran_out(ctx, key)
            (last if on_offer else first).setdefault(market, []).append((key, now))
    queues = [(len(queue) + len(last.get(market, ())), market) for market, queue in first.items()]
    return [first[market] + last.get(market, []) for _, market in sorted(queues)]


def ran_out(ctx: Context, key: bytes) -> bool:
    """LIQ-015: whether the account was on offer for as long as an auction takes, since the last cool-down (BRK-020)."""
    auction = ctx.auctions.get(key)
    return auction is not None and ctx.time_ns >= counted_from_ns(ctx, auction.started_ns) + AUCTION_NS


def share(left: int, queues: int) -> int:
    """LIQ-002: what one of so many queues gets of what is left of a limit of the block: at least 1. What it does not
    use, the longer ones after it get.
    """
    return max(1, -(-left // queues))


def turn(queue: list[Short], most: int, height: int) -> Iterator[Short]:
    """LIQ-002: whom a block looks at, at most `most`: half of them the head of the queue, half in turn, from block to
    block, all others, so that accounts of which nothing can be closed keep nobody out.
    """
    if len(queue) <= most:
        yield from queue
        return
    head = most // 2
    yield from queue[:head]
    others = queue[head:]
    for place in range(most - head):
        yield others[(height * (most - head) + place) % len(others)]

"""Whose turn it is: the short accounts of a block, a queue a market, so that no market waits for another."""

from collections.abc import Iterator

from app.accounts.state import require_account
from app.breakers.state import counted_from_ns
from app.context import Context
from app.limits import AUCTION_NS, WHOLE_LOOKS
from app.liquidation.state import Short, effort, filed_under
from app.margin.state import is_whole
from app.margin.types import Standing


def whose_time_it_is(ctx: Context, short: list[Short]) -> list[Short]:
    """LIQ-032: of the short accounts those that a block has the time for, in the same order: whoever is margined market
    by market, and of the others the worst and some in turn, those on offer last, as many as count for WHOLE_LOOKS.
    """
    looks: dict[bytes, int] = {}
    first: list[bytes] = []
    last: list[bytes] = []
    for key, now in short:
        account = require_account(ctx.accounts.get(key), key)
        if is_whole(account):
            looks[key] = effort(account)
            (last if waits_on_offer(ctx, key, now) else first).append(key)
    keys = first + last
    chosen = within(keys, [looks[key] for key in keys], WHOLE_LOOKS, ctx.height)
    return [one for one in short if one[0] not in looks or one[0] in chosen]


def within(keys: list[bytes], looks: list[int], most: int, height: int) -> set[bytes]:
    """LIQ-032: the keys that fit into so many looks: of the first half of them from the head, then the others in turn,
    from block to block; of either at least one, and the last may go beyond.
    """
    if sum(looks) <= most:
        return set(keys)
    head = spent = 0
    while not head or spent < most // 2:
        spent += looks[head]
        head += 1
    others = list(zip(keys[head:], looks[head:], strict=True))
    found, start = set(keys[:head]), height % len(others) if others else 0
    for place, (key, count) in enumerate(others[start:] + others[:start]):
        if place and spent >= most:
            break
        found.add(key)
        spent += count
    return found


def waits_on_offer(ctx: Context, key: bytes, now: Standing) -> bool:
    """LIQ-002: whether an account is on offer and its auction still runs."""
    return now.equity > 0 and ctx.auctions.get(key) is not None and not ran_out(ctx, key)


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
            (last if waits_on_offer(ctx, key, now) else first).setdefault(market, []).append((key, now))
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

"""Breakers: what a block pays for them. "sweep": one block's part of the stress test, by accounts a block and by how
many of them would owe something at the ends of the shocks, each with positions in four markets. "watch": where the
marks of so many markets are, when none has moved and when all have. "withdrawal": the limiter's part of one.
"""

import json
import time
from collections.abc import Callable
from statistics import median
from typing import Any

from app.accounts.types import Account, Position
from app.breakers.flows import let_out
from app.breakers.hooks import close_rows, watch
from app.context import Context
from app.genesis import load_genesis
from app.kernel.codec import account_key
from app.liquidation.stress import sweep
from app.registry import open_context
from app.store.view import DictReader
from tests.helpers import builders

MARKETS = 4
HELD = 10
ON = {"halt_move_ppm": 100_000, "halt_window_ns": 300 * 10**9}


def make_context(markets: int, **params: object) -> Context:
    """A genesis with so many markets like the first, which may be halted."""
    document = json.loads(builders.genesis(terms={1: ON}, **params))
    first = document["markets"][0]
    document["markets"] = [{**first, "market": number, "symbol": f"M{number}"} for number in range(1, markets + 1)]
    ctx = open_context(DictReader())
    load_genesis(ctx, "bench", json.dumps(document).encode())
    ctx.time_ns = 10**18
    settle(ctx)
    return ctx


def settle(ctx: Context) -> None:
    """Make what is there the committed state, with nothing written."""
    for table in ctx.tables.values():
        table.merge()
    ctx.journal.clear()


def spent(work: Callable[[], Any], rounds: int) -> float:
    """Median milliseconds of this process for one call."""
    times = []
    for _ in range(rounds):
        started = time.process_time()
        work()
        times.append((time.process_time() - started) * 1_000)
    return median(times)


def sweeps(most: int, owing_share: float, rounds: int) -> dict[str, object]:
    """One block's part of a sweep over many more accounts than it looks at."""
    ctx = make_context(MARKETS, sweep_accounts=most, stress_ppm=100_000)
    count = most * (rounds + 2)
    for number in range(count):
        poor = number % 100 < owing_share * 100
        account = Account()
        for market in range(1, MARKETS + 1):
            mark = ctx.marks.get(market).price_quanta  # type: ignore[union-attr]
            account.set_position(Position(market, HELD, HELD * mark))
            account.cash_quanta += HELD * mark * (5 if poor else 50) // 100 - HELD * mark
        key = account_key(bytes(20), number)
        ctx.accounts.put(key, account)
        ctx.holding.add(key)
    settle(ctx)

    def block() -> None:
        sweep(ctx)
        settle(ctx)

    return {"accounts_a_block": most, "would_owe": owing_share, "milliseconds": round(spent(block, rounds), 3)}


def watches(markets: int, rounds: int) -> dict[str, object]:
    """The begin and the end of a block."""
    ctx = make_context(markets)

    def still() -> None:
        ctx.time_ns += 10**9
        watch(ctx)
        close_rows(ctx)
        settle(ctx)

    def moving() -> None:
        for number in range(1, markets + 1):
            ctx.marks.edit(number).price_quanta += 500
        still()

    return {"markets": markets, "still_milliseconds": round(spent(still, rounds), 3),
            "moving_milliseconds": round(spent(moving, rounds), 3)}


def withdrawal(rounds: int) -> float:
    """Microseconds of the limiter for one withdrawal, a hundred a block."""
    ctx = make_context(1, withdraw_hour_quanta=10**14, withdraw_day_quanta=10**14)

    def block() -> None:
        for _ in range(100):
            let_out(ctx, 0, 1_000)
        settle(ctx)

    return round(spent(block, rounds) * 10, 2)


def run(quick: bool) -> dict[str, object]:
    """The section `breakers`."""
    rounds = 10 if quick else 40
    return {
        "how": " ".join((__doc__ or "").split()),
        "sweep": [sweeps(most, share, rounds) for most in (100, 1_000) for share in (0.0, 0.2, 1.0)],
        "watch": [watches(markets, rounds) for markets in (2, 100, 1_000)],
        "withdrawal_microseconds": withdrawal(rounds),
    }

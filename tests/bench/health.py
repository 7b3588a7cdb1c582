"""The health index: how many accounts a price update looks at and what it takes, by the size of the move and of the
crowd.

Each account is long one of four markets with an excess over maintenance margin between 0.05 % and 50 % of its notional,
spread evenly. "look" finds the candidates and checks each exactly, as liquidation does; "file" files them anew.
"""

import gc
import json
import time
from collections.abc import Callable
from statistics import median
from typing import Any

from app.accounts.types import Account, Position
from app.context import Context
from app.genesis import load_genesis
from app.kernel.codec import account_key
from app.margin.health import candidates, file_changes
from app.margin.state import account_standing
from app.registry import open_context
from app.store.view import DictReader
from tests.helpers import builders

MARKETS = 4
MOVES = {"0.01 %": 1, "0.1 %": 10, "1 %": 100, "10 %": 1_000}  # in hundredths of a percent


def make_context(markets: int) -> Context:
    """A genesis with so many markets like the first."""
    document = json.loads(builders.genesis())
    first = document["markets"][0]
    document["markets"] = [{**first, "market": number, "symbol": f"M{number}"} for number in range(1, markets + 1)]
    ctx = open_context(DictReader())
    load_genesis(ctx, "bench", json.dumps(document).encode())
    return ctx


def settle(ctx: Context) -> None:
    """Make what is there the committed state, with nothing written."""
    file_changes(ctx)
    for table in ctx.tables.values():
        table.merge()
    ctx.journal.clear()


def crowd(count: int) -> Context:
    """`count` accounts with one position each."""
    ctx = make_context(MARKETS)
    settle(ctx)
    mark = ctx.marks.get(1).price_quanta  # type: ignore[union-attr]
    for number in range(count):
        lots = 10 + number % 90
        notional = lots * mark
        excess = notional * (5 + 4_995 * number // count) // 10_000
        account = Account(cash_quanta=excess + notional * 3 // 100 - notional)
        account.set_position(Position(1 + number % MARKETS, lots, notional))
        ctx.accounts.put(account_key(bytes(20), number), account)
    return ctx


def timed(work: Callable[[], Any]) -> tuple[float, Any]:
    """Milliseconds of this process, and what `work` returned."""
    started = time.process_time()
    done = work()
    return (time.process_time() - started) * 1_000, done


def moves(count: int) -> dict[str, object]:
    """What each move of all four markets costs with `count` accounts."""
    ctx = crowd(count)
    gc.freeze()
    filed_ms, _ = timed(lambda: settle(ctx))
    still_ms, _ = timed(lambda: candidates(ctx))
    rows: dict[str, object] = {}
    mark = ctx.marks.get(1).price_quanta  # type: ignore[union-attr]
    for name, part in MOVES.items():
        ctx.journal.savepoint()
        for market in range(1, MARKETS + 1):
            ctx.marks.edit(market).price_quanta = mark - mark * part // 10_000
            ctx.forget_risk(market)
        look_ms, found = timed(lambda: [
            (key, account_standing(ctx, ctx.accounts.get(key)).excess < 0)  # type: ignore[arg-type]
            for key in candidates(ctx)])
        file_ms, _ = timed(lambda: settle(ctx))
        rows[name] = {"looked_at": len(found), "short": sum(short for _, short in found),
                      "look_milliseconds": round(look_ms, 3), "file_milliseconds": round(file_ms, 3)}
        ctx.journal.savepoint()
        for market in range(1, MARKETS + 1):
            ctx.marks.edit(market).price_quanta = mark
            ctx.forget_risk(market)
        candidates(ctx)
        settle(ctx)
    gc.unfreeze()
    return {"accounts": count, "build_microseconds_an_account": round(filed_ms * 1_000 / count, 2),
            "no_move_milliseconds": round(still_ms, 3), "moves": rows}


def run(quick: bool) -> dict[str, object]:
    """The section `health`."""
    counts = (10_000, 30_000) if quick else (10_000, 100_000)
    return {
        "how": __doc__,
        "crowds": [moves(count) for count in counts],
        "median_look_microseconds_an_account": median_look(counts[0]),
    }


def median_look(count: int) -> float:
    """Microseconds of an exact check of one candidate, from several moves of one per cent."""
    ctx = crowd(count)
    settle(ctx)
    accounts = [ctx.accounts.get(account_key(bytes(20), number)) for number in range(min(count, 2_000))]
    times = []
    for _ in range(5):
        spent, _ = timed(lambda: [account_standing(ctx, account) for account in accounts])  # type: ignore[arg-type]
        times.append(spent * 1_000 / len(accounts))
    return round(median(times), 2)

"""Funding and mark-to-market by the number of markets: in each of them a new mark, the index moved on, the premium
measured, and what margin keeps of the market made anew. All perpetuals, all held, 40 orders a side; processor time. The
books stand still, or every one of them changed, so that its impact prices are measured anew. Beside it, what it
takes to encode the changed records and hash them into the state trees.
"""

import json
import time

from app.book.types import Order
from app.funding.hooks import accrue, measure
from app.margin.state import market_risk
from app.oracle.state import suppose_price
from tests.helpers import builders
from tests.helpers.builders import BTC, MARK_QUANTA, TICK_QUANTA
from tests.helpers.driver import Driver

MARKETS = (50, 100, 200, 400)
ORDERS = 40
MARK, TICK = MARK_QUANTA[BTC], TICK_QUANTA[BTC]


def chain_of(markets: int) -> Driver:
    """A chain with so many perpetuals, each with a book and open interest."""
    document = json.loads(builders.genesis())
    document["markets"] = [{**builders.market_entry(BTC, f"M{number}"), "market": number, "funding_cap_e9": 40_000_000}
                           for number in range(1, markets + 1)]
    driver = Driver(json.dumps(document).encode())
    ctx = driver.chain.ctx
    for number in range(1, markets + 1):
        ctx.totals.edit(number).open_interest_lots = 1_000
        for step in range(ORDERS):
            for side, price in ((1, MARK - (step + 1) * TICK), (2, MARK + (step + 1) * TICK)):
                ctx.books[number].side(side).insert(
                    Order(number << 40 | 2 * step + side, b"", side, price, 20, False, 0, 2 * step + side))
    return driver


def block(markets: int, rounds: int, *, busy: bool) -> dict[str, float]:
    """Milliseconds a block."""
    driver = chain_of(markets)
    chain, ctx = driver.chain, driver.chain.ctx
    hooks, stage = [], []
    for turn in range(rounds):
        ctx.journal.savepoint()
        ctx.elapsed_ns = 10**9
        ctx.time_ns += 10**9
        if busy:
            for book in ctx.books.values():
                book.bids.impact = book.asks.impact = None
        started = time.process_time()
        for number in range(1, markets + 1):
            suppose_price(ctx, number, MARK + TICK * (turn % 7) * 3)
        accrue(ctx)
        measure(ctx)
        for number in range(1, markets + 1):
            market_risk(ctx, number)
        hooks.append(time.process_time() - started)
        started = time.process_time()
        chain._stage()
        stage.append(time.process_time() - started)
        ctx.journal.rollback()
        for table in ctx.tables.values():
            table.drop()
    return {"hooks": round(min(hooks[1:]) * 1e3, 2), "records_and_trees": round(min(stage[1:]) * 1e3, 2)}


def run(quick: bool) -> dict[str, object]:
    """The section `funding`."""
    rounds = 5 if quick else 20
    figures = {markets: block(markets, rounds, busy=False) for markets in MARKETS}
    busy = {markets: block(markets, rounds, busy=True)["hooks"] for markets in MARKETS}
    return {
        "how": __doc__,
        "milliseconds_a_block_by_markets": {markets: found["hooks"] for markets, found in figures.items()},
        "milliseconds_when_every_book_changed": busy,
        "milliseconds_of_records_and_trees": {
            markets: found["records_and_trees"] for markets, found in figures.items()},
        "microseconds_a_market": round((figures[400]["hooks"] - figures[50]["hooks"]) * 1e3 / 350, 2),
    }

"""The waterfall, at the beginning of each block: each step bounded, each step total.

orders cancelled -> part closed on the book -> auction -> the market's fund -> reduction of the other side -> wind-down
"""

from collections.abc import Callable, Iterable

from app.accounts.state import require_account
from app.breakers.state import cooling
from app.collateral.state import assets_value, seize
from app.compartment import guarded
from app.context import Context
from app.errors import MarketFault
from app.events import AuctionEnded, AuctionStarted, WindDownBegan
from app.limits import (
    LIQUIDATION_FILLS,
    LIQUIDATION_LOOKS,
    LIQUIDATION_MARKETS,
    LIQUIDATIONS_A_BLOCK,
    REDUCTION_HOLDERS,
    WHOLE_HELD,
)
from app.liquidation import rules
from app.liquidation.close import cancel_orders, close_on_book, closing_of, insolvent_closing
from app.liquidation.hedges import hedge_on_book
from app.liquidation.queue import queues_of, ran_out, share, turn, whose_time_it_is
from app.liquidation.reduction import reduce_market
from app.liquidation.state import (
    Short,
    effort,
    filed_under,
    is_open,
    losses_of,
    open_auction,
    positions_by_margin,
    short_accounts,
    trusted_standing,
)
from app.margin.state import account_standing, is_whole, untrusted_market
from app.margin.types import Standing
from app.markets.state import set_status
from app.markets.types import ACTIVE, REDUCE_ONLY
from app.oracle.rules import LIQUIDATE
from app.settlement.state import begin_settlement
from novation.v1 import events_pb2

HEALTHY, CLOSED = 1, 2  # why an auction ended


def liquidate(ctx: Context) -> None:
    """LIQ-001 to LIQ-021: the short accounts, market by market, the worst first, within the limits of a block; then one
    reduction a market of what could not be closed; then wind-downs. BRK-020: nothing of it in a cool-down.
    """
    if cooling(ctx):
        return
    hold_auctions(ctx)
    short = short_accounts(ctx)
    end_auctions(ctx, {key for key, _ in short})
    if not short:
        return
    left: dict[tuple[bytes, int], int] = {}
    queues = queues_of(ctx, whose_time_it_is(ctx, short))
    looks, closings, fills = LIQUIDATION_LOOKS, LIQUIDATIONS_A_BLOCK, LIQUIDATION_FILLS
    for place, queue in enumerate(queues):
        waiting = len(queues) - place
        shares = share(looks, waiting), share(closings, waiting), share(fills, waiting)
        looked, done, made = close_queue(ctx, turn(queue, shares[0], ctx.height), shares, left)
        looks, closings, fills = looks - looked, closings - done, fills - made
    reduce_all(ctx, left)


def close_queue(
    ctx: Context, accounts: Iterable[Short], shares: tuple[int, int, int], left: dict[tuple[bytes, int], int]
) -> tuple[int, int, int]:
    """LIQ-002: one market's turn, within its shares of the block's limits: looks, closings, fills. Returns the looks
    (LIQ-032), of how many accounts something was closed or cancelled, and the fills.
    """
    most_looks, closings, most_fills = shares
    looked = done = fills = 0
    for key, now in accounts:
        if looked >= most_looks or done >= closings or fills >= most_fills:
            break
        looked += effort(require_account(ctx.accounts.get(key), key))
        cancelled = cancel_orders(ctx, key)
        ended = now.equity <= 0 or ran_out(ctx, key)
        made = close_insolvent(ctx, key, left) if ended else close_solvent(ctx, key)
        done, fills = done + bool(made or cancelled), fills + made
    return looked, done, fills


def hold_auctions(ctx: Context) -> None:
    """ORCL-011: the time of an auction stands still while a price of its account cannot be trusted."""
    if ctx.barred:
        for key in sorted(ctx.offered):
            account = ctx.accounts.get(key)
            if account and ctx.auctions.get(key) is not None and untrusted_market(ctx, account, LIQUIDATE):
                ctx.auctions.edit(key).started_ns += ctx.elapsed_ns


def end_auctions(ctx: Context, wanting: set[bytes]) -> None:
    """LIQ-011: an account that is no longer short is no longer on offer; one that a faulty market, or a price that
    cannot be trusted, keeps from being valued stays on offer.
    """
    for key in sorted(ctx.offered):
        if key not in wanting and ctx.auctions.get(key) is not None:
            account = ctx.accounts.get(key)
            if account and untrusted_market(ctx, account, LIQUIDATE):
                continue
            try:
                why = HEALTHY if account and account.positions and account_standing(ctx, account) else CLOSED
            except MarketFault:
                continue
            ctx.auctions.delete(key)
            ctx.emit(AuctionEnded(key, why))


def close_solvent(ctx: Context, key: bytes) -> int:
    """LIQ-004 to LIQ-011: close parts on the book until the account is safe, of a portfolio after its hedge leg
    (LIQ-028); what then is short goes on offer. Returns the fills.
    """
    fills = hedge(ctx, key)
    for market in _markets(ctx, key)[:LIQUIDATION_MARKETS]:
        now = standing_of(ctx, key)
        if not rules.is_short(now.equity, now.maintenance):
            return fills
        fills += close_guarded(ctx, key, market, now, None)
    now = standing_of(ctx, key)
    if rules.is_short(now.equity, now.maintenance) and open_auction(ctx, key):
        ctx.emit(AuctionStarted(key, now.equity, now.maintenance))
    return fills


def hedge(ctx: Context, key: bytes) -> int:
    """LIQ-028: the hedge leg of a portfolio; a fault undoes it and quarantines its market (CMP-002). Returns the fills.
    """
    account = require_account(ctx.accounts.get(key), key)
    market, fills = filed_under(ctx, account), list[int]()
    if not account.portfolio or not market:
        return 0

    def step(ctx: Context, _market: int) -> None:
        fills.append(hedge_on_book(ctx, key, standing_of(ctx, key)))

    return sum(fills) if guarded(ctx, market, step) else 0


def close_insolvent(ctx: Context, key: bytes, left: dict[tuple[bytes, int], int]) -> int:
    """LIQ-015 to LIQ-017: close everything on the book, the fund helping; `left` gets what remains, by (account,
    market), with what the fund has paid. LIQ-032: of many positions margined together the others wait for the next
    block. Returns the fills.
    """
    fills, markets = 0, _markets(ctx, key)
    if is_whole(require_account(ctx.accounts.get(key), key)):
        markets = markets[:WHOLE_HELD]
    for market in markets:
        seize_assets(ctx, key, market)
        now = standing_of(ctx, key)
        if not rules.is_short(now.equity, now.maintenance):
            return fills
        spent: list[int] = []
        fills += close_guarded(ctx, key, market, now, spent)
        if require_account(ctx.accounts.get(key), key).position(market).lots and is_open(ctx, market):
            left[key, market] = sum(spent)
    return fills


def seize_assets(ctx: Context, key: bytes, market: int) -> None:
    """LIQ-015: what the account owes beyond its positions, the market's fund raises from its assets (COLL-012)."""
    account = require_account(ctx.accounts.get(key), key)
    if account.assets:
        owed = assets_value(ctx, account) - account_standing(ctx, account).equity
        if owed > 0:
            seize(ctx, key, market, owed)


def close_guarded(ctx: Context, key: bytes, market: int, now: Standing, spent: list[int] | None) -> int:
    """CMP-002: one closing on the book inside the market's compartment. `spent` (None: the account has equity left)
    gets what the fund paid. Returns the fills.
    """
    fills: list[int] = []

    def step(ctx: Context, market: int) -> None:
        held = require_account(ctx.accounts.get(key), key).position(market)
        solvent = spent is None
        closing = closing_of(ctx, key, held, held.lots, now) if solvent else insolvent_closing(ctx, key, held, now)
        made, paid = close_on_book(ctx, key, held, closing, now) if closing is not None else (0, 0)
        fills.append(made)
        if spent is not None:
            spent.append(paid)

    return sum(fills) if guarded(ctx, market, step) else 0


def standing_of(ctx: Context, key: bytes) -> Standing:
    """LIQ-025: the standing of an account that exists, as far as its prices can be trusted."""
    return trusted_standing(ctx, require_account(ctx.accounts.get(key), key))


def _markets(ctx: Context, key: bytes) -> list[int]:
    account = require_account(ctx.accounts.get(key), key)
    return [held.market for held in positions_by_margin(ctx, account)]


def reduce_all(ctx: Context, left: dict[tuple[bytes, int], int]) -> None:
    """LIQ-017: one pass for each market, in order, while the block's limit of holders lasts; the others wait. Each
    block begins with another market.
    """
    looked = 0
    markets = sorted({market for _, market in left})
    first = ctx.height % len(markets) if markets else 0
    for market in markets[first:] + markets[:first]:
        if looked >= REDUCTION_HOLDERS:
            return
        if not is_open(ctx, market):  # halted meanwhile (BRK-005)
            continue
        counts: list[int] = []
        guarded(ctx, market, reduction_step(left, counts))
        looked += sum(counts)
        wind_down(ctx, market)


def reduction_step(left: dict[tuple[bytes, int], int], counts: list[int]) -> Callable[[Context, int], None]:
    """A step of one market for its compartment: reduce it, and count the holders that were looked at."""

    def step(ctx: Context, market: int) -> None:
        counts.append(reduce_market(ctx, market, left))

    return step


def wind_down(ctx: Context, market: int) -> None:
    """LIQ-021: a market whose winners gave up more in a day than its limit is reduce-only from here on, and settles
    after its time.
    """
    record, losses = ctx.markets.get(market), ctx.losses.get(market)
    if record is None or losses is None or record.status != ACTIVE or not record.wind_down_loss_quanta:
        return
    if losses.day_quanta > record.wind_down_loss_quanta:
        ends_ns = ctx.time_ns + record.wind_down_ns
        set_status(ctx, market, REDUCE_ONLY, events_pb2.STATUS_REASON_WIND_DOWN)
        begin_settlement(ctx, market, ends_ns)
        losses_of(ctx, market).wind_down_ends_ns = ends_ns
        ctx.emit(WindDownBegan(market, losses.day_quanta, ends_ns))

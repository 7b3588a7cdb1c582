"""The one table: what actions exist, who handles them, where records live, and in which order domains act.

To find a rule: the action's line here names its handler; the handler's docstring names the rule code.
"""

from collections.abc import Callable
from typing import Any

from app.accounts import actions as account_actions
from app.accounts import types as accounts
from app.book import actions as book_actions
from app.book import combos
from app.book import hooks as book_hooks
from app.book import protection as book_protection
from app.book import state as book_state
from app.book import types as book
from app.breakers import hooks as breaker_hooks
from app.breakers import types as breakers
from app.clearing import actions as clearing_actions
from app.clearing import blocks
from app.clock import Clock
from app.collateral import actions as collateral_actions
from app.collateral import types as collateral
from app.context import Context, NoRisks
from app.fees import actions as fees_actions
from app.fees import hooks as fees_hooks
from app.fees import types as fees
from app.funding import hooks as funding_hooks
from app.funding import types as funding
from app.kernel.codec import identity, u32, u32_from
from app.liquidation import actions as liquidation_actions
from app.liquidation import state as liquidation_state
from app.liquidation import types as liquidation
from app.liquidation.debts import collect_debts
from app.liquidation.final import close_settling
from app.liquidation.hooks import liquidate
from app.liquidation.stress import sweep
from app.margin import actions as margin_actions
from app.margin import health
from app.margin.index import HealthIndex
from app.markets import actions as market_actions
from app.markets import holders
from app.markets import hooks as market_hooks
from app.markets import types as markets
from app.marks import hooks as marks_hooks
from app.options import hooks as options_hooks
from app.options import state as options_state
from app.oracle import hooks as oracle_hooks
from app.oracle import types as oracle
from app.oracle.state import note_barred
from app.params import PARAMS_KEY, Params
from app.portfolio import hooks as portfolio_hooks
from app.portfolio import types as portfolio
from app.settlement import hooks as settlement_hooks
from app.settlement import types as settlement
from app.store.records import flat_decoder, flat_encoder
from app.store.table import Schema, Table
from app.store.view import Reader
from app.triggers import actions as trigger_actions
from app.triggers import hooks as trigger_hooks
from app.triggers import state as trigger_state
from app.triggers import types as triggers
from app.validators import actions as validator_actions
from app.validators import types as validators
from novation.v1 import state_pb2, tx_pb2

Handler = Callable[[Context, bytes, Any], tx_pb2.ActionResult]
Hook = Callable[[Context], None]

# action -> handler. The handler charges the action's gas (gas.py) before it does the work.
ACTIONS: dict[str, Handler] = {
    "place_order": book_actions.handle_place_order,
    "place_combo": combos.handle_place_combo,
    "block_trade": blocks.handle_block_trade,
    "cancel_order": book_actions.handle_cancel_order,
    "replace_order": book_actions.handle_replace_order,
    "cancel_all": book_actions.handle_cancel_all,
    "bid_auction": liquidation_actions.handle_bid_auction,
    "transfer": clearing_actions.handle_transfer,
    "withdraw": clearing_actions.handle_withdraw,
    "set_agent": account_actions.handle_set_agent,
    "set_margin_mode": margin_actions.handle_set_margin_mode,
    "isolate": clearing_actions.handle_isolate,
    "faucet_deposit": collateral_actions.handle_faucet_deposit,
    "set_protection": book_protection.handle_set_protection,
    "set_dead_man": trigger_actions.handle_set_dead_man,
    "place_trigger": trigger_actions.handle_place_trigger,
    "cancel_trigger": trigger_actions.handle_cancel_trigger,
    "set_referrer": fees_actions.handle_set_referrer,
    "set_market_status": market_actions.handle_set_market_status,  # REMOVE with governance
    "set_validator": validator_actions.handle_set_validator,  # REMOVE with staking
}

# What each domain does before and after the transactions of a block, in this order.
BEGIN_BLOCK: tuple[Hook, ...] = (
    options_hooks.fix_expiries,
    oracle_hooks.take_prices,
    options_hooks.list_series,
    marks_hooks.make_marks,
    portfolio_hooks.move_anchors,
    fees_hooks.forget_rates,
    market_hooks.open_markets,
    funding_hooks.accrue,
    breaker_hooks.watch,
    close_settling,
    settlement_hooks.run_settlements,
    options_hooks.end_series,
    book_hooks.expire_orders,
    book_hooks.move_pegged,
    trigger_hooks.run_triggers,
    liquidate,
    collect_debts,
)
END_BLOCK: tuple[Hook, ...] = (
    book_hooks.uncross_markets,
    breaker_hooks.close_rows,
    book_hooks.clear_protected,
    trigger_hooks.close_groups,
    funding_hooks.measure,
    fees_hooks.share_fees,
    sweep,
)

# What is derived from the records and kept in memory: made anew when a node starts.
BOOKS: tuple[Hook, ...] = (  # all that actions need
    book_state.rebuild,
    options_state.rebuild,
    trigger_state.rebuild,
    note_barred,
)
HOLDERS: tuple[Hook, ...] = (holders.rebuild,)  # and reductions
REBUILD: tuple[Hook, ...] = (*BOOKS, *HOLDERS, health.rebuild, liquidation_state.rebuild_offers)

# What follows the committed records rather than the running block: moved on once a block is durable.
COMMITTED: tuple[Hook, ...] = (holders.move_on, health.file_changes, liquidation_state.note_offers)


def _flat(name: str, prefix: int, record: Any, message: Any, *, numbered: bool, **rows: Any) -> Schema[Any, Any]:
    """The schema of a flat record, keyed by number or by bytes; `rows` as in store/records.py."""
    encode_key, decode_key = (u32, u32_from) if numbered else (identity, identity)
    encode, decode = flat_encoder(message, record, rows), flat_decoder(message, record, rows)
    return Schema(name, prefix, encode_key, decode_key, encode, decode)


# table (and domain of the state tree) -> key prefix -> record. A prefix is never reused.
TABLES: dict[str, Schema[Any, Any]] = {
    schema.name: schema
    for schema in (
        _flat("params", 1, Params, state_pb2.Params, numbered=False),
        Schema("accounts", 2, identity, identity, accounts.encode, accounts.decode),
        _flat("agents", 36, accounts.Agents, state_pb2.Agents, numbered=False, agents=accounts.Agent),
        _flat("vault", 3, collateral.Vault, state_pb2.Vault, numbered=False),
        _flat("funds", 4, collateral.Fund, state_pb2.Fund, numbered=False),
        _flat("assets", 15, collateral.Asset, state_pb2.Asset, numbered=True),
        _flat("markets", 5, markets.Market, state_pb2.Market, numbered=True, tiers=markets.MarginTier),
        _flat("totals", 6, markets.MarketTotals, state_pb2.MarketTotals, numbered=True),
        _flat("marks", 7, oracle.MarkPrice, state_pb2.MarkPrice, numbered=True),
        _flat("books", 8, book.BookState, state_pb2.BookState, numbered=True),
        Schema("orders", 9, identity, identity, book.encode_open_orders, book.decode_open_orders),
        _flat("protections", 13, book.Protection, state_pb2.Protection, numbered=False),
        _flat("switches", 14, triggers.Switch, state_pb2.Switch, numbered=False),
        Schema("triggers", 12, identity, identity, triggers.encode_triggers, triggers.decode_triggers),
        Schema("backlog", 19, identity, identity, triggers.encode_backlog, triggers.decode_backlog),
        _flat("funding", 10, funding.Funding, state_pb2.Funding, numbered=True),
        Schema("traders", 16, identity, identity, fees.encode_trader, fees.decode_trader),
        Schema("fee_terms", 20, identity, identity, fees.encode_terms, fees.decode_terms),
        _flat("option_classes", 30, markets.OptionClass, state_pb2.OptionClass, numbered=True),
        Schema("portfolios", 31, u32, u32_from, portfolio.encode_terms, portfolio.decode_terms),
        Schema("anchors", 32, identity, identity, portfolio.encode_anchor, portfolio.decode_anchor),
        Schema("fixings", 33, identity, identity, settlement.encode, settlement.decode),
        _flat("listing", 34, markets.Listing, state_pb2.Listing, numbered=False),
        Schema("settlements", 11, u32, u32_from, settlement.encode, settlement.decode),
        Schema("validators", 21, identity, identity, validators.encode, validators.decode),
        Schema("feeds", 22, u32, u32_from, oracle.encode_feed, oracle.decode_feed),
        Schema("surfaces", 23, u32, u32_from, oracle.encode_surface, oracle.decode_surface),
        Schema("reporters", 24, identity, identity, oracle.encode_reporters, oracle.decode_reporters),
        _flat("auctions", 17, liquidation.Auction, state_pb2.Auction, numbered=False),
        _flat("losses", 18, liquidation.Losses, state_pb2.Losses, numbered=True),
        _flat(
            "breakers",
            26,
            breakers.Breakers,
            state_pb2.Breakers,
            numbered=True,
            rows=breakers.Breaker,
            swings=breakers.Swing,
        ),
        _flat("clock", 60, Clock, state_pb2.Clock, numbered=False),
        Schema("flows", 27, identity, identity, breakers.encode_flow, breakers.decode_flow),
        Schema("sweeps", 28, identity, identity, breakers.encode_sweep, breakers.decode_sweep),
    )
}


def open_context(reader: Reader) -> Context:
    """A context over `reader` with every table open. What is derived is empty until REBUILD."""
    ctx = Context(reader)
    ctx.tables = {name: Table(schema, reader, ctx.journal) for name, schema in TABLES.items()}
    _name_tables(ctx)
    ctx.trigger_index = triggers.TriggerIndex()
    ctx.health = HealthIndex()
    return ctx


def open_fork(reader: Reader, height: int, time_ns: int) -> Context:
    """A context over the committed state of a height, for a question: what it changes is thrown away with it."""
    ctx = open_context(reader)
    ctx.params = ctx.params_table.get(PARAMS_KEY) or Params()
    ctx.height, ctx.time_ns = height, time_ns
    return ctx


def committed_view(ctx: Context) -> Context:
    """A context that reads only what is committed, for any thread; it cannot write."""
    view = Context(ctx.reader)
    view.risks = NoRisks()
    view.tables = {name: ReadOnlyTable(table) for name, table in ctx.tables.items()}
    _name_tables(view)
    return view


class ReadOnlyTable:
    """The committed records of a table behind the reading half of its interface."""

    def __init__(self, table: Table[Any, Any]) -> None:
        self.get = table.peek
        self.scan = table.scan


def _name_tables(ctx: Context) -> None:
    tables = ctx.tables
    ctx.params_table = tables["params"]
    ctx.accounts = tables["accounts"]
    ctx.agents = tables["agents"]
    ctx.vault = tables["vault"]
    ctx.assets = tables["assets"]
    ctx.funds = tables["funds"]
    ctx.markets = tables["markets"]
    ctx.totals = tables["totals"]
    ctx.marks = tables["marks"]
    ctx.states = tables["books"]
    ctx.orders = tables["orders"]
    ctx.triggers = tables["triggers"]
    ctx.protections = tables["protections"]
    ctx.switches = tables["switches"]
    ctx.backlog = tables["backlog"]
    ctx.breakers = tables["breakers"]
    ctx.clock = tables["clock"]
    ctx.flows = tables["flows"]
    ctx.sweeps = tables["sweeps"]
    ctx.auctions = tables["auctions"]
    ctx.losses = tables["losses"]
    ctx.funding = tables["funding"]
    ctx.traders = tables["traders"]
    ctx.fee_terms = tables["fee_terms"]
    ctx.fees = fees.BlockFees()
    ctx.option_classes = tables["option_classes"]
    ctx.fixings = tables["fixings"]
    ctx.portfolios = tables["portfolios"]
    ctx.anchors = tables["anchors"]
    ctx.listing = tables["listing"]
    ctx.settlements = tables["settlements"]
    ctx.validators = tables["validators"]
    ctx.feeds = tables["feeds"]
    ctx.surfaces = tables["surfaces"]
    ctx.reporters = tables["reporters"]

"""What a handler may touch: the tables of the running block, its time, its gas and its events."""

from typing import TYPE_CHECKING, Any

from app.gas import GasMeter
from app.kernel.ordered import SortedKeys
from app.store.table import Journal, Table
from app.store.view import Reader

if TYPE_CHECKING:
    # The records belong to their domains, which import this module for Context.
    from app.accounts.types import Account, Agents
    from app.book.index import MarketBook
    from app.book.types import BookState, OpenOrders, Protection
    from app.breakers.types import Breaker, Breakers, Flow, Sweep
    from app.clock import Clock
    from app.collateral.types import Asset, Fund, Vault
    from app.errors import MarketFault
    from app.events import Occurrence
    from app.fees.types import BlockFees, FeeTerms, Trader
    from app.funding.types import Funding
    from app.liquidation.types import Auction, Losses
    from app.margin.index import HealthIndex
    from app.margin.types import MarketRisk
    from app.markets.types import Listing, Market, MarketTotals, OptionClass
    from app.oracle.types import Feed, MarkPrice, Reporters, Surface, Votes
    from app.params import Params
    from app.portfolio.rules import Expiry, Terms
    from app.portfolio.types import Anchor, Array, PortfolioTerms
    from app.settlement.types import Settlement
    from app.surface.types import Curve
    from app.triggers.types import Backlog, Switch, TriggerIndex, Triggers
    from app.validators.types import ValidatorSets

NO_LIMIT = 1 << 62


class Context:
    """The one argument that every handler and hook takes.

    `state` is a fork point: tables over one reader with one journal. `height` and `time_ns` are the header's of the
    running block, `elapsed_ns` the time since the block before it.
    """

    __slots__ = (
        "accounts",
        "agents",
        "anchors",
        "arrays",
        "assets",
        "auctions",
        "backlog",
        "bands",
        "barred",
        "books",
        "breakers",
        "clearing",
        "clock",
        "curves",
        "elapsed_ns",
        "events",
        "expiries",
        "expiring_orders",
        "faults",
        "fee_terms",
        "feeds",
        "fees",
        "filled_groups",
        "fixings",
        "flows",
        "funding",
        "funds",
        "gas",
        "health",
        "height",
        "holders",
        "holding",
        "journal",
        "listing",
        "losses",
        "markets",
        "marks",
        "offered",
        "option_classes",
        "orders",
        "params",
        "params_table",
        "pegged",
        "portfolios",
        "protected",
        "protecting",
        "protections",
        "reader",
        "refusals",
        "reporters",
        "risks",
        "series",
        "settlements",
        "slices",
        "standing",
        "states",
        "surfaces",
        "sweeps",
        "switches",
        "tables",
        "time_ns",
        "totals",
        "traders",
        "trigger_index",
        "triggers",
        "validators",
        "vault",
        "votes",
    )

    accounts: "Table[bytes, Account]"
    agents: "Table[bytes, Agents]"
    anchors: "Table[bytes, Anchor]"
    assets: "Table[int, Asset]"
    backlog: "Table[bytes, Backlog]"
    breakers: "Table[int, Breakers]"
    clock: "Table[bytes, Clock]"
    fee_terms: "Table[bytes, FeeTerms]"
    feeds: "Table[int, Feed]"
    fees: "BlockFees"
    auctions: "Table[bytes, Auction]"
    losses: "Table[int, Losses]"
    funding: "Table[int, Funding]"
    flows: "Table[bytes, Flow]"
    health: "HealthIndex"
    funds: "Table[bytes, Fund]"
    marks: "Table[int, MarkPrice]"
    markets: "Table[int, Market]"
    orders: "Table[bytes, OpenOrders]"
    params_table: "Table[bytes, Params]"
    portfolios: "Table[int, PortfolioTerms]"
    protections: "Table[bytes, Protection]"
    reporters: "Table[bytes, Reporters]"
    fixings: "Table[bytes, Settlement]"
    listing: "Table[bytes, Listing]"
    option_classes: "Table[int, OptionClass]"
    settlements: "Table[int, Settlement]"
    states: "Table[int, BookState]"
    surfaces: "Table[int, Surface]"
    sweeps: "Table[bytes, Sweep]"
    switches: "Table[bytes, Switch]"
    totals: "Table[int, MarketTotals]"
    traders: "Table[bytes, Trader]"
    trigger_index: "TriggerIndex"
    barred: dict[int, int]  # market -> what its price bars in this block (oracle.rules.BARRED)
    standing: dict[int, tuple[int, int]]  # market -> (index, validity) in force until this block
    # Sets that hooks look at, derived from the records (book.state.rebuild).
    expiring_orders: SortedKeys  # (last time, order id, account)
    pegged: dict[int, SortedKeys]  # market -> (order id, account)
    protected: set[bytes]  # keys of protections
    protecting: dict[int, set[bytes]]  # market -> its keys of these
    clearing: SortedKeys  # keys of protections whose account may have orders left from before the freeze
    offered: set[bytes]  # accounts in auction, as committed (liquidation.state.note_offers)
    filled_groups: list[tuple[bytes, int]]  # (account, oco id) of what filled and was not told to triggers yet
    triggers: "Table[bytes, Triggers]"
    validators: "Table[bytes, ValidatorSets]"
    vault: "Table[bytes, Vault]"
    votes: "Votes | None"  # of the height before, as the running block brings them
    params: "Params"

    def __init__(self, reader: Reader) -> None:
        self.reader = reader
        self.journal = Journal()
        self.tables: dict[str, Any] = {}
        self.books: dict[int, MarketBook] = {}
        self.holders: dict[int, dict[bytes, None]] = {}
        self.holding = SortedKeys()  # accounts that hold lots, as committed (markets/holders.py)
        self.risks: dict[int, MarketRisk] = {}
        self.bands: dict[int, tuple[int, int, int, int]] = {}  # of markets, around their marks (breakers/state.py)
        self.slices: dict[tuple[int, ...], tuple[int, ...]] = {}  # pillars' variances -> SURF-001
        # Series of options: (feed, expiry in seconds) -> (strike, right) -> market (options/state.py).
        self.series: dict[tuple[int, int], dict[tuple[int, int], int]] = {}
        self.curves: dict[tuple[int, int], tuple[object, Curve]] = {}  # (feed, expiry) -> inputs, curve (SURF-009)
        # Both with what they were made of (portfolio/state.py): (feed, expiry) -> shared part; option -> its array.
        self.expiries: dict[tuple[int, int], tuple[object, Expiry]] = {}
        self.arrays: dict[int, tuple[tuple[Curve, Terms], Array]] = {}
        self.events: list[Occurrence] = []
        self.expiring_orders, self.clearing = SortedKeys(), SortedKeys()
        self.pegged, self.protected, self.protecting, self.filled_groups = {}, set(), {}, []
        self.offered = set()
        self.votes = None
        self.barred, self.standing = {}, {}
        self.faults: list[MarketFault] = []  # met by the running envelope; see compartment.py
        self.refusals: list[Breaker] = []  # what the limiter of withdrawals refused in the running block
        self.gas = GasMeter(NO_LIMIT)
        self.height = 0
        self.time_ns = 0
        self.elapsed_ns = 0

    def emit(self, event: "Occurrence") -> None:
        """Note what happened. A rolled-back action takes its events with it."""
        self.events.append(event)

    def forget_risk(self, market: int) -> None:
        """A market's mark, funding or margin terms changed: what `margin.state.market_risk` and
        `breakers.state.bands_of` remember of it is stale.

        Whoever changes them calls this. The journal forgets once more when it undoes the change.
        """
        self.risks.pop(market, None)
        self.bands.pop(market, None)
        self.journal.entries.append((self._forget, market, None))

    def _forget(self, market: int, _old: None) -> None:
        self.risks.pop(market, None)
        self.bands.pop(market, None)


class NoRisks(dict[int, "MarketRisk"]):
    """The risks of a context that other threads read: it remembers none, since a commit may fall in between."""

    def __setitem__(self, _market: int, _risk: "MarketRisk") -> None:
        """Remember nothing."""

"""What happened, typed. Events are not part of the app hash; every value in them follows from state and block.

The state machine notes plain records, which cost little; event_messages.py makes the wire's form of them for whoever
reads the feed. Accounts are keys, orders the book's own values.
"""
# long: one list of all that can happen

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from app.book.types import Order
    from app.breakers.types import Breaker
    from app.errors import Code
    from app.triggers.types import Trigger


@dataclass(slots=True)
class Rested:
    """An order came to rest on the book."""

    order: "Order"


@dataclass(slots=True)
class Cancelled:
    """An order left the book, or its rest never reached it. `reason` is a CancelReason."""

    order: "Order"
    reason: int
    was_resting: bool


@dataclass(slots=True)
class Reduced:
    """A resting order shrank in place and kept its priority; `order` is what is left."""

    order: "Order"
    removed_lots: int


@dataclass(slots=True)
class OrderMoved:
    """A pegged order followed its reference; `order` is what it is now."""

    order: "Order"
    before_quanta: int
    fee_quanta: int


@dataclass(slots=True)
class ProtectionTripped:
    """An account's protection in a market froze it until `frozen_ns`."""

    market: int
    account: bytes
    frozen_ns: int


@dataclass(slots=True)
class DeadManActed:
    """An account's switch was not set again in time."""

    account: bytes
    orders: int
    triggers: int


@dataclass(slots=True)
class TriggerPlaced:
    """A trigger waits."""

    trigger: "Trigger"


@dataclass(slots=True)
class TriggerCancelled:
    """A trigger went without firing. `reason` is a CancelReason."""

    trigger: "Trigger"
    reason: int


@dataclass(slots=True)
class TriggerMoved:
    """A trailing trigger followed the price; `trigger` is what it is now."""

    trigger: "Trigger"


@dataclass(slots=True)
class TriggerFired:
    """A price reached a trigger; its order was placed, or refused for `refusal`."""

    trigger: "Trigger"
    reached_quanta: int
    order_id: int
    filled_lots: int
    open_lots: int
    refusal: "Code | None"


@dataclass(slots=True)
class Filled:
    """A fill. `maker` is what is left of the order that was first; the price is its price, unless one is stated.
    `taker_open_lots` is what is left on the book of a taker that rested there before.
    """

    trade_id: int
    maker: "Order"
    size_lots: int
    maker_fee_quanta: int
    taker: bytes
    taker_side: int
    taker_order_id: int
    taker_client_id: int
    taker_fee_quanta: int
    price_quanta: int = 0
    taker_open_lots: int = 0


@dataclass(slots=True)
class ComboFilled:
    """All legs of a combo were filled, as these orders; together they cost so much, fees apart (COMB-003)."""

    account: bytes
    client_id: int
    net_quanta: int
    order_ids: tuple[int, ...]


@dataclass(slots=True)
class BlockTraded:
    """One leg of a block trade: the sender bought `lots` (negative: sold) from the counterparty, outside the book."""

    market: int
    trade_id: int
    sender: bytes
    counterparty: bytes
    lots: int
    price_quanta: int
    sender_fee_quanta: int
    counterparty_fee_quanta: int
    nonce: int


@dataclass(slots=True)
class FundingPaid:
    """An account's position was settled to the market's funding index; negative: the account received."""

    account: bytes
    market: int
    amount_quanta: int


@dataclass(slots=True)
class Deposited:
    """Collateral entered an account."""

    account: bytes
    amount_quanta: int
    asset: int = 0


@dataclass(slots=True)
class Withdrawn:
    """Collateral left the chain."""

    account: bytes
    amount_quanta: int
    destination: bytes
    asset: int = 0


@dataclass(slots=True)
class Transferred:
    """Collateral moved between accounts."""

    sender: bytes
    receiver: bytes
    amount_quanta: int
    asset: int = 0


@dataclass(slots=True)
class PositionMoved:
    """An owner moved a position, its cost and cash to another of its accounts."""

    sender: bytes
    receiver: bytes
    market: int
    lots: int
    entry_quanta: int
    cash_quanta: int


@dataclass(slots=True)
class MarginModeSet:
    """An account is margined another way from here on (MARG-018)."""

    account: bytes
    mode: int


@dataclass(slots=True)
class AssetSeized:
    """A market's insurance fund bought an account's collateral, to cover what the account owes."""

    account: bytes
    market: int
    asset: int
    units: int
    paid_quanta: int


@dataclass(slots=True)
class FeedValidityChanged:
    """How far a feed's price can be trusted is another."""

    feed: int
    before: int
    after: int


@dataclass(slots=True)
class AgentSet:
    """ACCT-004: a key may trade for an account until then; 0: not any more."""

    account: bytes
    address: bytes
    expiry_time_ns: int


@dataclass(slots=True)
class PillarRefused:
    """SURF-011: what was voted of one underlying and expiry allows an arbitrage and did not enter."""

    feed: int
    expiry_s: int


@dataclass(slots=True)
class SeriesListed:
    """OPT-008: a series of options became a market."""

    market: int
    feed: int
    expiry_s: int
    strike_quanta: int
    right: int
    symbol: str


@dataclass(slots=True)
class ExpiryFixed:
    """OPT-010: the price at which all options of one underlying and expiry settle, in units of the feed."""

    feed: int
    expiry_s: int
    price: int
    covered_ns: int


@dataclass(slots=True)
class SeriesRemoved:
    """OPT-003: a series is no market any more."""

    market: int


@dataclass(slots=True)
class MarkPriceSet:
    """A mark price changed."""

    market: int
    price_quanta: int


@dataclass(slots=True)
class MarketQuarantined:
    """A market's rules or an invariant of it broke. `why` is the kind of error, or the invariant."""

    market: int
    why: str
    sealed: bool
    ends_ns: int


@dataclass(slots=True)
class ReferrerSet:
    """An owner named its referrer."""

    owner: bytes
    referrer: bytes


@dataclass(slots=True)
class ReferralPaid:
    """A referrer got its share of what an owner paid as taker in a market, in a block."""

    referrer: bytes
    owner: bytes
    market: int
    amount_quanta: int


@dataclass(slots=True)
class FeesShared:
    """Where a market's trading fees of a block went."""

    market: int
    referrals_quanta: int
    insurance_quanta: int
    stakers_quanta: int
    treasury_quanta: int


@dataclass(slots=True)
class MarketStatusChanged:
    """A market moved from one status to another. `reason` is a StatusReason."""

    market: int
    before: int
    after: int
    reason: int


@dataclass(slots=True)
class Uncrossed:
    """The crossed orders of a market met at one price."""

    market: int
    price_quanta: int
    lots: int


@dataclass(slots=True)
class SettlementPriceSet:
    """A market has its settlement price; `covered_ns` of the window had a price."""

    market: int
    price_quanta: int
    covered_ns: int


@dataclass(slots=True)
class PositionSettled:
    """Lots of a position were closed in cash; `funding_quanta` is what was paid of funding (negative: received)."""

    account: bytes
    market: int
    lots: int
    price_quanta: int
    funding_quanta: int


@dataclass(slots=True)
class SettlementShortfall:
    """A settlement leaves an account with a debt: the insurance fund paid some, winners gave up some, the rest is
    left.
    """

    account: bytes
    market: int
    paid_quanta: int
    given_up_quanta: int
    left_quanta: int


@dataclass(slots=True)
class PositionClosed:
    """Liquidation closed lots on the book. `lots` has the sign of what was held; equity and maintenance margin are
    those of the account before. `hedge`: it was a hedge leg, which may open a position; `lots` were sold.
    """

    account: bytes
    market: int
    lots: int
    limit_quanta: int
    notional_quanta: int
    fee_quanta: int
    fund_paid_quanta: int
    equity_quanta: int
    maintenance_quanta: int
    hedge: bool = False


@dataclass(slots=True)
class AuctionStarted:
    """An account that the book could not restore is on offer."""

    account: bytes
    equity_quanta: int
    maintenance_quanta: int


@dataclass(slots=True)
class AuctionBidTaken:
    """A bidder took a fraction of an account's book. `taken` is (market, lots that moved, mark at which they did) each;
    the figures are the account's before.
    """

    account: bytes
    bidder: bytes
    fraction_ppm: int
    discount_ppm: int
    paid_quanta: int
    freed_quanta: int
    equity_quanta: int
    maintenance_quanta: int
    taken: list[tuple[int, int, int]]


@dataclass(slots=True)
class AuctionEnded:
    """An account is no longer on offer. `why`: 1 it is safe, 2 it was closed."""

    account: bytes
    why: int


@dataclass(slots=True)
class AccountReduced:
    """What is left of an account in a market was closed against the other side at the mark. It owed `deficit_quanta`
    beyond its equity, of which the fund paid some and the other side gave up the rest.
    """

    account: bytes
    market: int
    lots: int
    price_quanta: int
    deficit_quanta: int
    fund_paid_quanta: int


@dataclass(slots=True)
class HolderReduced:
    """Lots of a holder were closed at the mark in a reduction, for `given_up_quanta` of its profit."""

    account: bytes
    market: int
    lots: int
    price_quanta: int
    given_up_quanta: int
    net_profit_quanta: int


@dataclass(slots=True)
class WindDownBegan:
    """Winners of a market gave up more in a day than its limit: it is reduce-only and will settle."""

    market: int
    day_quanta: int
    ends_ns: int


@dataclass(slots=True)
class BreakerTripped:
    """A breaker tripped, in a market or (0) for the whole chain."""

    scope: int
    breaker: "Breaker"


@dataclass(slots=True)
class BreakerExtended:
    """A halt goes on, because the price still runs."""

    scope: int
    breaker: "Breaker"


@dataclass(slots=True)
class BreakerEnded:
    """A breaker is no longer tripped."""

    scope: int
    breaker: "Breaker"


Occurrence = (
    Rested
    | MarketStatusChanged
    | Uncrossed
    | SettlementPriceSet
    | PositionSettled
    | SettlementShortfall
    | Cancelled
    | Reduced
    | OrderMoved
    | ProtectionTripped
    | DeadManActed
    | TriggerPlaced
    | TriggerCancelled
    | TriggerMoved
    | TriggerFired
    | Filled
    | ComboFilled
    | BlockTraded
    | FundingPaid
    | Deposited
    | Withdrawn
    | Transferred
    | FeedValidityChanged
    | PillarRefused
    | SeriesListed
    | ExpiryFixed
    | SeriesRemoved
    | AgentSet
    | MarkPriceSet
    | AssetSeized
    | PositionMoved
    | MarginModeSet
    | MarketQuarantined
    | PositionClosed
    | AuctionStarted
    | AuctionBidTaken
    | AuctionEnded
    | AccountReduced
    | HolderReduced
    | WindDownBegan
    | ReferrerSet
    | ReferralPaid
    | FeesShared
    | BreakerTripped
    | BreakerExtended
    | BreakerEnded
)

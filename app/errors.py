"""The error registry: every way an action or an envelope can fail, with a number that is never reused.

A `ChainError` fails one action or one envelope and leaves no trace in state but nonce and fee. An `InvariantError`
means that the rules themselves are broken. Codes from 32,000 on are the mempool's: CometBFT offers such an envelope
again soon.
"""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Code:
    """One entry of the registry."""

    codespace: str
    code: int
    reason: str
    meaning: str


class ChainError(Exception):
    """An action or envelope fails with `code`; `metadata` says what was wrong with what, as text for people and
    SDKs.
    """

    def __init__(self, code: Code, **metadata: object) -> None:
        super().__init__(code.reason)
        self.code = code
        self.metadata = {
            key: value.hex() if isinstance(value, bytes) else str(value) for key, value in metadata.items()
        }

    def __str__(self) -> str:
        details = ", ".join(f"{key}={value}" for key, value in self.metadata.items())
        return f"{self.code.codespace}/{self.code.code} {self.code.reason}" + (f" ({details})" if details else "")


class GenesisError(Exception):
    """The genesis state is not valid; the node must not start."""


class InvariantError(Exception):
    """The whole ledger is broken. The node must stop rather than go on."""


class MarketFault(Exception):
    """The rules or an invariant of one market are broken: see compartment.py. `broken` says that an invariant is."""

    def __init__(self, market: int, why: str, *, broken: bool = False) -> None:
        super().__init__(f"market {market}: {why}")
        self.market = market
        self.why = why
        self.broken = broken


# What a slip in the rules of a market raises. Named one by one: what says that the process itself is in trouble
# (memory, recursion, a stopped node) is never taken for a market's fault.
PROGRAMMING_ERRORS = (ArithmeticError, LookupError, ValueError, TypeError, AttributeError)
FAULTS = (MarketFault, *PROGRAMMING_ERRORS)


REGISTRY: dict[int, Code] = {}


def _code(codespace: str, code: int, reason: str, meaning: str) -> Code:
    entry = Code(codespace, code, reason, meaning)
    REGISTRY[code] = entry
    return entry


# tx: the envelope itself
TX_MALFORMED = _code("tx", 101, "TX_MALFORMED", "the bytes are not an envelope")
TX_NOT_CANONICAL = _code("tx", 102, "TX_NOT_CANONICAL", "unknown fields, trailing bytes or a non-canonical encoding")
TX_TOO_LARGE = _code("tx", 103, "TX_TOO_LARGE", "the envelope is larger than the limit")
TX_NO_ACTIONS = _code("tx", 104, "TX_NO_ACTIONS", "an envelope needs at least one action")
TX_TOO_MANY_ACTIONS = _code("tx", 105, "TX_TOO_MANY_ACTIONS", "more actions than an envelope may hold")
TX_UNKNOWN_ACTION = _code("tx", 106, "TX_UNKNOWN_ACTION", "an action of no known kind")
TX_BAD_ACCOUNT = _code("tx", 107, "TX_BAD_ACCOUNT", "the account id is malformed")
TX_KEY_TYPE = _code("tx", 108, "TX_KEY_TYPE", "the key type is not supported")
TX_WRONG_KEY = _code("tx", 109, "TX_WRONG_KEY", "the public key is neither the account owner's nor an agent's of now")
TX_AGENT_ACTION = _code("tx", 122, "TX_AGENT_ACTION", "an agent may trade, and do nothing else")
TX_BAD_SIGNATURE = _code("tx", 110, "TX_BAD_SIGNATURE", "the signature is not valid for this chain id and body")
TX_EXPIRED = _code("tx", 111, "TX_EXPIRED", "the expiry height or time has passed")
TX_NONCE_USED = _code("tx", 113, "TX_NONCE_USED", "this nonce was used before")
TX_NONCE_TOO_LOW = _code("tx", 114, "TX_NONCE_TOO_LOW", "the nonce lies below the window")
TX_NONCE_TOO_HIGH = _code("tx", 115, "TX_NONCE_TOO_HIGH", "the nonce is zero or lies too far above the highest used")
TX_GAS_LIMIT = _code(
    "tx", 116, "TX_GAS_LIMIT", "the gas limit is below the least this envelope can cost, or above a block's"
)
TX_FEE_LIMIT = _code("tx", 117, "TX_FEE_LIMIT", "the fee limit does not cover the gas limit at the current gas price")
TX_CANNOT_PAY_FEE = _code("tx", 118, "TX_CANNOT_PAY_FEE", "the account's equity does not cover the fee")
TX_OUT_OF_GAS = _code("tx", 119, "TX_OUT_OF_GAS", "the gas limit was reached")
TX_NO_CHAIN = _code("tx", 121, "TX_NO_CHAIN", "the chain has not begun")
TX_ACTION_FAILED = _code("tx", 120, "TX_ACTION_FAILED", "all-or-nothing: an action failed, so none was done")

# accounts and collateral
ACCOUNT_NOT_FOUND = _code("accounts", 201, "ACCOUNT_NOT_FOUND", "the account does not exist; fund it first")
ACCOUNT_AGENT_KEY = _code(
    "accounts", 202, "ACCOUNT_AGENT_KEY", "no Ed25519 key of 32 bytes, or the owner's own, which needs no permission"
)
ACCOUNT_AGENT_EXPIRY = _code(
    "accounts", 203, "ACCOUNT_AGENT_EXPIRY", "an agent's expiry lies ahead, or is 0 to remove the agent"
)
ACCOUNT_AGENT_LIMIT = _code("accounts", 204, "ACCOUNT_AGENT_LIMIT", "the account has as many agents as it may")
COLLATERAL_AMOUNT = _code("collateral", 301, "COLLATERAL_AMOUNT", "the amount is zero or beyond the limits")
COLLATERAL_FAUCET_OFF = _code("collateral", 302, "COLLATERAL_FAUCET_OFF", "there is no faucet on this network")
COLLATERAL_INSUFFICIENT = _code("collateral", 303, "COLLATERAL_INSUFFICIENT", "more than the account's free collateral")
COLLATERAL_SAME_ACCOUNT = _code(
    "collateral", 304, "COLLATERAL_SAME_ACCOUNT", "sender and receiver are the same account"
)
COLLATERAL_DESTINATION = _code("collateral", 305, "COLLATERAL_DESTINATION", "the destination is empty or too long")
COLLATERAL_VAULT_FULL = _code("collateral", 306, "COLLATERAL_VAULT_FULL", "the vault would hold more than the limit")
COLLATERAL_NEW_ACCOUNT = _code("collateral", 307, "COLLATERAL_NEW_ACCOUNT", "too little to open a new account")

COLLATERAL_ASSET = _code("collateral", 308, "COLLATERAL_ASSET", "there is no such collateral")
COLLATERAL_CAP = _code("collateral", 309, "COLLATERAL_CAP", "the chain would hold more of the asset than its cap")
COLLATERAL_VAULT_SHORT = _code("collateral", 310, "COLLATERAL_VAULT_SHORT", "the vault does not hold as much")

# markets
MARKET_NOT_FOUND = _code("markets", 401, "MARKET_NOT_FOUND", "there is no such market")
MARKET_NOT_TRADING = _code("markets", 402, "MARKET_NOT_TRADING", "the market takes no such orders in its present state")

# compartments
MARKET_FAULT = _code("compartments", 1801, "MARKET_FAULT", "the rules of a market are broken; it is in quarantine")
MARKET_STATUS = _code("markets", 405, "MARKET_STATUS", "the market cannot go from its state to that one")
MARKET_NOT_AUTHORITY = _code(
    "markets", 406, "MARKET_NOT_AUTHORITY", "only the genesis authority of a test network may set a market's state"
)
MARKET_COLLECTS = _code(
    "markets", 407, "MARKET_COLLECTS", "orders only rest now, to meet at one price: none may ask to fill at once"
)

# liquidation
AUCTION_NOT_OPEN = _code("liquidation", 1701, "AUCTION_NOT_OPEN", "the account is not in auction, or can give nothing")
AUCTION_CHANGED = _code("liquidation", 1702, "AUCTION_CHANGED", "another bid was taken since the state you looked at")
AUCTION_DISCOUNT = _code("liquidation", 1703, "AUCTION_DISCOUNT", "the auction does not offer that discount yet")
AUCTION_OWN = _code("liquidation", 1704, "AUCTION_OWN", "an account cannot bid for itself")
AUCTION_FRACTION = _code("liquidation", 1705, "AUCTION_FRACTION", "the fraction is above all, or too small")

# margin
MARGIN_INSUFFICIENT = _code("margin", 501, "MARGIN_INSUFFICIENT", "the account could not carry the order")
MARGIN_POSITION_LIMIT = _code(
    "margin", 502, "MARGIN_POSITION_LIMIT", "position and open orders would pass the position limit"
)
MARGIN_MOVE = _code(
    "margin", 503, "MARGIN_MOVE", "there are no such lots to move, or the other account holds the other side"
)
MARGIN_MODE = _code("margin", 505, "MARGIN_MODE", "no such mode, or the account is in it")
MARGIN_MODE_TERMS = _code("margin", 506, "MARGIN_MODE_TERMS", "a market of the account has no part in portfolio margin")
MARGIN_MARKETS = _code("margin", 507, "MARGIN_MARKETS", "the account would be in more markets than an account may")
MARGIN_MOVE_SOURCE = _code("margin", 504, "MARGIN_MOVE_SOURCE", "too little would be left in the account moved from")

# book
ORDER_SIDE = _code("book", 601, "ORDER_SIDE", "the side is neither buy nor sell")
ORDER_SIZE = _code("book", 602, "ORDER_SIZE", "the size is zero or beyond the market's limit")
ORDER_PRICE = _code("book", 603, "ORDER_PRICE", "the price is zero or beyond the limit")
ORDER_OFF_TICK = _code("book", 604, "ORDER_OFF_TICK", "the price is not a multiple of the market's tick")
ORDER_TIME_IN_FORCE = _code("book", 605, "ORDER_TIME_IN_FORCE", "the time in force is unknown or does not fit")
ORDER_CLIENT_ID_USED = _code("book", 606, "ORDER_CLIENT_ID_USED", "an open order of this account has this client id")
ORDER_LIMIT = _code("book", 607, "ORDER_LIMIT", "the account has as many open orders as it may")
ORDER_NOT_FOUND = _code("book", 608, "ORDER_NOT_FOUND", "the account has no such open order")
ORDER_REFERENCE = _code("book", 609, "ORDER_REFERENCE", "give exactly one of order id and client id")
ORDER_WOULD_CROSS = _code("book", 610, "ORDER_WOULD_CROSS", "a post-only order would trade at once")
ORDER_NOT_FILLABLE = _code("book", 611, "ORDER_NOT_FILLABLE", "a fill-or-kill order cannot be filled in full")
ORDER_REDUCES_NOTHING = _code("book", 612, "ORDER_REDUCES_NOTHING", "a reduce-only order has no position to reduce")
ORDER_SELF_TRADE = _code(
    "book", 613, "ORDER_SELF_TRADE", "the self-trade rule is unknown, or stopped the order before any fill"
)
ORDER_NOTIONAL = _code("book", 614, "ORDER_NOTIONAL", "price times size is beyond the limit")
ORDER_EXPIRED = _code("book", 615, "ORDER_EXPIRED", "the time until which it should hold is over")
ORDER_DISPLAY = _code("book", 616, "ORDER_DISPLAY", "so small a part shown would take too many peaks")
ORDER_PEG = _code("book", 617, "ORDER_PEG", "the order cannot be pegged so, or the reference has no price now")
ORDER_PEG_LIMIT = _code("book", 618, "ORDER_PEG_LIMIT", "the market has as many pegged orders as it may")
ORDER_GROUP = _code("book", 619, "ORDER_GROUP", "the group has as many members as it may")
ORDER_PROTECTED = _code("book", 620, "ORDER_PROTECTED", "market-maker protection has frozen the account in this market")
PROTECTION_TERMS = _code("book", 621, "PROTECTION_TERMS", "limit, window or freeze are beyond their limits")

# combos and block trades
COMBO_LEGS = _code("combos", 2401, "COMBO_LEGS", "a combo has two to eight legs, each in another market")
COMBO_NET = _code("combos", 2402, "COMBO_NET", "all legs together would cost more than the net limit")
COMBO_REDUCES = _code("combos", 2403, "COMBO_REDUCES", "a reduce-only leg is larger than what it would reduce")

BLOCK_LEGS = _code("blocks", 2500, "BLOCK_LEGS", "one to eight legs, each in another market, with side, size and price")
BLOCK_PARTIES = _code("blocks", 2501, "BLOCK_PARTIES", "the terms name another sender, or one owner on both sides")
BLOCK_CONSENT = _code("blocks", 2502, "BLOCK_CONSENT", "the counterparty has not signed these terms for this chain")
BLOCK_EXPIRED = _code("blocks", 2503, "BLOCK_EXPIRED", "the time until which the terms should hold is over")
BLOCK_NONCE = _code("blocks", 2504, "BLOCK_NONCE", "the counterparty's nonce was used, or lies outside its window")
BLOCK_PRICE = _code("blocks", 2505, "BLOCK_PRICE", "the price lies outside of the band for fills around the mark")
BLOCK_SMALL = _code("blocks", 2506, "BLOCK_SMALL", "the leg is too small for a block trade; use the book")

# triggers
TRIGGER_WATCHES = _code("triggers", 1601, "TRIGGER_WATCHES", "the price source or the direction is unknown")
TRIGGER_PRICE = _code("triggers", 1602, "TRIGGER_PRICE", "the trigger price is zero or beyond the limit")
TRIGGER_TRAIL = _code(
    "triggers", 1603, "TRIGGER_TRAIL", "a trailing trigger has no such offset, limit or trigger price, or no price yet"
)
TRIGGER_REACHED = _code("triggers", 1604, "TRIGGER_REACHED", "the price is there already: place the order itself")
TRIGGER_LIMIT = _code("triggers", 1605, "TRIGGER_LIMIT", "the account has as many triggers as it may")
TRIGGER_CLIENT_ID_USED = _code(
    "triggers", 1606, "TRIGGER_CLIENT_ID_USED", "a trigger of this account has this client id"
)
TRIGGER_NOT_FOUND = _code("triggers", 1607, "TRIGGER_NOT_FOUND", "the account has no such trigger")
SWITCH_TIME = _code("triggers", 1608, "SWITCH_TIME", "the switch would act at once")

# oracle
ORACLE_RECORD = _code("oracle", 704, "ORACLE_RECORD", "the votes of the height before are missing, wrong or too few")

ORACLE_UNTRUSTED = _code(
    "oracle", 705, "ORACLE_UNTRUSTED", "a price that this needs cannot be trusted now; cancelling and reducing go on"
)

# validators
VALIDATOR_NOT_AUTHORITY = _code(
    "validators", 2100, "VALIDATOR_NOT_AUTHORITY", "only the authority of a test network may change the validators"
)
VALIDATOR_KEY = _code(
    "validators", 2101, "VALIDATOR_KEY", "no Ed25519 key of 32 bytes, of the prime order, or a power beyond the limit"
)
VALIDATOR_UNKNOWN = _code("validators", 2102, "VALIDATOR_UNKNOWN", "no validator has this key")
VALIDATOR_LAST = _code("validators", 2103, "VALIDATOR_LAST", "one validator must remain")
VALIDATOR_LIMIT = _code("validators", 2104, "VALIDATOR_LIMIT", "more validators or power than there may be")
VALIDATOR_NONE = _code("validators", 2105, "VALIDATOR_NONE", "the chain began without validators, and goes on without")

# fees
FEES_REFERRER = _code("fees", 1901, "FEES_REFERRER", "nobody refers itself, nor whom it was sent by")
FEES_REFERRER_SET = _code("fees", 1902, "FEES_REFERRER_SET", "the owner has named its referrer already")
FEES_REFERRER_UNKNOWN = _code("fees", 1903, "FEES_REFERRER_UNKNOWN", "the referrer has no account 0 to be paid on")

# breakers
BREAKER_ORDER_BAND = _code(
    "breakers", 2001, "BREAKER_ORDER_BAND", "the limit is more aggressive than the market's band around the mark allows"
)
BREAKER_OPEN_INTEREST = _code(
    "breakers", 2002, "BREAKER_OPEN_INTEREST", "the fills would bring open interest beyond the market's cap"
)

BREAKER_WITHDRAWALS = _code(
    "breakers", 2003, "BREAKER_WITHDRAWALS", "more than may leave the chain in an hour or a day; wait, or take less"
)

BREAKER_REDUCE_ONLY = _code(
    "breakers", 2004, "BREAKER_REDUCE_ONLY", "insurance does not cover the stress test: only orders that reduce now"
)

# queries
QUERY_PATH = _code("query", 801, "QUERY_PATH", "no such query path")
QUERY_HEIGHT = _code("query", 802, "QUERY_HEIGHT", "this node does not hold that height")
QUERY_PROOF = _code("query", 803, "QUERY_PROOF", "no proof of this form exists for the record")
QUERY_VOLATILITY = _code("query", 804, "QUERY_VOLATILITY", "the underlying has no volatility, or not one like that")
QUERY_LIMIT = _code("query", 805, "QUERY_LIMIT", "the question supposes more than one answer may cost")
QUERY_PRICE = _code("query", 806, "QUERY_PRICE", "a supposed price or size is zero or beyond the limit")
QUERY_ACTION = _code("query", 807, "QUERY_ACTION", "an action that cannot be supposed")

# mempool: the envelope may be good, but not here and now
MEMPOOL_FULL = _code("mempool", 32001, "MEMPOOL_FULL", "the mempool is full; try again soon")
MEMPOOL_ACCOUNT_QUOTA = _code("mempool", 32002, "MEMPOOL_ACCOUNT_QUOTA", "the account has too many envelopes waiting")
MEMPOOL_DUPLICATE = _code(
    "mempool", 901, "MEMPOOL_DUPLICATE", "this envelope, or another with this nonce, is waiting already"
)

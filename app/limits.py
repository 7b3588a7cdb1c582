"""Every bound of the chain in one place. Nothing that a user sends can make more work than these allow."""

MAX_ENVELOPE_BYTES = 65_536
MAX_AGENTS = 8  # of an account
MAX_AGENT_JUMP = 1 << 40  # of an agent above the account's highest nonce: it cannot use up the owner's nonces
MAX_ACTIONS = 256

NONCE_WINDOW = 256
MAX_NONCE_JUMP = (
    1 << 48
)  # a client's slip cannot use up the nonces; clocks in nanoseconds x 1 do not fit, milliseconds do
MAX_NONCE = (1 << 63) - 1

MAX_OPEN_ORDERS = 200  # an account, over all markets
MAX_ACCOUNT_MARKETS = 128  # that an account holds positions or open orders in: whoever meets it asks for all of them
MAX_FILLS = 100  # an action
MAX_REMOVALS = 50  # makers that an action may remove on its way

MAX_PRICE_QUANTA = 1 << 50
MAX_ORDER_LOTS = 1 << 40
MAX_ORDER_NOTIONAL_QUANTA = 10**17  # one hundred billion USD

MAX_VAULT_QUANTA = 10**17
MAX_CASH_QUANTA = 1 << 62  # half of what a signed 64-bit field holds
MIN_NEW_ACCOUNT_QUANTA = 1_000_000  # one USD opens an account: records are not free

MAX_ASSETS = 16  # besides the quote currency
MAX_ASSET_DECIMALS = 18
MAX_ASSET_UNITS = 1 << 62

MAX_DESTINATION_BYTES = 64
MAX_MARKETS = 1_000
MAX_TIME_NS = 1 << 62  # the year 2116
MAX_AUCTION_NS = 7 * 86_400 * 10**9
SETTLEMENT_WINDOW_NS = 1_800 * 10**9
MAX_DEAD_NS = 3 * 86_400 * 10**9  # without a price, before a market is wound up
MAX_SETTLEMENT_WAIT_NS = 86_400 * 10**9  # for a price that can be trusted
MAX_SETTLED_ORDERS = 1_000  # a market and block
MAX_SETTLED_ACCOUNTS = 500  # a market, side and block
MAX_UNCROSS_FILLS = 5_000  # a market and block
MAX_UNCROSS_ASKED = 50_000  # positions margined together that are asked about; a market and block
MAX_UNCROSS_ROUNDS = 8  # plans of one uncrossing; each of them but the last removes who cannot carry its part
MAX_IMPACT_ORDERS = 1_000  # of a side that the premium of funding looks at
MAX_FUNDING_STEP_NS = 30 * 10**9  # a longer time between two blocks counts as this
MAX_SERIES = 1_000  # of an underlying, at once
MAX_LISTED_A_BLOCK = 20  # of an underlying
MAX_REMOVED_A_BLOCK = 50  # series
SERIES_COST = 10  # accounts' closings that the closing of a series counts for, however few hold it
MAX_PROTECTIONS_DROPPED = 500  # a series and block
FIRST_SERIES = 10_000  # the number of the first option
LAST_SERIES = (1 << 24) - 1  # order ids hold no greater number of a market
ARRAYS_A_BLOCK = 200  # whose anchors a block moves
MAX_PORTFOLIO_ROWS = 64
IDLE_BLOCKS = 16  # an option that nobody is in is marked in one of so many blocks
MAX_MARGIN_TIERS = 7  # beyond the first
MAX_ACCOUNT_NUMBER = (1 << 32) - 1
MAX_EXPIRED_A_BLOCK = 500  # orders
MAX_COMBO_LEGS = 8
MAX_BLOCK_LEGS = 8
MIN_BLOCK_QUANTA = 10_000_000_000  # a leg of a block trade, at the index
MAX_PEAKS = 50  # of an iceberg order
MAX_GROUP = 4  # orders and triggers that cancel one another
MAX_PEGGED_A_MARKET = 100
MAX_PEG_OFFSET_TICKS = 1_000_000
MAX_MOVED_A_BLOCK = 500  # pegged orders
MAX_CLEARED_A_BLOCK = 1_000  # orders of accounts whose protection tripped
MAX_WINDOW_NS = 86_400_000_000_000  # of a protection: a day
MAX_FREEZE_NS = 7 * MAX_WINDOW_NS
MAX_SWITCHES_A_BLOCK = 10  # accounts: up to 200 orders and 50 triggers each
MAX_TRIGGERS = 50  # an account, over all markets
MAX_FIRED_A_BLOCK = 100
MAX_FOLLOWED_A_BLOCK = 500
MAX_EXPIRED_TRIGGERS_A_BLOCK = 200

LIQUIDATIONS_A_BLOCK = 100  # accounts of which something is closed; these three are split over the markets
LIQUIDATION_LOOKS = 400  # short accounts looked at
LIQUIDATION_FILLS = 400  # fills on the book after which no further account is begun
LIQUIDATION_MARKETS = 4  # markets of one account that one block closes on the book
LIQUIDATION_PART = 4  # a block closes a quarter of a position,
LIQUIDATION_LEAST_QUANTA = 10_000_000_000  # or ten thousand USD of it if that is more
WHOLE_HELD = 16  # positions of an account margined together that are asked what closing them frees, or closed at once
WHOLE_LOOKS = 800  # what such accounts count for that a block looks at, over all markets
HEDGE_HELD = 16  # options of a portfolio and underlying that the search for a hedge looks at,
HEDGE_MARKETS = 4  # perpetuals and futures on it,
HEDGE_TRIES = 3  # and orders that it sends until one is filled
REDUCTION_ASKED = 4_000  # looks at holders that a reduction asks at once, the greatest profits first
REDUCTION_HOLDERS = 20_000  # looks at holders after which no further market is reduced
AUCTION_NS = 900_000_000_000  # a quarter of an hour
DAY_NS = 86_400_000_000_000

QUARANTINE_NS = 86_400_000_000_000  # how long a market in quarantine stays open for cancels and reductions

MIN_BAND_PPM = 1_000  # a tenth of a percent; these bound what genesis may say of breakers
MAX_BAND_PPM = 1_000_000
MIN_HALT_NS = 1_000_000_000
MAX_HALT_WINDOW_NS = 3_600 * 10**9
MAX_HALT_EXTENSIONS = 20
MAX_SWEEP_ACCOUNTS = 1_000  # a block
MAX_STRESS_PPM = 500_000
MIN_GAP_NS = 5 * 10**9
MAX_GAP_NS = 3_600 * 10**9
MAX_WITHDRAW_HOUR_QUANTA = 10**14  # a hundred million USD
MAX_WITHDRAW_HOUR_PPM = 250_000
MAX_WITHDRAW_DAY_QUANTA = 5 * 10**14
MAX_WITHDRAW_DAY_PPM = 500_000
MAX_BANDED_A_BLOCK = 1_000  # orders that only meet outside of the band, of a market that comes out of an auction

MAX_FEE_TIERS = 16
MAX_REFERRAL_PPM = 500_000  # of what the maker's rebate leaves of a taker's fee

MAX_QUESTION_PARTS = 64  # prices, trades and actions that a question may suppose
MAX_SHOCKS = 32  # of one stress test
MAX_SCENARIOS = 400  # prices x volatilities of one table,
MAX_SCENARIO_POSITIONS = 13_440  # and these x positions: 105 of an account in as many markets as there may be
MAX_QUESTION_GAS = 20_000_000  # that these actions may use; about as many nanoseconds

MAX_BLOCK_TXS = 20_000

MAX_VALIDATORS = 150
MAX_TOTAL_POWER = 1 << 50  # CometBFT's own bound is 2^60
MAX_FEEDS = 100
MAX_FEED_DECIMALS = 18
MAX_FEED_PRICE = 1 << 50
MAX_MOVE_PPM = 1_000_000_000  # of a feed, a block or a second
MAX_FEED_NS = 30 * 86_400 * 10**9  # ages and warm-up
MAX_MARK_BAND_PPM = 200_000  # a fifth of the index
MAX_EXTENSION_BYTES = 2_048
MAX_PILLARS = 32  # of one vote
PILLAR_POINTS = 7
MAX_PILLAR_E9 = 100_000_000_000  # a forward at a hundred times the price, a total variance of a hundred
MAX_EXPIRY_S = 1 << 33

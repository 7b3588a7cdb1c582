"""Gas: what work costs. One gas is about a nanosecond of the reference machine, so a block's gas bounds its time.

The table is measured by `python -m tests.bench gas`; GAS-001 ff. in README.md.
"""

from app.errors import TX_OUT_OF_GAS, ChainError

ENVELOPE = 120_000  # decode, signature, nonce, fee: paid once an envelope
BYTE = 20
ACTION = 2_000  # dispatch, savepoint, result
PLACE = 15_000
COMBO = 20_000  # its savepoint and its margin, besides PLACE for each leg
BLOCK = 130_000  # a second signature and the margin of both sides; 2 FILL more for each leg of a block trade
CANCEL = 8_000
REPLACE = 20_000
TRANSFER = 14_000
FLOW = 10_000  # the limiter of withdrawals, besides TRANSFER
STATUS = 4_000
VALIDATOR = 100_000  # the whole set is decoded, ordered and encoded
REFER = 14_000
BID = 50_000  # a bid in an auction: two standings before and two after; FILL more for each side of each market taken
MEET = 6_000  # each maker met on the way, before it is looked at
FILL = 20_000  # each fill, of which MEET is paid already: two accounts, two orders, one event
REMOVAL = 10_000  # each own order met
POSITION = 1_000  # each position of an account whose margin is asked
MODE = 20_000  # another margin mode, besides TOGETHER for each position, twice
TOGETHER = 12_000  # and where positions are margined together: options, portfolios
ORDER_IN_RECORD = 120  # each open order of an account whose orders change: its record is encoded whole
GUARD = 20_000  # set a protection or a switch
PEG = 20_000  # find the first price of a pegged order
MOVE = 40_000  # a pegged order follows: paid at each move, from the account
TRIGGER = 20_000  # file it, and take it away again
FIRE = 60_000  # its order, with a fill or two: paid when it is placed
FOLLOW = 15_000  # a trailing trigger moves by a step: sixteen are paid when it is placed
TRIGGER_IN_RECORD = 200  # each trigger of an account whose triggers change


LEAST_SHARE = 4
ENVELOPES_A_BLOCK = 16  # at least so many fit, so that no single one can take a block


class GasMeter:
    """Counts gas of one envelope up to its limit."""

    __slots__ = ("limit", "used")

    def __init__(self, limit: int) -> None:
        self.limit = limit
        self.used = 0

    def charge(self, gas: int) -> None:
        """Add `gas`. GAS-002: raises TX_OUT_OF_GAS, with `used` at the limit, when it does not fit."""
        self.used += gas
        if self.used > self.limit:
            self.used = self.limit
            raise ChainError(TX_OUT_OF_GAS, gas_limit=self.limit)


def intrinsic_gas(size_bytes: int, actions: int) -> int:
    """GAS-001: the least an envelope of `size_bytes` with `actions` actions costs, whatever they are."""
    return ENVELOPE + BYTE * size_bytes + ACTION * actions


def charged_gas(used: int, limit: int) -> int:
    """GAS-005: the gas that is paid: what was used, and at least a quarter of the limit, because a limit takes up room
    in the block whether it is used or not.
    """
    return max(used, limit // LEAST_SHARE)


def most_gas(block_gas: int) -> int:
    """ADM-002: the most one envelope may ask for: a sixteenth of a block's gas."""
    return block_gas // ENVELOPES_A_BLOCK

"""REMOVE with staking: the validator set by the word of one authority, for test networks only."""

from app.context import Context
from app.errors import VALIDATOR_KEY, VALIDATOR_NOT_AUTHORITY, ChainError
from app.gas import VALIDATOR
from app.limits import MAX_TOTAL_POWER
from app.params import is_authority
from app.validators.state import change
from novation.v1 import tx_pb2


def handle_set_validator(ctx: Context, account: bytes, action: tx_pb2.SetValidator) -> tx_pb2.ActionResult:
    """VAL-004: the authority of a test network gives a key a voting power, 0 to take it out, from two blocks on.

    Raises VALIDATOR_NOT_AUTHORITY, VALIDATOR_KEY, VALIDATOR_NONE, VALIDATOR_UNKNOWN, VALIDATOR_LAST, VALIDATOR_LIMIT.
    """
    ctx.gas.charge(VALIDATOR)
    if not is_authority(ctx.params, account):
        raise ChainError(VALIDATOR_NOT_AUTHORITY, owner=account[:20])
    if len(action.public_key) != 32 or action.power > MAX_TOTAL_POWER:
        raise ChainError(VALIDATOR_KEY, bytes=len(action.public_key), power=action.power)
    change(ctx, action.public_key, action.power)
    return tx_pb2.ActionResult()

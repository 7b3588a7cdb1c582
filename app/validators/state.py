"""Access to the validator sets."""

from collections.abc import Sequence

from app.context import Context
from app.errors import (
    VALIDATOR_KEY,
    VALIDATOR_LAST,
    VALIDATOR_LIMIT,
    VALIDATOR_NONE,
    VALIDATOR_UNKNOWN,
    ChainError,
    GenesisError,
)
from app.kernel.signatures import is_validator_key
from app.limits import MAX_TOTAL_POWER, MAX_VALIDATORS
from app.validators.types import SETS_KEY, Validator, ValidatorSet, ValidatorSets, ordered

DELAY_BLOCKS = 2  # CometBFT: what block H changes is in force from H + 2 on


def load_validators(ctx: Context, initial_height: int, validators: Sequence[tuple[bytes, int]]) -> None:
    """VAL-001, VAL-005: the set that CometBFT begins with. Raises GenesisError."""
    rows = [Validator(public_key, power) for public_key, power in validators]
    if len(rows) > MAX_VALIDATORS or len({row.public_key for row in rows}) != len(rows):
        raise GenesisError(f"validators: at most {MAX_VALIDATORS}, each once")
    if any(row.power <= 0 or not is_validator_key(row.public_key) for row in rows):
        raise GenesisError("validators: Ed25519 keys, each a point of the prime order, with powers above 0")
    if sum(row.power for row in rows) > MAX_TOTAL_POWER:
        raise GenesisError(f"validators: powers of more than {MAX_TOTAL_POWER} together")
    ctx.validators.put(SETS_KEY, ValidatorSets((ordered(initial_height, rows),) if rows else ()))


def set_at(ctx: Context, height: int) -> ValidatorSet | None:
    """VAL-001: the set in force at a height, None before the first block. Reaches back to the height before the last
    committed one.
    """
    record = ctx.validators.get(SETS_KEY)
    for one in reversed(record.sets if record else ()):
        if one.height <= height:
            return one
    return None


def change(ctx: Context, public_key: bytes, power: int) -> None:
    """VAL-003, VAL-005: from two blocks on `public_key` has this power; 0 takes it out. Changes of one block add up.

    Raises VALIDATOR_NONE on a chain that has no set, VALIDATOR_UNKNOWN when nobody is taken out, VALIDATOR_KEY,
    VALIDATOR_LAST, VALIDATOR_LIMIT.
    """
    record = ctx.validators.get(SETS_KEY)
    sets = record.sets if record else ()
    if not sets:
        raise ChainError(VALIDATOR_NONE)
    rows = {row.public_key: row for row in sets[-1].validators}
    if public_key not in rows:
        if not power:
            raise ChainError(VALIDATOR_UNKNOWN, public_key=public_key)
        if not is_validator_key(public_key):
            raise ChainError(VALIDATOR_KEY, public_key=public_key)
    rows.pop(public_key, None)
    if power:
        rows[public_key] = Validator(public_key, power)
    if not rows:
        raise ChainError(VALIDATOR_LAST)
    total = sum(row.power for row in rows.values())
    if len(rows) > MAX_VALIDATORS or total > MAX_TOTAL_POWER:
        raise ChainError(VALIDATOR_LIMIT, validators=len(rows), power=total)
    latest = ordered(ctx.height + DELAY_BLOCKS, list(rows.values()))
    kept = tuple(one for one in sets if one.height < latest.height)
    ctx.validators.put(SETS_KEY, ValidatorSets((*_needed(kept, ctx.height), latest)))


def _needed(sets: tuple[ValidatorSet, ...], height: int) -> tuple[ValidatorSet, ...]:
    """Without those that a later one replaced before the height whose votes the running block holds."""
    for place in range(len(sets) - 1, 0, -1):
        if sets[place].height < height:
            return sets[place:]
    return sets


def updates(ctx: Context) -> list[tuple[bytes, int]]:
    """VAL-003: what CometBFT must be told of the running block's changes: (key, power), ascending by key."""
    record = ctx.validators.get(SETS_KEY)
    if record is None or len(record.sets) < 2 or record.sets[-1].height != ctx.height + DELAY_BLOCKS:
        return []
    before = {row.public_key: row.power for row in record.sets[-2].validators}
    after = {row.public_key: row.power for row in record.sets[-1].validators}
    return [(key, after.get(key, 0)) for key in sorted(before.keys() | after) if before.get(key) != after.get(key)]

"""Who validates, from which height on."""

from dataclasses import dataclass
from typing import NamedTuple

from app.kernel.hashing import ADDRESS_SIZE, sha
from novation.v1 import state_pb2

SETS_KEY = b"sets"


class Validator(NamedTuple):
    """An Ed25519 key (32 bytes) and its voting power."""

    public_key: bytes
    power: int

    @property
    def address(self) -> bytes:
        """CometBFT's address of the key: 20 bytes."""
        return sha(self.public_key)[:ADDRESS_SIZE]


class ValidatorSet(NamedTuple):
    """Validators in force from `height` on, in CometBFT's order: the strongest first, equal ones by address."""

    height: int
    validators: tuple[Validator, ...]

    @property
    def power(self) -> int:
        """The power of all."""
        return sum(validator.power for validator in self.validators)


@dataclass(slots=True)
class ValidatorSets:
    """The sets that are or will be in force, ascending by height, and the one before them."""

    sets: tuple[ValidatorSet, ...] = ()
    stamp: int = 0

    def copy(self) -> "ValidatorSets":
        """A copy that may be changed."""
        return ValidatorSets(self.sets)


def ordered(height: int, validators: list[Validator]) -> ValidatorSet:
    """VAL-001: a set in CometBFT's order."""
    return ValidatorSet(height, tuple(sorted(validators, key=lambda one: (-one.power, one.address))))


def encode(record: ValidatorSets) -> bytes:
    """Deterministic record bytes."""
    message = state_pb2.ValidatorSets()
    for one in record.sets:
        rows = [state_pb2.Validator(public_key=row.public_key, power=row.power) for row in one.validators]
        message.sets.add(height=one.height, validators=rows)
    return message.SerializeToString(deterministic=True)


def decode(_key: bytes, data: bytes) -> ValidatorSets:
    """The inverse of `encode`."""
    message = state_pb2.ValidatorSets.FromString(data)
    return ValidatorSets(
        tuple(
            ValidatorSet(one.height, tuple(Validator(row.public_key, row.power) for row in one.validators))
            for one in message.sets
        )
    )

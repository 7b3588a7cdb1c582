"""Validators of tests: their keys, and the record of votes that a block begins with."""

import base64
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from nacl.signing import SigningKey

from app.oracle.checks import CommitVote
from app.oracle.record import Record, Signed, encode_record
from app.oracle.types import Vote
from app.oracle.votes import encode_extension, sign_bytes
from app.validators.types import Validator, ordered
from tests.helpers.builders import CHAIN_ID, Person


@dataclass
class Voters:
    """A validator set with its keys, known by name: the same in every run. `order` is that of the set."""

    names: Sequence[str] = ("validator",)
    powers: Sequence[int] = (10,)
    chain_id: str = CHAIN_ID
    keys: dict[bytes, SigningKey] = field(init=False)
    order: list[Validator] = field(init=False)

    def __post_init__(self) -> None:
        people = [Person(name) for name in self.names]
        self.keys = {person.public_key: person.key for person in people}
        rows = [Validator(person.public_key, power) for person, power in zip(people, self.powers, strict=True)]
        self.order = list(ordered(1, rows).validators)

    @property
    def genesis(self) -> list[tuple[bytes, int]]:
        """What InitChain is told."""
        return [(one.public_key, one.power) for one in self.order]

    def sign(self, place: int, vote: Vote, height: int, round_: int = 0) -> Signed:
        """The vote of the validator at `place` for `height`, signed."""
        message = sign_bytes(self.chain_id, height, round_, encode_extension(vote))
        return Signed(place, vote, self.keys[self.order[place].public_key].sign(message).signature)

    def commit(self, height: int, vote: Vote) -> list[CommitVote]:
        """The commit of `height` with the same vote of all, as CometBFT tells it to a proposer; none before block 1."""
        return self.told_commit([self.sign(place, vote, height) for place in range(len(self.order) if height else 0)])

    def told_commit(self, signed: Sequence[Signed]) -> list[CommitVote]:
        """Signed votes as CometBFT tells them."""
        addresses = [one.address for one in self.order]
        return [CommitVote(addresses[one.place], encode_extension(one.vote), one.signature) for one in signed]

    def record(self, height: int, votes: Mapping[int, Vote] | Vote, round_: int = 0) -> bytes:
        """The record of `height`: a vote for each place, or one that all cast."""
        if isinstance(votes, Vote):
            votes = dict.fromkeys(range(len(self.order)), votes)
        signed = [self.sign(place, votes[place], height, round_) for place in sorted(votes)]
        return encode_record(Record(round_, tuple(signed)))


def told(genesis: Mapping[str, Any]) -> list[tuple[bytes, int]]:
    """The validators of a genesis.json of CometBFT, as InitChain is told of them."""
    return [(base64.b64decode(one["pub_key"]["value"]), int(one["power"])) for one in genesis["validators"]]


NOBODY = Voters((), ())


def prices(by_feed: Mapping[int, int]) -> Vote:
    """A vote of these prices."""
    feeds = sorted(by_feed)
    return Vote(tuple(feeds), tuple(by_feed[feed] for feed in feeds))

"""Whose votes a record holds, and whether they are enough: made by a proposer, checked by everybody."""

from collections.abc import Callable, Iterable
from typing import NamedTuple

from app.kernel.signatures import verify_vote
from app.limits import MAX_EXTENSION_BYTES
from app.oracle.record import Record, Signed, decode_record, encode_record
from app.oracle.types import Reported, Vote, Votes
from app.oracle.votes import encode_extension, sign_bytes
from app.validators.rules import is_quorum
from app.validators.types import ValidatorSet

Verify = Callable[[bytes, bytes, bytes], bool]
Decode = Callable[[bytes], Vote | None]


class CommitVote(NamedTuple):
    """A precommit for a block with its extension, as CometBFT gives it to a proposer."""

    address: bytes
    extension: bytes
    signature: bytes


class Voters(NamedTuple):
    """Who could vote at a height, and what their signatures are over besides the extension."""

    chain_id: str
    height: int
    validators: ValidatorSet


def make_record(
    commit: Iterable[CommitVote], round_: int, voters: Voters, verify: Verify, decode: Decode
) -> tuple[bytes, Votes | None]:
    """ORCL-003: the record of a commit, and its votes if these are enough. A vote that is not well-formed or not signed
    is left out: one that came late was verified by nobody. `verify` is asked first, then CometBFT's rule (ORCL-002).
    """
    rows = voters.validators.validators
    places = {one.address: place for place, one in enumerate(rows)}
    kept: dict[int, Signed] = {}
    for cast in commit:
        place, vote = places.get(cast.address), decode(cast.extension)
        if place is None or vote is None:
            continue
        message = sign_bytes(voters.chain_id, voters.height, round_, cast.extension)
        if verify_vote(rows[place].public_key, message, cast.signature, verify):
            kept[place] = Signed(place, vote, cast.signature)
    record = Record(round_, tuple(kept[place] for place in sorted(kept)))
    return encode_record(record), votes_of(record, voters)


def votes_of(record: Record, voters: Voters) -> Votes | None:
    """ORCL-003: the votes of a record of places in the set, or None when they are no quorum."""
    rows, total = voters.validators.validators, voters.validators.power
    cast = [Reported(rows[one.place].address, rows[one.place].power, one.vote) for one in record.votes]
    enough = is_quorum(sum(one.power for one in cast), total)
    return Votes(total, tuple(row.address for row in rows), cast, record.round) if enough else None


def check_record(data: bytes, voters: Voters, verify: Verify) -> tuple[Votes | None, str]:
    """ORCL-003: the votes of a record, or None and why no correct proposer can have made it."""
    record = decode_record(data)
    if record is None:
        return None, "not the one encoding of well-formed votes"
    rows = voters.validators.validators
    if any(signed.place >= len(rows) for signed in record.votes):
        return None, "a vote of nobody in the set"
    votes = votes_of(record, voters)
    if votes is None:
        return None, "votes of no more than two thirds of the power"
    for signed in record.votes:
        extension = encode_extension(signed.vote)
        if len(extension) > MAX_EXTENSION_BYTES:
            return None, "a vote of more bytes than an extension may have"
        message = sign_bytes(voters.chain_id, voters.height, record.round, extension)
        if not verify_vote(rows[signed.place].public_key, message, signed.signature, verify):
            return None, f"the vote of validator {signed.place} is not signed by it"
    return votes, ""

"""When the light client trusts a header: power, signatures, steps between validator sets. Chains are made here, with
real keys, and signed as CometBFT signs; the same code meets real headers in tests/localnet/test_light_proxy.py.
"""

from collections.abc import Sequence
from dataclasses import replace
from hashlib import sha256

import pytest
from nacl.signing import SigningKey

from client.light_headers import (
    BlockId,
    Commit,
    Header,
    LightBlock,
    LightError,
    NotEnoughTrust,
    Signature,
    Validator,
    check_block,
    parse_time,
    sign_bytes,
    validators_hash,
    verify_step,
)

CHAIN = "test-chain"
SECOND = 1_000_000_000
START_NS = 1_700_000_000 * SECOND
PERIOD_NS, DRIFT_NS = 3600 * SECOND, 10 * SECOND
KEYS = [SigningKey(sha256(b"validator %d" % number).digest()) for number in range(12)]


def validators(numbers: Sequence[int], power: int = 10) -> tuple[Validator, ...]:
    return tuple(Validator(bytes(KEYS[number].verify_key), power) for number in numbers)


def block(height: int, numbers: Sequence[int], *, after: Sequence[int] | None = None,
          silent: Sequence[int] = (), **changes: object) -> LightBlock:
    """A block of the validators `numbers`, of which `silent` did not sign; the next block belongs to `after`."""
    members = validators(numbers)
    header = Header(
        block_version=11, app_version=1, chain_id=CHAIN, height=height, time_ns=START_NS + height * SECOND,
        last_block=BlockId(bytes(32), 1, bytes(32)), last_commit_hash=b"", data_hash=b"",
        validators_hash=validators_hash(members),
        next_validators_hash=validators_hash(validators(numbers if after is None else after)),
        consensus_hash=b"", app_hash=b"\x01" * 32, last_results_hash=b"", evidence_hash=b"", proposer=bytes(20))
    header = replace(header, **changes)
    return LightBlock(header, commit(header, numbers, silent), members)


def commit(header: Header, numbers: Sequence[int], silent: Sequence[int]) -> Commit:
    """The commit of a header, signed."""
    named = Commit(header.height, 0, BlockId(header.hash(), 1, b"\x02" * 32), ())
    places = []
    for number, validator in zip(numbers, validators(numbers), strict=True):
        if number in silent:
            places.append(Signature(1, b"", 0, b""))
        else:
            time_ns = header.time_ns + number
            signed = KEYS[number].sign(sign_bytes(header.chain_id, named, time_ns)).signature
            places.append(Signature(2, validator.address, time_ns, signed))
    return replace(named, signatures=tuple(places))


def step(trusted: LightBlock, new: LightBlock, now_ns: int = START_NS + 1000 * SECOND) -> None:
    verify_step(trusted, new, PERIOD_NS, now_ns, DRIFT_NS)


FIRST = block(1, range(4))


def test_next_header_and_one_far_away() -> None:
    step(FIRST, block(2, range(4)))
    step(FIRST, block(900, range(4), silent=[3]))


def test_two_thirds_are_not_enough() -> None:
    """Three of four sign: 3/4. Two of three sign: exactly two thirds, which is not more than two thirds."""
    check_block(block(2, range(4), silent=[0]), CHAIN)
    for numbers, silent in ((range(4), [0, 1]), (range(3), [0]), (range(4), range(4))):
        with pytest.raises(LightError, match="two thirds"):
            check_block(block(2, numbers, silent=silent), CHAIN)


def test_next_validators_must_be_the_announced_ones() -> None:
    step(block(1, range(4), after=[4, 5, 6, 7]), block(2, [4, 5, 6, 7]))
    with pytest.raises(LightError, match="announced"):
        step(FIRST, block(2, [4, 5, 6, 7]))


def test_skipping_needs_more_than_a_third_of_the_trusted_power() -> None:
    step(FIRST, block(9, [2, 3, 4, 5]))  # two of the four trusted ones signed
    for numbers, silent in (([3, 4, 5, 6], []), ([4, 5, 6, 7], []), ([2, 3, 4, 5, 6, 7, 1], [1, 2])):
        with pytest.raises(NotEnoughTrust):
            step(FIRST, block(9, numbers, silent=silent))


def test_one_third_exactly_is_not_enough() -> None:
    with pytest.raises(NotEnoughTrust):
        step(block(1, range(3)), block(9, [2, 3, 4, 5]))


@pytest.mark.parametrize("changes, match", [
    ({"time_ns": START_NS}, "not after"), ({"chain_id": "other"}, "of chain"),
    ({"time_ns": START_NS + 2000 * SECOND}, "future"), ({"validators_hash": bytes(32)}, "validators"),
])
def test_headers_that_are_refused(changes: dict[str, object], match: str) -> None:
    with pytest.raises(LightError, match=match):
        step(block(2, range(4)), block(3, range(4), **changes))


def test_height_must_rise() -> None:
    for height in (1, 2):
        with pytest.raises(LightError, match="not after"):
            step(block(2, range(4)), block(height, range(4), time_ns=START_NS + 500 * SECOND))


def test_old_trust_is_no_trust() -> None:
    now_ns = FIRST.header.time_ns + PERIOD_NS
    step(FIRST, block(2, range(4)), now_ns - 1)
    with pytest.raises(LightError, match="trusting period"):
        step(FIRST, block(2, range(4)), now_ns)


def test_altered_commits_are_refused() -> None:
    good = block(2, range(4))
    place = good.commit.signatures[0]
    other = block(3, range(4))
    wrong = [
        replace(good.commit, signatures=good.commit.signatures[1:] + good.commit.signatures[:1]),
        replace(good.commit, signatures=good.commit.signatures[:3]),
        replace(good.commit, signatures=(place, *[place] * 3)),
        replace(good.commit, round=1), replace(good.commit, height=3), other.commit,
        replace(good.commit, block=replace(good.commit.block, parts_total=2)),
    ]
    for commit_ in wrong:
        with pytest.raises(LightError):
            check_block(replace(good, commit=commit_), CHAIN)
    check_block(good, CHAIN)


SMALL_ORDER = b"\x01" + bytes(31)  # a key, and the first half of a signature by it, that hold for any message


def altered(good: LightBlock, **changes: object) -> LightBlock:
    """The block with another first place in its commit."""
    first, *rest = good.commit.signatures
    return replace(good, commit=replace(good.commit, signatures=(replace(first, **changes), *rest)))


def test_signatures_that_do_not_verify_count_for_nothing() -> None:
    """Three of four are enough, whatever the first one's place holds; with another silent they are not."""
    enough, too_few = block(2, range(4)), block(2, range(4), silent=[3])
    assert len(check_block(enough, CHAIN)) == 4
    assert len(check_block(too_few, CHAIN)) == 3
    place = enough.commit.signatures[0]
    forged = bytes([place.signature[0] ^ 1]) + place.signature[1:]
    for changes in ({"signature": forged}, {"signature": b"short"}, {"signature": SMALL_ORDER + bytes(32)},
                    {"time_ns": place.time_ns + 1}):
        assert len(check_block(altered(enough, **changes), CHAIN)) == 3
        with pytest.raises(LightError, match="two thirds"):
            check_block(altered(too_few, **changes), CHAIN)


def test_a_key_of_small_order_counts_for_nothing() -> None:
    """ZIP-215, and so CometBFT, takes it as a signature of anything: 30 of 40 without it are enough, 20 of 30 not."""
    for numbers, passes in ((range(3), True), (range(2), False)):
        weak = Validator(SMALL_ORDER, 10)
        members = (*validators(numbers), weak)
        made = block(2, numbers)
        header = replace(made.header, validators_hash=validators_hash(members))
        places = commit(header, numbers, ()).signatures
        place = Signature(2, weak.address, header.time_ns, SMALL_ORDER + bytes(32))
        signed = LightBlock(header, replace(commit(header, numbers, ()), signatures=(*places, place)), members)
        if passes:
            assert check_block(signed, CHAIN) == {validator.address for validator in validators(numbers)}
        else:
            with pytest.raises(LightError, match="two thirds"):
                check_block(signed, CHAIN)


def test_only_signatures_that_verify_carry_trust_over() -> None:
    """Of the two trusted ones that signed, one did not: a third of nothing is no trust."""
    far = block(9, [2, 3, 4, 5])
    step(FIRST, far)
    with pytest.raises(NotEnoughTrust):
        step(FIRST, altered(far, signature=bytes(64)))


def test_altered_headers_and_validators_are_refused() -> None:
    good = block(2, range(4))
    for name in ("app_hash", "data_hash", "last_commit_hash", "next_validators_hash", "consensus_hash",
                 "last_results_hash", "evidence_hash", "proposer"):
        with pytest.raises(LightError, match="another header"):
            check_block(replace(good, header=replace(good.header, **{name: b"\x09" * 32})), CHAIN)
    heavier = (replace(good.validators[0], power=11), *good.validators[1:])
    for members in (heavier, good.validators[::-1], good.validators[:3], validators([0, 1, 2, 7])):
        with pytest.raises(LightError, match="validators"):
            check_block(replace(good, validators=members), CHAIN)


def test_sign_bytes_by_hand() -> None:
    """CanonicalVote, field by field: type 2, height and round as fixed 64-bit numbers, block id, time, chain id."""
    vote = Commit(1, 2, BlockId(b"\xaa" * 32, 3, b"\xbb" * 32), ())
    expected = (b"\x08\x02" + b"\x11" + (1).to_bytes(8, "little") + b"\x19" + (2).to_bytes(8, "little")
                + b"\x22\x48\x0a\x20" + b"\xaa" * 32 + b"\x12\x24\x08\x03\x12\x20" + b"\xbb" * 32
                + b"\x2a\x05\x08\x05\x10\xac\x02" + b"\x32\x01c")
    assert sign_bytes("c", vote, 5 * SECOND + 300) == bytes([len(expected)]) + expected


def test_times() -> None:
    assert parse_time("1970-01-01T00:00:01Z") == SECOND
    assert parse_time("1970-01-01T00:00:01.5Z") == SECOND + 500_000_000
    assert parse_time("1970-01-01T00:00:01.000000001Z") == SECOND + 1
    assert parse_time("0001-01-01T00:00:00Z") == 0
    for text in ("", "1970-01-01", "1970-01-01T00:00:01+01:00", "1970-01-01T00:00:01.1234567890Z"):
        with pytest.raises(LightError):
            parse_time(text)

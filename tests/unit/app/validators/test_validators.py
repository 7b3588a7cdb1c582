"""Validators: their order, a quorum of them, changes of the set and from which height on its votes count."""

import json
from random import Random

import pytest

from app.chain import Block, BlockResult, Chain
from app.errors import GenesisError
from app.limits import MAX_TOTAL_POWER, MAX_VALIDATORS
from app.store.view import DictReader
from app.validators.rules import is_quorum
from app.validators.state import set_at
from app.validators.types import Validator, ordered
from novation.v1 import tx_pb2
from tests.helpers import builders as b
from tests.helpers.builders import ALICE, BTC, MARK_QUANTA, ORACLE, Person
from tests.helpers.driver import Driver
from tests.helpers.votes import NOBODY, Voters, prices
from tests.vectors import ed25519

MARK = MARK_QUANTA[BTC]
NAMES = tuple(f"validator {number}" for number in range(5))
KEYS = [Person(name).public_key for name in NAMES]


def voters(powers: dict[str, int]) -> Voters:
    """Those with these powers, by name."""
    return Voters(tuple(powers), tuple(powers.values()))


def set_power(name: str, power: int) -> tx_pb2.Action:
    """An action for a validator that is known by name."""
    return b.set_validator(Person(name).public_key, power)


def in_force(driver: Driver, height: int) -> dict[bytes, int]:
    """Powers by key of the set of a height."""
    found = set_at(driver.chain.view, height)
    assert found is not None
    return {one.public_key: one.power for one in found.validators}


def brought(driver: Driver, by: Voters, price: int) -> BlockResult:
    """What the next block would be, did these voters vote for a price; nothing is committed."""
    txs = [by.record(driver.height, prices({BTC: price}))]
    return driver.chain.finalize(Block(driver.height + 1, driver.time_ns + 1, txs))


def is_refused(driver: Driver, by: Voters) -> bool:
    """Whether a record of these voters is nothing worth for the next block: for who proposes, checks and executes."""
    result = brought(driver, by, 2 * MARK)
    assert result.record is not None
    refused = result.record.code != 0
    assert refused == (result.record.result.reason == "ORACLE_RECORD")
    assert refused != any(event.HasField("mark_price_set") for event in result.events)
    why = driver.chain.process([by.record(driver.height, prices({BTC: MARK}))])
    assert refused == why.startswith("votes:"), why
    return refused


def test_val_001_the_strongest_first() -> None:
    """VAL-001: by power, equal ones by address, the first 20 bytes of the key's SHA-256."""
    rows = [Validator(key, power) for key, power in zip(KEYS, (3, 7, 3, 9, 3), strict=True)]
    found = ordered(1, rows).validators
    assert [one.power for one in found] == [9, 7, 3, 3, 3]
    equal = [one.address for one in found[2:]]
    assert equal == sorted(equal) and {len(address) for address in equal} == {20}
    assert set(found) == set(rows)


@pytest.mark.parametrize(("rows", "message"), [
    ([(KEYS[0], 1), (KEYS[0], 2)], "each once"),
    ([(number.to_bytes(32, "big"), 1) for number in range(MAX_VALIDATORS + 1)], "at most 150"),
    ([(KEYS[0][:31], 1)], "Ed25519"), ([(KEYS[0], 0)], "above 0"), ([(KEYS[0], -1)], "above 0"),
    ([(KEYS[0], MAX_TOTAL_POWER), (KEYS[1], 1)], "together"),
])
def test_val_001_no_other_set_begins(rows: list[tuple[bytes, int]], message: str) -> None:
    """VAL-001: what CometBFT says at InitChain is checked."""
    with pytest.raises(GenesisError, match=message):
        Chain(DictReader()).init_chain("test", 1, 1, b.genesis(), rows)


def test_val_001_a_chain_may_begin_at_any_height() -> None:
    """VAL-001: the first set is in force from the first block on, and from no height before."""
    chain = Chain(DictReader())
    chain.init_chain(b.CHAIN_ID, 1, 40, b.genesis(), voters({NAMES[0]: 10}).genesis)
    assert set_at(chain.view, 39) is None
    assert [one.public_key for one in set_at(chain.view, 40).validators] == [KEYS[0]]


@pytest.mark.parametrize(("power", "total", "enough"), [
    (20, 30, False), (21, 30, True), (2, 3, False), (3, 3, True), (0, 0, False), (1, 1, True)])
def test_val_002_more_than_two_thirds(power: int, total: int, enough: bool) -> None:
    """VAL-002: of 30, 20 is none and 21 is one."""
    assert is_quorum(power, total) == enough


def test_val_002_a_record_needs_a_quorum() -> None:
    """VAL-002: of powers 10, 10 and 10 the votes of two bring nothing, those of all three do."""
    three = voters(dict.fromkeys(NAMES[:3], 10))
    driver = Driver(voters=three)
    driver.run([])
    vote = prices({BTC: MARK + 500})
    for places, reason in (((0, 1), "ORACLE_RECORD"), ((0, 1, 2), "")):
        record = three.record(driver.height, dict.fromkeys(places, vote))
        result = driver.chain.finalize(Block(driver.height + 1, driver.time_ns + 1, [record]))
        assert result.record is not None and result.record.result.reason == reason


def test_val_003_from_two_blocks_on() -> None:
    """VAL-003, VAL-001: block H tells CometBFT; block H + 3 is the first whose record, the votes of height H + 2, the
    new set makes; before, only the old one can, and afterwards it cannot.
    """
    old, new = voters({NAMES[0]: 10}), voters({NAMES[1]: 40})
    driver = Driver(voters=old)
    driver.run([])
    change = driver.envelope(ORACLE, set_power(NAMES[1], 40), set_power(NAMES[0], 0))
    result = driver.run([change])
    changed = driver.height
    assert result.validator_updates == sorted([(KEYS[0], 0), (KEYS[1], 40)])
    for _ in range(2):
        driver.restart()
        assert not is_refused(driver, old) and is_refused(driver, new)
        assert driver.run([]).validator_updates == []
    assert driver.height == changed + 2
    driver.voters = new
    for _ in range(3):
        driver.restart()
        assert not is_refused(driver, new) and is_refused(driver, old)
        driver.mark(MARK + 500 * driver.height)
        assert driver.run([]).validator_updates == []
        assert driver.chain.view.marks.get(BTC).index_quanta == driver.prices[BTC]


def test_val_003_the_set_of_the_height_before_is_kept() -> None:
    """VAL-003, VAL-001: between the block that changes and the one whose votes the new set makes, both can be told."""
    driver = Driver(voters=voters({NAMES[0]: 10}))
    driver.run([])
    driver.do(ORACLE, set_power(NAMES[1], 5))
    changed = driver.height
    for height in range(changed - 1, changed + 2):
        assert in_force(driver, height) == {KEYS[0]: 10}
    assert in_force(driver, changed + 2) == in_force(driver, changed + 99) == {KEYS[0]: 10, KEYS[1]: 5}


def test_val_003_changes_of_a_block_add_up() -> None:
    """VAL-003: CometBFT is told what differs in the end, each key once; what fails or is undone, it is not told."""
    driver = Driver(voters=voters({NAMES[0]: 10, NAMES[1]: 10}))
    driver.run([])
    first = driver.envelope(ORACLE, set_power(NAMES[2], 3), set_power(NAMES[3], 4), set_power(NAMES[1], 11))
    second = driver.envelope(ORACLE, set_power(NAMES[3], 0), set_power(NAMES[2], 6), set_power(NAMES[0], 10))
    undone = driver.envelope(ORACLE, set_power(NAMES[4], 8), set_power("nobody", 0), all_or_nothing=True)
    result = driver.run([first, second, undone])
    assert [tx.code != 0 for tx in result.txs] == [False, False, True]
    assert result.validator_updates == sorted([(KEYS[1], 11), (KEYS[2], 6)])
    same = driver.run([driver.envelope(ORACLE, set_power(NAMES[0], 77), set_power(NAMES[0], 10))])
    assert same.validator_updates == []


def test_val_003_one_remains() -> None:
    """VAL-003: not even the authority takes out the last one, or somebody who is none."""
    driver = Driver(voters=voters({NAMES[0]: 10, NAMES[1]: 10}))
    driver.run([])
    result = driver.act(ORACLE, *[set_power(name, 0) for name in NAMES[:3]])
    assert [action.reason for action in result.actions] == ["", "VALIDATOR_LAST", "VALIDATOR_UNKNOWN"]
    assert in_force(driver, driver.height + 2) == {KEYS[1]: 10}


def test_val_003_limits() -> None:
    """VAL-003: 150 validators, and no more power than the limit together; whoever is there may change."""
    driver = Driver(voters=voters({NAMES[0]: 10}))
    driver.run([])
    crowd = [set_power(f"one of {MAX_VALIDATORS}: {number}", 1) for number in range(MAX_VALIDATORS)]
    done = driver.act(ORACLE, *crowd, gas_limit=10**9).actions
    assert [action.reason for action in done] == [""] * (MAX_VALIDATORS - 1) + ["VALIDATOR_LIMIT"]
    most = MAX_TOTAL_POWER - (MAX_VALIDATORS - 1)
    assert driver.refused(ORACLE, set_power(NAMES[0], most + 1)) == "VALIDATOR_LIMIT"
    driver.do(ORACLE, set_power(NAMES[0], most))
    assert sum(in_force(driver, driver.height + 2).values()) == MAX_TOTAL_POWER


def no_keys() -> list[tuple[str, bytes]]:
    """32 bytes that are no key to vote with: no point; y = p + 3 for 3, the least of large order with two encodings;
    small order, under which anybody can sign; a torsion part.
    """
    key = ed25519.decode(KEYS[1])
    assert key is not None
    mixed = [(f"{place}·T more", ed25519.encode(ed25519.add(key, torsion)))
             for place, torsion in enumerate(ed25519.torsion_points()) if place]
    twice = (ed25519.P + 3).to_bytes(32, "little")
    assert ed25519.decode(twice) is not None
    return [("no point", (2).to_bytes(32, "little")), ("two encodings", twice), *mixed,
            *ed25519.encodings_of_small_order()]


@pytest.mark.parametrize("key", [key for _, key in no_keys()], ids=[name for name, _ in no_keys()])
def test_val_005_keys_under_which_signatures_mean_something(key: bytes) -> None:
    """VAL-005: no set begins with such a key, and none takes it in; to take it out, it would have to be there."""
    with pytest.raises(GenesisError, match="prime order"):
        Chain(DictReader()).init_chain("test", 1, 1, b.genesis(), [(KEYS[0], 10), (key, 1)])
    driver = Driver(voters=voters({NAMES[0]: 10}))
    driver.run([])
    result = driver.act(ORACLE, b.set_validator(key, 1), b.set_validator(key, 0))
    assert [action.reason for action in result.actions] == ["VALIDATOR_KEY", "VALIDATOR_UNKNOWN"]


def test_val_005_a_chain_without_validators_stays_so() -> None:
    """VAL-005: the first validator of a chain that began without any would be one whose votes no block had to hold."""
    driver = Driver(voters=NOBODY)
    driver.run([])
    for power in (0, 5):
        assert driver.refused(ORACLE, set_power(NAMES[0], power)) == "VALIDATOR_NONE"
    assert set_at(driver.chain.view, driver.height + 2) is None


def test_val_004_the_authority_alone() -> None:
    """VAL-004: nobody else, not even with the authority's key in hand; and on a main network there is none."""
    driver = Driver()
    driver.run([])
    assert driver.refused(ALICE, set_power(NAMES[1], 5)) == "VALIDATOR_NOT_AUTHORITY"
    assert driver.refused(ALICE, b.set_validator(ORACLE.public_key, 5)) == "VALIDATOR_NOT_AUTHORITY"
    driver.do(ORACLE, set_power(NAMES[1], 5))
    state = json.loads(b.genesis())
    state["params"].update(b.MAIN_NETWORK)
    main = Driver(json.dumps(state).encode())
    assert main.refused(ORACLE, set_power(NAMES[1], 5)) == "VALIDATOR_NOT_AUTHORITY"


@pytest.mark.parametrize("seed", range(4))
def test_val_003_any_changes_at_any_time(seed: int) -> None:
    """VAL-001, VAL-003: whatever is changed in whichever blocks, the votes of each height are those of the set that
    CometBFT makes of what it was told: by its rule, not by what the chain has stored.
    """
    random = Random(seed)
    told = {1: {NAMES[0]: 10, NAMES[1]: 10}}  # powers by name from a height on
    driver = Driver(voters=voters(told[1]))
    names = {Person(name).public_key: name for name in NAMES}
    for _ in range(60):
        if random.random() < 0.2:
            driver.restart()
        driver.voters = voters(told[max(height for height in told if height <= max(driver.height, 1))])
        driver.mark(MARK + 500 * random.randint(-9, 9))
        actions = [set_power(random.choice(NAMES), random.choice((0, 1, 5, 30)))
                   for _ in range(random.choice((0, 0, 1, 1, 2, 3)))]
        result = driver.run([driver.envelope(ORACLE, *actions)] if actions else [])
        assert driver.height == 1 or driver.chain.view.marks.get(BTC).index_quanta == driver.prices[BTC]
        if result.validator_updates:
            latest = dict(told[max(told)])
            for key, power in result.validator_updates:
                latest.pop(names[key], None)
                if power:
                    latest[names[key]] = power
            told[driver.height + 2] = latest
    assert len(told) > 10

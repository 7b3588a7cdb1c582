"""Bad input: each kind has its own code, and changes nothing but nonce and fee where the envelope was admitted."""

import random

import pytest

from app import errors, gas, limits
from app.errors import ChainError
from app.registry import TABLES
from novation.v1 import tx_pb2
from tests.helpers import builders, ledger
from tests.helpers.builders import ALICE, BOB, BTC, BUY, MARK_QUANTA, TICK_QUANTA, Person
from tests.helpers.driver import Driver

MARK = MARK_QUANTA[BTC]
HUGE = (1 << 64) - 1


@pytest.fixture()
def driver() -> Driver:
    """A chain on which Alice rests a bid and an ask, and Bob holds a long position."""
    driver = Driver(builders.genesis(cash_quanta=1_000_000_000))
    driver.do(ALICE, builders.buy(MARK - 10 * TICK_QUANTA[BTC], 5, client_id=7), builders.sell(MARK, 5))
    driver.do(BOB, builders.buy(MARK, 2))
    return driver


def stored(driver: Driver) -> dict[bytes, bytes]:
    """All records as they are stored, but for what every block changes: height and time, feeds and who reported."""
    votes = {b"r" + bytes([TABLES[name].prefix]) for name in ("feeds", "reporters", "clock")}
    return {key: value for key, value in driver.reader.items() if key.startswith(b"r") and key[:2] not in votes}


def refuse_whole(driver: Driver, raw: bytes) -> str:
    """The envelope is refused on every way in, alike, and a block that holds it changes nothing. The REASON."""
    with pytest.raises(ChainError) as admitted:
        driver.chain.admit(raw)
    before = stored(driver)
    outcome = driver.run([raw]).txs[0]
    assert stored(driver) == before
    assert (outcome.code, outcome.result.reason) == (admitted.value.code.code, admitted.value.code.reason)
    assert outcome.code and outcome.codespace and not outcome.result.actions and not outcome.events
    assert outcome.result.fee_quanta == 0 and outcome.gas_used == 0
    return outcome.result.reason


def refuse_action(driver: Driver, person: Person, action: tx_pb2.Action) -> str:
    """The envelope is admitted, its action fails: nonce and fee are all that changes. The REASON."""
    before = stored(driver)
    account = ledger.record(driver.reader, "accounts", person.account())
    fund = ledger.record(driver.reader, "funds", b"fees")
    outcome = driver.run([driver.envelope(person, action)]).txs[0]
    assert outcome.code == 0 and outcome.result.fee_quanta > 0 and not outcome.events
    account.cash_quanta -= outcome.result.fee_quanta
    fund.balance_quanta += outcome.result.fee_quanta
    after = ledger.record(driver.reader, "accounts", person.account())
    assert after.highest_nonce == driver.nonces[person.account()]
    account.highest_nonce, account.used_nonces = after.highest_nonce, after.used_nonces
    before[b"r\x02" + person.account()] = account.SerializeToString(deterministic=True)
    before[b"r\x04fees"] = fund.SerializeToString(deterministic=True)
    assert stored(driver) == before
    done = outcome.result.actions[0]
    code = errors.REGISTRY[done.code]
    assert (code.codespace, code.reason) == (done.codespace, done.reason)
    return done.reason


def good_body(driver: Driver, **fields: object) -> tx_pb2.Body:
    """A body that would be admitted, but for `fields`."""
    return builders.body(ALICE, [builders.buy(MARK - TICK_QUANTA[BTC], 1)], driver.nonce(ALICE.account()), **fields)


def encoded(message: tx_pb2.Body | tx_pb2.Envelope) -> bytes:
    """The canonical bytes of a message."""
    return message.SerializeToString(deterministic=True)


def test_garbage_bytes(driver: Driver) -> None:
    """TX-001: what is no envelope."""
    assert refuse_whole(driver, b"") in ("TX_MALFORMED", "TX_NOT_CANONICAL", "TX_BAD_ACCOUNT")
    assert refuse_whole(driver, b"\xff" * 40) == "TX_MALFORMED"
    assert refuse_whole(driver, b"\x00") == "TX_MALFORMED"


def test_oversized_and_truncated(driver: Driver) -> None:
    """TX-001: too large, or with its end missing."""
    good = driver.envelope(ALICE, builders.buy(MARK, 1))
    assert refuse_whole(driver, good + bytes(limits.MAX_ENVELOPE_BYTES)) == "TX_TOO_LARGE"
    for cut in (1, 2, 60, 100, len(good) - 1):
        assert refuse_whole(driver, good[:-cut]) in (
            "TX_MALFORMED", "TX_BAD_ACCOUNT", "TX_KEY_TYPE", "TX_BAD_SIGNATURE", "TX_WRONG_KEY")


def test_not_canonical(driver: Driver) -> None:
    """TX-001: unknown fields, trailing bytes, long varints, written defaults, swapped fields; in envelope and body."""
    body = encoded(good_body(driver))
    good = builders.sign(ALICE, body)
    unknown, default = b"\xf8\x07\x01", b"\x28\x00"  # field 127 = 1; field 5 = 0 once more
    envelope = tx_pb2.Envelope.FromString(good)
    authorization_first = tx_pb2.Envelope(authorization=envelope.authorization).SerializeToString() + \
        tx_pb2.Envelope(body=body).SerializeToString()
    for raw in (good + unknown, good + default, authorization_first, good + good):
        assert refuse_whole(driver, raw) in ("TX_NOT_CANONICAL", "TX_MALFORMED")
    assert body[:2] == b"\x0a\x16", "the account of 22 bytes stands first"
    long_varint = b"\x0a\x96\x00" + body[2:]
    for bad in (body + unknown, body + default, long_varint, body + body):
        assert refuse_whole(driver, builders.sign(ALICE, bad)) == "TX_NOT_CANONICAL"


def test_unknown_action(driver: Driver) -> None:
    """TX-001: an action of a kind that this version does not know."""
    body = good_body(driver)
    future = encoded(body) + b"\x12\x04\xf2\x07\x01x"  # actions: a submessage with field 126
    empty = builders.body(ALICE, [tx_pb2.Action()], driver.nonce(ALICE.account()))
    assert refuse_whole(driver, builders.sign(ALICE, future)) in ("TX_NOT_CANONICAL", "TX_UNKNOWN_ACTION")
    assert refuse_whole(driver, builders.sign(ALICE, encoded(empty))) == "TX_UNKNOWN_ACTION"


def test_number_of_actions(driver: Driver) -> None:
    """An envelope holds 1 to 256 actions."""
    none = builders.body(ALICE, [], driver.nonce(ALICE.account()))
    assert refuse_whole(driver, builders.sign(ALICE, encoded(none))) == "TX_NO_ACTIONS"
    many = driver.envelope(ALICE, *[builders.cancel(1)] * (limits.MAX_ACTIONS + 1), gas_limit=10**9)
    assert refuse_whole(driver, many) == "TX_TOO_MANY_ACTIONS"
    most = driver.envelope(ALICE, *[builders.cancel(1)] * limits.MAX_ACTIONS, gas_limit=10**9)
    assert driver.run([most]).txs[0].code == 0


def test_authorization(driver: Driver) -> None:
    """TX-002 to TX-005: the chain id, the key and the signature."""
    body = encoded(good_body(driver))
    assert refuse_whole(driver, builders.sign(ALICE, body, "another-chain")) == "TX_BAD_SIGNATURE"
    assert refuse_whole(driver, builders.sign(BOB, body)) == "TX_WRONG_KEY"
    envelope = tx_pb2.Envelope.FromString(builders.sign(ALICE, body))
    envelope.authorization.signature = envelope.authorization.signature[:-1] + b"\x00"
    assert refuse_whole(driver, encoded(envelope)) == "TX_BAD_SIGNATURE"
    envelope.authorization.signature = b""
    assert refuse_whole(driver, encoded(envelope)) == "TX_BAD_SIGNATURE"
    envelope.authorization.key_type = 2
    assert refuse_whole(driver, encoded(envelope)) == "TX_KEY_TYPE"
    assert refuse_whole(driver, encoded(tx_pb2.Envelope(body=body))) == "TX_KEY_TYPE"


@pytest.mark.parametrize("owner", [b"", bytes(19), bytes(21)])
def test_malformed_account(driver: Driver, owner: bytes) -> None:
    """An owner is 20 bytes."""
    body = good_body(driver)
    body.account.owner = owner
    assert refuse_whole(driver, builders.sign(ALICE, encoded(body))) == "TX_BAD_ACCOUNT"


def test_nonces(driver: Driver) -> None:
    """ACCT-001 to ACCT-003: a used nonce, one below the window, zero, one too far ahead."""
    used = driver.envelope(ALICE, builders.cancel(1), nonce=1)
    assert refuse_whole(driver, used) == "TX_NONCE_USED"
    assert driver.run([driver.envelope(ALICE, builders.cancel(1), nonce=1000)]).txs[0].code == 0
    assert refuse_whole(driver, driver.envelope(ALICE, builders.cancel(1), nonce=1000)) == "TX_NONCE_USED"
    assert refuse_whole(driver, driver.envelope(ALICE, builders.cancel(1), nonce=1000 - 256)) == "TX_NONCE_TOO_LOW"
    assert driver.run([driver.envelope(ALICE, builders.cancel(1), nonce=1000 - 255)]).txs[0].code == 0
    zero = builders.body(ALICE, [builders.cancel(1)], 0)
    assert refuse_whole(driver, builders.sign(ALICE, encoded(zero))) in ("TX_NONCE_TOO_LOW", "TX_NONCE_TOO_HIGH")
    for far in (1000 + limits.MAX_NONCE_JUMP + 1, limits.MAX_NONCE + 1, HUGE):
        assert refuse_whole(driver, driver.envelope(ALICE, builders.cancel(1), nonce=far)) == "TX_NONCE_TOO_HIGH"


def test_replay_in_one_block(driver: Driver) -> None:
    """The same envelope twice in a block executes once."""
    raw = driver.envelope(ALICE, builders.buy(MARK - TICK_QUANTA[BTC], 1))
    first, second = driver.run([raw, raw]).txs
    assert first.code == 0 and second.result.reason == "TX_NONCE_USED"
    assert len(ledger.record(driver.reader, "orders", ALICE.account()).orders) == 3


def test_expired(driver: Driver) -> None:
    """ADM-001: by height and by time; the last height and moment still count."""
    height, time_ns = driver.height, driver.time_ns
    assert refuse_whole(driver, driver.envelope(ALICE, builders.cancel(1), expiry_height=height)) == "TX_EXPIRED"
    late = driver.envelope(ALICE, builders.cancel(1), expiry_time_ns=time_ns - 1)
    assert refuse_whole(driver, late) == "TX_EXPIRED"
    last = driver.height + 1
    on_time = driver.envelope(ALICE, builders.cancel(1), expiry_height=last, expiry_time_ns=driver.time_ns + 10**9)
    assert driver.run([on_time]).txs[0].code == 0


def test_gas_and_fee_limits(driver: Driver) -> None:
    """ADM-002, ADM-003: a gas limit too low or above a block's; a fee limit that does not cover it."""
    order = builders.buy(MARK - TICK_QUANTA[BTC], 1)
    assert refuse_whole(driver, driver.envelope(ALICE, order, gas_limit=1)) == "TX_GAS_LIMIT"
    assert refuse_whole(driver, driver.envelope(ALICE, order, gas_limit=0)) == "TX_GAS_LIMIT"
    assert refuse_whole(driver, driver.envelope(ALICE, order, gas_limit=HUGE)) == "TX_GAS_LIMIT"
    assert refuse_whole(driver, driver.envelope(ALICE, order, fee_limit_quanta=1)) == "TX_FEE_LIMIT"


def test_out_of_gas(driver: Driver) -> None:
    """GAS-002: the action that passes the limit fails, and those after it; all gas is charged."""
    orders = [builders.buy(MARK - 9 * TICK_QUANTA[BTC], 1)] * 20
    outcome = driver.run([driver.envelope(ALICE, *orders, gas_limit=300_000)]).txs[0]
    reasons = [done.reason for done in outcome.result.actions]
    assert outcome.gas_used == 300_000 and reasons[0] == "" and reasons[-1] == "TX_OUT_OF_GAS"
    assert reasons == sorted(reasons), "once out of gas, always out of gas"
    ledger.check(driver.reader)


def test_makers_are_paid_for_before_they_are_met(driver: Driver) -> None:
    """GAS-004: an order that meets makers in vain costs what meeting them takes, and stops when its gas does."""
    people = tuple(Person(f"maker {index}") for index in range(10))
    driver = Driver(builders.genesis((*people, ALICE), cash_quanta=10**12))
    for person in people:
        driver.do(person, builders.sell(MARK, 1), builders.buy(MARK - 5_000, 1))
    vain = builders.buy(MARK, 50, time_in_force=builders.FILL_OR_KILL)
    done = driver.act(ALICE, vain).actions[0]
    assert done.reason == "ORDER_NOT_FILLABLE"
    assert done.gas_used == gas.ACTION + gas.PLACE + 10 * (
        gas.MEET + gas.POSITION + 2 * gas.ORDER_IN_RECORD)
    short = driver.act(ALICE, vain, builders.buy(MARK, 50), gas_limit=200_000)
    assert [action.reason for action in short.actions] == ["TX_OUT_OF_GAS"] * 2
    assert len(ledger.book(driver.reader, BTC)[2]) == 10


def test_unknown_account_and_empty_account(driver: Driver) -> None:
    """An account that does not exist, and one that cannot pay."""
    stranger = Person("stranger")
    order = builders.buy(MARK, 1)
    assert refuse_whole(driver, driver.envelope(stranger, order)) == "ACCOUNT_NOT_FOUND"
    driver.do(ALICE, builders.transfer(stranger, limits.MIN_NEW_ACCOUNT_QUANTA))
    poor = driver.envelope(stranger, order, gas_limit=10**10, fee_limit_quanta=10**12)
    assert refuse_whole(driver, poor) == "TX_CANNOT_PAY_FEE"


ORDERS = {
    "no size": (builders.buy(MARK, 0), "ORDER_SIZE"),
    "absurd size": (builders.buy(MARK, HUGE), "ORDER_SIZE"),
    "over the market's size": (builders.buy(MARK, 1_000_001), "ORDER_SIZE"),
    "no price": (builders.buy(0, 1), "ORDER_PRICE"),
    "absurd price": (builders.buy(HUGE, 1), "ORDER_PRICE"),
    "price over the limit": (builders.buy((limits.MAX_PRICE_QUANTA // 500 + 1) * 500, 1), "ORDER_PRICE"),
    "off tick": (builders.buy(MARK + 1, 1), "ORDER_OFF_TICK"),
    "notional": (builders.sell(limits.MAX_PRICE_QUANTA // 500 * 500, 1_000), "ORDER_NOTIONAL"),
    "unknown market": (builders.buy(MARK, 1, market=99), "MARKET_NOT_FOUND"),
    "market zero": (builders.buy(MARK, 1, market=0), "MARKET_NOT_FOUND"),
    "no side": (builders.place(0, MARK, 1), "ORDER_SIDE"),
    "no time in force": (builders.buy(MARK, 1, time_in_force=0), "ORDER_TIME_IN_FORCE"),
    "client id in use": (builders.buy(MARK - 500, 1, client_id=7), "ORDER_CLIENT_ID_USED"),
    "margin": (builders.buy(MARK - 500, 1_000), "MARGIN_INSUFFICIENT"),
    "post-only that crosses": (builders.sell(MARK - 5_000, 1, time_in_force=builders.POST_ONLY), "ORDER_WOULD_CROSS"),
    "fill or kill": (builders.sell(MARK - 5_000, 50, time_in_force=builders.FILL_OR_KILL), "ORDER_NOT_FILLABLE"),
    "reduce-only that adds": (builders.sell(MARK + 500, 1, reduce_only=True), "ORDER_REDUCES_NOTHING"),
    "foreign order": (builders.cancel(order_id=BTC << 40 | 3), "ORDER_NOT_FOUND"),
    "no such order": (builders.cancel(order_id=1), "ORDER_NOT_FOUND"),
    "no reference": (builders.cancel(), "ORDER_REFERENCE"),
    "two references": (builders.cancel(1, 7), "ORDER_REFERENCE"),
    "replace without reference": (builders.replace(MARK, 1), "ORDER_REFERENCE"),
    "replace off tick": (builders.replace(MARK + 1, 1, client_id=7), "ORDER_OFF_TICK"),
    "replace to nothing": (builders.replace(MARK, 0, client_id=7), "ORDER_SIZE"),
    "replace beyond margin": (builders.replace(MARK - 500, 2_000, client_id=7), "MARGIN_INSUFFICIENT"),
    "replace as fill or kill": (builders.replace(MARK, 1, client_id=7, time_in_force=3), "ORDER_TIME_IN_FORCE"),
    "withdraw nothing": (builders.withdraw(0), "COLLATERAL_AMOUNT"),
    "withdraw too much": (builders.withdraw(10**10), "COLLATERAL_INSUFFICIENT"),
    "withdraw to nowhere": (builders.withdraw(1, b""), "COLLATERAL_DESTINATION"),
    "withdraw to a novel": (builders.withdraw(1, bytes(65)), "COLLATERAL_DESTINATION"),
    "transfer to oneself": (builders.transfer(ALICE, 5_000_000), "COLLATERAL_SAME_ACCOUNT"),
    "transfer of nothing": (builders.transfer(BOB, 0), "COLLATERAL_AMOUNT"),
    "transfer of an absurd amount": (builders.transfer(BOB, HUGE), "COLLATERAL_AMOUNT"),
    "transfer of too much": (builders.transfer(BOB, 10**10), "COLLATERAL_INSUFFICIENT"),
    "a crumb for a new account": (builders.transfer(BOB, 5, number=9), "COLLATERAL_NEW_ACCOUNT"),
    "faucet beyond its limit": (builders.faucet(ALICE, 10**13), "COLLATERAL_AMOUNT"),
}


@pytest.mark.parametrize("name", ORDERS)
def test_bad_action(driver: Driver, name: str) -> None:
    """BOOK-007, BOOK-008 and the like: its own code, and no trace but nonce and fee."""
    action, reason = ORDERS[name]
    if name == "foreign order":
        bid = driver.do(BOB, builders.buy(MARK - 1_000, 1))[0]
        action = builders.cancel(order_id=bid.order_id)
    assert refuse_action(driver, ALICE, action) == reason


def test_unknown_enum_values_and_numbers(driver: Driver) -> None:
    """Enum values that no version knows are refused with the code of their field."""
    for field, reason in (("side", "ORDER_SIDE"), ("time_in_force", "ORDER_TIME_IN_FORCE"),
                          ("self_trade_prevention", "ORDER_SELF_TRADE")):
        action = builders.buy(MARK - 500, 1)
        setattr(action.place_order, field, 77)
        assert refuse_action(driver, ALICE, action) == reason


@pytest.mark.parametrize(("public_key", "power", "reason"), [
    (BOB.public_key[:31], 5, "VALIDATOR_KEY"), (BOB.public_key + b"x", 5, "VALIDATOR_KEY"), (b"", 0, "VALIDATOR_KEY"),
    (BOB.public_key, limits.MAX_TOTAL_POWER + 1, "VALIDATOR_KEY"), (BOB.public_key, HUGE, "VALIDATOR_KEY"),
    (BOB.public_key, limits.MAX_TOTAL_POWER, "VALIDATOR_LIMIT"), (BOB.public_key, 0, "VALIDATOR_UNKNOWN"),
    (Person("validator").public_key, 0, "VALIDATOR_LAST")])
def test_validators(driver: Driver, public_key: bytes, power: int, reason: str) -> None:
    """VAL-003, VAL-004: the authority too must name a key and a possible power, and one validator remains; nobody else
    may name any.
    """
    action = builders.set_validator(public_key, power)
    assert refuse_action(driver, builders.ORACLE, action) == reason
    assert refuse_action(driver, ALICE, action) == "VALIDATOR_NOT_AUTHORITY"


def test_open_order_limit(driver: Driver) -> None:
    """An account has at most 200 open orders."""
    orders = [builders.buy(MARK - 1_000 * TICK_QUANTA[BTC], 1)] * 66
    for _ in range(3):
        driver.do(ALICE, *orders, gas_limit=100_000_000)
    assert refuse_action(driver, ALICE, builders.buy(MARK - 500, 1)) == "ORDER_LIMIT"
    driver.do(ALICE, builders.cancel_all())
    driver.do(ALICE, builders.buy(MARK - 500, 1))


def test_position_limit() -> None:
    """MKT-004: position and open orders of one side stay within the market's limit."""
    driver = Driver(builders.genesis(cash_quanta=10**14))
    for _ in range(10):
        driver.do(ALICE, builders.buy(MARK - 500, 1_000_000))
    assert refuse_action(driver, ALICE, builders.buy(MARK - 500, 1)) == "MARGIN_POSITION_LIMIT"
    driver.do(ALICE, builders.sell(MARK + 500, 1))


def test_all_or_nothing(driver: Driver) -> None:
    """BLK-005: one failed action undoes all of them, and the envelope says which."""
    before = stored(driver)
    good, bad = builders.buy(MARK - 500, 1), builders.buy(MARK + 1, 1)
    outcome = driver.run([driver.envelope(ALICE, good, bad, good, all_or_nothing=True)]).txs[0]
    assert outcome.result.reason == "TX_ACTION_FAILED" and not outcome.events
    assert [done.reason for done in outcome.result.actions] == ["TX_ACTION_FAILED", "ORDER_OFF_TICK"]
    assert outcome.result.actions[0].order_id == 0 and outcome.result.actions[0].gas_used > 0
    changed = {key for key, value in stored(driver).items() if before.get(key) != value}
    assert changed == {b"r\x02" + ALICE.account(), b"r\x04fees"}


def test_every_code_is_numbered_once() -> None:
    """The registry holds each code, and each REASON, once; codes name their codespace."""
    codes = list(errors.REGISTRY.values())
    assert len({code.reason for code in codes}) == len(codes) > 40
    assert all(code.code == number > 0 for number, code in errors.REGISTRY.items())
    assert all(code.meaning and code.reason.isupper() and code.codespace.islower() for code in codes)


def test_random_orders_are_answered() -> None:
    """Ten thousand orders of random terms on one chain: each is answered with a code of the registry."""
    randoms = random.Random(5)
    driver = Driver(builders.genesis(cash_quanta=10**12), verify=lambda _key, _message, _signature: True)
    numbers = (0, 1, 2, 499, 500, MARK, MARK - 500, limits.MAX_PRICE_QUANTA, limits.MAX_ORDER_LOTS, 1 << 63, HUGE)
    seen = set()
    for _ in range(40):
        actions = []
        for _ in range(250):
            action = builders.place(randoms.randint(0, 3), randoms.choice(numbers), randoms.choice(numbers))
            action.place_order.market = randoms.choice((0, 1, 2, 3, 2**32 - 1))
            action.place_order.time_in_force = randoms.randint(0, 5)
            action.place_order.reduce_only = randoms.random() < 0.2
            actions.append(action)
        outcome = driver.run([driver.envelope(ALICE, *actions, gas_limit=10**9)]).txs[0]
        seen |= {done.code for done in outcome.result.actions}
    assert seen - {0} <= errors.REGISTRY.keys() and len(seen) > 6
    assert BUY == 1
    ledger.check(driver.reader)

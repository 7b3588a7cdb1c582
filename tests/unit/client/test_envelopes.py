"""Builders and envelopes: canonical to the chain, and gas that suffices."""

import pytest

from app import gas
from app.kernel import signatures
from app.limits import FIRST_SERIES, MAX_ACTIONS, MAX_ENVELOPE_BYTES, MAX_OPEN_ORDERS, MAX_TRIGGERS
from app.triggers.rules import TRAIL_STEPS
from app.tx import decode_tx
from client import envelopes as e
from client.keys import Key
from novation.v1 import tx_pb2
from tests.helpers import builders
from tests.helpers.driver import Driver

KEY = Key(bytes(builders.ALICE.key))
OTHER = tx_pb2.AccountId(owner=b"o" * 20, number=1)
ALL_ACTIONS = [
    e.place(market=1, side="buy", price_quanta=46_000_000, size_lots=3, client_id=5),
    e.place(market=1, side="sell", price_quanta=47_000_000, size_lots=3, time_in_force="post_only", reduce_only=True,
            self_trade_prevention="cancel_both"),
    e.cancel(order_id=3), e.cancel(client_id=5), e.cancel_all(), e.cancel_all(2),
    e.replace(price_quanta=5, size_lots=6, client_id=7, time_in_force="post_only"),
    e.transfer(OTHER, 5), e.withdraw(7, b"somewhere"), e.faucet(OTHER, 9), e.set_validator(bytes(32), 500),
    e.place_trigger(market=1, direction="above", side="buy", price_quanta=5, size_lots=6, trail_quanta=7),
    e.cancel_trigger(), e.set_dead_man(3), e.set_protection(1, limit_lots=2, window_ns=3),
    e.place(market=1, side="buy", price_quanta=0, size_lots=6, peg="mid", peg_offset_ticks=-3,
            time_in_force="post_only"),
    e.bid_auction(OTHER, most_fraction_ppm=5, least_discount_ppm=6, expected_bids=7),
    e.set_agent(bytes(range(32)), 7),
    e.set_referrer(bytes(20)), e.isolate(1, 7, 3, 5), e.transfer(OTHER, 5, asset=2), e.withdraw(7, b"x", asset=3),
    e.set_market_status(1, "reduce_only"), e.set_margin_mode("portfolio"),
    e.place_combo([e.combo_leg(market=1, side="buy", size_lots=2, price_quanta=5),
                   e.combo_leg(market=2, side="sell", size_lots=3, price_quanta=7, reduce_only=True)], client_id=5),
    e.send_block(e.block_trade(tx_pb2.BlockTerms(
        sender=KEY.account(), counterparty=OTHER, nonce=4, expiry_time_ns=5,
        legs=[e.block_leg(market=1, side="sell", size_lots=2, price_quanta=3)]), KEY, builders.CHAIN_ID)),
]


def signed(actions: list[tx_pb2.Action], **fields: int) -> bytes:
    """An envelope of Alice's."""
    body = e.make_body(KEY.account(), actions, nonce=fields.pop("nonce", 1), gas_price_e6=1_000, **fields)
    return e.sign_envelope(KEY, builders.CHAIN_ID, body)


def test_the_chain_decodes_every_action() -> None:
    """Canonical bytes, a valid signature, and each kind of action as it was meant."""
    raw = signed(ALL_ACTIONS)
    tx = decode_tx(raw, builders.CHAIN_ID, Driver().verify)
    assert list(tx.body.actions) == ALL_ACTIONS
    assert set(tx.kinds) == {field.name for field in tx_pb2.Action.DESCRIPTOR.fields}, "a builder for every action"
    assert tx.account == builders.ALICE.account() and tx.hash == e.envelope_hash(raw)


def test_builders_agree_with_the_tests_own() -> None:
    """Byte for byte, for what both can say."""
    raw = builders.envelope(builders.ALICE, [builders.buy(46_000_000, 3, stp=1)], 9, gas_limit=500_000,
                            fee_limit_quanta=500)
    ours = signed([e.place(market=1, side="buy", price_quanta=46_000_000, size_lots=3)], nonce=9, gas_limit=500_000)
    assert ours == raw


def test_the_gas_table_is_the_chains() -> None:
    """A copy, because the SDK stands alone: it must not drift."""
    assert (e.GAS_ENVELOPE, e.GAS_BYTE, e.GAS_ACTION) == (gas.ENVELOPE, gas.BYTE, gas.ACTION)
    assert e.GAS_BY_KIND == {
        "place_order": gas.PLACE, "cancel_order": gas.CANCEL, "replace_order": gas.REPLACE, "cancel_all": gas.CANCEL,
        "transfer": gas.TRANSFER, "withdraw": gas.TRANSFER + gas.FLOW, "faucet_deposit": gas.TRANSFER,
        "set_validator": gas.VALIDATOR, "place_trigger": gas.TRIGGER + gas.FIRE, "cancel_trigger": gas.CANCEL,
        "set_dead_man": gas.GUARD, "set_protection": gas.GUARD, "set_referrer": gas.REFER, "set_agent": gas.TRANSFER,
        "bid_auction": gas.BID, "place_combo": gas.COMBO, "block_trade": gas.BLOCK,
        "isolate": gas.TRANSFER, "set_margin_mode": gas.MODE, "set_market_status": gas.STATUS}
    assert (e.GAS_TRAILING, e.GAS_TRIGGER_IN_RECORD, e.TRIGGERS_MAX) == (
        gas.FOLLOW * TRAIL_STEPS, gas.TRIGGER_IN_RECORD, MAX_TRIGGERS)
    assert (e.GAS_PEG, e.GAS_TOGETHER, e.FIRST_OPTION) == (gas.PEG, gas.TOGETHER, FIRST_SERIES)
    assert (e.GAS_FILL, e.GAS_CANCEL, e.GAS_POSITION, e.GAS_ORDER_IN_RECORD) == (
        gas.FILL, gas.CANCEL, gas.POSITION, gas.ORDER_IN_RECORD)
    assert (e.OPEN_ORDERS_MAX, e.ACTIONS_MAX, e.ENVELOPE_BYTES_MAX) == (
        MAX_OPEN_ORDERS, MAX_ACTIONS, MAX_ENVELOPE_BYTES)


def test_the_estimate_suffices_for_a_block() -> None:
    """The SDK's consent is the chain's, and the gas is enough."""
    driver = Driver(verify=signatures.verify)
    bob = Key(bytes(builders.BOB.key))
    legs = [e.block_leg(market=1, side="buy", size_lots=500, price_quanta=46_000_000),
            e.block_leg(market=2, side="sell", size_lots=500, price_quanta=24_000_000)]
    terms = tx_pb2.BlockTerms(sender=KEY.account(), counterparty=bob.account(), legs=legs, nonce=7,
                              expiry_time_ns=1 << 62)
    block = e.send_block(e.block_trade(terms, bob, builders.CHAIN_ID))
    outcome = driver.run([signed([block])]).txs[0]
    assert outcome.result.actions[0].reason == "" and outcome.gas_used < outcome.gas_wanted
    assert block == builders.block(builders.BOB, terms)


def test_the_estimate_suffices_for_a_combo() -> None:
    """Both legs sweep several orders, and the net limit that is left out limits nothing."""
    driver = Driver()
    for person in (builders.BOB, builders.CAROL):
        driver.do(person, *[builders.sell(46_000_000 + 500 * n, 1) for n in range(4)],
                  *[builders.buy(24_000_000 - 100 * n, 1, market=2) for n in range(4)])
    legs = [e.combo_leg(market=1, side="buy", size_lots=6, price_quanta=46_002_000),
            e.combo_leg(market=2, side="sell", size_lots=6, price_quanta=23_999_500)]
    combo = e.place_combo(legs)
    assert combo.place_combo.net_limit_quanta == 6 * 46_002_000 - 6 * 23_999_500
    outcome = driver.run([signed([combo])]).txs[0]
    assert [leg.filled_lots for leg in outcome.result.actions[0].legs] == [6, 6]
    assert outcome.code == 0 and outcome.gas_used < outcome.gas_wanted


def test_the_estimate_suffices_on_a_full_account() -> None:
    """Two hundred open orders, ten fills, then everything is cancelled: nothing runs out of gas."""
    driver = Driver()
    price = 45_000_000
    for start in range(0, 190, 95):
        prices = range(price + 500 * start, price + 500 * (start + 95), 500)
        many = [e.place(market=1, side="buy", price_quanta=each, size_lots=1) for each in prices]
        outcome = driver.run([signed(many, nonce=start + 1)]).txs[0]
        assert {action.code for action in outcome.result.actions} == {0}
    sells = [builders.sell(46_000_000 + 500 * n, 1) for n in range(10)]
    driver.run([driver.envelope(builders.BOB, *sells)])
    rest = [e.place(market=1, side="buy", price_quanta=46_100_000, size_lots=10, time_in_force="ioc"), e.cancel_all()]
    outcome = driver.run([signed(rest, nonce=1_000)]).txs[0]
    assert [(a.code, a.filled_lots, a.cancelled_orders) for a in outcome.result.actions] == [(0, 10, 0), (0, 0, 190)]
    assert outcome.code == 0 and outcome.gas_used < outcome.gas_wanted


def test_triggers_are_the_chains() -> None:
    """What the builders make is accepted within the estimate: fifty of them, one trailing, then all are cancelled."""
    actions = [e.place_trigger(market=1, direction="below", side="sell", price_quanta=40_000_000, size_lots=1,
                               trigger_quanta=44_000_000, reduce_only=True, source=source) for source in e.SOURCES] * 16
    actions.append(e.place_trigger(market=1, direction="below", side="sell", price_quanta=40_000_000, size_lots=1,
                                   trail_quanta=1_000_000, client_id=4))
    driver = Driver()
    assert {action.code for action in driver.run([signed(actions, nonce=1)]).txs[0].result.actions} == {0}
    outcome = driver.run([signed([e.cancel_trigger(client_id=4), e.cancel_trigger()], nonce=2)]).txs[0]
    assert [action.cancelled_orders for action in outcome.result.actions] == [1, 48]
    with pytest.raises(ValueError, match="exactly one"):
        e.place_trigger(market=1, direction="below", side="sell", price_quanta=1, size_lots=1)
    with pytest.raises(ValueError, match="exactly one"):
        e.cancel_trigger(trigger_id=1, client_id=1)


def test_the_fee_limit_covers_the_gas_limit_rounded_up() -> None:
    """One quantum too little would be refused."""
    body = e.make_body(KEY.account(), [e.cancel_all()], nonce=1, gas_price_e6=999_999, gas_limit=1_000_001)
    assert body.fee_limit_quanta == 1_000_000
    assert e.make_body(KEY.account(), [e.cancel_all()], nonce=1, gas_price_e6=0, gas_limit=7).fee_limit_quanta == 0


@pytest.mark.parametrize(("build", "message"), [
    (lambda: e.place(market=1, side="long", price_quanta=1, size_lots=1), "side: 'long' is not one of buy, sell"),
    (lambda: e.place(market=1, side="buy", price_quanta=1, size_lots=1, time_in_force="day"), "time_in_force"),
    (lambda: e.cancel(), "exactly one"),
    (lambda: e.cancel(order_id=1, client_id=1), "exactly one"),
    (lambda: e.replace(price_quanta=1, size_lots=1), "exactly one"),
    (lambda: signed([]), "1 to 256 actions"),
    (lambda: signed([e.cancel_all()] * 257), "1 to 256 actions"),
    (lambda: signed([e.withdraw(1, b"x" * 70_000)]), "send fewer"),
    (lambda: e.place(market=1, side="buy", price_quanta=-1, size_lots=1), "-1|range"),
])
def test_what_could_never_be_sent_is_refused_at_home(build: object, message: str) -> None:
    """Before anything is signed."""
    with pytest.raises(ValueError, match=message):
        build()  # type: ignore[operator]

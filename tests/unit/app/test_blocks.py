"""Blocks, admission, order and genesis, by rule code."""

import json
from collections.abc import Callable, Iterable

import pytest

from app.chain import Block, Chain
from app.clock import CLOCK_KEY
from app.collateral.types import Vault
from app.errors import REGISTRY, ChainError, GenesisError, InvariantError, MarketFault
from app.invariants import audit, check_block
from app.kernel.hashing import address_of
from app.oracle.record import split_record
from app.ordering import encoded_size, order_keys
from app.registry import ACTIONS
from app.store.view import DictReader
from app.tx import Tx
from novation.v1 import tx_pb2
from tests.helpers import builders as b
from tests.helpers.builders import ALICE, BOB, BTC, CAROL, ORACLE
from tests.helpers.driver import GENESIS_TIME_NS, Driver

P = b.MARK_QUANTA[BTC]
T = b.TICK_QUANTA[BTC]


@pytest.fixture
def driver() -> Driver:
    """A chain where everybody has plenty."""
    return Driver()


def reason_of(call: Callable[[], object]) -> str:
    """REASON of the ChainError that `call` raises."""
    with pytest.raises(ChainError) as caught:
        call()
    return caught.value.code.reason


def proposed(driver: Driver, txs: Iterable[Tx], max_bytes: int = 10**6) -> list[bytes]:
    """The envelopes of a proposal."""
    return split_record(driver.chain.prepare(txs, max_bytes))[1]


def test_every_error_code_is_registered_once() -> None:
    """Numbers and reasons are unique, and each codespace keeps to its hundred (the mempool's retry codes apart)."""
    assert len({code.reason for code in REGISTRY.values()}) == len(REGISTRY)
    spaces: dict[int, set[str]] = {}
    for number, code in REGISTRY.items():
        assert code.code == number
        spaces.setdefault(number // 100, set()).add(code.codespace)
    assert all(len(names) == 1 for names in spaces.values())


def test_tx_002_and_005_signed_for_this_chain_by_the_owner(driver: Driver) -> None:
    """TX-002 to TX-005: another chain id, another body, another key or key type is refused."""
    good = driver.envelope(ALICE, b.cancel_all())
    assert driver.chain.admit(good).account == ALICE.account()
    assert address_of(1, ALICE.public_key) == ALICE.owner
    other = b.envelope(ALICE, [b.cancel_all()], 5, chain_id="another")
    assert reason_of(lambda: driver.chain.admit(other)) == "TX_BAD_SIGNATURE"
    envelope = tx_pb2.Envelope.FromString(good)
    envelope.authorization.public_key = BOB.public_key
    assert reason_of(lambda: driver.chain.admit(envelope.SerializeToString(deterministic=True))) == "TX_BAD_SIGNATURE"
    assert reason_of(lambda: driver.chain.admit(b.sign(BOB, envelope.body))) == "TX_WRONG_KEY"
    envelope.authorization.key_type = 7  # type: ignore[assignment]
    assert reason_of(lambda: driver.chain.admit(envelope.SerializeToString(deterministic=True))) == "TX_KEY_TYPE"


def test_tx_001_one_meaning_one_encoding(driver: Driver) -> None:
    """TX-001: trailing bytes, unknown fields, written-out defaults and long varints are refused, signed or not."""
    body = b.body(ALICE, [b.cancel_all()], 5).SerializeToString(deterministic=True)
    for data in (body + b"\x40\x00", body + b"\x9a\x06\x01x", body.replace(b"\x28\x05", b"\x28\x85\x00")):
        assert reason_of(lambda data=data: driver.chain.admit(b.sign(ALICE, data))) == "TX_NOT_CANONICAL"
    good = b.sign(ALICE, body)
    assert reason_of(lambda: driver.chain.admit(good + b"\x18\x00")) == "TX_NOT_CANONICAL"
    assert reason_of(lambda: driver.chain.admit(good[:-1])) == "TX_MALFORMED"


def test_tx_006_size_and_actions(driver: Driver) -> None:
    """TX-006: the limits on bytes and actions, and no unknown action."""
    assert reason_of(lambda: driver.chain.admit(bytes(65_537))) == "TX_TOO_LARGE"
    assert reason_of(lambda: driver.chain.admit(driver.envelope(ALICE))) == "TX_NO_ACTIONS"
    assert reason_of(lambda: driver.chain.admit(driver.envelope(ALICE, tx_pb2.Action()))) == "TX_UNKNOWN_ACTION"
    many = driver.envelope(ALICE, *[b.cancel(client_id=1)] * 257)
    assert reason_of(lambda: driver.chain.admit(many)) == "TX_TOO_MANY_ACTIONS"


def test_adm_001_expiry(driver: Driver) -> None:
    """ADM-001: the last height and time are included."""
    driver.run([])
    late = driver.envelope(ALICE, b.cancel_all(), expiry_height=1)
    assert reason_of(lambda: driver.chain.admit(late)) == "TX_EXPIRED"
    driver.chain.admit(driver.envelope(ALICE, b.cancel_all(), expiry_height=2))
    past = driver.envelope(ALICE, b.cancel_all(), expiry_time_ns=GENESIS_TIME_NS)
    assert reason_of(lambda: driver.chain.admit(past)) == "TX_EXPIRED"


def test_adm_002_and_003_gas_and_fee_limits(driver: Driver) -> None:
    """ADM-002, ADM-003: gas between the intrinsic gas and a block's; the fee limit covers all of it."""
    low = driver.envelope(ALICE, b.cancel_all(), gas_limit=100_000)
    high = driver.envelope(ALICE, b.cancel_all(), gas_limit=10**12)
    assert reason_of(lambda: driver.chain.admit(low)) == reason_of(lambda: driver.chain.admit(high)) == "TX_GAS_LIMIT"
    poor = driver.envelope(ALICE, b.cancel_all(), gas_limit=10_000_000, fee_limit_quanta=9_999)
    assert reason_of(lambda: driver.chain.admit(poor)) == "TX_FEE_LIMIT"
    driver.chain.admit(driver.envelope(ALICE, b.cancel_all(), gas_limit=10_000_000, fee_limit_quanta=10_000))


def test_adm_004_and_acct_003_nonces(driver: Driver) -> None:
    """ADM-004, ACCT-001, ACCT-003: used, too low, too high, and the lowest that is allowed."""
    stranger = driver.envelope(b.Person("stranger"), b.cancel_all())
    assert reason_of(lambda: driver.chain.admit(stranger)) == "ACCOUNT_NOT_FOUND"
    driver.act(ALICE, b.cancel_all(), nonce=1_000)
    for nonce, reason in ((1_000, "TX_NONCE_USED"), (744, "TX_NONCE_TOO_LOW"), (2**48 + 1_001, "TX_NONCE_TOO_HIGH")):
        assert reason_of(lambda n=nonce: driver.chain.admit(driver.envelope(ALICE, b.cancel_all(), nonce=n))) == reason
    for nonce in (745, 999, 1_001, 2**48 + 1_000):
        driver.chain.admit(driver.envelope(ALICE, b.cancel_all(), nonce=nonce))


def test_adm_005_nobody_is_too_poor_to_cancel_or_close() -> None:
    """ADM-005: with less equity than the fee, cancels and reduce-only orders of an account that has orders or positions
    are admitted and pay what is there; other orders are refused, and so is an account that has nothing to cancel.
    """
    driver = Driver(b.genesis(cash_quanta=3_000_000, gas_price_e6=2_000_000))
    driver.do(ALICE, b.buy(P, 1, client_id=1), gas_limit=300_000)
    limits = {"gas_limit": 2_000_000, "fee_limit_quanta": 4_000_000}
    poor = driver.envelope(ALICE, b.buy(P - T, 1), **limits)
    assert reason_of(lambda: driver.chain.admit(poor)) == "TX_CANNOT_PAY_FEE"
    nothing = driver.envelope(BOB, b.cancel_all(), **limits)
    assert reason_of(lambda: driver.chain.admit(nothing)) == "TX_CANNOT_PAY_FEE"
    large = driver.envelope(ALICE, b.cancel_all(), gas_limit=2_000_001, fee_limit_quanta=5_000_000)
    assert reason_of(lambda: driver.chain.admit(large)) == "TX_CANNOT_PAY_FEE"
    driver.chain.admit(driver.envelope(ALICE, b.sell(P, 1, reduce_only=True), **limits))
    cancels = [driver.chain.admit(driver.envelope(ALICE, b.cancel_all(), **limits)) for _ in range(5)]
    assert len(proposed(driver, cancels)) == 2
    result = driver.act(ALICE, b.cancel(client_id=1), **limits)
    assert (result.code, result.actions[0].cancelled_orders, result.fee_quanta) == (0, 1, 1_000_000)


def test_those_who_cannot_pay_share_a_sixteenth_of_the_block() -> None:
    """ADM-005: many poor accounts together cannot crowd out one that pays."""
    poor = [b.Person(f"poor {number}") for number in range(20)]
    driver = Driver(b.genesis((*poor, ALICE, ORACLE), cash_quanta=3_000_000, gas_price_e6=2_000_000,
                              max_block_gas=64_000_000))
    for person in poor:
        driver.do(person, b.buy(P, 1), gas_limit=300_000)
    limits = {"gas_limit": 2_000_000, "fee_limit_quanta": 4_000_000}
    waiting = [driver.chain.admit(driver.envelope(person, b.cancel_all(), **limits)) for person in poor]
    paying = driver.chain.admit(driver.envelope(ALICE, b.buy(P, 1), gas_limit=300_000))
    assert len(proposed(driver, [*waiting, paying])) == 3


def test_envelopes_behind_one_that_empties_the_account_are_not_taken(driver: Driver) -> None:
    """They would be refused unpaid, and their gas would have kept others out of the block."""
    cash = driver.chain.ctx.accounts.peek(ALICE.account()).cash_quanta
    emptying = driver.chain.admit(driver.envelope(ALICE, b.transfer(BOB, cash - 20_000)))
    behind = [driver.chain.admit(driver.envelope(ALICE, b.buy(P, 1))) for _ in range(5)]
    assert proposed(driver, [emptying, *behind]) == [emptying.raw]


def test_the_last_lane_keeps_a_quarter_of_the_block() -> None:
    """A flood of cancels leaves room for takers."""
    driver = Driver(b.genesis(max_block_gas=16 * b.GAS_LIMIT))
    cancels = [driver.chain.admit(driver.envelope(ALICE, b.cancel_all())) for _ in range(16)]
    takers = [driver.chain.admit(driver.envelope(BOB, b.buy(P, 1))) for _ in range(16)]
    lanes = [driver.chain.decode(raw).lane for raw in proposed(driver, [*cancels, *takers])]
    assert (lanes.count(0), lanes.count(1)) == (12, 4)


def test_a_proposer_takes_what_an_account_can_pay_for_together(driver: Driver) -> None:
    """Each envelope alone is good, three of four are not: the fourth stays out of the proposal."""
    driver = Driver(b.genesis(cash_quanta=65_000))
    waiting = [driver.chain.admit(driver.envelope(ALICE, b.buy(P, 1))) for _ in range(4)]  # 20,000 at most each
    assert len(proposed(driver, waiting)) == 3


def test_a_full_block_takes_no_more_candidates(driver: Driver) -> None:
    """The pool may be large: once fifty envelopes did not fit, no more are looked at."""
    seen = []
    waiting = [driver.chain.admit(driver.envelope(ALICE, b.buy(P, 1))) for _ in range(200)]
    block = proposed(driver, (seen.append(tx) or tx for tx in waiting), 10 * encoded_size(waiting[0].raw) + 20)
    assert (len(block), len(seen)) == (10, 60)


def test_nothing_is_decoded_before_genesis() -> None:
    """An envelope for the chain without a name must not be remembered for the one that begins later."""
    chain = Chain(DictReader())
    assert reason_of(lambda: chain.admit(b.envelope(ALICE, [b.cancel_all()], 1, chain_id=""))) == "TX_NO_CHAIN"


def test_blk_002_to_004_outcomes_and_fees(driver: Driver) -> None:
    """BLK-002 to BLK-004, GAS-005: a failed action costs nonce and fee and nothing else; a refused envelope costs
    nothing.
    """
    before = driver.chain.ctx.accounts.peek(ALICE.account()).cash_quanta
    good = driver.envelope(ALICE, b.buy(P + 1, 1))
    result = driver.run([good, good])
    first, second = result.txs
    assert (first.result.actions[0].reason, second.result.reason) == ("ORDER_OFF_TICK", "TX_NONCE_USED")
    after = driver.chain.ctx.accounts.peek(ALICE.account())
    assert after.cash_quanta == before - first.result.fee_quanta
    assert first.result.fee_quanta == b.GAS_LIMIT // 4 // 1_000 > first.gas_used // 1_000
    assert (second.gas_used, second.result.fee_quanta, after.highest_nonce) == (0, 0, 1)


def test_blk_003_the_held_fee_cannot_be_withdrawn(driver: Driver) -> None:
    """BLK-003: withdrawing everything fails, for the highest fee is held while the envelope runs."""
    everything = driver.chain.ctx.accounts.peek(ALICE.account()).cash_quanta
    assert driver.refused(ALICE, b.withdraw(everything)) == "COLLATERAL_INSUFFICIENT"


def test_blk_005_all_or_nothing(driver: Driver) -> None:
    """BLK-005: without the flag good actions stay; with it the first failure undoes them, and no event remains."""
    mixed = [b.buy(P - T, 1, client_id=1), b.buy(P + 1, 1), b.buy(P - T, 1, client_id=2)]
    assert [a.code != 0 for a in driver.act(ALICE, *mixed).actions] == [False, True, False]
    outcome = driver.run([driver.envelope(BOB, *mixed, all_or_nothing=True)]).txs[0]
    assert (outcome.result.reason, len(outcome.result.actions), outcome.events) == ("TX_ACTION_FAILED", 2, [])
    assert driver.chain.ctx.orders.peek(BOB.account()) is None
    audit(driver.chain.ctx)


def test_blk_005_holds_for_a_handler_that_fails_after_a_change(driver: Driver, monkeypatch: pytest.MonkeyPatch) -> None:
    """BLK-005: no handler does so; one that did would be undone all the same, and what stands beside it would not."""
    def careless(ctx: object, account: bytes, _action: object) -> None:
        ctx.accounts.edit(account).cash_quanta -= 7  # type: ignore[attr-defined]
        raise ChainError(REGISTRY[301])

    monkeypatch.setitem(ACTIONS, "transfer", careless)
    actions = [b.buy(P - T, 1, client_id=1), b.transfer(BOB, 5), b.buy(P - T, 2, client_id=2), b.cancel(client_id=1)]
    before = driver.chain.ctx.accounts.peek(ALICE.account()).cash_quanta
    outcome = driver.run([driver.envelope(ALICE, *actions)]).txs[0]
    assert [action.reason for action in outcome.result.actions] == ["", "COLLATERAL_AMOUNT", "", ""]
    assert [event.WhichOneof("kind") for event in outcome.events] == ["order_rested", "order_rested", "order_cancelled"]
    after = driver.chain.ctx.accounts.peek(ALICE.account())
    assert before - after.cash_quanta == outcome.result.fee_quanta
    assert after.position(BTC).open_buy_lots == 2
    audit(driver.chain.ctx)


def test_blk_006_garbage_in_a_decided_block_has_an_outcome(driver: Driver) -> None:
    """BLK-006: one result each, in order, and the good envelope among them works."""
    result = driver.run([b"garbage", driver.envelope(ALICE, b.buy(P, 1)), b""])
    assert [tx.code != 0 for tx in result.txs] == [True, False, True]


def test_blk_001_time_never_runs_back(driver: Driver) -> None:
    """BLK-001: a header older than its parent does not turn the rules' clock back."""
    driver.run([])
    time_ns = driver.chain.head.time_ns
    driver.run([], step_ns=-5_000_000_000)
    assert driver.chain.head.time_ns == time_ns


def test_blk_007_height_and_time_are_proven(driver: Driver) -> None:
    """BLK-007: the record says what the head says, in every block, also where time stands."""
    for step_ns in (1_000_000_000, -5_000_000_000, 7):
        driver.run([], step_ns=step_ns)
        clock = driver.chain.view.clock.get(CLOCK_KEY)
        head = driver.chain.head
        assert clock is not None
        assert (clock.height, clock.time_ns) == (head.height, head.time_ns)


def test_gas_005_a_reserved_limit_is_paid_in_part(driver: Driver) -> None:
    """GAS-005: the worked case: limit 5,000,000 and little used: 1,250,000 is paid at 1,000 a million."""
    result = driver.act(ALICE, b.buy(P + 1, 1), gas_limit=5_000_000)
    assert result.gas_used < 1_250_000
    assert result.fee_quanta == 1_250


def test_gas_002_out_of_gas_fails_the_rest(driver: Driver) -> None:
    """GAS-002: what fits is done, the next action and all after it fail, and the fee is of the whole limit."""
    actions = [b.buy(P - T, 1)] * 20
    limit = 120_000 + 20 * 1_000 + 2_000 * 20 + 3 * 15_500
    result = driver.act(ALICE, *actions, gas_limit=limit)
    reasons = [action.reason for action in result.actions]
    done = reasons.count("")
    assert 0 < done < 20
    assert reasons == [""] * done + ["TX_OUT_OF_GAS"] * (20 - done)
    assert (result.gas_used, result.fee_quanta) == (limit, -(-limit // 1_000))


def test_ord_001_to_004_proposals_follow_the_rule(driver: Driver) -> None:
    """ORD-001 to ORD-004: lanes, accounts by hash, nonces ascending; bytes and gas respected; no nonce twice."""
    chain = driver.chain
    envelopes = [driver.envelope(ALICE, b.buy(P, 1)), driver.envelope(BOB, b.buy(P, 1, time_in_force=b.POST_ONLY)),
                 driver.envelope(ALICE, b.cancel_all()), driver.envelope(ORACLE, b.set_status(1)),
                 driver.envelope(CAROL, b.sell(P, 1)), driver.envelope(ALICE, b.sell(P, 1))]
    txs = [chain.admit(raw) for raw in envelopes]
    proposal = chain.prepare(txs, 1_000_000)
    assert sorted(proposal) == sorted(envelopes)
    assert chain.process(proposal) == ""
    lanes = [chain.decode(raw).lane for raw in proposal]
    assert lanes == sorted(lanes) == [0, 0, 1, 1, 1, 1]
    alice = [chain.decode(raw).nonce for raw in proposal if chain.decode(raw).account == ALICE.account()]
    assert alice == [2, 1, 3]  # the cancel has an earlier lane, the other two ascend
    for place in range(len(proposal) - 1):
        swapped = [*proposal[:place], proposal[place + 1], proposal[place], *proposal[place + 2:]]
        assert "out of order" in chain.process(swapped)
    assert "repeats a nonce" in chain.process([*proposal, proposal[-1]])
    assert "TX_MALFORMED" in chain.process([*proposal, b"garbage"])
    small = chain.prepare(txs, 2 * max(map(encoded_size, envelopes)))
    assert 0 < len(small) < len(txs)
    assert chain.process(small) == ""


def test_ord_002_the_order_follows_the_last_app_hash(driver: Driver) -> None:
    """ORD-002: every order of three owners comes up as the seed changes, so nobody knows a later block's."""
    txs = [driver.chain.admit(driver.envelope(person, b.buy(P, 1))) for person in (ALICE, BOB, CAROL)]
    orders = {tuple(tx.account for tx in sorted(txs, key=order_keys(bytes([seed])))) for seed in range(40)}
    assert len(orders) == 6


def test_ord_002_accounts_of_one_owner_share_its_place(driver: Driver) -> None:
    """ORD-002: a second account is no second ticket: both stand together, by number, whatever the seed."""
    driver.do(ALICE, b.transfer(ALICE, 10**9, number=7))
    txs = [driver.chain.admit(driver.envelope(person, b.buy(P, 1), number=number))
           for person, number in ((ALICE, 7), (BOB, 0), (ALICE, 0), (CAROL, 0))]
    for seed in range(40):
        ranked = [tx.account for tx in sorted(txs, key=order_keys(bytes([seed])))]
        first = ranked.index(ALICE.account())
        assert ranked[first + 1] == ALICE.account(7)


def test_ord_004_block_gas() -> None:
    """ORD-004: gas limits that do not fit together are left out by Prepare and rejected by Process."""
    driver = Driver(b.genesis(max_block_gas=16 * b.GAS_LIMIT))
    txs = [driver.chain.admit(driver.envelope(ALICE, b.buy(P, 1))) for _ in range(17)]
    assert len(proposed(driver, txs)) == 16
    everyone = sorted(txs, key=order_keys(driver.chain.head.app_hash))
    assert "gas limits" in driver.chain.process([tx.raw for tx in everyone])


def test_finalize_may_run_any_number_of_times(driver: Driver) -> None:
    """The same block again, or another one in its place, starts from committed state each time."""
    driver.do(ALICE, b.sell(P, 5))
    block = driver.next_block([driver.envelope(BOB, b.buy(P, 3))])
    other = driver.next_block([driver.envelope(CAROL, b.buy(P, 5))])
    first = driver.chain.finalize(block)
    assert driver.chain.finalize(other).app_hash != first.app_hash
    again = driver.chain.finalize(block)
    assert (again.app_hash, [tx.data for tx in again.txs]) == (first.app_hash, [tx.data for tx in first.txs])
    driver.reader.write(driver.chain.commit())
    driver.chain.committed()
    assert Chain(driver.reader).head.app_hash == first.app_hash
    audit(driver.chain.ctx)


def test_commit_needs_a_finalized_block(driver: Driver) -> None:
    """Nothing is committed twice."""
    driver.run([])
    with pytest.raises(RuntimeError):
        driver.chain.commit()


@pytest.mark.parametrize(("change", "message"), [
    (lambda s: s.pop("markets"), "sections"),
    (lambda s: s.update(more=1), "sections"),
    (lambda s: s["params"].update(color=1), "unknown fields"),
    (lambda s: s["params"].update(max_block_gas=-1), "max_block_gas"),
    (lambda s: s["params"].update(test_network=False), "authority"),
    (lambda s: s["markets"][0].update(tick_quanta=501), "MKT-001|tick_quanta"),
    (lambda s: s["markets"][0].update(maintenance_margin_ppm=60_000), "maintenance"),
    (lambda s: s["markets"].append(s["markets"][0]), "twice"),
    (lambda s: s["accounts"].append(s["accounts"][0]), "twice"),
    (lambda s: s["accounts"][0].update(owner="zz"), "owner"),
    (lambda s: s["accounts"][0].update(cash_quanta=True), "cash_quanta"),
    (lambda s: s["accounts"][0].update(cash_quanta=1.5), "integers only"),
])
def test_gen_001_refuses_what_is_not_exactly_right(change: Callable[[dict], object], message: str) -> None:
    """GEN-001, MKT-001: each fault has a message that names the field."""
    state = json.loads(b.genesis())
    change(state)
    with pytest.raises(GenesisError, match=message):
        Chain(DictReader()).init_chain("test", 1, 1, json.dumps(state).encode())


def test_gen_001_is_repeatable_and_leaves_nothing_durable() -> None:
    """GEN-001: InitChain may come again before the first commit and gives the same hash; the store stays empty."""
    reader = DictReader()
    chain = Chain(reader)
    first = chain.init_chain("test", 1, 1, b.genesis())
    chain.finalize(Block(1, 2, []))
    assert chain.init_chain("test", 1, 1, b.genesis()) == first
    assert not reader


@pytest.mark.parametrize(("spoil", "code"), [
    (lambda ctx: setattr(ctx.accounts.edit(ALICE.account()), "cash_quanta", 0), "INV-001"),
    (lambda ctx: ctx.vault.edit(b"usd").__setattr__("held_quanta", 1), "INV-001"),
    (lambda ctx: _add_lots(ctx, 1), "INV-002"),
    (lambda ctx: ctx.funds.edit(b"insurance/\0\0\0\1").__setattr__("balance_quanta", -1), "INV-007"),
    (lambda ctx: ctx.totals.edit(BTC).__setattr__("open_interest_lots", 9), "INV-003"),
    (lambda ctx: ctx.vault.edit(b"usd").__setattr__("held_quanta", -1), "INV-008"),
    (lambda ctx: ctx.vault.edit(b"asset/\0\0\0\1").__setattr__("held_quanta", -1), "INV-008"),
])
def test_inv_001_to_003_007_and_008_fire(driver: Driver, spoil: Callable, code: str) -> None:
    """INV-001, INV-002, INV-003: money out of nothing stops the block, lots or open interest are the market's fault.
    INV-007: so is its insurance fund below zero. INV-008: no vault may be, of no asset.
    """
    driver.do(ALICE, b.buy(P, 1))
    driver.do(BOB, b.sell(P, 1))
    ctx = driver.chain.ctx
    ctx.journal.savepoint()
    ctx.vault.put(b"asset/\0\0\0\1", Vault())
    spoil(ctx)
    with pytest.raises(InvariantError if code in ("INV-001", "INV-008") else MarketFault, match=code):
        check_block(ctx)


def _add_lots(ctx: object, lots: int) -> None:
    account = ctx.accounts.edit(ALICE.account())  # type: ignore[attr-defined]
    held = account.position(BTC)
    account.set_position(type(held)(BTC, held.lots + lots, held.entry_quanta))


def test_inv_004_to_006_fire(driver: Driver) -> None:
    """INV-004, INV-005, INV-006: a crossed book, sums that do not match, an index that is not what is stored."""
    driver.do(ALICE, b.buy(P - T, 1), b.sell(P + T, 1))
    ctx = driver.chain.ctx
    audit(ctx)
    bids = ctx.books[BTC].bids
    order = next(iter(bids.best_first()))
    bids.remove(order)
    with pytest.raises(InvariantError, match="INV-006"):
        audit(ctx)
    crossed = order.with_open_lots(1)
    crossed.price_quanta = P + T
    bids.insert(crossed)
    with pytest.raises(InvariantError, match="INV-004"):
        audit(ctx)
    bids.remove(crossed)
    bids.insert(order)
    audit(ctx)
    key = b"r\x09" + ALICE.account()
    driver.reader[key] = driver.reader[key][: len(driver.reader[key]) // 2]
    with pytest.raises(InvariantError, match="INV-005"):
        audit(ctx)

"""Markets that settle while some owe more than they have: the ledger sums in each block, winners give up what the fund
leaves open and no more, and nodes that start anew in between agree.
"""

from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from app.invariants import audit
from app.liquidation.reduction import profit_of
from app.margin.state import account_standing
from tests.helpers import builders as b
from tests.helpers import ledger
from tests.helpers.builders import BTC, ETH, MARK_QUANTA, ORACLE, Person
from tests.helpers.driver import GENESIS_TIME_NS, Driver
from tests.helpers.twins import both

PEOPLE = tuple(Person(f"settler {number}") for number in range(8))
END_NS = GENESIS_TIME_NS + 3_600 * 10**9


def traded(random: Random, insurance: int) -> list[Driver]:
    """Two chains with a future on BTC and a perpetual, in which people took positions as large as margin allows."""
    terms = {BTC: {"kind": "future", "expiry_ns": END_NS, "insurance_quanta": insurance}}
    genesis = b.genesis((*PEOPLE, ORACLE), cash_quanta=60_000_000, gas_price_e6=0, terms=terms)
    drivers = [Driver(genesis, verify=lambda *_: True) for _ in range(2)]
    for _ in range(40):
        market = random.choice((BTC, BTC, ETH))
        order = b.place(random.choice((1, 2)), MARK_QUANTA[market] + random.randint(-2, 2) * 500,
                        random.randint(1, 20), market=market)
        both(drivers, [drivers[0].envelope(random.choice(PEOPLE), order)])
    return drivers


def check(driver: Driver) -> None:
    """The laws of the whole ledger."""
    audit(driver.chain.ctx)
    ledger.check(driver.reader)


@settings(max_examples=12, deadline=None)
@given(seed=st.integers(0, 10**6), per_mille=st.sampled_from((700, 850, 1150, 1300)), most=st.sampled_from((1, 3, 500)),
       insurance=st.sampled_from((0, 5_000_000, 10**9)))
def test_winners_give_up_what_is_missing_and_no_more(seed: int, per_mille: int, most: int, insurance: int) -> None:
    """SETL-005 to SETL-008."""
    random = Random(seed)
    drivers = traded(random, insurance)
    ctx = drivers[0].chain.ctx
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("app.liquidation.final.MAX_SETTLED_ACCOUNTS", most)
        patch.setattr("app.liquidation.hooks.short_accounts", lambda _ctx: [])
        price = MARK_QUANTA[BTC] * per_mille // 1000 // 500 * 500
        for driver in drivers:
            driver.mark(price)
        both(drivers, [], 4_000 * 10**9)
        ctx = drivers[0].chain.ctx
        profits, fund = {}, insurance_of(drivers[0])
        for person in PEOPLE:
            account = ctx.accounts.peek(person.account())
            profits[person.owner] = profit_of(ctx, account.position(BTC))
        for _ in range(40):
            before = {person.account(): account_standing(ctx, ctx.accounts.peek(person.account())) for person in PEOPLE}
            events = both(drivers, []).events
            check(drivers[0])
            gave: dict[bytes, int] = {}
            made_up: dict[bytes, int] = {}
            for event in events:
                if event.HasField("holder_reduced"):
                    gave[event.holder_reduced.account.owner] = event.holder_reduced.given_up_quanta
                if event.HasField("settlement_shortfall"):
                    told = event.settlement_shortfall
                    made_up[told.account.owner] = made_up.get(told.account.owner, 0) + (
                        told.paid_quanta + told.given_up_quanta)
                    fund -= told.paid_quanta
            given_up = sum(event.settlement_shortfall.given_up_quanta for event in events
                           if event.HasField("settlement_shortfall"))
            assert sum(gave.values()) == given_up, "winners' loss is what they make up"
            for key, now in before.items():
                if key[:20] in gave:
                    profits[key[:20]] -= gave[key[:20]]
                    assert profits[key[:20]] >= 0, "nobody gives up more than its profit"
                then = account_standing(ctx, ctx.accounts.peek(key))
                assert then.equity == now.equity + made_up.get(key[:20], 0) - gave.get(key[:20], 0)
                if now.excess >= 0:
                    assert then.excess >= 0, "nobody becomes short"
            if ctx.markets.peek(BTC).status == 7:
                break
        assert ctx.markets.peek(BTC).status == 7
    assert insurance_of(drivers[0]) >= fund >= 0, "and crumbs of the funding pool"
    owing = [ctx.accounts.peek(person.account()) for person in PEOPLE]
    owed = -sum(account.cash_quanta for account in owing if not account.positions and account.cash_quanta < 0)
    assert owed == ctx.settlements.peek(BTC).shortfall_quanta


def insurance_of(driver: Driver) -> int:
    """The insurance fund of BTC."""
    return int(ledger.record(driver.reader, "funds", b"insurance/" + BTC.to_bytes(4, "big")).balance_quanta)

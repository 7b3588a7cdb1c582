"""Fees against a model that knows only the README: owners trade at random over days, and all agree on who pays whom."""

import json
from fractions import Fraction
from math import ceil, floor
from random import Random

import pytest

from app.invariants import audit
from novation.v1 import events_pb2
from tests.helpers import builders as b
from tests.helpers import ledger
from tests.helpers.builders import BTC, ETH, MARK_QUANTA
from tests.helpers.driver import Driver

DAY_NS = 86_400 * 10**9
OWNERS = tuple(b.Person(f"fees {index}") for index in range(5))
TIERS = [(0, 1_000_000, 1_000_000), (3 * 10**9, 500_000, 800_000), (10**10, -300_000, 600_000),
         (4 * 10**10, -1_000_000, 0)]
RATES = {BTC: (110, 500), ETH: (300, 250)}  # maker, taker: in the second, rebates meet the taker's fee
SHARES = {"referral_ppm": 130_000, "insurance_ppm": 310_000, "stakers_ppm": 430_000}
CAPS = {BTC: 400_000, ETH: 10**12}
PPM = 10**6


def genesis() -> bytes:
    """A chain of these terms, without gas fees or funding."""
    state = json.loads(b.genesis(OWNERS, cash_quanta=10**15, gas_price_e6=0))
    state["fees"] = {**SHARES, "tiers": [
        {"volume_quanta": volume, "maker_ppm": maker, "taker_ppm": taker} for volume, maker, taker in TIERS]}
    for market in state["markets"]:
        number = market["market"]
        market["maker_fee_ppm"], market["taker_fee_ppm"] = RATES[number]
        market["insurance_cap_quanta"] = CAPS[number]
    return json.dumps(state).encode()


class Model:
    """What the README says, with fractions and a list of all trades there ever were."""

    def __init__(self) -> None:
        self.trades: list[tuple[int, bytes, int]] = []  # (day, owner, notional)
        self.referrers: dict[bytes, bytes] = {}
        self.cash = {person.owner: 10**15 for person in OWNERS}
        self.funds = dict.fromkeys((b"stakers", b"treasury", BTC, ETH), 0)

    def volume(self, owner: bytes, day: int) -> int:
        """FEES-004."""
        return sum(notional for then, who, notional in self.trades if who == owner and day - 30 < then <= day)

    def rates(self, owner: bytes, market: int, day: int) -> tuple[int, int]:
        """FEES-003."""
        tier = [tier for tier in TIERS if self.volume(owner, day) >= tier[0]][-1]
        maker, taker = (ceil(Fraction(rate * share, PPM)) for rate, share in zip(RATES[market], tier[1:], strict=True))
        return maker, taker

    def block(self, day: int, fills: list[events_pb2.Fill]) -> None:
        """FEES-001 to FEES-007 for the fills of a block; each must have cost what the model says."""
        net = dict.fromkeys((BTC, ETH), 0)
        left: dict[tuple[bytes, int], int] = {}
        rates = {(person.owner, market): self.rates(person.owner, market, day)
                 for person in OWNERS for market in (BTC, ETH)}
        for fill in fills:
            notional, maker, taker = fill.price_quanta * fill.size_lots, fill.maker.owner, fill.taker.owner
            takes = ceil(Fraction(notional * rates[taker, fill.market][1], PPM))
            makes = max(-takes, ceil(Fraction(notional * rates[maker, fill.market][0], PPM)))
            assert (fill.taker_fee_quanta, fill.maker_fee_quanta) == (takes, makes)
            sign = 1 if fill.taker_side == b.BUY else -1
            self.cash[taker] -= takes + sign * notional
            self.cash[maker] -= makes - sign * notional
            net[fill.market] += takes + makes
            left[taker, fill.market] = left.get((taker, fill.market), 0) + takes + min(0, makes)
            if maker != taker:
                self.trades += [(day, maker, notional), (day, taker, notional)]
        for (owner, market), amount in left.items():
            share = floor(Fraction(amount * SHARES["referral_ppm"], PPM)) if owner in self.referrers else 0
            net[market] -= share
            if share:
                self.cash[self.referrers[owner]] += share
        for market, amount in net.items():
            room = max(0, CAPS[market] - self.funds[market])
            insured = min(floor(Fraction(amount * SHARES["insurance_ppm"], PPM)), room)
            staked = floor(Fraction(amount * SHARES["stakers_ppm"], PPM))
            self.funds[market] += insured
            self.funds[b"stakers"] += staked
            self.funds[b"treasury"] += amount - insured - staked


def fund_key(name: bytes | int) -> bytes:
    """The key of a fund of the model."""
    return name if isinstance(name, bytes) else b"insurance/" + name.to_bytes(4, "big")


@pytest.mark.parametrize("seed", range(4))
def test_fees_are_the_models(seed: int) -> None:
    """FEES-001 to FEES-007: fills of several markets a block, referrers named on the way, days that pass, restarts, and
    blocks that are run twice; to the unit.
    """
    random, model, driver = Random(seed), Model(), Driver(genesis())
    seen_rebate = seen_capped = False
    for step in range(120):
        txs = []
        for _ in range(random.randint(1, 5)):
            person, market = random.choice(OWNERS), random.choice((BTC, ETH))
            price = MARK_QUANTA[market] + random.randint(-2, 2) * b.TICK_QUANTA[market]
            txs.append(driver.envelope(person, *[
                b.place(random.choice((1, 2)), price, random.randint(1, 25), market=market)
                for _ in range(random.randint(1, 4))], all_or_nothing=random.random() < 0.2))
        person, other = random.sample(OWNERS, 2)
        if random.random() < 0.1:
            txs.append(driver.envelope(person, b.set_referrer(other)))
        elapsed = random.choice((10**9, 10**9, DAY_NS // 3, DAY_NS, 7 * DAY_NS if random.random() < 0.1 else 1))
        if random.random() < 0.2:
            driver.chain.finalize(driver.next_block(txs, elapsed))
        result = driver.run(txs, elapsed)
        events = [event for outcome in result.txs for event in outcome.events]
        for event in events:
            if event.HasField("referrer_set"):
                model.referrers[event.referrer_set.owner] = event.referrer_set.referrer
        fills = [event.fill for event in events if event.HasField("fill")]
        model.block(driver.time_ns // DAY_NS, fills)
        seen_rebate |= any(fill.maker_fee_quanta < 0 for fill in fills)
        seen_capped |= model.funds[BTC] == CAPS[BTC]
        for name, amount in model.funds.items():
            assert ledger.record(driver.reader, "funds", fund_key(name)).balance_quanta == amount
        for one in OWNERS:
            stored = ledger.record(driver.reader, "accounts", one.account())
            assert stored is None or stored.cash_quanta == model.cash[one.owner]
            trader = ledger.record(driver.reader, "traders", one.owner)
            if trader is not None and trader.day == driver.time_ns // DAY_NS:
                assert trader.volume_quanta == sum(trader.volumes) == model.volume(one.owner, trader.day)
        if step % 30 == 15:
            driver.restart()
    audit(driver.chain.ctx)
    ledger.check(driver.reader)
    assert seen_rebate and seen_capped and model.referrers

"""Traces: seeded streams of actions as makers and takers send them, made without looking at the chain.

Makers keep a ladder of orders around a wandering price and know them by client id; takers cross it with
immediate-or-cancel orders. A flow may be told what a block did (`learn`), as real makers are; without, it depends on
nothing but its seed.
"""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from random import Random

from novation.v1 import events_pb2, tx_pb2
from tests.helpers import builders
from tests.helpers.builders import BUY, IMMEDIATE_OR_CANCEL, MARK_QUANTA, POST_ONLY, SELL, TICK_QUANTA, Person
from tests.helpers.votes import Voters, prices

LADDER_TICKS = 60      # how far from the middle makers quote
NOW_NS = 1_700_000_000_000_000_000
MAKER_ORDERS = 40      # open orders a maker aims at


@dataclass
class Trader:
    """One account that acts: its believed open orders as (client id, market, side), oldest first."""

    person: Person
    maker: bool
    next_client_id: int = 1
    believed: list[tuple[int, int, int]] = field(default_factory=list)


def crowd(count: int, maker_share: float = 0.5) -> list[Trader]:
    """`count` traders, the first `maker_share` of them makers."""
    makers = round(count * maker_share)
    return [Trader(Person(f"trader {index}"), index < makers) for index in range(count)]


class Flow:
    """A source of actions: the traders, one wandering middle price a market, and a seeded random source."""

    def __init__(self, traders: list[Trader], seed: int = 1,
                 markets: tuple[int, ...] = (builders.BTC, builders.ETH)) -> None:
        self.random = Random(seed)
        self.traders = traders
        self.makers = [trader for trader in traders if trader.maker]
        self.takers = [trader for trader in traders if not trader.maker]
        self.markets = markets
        self.by_owner = {trader.person.owner: trader for trader in traders}
        self.acted = 0
        self.middle = {market: MARK_QUANTA[market] // TICK_QUANTA[market] for market in markets}  # in ticks

    def step(self, actions: int) -> None:
        """Move every middle price by up to two ticks for each two hundred actions sent."""
        before, self.acted = self.acted // 200, self.acted + actions
        if self.acted // 200 != before:
            for market in self.markets:
                self.middle[market] += self.random.randint(-2, 2)

    def learn(self, events: Iterable[events_pb2.Event]) -> None:
        """Forget orders that left the book without their owner's doing, and those that never got there."""
        gone: dict[bytes, set[int]] = {}
        for event in events:
            if event.HasField("fill") and event.fill.maker_open_lots == 0:
                gone.setdefault(event.fill.maker.owner, set()).add(event.fill.maker_client_id)
            cancelled = event.order_cancelled if event.HasField("order_cancelled") else None
            if cancelled and cancelled.reason != events_pb2.CANCEL_REASON_REPLACED:
                gone.setdefault(cancelled.account.owner, set()).add(cancelled.client_id)
        for owner, client_ids in gone.items():
            self.forget(owner, client_ids)

    def forget(self, owner: bytes, client_ids: set[int]) -> None:
        """Take these client ids out of what an owner believes to be open."""
        trader = self.by_owner[owner]
        trader.believed = [known for known in trader.believed if known[0] not in client_ids]

    def price(self, market: int, ticks_from_middle: int) -> int:
        """A price in quote quanta, so many ticks above the middle."""
        return (self.middle[market] + ticks_from_middle) * TICK_QUANTA[market]

    def maker_action(self, trader: Trader) -> tx_pb2.Action:
        """Quote: place until the ladder is full, then mostly cancel the oldest and sometimes replace."""
        random = self.random
        if len(trader.believed) >= MAKER_ORDERS or (trader.believed and random.random() < 0.45):
            index = 0 if random.random() < 0.8 else random.randrange(len(trader.believed))
            client_id, market, side = trader.believed[index]
            if random.random() < 0.2:
                return builders.replace(self.quote(market, side), random.randint(1, 20), client_id=client_id)
            del trader.believed[index]
            return builders.cancel(client_id=client_id)
        market, side = random.choice(self.markets), random.choice((BUY, SELL))
        client_id = trader.next_client_id
        trader.next_client_id += 1
        trader.believed.append((client_id, market, side))
        kind = POST_ONLY if random.random() < 0.7 else builders.GOOD_TIL_CANCEL
        return builders.place(side, self.quote(market, side), random.randint(1, 20), market=market, time_in_force=kind,
                              client_id=client_id)

    def quote(self, market: int, side: int) -> int:
        """A maker's price: more often near the middle than far."""
        distance = 1 + int(self.random.random() ** 2 * LADDER_TICKS)
        return self.price(market, -distance if side == BUY else distance)

    def taker_action(self) -> tx_pb2.Action:
        """Cross the book by a few ticks."""
        market, side = self.random.choice(self.markets), self.random.choice((BUY, SELL))
        reach = self.random.randint(2, 15)
        return builders.place(side, self.price(market, reach if side == BUY else -reach), self.random.randint(1, 8),
                              market=market, time_in_force=IMMEDIATE_OR_CANCEL)

    def batch(self, size: int, taker_share: float = 0.2) -> tuple[Person, list[tx_pb2.Action]]:
        """The actions of one envelope, and who sends it."""
        self.step(size)
        if self.takers and self.random.random() < taker_share:
            return self.random.choice(self.takers).person, [self.taker_action() for _ in range(size)]
        trader = self.random.choice(self.makers)
        return trader.person, [self.maker_action(trader) for _ in range(size)]


def mixed_blocks(seed: int, blocks: int, traders: int = 8) -> Iterator[list[bytes]]:
    """Blocks of signed envelopes of every kind, good and bad: the determinism trace. Nonces are counted here.

    The genesis to run it on is `mixed_genesis(traders)`.
    """
    people = crowd(traders)
    flow = Flow(people, seed)
    random = Random(seed + 1)
    nonces: dict[bytes, int] = {}

    def send(person: Person, actions: list[tx_pb2.Action], **fields: object) -> bytes:
        nonces[person.owner] = nonces.get(person.owner, 0) + random.choice((1, 1, 1, 2))
        return builders.envelope(person, actions, nonces[person.owner], **fields)  # type: ignore[arg-type]

    for height in range(1, blocks + 1):
        txs = [send(*flow.batch(random.choice((1, 3, 20)))) for _ in range(random.randint(0, 5))]
        if height % 25 in (0, 5):
            txs.append(send(builders.ORACLE, [builders.set_status(2 if height % 25 == 0 else 1, builders.ETH)]))
        for _ in range(random.randint(0, 3)):
            person, other = random.choice(people).person, random.choice(people).person
            special = random.randrange(len(SPECIALS) + 3)
            if special < len(SPECIALS):
                actions, fields = SPECIALS[special](flow, random, other)
                txs.append(send(person, actions, **fields))
            elif special == len(SPECIALS):
                txs += txs[:1]  # a replay
            elif special == len(SPECIALS) + 1:
                txs.append(random.randbytes(random.randint(0, 80)))
            else:
                txs.append(send(person, [flow.taker_action()], expiry_height=height - 1 or 1, expiry_time_ns=1))
        random.shuffle(txs)
        yield txs


def any_order(flow: Flow, random: Random) -> tx_pb2.Action:
    """An order of any kind at any price near the middle."""
    market = random.choice(flow.markets)
    return builders.place(
        random.choice((BUY, SELL)), flow.price(market, random.randint(-9, 9)), random.randint(1, 30), market=market,
        time_in_force=random.randint(1, 4), reduce_only=random.random() < 0.3, client_id=random.choice((0, 0, 1, 2)),
        stp=random.randint(0, 3))


def any_combo(flow: Flow, random: Random) -> tx_pb2.Action:
    """Legs in both markets, or twice in one."""
    legs = [builders.leg(market, random.choice((BUY, SELL)), flow.price(market, random.randint(-9, 9)),
                         random.randint(1, 5), reduce_only=random.random() < 0.2)
            for market in random.choice(((1, 2), (2, 1), (1, 1)))]
    return builders.combo(*legs, net=random.choice((0, 1 << 60)))


def any_block(flow: Flow, random: Random, other: Person) -> tx_pb2.Action:
    """A block trade that `other` signed for somebody."""
    sender = random.choice(flow.traders).person
    legs = [builders.block_leg(market, random.choice((BUY, SELL)), flow.price(market, random.randint(-9, 9)),
                               random.choice((1, 230, 450))) for market in random.choice(((1, 2), (1,), (2,)))]
    return builders.block(other, builders.block_terms(sender, other, *legs, nonce=random.randint(1, 40)))


def special_order(flow: Flow, random: Random) -> tx_pb2.Action:
    """An order that rests with terms: an expiry, a peak, a group, a peg."""
    market, peg, side = random.choice(flow.markets), random.choice((0, 0, 1, 2)), random.choice((BUY, SELL))
    offset = random.randint(-20, 20) if peg else 0
    display = random.choice((0, 0, 1, 3))
    return builders.place(
        side, 0 if peg else flow.price(market, random.randint(-9, 9)), random.randint(1, 30), market=market,
        time_in_force=POST_ONLY if peg or random.random() < 0.3 else builders.GOOD_TIL_CANCEL, display=display,
        expires=random.choice((0, NOW_NS + random.randint(0, 200) * 1_000_000_000)),
        oco_id=random.choice((0, 0, 1, 2)), peg=peg, offset=offset)


def any_trigger(flow: Flow, random: Random) -> tx_pb2.Action:
    """A trigger of any kind, mostly within reach of the next prices."""
    market, direction, reach = random.choice(flow.markets), random.choice((1, 2)), random.randint(-20, 400)
    trail = random.choice((0, 0, 16, 90)) * TICK_QUANTA[market]
    level = 0 if trail else flow.price(market, reach if direction == 1 else -reach)
    return builders.trigger(
        direction, level, random.choice((BUY, SELL)), flow.price(market, random.randint(-9, 9)), random.randint(1, 30),
        market=market, source=random.randint(1, 3), trail=trail, reduce_only=random.random() < 0.3,
        time_in_force=random.randint(1, 2), client_id=random.choice((0, 0, 1, 2, 3)), oco_id=random.choice((0, 0, 1)),
        expires=random.choice((0, 0, NOW_NS + 100_000_000_000)))


Special = Callable[[Flow, Random, Person], tuple[list[tx_pb2.Action], dict[str, object]]]

# What a trace holds besides makers and takers: (actions, fields of the body).
SPECIALS: tuple[Special, ...] = (
    lambda flow, random, other: ([any_order(flow, random) for _ in range(6)], {}),
    lambda flow, random, other: ([builders.transfer(other, random.choice((5_000_000, 10, 10**12)),
                                                    number=random.randint(0, 2))], {}),
    lambda flow, random, other: ([builders.withdraw(random.choice((1_000_000, 10**9))), builders.withdraw(1, b""),
                                  builders.faucet(other, 3_000_000, number=7)], {}),
    lambda flow, random, other: ([builders.cancel_all(random.choice((0, 1))), builders.cancel(1 << 40 | 5)], {}),
    lambda flow, random, other: ([any_trigger(flow, random) for _ in range(4)] + [
        builders.cancel_trigger(client_id=random.randint(1, 3), every=random.random() < 0.1)], {}),
    lambda flow, random, other: ([special_order(flow, random) for _ in range(5)], {}),
    lambda flow, random, other: ([
        builders.protect(random.choice((0, 5, 20)), 3_000_000_000, random.choice((0, 5_000_000_000))),
        builders.dead_man(random.choice((0, NOW_NS + random.randint(0, 200) * 1_000_000_000)))], {}),
    lambda flow, random, other: ([builders.bid(
        other, random.choice((10**6, 10**5)), expected_bids=random.randint(0, 1))], {}),
    lambda flow, random, other: ([flow.taker_action(), builders.buy(7, 1)], {"all_or_nothing": True}),
    lambda flow, random, other: ([any_order(flow, random)] * 5, {"gas_limit": random.choice((150_000, 200_000))}),
    lambda flow, random, other: ([builders.isolate(random.randint(0, 2), random.choice((0, 1, 3)),
                                                   random.choice((0, 1_500_000, 20_000_000)),
                                                   random.choice(flow.markets))], {}),
    lambda flow, random, other: ([any_combo(flow, random) for _ in range(3)], {}),
    lambda flow, random, other: ([any_block(flow, random, other) for _ in range(6)], {}),
    lambda flow, random, other: ([builders.margin_mode(random.choice((1, 2, 2))), any_order(flow, random)], {}),
    lambda flow, random, other: ([builders.set_referrer(other), flow.taker_action()], {}),
    lambda flow, random, other: ([builders.set_agent(
        other.public_key, random.choice((0, 1, NOW_NS + random.randint(0, 200) * 1_000_000_000)))], {}),
    lambda flow, random, other: ([builders.set_validator(other.public_key, random.randint(0, 9))], {}),
    lambda flow, random, other: ([builders.buy(flow.price(1, 0), 5_000), builders.buy(500, 0), builders.buy(0, 1),
                                  builders.sell(500, 1, market=9), builders.cancel(3, 3)], {}),
)


TRACE_VOTERS = Voters([f"validator {place}" for place in range(4)], [10, 20, 15, 5])


def mixed_record(seed: int, height: int) -> list[bytes]:
    """What block `height` of the trace begins with: votes that nearly agree, the weakest validator silent now and then;
    every fifth block brings other prices, few bring a record that is none, the first brings nothing.
    """
    random, level = Random(f"{seed}/{height}"), Random(f"{seed}/{height // 5}")
    if height == 1:
        return []
    if height % 50 == 7:
        return [b"\x00" + random.randbytes(60)]
    middle = {market: MARK_QUANTA[market] + level.randint(-900, 900) * TICK_QUANTA[market] for market in MARK_QUANTA}
    votes = {place: prices({feed: price + random.randint(-99, 99) for feed, price in middle.items()})
             for place in range(random.choice((3, 4, 4)))}
    return [TRACE_VOTERS.record(height - 1, votes)]


def mixed_genesis(traders: int = 8, *, breakers: bool = True) -> bytes:
    """The genesis of `mixed_blocks`: the same crowd, not rich, so that margin refuses some orders, and markets whose
    breakers trip easily.
    """
    people = tuple(trader.person for trader in crowd(traders))
    terms: dict[int, dict[str, object]] = {
        builders.BTC: {"funding_cap_e9": 40_000_000, "impact_notional_quanta": 500_000_000},
        builders.ETH: {"matching": "batch"}}
    if breakers:
        halts = {"halt_window_ns": 20_000_000_000, "halt_auction_ns": 3_000_000_000, "halt_extensions": 2}
        terms[builders.BTC] |= {**halts, "insurance_quanta": 500_000_000, "order_band_ppm": 6_000,
                                "fill_band_ppm": 8_000, "halt_move_ppm": 10_000}
        terms[builders.ETH] |= {**halts, "order_band_ppm": 7_000, "fill_band_ppm": 7_000, "max_open_interest_lots": 60}
    limits = {"withdraw_hour_quanta": 3_000_000, "withdraw_day_ppm": 10_000, "sweep_accounts": 3,
              "stress_ppm": 200_000} if breakers else {}
    return builders.genesis((*people, builders.ORACLE), cash_quanta=400_000_000, terms=terms,
                            portfolios=(1, 2) if breakers else (), **limits)

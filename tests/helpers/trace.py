"""Traces: seeded streams of actions as makers and takers send them, made without looking at the chain.

Makers keep a ladder of orders around a wandering price and know them by client id; takers cross it with
immediate-or-cancel orders. A flow may be told what a block did (`learn`), as real makers are; without, it depends on
nothing but its seed.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from random import Random

from novation.v1 import events_pb2, tx_pb2
from tests.helpers import builders
from tests.helpers.builders import BUY, IMMEDIATE_OR_CANCEL, MARK_QUANTA, POST_ONLY, SELL, TICK_QUANTA, Person

LADDER_TICKS = 60      # how far from the middle makers quote
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
        txs = [send(*flow.batch(random.choice((1, 3, 20)))) for _ in range(random.randint(0, 4))]
        if height % 5 == 0:
            marks = [builders.set_mark(flow.price(market, 0), market) for market in flow.markets]
            txs.append(send(builders.ORACLE, marks))
        giver, taker = random.choice(people).person, random.choice(people).person
        special = random.randrange(12)
        if special == 0:
            txs.append(send(giver, [builders.transfer(taker, 5_000_000, number=random.randint(0, 2))]))
        elif special == 1:
            txs.append(send(giver, [builders.withdraw(1_000_000), builders.faucet(taker, 3_000_000, number=7)]))
        elif special == 2:
            txs.append(send(giver, [builders.cancel_all(random.choice((0, 1)))]))
        elif special == 3:
            txs.append(send(giver, [flow.taker_action(), builders.buy(7, 1)], all_or_nothing=True))
        elif special == 4:
            txs.append(send(giver, [flow.taker_action()] * 5, gas_limit=random.choice((150_000, 300_000))))
        elif special == 5 and txs:
            txs.append(txs[0])  # a replay
        elif special == 6:
            txs.append(random.randbytes(random.randint(0, 80)))
        elif special == 7:
            txs.append(send(giver, [flow.taker_action()], expiry_height=height - 1 or 1))
        random.shuffle(txs)
        yield txs


def mixed_genesis(traders: int = 8) -> bytes:
    """The genesis of `mixed_blocks`: the same crowd, not rich, so that margin refuses some orders."""
    people = tuple(trader.person for trader in crowd(traders))
    return builders.genesis((*people, builders.ORACLE), cash_quanta=3_000_000_000)

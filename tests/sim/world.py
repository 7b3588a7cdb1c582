"""The people of a simulated market and what they do, block by block.

Makers quote a ladder around the mark. Gamblers borrow: they take a position of a leverage of their own, hold it until
they are liquidated or had enough, and come back later with fresh money. Everybody sees only what is committed.
"""

import random
from collections.abc import Iterator
from dataclasses import dataclass, field

from app.chain import Chain
from novation.v1 import tx_pb2
from tests.helpers import builders
from tests.helpers.builders import BUY, SELL, Person

MAKER_LEVELS = 8
MAKER_STEP_PPM = 400          # between levels, as a share of the mark
MAKER_LEVEL_USD = 60_000      # of one level; a fall eats through the ladder and the next block brings a new one
MAKER_CASH_QUANTA = 200_000_000 * 10**6
REQUOTE_PPM = 300             # makers move once the mark has moved by this much
GAMBLER_USD = (1_000, 60_000)
LEVERAGES = (2, 3, 5, 8, 10, 12, 15)
LONG_SHARE = 0.65             # January 2022: most of them were long
ENTER_CHANCE = 0.004          # a block
LEAVE_CHANCE = 0.0004
IDLE_BLOCKS = 400
TAKE_REACH_PPM = 6_000        # how far through the mark a gambler's order reaches

Batch = tuple[Person, list[tx_pb2.Action]]


@dataclass(slots=True)
class Gambler:
    """Somebody with a taste for leverage."""

    person: Person
    market: int
    stake_quanta: int
    leverage: int
    side: int
    idle_until: int = 0
    ruined: int = 0


@dataclass(slots=True)
class Maker:
    """Somebody who quotes one market."""

    person: Person
    market: int
    quoted_at_quanta: int = 0


@dataclass
class World:
    """Everybody. `acts` gives the envelopes of the next block, from what `chain` has committed."""

    markets: tuple[int, ...]
    seed: int
    gamblers: list[Gambler] = field(default_factory=list)
    makers: list[Maker] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.chance = random.Random(f"novation/sim/{self.seed}")

    def populate(self, gamblers: int) -> None:
        """Make the people: two makers a market and so many gamblers."""
        self.makers = [Maker(Person(f"maker {market} {number}"), market)
                       for market in self.markets for number in (0, 1)]
        for number in range(gamblers):
            self.gamblers.append(Gambler(
                Person(f"gambler {number}"), self.chance.choice(self.markets),
                self.chance.randrange(*GAMBLER_USD) * 10**6, self.chance.choice(LEVERAGES),
                BUY if self.chance.random() < LONG_SHARE else SELL, self.chance.randrange(IDLE_BLOCKS)))

    def accounts(self) -> list[dict[str, object]]:
        """The genesis accounts of all of them and of the price authority."""
        funded = [(maker.person, MAKER_CASH_QUANTA) for maker in self.makers]
        funded += [(gambler.person, gambler.stake_quanta) for gambler in self.gamblers]
        funded.append((builders.ORACLE, 10**12))
        return [{"owner": person.owner.hex(), "number": 0, "cash_quanta": cash} for person, cash in funded]

    def acts(self, chain: Chain, height: int, marks: dict[int, int]) -> Iterator[Batch]:
        """The envelopes of the block `height`, in which the marks become `marks`."""
        yield builders.ORACLE, [builders.set_mark(price, market) for market, price in marks.items()]
        for maker in self.makers:
            mark = marks[maker.market]
            if abs(mark - maker.quoted_at_quanta) * 10**6 >= REQUOTE_PPM * mark or height % 10 == 0:
                maker.quoted_at_quanta = mark
                yield maker.person, quotes(maker.market, mark)
        for gambler in self.gamblers:
            if gambler.idle_until <= height:
                actions = self.gamble(chain, height, gambler, marks[gambler.market])
                if actions:
                    yield gambler.person, actions

    def gamble(self, chain: Chain, height: int, gambler: Gambler, mark: int) -> list[tx_pb2.Action]:
        """What a gambler does now: mostly nothing."""
        account = chain.view.accounts.get(gambler.person.account())
        held = account.position(gambler.market).lots if account else 0
        if held:
            if self.chance.random() >= LEAVE_CHANCE:
                return []
            gambler.idle_until = height + self.chance.randrange(IDLE_BLOCKS)
            return [take(gambler.market, SELL if held > 0 else BUY, mark, abs(held), reduce_only=True)]
        if self.chance.random() >= ENTER_CHANCE:
            return []
        cash = account.cash_quanta if account else 0
        if cash < gambler.stake_quanta // 4:
            gambler.ruined += 1
            return [builders.faucet(gambler.person, gambler.stake_quanta)]
        lots = cash * gambler.leverage // mark
        return [take(gambler.market, gambler.side, mark, lots)] if lots else []


def quotes(market: int, mark: int) -> list[tx_pb2.Action]:
    """A maker's envelope: the old ladder goes, a new one comes."""
    tick = builders.TICK_QUANTA[market]
    actions = [builders.cancel_all(market)]
    for level in range(1, MAKER_LEVELS + 1):
        away = mark * MAKER_STEP_PPM * level // 10**6
        lots = max(1, MAKER_LEVEL_USD * level * 10**6 // mark)
        actions.append(builders.buy((mark - away) // tick * tick, lots, market=market))
        actions.append(builders.sell(-(-(mark + away) // tick) * tick, lots, market=market))
    return actions


def take(market: int, side: int, mark: int, lots: int, *, reduce_only: bool = False) -> tx_pb2.Action:
    """An immediate-or-cancel order that reaches through the mark."""
    tick, reach = builders.TICK_QUANTA[market], mark * TAKE_REACH_PPM // 10**6
    price = (mark + reach if side == BUY else max(tick, mark - reach)) // tick * tick
    return builders.place(side, price, lots, market=market, time_in_force=builders.IMMEDIATE_OR_CANCEL,
                          reduce_only=reduce_only)

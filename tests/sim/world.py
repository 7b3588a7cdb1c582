"""The people of a simulated market and what they do, block by block.

Makers quote a ladder around the mark and step away for a while when it moves fast, just when others need them. Gamblers
borrow: they take a position of a leverage of their own, hold it until they are liquidated or had enough, and come back
later with fresh money. Liquidators bid in auctions once the discount is to their taste, and sell on what they took.
Everybody sees only what is committed.
"""

import random
from collections.abc import Iterator
from dataclasses import dataclass, field

from app.chain import Chain
from app.markets.types import SETTLED, SETTLING
from novation.v1 import tx_pb2
from tests.helpers import builders
from tests.helpers.builders import BUY, SELL, Person

MAKER_LEVELS = 6
MAKER_STEP_PPM = 500          # between levels, as a share of the mark
MAKER_LEVEL_USD = 20_000      # of one level; a fall eats through the ladder and the next block brings a new one
MAKER_CASH_QUANTA = 200_000_000 * 10**6
REQUOTE_PPM = 1_000           # makers move once the mark has moved by this much
AFRAID_PPM = 6_000            # and are gone for a while when it does so by this much in a block
AFRAID_BLOCKS = 20
LIQUIDATOR_CASH_QUANTA = 2_000_000 * 10**6
LEAST_DISCOUNT_PPM = 150_000
GAMBLER_USD = (1_000, 100_000)
LEVERAGES = (3, 5, 8, 10, 12, 15, 18)
LONG_SHARE = 0.65             # January 2022: most of them were long
ENTER_CHANCE = 0.004          # a block
LEAVE_CHANCE = 0.0004
IDLE_BLOCKS = 400
TAKE_REACH_PPM = 6_000        # how far through the mark a gambler's order reaches

TICK_QUANTA = 500             # half a dollar a BTC, of lots of 0.001 BTC
PERPETUAL, FUTURE = 1, 2

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
    away_until: int = 0


@dataclass
class World:
    """Everybody. `acts` gives the envelopes of the next block, from what `chain` has committed."""

    markets: tuple[int, ...]
    seed: int
    gamblers: list[Gambler] = field(default_factory=list)
    makers: list[Maker] = field(default_factory=list)
    liquidators: tuple[Person, ...] = (Person("liquidator 0"), Person("liquidator 1"))
    last_marks: dict[int, int] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.chance = random.Random(f"novation/sim/{self.seed}")
        self.owners: dict[bytes, Person] = {}

    def populate(self, gamblers: int) -> None:
        """Make the people: two makers a market and so many gamblers."""
        self.makers = [Maker(Person(f"maker {market} {number}"), market)
                       for market in self.markets for number in (0, 1)]
        for number in range(gamblers):
            self.gamblers.append(Gambler(
                Person(f"gambler {number}"), self.chance.choice(self.markets),
                self.chance.randrange(*GAMBLER_USD) * 10**6, self.chance.choice(LEVERAGES),
                BUY if self.chance.random() < LONG_SHARE else SELL, self.chance.randrange(IDLE_BLOCKS)))
        self.owners = {person.account(): person for person in self.people()}

    def people(self) -> list[Person]:
        """All but the authority."""
        return [*(maker.person for maker in self.makers), *(gambler.person for gambler in self.gamblers),
                *self.liquidators]

    def accounts(self) -> list[dict[str, object]]:
        """The genesis accounts of all of them and of the authority."""
        funded = [(maker.person, MAKER_CASH_QUANTA) for maker in self.makers]
        funded += [(gambler.person, gambler.stake_quanta) for gambler in self.gamblers]
        funded += [(person, LIQUIDATOR_CASH_QUANTA) for person in self.liquidators]
        funded.append((builders.ORACLE, 10**12))
        return [{"owner": person.owner.hex(), "number": 0, "cash_quanta": cash} for person, cash in funded]

    def acts(self, chain: Chain, height: int, marks: dict[int, int]) -> Iterator[Batch]:
        """The envelopes of the block `height`, whose votes bring `marks`."""
        open_now = {market for market in self.markets if (record := chain.view.markets.get(market))
                    and record.status not in (SETTLING, SETTLED)}
        marks = {market: price for market, price in marks.items() if market in open_now}
        for maker in self.makers:
            if maker.market in marks and (actions := self.make(height, maker, marks[maker.market])):
                yield maker.person, actions
        for number, person in enumerate(self.liquidators):
            if actions := self.liquidate(chain, person, number, marks):
                yield person, actions
        for gambler in self.gamblers:
            acts = gambler.market in marks and gambler.idle_until <= height
            if acts and (batch := self.gamble(chain, height, gambler, marks[gambler.market])):
                yield batch
        self.last_marks = marks

    def make(self, height: int, maker: Maker, mark: int) -> list[tx_pb2.Action]:
        """What a maker does now: quote anew, step away, or nothing."""
        last = self.last_marks.get(maker.market, mark)
        if abs(mark - last) * 10**6 > AFRAID_PPM * last:
            maker.away_until, maker.quoted_at_quanta = height + AFRAID_BLOCKS, 0
            return [builders.cancel_all(maker.market)]
        stale = abs(mark - maker.quoted_at_quanta) * 10**6 >= REQUOTE_PPM * mark or height % 10 == 0
        if height < maker.away_until or not stale:
            return []
        maker.quoted_at_quanta = mark
        return quotes(maker.market, mark)

    def liquidate(self, chain: Chain, person: Person, number: int, marks: dict[int, int]) -> list[tx_pb2.Action]:
        """What a liquidator does now: sell on what it holds, else bid for its half of the auctions that are open."""
        account = chain.view.accounts.get(person.account())
        held = [position for position in account.positions.values() if position.lots] if account else []
        if held:
            return [take(position.market, SELL if position.lots > 0 else BUY, marks[position.market],
                         abs(position.lots), reduce_only=True) for position in held if position.market in marks]
        return [builders.bid(self.owners[key], least_discount_ppm=LEAST_DISCOUNT_PPM, expected_bids=auction.bids)
                for key, auction in chain.view.auctions.scan()
                if key in self.owners and key[0] % len(self.liquidators) == number][:5]

    def gamble(self, chain: Chain, height: int, gambler: Gambler, mark: int) -> Batch | None:
        """What a gambler does now: mostly nothing. A ruined one is given its stake anew, by the authority."""
        account = chain.view.accounts.get(gambler.person.account())
        held = account.position(gambler.market).lots if account else 0
        if held:
            if self.chance.random() >= LEAVE_CHANCE:
                return None
            gambler.idle_until = height + self.chance.randrange(IDLE_BLOCKS)
            side = SELL if held > 0 else BUY
            return gambler.person, [take(gambler.market, side, mark, abs(held), reduce_only=True)]
        if self.chance.random() >= ENTER_CHANCE:
            return None
        cash = account.cash_quanta if account else 0
        if cash < gambler.stake_quanta // 4:
            gambler.ruined += 1
            return builders.ORACLE, [builders.faucet(gambler.person, gambler.stake_quanta)]
        lots = cash * gambler.leverage // mark
        return (gambler.person, [take(gambler.market, gambler.side, mark, lots)]) if lots else None


def quotes(market: int, mark: int) -> list[tx_pb2.Action]:
    """A maker's envelope: the old ladder goes, a new one comes."""
    actions = [builders.cancel_all(market)]
    for level in range(1, MAKER_LEVELS + 1):
        away = mark * MAKER_STEP_PPM * level // 10**6
        lots = max(1, MAKER_LEVEL_USD * level * 10**6 // mark)
        actions.append(builders.buy((mark - away) // TICK_QUANTA * TICK_QUANTA, lots, market=market))
        actions.append(builders.sell(-(-(mark + away) // TICK_QUANTA) * TICK_QUANTA, lots, market=market))
    return actions


def take(market: int, side: int, mark: int, lots: int, *, reduce_only: bool = False) -> tx_pb2.Action:
    """An immediate-or-cancel order that reaches through the mark."""
    reach = mark * TAKE_REACH_PPM // 10**6
    price = (mark + reach if side == BUY else mark - reach) // TICK_QUANTA * TICK_QUANTA
    return builders.place(side, price, lots, market=market, time_in_force=builders.IMMEDIATE_OR_CANCEL,
                          reduce_only=reduce_only)

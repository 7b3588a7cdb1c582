"""A chain for a story: coins at prices in USD, people with money, and who has lost what in the end.

Amounts are in USD and whole coins as people say them; the laws of the ledger are checked after every block.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

from app.accounts.types import Account
from app.clearing.actions import free_collateral
from app.collateral.types import insurance_fund
from app.invariants import audit
from app.margin.state import equity
from app.oracle.types import Feed
from novation.v1 import events_pb2, tx_pb2
from tests.helpers import builders as b
from tests.helpers import ledger
from tests.helpers.builders import ORACLE, Person
from tests.helpers.driver import Driver
from tests.helpers.votes import prices

S = 10**9
USD = 10**6
PLACES = 8  # decimals of every feed


@dataclass(frozen=True)
class Coin:
    """A market and its feed. Without more terms its mark is its index and may jump at will, and nothing breaks it."""

    symbol: str
    usd: str
    lot: str = "0.001"
    tick: str = "0.5"
    terms: Mapping[str, object] = field(default_factory=dict)
    feed: Mapping[str, object] = field(default_factory=dict)

    def quanta(self, usd: str | Decimal) -> int:
        """A price of one coin as quanta a lot."""
        return int(Decimal(usd) * Decimal(self.lot) * USD)

    def lots(self, coins: int | str) -> int:
        """Coins as lots."""
        return int(Decimal(coins) / Decimal(self.lot))

    def entries(self, number: int) -> tuple[dict[str, object], dict[str, object]]:
        """Feed and market of the genesis document."""
        feed = b.feed_entry(number, self.symbol.replace("-PERP", "") + "/USD", votes_at(self.usd), decimals=PLACES)
        market = b.market_entry(1, self.symbol) | {
            "market": number, "feed": number, "lot_size": self.lot, "tick_size": self.tick,
            "tick_quanta": self.quanta(self.tick), "max_order_lots": 10**12, "max_position_lots": 10**12,
            "maker_fee_ppm": 0, "taker_fee_ppm": 0}
        return feed | dict(self.feed), market | dict(self.terms)


def votes_at(usd: str | Decimal) -> int:
    """A price in units of every feed."""
    return int(Decimal(usd) * 10**PLACES)


class World:
    """Coins by number from 1, people with cash in USD, and the prices that validators see."""

    def __init__(self, *coins: Coin, cash: Mapping[Person, int], params: Mapping[str, object] | None = None,
                 assets: tuple[dict[str, object], ...] = ()) -> None:
        self.coins = coins
        feeds, markets = zip(*(coin.entries(number) for number, coin in enumerate(coins, 1)), strict=True)
        document = json.loads(b.genesis((ORACLE, *cash), cash_quanta=USD, gas_price_e6=0, max_faucet_quanta=10**15,
                                        cash={one: usd * USD for one, usd in cash.items()}, **(params or {})))
        document |= {"feeds": feeds, "markets": markets, "assets": assets}
        self.driver = Driver(json.dumps(document).encode(), verify=lambda *_: True)
        self.seen: dict[int, int] | None = dict(self.driver.prices)  # None: nobody sees anything
        self.driver.record = self._record  # type: ignore[method-assign]
        self.events: list[events_pb2.Event] = []
        self.run()

    def _record(self) -> list[bytes]:
        driver = self.driver
        return [driver.voters.record(driver.height, prices(self.seen or {}))] if driver.height else []

    # What happens.

    def price(self, usd: str | Decimal, coin: int = 1) -> None:
        """From the next block on validators see this."""
        assert self.seen is not None
        self.seen[coin] = votes_at(usd)

    def run(self, *txs: bytes, seconds: float = 1) -> list[tx_pb2.EnvelopeResult]:
        """One block, so long after the one before."""
        result = self.driver.run(list(txs), int(seconds * S))
        audit(self.driver.chain.ctx)
        ledger.check(self.driver.reader)
        self.events += [*result.events, *(event for tx in result.txs for event in tx.events)]
        return [tx.result for tx in result.txs]

    def wait(self, seconds: int) -> None:
        """So many blocks, a second each."""
        for _ in range(seconds):
            self.run()

    def act(self, person: Person, *actions: tx_pb2.Action) -> str:
        """A block with these actions; "" when all succeed, else the first reason why not."""
        (result,) = self.run(self.driver.envelope(person, *actions))
        return next((one.reason for one in result.actions if one.reason), result.reason)

    def buy(self, person: Person, coins: int | str, usd: str | Decimal, coin: int = 1, **more: int) -> str:
        """An order to buy so many coins; "" or why not."""
        one = self.coins[coin - 1]
        return self.act(person, b.buy(one.quanta(usd), one.lots(coins), market=coin, **more))

    def sell(self, person: Person, coins: int | str, usd: str | Decimal, coin: int = 1, **more: int) -> str:
        """An order to sell so many coins; "" or why not."""
        one = self.coins[coin - 1]
        return self.act(person, b.sell(one.quanta(usd), one.lots(coins), market=coin, **more))

    def trade(self, buyer: Person, seller: Person, coins: int | str, usd: str, coin: int = 1) -> None:
        """They meet, and must be able to."""
        assert self.sell(seller, coins, usd, coin) == "" == self.buy(buyer, coins, usd, coin)
        assert self.coins_of(buyer, coin) == Decimal(coins) == -self.coins_of(seller, coin)

    def withdraw(self, person: Person, usd: int) -> str:
        """Money leaves; "" or why not."""
        return self.act(person, b.withdraw(usd * USD))

    def plunder(self, person: Person) -> int:
        """All that this person can take out in a block, in USD."""
        ctx = self.driver.chain.ctx
        most = min(free_collateral(ctx, person.account()), ctx.vault.peek(b"usd").held_quanta) // USD
        if not most:
            return 0
        (result,) = self.run(self.driver.envelope(person, b.withdraw(most * USD)))
        if result.actions[0].reason == "BREAKER_WITHDRAWALS":
            most = next(int(one.value) for one in result.actions[0].metadata if one.key == "room_quanta") // USD
            return 0 if self.withdraw(person, most) else most
        assert not result.actions[0].reason
        return most

    # What is so then.

    def account(self, person: Person) -> Account:
        """The record of an account."""
        found = self.driver.chain.view.accounts.get(person.account())
        assert isinstance(found, Account)
        return found

    def coins_of(self, person: Person, coin: int = 1) -> Decimal:
        """Coins held, negative when short."""
        return self.account(person).position(coin).lots * Decimal(self.coins[coin - 1].lot)

    def worth(self, *people: Person) -> int:
        """What they would have if everything were closed at the marks, in USD, rounded down."""
        return sum(equity(self.driver.chain.view, self.account(one)) for one in people) // USD

    def mark(self, coin: int = 1) -> Decimal:
        """The mark of one coin, in USD."""
        quanta: int = self.driver.chain.view.marks.get(coin).price_quanta
        return Decimal(quanta) / USD / Decimal(self.coins[coin - 1].lot)

    def feed(self, coin: int = 1) -> Feed:
        """The feed of a coin."""
        found = self.driver.chain.view.feeds.get(coin)
        assert isinstance(found, Feed)
        return found

    def fund(self, coin: int = 1) -> int:
        """The insurance of a market, in USD."""
        balance: int = self.driver.chain.view.funds.get(insurance_fund(coin)).balance_quanta
        return balance // USD

    def told(self, kind: str) -> list[Any]:
        """All that happened of a kind."""
        return [getattr(event, kind) for event in self.events if event.HasField(kind)]  # type: ignore[arg-type]

    def given_up(self) -> int:
        """What winners gave up, in USD, rounded down."""
        return sum(one.given_up_quanta for one in self.told("holder_reduced")) // USD

    def missing(self) -> int:
        """What accounts owed beyond all they had, whoever paid it, in USD, rounded down."""
        reduced = sum(one.deficit_quanta for one in self.told("account_reduced"))
        return (reduced + sum(one.fund_paid_quanta for one in self.told("position_closed"))) // USD

"""Incidents in which a price was wrong, old, or too slow. Each story runs with the mechanism that stops it, and again
without, where the loss happens.
"""

from decimal import Decimal

import pytest

from app.oracle import rules
from app.oracle.rules import ABSENT, FRESH, JUMPING, THIN, WARMING
from app.oracle.types import Vote
from app.oracle.votes import decode_extension, encode_extension
from node.abci.votes import vote_of
from node.prices.aggregate import Terms, agreed
from node.prices.observation import Observation
from tests.helpers import builders as b
from tests.helpers.builders import ALICE, BOB, CAROL, DAVE
from tests.helpers.votes import prices
from tests.scenarios.world import PLACES, USD, Coin, S, World, votes_at

CHAIN = {"move_ppm": 10_000, "move_ppm_a_second": 5_000, "max_age_ns": 10 * S, "warm_up_ns": 30 * S}  # the defaults
TWENTYFOLD = {"initial_margin_ppm": 50_000, "maintenance_margin_ppm": 30_000}


def leveraged(feed: dict[str, object], coins: int = 10, usd: str = "90000") -> World:
    """ALICE, 100,000 USD, is long 10 BTC of BOB at 90,000; CAROL makes a market; DAVE has money."""
    world = World(Coin("BTC-PERP", usd, terms=TWENTYFOLD, feed=feed),
                  cash={ALICE: 100_000, BOB: 10_000_000, CAROL: 10_000_000, DAVE: 10_000_000})
    world.trade(ALICE, BOB, coins, usd)
    return world


@pytest.mark.parametrize("limits", [True, False])
def test_bitcoin_at_zero_january_2026(limits: bool) -> None:
    """After a migration Paradex priced BTC at 0: thousands were liquidated, and the chain was rolled back by hours.

    ORCL-001: a price of 0 cannot be voted. ORCL-005: next to 0, seen by every validator at once, moves the price by
    what the time allows; ORCL-011: meanwhile it is jumping, so nobody is liquidated and nobody trades on it; when the
    right one is back, it is there at once.
    """
    assert decode_extension(encode_extension(prices({1: 0}))) is None
    assert decode_extension(encode_extension(prices({1: 1}))) is not None
    world = leveraged(CHAIN if limits else {"move_ppm": 10**9})
    world.price("0.00000001" if limits else "100")  # a thousandth is the most that any genesis lets through
    world.run()
    if limits:
        assert world.feed().validity == JUMPING and world.mark() > 88_000
        assert world.buy(DAVE, 1, world.mark() // 1) == "ORACLE_UNTRUSTED"
    world.wait(2)
    world.price("90000")
    world.wait(5)
    if limits:
        assert world.feed().validity == FRESH and world.mark() == 90_000
        assert world.coins_of(ALICE) == 10 and world.worth(ALICE) == 100_000
    else:
        assert world.coins_of(ALICE) == 0 and world.worth(ALICE) <= 0
        assert world.missing() > 700_000


@pytest.mark.parametrize("ages", [True, False])
def test_stale_oracle_after_a_halt_october_2025(ages: bool) -> None:
    """dYdX stood still for eight hours in a crash; when blocks came again the feeders did not yet, and accounts were
    liquidated at prices of before: 462,097 USD went to 27 of them.

    ORCL-006, ORCL-011: an old price is stale, then absent: nothing opens, auctions stand still, nobody is liquidated;
    cancelling and reducing is possible. When prices come again there is a warm-up first. Here ALICE was on offer when
    the chain stopped, and the world is back where she is fine.
    """
    world = leveraged(CHAIN | ({} if ages else {"max_age_ns": 30 * 86_400 * S, "warm_up_ns": 0}))
    assert world.sell(CAROL, 5, "82900") == "", "an offer that will be forgotten there"
    for usd in range(88_800, 82_000, -1_200):
        world.price(str(usd))
        world.run()
    world.price("82400")
    world.run()
    assert world.told("auction_started") and world.feed().validity == FRESH
    world.seen = None
    world.run(seconds=8 * 3_600)
    assert world.feed().validity == (ABSENT if ages else THIN)
    assert world.buy(DAVE, 5, "82900") == ("ORACLE_UNTRUSTED" if ages else ""), "whoever knows better"
    if ages:
        assert world.act(DAVE, b.bid(ALICE)) == "ORACLE_UNTRUSTED"
        assert world.act(CAROL, b.cancel_all()) == ""
    world.wait(10)
    world.seen = {1: votes_at("89900")}
    world.run()
    if ages:
        assert world.feed().validity == WARMING
        world.wait(31)
        assert world.feed().validity == FRESH
        assert world.coins_of(ALICE) == 10 and world.worth(ALICE) == 99_000
        assert world.worth(CAROL) == world.worth(DAVE) == 10_000_000
    else:
        assert world.coins_of(ALICE) == 0 and world.worth(ALICE) == 24_000
        assert world.worth(DAVE) - 10_000_000 == 10_000_000 - world.worth(CAROL) == 35_000


def seen_by(sources: int, outlier: str, validator: int) -> Vote:
    """The vote of a validator whose feeder asks so many exchanges, the last of which says something else."""
    quotes = [Decimal(9_000) + validator + source for source in range(sources - 1)] + [Decimal(outlier)]
    found = agreed(quotes, Terms(min_sources=min(3, sources), max_age_ns=S, agree_ppm=5_000))
    seen = Observation(1, {"BTC/USD": found.price} if found.price else {})
    return vote_of(seen, [(1, "BTC/USD", PLACES)])


@pytest.mark.parametrize("sources", [8, 1])
def test_index_outlier_october_2019(sources: int) -> None:
    """One exchange of Deribit's index printed BTC far below the others; the index fell, traders were liquidated, and
    Deribit paid 1.3 million USD back.

    Each feeder takes the median of what its sources say, if at least three agree; ORCL-004: the chain takes the median
    of validators. With eight sources each, the outlier, which all of them see, moves nothing; with it alone, it is
    the price.
    """
    world = leveraged({"move_ppm": 10**9}, 200, "9000")
    world.driver.record = lambda: [world.driver.voters.record(  # type: ignore[method-assign]
        world.driver.height, {0: seen_by(sources, "7500", 0)})]
    world.wait(4)
    if sources == 8:
        assert world.mark() == Decimal("9002.5") and world.coins_of(ALICE) == 200
    else:
        assert world.mark() == 7_500 and world.coins_of(ALICE) == 0 and world.missing() == 200_000
    assert seen_by(2, "7500", 0) == Vote(), "two that do not agree are no price"


@pytest.mark.parametrize("bars", [True, False])
def test_a_cap_too_slow_for_a_real_jump(monkeypatch: pytest.MonkeyPatch, bars: bool) -> None:
    """Markets of HIP-3 let the mark move by one percent an update: in real jumps it lags, and whoever is faster trades
    at a price that everybody knows to be wrong.

    ORCL-005: the cap grows with time, half a percent a second beyond one percent a block. ORCL-011: until the price is
    there, nothing opens; makers cancel. ORCL-006 says so to everybody.
    """
    if not bars:
        monkeypatch.setitem(rules.BARRED, JUMPING, 0)
    world = leveraged(CHAIN)
    assert world.buy(CAROL, 50, "89900") == "", "a maker who has not looked yet"
    world.price("63000")
    began_ns = world.driver.time_ns
    world.run()
    assert world.feed().validity == JUMPING and world.mark() > 88_000
    assert world.sell(DAVE, 50, "89900") == ("ORACLE_UNTRUSTED" if bars else "")
    if bars:
        assert world.act(CAROL, b.cancel_all()) == ""
    while world.feed().validity == JUMPING:
        world.run()
    assert world.driver.time_ns - began_ns == 24 * S and world.mark() == 63_000
    assert 10_000_000 - world.worth(CAROL) == (0 if bars else 50 * (89_900 - 63_000))


USDE = {"asset": 1, "symbol": "USDE", "decimals": 6, "haircut_ppm": 50_000, "account_cap_units": 10**13,
        "deposit_cap_units": 10**15, "price_market": 2}


@pytest.mark.parametrize("outside", [True, False])
def test_usde_october_2025(monkeypatch: pytest.MonkeyPatch, outside: bool) -> None:
    """Binance valued USDe by its own order book, where it fell to 0.66 while it was worth 0.99 elsewhere and could be
    redeemed; accounts that held it as collateral were liquidated, and 283 million USD paid back.

    COLL-010: collateral counts at an index that comes from outside by vote, never at what the chain's own book says.
    """
    if not outside:
        monkeypatch.setattr("app.collateral.state.asset_price", lambda ctx, asset: last_price(ctx, asset.price_market))
    stable = Coin("USDE-PERP", "1", "1", "0.0001", {"initial_margin_ppm": 500_000, "maintenance_margin_ppm": 250_000})
    terms = {"initial_margin_ppm": 50_000, "maintenance_margin_ppm": 40_000}
    world = World(Coin("BTC-PERP", "110000", terms=terms), stable, assets=(USDE,),
                  cash={ALICE: 1, BOB: 10_000_000, CAROL: 10_000_000, DAVE: 10_000_000})
    world.trade(DAVE, CAROL, 1_000, "1", coin=2)
    assert world.act(ALICE, b.faucet(ALICE, 120_000 * USD, asset=1)) == ""
    world.trade(ALICE, BOB, 20, "110000")
    assert world.buy(DAVE, 500_000, "0.66", coin=2) == "" == world.sell(CAROL, 500_000, "0.66", coin=2)
    world.price("0.99", coin=2)
    assert world.act(ALICE, b.faucet(ALICE, 1, asset=1)) == "", "somebody looks at her"
    world.wait(3)
    if outside:
        assert world.coins_of(ALICE) == 20 and not world.told("auction_started")
    else:
        assert world.told("auction_started")


def last_price(ctx: object, market: int) -> int:
    """The last trade of a market."""
    price: int = ctx.states.get(market).last_price_quanta  # type: ignore[attr-defined]
    return price

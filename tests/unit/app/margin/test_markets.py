"""MARG-020: how many markets an account may be in, whichever way it would come into one more."""

import pytest

from app.accounts.types import Account, Position
from app.clearing.state import check_markets
from app.errors import ChainError
from app.limits import MAX_ACCOUNT_MARKETS
from tests.helpers import builders as b
from tests.helpers.builders import ALICE, BOB, BTC, BUY, ETH, MARK_QUANTA
from tests.helpers.driver import Driver

P, E = MARK_QUANTA[BTC], MARK_QUANTA[ETH]


@pytest.fixture
def driver(monkeypatch: pytest.MonkeyPatch) -> Driver:
    """A chain on which an account may be in one market."""
    monkeypatch.setattr("app.clearing.state.MAX_ACCOUNT_MARKETS", 1)
    return Driver(b.genesis())


def test_marg_020_the_number() -> None:
    """MARG-020: 128 it may have, and change each; not one more, unless as many go; who has more may go on."""
    account = Account()
    for market in range(1, MAX_ACCOUNT_MARKETS + 1):
        account.set_position(Position(market, 1))
    check_markets(account, Position(1, -5), Position(128, 0, 0, 3, 3))
    check_markets(account, Position(129))
    check_markets(account, Position(129, 1), Position(5))
    with pytest.raises(ChainError) as raised:
        check_markets(account, Position(5), Position(129, 1), Position(130, 0, 0, 1, 1))
    assert raised.value.metadata == {"most_markets": "128", "would_be_markets": "129"}
    account.set_position(Position(129, 1))
    check_markets(account, Position(1, 9))
    check_markets(account, Position(1), Position(130, 1))


def test_marg_020_orders_and_combos(driver: Driver) -> None:
    """MARG-020: an open order is a market too; in the one where it is an account may do more; what is free again may
    be used for another.
    """
    driver.do(BOB, b.sell(P, 9))
    driver.do(ALICE, b.buy(P - 500, 1))
    assert driver.refused(ALICE, b.buy(E, 1, market=ETH)) == "MARGIN_MARKETS"
    driver.do(ALICE, b.buy(P, 2), b.cancel_all())
    assert driver.refused(ALICE, b.buy(E, 1, market=ETH)) == "MARGIN_MARKETS"
    driver.do(BOB, b.buy(P - 500, 9))
    driver.do(ALICE, b.sell(P - 500, 2))
    driver.do(ALICE, b.buy(E - 100, 1, market=ETH))
    driver.do(b.CAROL, b.sell(E, 1, market=ETH))
    assert driver.refused(ALICE, b.combo(b.leg(ETH, BUY, E, 1), b.leg(BTC, BUY, P, 1))) == "MARGIN_MARKETS"


def test_marg_020_moves(driver: Driver) -> None:
    """MARG-020: another account of the owner may be full."""
    driver.do(BOB, b.sell(P, 9))
    driver.do(ALICE, b.buy(P, 4), b.isolate(7, 1, 60_000_000_000))
    driver.do(ALICE, b.isolate(7, 1, 10_000_000))
    driver.do(ALICE, b.isolate(7, 2, 10_000_000))
    driver.do(ALICE, b.buy(E - 100, 1, market=ETH))
    assert driver.refused(ALICE, b.isolate(0, 1), number=7) == "MARGIN_MARKETS"

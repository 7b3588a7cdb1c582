"""No market waits for another: queues, their shares of a block, and whose turn it is."""

from app.liquidation.queue import share, turn, within
from app.margin.types import Standing
from tests.helpers import builders as b
from tests.helpers.builders import BOB, BTC, CAROL, DAVE, ETH, IMMEDIATE_OR_CANCEL, ORACLE, Person
from tests.helpers.driver import Driver

HALTED = 3


def crowd(count: int) -> tuple[Driver, list[Person]]:
    """`count` accounts with one lot of ETH each, bought of DAVE at 2,400; CAROL has 10 lots of BTC and little else."""
    people = [Person(f"crowd {number}") for number in range(count)]
    genesis = b.genesis(people=(*b.FUNDED, *people), cash={**dict.fromkeys(people, 3_000_000), CAROL: 24_000_000})
    driver = Driver(genesis, verify=lambda *_: True)
    driver.do(DAVE, b.sell(24_000_000, count, market=ETH))
    driver.run([driver.envelope(person, b.buy(24_000_000, 1, market=ETH, time_in_force=IMMEDIATE_OR_CANCEL))
                for person in people])
    driver.do(BOB, b.sell(46_000_000, 10))
    driver.do(CAROL, b.buy(46_000_000, 10, time_in_force=IMMEDIATE_OR_CANCEL))
    return driver, people


def lots(driver: Driver, person: Person, market: int) -> int:
    """What an account holds."""
    return driver.chain.ctx.accounts.peek(person.account()).position(market).lots


def test_liq_002_a_halted_market_keeps_no_other_waiting() -> None:
    """LIQ-002: 120 bankrupt accounts wait in ETH, which is halted; CAROL's BTC is closed at once."""
    driver, people = crowd(120)
    driver.do(ORACLE, b.set_status(HALTED, market=ETH))
    driver.do(BOB, b.buy(44_400_000, 100))
    driver.mark(20_000_000, market=ETH)
    driver.run([])
    driver.mark(44_500_000)
    driver.run([])
    assert lots(driver, CAROL, BTC) < 10
    assert all(lots(driver, person, ETH) == 1 for person in people)


def test_liq_002_those_on_offer_stand_behind_the_others() -> None:
    """LIQ-002: 420 accounts are short in ETH and nobody bids there: all come on offer in turn, and CAROL's BTC, which
    is the healthier, is closed in the first block.
    """
    driver, people = crowd(420)
    driver.do(BOB, b.buy(44_900_000, 100))
    driver.mark(21_200_000, market=ETH)
    driver.run([])
    driver.mark(44_900_000)
    driver.run([])
    assert lots(driver, CAROL, BTC) < 10
    driver.run([])
    offered = driver.chain.ctx.offered
    assert len(offered & {person.account() for person in people}) == 420


def test_liq_002_shares_and_turns() -> None:
    """LIQ-002: queues of 10 and 900: 10 and 390 looks, 195 of these in turn; everybody's turn comes."""
    assert (share(400, 2), share(390, 1), share(100, 3), share(1, 9), share(0, 2)) == (200, 390, 34, 1, 1)
    queue = [(number.to_bytes(2, "big"), Standing(0, 0, 1)) for number in range(900)]
    assert list(turn(queue[:10], 200, 7)) == queue[:10]
    seen = set()
    for height in range(5, 9):
        looked = list(turn(queue, 390, height))
        assert len(looked) == len({key for key, _ in looked}) == 390 and looked[:195] == queue[:195]
        seen |= {key for key, _ in looked}
    assert len(seen) == 900
    assert {next(turn(queue[:3], 1, height))[0] for height in range(3)} == {key for key, _ in queue[:3]}


def test_liq_032_as_many_as_fit() -> None:
    """LIQ-032: a hundred of 64 positions: the two worst, and two in turn; one of any size is looked at, and beside it
    one in turn; everybody's turn comes.
    """
    keys = [number.to_bytes(2, "big") for number in range(100)]
    assert within(keys[:3], [257] * 3, 800, 1) == set(keys[:3])
    seen = set()
    for height in range(98):
        found = within(keys, [257] * 100, 800, height)
        assert len(found) == 4 and set(keys[:2]) <= found
        seen |= found
    assert seen == set(keys)
    assert within(keys[:4], [5_000, 9, 9, 9], 800, 0) == {keys[0], keys[1]}
    assert within(keys[:2], [5_000, 9], 800, 7) == set(keys[:2])
    assert within([], [], 800, 1) == set()

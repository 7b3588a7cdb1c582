"""A validator may sign its vote in any way that CometBFT takes; the vote counts, or it could halt the chain."""

import pytest

from app.oracle.checks import CommitVote
from app.oracle.votes import encode_extension, sign_bytes
from novation.v1 import tx_pb2
from tests.helpers import builders as b
from tests.helpers.builders import ALICE, BTC, MARK_QUANTA
from tests.helpers.driver import Driver
from tests.helpers.votes import Voters, prices
from tests.vectors import ed25519, zip215

PRICE = MARK_QUANTA[BTC]


def four() -> Driver:
    """A chain of four equal validators after its first block."""
    driver = Driver(voters=Voters(("a", "b", "c", "d"), (10,) * 4))
    driver.run([])
    return driver


def odd_vote(driver: Driver, price: int, torsion: int, add_to_s: int = 0) -> CommitVote:
    """A vote of the first validator, signed with a torsion part in R: libsodium refuses it, CometBFT does not."""
    voters, extension = driver.voters, encode_extension(prices({BTC: price}))
    seed = bytes(voters.keys[voters.order[0].public_key])
    message = sign_bytes(voters.chain_id, driver.height, 0, extension)
    _, signature = zip215.odd(seed, message, 0, torsion, add_to_s)
    return CommitVote(voters.order[0].address, extension, signature)


def plain_votes(driver: Driver, *seen: int) -> list[CommitVote]:
    """Votes of the second validator and those after it, signed as usual."""
    signed = [driver.voters.sign(place, prices({BTC: price}), driver.height) for place, price in enumerate(seen, 1)]
    return driver.voters.told_commit(signed)


@pytest.mark.parametrize("torsion", range(8))
def test_orcl_003_what_cometbft_counts_the_record_counts(torsion: int) -> None:
    """ORCL-002, ORCL-003: the commit is frozen with three of four votes, one of them signed oddly. It is a quorum for
    the proposer, for who checks the proposal, and for who executes the block; the odd vote is the median.
    """
    driver = four()
    commit = [odd_vote(driver, PRICE + 5, torsion), *plain_votes(driver, PRICE + 1, PRICE + 20)]
    txs = driver.chain.prepare((), 10**6, commit, 0)
    assert driver.chain.process(txs, 0) == ""
    driver.restart()
    assert driver.chain.process(txs, 0) == ""
    driver.restart()
    driver.record = lambda: txs  # type: ignore[method-assign]
    driver.run([])
    assert driver.chain.view.feeds.get(BTC).price == PRICE + 5


@pytest.mark.parametrize("add_to_s", [1, ed25519.ORDER])
def test_orcl_003_what_cometbft_refuses_the_record_refuses(add_to_s: int) -> None:
    """ORCL-002, ORCL-003: an S that is wrong or not reduced is no signature, odd or not."""
    driver = four()
    late = odd_vote(driver, PRICE + 5, 1, add_to_s)
    few = driver.chain.prepare((), 10**6, [late, *plain_votes(driver, PRICE, PRICE)], 0)
    assert "no more than two thirds" in driver.chain.process(few, 0)
    enough = driver.chain.prepare((), 10**6, [late, *plain_votes(driver, PRICE, PRICE, PRICE)], 0)
    assert enough == driver.chain.prepare((), 10**6, plain_votes(driver, PRICE, PRICE, PRICE), 0)
    assert driver.chain.process(enough, 0) == ""


def test_tx_003_envelopes_keep_the_strict_rule() -> None:
    """TX-003: only votes are CometBFT's to judge; the same odd signature on an envelope is refused."""
    driver = four()
    envelope = tx_pb2.Envelope.FromString(driver.envelope(ALICE, b.cancel_all()))
    _, signature = zip215.odd(bytes(ALICE.key), b.sign_bytes(envelope.body), 0, 1)
    envelope.authorization.signature = signature
    result = driver.run([envelope.SerializeToString(deterministic=True)])
    assert result.txs[0].result.reason == "TX_BAD_SIGNATURE"

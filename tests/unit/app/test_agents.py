"""Agents: other keys that trade for an account, and do nothing else."""

import pytest

from app.limits import MAX_AGENTS
from app.tx import AGENT_KINDS
from novation.v1 import tx_pb2
from tests.helpers import builders as b
from tests.helpers.builders import ALICE, BOB, Person
from tests.helpers.driver import Driver

S = 10**9
BOT = Person("bot")


def as_agent(driver: Driver, who: Person, *actions: tx_pb2.Action, owner: Person = ALICE) -> bytes:
    """An envelope for an account of `owner`, signed by `who`."""
    body = b.body(owner, list(actions), driver.nonce(owner.account()))
    return b.sign(who, body.SerializeToString(deterministic=True))


def say(driver: Driver, who: Person, *actions: tx_pb2.Action, owner: Person = ALICE) -> str:
    """REASON of the envelope, or of its first action; "" when all was done."""
    result = driver.run([as_agent(driver, who, *actions, owner=owner)]).txs[0].result
    return result.reason or next((one.reason for one in result.actions if one.code), "")


def test_acct_004_an_agent_trades_until_it_expires() -> None:
    """ACCT-004, ADM-006: a stranger cannot; an agent can until its time is over; a restart changes nothing."""
    driver = Driver()
    assert say(driver, BOT, b.buy(45_000_000, 1)) == "TX_WRONG_KEY"
    driver.do(ALICE, b.set_agent(BOT.public_key, driver.time_ns + 10 * S))
    assert say(driver, BOT, b.buy(45_000_000, 1, client_id=7)) == ""
    driver.restart()
    assert say(driver, BOT, b.cancel(client_id=7)) == ""
    assert say(driver, BOT, b.buy(45_000_000, 1), owner=BOB) == "TX_WRONG_KEY"
    driver.run([], 10 * S)
    assert say(driver, BOT, b.buy(45_000_000, 1)) == "TX_WRONG_KEY"
    assert say(driver, ALICE, b.buy(45_000_000, 1)) == ""


def test_acct_004_it_shares_the_nonces_and_is_taken_away() -> None:
    """ACCT-004: one set of nonces; from the block after the owner's word it is out; another account is another."""
    driver = Driver()
    driver.do(ALICE, b.set_agent(BOT.public_key, driver.time_ns + 100 * S))
    first = as_agent(driver, BOT, b.buy(45_000_000, 1))
    driver.nonces[ALICE.account()] -= 1
    again = driver.envelope(ALICE, b.buy(44_000_000, 1))
    assert [one.result.reason for one in driver.run([first, again]).txs] == ["", "TX_NONCE_USED"]
    driver.do(ALICE, b.set_agent(BOT.public_key, 0))
    assert say(driver, BOT, b.buy(45_000_000, 1)) == "TX_WRONG_KEY"
    assert driver.chain.view.agents.get(ALICE.account()) is None


@pytest.mark.parametrize("action", [
    tx_pb2.Action(transfer=tx_pb2.Transfer(to=tx_pb2.AccountId(owner=BOB.owner), amount_quanta=1)),
    tx_pb2.Action(withdraw=tx_pb2.Withdraw(amount_quanta=1, destination=b"x")),
    tx_pb2.Action(isolate=tx_pb2.Isolate(market=1, to_number=1)),
    tx_pb2.Action(block_trade=tx_pb2.BlockTrade()),
    tx_pb2.Action(set_referrer=tx_pb2.SetReferrer(referrer=BOB.owner)),
    b.set_agent(BOB.public_key, 1 << 61),
], ids=lambda action: str(action.WhichOneof("kind")))
def test_acct_004_it_does_nothing_but_trade(action: tx_pb2.Action) -> None:
    """ACCT-004: TX_AGENT_ACTION for the whole envelope, beside whatever else; nothing changes, not even the nonce."""
    driver = Driver()
    driver.do(ALICE, b.set_agent(BOT.public_key, driver.time_ns + 100 * S))
    before = driver.chain.view.accounts.get(ALICE.account())
    assert say(driver, BOT, b.buy(45_000_000, 1), action) == "TX_AGENT_ACTION"
    assert driver.chain.view.accounts.get(ALICE.account()) == before


def test_every_kind_of_action_was_thought_of() -> None:
    """A new kind must be allowed to agents, or be named here as one that they may not do."""
    owners = {"transfer", "withdraw", "isolate", "faucet_deposit", "set_agent", "set_referrer", "block_trade",
              "bid_auction", "set_margin_mode", "set_market_status", "set_validator"}
    kinds = {field.name for field in tx_pb2.Action.DESCRIPTOR.oneofs_by_name["kind"].fields}
    assert kinds - AGENT_KINDS <= owners and not AGENT_KINDS & owners and kinds >= AGENT_KINDS


def test_acct_004_what_is_refused() -> None:
    """ACCT-004: no key, one's own, a time that is over or too far, one too many; who has expired makes room."""
    driver = Driver()
    later = driver.time_ns + 1_000 * S
    for key, when, reason in ((b"", later, "ACCOUNT_AGENT_KEY"), (ALICE.public_key, later, "ACCOUNT_AGENT_KEY"),
                              (BOT.public_key, 1, "ACCOUNT_AGENT_EXPIRY"),
                              (BOT.public_key, (1 << 62) + 1, "ACCOUNT_AGENT_EXPIRY")):
        assert driver.refused(ALICE, b.set_agent(key, when)) == reason
    driver.do(ALICE, b.set_agent(Person("short").public_key, driver.time_ns + 20 * S))
    driver.do(ALICE, *(b.set_agent(Person(f"bot {at}").public_key, later) for at in range(MAX_AGENTS - 1)))
    assert driver.refused(ALICE, b.set_agent(BOT.public_key, later)) == "ACCOUNT_AGENT_LIMIT"
    driver.run([], 20 * S)
    driver.do(ALICE, b.set_agent(BOT.public_key, later))
    record = driver.chain.view.agents.get(ALICE.account())
    assert record is not None and len(record.agents) == MAX_AGENTS and record.agents == tuple(sorted(record.agents))
    driver.do(ALICE, b.set_agent(Person("never seen").public_key, 0))


def test_adm_006_an_agent_cannot_use_up_the_nonces() -> None:
    """ADM-006: a jump of 2^40 at most, where the owner may jump 2^48 (ACCT-003)."""
    driver = Driver()
    driver.do(ALICE, b.set_agent(BOT.public_key, driver.time_ns + 100 * S))
    highest = driver.nonces[ALICE.account()]
    for jump, reason in (((1 << 40) + 1, "TX_NONCE_TOO_HIGH"), (1 << 40, "")):
        driver.nonces[ALICE.account()] = highest + jump - 1
        assert say(driver, BOT, b.buy(45_000_000, 1)) == reason
    driver.nonces[ALICE.account()] += 1 << 47
    assert say(driver, ALICE, b.buy(45_000_000, 1)) == ""

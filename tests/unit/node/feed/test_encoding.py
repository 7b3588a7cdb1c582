"""The feed's encoding of a block says what the plain form of its events says."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app import events
from app.block import BlockResult, TxOutcome
from app.book.types import Order, Terms
from app.breakers.types import Breaker
from app.chain import recorded
from app.errors import ORDER_PRICE
from app.event_messages import event_messages
from app.triggers.types import Trigger
from node.feed.encoding import encode_block
from novation.v1 import feed_pb2, tx_pb2

LOTS = st.integers(-(2**62), 2**62)
COUNTS = st.integers(0, 2**64 - 1)
KEYS = st.binary(min_size=24, max_size=24)
OWNERS = st.binary(min_size=20, max_size=20)
SIDES = st.integers(0, 2)
TERMS = st.none() | st.builds(Terms, COUNTS, COUNTS, COUNTS, SIDES, st.integers(-(2**63), 2**63 - 1), COUNTS)
ORDERS = st.builds(Order, COUNTS, KEYS, SIDES, COUNTS, COUNTS, st.booleans(), COUNTS, COUNTS, TERMS, COUNTS)
TRIGGERS = st.builds(Trigger, COUNTS, KEYS, SIDES, SIDES, COUNTS, COUNTS, SIDES, COUNTS, COUNTS, SIDES, st.booleans(),
                     COUNTS, COUNTS, COUNTS, COUNTS)
BREAKERS = st.builds(Breaker, SIDES, SIDES, st.booleans(), COUNTS, COUNTS, COUNTS, COUNTS, SIDES, SIDES, COUNTS)
KINDS = {
    events.Rested: st.builds(events.Rested, ORDERS),
    events.Cancelled: st.builds(events.Cancelled, ORDERS, st.integers(0, 8), st.booleans()),
    events.Reduced: st.builds(events.Reduced, ORDERS, COUNTS),
    events.Filled: st.builds(events.Filled, COUNTS, ORDERS, COUNTS, st.integers(-(2**63), 2**63 - 1), KEYS, SIDES,
                             COUNTS, COUNTS, COUNTS, COUNTS, COUNTS),
    events.BlockTraded: st.builds(events.BlockTraded, SIDES, COUNTS, KEYS, KEYS, LOTS, *[COUNTS] * 4),
    events.MarginModeSet: st.builds(events.MarginModeSet, KEYS, st.integers(1, 2)),
    events.ComboFilled: st.builds(events.ComboFilled, KEYS, COUNTS, LOTS, st.lists(COUNTS, max_size=8).map(tuple)),
    events.FundingPaid: st.builds(events.FundingPaid, KEYS, SIDES, LOTS),
    events.Deposited: st.builds(events.Deposited, KEYS, COUNTS),
    events.Withdrawn: st.builds(events.Withdrawn, KEYS, COUNTS, st.binary(max_size=64)),
    events.Transferred: st.builds(events.Transferred, KEYS, KEYS, COUNTS),
    events.MarketQuarantined: st.builds(events.MarketQuarantined, SIDES, st.text(max_size=9), st.booleans(), COUNTS),
    events.PositionClosed: st.builds(events.PositionClosed, KEYS, SIDES, LOTS, *[COUNTS] * 4, LOTS, LOTS),
    events.AuctionStarted: st.builds(events.AuctionStarted, KEYS, LOTS, LOTS),
    events.AuctionBidTaken: st.builds(
        events.AuctionBidTaken, KEYS, KEYS, SIDES, SIDES, COUNTS, LOTS, LOTS, LOTS,
        st.lists(st.tuples(SIDES, LOTS, COUNTS), max_size=2)),
    events.AuctionEnded: st.builds(events.AuctionEnded, KEYS, SIDES),
    events.AccountReduced: st.builds(events.AccountReduced, KEYS, SIDES, LOTS, *[COUNTS] * 3),
    events.HolderReduced: st.builds(events.HolderReduced, KEYS, SIDES, LOTS, *[COUNTS] * 3),
    events.WindDownBegan: st.builds(events.WindDownBegan, SIDES, COUNTS, COUNTS),
    events.AssetSeized: st.builds(events.AssetSeized, KEYS, SIDES, SIDES, COUNTS, COUNTS),
    events.PositionMoved: st.builds(events.PositionMoved, KEYS, KEYS, SIDES, LOTS, LOTS, COUNTS),
    events.OrderMoved: st.builds(events.OrderMoved, ORDERS, COUNTS, COUNTS),
    events.ProtectionTripped: st.builds(events.ProtectionTripped, SIDES, KEYS, COUNTS),
    events.DeadManActed: st.builds(events.DeadManActed, KEYS, SIDES, SIDES),
    events.TriggerPlaced: st.builds(events.TriggerPlaced, TRIGGERS),
    events.TriggerCancelled: st.builds(events.TriggerCancelled, TRIGGERS, st.integers(0, 8)),
    events.TriggerMoved: st.builds(events.TriggerMoved, TRIGGERS),
    events.TriggerFired: st.builds(events.TriggerFired, TRIGGERS, COUNTS, COUNTS, COUNTS, COUNTS,
                                   st.sampled_from((None, ORDER_PRICE))),
    events.FeedValidityChanged: st.builds(events.FeedValidityChanged, SIDES, SIDES, SIDES),
    events.MarkPriceSet: st.builds(events.MarkPriceSet, st.integers(0, 2**32 - 1), COUNTS),
    events.AgentSet: st.builds(events.AgentSet, KEYS, OWNERS, COUNTS),
    events.SeriesListed: st.builds(events.SeriesListed, SIDES, SIDES, COUNTS, COUNTS, SIDES, st.text(max_size=9)),
    events.ExpiryFixed: st.builds(events.ExpiryFixed, SIDES, COUNTS, COUNTS, COUNTS),
    events.SeriesRemoved: st.builds(events.SeriesRemoved, SIDES),
    events.PillarRefused: st.builds(events.PillarRefused, st.integers(0, 2**32 - 1), COUNTS),
    events.ReferrerSet: st.builds(events.ReferrerSet, OWNERS, OWNERS),
    events.ReferralPaid: st.builds(events.ReferralPaid, OWNERS, OWNERS, st.integers(0, 2**32 - 1), COUNTS),
    events.FeesShared: st.builds(events.FeesShared, st.integers(0, 2**32 - 1), COUNTS, COUNTS, COUNTS, COUNTS),
    events.MarketStatusChanged: st.builds(events.MarketStatusChanged, SIDES, SIDES, SIDES, SIDES),
    events.BreakerTripped: st.builds(events.BreakerTripped, SIDES, BREAKERS),
    events.BreakerExtended: st.builds(events.BreakerExtended, SIDES, BREAKERS),
    events.BreakerEnded: st.builds(events.BreakerEnded, SIDES, BREAKERS),
    events.Uncrossed: st.builds(events.Uncrossed, SIDES, COUNTS, COUNTS),
    events.SettlementPriceSet: st.builds(events.SettlementPriceSet, SIDES, COUNTS, COUNTS),
    events.PositionSettled: st.builds(
        events.PositionSettled, KEYS, SIDES, st.integers(-9, 9), COUNTS, st.integers(-9, 9)),
    events.SettlementShortfall: st.builds(events.SettlementShortfall, KEYS, SIDES, COUNTS, COUNTS, COUNTS),
}


@given(st.lists(st.one_of(*KINDS.values()), max_size=20))
def test_every_event_is_written_as_the_plain_form_says(occurred: list[events.Occurrence]) -> None:
    """Inside a transaction and outside, all kinds, any values, byte for byte."""
    outcome = TxOutcome(b"h" * 32, b"", 0, 0, "", b"", 0, 0, occurred, tx_pb2.EnvelopeResult())
    result = BlockResult(1, 2, b"a", [outcome], occurred)
    block = feed_pb2.CommittedBlock.FromString(encode_block(result))
    plain = event_messages(occurred)
    assert list(block.events) == list(block.txs[0].events) == plain
    assert [e.SerializeToString() for e in block.events] == [e.SerializeToString() for e in plain]
    assert not block.txs[0].HasField("account")


def test_no_kind_of_event_is_missing_here() -> None:
    """A new kind must be tried above."""
    assert set(KINDS) == set(events.Occurrence.__args__)


def test_the_record_of_votes_goes_along_as_it_is() -> None:
    """Its bytes; and, for one that was refused, why (ORCL-003)."""
    result = BlockResult(2, 3, b"a", [], [], votes=b"\0votes", record=recorded(b"\0votes", ""))
    block = feed_pb2.CommittedBlock.FromString(encode_block(result))
    assert block.votes == b"\0votes" and not block.HasField("votes_result")
    result.record = recorded(b"\0votes", "two thirds")
    refused = feed_pb2.CommittedBlock.FromString(encode_block(result)).votes_result
    assert (refused.reason, refused.metadata[0].value) == ("ORACLE_RECORD", "two thirds")


@pytest.mark.parametrize("key", [b"o" * 20 + b"\0\0\0\0", b"p" * 20 + b"\xff\xff\xff\xff"])
def test_accounts_are_owner_and_number(key: bytes) -> None:
    """Also when the same account was written before."""
    outcome = TxOutcome(b"h" * 32, key, 7, 0, "", b"", 0, 0, [], tx_pb2.EnvelopeResult())
    for _ in range(2):
        block = feed_pb2.CommittedBlock.FromString(encode_block(BlockResult(1, 2, b"a", [outcome], [])))
        account = block.txs[0].account
        assert account.owner + account.number.to_bytes(4, "big") == key

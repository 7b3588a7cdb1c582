"""Where cash goes: every change with its reason, and the stream of an account's own. That the changes are complete is
checked in every scenario of tests/unit/app and tests/properties (tests/helpers/money.py).
"""

import json
from collections import Counter
from pathlib import Path

from app.events import Occurrence
from client.streams import Gap
from node.gateway.activity import account_key, derive_activity
from node.gateway.cash import READERS, cash_changes
from novation.v1 import account_service_pb2 as account_service
from novation.v1 import events_pb2, feed_pb2, tx_pb2
from tests.helpers import builders as b
from tests.helpers.gateways import network, run

MINE, OTHER = tx_pb2.AccountId(owner=b"m" * 20), tx_pb2.AccountId(owner=b"o" * 20, number=3)
TRADE, FEE, FUNDING = (account_service.CASH_REASON_TRADE, account_service.CASH_REASON_TRADING_FEE,
                       account_service.CASH_REASON_FUNDING)


def told(event: events_pb2.Event, account: tx_pb2.AccountId = MINE) -> list[tuple[str, int, int]]:
    """(reason, amount, market) of what one event of a hook does to an account's cash."""
    changes = cash_changes(feed_pb2.CommittedBlock(events=[event]))[account_key(account)]
    assert not any(change.tx_hash for change in changes)
    return [(account_service.CashReason.Name(one.reason).removeprefix("CASH_REASON_"), one.amount_quanta, one.market)
            for one in changes]


def test_steps_of_a_liquidation_say_what_they_cost() -> None:
    """LIQ-010, LIQ-014, LIQ-016, LIQ-020: fee, discount, fund and deficit, each with its reason and sign."""
    assert told(events_pb2.Event(position_closed=events_pb2.PositionClosed(
        account=MINE, market=1, fee_quanta=5, fund_paid_quanta=7))) == [
            ("LIQUIDATION_FEE", -5, 1), ("INSURANCE", 7, 1)]
    bid = events_pb2.Event(auction_bid_taken=events_pb2.AuctionBidTaken(
        account=MINE, bidder=OTHER, paid_quanta=9, taken=[
            events_pb2.AuctionedLots(market=1, lots=2, price_quanta=50),
            events_pb2.AuctionedLots(market=2, lots=-3, price_quanta=10)]))
    assert told(bid) == [("AUCTION", 100, 1), ("AUCTION", -30, 2), ("AUCTION_DISCOUNT", -9, 0)]
    assert told(bid, OTHER) == [("AUCTION", -100, 1), ("AUCTION", 30, 2), ("AUCTION_DISCOUNT", 9, 0)]
    assert told(events_pb2.Event(account_reduced=events_pb2.AccountReduced(
        account=MINE, market=1, lots=-2, price_quanta=50, deficit_quanta=11, fund_paid_quanta=4))) == [
            ("INSURANCE", 4, 1), ("REDUCTION", -100, 1), ("DEFICIT", 7, 1)]
    assert told(events_pb2.Event(holder_reduced=events_pb2.HolderReduced(
        account=MINE, market=1, lots=2, price_quanta=50, given_up_quanta=7))) == [
            ("REDUCTION", 100, 1), ("DEFICIT", -7, 1)]


def test_every_kind_of_event_was_thought_of() -> None:
    """A new event that moves cash must be read here, one that does not be named here."""
    kinds = {field.name for field in events_pb2.Event.DESCRIPTOR.fields}
    moves_no_cash = {
        "order_rested", "order_cancelled", "order_reduced", "trigger_placed", "trigger_cancelled", "trigger_moved",
        "trigger_fired", "protection_tripped", "dead_man_acted", "mark_price_set", "market_status_changed", "uncrossed",
        "settlement_price_set", "market_quarantined", "referrer_set", "fees_shared", "auction_started",
        "auction_ended", "wind_down_began", "breaker_tripped", "breaker_extended", "breaker_ended",
        "feed_validity_changed", "pillar_refused", "series_listed", "expiry_fixed", "series_removed", "combo_filled",
        "agent_set", "margin_mode_set"}
    assert len(kinds) == len(Occurrence.__args__)  # type: ignore[attr-defined]
    assert READERS.keys() == kinds - moves_no_cash


def test_the_stream_of_an_account_adds_up_to_its_cash(tmp_path: Path) -> None:
    """FUND-002: trades, fees, gas, transfers and funding, each with its reason; together they are the difference."""
    document = json.loads(b.genesis())
    document["markets"][0] |= {"impact_notional_quanta": 46_000_000, "funding_band_e9": 0, "interest_e9": 0,
                               "funding_cap_e9": 40_000_000}

    async def work() -> None:
        async with network(tmp_path, app_state=json.dumps(document).encode()) as net:
            alice = await net.client(b.ALICE)
            start = await alice.account()
            await net.commit(b.envelope(b.ALICE, [b.sell(46_000_000, 10)], 1))
            await net.commit(b.envelope(b.BOB, [b.buy(46_000_000, 10), b.buy(46_230_000, 10)], 1))
            for _ in range(3):
                net.engine.block()
            await net.commit(b.envelope(b.ALICE, [b.sell(46_230_000, 4), b.transfer(b.BOB, 1_000_000)], 2))
            end = await alice.account()
            stream, changes = alice.watch_cash(start.height), []
            async for change in stream:
                assert not isinstance(change, Gap)
                changes.append(change)
                if sum(one.amount_quanta for one in changes) == end.cash_quanta - start.cash_quanta:
                    break
            by_reason = Counter()
            for change in changes:
                by_reason[change.reason] += change.amount_quanta
            assert by_reason[TRADE] == 10 * 46_000_000 + 4 * 46_230_000
            assert by_reason[FUNDING] > 0, "the bid above the index makes longs pay"
            assert by_reason[FEE] < 0 and by_reason[account_service.CASH_REASON_GAS] < 0
            (sent,) = [one for one in changes if one.reason == account_service.CASH_REASON_TRANSFER]
            assert (sent.amount_quanta, sent.other.owner, len(sent.tx_hash)) == (-1_000_000, b.BOB.owner, 32)

    run(work())


def test_fills_of_a_batch_market_tell_price_and_what_rests_of_both(tmp_path: Path) -> None:
    """BOOK-022: the one price, not the maker's; the younger order counts as the taker and may go on resting."""
    document = json.loads(b.genesis())
    document["markets"][0]["matching"] = "batch"

    async def work() -> None:
        async with network(tmp_path, app_state=json.dumps(document).encode()) as net:
            await net.commit(b.envelope(b.ALICE, [b.sell(45_900_000, 4)], 1),
                             b.envelope(b.BOB, [b.buy(46_100_000, 10)], 1))
            view = net.gateway.model.blocks[-1]
            (trade,) = view.trades
            assert trade.price_quanta == 46_000_000
            activity = derive_activity(view.block)
            buys = activity.orders[b.BOB.account()]
            assert (buys[-1].status, buys[-1].open_lots) == (account_service.ORDER_STATUS_OPEN, 6)
            sells = activity.orders[b.ALICE.account()]
            assert (sells[-1].status, sells[-1].open_lots) == (account_service.ORDER_STATUS_FILLED, 0)

    run(work())

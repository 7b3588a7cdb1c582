"""The oracle over gRPC: feeds, who voted what, who takes part, prices as they change; with a liar and a silent one."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import grpc
import pytest

from app.oracle.checks import Voters as Known
from app.oracle.types import REPORTERS_KEY, Feed, Pillar, Vote
from app.validators.types import ValidatorSet
from node.gateway.server import Gateway
from node.gateway.votes import deviation_ppm, read_votes
from novation.v1 import chain_service_pb2 as chain_service
from novation.v1 import feed_pb2, state_pb2, tx_pb2
from novation.v1 import market_data_service_pb2 as market_data
from novation.v1 import oracle_service_pb2 as oracle_service
from tests.helpers import builders as b
from tests.helpers.gateways import Net, network, run, until
from tests.helpers.votes import Voters, prices
from tests.unit.node.gateway.test_services import refusal

P, E, S = b.MARK_QUANTA[b.BTC], b.MARK_QUANTA[b.ETH], 10**9
ABSENT, SILENT, PRICES = (oracle_service.VOTE_KIND_ABSENT, oracle_service.VOTE_KIND_SILENT,
                          oracle_service.VOTE_KIND_PRICES)
FRESH, WARMING, THIN, STALE = (state_pb2.FEED_VALIDITY_FRESH, state_pb2.FEED_VALIDITY_WARMING,
                               state_pb2.FEED_VALIDITY_THIN, state_pb2.FEED_VALIDITY_STALE)
OPEN, LIQUIDATE, FUND = state_pb2.PRICE_USE_OPEN, state_pb2.PRICE_USE_LIQUIDATE, state_pb2.PRICE_USE_FUND
LIE = 9 * P


def four() -> Voters:
    """Four validators with 40, 30, 20 and 10 of the power, in this order."""
    return Voters([f"v{place}" for place in range(4)], [40, 30, 20, 10])


@asynccontextmanager
async def town(folder: Path, **feed: Any) -> AsyncIterator[Net]:
    """Place 0 sees BTC 10 units higher, place 2 lies, place 3 is silent; one block with their votes. `feed` are terms
    of BTC's.
    """
    async with network(folder, app_state=b.genesis(feeds={b.BTC: feed}), voters=four()) as net:
        seen = net.engine.prices
        net.engine.ballots |= {0: prices(seen | {b.BTC: P + 10}), 2: prices(seen | {b.BTC: LIE, 77: 5}), 3: Vote()}
        await net.commit()
        yield net


async def feeds(net: Net, *wanted: int) -> oracle_service.GetFeedsResponse:
    """GetFeeds."""
    return await net.oracle.GetFeeds(oracle_service.GetFeedsRequest(feeds=wanted))


async def votes(net: Net, height: int = 0) -> oracle_service.GetVotesResponse:
    """GetVotes."""
    return await net.oracle.GetVotes(oracle_service.GetVotesRequest(height=height))


def test_orcl_004_feeds_say_what_was_voted(tmp_path: Path) -> None:
    """ORCL-004: price, median, validity, votes and their power, what honest ones saw, the markets that use a feed."""
    async def work() -> None:
        async with town(tmp_path) as net:
            answer = await feeds(net)
            btc, eth = answer.feeds
            assert (answer.height, btc.feed.symbol, btc.feed.decimals) == (2, "BTC/USD", 3)
            assert (btc.feed.price, btc.feed.median, btc.feed.validity, btc.age_ns) == (P + 10, P + 10, FRESH, 0)
            assert (btc.votes.votes, btc.votes.power, btc.votes.counted, btc.votes.median) == (3, 90, True, P + 10)
            assert (btc.votes.deviating, btc.votes.lowest, btc.votes.highest) == (1, P, P + 10)
            assert (eth.votes.deviating, eth.votes.lowest, eth.votes.highest) == (0, E, E)
            assert [(one.market, one.symbol, one.mark_quanta, one.index_quanta) for one in btc.markets] == [
                (b.BTC, "BTC-PERP", P + 10, P + 10)]
            assert not btc.bars and not btc.markets[0].bars and btc.most_move_ppm == btc.feed.move_ppm
            turnout = answer.turnout
            assert (turnout.validators, turnout.total_power, turnout.quorum_power) == (4, 100, 67)
            assert (turnout.voters, turnout.voted_power, turnout.refused) == (4, 100, "")
            assert [one.feed.symbol for one in (await feeds(net, b.ETH)).feeds] == ["ETH/USD"]
            code, info = await refusal(net.oracle.GetFeeds(oracle_service.GetFeedsRequest(feeds=[9])))
            assert (code, info.reason) == (grpc.StatusCode.NOT_FOUND, "FEED_NOT_FOUND")

    run(work())


def test_orcl_006_feeds_say_what_trouble_they_are_in(tmp_path: Path) -> None:
    """ORCL-005, ORCL-006, ORCL-011: without a quorum a price grows old, its greatest move grows, and it bars ever more;
    an event tells each change, and markets say the same.
    """
    async def work() -> None:
        async with town(tmp_path, max_age_ns=3 * S, warm_up_ns=5 * S, move_ppm=10_000) as net:
            net.engine.ballots[1] = None
            await net.commit()
            thin = await feeds(net)
            assert (thin.turnout.voters, thin.turnout.voted_power) == (3, 70)
            btc = thin.feeds[0]
            assert (btc.feed.validity, btc.age_ns, btc.votes.power, btc.votes.counted) == (THIN, S, 60, False)
            assert (btc.votes.median, btc.feed.median, btc.votes.highest) == (0, P + 10, LIE)
            assert btc.most_move_ppm == btc.feed.move_ppm + btc.feed.move_ppm_a_second and not btc.bars
            for _ in range(3):
                await net.commit()
            btc, eth = (await feeds(net)).feeds
            assert (btc.feed.validity, btc.age_ns, eth.feed.validity) == (STALE, 4 * S, THIN)
            assert OPEN in btc.bars and LIQUIDATE in btc.bars and FUND not in btc.bars
            assert btc.markets[0].bars == btc.bars and not eth.bars
            (market, _) = (await net.market_data.GetMarkets(market_data.GetMarketsRequest())).markets
            assert (market.validity, market.feed, market.bars) == (STALE, "BTC/USD", btc.bars)
            block = await net.chain.GetBlock(chain_service.GetBlockRequest(with_txs=True))
            told = [one.feed_validity_changed for one in block.block.events if one.HasField("feed_validity_changed")]
            assert [(one.feed, one.before, one.after) for one in told] == [(b.BTC, THIN, STALE)]
            net.engine.ballots.clear()
            await net.commit()
            assert (await feeds(net)).feeds[0].bars == [LIQUIDATE], "warming"

    run(work())


def test_orcl_008_who_voted_what(tmp_path: Path) -> None:
    """ORCL-003, ORCL-008: the whole set in its order, a liar with its distance, a silent one, and one who is absent;
    what nobody knows is left out.
    """
    async def work() -> None:
        async with town(tmp_path) as net:
            answer = await votes(net)
            assert (answer.block_height, answer.has_record, answer.round) == (2, True, 0)
            assert [(one.place, one.power, one.kind) for one in answer.voters] == [
                (0, 40, PRICES), (1, 30, PRICES), (2, 20, PRICES), (3, 10, SILENT)]
            assert [one.address for one in answer.voters] == [one.address for one in net.engine.voters.order]
            high, middle, liar, silent = answer.voters
            assert list(high.feeds) == [b.BTC, b.ETH] and list(high.prices) == [P + 10, E]
            assert (list(high.deviations_ppm), list(middle.deviations_ppm)) == ([0, 0], [-1, 0])
            assert list(liar.prices) == [LIE, E] and 7_999_990 < liar.deviations_ppm[0] < 8_000_000
            assert not silent.prices and [one.counted for one in answer.feeds] == [True, True]
            net.engine.ballots = {3: None}
            await net.commit()
            assert [one.kind for one in (await votes(net)).voters] == [PRICES] * 3 + [ABSENT]
            assert [one.kind for one in (await votes(net, 2)).voters] == [PRICES] * 3 + [SILENT]
            first = await votes(net, 1)
            assert (first.has_record, len(first.voters), first.HasField("turnout")) == (False, 0, False)
            code, info = await refusal(net.oracle.GetVotes(oracle_service.GetVotesRequest(height=99)))
            assert (code, info.reason, info.metadata["oldest"]) == (grpc.StatusCode.NOT_FOUND, "BLOCK_NOT_HELD", "1")

    run(work())


def test_orcl_003_a_record_that_was_refused() -> None:
    """ORCL-003: of a record that was refused nothing is shown but why; one that cannot be read would be a fault."""
    known = Known(b.CHAIN_ID, 1, ValidatorSet(1, tuple(four().order)))
    refused = tx_pb2.EnvelopeResult(code=700, reason="ORACLE_RECORD", metadata=[
        tx_pb2.Detail(key="why", value="two thirds")])
    found = read_votes(feed_pb2.CommittedBlock(height=2, votes=b"\0x", votes_result=refused), known, [Feed(1)])
    assert (found.turnout.refused, found.turnout.voters) == ("two thirds", 0)
    assert [one.kind for one in found.voters] == [ABSENT] * 4 and not found.feeds[1].counted
    with pytest.raises(ValueError, match="cannot be read"):
        read_votes(feed_pb2.CommittedBlock(height=2, votes=b"\0x"), known, [Feed(1)])
    assert deviation_ppm(1 << 50, 1) == (1 << 63) - 1 and deviation_ppm(5, 0) == 0


def test_orcl_008_reporters(tmp_path: Path) -> None:
    """ORCL-008: what the chain counted of each, as the chain has it."""
    async def work() -> None:
        async with town(tmp_path) as net:
            await net.commit()
            answer = await net.oracle.GetReporters(oracle_service.GetReportersRequest())
            rows = net.engine.chain.view.reporters.get(REPORTERS_KEY).rows
            assert [[one.blocks, one.votes, one.prices, one.deviations] for one in answer.reporters] == [
                rows[one.address] for one in net.engine.voters.order] == [
                    [2, 2, 4, 0], [2, 2, 4, 0], [2, 2, 4, 2], [2, 0, 0, 0]]
            assert (answer.total_power, [one.power for one in answer.reporters]) == (100, [40, 30, 20, 10])

    run(work())


def test_orcl_009_surface(tmp_path: Path) -> None:
    """ORCL-009: pillars as they were voted, of one feed or of all."""
    async def work() -> None:
        async with town(tmp_path) as net:
            assert not (await net.oracle.GetSurface(oracle_service.GetSurfaceRequest())).surfaces
            expiry = 1_700_000_000 + 86_400
            vote = Vote((b.BTC,), (P,), (Pillar(b.BTC, expiry, 10**9, tuple(range(1, 8))),))
            net.engine.ballots = dict.fromkeys(range(4), vote)
            await net.commit()
            (surface,) = (await net.oracle.GetSurface(oracle_service.GetSurfaceRequest())).surfaces
            assert (surface.feed, surface.symbol) == (b.BTC, "BTC/USD")
            (pillar,) = surface.pillars
            assert (pillar.expiry_s, pillar.forward_e9, list(pillar.variances_e9)) == (expiry, 10**9, list(range(1, 8)))
            assert [one.pillars for one in (await votes(net)).voters] == [1] * 4
            assert not (await net.oracle.GetSurface(oracle_service.GetSurfaceRequest(feed=b.ETH))).surfaces
            _, info = await refusal(net.oracle.GetSurface(oracle_service.GetSurfaceRequest(feed=9)))
            assert info.reason == "FEED_NOT_FOUND"

    run(work())


def test_prices_are_streamed_as_they_change(tmp_path: Path) -> None:
    """MARK-004, ORCL-007: all at first, then what a block changed, then, after a hole, all again."""
    async def work() -> None:
        async with town(tmp_path) as net:
            watch = net.oracle.WatchPrices(oracle_service.WatchPricesRequest())
            one = net.oracle.WatchPrices(oracle_service.WatchPricesRequest(markets=[b.ETH]))
            begin = await watch.read()
            assert [(price.market, price.mark_quanta, price.validity) for price in begin.snapshot.prices] == [
                (b.BTC, P + 10, FRESH), (b.ETH, E, FRESH)]
            assert [price.market for price in (await one.read()).snapshot.prices] == [b.ETH]
            net.engine.ballots.clear()
            await net.commit()
            await net.commit()
            net.engine.prices[b.ETH] = E + 700
            height = await net.commit()
            changed = await watch.read()
            assert [(price.market, price.index_quanta) for price in changed.changed.prices] == [(b.BTC, P)]
            changed = await watch.read()
            assert changed.height == height and [price.market for price in changed.changed.prices] == [b.ETH]
            assert (await one.read()).changed == changed.changed
            net.engine.ballots = {0: prices({b.ETH: E + 700})}
            await net.commit()
            assert [price.validity for price in (await watch.read()).changed.prices] == [THIN]
            _, info = await refusal(anext(aiter(net.oracle.WatchPrices(
                oracle_service.WatchPricesRequest(markets=[9])))))
            assert info.reason == "MARKET_NOT_FOUND"

    run(work())


def test_a_new_gateway_knows_the_last_votes(tmp_path: Path) -> None:
    """From the blocks that its engine still holds; one whose engine is new too says that it does not know them."""
    async def work() -> None:
        async with town(tmp_path) as net:
            before = await votes(net)
            await net.gateway.stop()
            net.gateway = Gateway(net.engine.socket, net.gateway.address)
            await net.gateway.start()
            await until(lambda: net.gateway.engine.live)
            assert (await votes(net)) == before
            await net.gateway.stop()
            net.engine.close()
            net.engine = type(net.engine)(tmp_path, voters=four())
            net.gateway = Gateway(net.engine.socket, net.gateway.address)
            await net.gateway.start()
            await until(lambda: net.gateway.engine.live)
            _, info = await refusal(net.oracle.GetVotes(oracle_service.GetVotesRequest()))
            assert info.reason == "BLOCK_NOT_HELD"
            answer = await feeds(net)
            assert answer.feeds[0].feed.price == P + 10 and not answer.HasField("turnout")

    run(work())


def test_val_003_votes_of_a_set_that_is_gone(tmp_path: Path) -> None:
    """VAL-003: votes are read with the set of their height; when that is forgotten, the answer says so."""
    async def work() -> None:
        async with town(tmp_path) as net:
            for nonce in (1, 2, 3):
                await net.commit(b.envelope(b.ORACLE, [b.set_validator(b.ALICE.public_key, nonce)], nonce))
            for _ in range(3):
                await net.commit()
            await net.commit(b.envelope(b.ORACLE, [b.set_validator(b.ALICE.public_key, 9)], 4))
            newest = await votes(net)
            assert [one.power for one in newest.voters] == [40, 30, 20, 10, 3] and newest.voters[4].kind == ABSENT
            code, info = await refusal(net.oracle.GetVotes(oracle_service.GetVotesRequest(height=2)))
            assert (code, info.reason) == (grpc.StatusCode.NOT_FOUND, "VOTERS_NOT_KNOWN")

    run(work())

"""Queries, health and reflection of a real gateway over a real chain."""

import json
from decimal import Decimal
from pathlib import Path
from typing import Any

import grpc
import pytest
from google.rpc import error_details_pb2, status_pb2
from grpc_health.v1 import health_pb2, health_pb2_grpc
from grpc_reflection.v1alpha import reflection_pb2, reflection_pb2_grpc

from app.accounts.keys import key_of
from app.collateral.types import insurance_fund
from app.margin.state import account_standing
from node.gateway.server import SERVICES, Gateway
from novation.v1 import account_service_pb2 as account_service
from novation.v1 import chain_service_pb2 as chain_service
from novation.v1 import market_data_service_pb2 as market_data
from novation.v1 import trading_service_pb2 as trading
from novation.v1 import tx_pb2
from tests.helpers import builders as b
from tests.helpers.gateways import Net, network, run, until

ALICE, BOB = tx_pb2.AccountId(owner=b.ALICE.owner), tx_pb2.AccountId(owner=b.BOB.owner)
BAD_OWNER = tx_pb2.AccountId(owner=b"short")


async def traded(net: Net) -> int:
    """Alice quotes, Bob takes some; the height."""
    await net.commit(b.envelope(b.ALICE, [b.sell(46_000_500, 10), b.sell(46_001_000, 10), b.buy(45_999_500, 4)], 1))
    return await net.commit(b.envelope(b.BOB, [b.buy(46_001_000, 12)], 1))


async def refusal(call: Any) -> tuple[grpc.StatusCode, error_details_pb2.ErrorInfo]:
    """The status and ErrorInfo of a call that fails."""
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await call
    status, info = status_pb2.Status(), error_details_pb2.ErrorInfo()
    status.ParseFromString(dict(caught.value.trailing_metadata())["grpc-status-details-bin"])
    assert status.details[0].Unpack(info)
    assert status.code == caught.value.code().value[0]
    return caught.value.code(), info


def test_market_data(tmp_path: Path) -> None:
    """Markets, book, trades and mark after a trade over two levels."""
    async def work() -> None:
        async with network(tmp_path) as net:
            height = await traded(net)
            markets = await net.market_data.GetMarkets(market_data.GetMarketsRequest())
            btc, eth = markets.markets
            assert markets.height == height
            assert (btc.market.symbol, btc.open_interest_lots, btc.last_price_quanta) == ("BTC-PERP", 12, 46_001_000)
            assert (btc.best_bid_quanta, btc.best_ask_quanta, btc.mark_price_quanta) == (
                45_999_500, 46_001_000, 46_000_000)
            assert (eth.market.symbol, eth.best_bid_quanta, eth.last_price_quanta) == ("ETH-PERP", 0, 0)
            book = await net.market_data.GetBook(market_data.GetBookRequest(market=b.BTC))
            assert [(x.price_quanta, x.size_lots, x.orders) for x in book.book.asks] == [(46_001_000, 8, 1)]
            trades = await net.market_data.GetTrades(market_data.GetTradesRequest(market=b.BTC))
            assert [(t.price_quanta, t.size_lots) for t in trades.trades] == [(46_001_000, 2), (46_000_500, 10)]
            older = await net.market_data.GetTrades(
                market_data.GetTradesRequest(market=b.BTC, before_trade_id=trades.trades[0].trade_id))
            assert list(older.trades) == [trades.trades[1]]
            assert (btc.last_trade_id, btc.index_price_quanta, eth.last_trade_id) == (2, 46_000_000, 0)
            fees = net.engine.chain.view.funds.get(insurance_fund(b.BTC))
            assert btc.insurance_quanta == fees.balance_quanta > 0
            assert btc.HasField("funding") and not btc.HasField("settlement") and not btc.HasField("losses")
            mark = await net.market_data.GetMarkPrice(market_data.GetMarkPriceRequest(market=b.ETH))
            assert mark.mark_price.price_quanta == b.MARK_QUANTA[b.ETH]

    run(work())


def test_book_depth(tmp_path: Path) -> None:
    """The best levels of each side, best first."""
    async def work() -> None:
        async with network(tmp_path) as net:
            await net.commit(b.envelope(b.ALICE, [b.buy(45_000_000 + 500 * n, 1) for n in range(10)], 1))
            book = await net.market_data.GetBook(market_data.GetBookRequest(market=b.BTC, depth=3))
            assert [x.price_quanta for x in book.book.bids] == [45_004_500, 45_004_000, 45_003_500]

    run(work())


def test_accounts_say_what_the_chains_own_rules_say(tmp_path: Path) -> None:
    """Equity and margins equal those the state machine computes from its records."""
    async def work() -> None:
        async with network(tmp_path) as net:
            await traded(net)
            net.engine.prices[b.BTC] = 46_900_000
            await net.commit()
            view = net.engine.chain.view
            for account in (ALICE, BOB):
                answer = await net.accounts.GetAccount(account_service.GetAccountRequest(account=account))
                record = view.accounts.get(key_of(account))
                standing = account_standing(view, record)
                assert answer.exists and answer.cash_quanta == record.cash_quanta
                assert (answer.equity_quanta, answer.initial_margin_quanta, answer.maintenance_margin_quanta) == (
                    standing.equity, standing.initial, standing.maintenance)
                assert answer.free_collateral_quanta == standing.equity - standing.initial
                assert answer.unrealised_pnl_quanta == sum(
                    p.lots * 46_900_000 - p.entry_quanta for p in record.positions.values())
                assert (answer.highest_nonce, answer.lowest_nonce, answer.used_nonces) == (1, 1, b"\1")
            assert answer.positions[0].position.lots == 12 and answer.open_orders == 0

    run(work())


def test_accounts_show_assets_funding_and_brackets(tmp_path: Path) -> None:
    """What an account holds besides cash counts in its equity; margin is that of its market's brackets."""
    document = json.loads(b.genesis(gas_price_e6=0))
    document["markets"][0]["tiers"] = [
        {"from_notional_quanta": 46_000_000, "initial_ppm": 500_000, "maintenance_ppm": 400_000}]
    document["assets"] = [{"asset": 1, "symbol": "BTC", "decimals": 8, "haircut_ppm": 100_000,
                           "account_cap_units": 10**8, "deposit_cap_units": 10**9, "price_market": 1}]

    async def work() -> None:
        async with network(tmp_path, app_state=json.dumps(document).encode()) as net:
            await net.commit(b.envelope(b.ALICE, [b.buy(46_000_000, 3), b.faucet(b.ALICE, 10**8, asset=1)], 1))
            await net.commit(b.envelope(b.BOB, [b.sell(46_000_000, 3)], 1))
            answer = await net.accounts.GetAccount(account_service.GetAccountRequest(account=ALICE))
            view = net.engine.chain.view
            standing = account_standing(view, view.accounts.get(key_of(ALICE)))
            assert (answer.equity_quanta, answer.initial_margin_quanta, answer.maintenance_margin_quanta) == (
                standing.equity, 2_300_000 + 46_000_000, 1_380_000 + 36_800_000)
            shown = answer.assets[0]
            assert (shown.symbol, shown.units, shown.value_quanta) == ("BTC", 10**8, 41_400_000_000)

    run(work())


def test_fees_are_those_the_chain_charges(tmp_path: Path) -> None:
    """Volume, tier, rates and referrer; the rates are those of the next block, whoever asks, and of strangers too."""
    async def work() -> None:
        async with network(tmp_path, app_state=b.genesis(cash_quanta=10**15)) as net:
            lots = 10**12 // 46_000_000 + 1
            await net.commit(b.envelope(b.ALICE, [b.sell(46_000_000, lots)], 1))
            await net.commit(b.envelope(b.BOB, [b.set_referrer(b.CAROL), b.buy(46_000_000, lots)], 1))
            mine = await net.accounts.GetFees(account_service.GetFeesRequest(account=BOB))
            assert (mine.volume_quanta, mine.tier, mine.next_tier_quanta) == (lots * 46_000_000, 1, 5 * 10**12)
            assert mine.referrer == b.CAROL.owner
            assert [(one.market, one.maker_ppm, one.taker_ppm) for one in mine.rates] == [(1, 80, 450), (2, 80, 450)]
            nobody = tx_pb2.AccountId(owner=b.Person("nobody").owner)
            theirs = await net.accounts.GetFees(account_service.GetFeesRequest(account=nobody))
            assert (theirs.tier, theirs.volume_quanta, theirs.rates[0].taker_ppm) == (0, 0, 500)

    run(work())


def test_open_orders(tmp_path: Path) -> None:
    """Of all markets, or of one."""
    async def work() -> None:
        async with network(tmp_path) as net:
            orders = [b.buy(45_000_000, 3, client_id=7), b.buy(23_000_000, 2, market=b.ETH)]
            await net.commit(b.envelope(b.ALICE, orders, 1))
            everything = await net.accounts.GetOrders(account_service.GetOrdersRequest(account=ALICE))
            one = await net.accounts.GetOrders(account_service.GetOrdersRequest(account=ALICE, market=b.BTC))
            assert [order.open_lots for order in everything.orders] == [3, 2]
            assert [order.client_id for order in one.orders] == [7]
            none = await net.accounts.GetOrders(account_service.GetOrdersRequest(account=BOB))
            assert not none.orders and none.height == one.height

    run(work())


def test_own_triggers_and_hidden_sizes(tmp_path: Path) -> None:
    """BOOK-016: the book shows peaks, the owner sees all; TRIG-003: triggers in queries and in the stream of orders."""
    async def work() -> None:
        async with network(tmp_path) as net:
            alice = await net.client(b.ALICE)
            placing = alice.place("BTC-PERP", "sell", "0.010", "46001", display="0.002", expiry_time_ns=1 << 62)
            assert (await net.committing(placing)).open_size == Decimal("0.010")
            book = await net.market_data.GetBook(market_data.GetBookRequest(market=b.BTC))
            assert [(level.size_lots, level.orders) for level in book.book.asks] == [(2, 1)]
            (order,) = await alice.open_orders()
            assert (order.open_lots, order.hidden_lots) == (10, 8)
            watch = net.accounts.WatchOrders(account_service.WatchOrdersRequest(account=ALICE))
            assert not (await watch.read()).snapshot.triggers
            await net.committing(alice.place_trigger("BTC-PERP", "below", "sell", "0.010", "44000", at="45000"))
            (trigger,) = await alice.triggers()
            assert trigger.trigger_quanta == 45_000_000
            assert (await watch.read()).updates.triggers[0].trigger_placed.trigger == trigger
            await net.committing(alice.cancel_trigger())
            assert not await alice.triggers()
            await net.committing(alice.set_dead_man(1 << 62))
            await net.committing(alice.set_protection("BTC-PERP", "0.005"))
            watch.cancel()

    run(work())


def test_chain_queries(tmp_path: Path) -> None:
    """Status, parameters, blocks and transactions agree with the chain."""
    async def work() -> None:
        async with network(tmp_path) as net:
            height = await traded(net)
            status = await net.chain.GetStatus(chain_service.GetStatusRequest())
            head = net.engine.chain.head
            assert (status.height, status.app_hash, status.chain_id, status.live) == (
                height, head.app_hash, b.CHAIN_ID, True)
            params = await net.chain.GetParams(chain_service.GetParamsRequest())
            assert params.params.gas_price_e6 == net.engine.chain.params.gas_price_e6
            block = (await net.chain.GetBlock(chain_service.GetBlockRequest(with_txs=True))).block
            assert (block.height, block.txs_count, block.fills_count, block.actions_count) == (height, 1, 2, 1)
            assert block.app_hash == head.app_hash
            brief = (await net.chain.GetBlock(chain_service.GetBlockRequest(height=height - 1))).block
            assert (brief.txs_count, brief.actions_count, len(brief.txs)) == (1, 3, 0)
            tx = await net.chain.GetTx(chain_service.GetTxRequest(hash=block.txs[0].hash))
            assert (tx.tx_height, tx.index, tx.tx.events) == (height, 0, block.txs[0].events)
            assert tx.tx.body.account == BOB and not tx.tx.by_agent and not block.txs[0].HasField("body")
            assert tx.tx.account == BOB and tx.tx.result.actions[0].filled_lots == 12

    run(work())


def test_an_account_that_never_was(tmp_path: Path) -> None:
    """Zeros and `exists` false: asking is no error."""
    async def work() -> None:
        async with network(tmp_path) as net:
            nobody = tx_pb2.AccountId(owner=b.Person("nobody").owner, number=9)
            answer = await net.accounts.GetAccount(account_service.GetAccountRequest(account=nobody))
            assert not answer.exists and answer.cash_quanta == 0 and answer.account == nobody

    run(work())


def test_bad_questions_name_what_is_wrong(tmp_path: Path) -> None:
    """Each has a status and an ErrorInfo with reason, domain and metadata; none carries an exception's text."""
    async def work() -> None:
        async with network(tmp_path) as net:
            data, accounts, chain = net.market_data, net.accounts, net.chain
            questions = [
                (data.GetBook(market_data.GetBookRequest(market=9)), "MARKET_NOT_FOUND", {"market": "9"}),
                (data.GetMarkets(market_data.GetMarketsRequest(markets=[1, 9])), "MARKET_NOT_FOUND", {"market": "9"}),
                (data.GetBook(market_data.GetBookRequest(market=1, depth=10_001)), "BAD_ARGUMENT", {"field": "depth"}),
                (data.GetTrades(market_data.GetTradesRequest(market=1, limit=1_001)), "BAD_ARGUMENT", {}),
                (accounts.GetAccount(account_service.GetAccountRequest()), "BAD_ARGUMENT", {"field": "account.owner"}),
                (accounts.GetOrders(account_service.GetOrdersRequest(account=BAD_OWNER)), "BAD_ARGUMENT", {}),
                (chain.GetBlock(chain_service.GetBlockRequest(height=99)), "BLOCK_NOT_HELD", {"newest": "1"}),
                (chain.GetTx(chain_service.GetTxRequest(hash=b"x")), "BAD_ARGUMENT", {"field": "hash"}),
                (chain.GetTx(chain_service.GetTxRequest(hash=b"x" * 32)), "TX_NOT_HELD", {}),
            ]
            for call, reason, metadata in questions:
                code, info = await refusal(call)
                assert code in (grpc.StatusCode.NOT_FOUND, grpc.StatusCode.INVALID_ARGUMENT)
                assert info.reason == reason and info.domain in ("gateway", "markets")
                assert metadata.items() <= dict(info.metadata).items()

    run(work())


def test_what_breaks_inside_is_not_told_outside(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """INTERNAL, without the text of the exception; the next call works."""
    async def work() -> None:
        async with network(tmp_path) as net:
            monkeypatch.setattr(net.gateway.model, "mark", lambda market: 1 / (market - market))
            code, info = await refusal(net.market_data.GetMarkPrice(market_data.GetMarkPriceRequest(market=1)))
            assert (code, info.reason) == (grpc.StatusCode.INTERNAL, "INTERNAL")
            monkeypatch.undo()
            await net.market_data.GetMarkPrice(market_data.GetMarkPriceRequest(market=1))

    run(work())


def test_a_message_that_is_too_large_is_refused(tmp_path: Path) -> None:
    """By the transport, before anybody looks inside."""
    async def work() -> None:
        async with network(tmp_path) as net:
            request = chain_service.GetTxRequest(hash=b"x" * 2_000_000)
            with pytest.raises(grpc.aio.AioRpcError) as caught:
                await net.chain.GetTx(request)
            assert caught.value.code() == grpc.StatusCode.RESOURCE_EXHAUSTED

    run(work())


def test_health_follows_the_feed_and_comes_back_with_the_engine(tmp_path: Path) -> None:
    """NOT_SERVING without an engine, SERVING once blocks arrive, for every service; queries say NOT_READY before."""
    async def work() -> None:
        gateway = Gateway(tmp_path / "link.sock", "127.0.0.1:0")
        await gateway.start()
        async with grpc.aio.insecure_channel(gateway.address) as channel:
            stub = health_pb2_grpc.HealthStub(channel)

            async def serving() -> set[int]:
                return {(await stub.Check(health_pb2.HealthCheckRequest(service=name))).status
                        for name in ("", *SERVICES)}

            assert await serving() == {health_pb2.HealthCheckResponse.NOT_SERVING}
            chain = Net(None, gateway, channel).chain  # type: ignore[arg-type]
            code, info = await refusal(chain.GetParams(chain_service.GetParamsRequest()))
            assert (code, info.reason) == (grpc.StatusCode.UNAVAILABLE, "GATEWAY_NOT_READY")
        await gateway.stop()
        async with network(tmp_path) as net:
            stub = health_pb2_grpc.HealthStub(net.channel)
            watch = stub.Watch(health_pb2.HealthCheckRequest())
            assert (await watch.read()).status == health_pb2.HealthCheckResponse.SERVING
            height = await traded(net)
            net.engine.close()
            assert (await watch.read()).status == health_pb2.HealthCheckResponse.NOT_SERVING
            still = await net.chain.GetStatus(chain_service.GetStatusRequest())
            assert (still.height, still.live) == (height, False)
            net.engine = type(net.engine)(tmp_path)
            assert (await watch.read()).status == health_pb2.HealthCheckResponse.SERVING
            assert net.gateway.model.block(height) is not None, "it resumed instead of starting over"
            net.engine.block()
            await until(lambda: net.gateway.model.height == height + 1)

    run(work())


def test_the_services_can_be_discovered(tmp_path: Path) -> None:
    """Reflection lists all of them, so that grpcurl works without our proto files."""
    async def work() -> None:
        async with network(tmp_path) as net:
            stub = reflection_pb2_grpc.ServerReflectionStub(net.channel)
            answers = stub.ServerReflectionInfo(iter([reflection_pb2.ServerReflectionRequest(list_services="")]))
            listed = {service.name async for answer in answers for service in answer.list_services_response.service}
            assert set(SERVICES) < listed and "grpc.health.v1.Health" in listed

    run(work())


def test_two_gateways_cannot_share_a_port(tmp_path: Path) -> None:
    """The second says so and names the way out."""
    async def work() -> None:
        async with network(tmp_path) as net:
            second = Gateway(net.engine.socket, net.gateway.address)
            with pytest.raises(OSError, match="--listen"):
                await second.start()
            await second.stop()

    run(work())


def test_a_new_gateway_knows_the_blocks_that_its_engine_holds(tmp_path: Path) -> None:
    """Recent trades, transactions and blocks are there from the start, and submitting them again says so."""
    async def work() -> None:
        async with network(tmp_path) as net:
            raw = b.envelope(b.BOB, [b.buy(46_000_000, 2)], 1)
            await net.commit(b.envelope(b.ALICE, [b.sell(46_000_000, 10)], 1))
            height = await net.commit(raw)
            first = net.gateway
            net.gateway = Gateway(net.engine.socket, "127.0.0.1:0")
            await net.gateway.start()
            await until(lambda: net.gateway.engine.live)
            async with grpc.aio.insecure_channel(net.gateway.address) as channel:
                new = Net(net.engine, net.gateway, channel)
                trades = await new.market_data.GetTrades(market_data.GetTradesRequest(market=b.BTC))
                assert [trade.size_lots for trade in trades.trades] == [2]
                status = await new.chain.GetStatus(chain_service.GetStatusRequest())
                assert (status.oldest_block_height, status.height) == (1, height)
                outcome = (await new.trading.Submit(trading.SubmitEnvelopeRequest(envelope=raw))).outcome
                assert (outcome.state, outcome.height) == (trading.SUBMISSION_STATE_COMMITTED, height)
            await first.stop()

    run(work())

"""The client against a real gateway and a real chain."""

import asyncio
import time
from decimal import Decimal
from pathlib import Path

import grpc
import pytest

from client import Key, NovationClient, SendOptions, envelopes, errors
from client.legs import Leg
from node.gateway.server import Gateway
from novation.v1 import tx_pb2
from tests.helpers import builders as b
from tests.helpers.gateways import network, run, until
from tests.helpers.little_engine import LittleEngine

BTC = "BTC-PERP"


def test_the_life_of_orders(tmp_path: Path) -> None:
    """Place, replace, fill, cancel, in decimals; each answer says what the block did."""
    async def work() -> None:
        async with network(tmp_path) as net:
            alice, bob = await net.client(b.ALICE), await net.client(b.BOB)
            order = await net.committing(alice.place(BTC, "sell", "0.010", "46000.5", client_id=7))
            assert order.committed and order.open_size == Decimal("0.010") and order.filled_size == 0
            assert [o.client_id for o in await alice.open_orders(BTC)] == [7]
            better = await net.committing(alice.replace(BTC, "0.008", "46000", client_id=7))
            assert better.open_size == Decimal("0.008") and better.order_id != order.order_id
            taken = await net.committing(bob.place(BTC, "buy", "0.005", Decimal("46001"), time_in_force="ioc"))
            assert (taken.filled_size, taken.average_price, taken.open_size) == (Decimal("0.005"), Decimal(46_000), 0)
            await net.committing(alice.cancel(client_id=7))
            assert await alice.open_orders() == []
            account = await bob.account()
            assert account.positions[0].position.lots == 5
            assert [t.size_lots for t in await bob.trades(BTC)] == [5]

    run(work())


def test_a_combo(tmp_path: Path) -> None:
    """All legs in decimals, or none, with what they cost together."""
    async def work() -> None:
        async with network(tmp_path) as net:
            alice, bob = await net.client(b.ALICE), await net.client(b.BOB)
            await net.committing(bob.place(BTC, "sell", "0.005", "46000"))
            await net.committing(bob.place("ETH-PERP", "buy", "0.005", "24000"))
            legs = [Leg.parse("buy:0.002:BTC-PERP:46000"), Leg("ETH-PERP", "sell", "0.003", "24000")]
            with pytest.raises(errors.OrderNotFillable, match="COMBO_NET"):
                await net.committing(alice.place_combo(legs, net="19.999999"))
            sent = await net.committing(alice.place_combo(legs, net=20, client_id=4))
            assert [leg.filled_lots for leg in sent.results[0].legs] == [2, 3]
            held = {one.position.market: one.position.lots for one in (await alice.account()).positions}
            assert held == {1: 2, 2: -3}

    run(work())


def test_a_block_trade(tmp_path: Path) -> None:
    """Bob signs, Alice sends; both see the fill, everybody the trade; it settles once, as it was signed."""
    async def work() -> None:
        async with network(tmp_path) as net:
            alice, bob = await net.client(b.ALICE), await net.client(b.BOB)
            legs = [Leg.parse("buy:0.5:BTC-PERP:46000.5"), Leg("ETH-PERP", "sell", "0.6", "24000")]
            signed = bob.sign_block(alice.account_id, legs, lifetime_seconds=10**9)
            wire = tx_pb2.BlockTrade.FromString(signed.SerializeToString())
            with pytest.raises(ValueError, match="other terms"):
                await alice.block_trade(wire, legs[:1])
            with pytest.raises(ValueError, match="other terms"):
                await bob.block_trade(wire, legs)
            changed = tx_pb2.BlockTrade.FromString(signed.SerializeToString())
            changed.terms.legs[0].size_lots += 1
            with pytest.raises(errors.AuthenticationError, match="BLOCK_CONSENT"):
                await net.committing(alice.block_trade(changed, [Leg(BTC, "buy", "0.501", "46000.5"), legs[1]]))
            await net.committing(alice.block_trade(wire, legs))
            for client, sign in ((alice, 1), (bob, -1)):
                held = {one.position.market: one.position.lots for one in (await client.account()).positions}
                assert held == {1: 500 * sign, 2: -600 * sign}
            trade, = await alice.trades(BTC)
            assert trade.block and (trade.size_lots, trade.price_quanta) == (500, 46_000_500)
            with pytest.raises(errors.InvalidNonce, match="BLOCK_NONCE"):
                await net.committing(alice.block_trade(wire, legs))
            with pytest.raises(errors.Expired, match="BLOCK_EXPIRED"):
                late = bob.sign_block(alice.account_id, legs, lifetime_seconds=-10**9)
                await net.committing(alice.block_trade(late, legs))

    run(work())


def test_money_moves(tmp_path: Path) -> None:
    """Faucet, transfer and withdrawal, to the quantum."""
    async def work() -> None:
        async with network(tmp_path, app_state=b.genesis(gas_price_e6=0)) as net:
            alice = await net.client(b.ALICE)
            newcomer = Key.generate()
            await net.committing(alice.transfer(newcomer.account(3), "12.345678"))
            await net.committing(alice.faucet("7", newcomer.account(3)))
            await net.committing(alice.withdraw("0.000001", b"somewhere"))
            assert (await alice.account(newcomer.account(3))).cash_quanta == 19_345_678
            assert (await alice.account()).cash_quanta == 10**12 - 12_345_678 - 1

    run(work())


def test_errors_are_typed_and_told_once(tmp_path: Path) -> None:
    """What one action did wrong is raised; in a batch each action has its own error."""
    async def work() -> None:
        async with network(tmp_path) as net:
            alice = await net.client(b.ALICE)
            with pytest.raises(errors.OrderNotFound):
                await net.committing(alice.cancel(client_id=5))
            with pytest.raises(errors.InsufficientFunds):
                await net.committing(alice.place(BTC, "buy", "1000", "46000"))
            with pytest.raises(errors.NotExact, match=r"use 46000\.0 or 46000\.5"):
                await alice.place(BTC, "buy", "0.001", "46000.1")
            with pytest.raises(errors.BadSymbol, match="BTC-PERP"):
                await alice.place("DOGE", "buy", "1", "1")
            with pytest.raises(errors.BadRequest):
                await alice.tx(b"\0" * 32)
            with pytest.raises(errors.InsufficientGas):
                await alice.cancel_all(gas_limit=1)
            actions = [envelopes.cancel_all(1), envelopes.cancel(client_id=9), envelopes.cancel_all()]
            sent = await net.committing(alice.send(actions))
            assert [type(error) for error in sent.errors()] == [type(None), errors.OrderNotFound, type(None)]
            with pytest.raises(errors.ActionsUndone):
                await net.committing(alice.send(actions, all_or_nothing=True, timeout_seconds=5))
            nobody = NovationClient(net.gateway.address, Key.generate())
            net.clients.append(nobody)
            await nobody.connect()
            with pytest.raises(errors.AccountNotFound):
                await nobody.cancel_all()

    run(work())


def test_not_waiting_for_the_block(tmp_path: Path) -> None:
    """The envelope is on its way; sending the same bytes again returns what became of it."""
    async def work() -> None:
        async with network(tmp_path) as net:
            alice = await net.client(b.ALICE)
            sent = await alice.send([envelopes.cancel_all()], wait="admitted")
            assert not sent.committed and sent.results == ()
            with pytest.raises(errors.NotCommitted) as caught:
                await alice.submit(sent.envelope, timeout_seconds=0.3)
            assert caught.value.envelope == sent.envelope
            net.engine.block()
            again = await alice.submit(sent.envelope)
            assert again.committed and again.height == net.engine.chain.head.height and len(again.results) == 1
            assert (await alice.tx(sent.hash)).tx_height == again.height

    run(work())


def test_many_envelopes_at_once(tmp_path: Path) -> None:
    """Parallel sends and batches never collide on a nonce."""
    async def work() -> None:
        async with network(tmp_path) as net:
            alice, twin = await net.client(b.ALICE), await net.client(b.ALICE)
            sends = [client.send([envelopes.cancel_all()]) for _ in range(40) for client in (alice, twin)]
            sent = await net.committing(asyncio.gather(*sends))
            assert len({one.hash for one in sent}) == 80 and all(one.committed for one in sent)
            alice.nonces.observe((await alice.account()).highest_nonce)
            batch = [alice.sign([envelopes.cancel_all()]) for _ in range(100)]
            outcomes = await net.committing(alice.submit_batch(batch, wait="committed"))
            assert all(outcome.height for outcome in outcomes)

    run(work())


def test_a_nonce_that_somebody_else_passed_is_renewed(tmp_path: Path) -> None:
    """The account was used by another program with far higher nonces: signed anew, once, and done."""
    async def work() -> None:
        async with network(tmp_path) as net:
            alice = await net.client(b.ALICE)
            await net.commit(b.envelope(b.ALICE, [b.cancel_all()], 2**45))
            sent = await net.committing(alice.cancel_all())
            assert sent.committed and (await alice.account()).highest_nonce == 2**45 + 1

    run(work())


def test_sending_again_after_a_broken_connection_never_acts_twice(tmp_path: Path) -> None:
    """The gateway goes away in the middle of a submission, a block takes it: the next gateway tells the client."""
    async def work() -> None:
        async with network(tmp_path) as net:
            alice = await net.client(b.ALICE)
            placing = asyncio.create_task(alice.place(BTC, "buy", "0.001", "45000", timeout_seconds=15))
            await until(lambda: net.engine.mempool.count == 1)
            address = net.gateway.address
            await net.gateway.stop()
            height = net.engine.block().height
            net.gateway = Gateway(net.engine.socket, address)
            await net.gateway.start()
            order = await placing
            assert order.committed and order.height == height
            assert len(await alice.open_orders()) == 1 and (await alice.account()).highest_nonce

    run(work())


def test_an_outcome_that_nobody_knows_any_more_is_not_guessed(tmp_path: Path) -> None:
    """Committed while the gateway was away, and forgotten: the client must not sign the same order again."""
    async def work() -> None:
        async with network(tmp_path) as net:
            alice = await net.client(b.ALICE)
            placing = asyncio.create_task(alice.place(BTC, "buy", "0.001", "45000", timeout_seconds=15))
            await until(lambda: net.engine.mempool.count == 1)
            address = net.gateway.address
            await net.gateway.stop()
            net.engine.block()
            net.engine.close()  # with it goes the engine's memory of recent blocks
            net.engine = LittleEngine(tmp_path)
            net.gateway = Gateway(net.engine.socket, address)
            await net.gateway.start()
            with pytest.raises(errors.OutcomeUnknown):
                await placing
            assert len(await alice.open_orders()) == 1

    run(work())


def test_connecting_waits_for_a_gateway_that_starts_later(tmp_path: Path) -> None:
    """And says NotAvailable when it does not come in time."""
    async def work() -> None:
        async with network(tmp_path) as net:
            address = net.gateway.address
            await net.gateway.stop()
            client = NovationClient(address)
            net.clients.append(client)
            with pytest.raises(errors.NotAvailable):
                await client.connect(timeout_seconds=0.1)
            connecting = asyncio.create_task(client.connect())
            net.gateway = Gateway(net.engine.socket, address)
            await net.gateway.start()
            await connecting
            assert (await client.status()).chain_id == b.CHAIN_ID
            with pytest.raises(ValueError, match="no key"):
                client.sign([envelopes.cancel_all()])

    run(work())


def test_options_of_the_client_are_the_defaults_of_its_envelopes(tmp_path: Path) -> None:
    """And each call may differ."""
    async def work() -> None:
        async with network(tmp_path) as net:
            client = NovationClient(net.gateway.address, Key(bytes(b.ALICE.key)), account_number=0,
                                    options=SendOptions(wait="admitted", gas_limit=777_777))
            net.clients.append(client)
            await client.connect()
            sent = await client.cancel_all(expiry_height=50)
            body = tx_pb2.Body.FromString(tx_pb2.Envelope.FromString(sent.envelope).body)
            assert (body.gas_limit, body.expiry_height, sent.committed) == (777_777, 50, False)
            assert 0 < body.expiry_time_ns - time.time_ns() <= 600 * 10**9
            sent = await client.cancel_all(lifetime_seconds=0)
            assert tx_pb2.Body.FromString(tx_pb2.Envelope.FromString(sent.envelope).body).expiry_time_ns == 0
            with pytest.raises(TypeError):
                await client.cancel_all(colour="blue")
            with pytest.raises(ValueError, match="admitted, committed"):
                await client.cancel_all(wait="forever")

    run(work())


def test_the_channel_is_closed_with_the_client(tmp_path: Path) -> None:
    """`async with` leaves nothing open."""
    async def work() -> None:
        async with network(tmp_path) as net:
            async with NovationClient(net.gateway.address) as client:
                book = await client.book(BTC)
                assert book.height >= 1 and await client.mark_price(BTC) == Decimal(46_000)
            with pytest.raises((grpc.aio.UsageError, errors.NovationError)):
                await client.status()

    run(work())

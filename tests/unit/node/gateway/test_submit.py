"""Submitting through a real gateway to a real chain."""

import asyncio
from pathlib import Path

import grpc
import pytest

from node.gateway import submissions
from node.gateway import trading as trading_module
from node.gateway.server import Gateway
from novation.v1 import trading_service_pb2 as trading
from novation.v1 import trading_service_pb2_grpc
from tests.helpers import builders as b
from tests.helpers.gateways import Net, network, run, until

ADMISSION, COMMITTED = trading.WAIT_FOR_ADMISSION, trading.WAIT_FOR_COMMITTED
IS_REFUSED = trading.SUBMISSION_STATE_REFUSED
IS_PENDING = trading.SUBMISSION_STATE_PENDING
IS_COMMITTED = trading.SUBMISSION_STATE_COMMITTED


async def submit(net: Net, raw: bytes, wait: int = ADMISSION, timeout_ms: int = 0) -> trading.SubmissionOutcome:
    """Submit one envelope."""
    request = trading.SubmitEnvelopeRequest(envelope=raw, wait=wait, timeout_ms=timeout_ms)
    return (await net.trading.Submit(request)).outcome


def test_waiting_for_the_block_returns_each_actions_result(tmp_path: Path) -> None:
    """Height, fee, and what every action did, the failed one among them."""
    async def work() -> None:
        async with network(tmp_path) as net:
            raw = b.envelope(b.ALICE, [b.buy(45_000_000, 5), b.buy(45_000_001, 5), b.cancel_all()], 1)
            outcome = await net.committing(submit(net, raw, COMMITTED))
            assert outcome.state == IS_COMMITTED and outcome.height >= 2
            assert [action.reason for action in outcome.result.actions] == ["", "ORDER_OFF_TICK", ""]
            assert outcome.result.actions[2].cancelled_orders == 1
            assert outcome.result.fee_quanta > 0

    run(work())


def test_admission_answers_before_any_block(tmp_path: Path) -> None:
    """The envelope waits in the pool; the outcome is pending."""
    async def work() -> None:
        async with network(tmp_path) as net:
            outcome = await submit(net, b.envelope(b.ALICE, [b.buy(45_000_000, 5)], 1))
            assert (outcome.state, outcome.height, outcome.result.code) == (IS_PENDING, 0, 0)
            assert net.engine.mempool.count == 1

    run(work())


def test_a_wait_that_ends_without_a_block_is_pending_not_an_error(
        tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """By its own timeout, and in time before the deadline of the call."""
    monkeypatch.setattr(trading_module, "DEADLINE_MARGIN_SECONDS", 59.5)

    async def work() -> None:
        async with network(tmp_path) as net:
            raw = b.envelope(b.ALICE, [b.buy(45_000_000, 5)], 1)
            assert (await submit(net, raw, COMMITTED, timeout_ms=50)).state == IS_PENDING
            request = trading.SubmitEnvelopeRequest(envelope=raw, wait=COMMITTED)
            assert (await net.trading.Submit(request, timeout=60)).outcome.state == IS_PENDING

    run(work())


BAD = {
    "TX_MALFORMED": b"garbage",
    "TX_BAD_ACCOUNT": b"",
    "TX_TOO_LARGE": b"x" * 65_537,
    "TX_NOT_CANONICAL": b.envelope(b.ALICE, [b.cancel_all()], 1) + b"\x1a\x00",
    "TX_BAD_SIGNATURE": b.envelope(b.ALICE, [b.cancel_all()], 1, chain_id="another"),
    "TX_NONCE_TOO_HIGH": b.envelope(b.ALICE, [b.cancel_all()], 2**62),
    "TX_EXPIRED": b.envelope(b.ALICE, [b.cancel_all()], 1, expiry_height=1),
    "TX_GAS_LIMIT": b.envelope(b.ALICE, [b.cancel_all()], 1, gas_limit=1),
    "TX_NO_ACTIONS": b.envelope(b.ALICE, [], 1),
    "ACCOUNT_NOT_FOUND": b.envelope(b.Person("nobody"), [b.cancel_all()], 1),
}


def test_refusals_are_answers_with_a_code(tmp_path: Path) -> None:
    """Whatever the bytes: no gRPC error, a refused outcome with code, codespace and reason, and nothing waits."""
    async def work() -> None:
        async with network(tmp_path) as net:
            for reason, raw in BAD.items():
                outcome = await submit(net, raw, COMMITTED)
                assert (outcome.state, outcome.result.reason) == (IS_REFUSED, reason)
                assert outcome.result.code and outcome.result.codespace and outcome.height == 0
            batch = await net.trading.SubmitBatch(trading.SubmitBatchRequest(envelopes=BAD.values()))
            assert [outcome.result.reason for outcome in batch.outcomes] == list(BAD)
            assert net.engine.mempool.count == 0

    run(work())


def test_the_same_bytes_share_one_fate(tmp_path: Path) -> None:
    """Twice at once, again while pending, after the block: one envelope in the pool, one result for all."""
    async def work() -> None:
        async with network(tmp_path) as net:
            raw = b.envelope(b.ALICE, [b.buy(45_000_000, 5)], 1)
            both = await asyncio.gather(submit(net, raw), submit(net, raw))
            assert [outcome.state for outcome in both] == [IS_PENDING] * 2
            assert (await submit(net, raw)).state == IS_PENDING
            assert net.engine.mempool.count == 1
            waiting = [asyncio.create_task(submit(net, raw, COMMITTED)) for _ in range(2)]
            outcomes = [await net.committing(task) for task in waiting]
            outcomes.append(await submit(net, raw))
            assert {(outcome.state, outcome.height) for outcome in outcomes} == {(IS_COMMITTED, outcomes[0].height)}
            twice = await net.trading.SubmitBatch(trading.SubmitBatchRequest(envelopes=[raw, raw]))
            assert [outcome.state for outcome in twice.outcomes] == [IS_COMMITTED] * 2

    run(work())


def test_the_same_bytes_through_another_gateway(tmp_path: Path) -> None:
    """The second gateway learns that they wait already, and sees them commit; a rival with that nonce is refused."""
    async def work() -> None:
        async with network(tmp_path) as net:
            second = Gateway(net.engine.socket, "127.0.0.1:0")
            await second.start()
            await until(lambda: second.engine.live)
            async with grpc.aio.insecure_channel(second.address) as channel:
                other = trading_service_pb2_grpc.TradingServiceStub(channel)
                raw = b.envelope(b.ALICE, [b.buy(45_000_000, 5)], 1)
                rival = b.envelope(b.ALICE, [b.buy(45_000_000, 6)], 1)
                await submit(net, raw)
                request = trading.SubmitEnvelopeRequest(envelope=raw, wait=COMMITTED)
                waiting = asyncio.ensure_future(other.Submit(request))
                refused = (await other.Submit(trading.SubmitEnvelopeRequest(envelope=rival))).outcome
                assert (refused.state, refused.result.reason) == (IS_REFUSED, "MEMPOOL_DUPLICATE")
                assert (await net.committing(waiting)).outcome.state == IS_COMMITTED
                again = (await other.Submit(trading.SubmitEnvelopeRequest(envelope=rival))).outcome
                assert (again.state, again.result.reason) == (IS_REFUSED, "TX_NONCE_USED")
            await second.stop()

    run(work())


def test_a_used_nonce_is_judged_only_when_the_feed_has_caught_up(tmp_path: Path) -> None:
    """A gateway that lags behind the engine does not refuse an envelope that is already in a block."""
    async def work() -> None:
        async with network(tmp_path) as net:
            raw = b.envelope(b.ALICE, [b.buy(45_000_000, 5)], 1)
            held: list[object] = []
            publish = net.engine.feed.publish
            net.engine.feed.publish = held.append
            net.engine.run_with(raw)
            late = asyncio.create_task(submit(net, raw))
            await asyncio.sleep(0.05)
            assert not late.done()
            publish(held[0])
            assert (await late).state == IS_COMMITTED

    run(work())


def test_batches_keep_order_and_wait_together(tmp_path: Path) -> None:
    """Good and bad ones in one call, each with its own outcome."""
    async def work() -> None:
        async with network(tmp_path) as net:
            envelopes = [b.envelope(b.ALICE, [b.buy(45_000_000, n)], n) for n in range(1, 40)]
            envelopes.insert(7, b"bad")
            request = trading.SubmitBatchRequest(envelopes=envelopes, wait=COMMITTED)
            outcomes = (await net.committing(net.trading.SubmitBatch(request))).outcomes
            assert [outcome.state == IS_COMMITTED for outcome in outcomes] == [raw != b"bad" for raw in envelopes]
            lots = [outcome.result.actions[0].open_lots for outcome in outcomes if outcome.height]
            assert lots == list(range(1, 40))

    run(work())


@pytest.mark.parametrize(("request_", "field"), [
    (trading.SubmitBatchRequest(), "envelopes"),
    (trading.SubmitBatchRequest(envelopes=[b"x"] * 257), "envelopes"),
    (trading.SubmitBatchRequest(envelopes=[b"x"], wait=9), "wait"),
    (trading.SubmitBatchRequest(envelopes=[b"x"], wait=COMMITTED, timeout_ms=60_001), "timeout_ms"),
])
def test_calls_that_can_never_be_served(tmp_path: Path, request_: trading.SubmitBatchRequest, field: str) -> None:
    """INVALID_ARGUMENT that names the field."""
    async def work() -> None:
        async with network(tmp_path) as net:
            with pytest.raises(grpc.aio.AioRpcError) as caught:
                await net.trading.SubmitBatch(request_)
            assert caught.value.code() == grpc.StatusCode.INVALID_ARGUMENT
            assert field in caught.value.details()

    run(work())


def test_a_caller_who_leaves_takes_nobody_along(tmp_path: Path) -> None:
    """The first sender's deadline passes while the engine thinks; the second, with the same bytes, gets the verdict."""
    async def work() -> None:
        async with network(tmp_path) as net:
            raw = b.envelope(b.ALICE, [b.buy(45_000_000, 5)], 1)
            check, gate = net.engine.mempool.check, asyncio.Event()
            loop = asyncio.get_running_loop()

            def slow(envelope: bytes) -> object:
                asyncio.run_coroutine_threadsafe(gate.wait(), loop).result(60)
                return check(envelope)

            net.engine.mempool.check = slow
            with pytest.raises(grpc.aio.AioRpcError):
                await net.trading.Submit(trading.SubmitEnvelopeRequest(envelope=raw), timeout=0.2)
            second = asyncio.create_task(submit(net, raw))
            gate.set()
            assert (await second).state == IS_PENDING
            assert net.engine.mempool.count == 1

    run(work())


def test_bytes_on_their_way_to_the_engine_are_bounded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """While the engine thinks about one envelope there is no room for another; afterwards there is."""
    first, second = (b.envelope(b.ALICE, [b.buy(45_000_000, 5)], nonce) for nonce in (1, 2))
    monkeypatch.setattr(submissions, "QUEUED_BYTES_MAX", len(first) + len(second) - 1)

    async def work() -> None:
        async with network(tmp_path) as net:
            check, gate = net.engine.mempool.check, asyncio.Event()
            loop = asyncio.get_running_loop()

            def slow(envelope: bytes) -> object:
                asyncio.run_coroutine_threadsafe(gate.wait(), loop).result(60)
                return check(envelope)

            net.engine.mempool.check = slow
            waiting = asyncio.create_task(submit(net, first))
            await until(lambda: net.gateway._submissions._queued_bytes == len(first))
            with pytest.raises(grpc.aio.AioRpcError) as caught:
                await submit(net, second)
            assert caught.value.code() == grpc.StatusCode.RESOURCE_EXHAUSTED
            gate.set()
            assert (await waiting).state == IS_PENDING
            assert (await submit(net, second)).state == IS_PENDING
            assert net.engine.mempool.count == 2

    run(work())


def test_without_an_engine_submitting_is_unavailable(tmp_path: Path) -> None:
    """An envelope that is not known is not taken; one in a recent block still has its answer."""
    async def work() -> None:
        async with network(tmp_path) as net:
            raw = b.envelope(b.ALICE, [b.buy(45_000_000, 5)], 1)
            await net.commit(raw)
            net.engine.feed.close()
            await until(lambda: not net.gateway.engine.live)
            with pytest.raises(grpc.aio.AioRpcError) as caught:
                await submit(net, b.envelope(b.ALICE, [b.buy(45_000_000, 5)], 2))
            assert caught.value.code() == grpc.StatusCode.UNAVAILABLE
            assert (await submit(net, raw)).state == IS_COMMITTED

    run(work())

"""The socket server: order of replies, bursts, all methods, garbage on one connection, bounds, shutdown."""

import random
import socket
import stat
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from tendermint.abci import types_pb2 as abci

from node.abci import server
from node.abci.dispatch import RETRY_CODE, BadRequest, Dispatcher
from node.abci.framing import FrameReader, encode_frame, encode_length
from node.abci.server import AbciServer, AddressError, listen
from tests.unit.node.abci.wire import METHODS, Client, plain_handlers, request

LIMIT_BYTES = 1 << 20


class Running:
    """A server on a Unix socket, with what its handlers and its fatal hook saw."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.ended: list[str] = []
        self.release = threading.Event()
        self.entered = threading.Event()

        def end(method: str, error: BaseException) -> None:
            self.ended.append(f"{method}: {error}")
            raise SystemExit(1)  # the thread's end stands for the process's

        handlers = plain_handlers(
            check_tx=lambda message: abci.ResponseCheckTx(data=message.tx),
            query=lambda message: abci.ResponseQuery(value=message.data),
            reap_txs=lambda message: abci.ResponseReapTxs(txs=[b"x" * 1_000] * int(message.max_bytes)),
            finalize_block=self._finalize,
        )
        self.server = AbciServer(Dispatcher(handlers, end), LIMIT_BYTES)
        self.server.serve(listen(f"unix://{path}"))

    def _finalize(self, message: abci.RequestFinalizeBlock) -> abci.ResponseFinalizeBlock:
        self.entered.set()
        assert self.release.wait(60)
        return abci.ResponseFinalizeBlock(app_hash=b"h" * 32)

    def client(self) -> Client:
        return Client(self.path)


@pytest.fixture
def running(tmp_path: Path) -> Iterator[Running]:
    one = Running(tmp_path / "a.sock")
    yield one
    one.release.set()
    assert one.server.stop(60)


def test_all_methods_are_answered_by_their_own_response(running: Running) -> None:
    running.release.set()
    assert len(METHODS) == 18
    with running.client() as client:
        for method in METHODS:
            client.call(method)
        assert client.call("echo", message="über").message == "über"


def test_replies_keep_the_order_of_requests(running: Running) -> None:
    requests = []
    for number in range(3_000):
        requests.append(request("check_tx", tx=b"%d" % number) if number % 3 else request("flush"))
    with running.client() as client:
        threading.Thread(target=client.send, args=requests, daemon=True).start()
        for sent, got in zip(requests, client.receive(3_000), strict=True):
            assert got.WhichOneof("value") == sent.WhichOneof("value")
            assert got.check_tx.data == sent.check_tx.tx


class _Wire:
    """A connection that gives what it is told to and remembers each write."""

    def __init__(self, *reads: bytes) -> None:
        self.reads = [*reads, b""]
        self.writes: list[bytes] = []

    def recv(self, _: int) -> bytes:
        return self.reads.pop(0)

    def sendall(self, data: bytes) -> None:
        self.writes.append(data)


def test_a_burst_is_answered_by_one_write(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(server, "WRITE_AFTER_SECONDS", 60.0)
    stream = encode_frame(request("flush").SerializeToString()) * 500
    wire = _Wire(stream, stream[:801], stream[801:])
    assert server._converse(wire, Dispatcher(plain_handlers()).answer, FrameReader()) == ""  # type: ignore[arg-type]
    reply = encode_frame(abci.Response(flush=abci.ResponseFlush()).SerializeToString())
    first, *rest = wire.writes
    assert first == reply * 500
    assert (len(rest), b"".join(rest)) == (2, reply * 500)


def test_large_replies_of_a_burst_are_not_all_held(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(server, "WRITE_AFTER_SECONDS", 60.0)
    handlers = plain_handlers(query=lambda _: abci.ResponseQuery(value=b"v" * 600_000))
    wire = _Wire(encode_frame(request("query").SerializeToString()) * 10)
    server._converse(wire, Dispatcher(handlers).answer, FrameReader())  # type: ignore[arg-type]
    assert len(wire.writes) == 5
    assert max(map(len, wire.writes)) < server.WRITE_BYTES + 700_000


@pytest.mark.parametrize("seed", range(5))
def test_requests_cut_anywhere(running: Running, seed: int) -> None:
    chance = random.Random(seed)
    requests = [request("check_tx", tx=chance.randbytes(chance.randrange(300))) for _ in range(40)]
    stream = b"".join(encode_frame(one.SerializeToString()) for one in requests)
    with running.client() as client:
        while stream:
            size = chance.choice([1, 2, 3, 50, 1_000])
            client.socket.sendall(stream[:size])
            stream = stream[size:]
        assert [one.check_tx.data for one in client.receive(40)] == [one.check_tx.tx for one in requests]


def test_large_message_and_large_reply(running: Running) -> None:
    payload = b"q" * (LIMIT_BYTES - 100)
    with running.client() as client:
        assert client.call("query", data=payload).value == payload
        assert len(client.call("reap_txs", max_bytes=4_000).txs) == 4_000


@pytest.mark.parametrize("garbage", [
    encode_length(LIMIT_BYTES + 1),
    b"\xff" * 6,
    encode_frame(b""),
    encode_frame(b"\x00" * 10),
    encode_frame(b"\x0a\x7f"),
    encode_frame(b"\xfa\x07\x00"),
], ids=["above the bound", "endless length", "empty request", "field number 0", "truncated field", "unknown method"])
def test_garbage_closes_its_connection_and_no_other(running: Running, garbage: bytes) -> None:
    with running.client() as good, running.client() as bad:
        assert good.call("echo", message="before").message == "before"
        bad.send(request("echo", message="owed"))
        bad.socket.sendall(garbage)
        assert bad.receive(1)[0].echo.message == "owed"
        assert bad.is_closed()
        assert good.call("echo", message="after").message == "after"
    with running.client() as again:
        assert again.call("echo", message="new").message == "new"


NOT_UTF8 = b"\xff\xfe"


def unreadable(method: str, payload: bytes) -> bytes:
    """A whole request of `method` whose inside cannot be parsed."""
    field = abci.Request.DESCRIPTOR.fields_by_name[method].number
    return encode_length(field << 3 | 2) + encode_length(len(payload)) + payload


def test_a_path_that_is_not_utf8_gets_an_answer_and_the_connection_stays(running: Running) -> None:
    path = b"\x12" + encode_length(len(NOT_UTF8)) + NOT_UTF8
    with running.client() as client:
        client.socket.sendall(encode_frame(unreadable("query", path)))
        refused = client.receive(1)[0]
        assert refused.WhichOneof("value") == "query"
        assert refused.query.code != 0
        assert client.call("query", data=b"next").value == b"next"


@pytest.mark.parametrize("method", [name for name in METHODS if name != "flush"])
def test_an_unreadable_request_is_answered_where_that_does_no_harm(method: str) -> None:
    dispatcher = Dispatcher(plain_handlers())
    frame = unreadable(method, b"\x0a\x05short")
    for broken in (frame[:-1], frame + b"\x0a", b"\x08" + frame[1:]):  # none of these is one whole request
        with pytest.raises(BadRequest):
            dispatcher.answer(broken)
    frame = unreadable(method, b"\x0a\x7f")
    if method in ("info", "init_chain", "finalize_block", "commit"):
        with pytest.raises(BadRequest):
            dispatcher.answer(frame)
        return
    response = abci.Response.FromString(dispatcher.answer(frame))
    assert response.WhichOneof("value") == method
    assert response.check_tx.code >= RETRY_CODE or method != "check_tx"
    assert response.process_proposal.status == abci.ResponseProcessProposal.REJECT or method != "process_proposal"


def test_fuzzed_bytes_never_get_an_exception_and_harm_nobody(running: Running) -> None:
    running.release.set()
    chance = random.Random(7)
    with running.client() as good:
        for _ in range(60):
            with running.client() as bad:
                mutated = bytearray(encode_frame(request("check_tx", tx=chance.randbytes(40)).SerializeToString()))
                for _ in range(chance.randrange(1, 6)):
                    mutated[chance.randrange(len(mutated))] = chance.randrange(256)
                bad.socket.sendall(bytes(mutated) + chance.randbytes(30))
                bad.socket.shutdown(socket.SHUT_WR)
                data = b""
                while part := bad.socket.recv(65_536):
                    data += part
                assert data[1:2] != b"\x0a"  # field 1 of Response is `exception`
            assert good.call("check_tx", tx=b"t").data == b"t"


def test_a_slow_block_keeps_no_other_connection_waiting(running: Running) -> None:
    with running.client() as consensus, running.client() as mempool:
        consensus.send(request("finalize_block"), request("flush"))
        assert running.entered.wait(60)
        assert mempool.call("check_tx", tx=b"meanwhile").data == b"meanwhile"
        running.release.set()
        assert consensus.receive(2)[0].finalize_block.app_hash == b"h" * 32


def test_stop_answers_what_runs_and_closes_the_rest(tmp_path: Path) -> None:
    running = Running(tmp_path / "a.sock")
    with running.client() as busy, running.client() as idle:
        busy.send(request("finalize_block"))
        assert running.entered.wait(60)
        stopper = threading.Thread(target=running.server.stop)
        stopper.start()
        assert idle.is_closed()
        running.release.set()
        assert busy.receive(1)[0].finalize_block.app_hash == b"h" * 32
        assert busy.is_closed()
        stopper.join(60)
        assert not stopper.is_alive()
    assert not running.path.exists()
    assert running.server.connection_count == 0


def test_unix_socket_is_the_owners_alone_and_a_stale_one_is_replaced(running: Running, tmp_path: Path) -> None:
    assert stat.S_IMODE(running.path.stat().st_mode) == 0o600
    with pytest.raises(AddressError, match="another process answers"):
        listen(f"unix://{running.path}")
    stale = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    stale.bind(str(tmp_path / "stale"))
    stale.close()
    listen(f"unix://{tmp_path / 'stale'}").close()
    (tmp_path / "file").write_text("mine")
    with pytest.raises(AddressError, match="not a socket"):
        listen(f"unix://{tmp_path / 'file'}")


def test_tcp_on_loopback_only() -> None:
    server = AbciServer(Dispatcher(plain_handlers()))
    listener = listen("tcp://127.0.0.1:0")
    server.serve(listener)
    with Client(listener.socket.getsockname()) as client:
        assert client.call("echo", message="tcp").message == "tcp"
    assert server.stop(60)
    for address in ("tcp://0.0.0.0:0", "tcp://192.0.2.1:1", "tcp://127.0.0.1", "tcp://example.org:1", "http://x", "x"):
        with pytest.raises(AddressError):
            listen(address)


def _raise(_: object) -> abci.ResponseQuery:
    raise RuntimeError("broken on purpose")


@pytest.mark.parametrize("method", [m for m in METHODS if m not in ("echo", "flush")])
def test_a_failing_handler_never_becomes_an_exception_response(method: str) -> None:
    ended: list[str] = []

    def end(name: str, _: BaseException) -> None:
        ended.append(name)
        raise SystemExit(1)

    dispatcher = Dispatcher(plain_handlers(**{method: _raise}), end)  # type: ignore[arg-type]
    frame = request(method).SerializeToString()
    if method in ("info", "init_chain", "finalize_block", "commit"):
        with pytest.raises(SystemExit):
            dispatcher.answer(frame)
        assert ended == [method]
        return
    response = abci.Response.FromString(dispatcher.answer(frame))
    assert response.WhichOneof("value") == method
    assert ended == []
    assert response.query.code != 0 or method != "query"
    assert response.check_tx.code >= RETRY_CODE or method != "check_tx"
    assert response.insert_tx.code >= RETRY_CODE or method != "insert_tx"
    if method == "process_proposal":
        assert response.process_proposal.status == abci.ResponseProcessProposal.REJECT

"""Validators in one process, each asked what CometBFT asks, as bytes through a dispatcher of its own, and each with a
store of its own. A test plays CometBFT, and whoever is byzantine.
"""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, NamedTuple, NoReturn

from google.protobuf.timestamp_pb2 import Timestamp
from tendermint.abci import types_pb2 as abci
from tendermint.types.validator_pb2 import BLOCK_ID_FLAG_ABSENT, BLOCK_ID_FLAG_COMMIT

from app.chain import Chain
from app.oracle.types import Feed
from app.oracle.votes import sign_bytes
from app.store.view import DictReader
from app.validators.types import Validator
from node.abci.application import Application
from node.abci.dispatch import Dispatcher
from node.abci.queries import QueryService
from node.committed import Committed
from node.mempool.mempool import Mempool
from node.snapshots.keeper import Keeper
from tests.helpers import builders
from tests.helpers.votes import Voters
from tests.unit.node.abci.wire import request

GENESIS_TIME_NS = 1_700_000_000_000_000_000
STEP_NS = 1_000_000_000
MAX_BYTES = 3_000_000


class EndedError(Exception):
    """An engine ended itself: a call failed that must not fail."""


class MemoryStore(DictReader):
    """A store that is gone with the test."""

    def snapshot(self) -> "MemoryStore":
        """A copy."""
        return MemoryStore(self)

    def size_bytes(self) -> int:
        """Nothing on the disk."""
        return 0

    def close(self) -> None:
        """Nothing to do."""


class Precommit(NamedTuple):
    """What one validator's precommit carried; `commit` False: it was not there, or for nothing."""

    extension: bytes
    signature: bytes
    commit: bool = True


def consensus_params(max_bytes: int = 4_000_000, extensions: int = 1) -> dict[str, Any]:
    """Those of a genesis."""
    return {"block": {"max_bytes": max_bytes}, "evidence": {"max_bytes": 1_048_576},
            "abci": {"vote_extensions_enable_height": extensions}}


def validator_updates(voters: Voters) -> list[abci.ValidatorUpdate]:
    """The validators of genesis, as InitChain tells them."""
    return [abci.ValidatorUpdate(pub_key={"ed25519": key}, power=power) for key, power in voters.genesis]


def timestamp(time_ns: int) -> Timestamp:
    """Block time as CometBFT sends it."""
    moment = Timestamp()
    moment.FromNanoseconds(time_ns)
    return moment


class Seat:
    """The engine of one validator. `saw` is what its feeder saw last."""

    def __init__(self) -> None:
        self.store = MemoryStore()
        self.saw: Callable[[], Any] = lambda: None
        self.start()

    def start(self) -> None:
        """Begin with what is stored; what was in memory is gone."""
        self.chain = Chain(self.store)
        committed = Committed(self.chain, self.store)
        self.mempool = Mempool(self.chain)
        queries = QueryService(committed.read_at_head, committed.history)
        application = Application(self.chain, committed, self.mempool, queries, lambda _: None,
                                  prices=lambda: self.saw(), store=self.store,
                                  keeper=Keeper(Path("no snapshots"), committed.history))
        self.dispatcher = Dispatcher(application.handlers(), self._end)

    def _end(self, method: str, error: BaseException) -> NoReturn:
        raise EndedError(method) from error

    def call(self, method: str, **fields: Any) -> Any:
        """The response message of `method`."""
        answer = abci.Response.FromString(self.dispatcher.answer(request(method, **fields).SerializeToString()))
        assert answer.WhichOneof("value") == method
        return getattr(answer, method)

    def feed(self, number: int) -> Feed:
        """A committed feed."""
        found = self.chain.view.feeds.get(number)
        assert isinstance(found, Feed)
        return found


class LittleNetwork:
    """Seats by place in the validator set of genesis; blocks of whatever transactions the test decides on."""

    def __init__(self, voters: Voters, app_state: bytes | None = None, seats: int = 0) -> None:
        self.voters = voters
        self.height = 0
        self.round = 0  # of the last commit
        self.seats = [Seat() for _ in range(seats or len(voters.order))]
        self.app_state = app_state or builders.genesis()
        for seat in self.seats:
            seat.call("init_chain", chain_id=voters.chain_id, time=timestamp(GENESIS_TIME_NS), initial_height=1,
                      app_state_bytes=self.app_state, validators=validator_updates(voters),
                      consensus_params=consensus_params())

    def signed(self, place: int, extension: bytes, *, height: int | None = None, round_: int | None = None,
               chain_id: str = "", key: int | None = None) -> Precommit:
        """A precommit for the last block, signed by who it is said to be of, unless the test says otherwise."""
        height, round_ = self.height if height is None else height, self.round if round_ is None else round_
        message = sign_bytes(chain_id or self.voters.chain_id, height, round_, extension)
        signer = self.voters.order[place if key is None else key]
        return Precommit(extension, self.voters.keys[signer.public_key].sign(message).signature)

    def extended(self, seat: int) -> bytes:
        """What a seat adds to its precommit for the next block."""
        return bytes(self.seats[seat].call("extend_vote", height=self.height + 1, hash=b"b" * 32).vote_extension)

    def commit(self, precommits: Mapping[int, Precommit]) -> abci.ExtendedCommitInfo:
        """The last commit as a proposer is told of it: everybody of the set, in its order."""
        votes = []
        for place, one in enumerate(self.voters.order):
            cast = precommits.get(place)
            votes.append(abci.ExtendedVoteInfo(
                validator=validator(one), vote_extension=cast.extension if cast else b"",
                extension_signature=cast.signature if cast else b"",
                block_id_flag=BLOCK_ID_FLAG_COMMIT if cast and cast.commit else BLOCK_ID_FLAG_ABSENT))
        return abci.ExtendedCommitInfo(round=self.round, votes=votes)

    def prepare(self, seat: int, precommits: Mapping[int, Precommit], max_bytes: int = MAX_BYTES) -> list[bytes]:
        """A proposal of a seat."""
        return list(self.seats[seat].call(
            "prepare_proposal", max_tx_bytes=max_bytes, height=self.height + 1,
            local_last_commit=self.commit(precommits)).txs)

    def accepts(self, seat: int, txs: list[bytes]) -> bool:
        """Whether a seat would vote for a proposal."""
        status = self.seats[seat].call("process_proposal", txs=txs, height=self.height + 1, hash=b"b" * 32,
                                       proposed_last_commit=abci.CommitInfo(round=self.round)).status
        assert status in (abci.ResponseProcessProposal.ACCEPT, abci.ResponseProcessProposal.REJECT)
        return bool(status == abci.ResponseProcessProposal.ACCEPT)

    def finalize(self, seat: int, txs: list[bytes]) -> abci.ResponseFinalizeBlock:
        """FinalizeBlock of the next height."""
        height = self.height + 1
        response = self.seats[seat].call(
            "finalize_block", txs=txs, height=height, hash=b"b" * 32, proposer_address=bytes(20),
            time=timestamp(GENESIS_TIME_NS + STEP_NS * height), decided_last_commit=abci.CommitInfo(round=self.round))
        assert isinstance(response, abci.ResponseFinalizeBlock)
        return response

    def decide(self, txs: list[bytes]) -> abci.ResponseFinalizeBlock:
        """The block becomes the next one on every seat, and all say the same of it."""
        answers = [self.finalize(seat, txs) for seat in range(len(self.seats))]
        assert len({one.SerializeToString(deterministic=True) for one in answers}) == 1
        for seat in self.seats:
            seat.call("commit")
        self.height += 1
        return answers[0]

    def first(self) -> None:
        """The first block, which brings no votes."""
        assert self.prepare(0, {}) == [] and self.accepts(1 % len(self.seats), [])
        self.decide([])


def validator(one: Validator) -> abci.Validator:
    """Who votes, as CometBFT tells it."""
    return abci.Validator(address=one.address, power=one.power)

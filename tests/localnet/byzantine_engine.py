"""An engine that does what the file `mischief` in its home says: nothing when there is none or it is empty.

`extend malformed` or `extend oversize`: its votes carry bytes that its peers refuse; it finds them good itself.
`propose`: each of its proposals is wrong, in another way each time; it accepts everything.

Run as `python -m tests.localnet.byzantine_engine --home H`.
"""

import sys
from collections.abc import Callable
from itertools import cycle
from pathlib import Path

import structlog
from tendermint.abci import types_pb2 as abci

import node.engine
from node.abci.application import Application
from tests.helpers.records import forged, of_places, stranger, swapped, votes_in

log = structlog.get_logger("mischief")

EXTENSIONS = {"malformed": b"\xff" * 50, "oversize": bytes(100_000)}


def dropped(record: bytes) -> bytes:
    """Only the votes of the first two."""
    return of_places(record, [0, 1])


def reordered(record: bytes) -> bytes:
    """The votes from the last to the first."""
    return of_places(record, list(range(len(votes_in(record).votes)))[::-1])


TRICKS: dict[str, Callable[[list[bytes]], list[bytes]]] = {
    "forged": lambda txs: [forged(txs[0]), *txs[1:]],
    "missing": lambda txs: txs[1:],
    "dropped": lambda txs: [dropped(txs[0]), *txs[1:]],
    "reordered": lambda txs: [reordered(txs[0]), *txs[1:]],
    "swapped": lambda txs: [swapped(txs[0]), *txs[1:]],
    "stranger": lambda txs: [stranger(txs[0]), *txs[1:]],
    "twice": lambda txs: [txs[0], *txs],
    "garbage": lambda txs: [b"\x00" + bytes(500_000), *txs[1:]],
}


class Byzantine(Application):
    """The application with mischief."""

    file = Path()
    tricks = cycle(TRICKS)

    def mischief(self) -> list[str]:
        """What to do now."""
        return self.file.read_text().split() if self.file.exists() else []

    def extend_vote(self, request: abci.RequestExtendVote) -> abci.ResponseExtendVote:
        """Bytes that nobody takes, or the honest vote."""
        what = self.mischief()
        if what[:1] == ["extend"]:
            return abci.ResponseExtendVote(vote_extension=EXTENSIONS[what[1]])
        return super().extend_vote(request)

    def verify_vote_extension(self, request: abci.RequestVerifyVoteExtension) -> abci.ResponseVerifyVoteExtension:
        """Everything is good to who votes rubbish."""
        if self.mischief():
            return abci.ResponseVerifyVoteExtension(status=abci.ResponseVerifyVoteExtension.ACCEPT)
        return super().verify_vote_extension(request)

    def prepare_proposal(self, request: abci.RequestPrepareProposal) -> abci.ResponsePrepareProposal:
        """A correct proposal after the next trick."""
        response = super().prepare_proposal(request)
        if self.mischief() == ["propose"]:
            trick = next(self.tricks)
            log.info("a trick", name=trick, height=request.height)
            return abci.ResponsePrepareProposal(txs=TRICKS[trick](list(response.txs)))
        return response

    def process_proposal(self, request: abci.RequestProcessProposal) -> abci.ResponseProcessProposal:
        """Its own tricks are fine to who plays them."""
        if self.mischief() == ["propose"]:
            return abci.ResponseProcessProposal(status=abci.ResponseProcessProposal.ACCEPT)
        return super().process_proposal(request)


if __name__ == "__main__":
    Byzantine.file = Path(sys.argv[sys.argv.index("--home") + 1]) / "mischief"
    node.engine.Application = Byzantine  # type: ignore[misc]
    node.engine.main()

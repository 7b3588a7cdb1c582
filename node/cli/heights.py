"""What `novation start` says of the chain's height: progress while it catches up, and when it stands still."""

import time
from collections.abc import Callable
from dataclasses import dataclass

from node.comet.rpc import CometRpc, CometStatus, RpcError, RpcUnreachable

LOOK_EVERY_S = 5.0
STANDS_AFTER_S = 30.0


@dataclass(slots=True)
class HeightReporter:
    """Call it often; it looks every five seconds. A process that lives is no proof that consensus does: heights are."""

    look: Callable[[], CometStatus | None]
    say: Callable[[str], None]
    clock: Callable[[], float] = time.monotonic
    looked_s: float = 0.0
    height: int = 0
    moved_s: float = 0.0
    caught_up: bool = False
    standing: bool = False

    def __call__(self) -> None:
        now_s = self.clock()
        if now_s - self.looked_s < LOOK_EVERY_S:
            return
        passed_s, self.looked_s = now_s - self.looked_s, now_s
        status = self.look()
        if status is None:
            return
        if status.height > self.height:
            self._moved(status, passed_s, now_s)
        elif not self.standing and self.moved_s and now_s - self.moved_s > STANDS_AFTER_S:
            self.standing = True
            self.say(f"height has stood at {self.height} for {STANDS_AFTER_S:.0f} s: are more than two thirds of the "
                     "voting power up? See cometbft.log and engine.log")

    def _moved(self, status: CometStatus, passed_s: float, now_s: float) -> None:
        rate = (status.height - self.height) / passed_s if self.height else 0.0
        if self.standing:
            self.say(f"height moves again: {status.height}")
        elif status.catching_up:
            self.say(f"catching up: height {status.height}" + (f", {rate:.0f} blocks a second" if rate else ""))
        elif not self.caught_up:
            self.caught_up = True
            self.say(f"in step with the chain at height {status.height}")
        self.height, self.moved_s, self.standing = status.height, now_s, False


def comet_look(address: str) -> Callable[[], CometStatus | None]:
    """Asks CometBFT where it is; None while it does not answer."""

    def look() -> CometStatus | None:
        try:
            with CometRpc(address, timeout_s=1.0) as rpc:
                return rpc.status()
        except (RpcError, RpcUnreachable):
            return None

    return look

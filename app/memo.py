"""Decoded envelopes by hash, so that an envelope is decoded and its signature checked once a node.

It changes no result, only how often the work is done. Two generations, each bounded in number and memory: the older
one goes as a whole when the younger is full, so what is in use stays.
"""

from app.tx import Tx

MOST_ENVELOPES = 20_000
MOST_BYTES = 64 * 1024 * 1024


class Memo:
    """A bounded memory of decoded envelopes."""

    __slots__ = ("older", "weight_bytes", "younger")

    def __init__(self) -> None:
        self.clear()

    def clear(self) -> None:
        """Forget everything."""
        self.younger: dict[bytes, Tx] = {}
        self.older: dict[bytes, Tx] = {}
        self.weight_bytes = 0

    def get(self, tx_hash: bytes) -> Tx | None:
        """The envelope with this hash, if it is remembered."""
        return self.younger.get(tx_hash) or self.older.get(tx_hash)

    def remember(self, tx: Tx) -> None:
        """Keep an envelope whose signature holds."""
        if tx.hash in self.younger:
            return
        if len(self.younger) >= MOST_ENVELOPES or self.weight_bytes >= MOST_BYTES:
            self.older, self.younger, self.weight_bytes = self.younger, {}, 0
        self.younger[tx.hash] = tx
        self.weight_bytes += tx.weight_bytes

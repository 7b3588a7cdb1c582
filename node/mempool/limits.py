"""Every bound of the mempool. They are each node's own: two nodes may have different ones and still agree on blocks."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Limits:
    """How much may wait, for how long, and how often it is told to peers again."""

    pool_count: int = 40_000
    pool_bytes: int = 64 * 1024 * 1024
    reserved_tenths: int = 1
    """So many tenths of the pool are kept for prices, cancels and makers: a flood of orders must not keep them out."""
    account_count: int = 1_024
    account_bytes: int = 4 * 1024 * 1024
    inbox_count: int = 20_000
    """Envelopes from peers that wait for their check."""
    inbox_bytes: int = 16 * 1024 * 1024
    relay_after_blocks: int = 2
    """A peer's envelope is told on once it has waited through so many blocks, 0: at once. Peers of one mesh have all
    heard it from its first node; where they have not, it still gets everywhere."""
    repeat_after_blocks: tuple[int, ...] = (16, 64, 256)
    """An envelope that no block has taken for so many blocks is checked again and told to peers again."""
    drop_after_blocks: int = 1_024
    """An envelope that no block has taken for so many more blocks after that is dropped."""
    repeat_count: int = 64
    """At most so many envelopes are checked and told again after each block."""

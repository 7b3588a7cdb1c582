"""Every bound of the mempool. They are each node's own: two nodes may have different ones and still agree on blocks."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Limits:
    """How much may wait, for how long, and how often it is told to peers again."""

    pool_count: int = 40_000
    pool_bytes: int = 64 * 1024 * 1024
    """Pool and account weigh an envelope as `Tx.weight_bytes` does: a short one with many actions is heavy once it is
    decoded, and a proposer decodes what waits."""
    reserved_tenths: int = 1
    """So many tenths of the pool are kept for prices, cancels and makers: a flood of orders must not keep them out."""
    account_count: int = 1_024
    account_bytes: int = 4 * 1024 * 1024
    account_unpaid_count: int = 2
    """The highest fees of an account's envelopes must fit its equity together. So many more may wait that are good
    without money: nobody is too poor to cancel."""
    inbox_count: int = 20_000
    """Envelopes from peers that wait for their check."""
    inbox_bytes: int = 16 * 1024 * 1024
    later_count: int = 1_024
    """Envelopes from peers that were refused for a reason which may pass."""
    later_bytes: int = 4 * 1024 * 1024
    later_after_blocks: tuple[int, ...] = (1, 4)
    """They are checked again after so many blocks, once for each number here."""
    later_checks: int = 128
    """At most so many of them after each block: anybody can send what no account pays for."""
    offer_count: int = 24_000
    """A proposer looks at so many waiting envelopes at most (a block holds fewer), for so long at most:"""
    offer_seconds: float = 1.0
    rest_blocks: int = 4
    """An envelope that cannot pay when a block is proposed is passed over for so many blocks,"""
    rest_count: int = 2
    """so many times; then it is dropped."""
    relay_after_blocks: int = 2
    """A peer's envelope is told on once it has waited through so many blocks, 0: at once. Peers of one mesh have all
    heard it from its first node; where they have not, it still gets everywhere."""
    repeat_after_blocks: tuple[int, ...] = (16, 64, 256)
    """An envelope that no block has taken for so many blocks is checked again and told to peers again."""
    drop_after_blocks: int = 1_024
    """An envelope that no block has taken for so many more blocks after that is dropped."""
    repeat_count: int = 64
    """At most so many envelopes are checked and told again after each block."""

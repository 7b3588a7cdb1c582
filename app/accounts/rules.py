"""ACCT rules: the nonce window. Pure functions over integers."""

WINDOW_MASK = (1 << 256) - 1


def nonce_is_used(highest: int, used: int, nonce: int) -> bool:
    """ACCT-001: whether `nonce`, inside the window or above it, was used. `used` bit i stands for `highest` - i."""
    return nonce <= highest and bool(used >> (highest - nonce) & 1)


def use_nonce(highest: int, used: int, nonce: int) -> tuple[int, int]:
    """ACCT-002: (highest, used) after `nonce`. The window slides up with a higher nonce and forgets what falls out
    of it.
    """
    if nonce > highest:
        shift = nonce - highest
        kept = (used << shift) & WINDOW_MASK if shift < 256 else 0
        return nonce, kept | 1
    return highest, used | 1 << (highest - nonce)

"""Which waiting envelopes a proposer takes: those that are good on committed state and that pay for their place.

A proposer's choice, not a rule that others check (those are in ordering.py); but every correct proposer chooses so.
"""

from collections.abc import Callable, Iterable, Iterator

from app.errors import ChainError
from app.gas import most_gas
from app.tx import LANE_OTHERS, Tx

FREE_A_BLOCK = 2  # envelopes of one account that cannot pay (ADM-005)


def affordable(
    candidates: Iterable[Tx],
    max_block_gas: int,
    check: Callable[[Tx], int],
    highest_fee: Callable[[Tx], int],
    equity: Callable[[bytes], int],
) -> Iterator[Tx]:
    """Candidates, in their order, that fit these bounds.

    - An account's highest fees, and what its envelopes before would send away, fit its equity together; so envelopes
      that an earlier one of the block would leave unpaid do not take its room.
    - Envelopes of accounts that cannot pay (ADM-005): two an account, all of them together a sixteenth of the block.
    - The lanes before the last take at most three quarters of the block's gas.

    `check` gives the fee that would be held and raises ChainError; `equity` is that of an account key.
    """
    means: dict[bytes, int] = {}
    free: dict[bytes, int] = {}
    free_room, early_room = most_gas(max_block_gas), max_block_gas - max_block_gas // 4
    for tx in candidates:
        early = tx.lane < LANE_OTHERS
        if early and tx.gas_limit > early_room:
            continue
        try:
            hold = check(tx)
        except ChainError:
            continue
        fee, first = highest_fee(tx), tx.account not in means
        left = equity(tx.account) if first else means[tx.account]
        cost = fee + outflow(tx)
        if fee <= left and (cost <= left or first):
            means[tx.account] = max(0, left - cost)
        elif (hold < fee or left < 0) and free.get(tx.account, 0) < FREE_A_BLOCK and tx.gas_limit <= free_room:
            means[tx.account] = left
            free[tx.account] = free.get(tx.account, 0) + 1
            free_room -= tx.gas_limit
        else:
            means[tx.account] = left
            continue
        if early:
            early_room -= tx.gas_limit
        yield tx


def outflow(tx: Tx) -> int:
    """What an envelope's transfers and withdrawals would take from its account's cash, in quote quanta."""
    return sum(
        getattr(action, kind).amount_quanta
        for kind, action in zip(tx.kinds, tx.body.actions, strict=True)
        if kind in ("transfer", "withdraw") and not getattr(action, kind).asset
    )

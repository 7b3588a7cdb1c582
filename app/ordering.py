"""The written order of transactions inside a block, which every validator checks.

ORD-001 The votes' record (ORCL-003), then envelopes that only cancel or post, then all others.
ORD-002 Inside a lane owners come in the order of sha256(last app hash || owner), an owner's accounts by number, an
account's envelopes by nonce. So the proposer cannot arrange the envelopes of others, and neither more envelopes nor
more accounts of one owner change its place.
ORD-003 No account uses a nonce twice in a block.
ORD-004 The gas limits of a block's envelopes sum to at most the block's gas.
"""

from collections.abc import Callable, Iterable, Sequence

from app.kernel.hashing import ADDRESS_SIZE, sha
from app.limits import MAX_BLOCK_TXS
from app.tx import Tx

MAX_MISFITS = 50

OrderKey = tuple[int, bytes, bytes, int]


def order_keys(seed: bytes) -> Callable[[Tx], OrderKey]:
    """ORD-001, ORD-002: the sort key of envelopes in the block that follows the app hash `seed`."""
    ranks: dict[bytes, bytes] = {}

    def key(tx: Tx) -> OrderKey:
        owner = tx.account[:ADDRESS_SIZE]
        rank = ranks.get(owner)
        if rank is None:
            rank = ranks[owner] = sha(seed + owner)
        return tx.lane, rank, tx.account, tx.nonce

    return key


def encoded_size(raw: bytes) -> int:
    """What an envelope takes of a block's bytes: itself, a tag and its length."""
    length = len(raw)
    return length + 1 + max(1, -(-length.bit_length() // 7))


def select(candidates: Iterable[Tx], seed: bytes, max_bytes: int, max_gas: int) -> list[Tx]:
    """The envelopes of a block, in order: candidates in the order given while bytes and gas last, then sorted by the
    rule. It stops taking candidates when the block is full: when MAX_MISFITS of them did not fit.
    """
    chosen: list[Tx] = []
    taken: set[tuple[bytes, int]] = set()
    size = gas = misfits = 0
    for tx in candidates:
        if (tx.account, tx.nonce) in taken:
            continue
        more = encoded_size(tx.raw)
        if size + more > max_bytes or gas + tx.gas_limit > max_gas:
            misfits += 1
            if misfits == MAX_MISFITS:
                break
            continue
        taken.add((tx.account, tx.nonce))
        chosen.append(tx)
        size += more
        gas += tx.gas_limit
        if len(chosen) == MAX_BLOCK_TXS:
            break
    chosen.sort(key=order_keys(seed))
    return chosen


def fault(txs: Sequence[Tx], seed: bytes, max_gas: int) -> str:
    """Why this sequence breaks the rule, or "" when it does not."""
    if len(txs) > MAX_BLOCK_TXS:
        return f"{len(txs)} transactions, at most {MAX_BLOCK_TXS}"
    if sum(tx.gas_limit for tx in txs) > max_gas:
        return f"gas limits sum to more than {max_gas}"
    key = order_keys(seed)
    last: OrderKey = (-1, b"", b"", 0)
    seen: set[tuple[bytes, int]] = set()
    for position, tx in enumerate(txs):
        if (tx.account, tx.nonce) in seen:
            return f"transaction {position} repeats a nonce of its account"
        seen.add((tx.account, tx.nonce))
        rank = key(tx)
        if rank < last:
            return f"transaction {position} stands out of order"
        last = rank
    return ""

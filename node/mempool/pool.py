"""What waits for a block: admitted envelopes, bounded in number and bytes, each told to peers once.

Nothing here touches the chain's state: what a block used up is told to `after_commit`. Every method may be called
from any thread; the one lock is held for microseconds (for `after_commit` and `candidates`: for as long as it takes to
walk what the block touched, or the pool).
"""

import threading
from collections.abc import Iterable
from dataclasses import dataclass, field

from app.admission import CANCELS
from app.block import TxOutcome
from app.errors import MEMPOOL_ACCOUNT_QUOTA, MEMPOOL_DUPLICATE, MEMPOOL_FULL, ChainError
from app.limits import NONCE_WINDOW
from app.tx import Tx
from node.mempool.expiry import Expiries
from node.mempool.limits import Limits

LANES = 3
"""Lanes of `app.tx`: prices, cancels and makers, all others."""


@dataclass(frozen=True, slots=True)
class Totals:
    """How much waits."""

    count: int
    size_bytes: int
    weight_bytes: int


@dataclass(slots=True)
class Waiting:
    """What the pool keeps of an envelope. The decoded one, many times larger, is the chain's to remember or not."""

    raw: bytes
    hash: bytes
    account: bytes
    nonce: int
    lane: int
    gas_limit: int
    weight_bytes: int
    fee_quanta: int
    unpaid: bool  # its fee is not among those that the account's equity covers
    stage: int = 0  # how often it was told to peers: index into the pool's stages
    rests: int = 0


@dataclass(slots=True)
class _Account:
    by_nonce: dict[int, Waiting] = field(default_factory=dict)
    weight_bytes: int = 0
    fees_quanta: int = 0
    unpaid_count: int = 0

    def count_in(self, entry: Waiting, sign: int) -> None:
        """Add (1) or take away (-1) what an envelope weighs and may cost."""
        self.weight_bytes += sign * entry.weight_bytes
        if entry.unpaid:
            self.unpaid_count += sign
        else:
            self.fees_quanta += sign * entry.fee_quanta


class Pool:
    """The envelopes that wait, oldest first.

    An entry stands in exactly one of: `_fresh` (peers are to be told of it), `_relayed` (it came from a peer, at that
    height, and is not told on yet), `_told[k]` (peers were told k + 1 times, the last time at that height). And in
    exactly one of: its lane, `_resting` (not to be proposed until that height). So an entry takes a fixed number of
    dictionary slots.
    """

    def __init__(self, limits: Limits) -> None:
        self._limits = limits
        self._lock = threading.Lock()
        self._entries: dict[bytes, Waiting] = {}
        self._lanes: list[dict[bytes, Waiting]] = [{} for _ in range(LANES)]
        self._resting: dict[bytes, int] = {}
        self._accounts: dict[bytes, _Account] = {}
        self._fresh: dict[bytes, Waiting] = {}
        self._relayed: dict[bytes, int] = {}
        self._told: list[dict[bytes, int]] = [{} for _ in range(len(limits.repeat_after_blocks) + 1)]
        self._expiries = Expiries()
        self._size_bytes = 0
        self._weight_bytes = 0
        self._height = 0
        self._time_ns = 0

    def __contains__(self, tx_hash: bytes) -> bool:
        return tx_hash in self._entries

    def totals(self) -> Totals:
        """How many envelopes and bytes wait now."""
        return Totals(len(self._entries), self._size_bytes, self._weight_bytes)

    def require_room(self, size_bytes: int) -> None:
        """Raises MEMPOOL_FULL when no envelope of that size would fit: asked before its signature is checked."""
        self._require_room(size_bytes, 0)

    def has_room(self, size_bytes: int) -> bool:
        """Whether `require_room` would pass."""
        limits = self._limits
        return len(self._entries) < limits.pool_count and self._weight_bytes + size_bytes <= limits.pool_bytes

    def _require_room(self, weight_bytes: int, lane: int) -> None:
        limits = self._limits
        tenths = 10 - limits.reserved_tenths if lane == LANES - 1 else 10
        most, most_bytes = limits.pool_count * tenths // 10, limits.pool_bytes * tenths // 10
        if len(self._entries) >= most or self._weight_bytes + weight_bytes > most_bytes:
            raise ChainError(MEMPOOL_FULL, waiting=len(self._entries), most=most,
                             waiting_bytes=self._weight_bytes, most_bytes=most_bytes)

    def add(self, tx: Tx, fee_quanta: int = 0, equity_quanta: int = 0, from_peer: bool = False) -> None:
        """Let an admitted envelope wait. Raises MEMPOOL_DUPLICATE, MEMPOOL_FULL or MEMPOOL_ACCOUNT_QUOTA.

        The first envelope with a nonce wins: only the account's owner could have signed the other. `fee_quanta` is
        the most that it may cost, `equity_quanta` what its account is worth now.
        """
        with self._lock:
            account = self._accounts.get(tx.account) or _Account()
            self._require_quota(account, tx)
            unpaid = self._is_unpaid(account, tx, fee_quanta, equity_quanta)
            self._require_room(tx.weight_bytes, tx.lane)
            self._accounts[tx.account] = account
            entry = Waiting(tx.raw, tx.hash, tx.account, tx.nonce, tx.lane, tx.gas_limit, tx.weight_bytes, fee_quanta,
                            unpaid)
            account.by_nonce[tx.nonce] = entry
            account.count_in(entry, 1)
            self._entries[tx.hash] = entry
            self._lanes[tx.lane][tx.hash] = entry
            if from_peer and self._limits.relay_after_blocks:
                self._relayed[tx.hash] = self._height
            else:
                self._fresh[tx.hash] = entry
            self._expiries.add(tx)
            self._size_bytes += len(tx.raw)
            self._weight_bytes += tx.weight_bytes

    def _require_quota(self, account: _Account, tx: Tx) -> None:
        other = account.by_nonce.get(tx.nonce)
        if other is not None:
            raise ChainError(MEMPOOL_DUPLICATE, nonce=tx.nonce, waiting_hash=other.hash)
        limits = self._limits
        if (len(account.by_nonce) >= limits.account_count
                or account.weight_bytes + tx.weight_bytes > limits.account_bytes):
            raise ChainError(MEMPOOL_ACCOUNT_QUOTA, waiting=len(account.by_nonce), most=limits.account_count,
                             waiting_bytes=account.weight_bytes, most_bytes=limits.account_bytes)

    def _is_unpaid(self, account: _Account, tx: Tx, fee_quanta: int, equity_quanta: int) -> bool:
        """Whether the account's equity does not cover this fee beside those of its other envelopes.

        Raises MEMPOOL_ACCOUNT_QUOTA when the envelope may not wait then. One that was admitted though its fee alone is
        above the equity needs no money; cancels never do.
        """
        if account.fees_quanta + fee_quanta <= equity_quanta:
            return False
        needs_no_money = fee_quanta > equity_quanta or CANCELS.issuperset(tx.kinds)
        if not needs_no_money or account.unpaid_count >= self._limits.account_unpaid_count:
            raise ChainError(MEMPOOL_ACCOUNT_QUOTA, fee_quanta=fee_quanta, waiting_fees_quanta=account.fees_quanta,
                             equity_quanta=equity_quanta, waiting_unpaid=account.unpaid_count)
        return True

    def discard(self, tx_hash: bytes) -> bool:
        """Drop one envelope; False when it was not there."""
        with self._lock:
            return self._remove(tx_hash)

    def candidates(self) -> list[Waiting]:
        """All that waits and does not rest, what a proposer chooses from: lane by lane, so that a flood of orders
        keeps out no cancel; in each lane in the order of arrival."""
        with self._lock:
            return [entry for lane in self._lanes for entry in lane.values()]

    def fees_waiting(self, key: bytes) -> int:
        """What the paid envelopes of an account may cost together, in quote quanta."""
        with self._lock:
            account = self._accounts.get(key)
            return account.fees_quanta if account else 0

    def rest(self, tx_hash: bytes) -> None:
        """An envelope could not be proposed for a reason that may pass: leave it out for some blocks, or drop it when
        that has happened too often. It comes back behind the others of its lane."""
        with self._lock:
            entry = self._entries.get(tx_hash)
            if entry is None or tx_hash in self._resting:
                return
            if entry.rests == self._limits.rest_count:
                self._remove(tx_hash)
                return
            entry.rests += 1
            del self._lanes[entry.lane][tx_hash]
            self._resting[tx_hash] = self._height

    def reap(self, max_bytes: int, max_gas: int = 0) -> list[bytes]:
        """Envelopes that peers are to be told of, in the order of arrival; each is returned once. 0 means no bound.

        One that alone is above a bound is passed over: no peer could ever be told of it.
        """
        taken: list[bytes] = []
        size = gas = 0
        with self._lock:
            for tx_hash, entry in list(self._fresh.items()):
                size_bytes = len(entry.raw)
                if (max_bytes and size_bytes > max_bytes) or (max_gas and entry.gas_limit > max_gas):
                    self._mark_told(tx_hash, entry)
                    continue
                size += size_bytes
                gas += entry.gas_limit
                if (max_bytes and size > max_bytes) or (max_gas and gas > max_gas):
                    break
                self._mark_told(tx_hash, entry)
                taken.append(entry.raw)
        return taken

    def _mark_told(self, tx_hash: bytes, entry: Waiting) -> None:
        del self._fresh[tx_hash]
        self._told[entry.stage][tx_hash] = self._height

    def tell_again(self, tx_hash: bytes) -> None:
        """The next `reap` returns this envelope once more."""
        with self._lock:
            entry = self._entries.get(tx_hash)
            if entry is not None and tx_hash not in self._fresh:
                self._told[entry.stage].pop(tx_hash, None)
                entry.stage = min(entry.stage + 1, len(self._told) - 1)
                self._fresh[tx_hash] = entry

    def after_commit(self, height: int, time_ns: int, used: Iterable[TxOutcome]) -> list[bytes]:
        """Drop what the committed block used, made stale or let expire.

        Returns envelopes (raw) that have waited so long that they should be checked again; the caller calls
        `tell_again` or `discard` for each.
        """
        with self._lock:
            self._height = height
            self._time_ns = time_ns
            highest: dict[bytes, int] = {}
            for tx in used:
                self._remove(tx.hash)
                self._remove_nonce(tx.account, tx.nonce)
                highest[tx.account] = max(tx.nonce, highest.get(tx.account, 0))
            for owner, nonce in highest.items():
                self._remove_below(owner, nonce - NONCE_WINDOW)
            for tx_hash in self._expiries.pop_expired(height, time_ns):
                self._remove(tx_hash)
            self._expiries.compact(self._entries)
            for tx_hash in self._told_before(self._resting, height - self._limits.rest_blocks, len(self._resting)):
                del self._resting[tx_hash]
                entry = self._entries[tx_hash]
                self._lanes[entry.lane][tx_hash] = entry
            patience = self._limits.relay_after_blocks
            for tx_hash in self._told_before(self._relayed, height - patience, len(self._relayed)):
                del self._relayed[tx_hash]
                self._fresh[tx_hash] = self._entries[tx_hash]
            return self._overdue()

    def _overdue(self) -> list[bytes]:
        """Envelopes that were told of long ago, oldest first; those that went through every stage are dropped."""
        limits = self._limits
        overdue: list[bytes] = []
        for told, patience in zip(self._told, limits.repeat_after_blocks, strict=False):
            for tx_hash in self._told_before(told, self._height - patience, limits.repeat_count - len(overdue)):
                del told[tx_hash]
                told[tx_hash] = self._height  # at the end: asked again if nobody answers
                overdue.append(self._entries[tx_hash].raw)
        for tx_hash in self._told_before(self._told[-1], self._height - limits.drop_after_blocks, limits.repeat_count):
            self._remove(tx_hash)
        return overdue

    @staticmethod
    def _told_before(told: dict[bytes, int], height: int, most: int) -> list[bytes]:
        """The first `most` hashes of `height` or before; `told` is ascending by height."""
        found: list[bytes] = []
        for tx_hash, told_height in told.items():
            if told_height > height or len(found) >= most:
                break
            found.append(tx_hash)
        return found

    def _remove_nonce(self, owner: bytes, nonce: int) -> None:
        account = self._accounts.get(owner)
        if account is not None:
            entry = account.by_nonce.get(nonce)
            if entry is not None:
                self._remove(entry.hash)

    def _remove_below(self, owner: bytes, highest_dead_nonce: int) -> None:
        account = self._accounts.get(owner)
        if account is not None:
            for nonce in [nonce for nonce in account.by_nonce if nonce <= highest_dead_nonce]:
                self._remove_nonce(owner, nonce)

    def _remove(self, tx_hash: bytes) -> bool:
        entry = self._entries.pop(tx_hash, None)
        if entry is None:
            return False
        if self._resting.pop(tx_hash, None) is None:
            del self._lanes[entry.lane][tx_hash]
        self._fresh.pop(tx_hash, None)
        self._relayed.pop(tx_hash, None)
        self._told[entry.stage].pop(tx_hash, None)
        self._size_bytes -= len(entry.raw)
        self._weight_bytes -= entry.weight_bytes
        account = self._accounts[entry.account]
        account.count_in(entry, -1)
        del account.by_nonce[entry.nonce]
        if not account.by_nonce:
            del self._accounts[entry.account]
        return True

"""Nonces: never twice, and acceptable to the chain's own rule."""

import threading

import pytest

from app.accounts.state import check_nonce
from app.accounts.types import Account
from client import nonces as module
from client.nonces import STEP_NS, Nonces


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """A clock that stands still until the test moves it."""
    now = [1_767_225_600 * 10**9]
    monkeypatch.setattr(module.time, "time_ns", lambda: now[0])
    return now


def test_they_follow_the_clock_and_count_on_when_it_stands(clock: list[int]) -> None:
    """Faster than the step: one after the other. Later: the clock's."""
    nonces = Nonces()
    first = nonces.next()
    assert first == clock[0] // STEP_NS
    assert [nonces.next(), nonces.next()] == [first + 1, first + 2]
    clock[0] += 100 * STEP_NS
    assert nonces.next() == first + 100


def test_a_clock_that_runs_backwards_changes_nothing(clock: list[int]) -> None:
    """Still higher than before."""
    nonces = Nonces()
    first = nonces.next()
    clock[0] -= 10**12
    assert nonces.next() == first + 1


def test_they_go_on_above_what_the_chain_saw(clock: list[int]) -> None:
    """At the start, and when told later; never back."""
    ahead = clock[0] // STEP_NS + 5_000
    nonces = Nonces(ahead)
    assert nonces.next() == ahead + 1
    nonces.observe(ahead + 50)
    nonces.observe(3)
    assert nonces.next() == ahead + 51


def test_the_chain_takes_them_from_a_new_account_and_out_of_order(clock: list[int]) -> None:
    """The first jump fits, and two senders two seconds apart stay inside the window."""
    early, late = Nonces(), Nonces()
    first = early.next()
    check_nonce(Account(), first)
    clock[0] += 2 * 10**9
    ahead = late.next()
    check_nonce(Account(highest_nonce=ahead, used_nonces=1), first)


def test_threads_never_share_one() -> None:
    """Eight threads at once."""
    nonces, found = Nonces(), []

    def draw() -> None:
        mine = [nonces.next() for _ in range(2_000)]
        found.extend(mine)
        assert mine == sorted(mine)

    threads = [threading.Thread(target=draw) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(found) == len(set(found)) == 16_000

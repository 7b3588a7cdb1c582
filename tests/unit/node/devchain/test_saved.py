"""Saved devchains: a file brings back all of it, and nothing else passes for one."""

from decimal import Decimal
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from node.devchain.chain import DevChain
from node.devchain.genesis import dev_state
from node.devchain.saved import Saved, SavedError, read_saved, write_saved

MOMENTS = st.builds(
    Saved,
    st.dictionaries(st.binary(max_size=40), st.binary(max_size=200), max_size=8),
    st.lists(st.tuples(st.integers(1, 2**40), st.binary(max_size=100)), max_size=4).map(tuple),
    st.dictionaries(st.text(max_size=12), st.decimals(0, 10**9, places=4), max_size=3),
    st.just({}),
    st.integers(-(2**62), 2**62),
)


@given(MOMENTS)
def test_what_is_written_is_read(tmp_path_factory: pytest.TempPathFactory, saved: Saved) -> None:
    """Whatever a moment holds."""
    path = tmp_path_factory.mktemp("saved") / "one"
    write_saved(path, saved)
    assert read_saved(path) == saved


def test_what_is_not_a_saved_chain_is_said_so(tmp_path: Path) -> None:
    """Another file, one cut off at any place, one with a byte too many."""
    path = tmp_path / "one"
    write_saved(path, Saved({b"k": b"value"}, ((1, b"block"),), {"BTC/USD": Decimal(1)}, {}, 5))
    whole = path.read_bytes()
    for data in (b"", b"hello", *(whole[:size] for size in range(25, len(whole))), whole + b"\x01"):
        path.write_bytes(data)
        with pytest.raises(SavedError):
            read_saved(path)


def test_a_chain_goes_on_from_a_file(tmp_path: Path) -> None:
    """Head, prices and recent blocks; the next block follows the last."""
    chain = DevChain(dev_state(), step_ns=10**9, genesis_ns=10**18)
    try:
        chain.mine(3)
        chain.set_price("BTC/USD", "41000")
        write_saved(tmp_path / "one", chain.moment())
        head = chain.parts.chain.head
    finally:
        chain.close()
    again = DevChain(dev_state(), step_ns=10**9, saved=read_saved(tmp_path / "one"))
    try:
        assert again.parts.chain.head == head
        assert again.seen.prices["BTC/USD"] == 41_000
        assert [height for height, _ in again.parts.feed.blocks()] == [1, 2, 3]
        assert again.mine() == 4
        mark = again.parts.chain.view.marks.get(1)
        assert mark is not None and mark.index_quanta == 41_000_000
    finally:
        again.close()

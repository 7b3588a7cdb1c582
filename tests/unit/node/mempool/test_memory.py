"""What anybody can send without owning anything must not fill the memory of a node."""

import pytest

from app import chain as chain_module
from app.errors import ACCOUNT_NOT_FOUND, ChainError
from node.mempool.mempool import Mempool
from tests.helpers.builders import Person, envelope, withdraw
from tests.helpers.driver import Driver


def test_large_envelopes_of_strangers_are_soon_forgotten(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(chain_module, "MEMO_BYTES", 1 << 20)
    chain = Driver().chain
    mempool = Mempool(chain.admit)
    stranger = Person("stranger")
    actions = [withdraw(1, b"x" * 60) for _ in range(256)]
    for nonce in range(1, 150):
        with pytest.raises(ChainError) as caught:
            mempool.check(envelope(stranger, actions, nonce))
        assert caught.value.code is ACCOUNT_NOT_FOUND
    remembered = [*chain.memo.values(), *chain.older_memo.values()]
    assert len(remembered) > 50
    assert sum(len(tx.raw) for tx in remembered) <= 2 * ((1 << 20) + 65_536)
    assert mempool.count == 0

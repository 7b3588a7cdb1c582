"""The example that bids in auctions, against a real gateway and a real chain."""

import argparse
from pathlib import Path

import pytest

from client.examples.liquidator import liquidate, work_off
from tests.helpers import builders as b
from tests.helpers.gateways import network, run

CAROL_QUANTA, DAVE_QUANTA = 2_000_000_000, 1_000_000_000


def test_it_takes_what_it_can_carry_and_works_it_off(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """LIQ-012 to LIQ-014: Carol's long falls short; Dave, too poor to restore her, takes less and sells it."""
    state = b.genesis(cash={b.CAROL: CAROL_QUANTA, b.DAVE: DAVE_QUANTA}, gas_price_e6=0)
    arguments = argparse.Namespace(seconds=1.0, interval=0.05, discount=1.0, slippage_bps=20)

    async def work() -> None:
        async with network(tmp_path, app_state=state) as net:
            await net.commit(b.envelope(b.ALICE, [b.sell(46_000_000, 800)], 1))
            await net.commit(b.envelope(b.CAROL, [b.buy(46_000_000, 800)], 1))
            net.engine.prices[b.BTC] = 44_000_000
            dave = await net.client(b.DAVE)
            for _ in range(10):
                net.engine.block()
            await net.committing(liquidate(dave, arguments))
            taken = (await dave.account()).positions[0].position.lots
            (auction,) = await dave.auctions()
            left = (await dave.account(auction.account)).positions[0].position.lots
            assert auction.account.owner == b.CAROL.owner and auction.bids >= 1
            assert 0 < taken == 800 - left
            await net.commit(b.envelope(b.ALICE, [b.buy(43_950_000, 2_000)], 2))
            await net.committing(work_off(dave, arguments.slippage_bps))
            assert not [one for one in (await dave.account()).positions if one.position.lots]

    run(work())
    said = capsys.readouterr().out
    assert "took part of" in said and "too much for us" in said and "bids taken" in said

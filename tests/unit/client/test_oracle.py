"""The oracle through the SDK: decimals, words, and a stream of prices that survives."""

from decimal import Decimal
from pathlib import Path

import pytest

from app.oracle.types import Pillar, Vote
from client import errors, streams
from client.oracle import Turnout
from node.gateway.server import Gateway
from tests.helpers import builders as b
from tests.helpers.gateways import network, run, until
from tests.helpers.votes import Voters, prices

P, E, S = b.MARK_QUANTA[b.BTC], b.MARK_QUANTA[b.ETH], 10**9
VOTERS = ([f"v{place}" for place in range(4)], [40, 30, 20, 10])


def test_orcl_004_feeds_and_votes_in_decimals(tmp_path: Path) -> None:
    """ORCL-004, ORCL-008, ORCL-009: what was voted, by whom, how far apart; how validators took part; volatility."""
    async def work() -> None:
        async with network(tmp_path, voters=Voters(*VOTERS)) as net:
            client = await net.client(b.ALICE)
            assert (await client.votes(1)).turnout is None
            expiry_s = 1_700_000_000 + 900
            pillar = Pillar(b.BTC, expiry_s, 10**9 + 5, (2_000_000,) * 7)
            net.engine.ballots = dict.fromkeys(range(2), Vote((b.BTC, b.ETH), (P + 50, E), (pillar,))) | {
                2: prices({b.BTC: P * 2, b.ETH: E}), 3: None}
            await net.commit()
            oracle = await client.oracle()
            btc = oracle.feeds[0]
            assert (btc.symbol, btc.price, btc.validity, btc.bars) == ("BTC/USD", Decimal("46000.05"), "fresh", ())
            assert btc.votes is not None and (btc.votes.spread, btc.votes.deviating, btc.votes.power) == (0, 1, 90)
            assert oracle.turnout == Turnout(4, 100, 67, 3, 90, "") and oracle.turnout.share == Decimal("0.9")
            votes = await client.votes()
            assert [one.kind for one in votes.voters] == ["prices", "prices", "prices", "absent"]
            lie = votes.voters[2].prices[0]
            assert (lie.symbol, lie.price, lie.deviates) == ("BTC/USD", Decimal(92000), True)
            assert lie.deviation is not None and Decimal("0.9999") < lie.deviation < 1
            liar, absent = (await client.reporters())[2:]
            assert (liar.share, liar.deviations, liar.prices, absent.votes) == (Decimal("0.2"), 1, 2, 0)
            (surface,) = await client.surfaces()
            assert (surface.symbol, surface.pillars[0].expiry_s, surface.pillars[0].variances[0]) == (
                "BTC/USD", expiry_s, Decimal("0.002"))
            with pytest.raises(errors.BadRequest, match="BLOCK_NOT_HELD"):
                await client.votes(99)

    run(work())


def test_prices_are_watched_across_a_restart(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """ORCL-007: prices as they are at first, then each change; after a restart of the gateway all again."""
    monkeypatch.setattr(streams, "BACK_OFF_FIRST_SECONDS", 0.02)

    async def work() -> None:
        async with network(tmp_path, voters=Voters(*VOTERS)) as net:
            client = await net.client(b.ALICE)
            await net.commit()
            watch = client.watch_prices("BTC-PERP")
            first = await anext(watch)
            assert (first.symbol, first.mark, first.validity) == ("BTC-PERP", Decimal(46000), "fresh")
            net.engine.prices |= {b.BTC: P + 500, b.ETH: E + 1}
            height = await net.commit()
            moved = await anext(watch)
            assert (moved.index, moved.mark, moved.height) == (Decimal("46000.5"), Decimal("46000.5"), height)
            await net.gateway.stop()
            net.engine.prices[b.BTC] = P
            net.engine.block()
            net.gateway = Gateway(net.engine.socket, net.gateway.address)
            await net.gateway.start()
            await until(lambda: net.gateway.engine.live)
            assert ((await anext(watch)).mark, (await client.oracle()).feeds[1].price) == (46000, Decimal("24000.001"))
            with pytest.raises(errors.BadSymbol):
                client.watch_prices("DOGE-PERP")

    run(work())

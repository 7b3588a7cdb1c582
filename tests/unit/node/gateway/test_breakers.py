"""What has tripped and how near the rest is: over gRPC, the SDK and the command line."""

import asyncio
import json
from pathlib import Path

from tests.helpers import builders as b
from tests.helpers.gateways import network, run
from tests.unit.node.gateway.test_risk import invoke, traded

P = b.MARK_QUANTA[b.BTC]
E9 = 10**9
TERMS = {b.BTC: {"order_band_ppm": 50_000, "fill_band_ppm": 60_000, "halt_move_ppm": 100_000,
                 "max_open_interest_lots": 12, "insurance_quanta": 5_000_000}}
PARAMS = {"withdraw_hour_quanta": 7_000_000, "withdraw_day_ppm": 1_000, "gap_ns": 60 * E9, "sweep_accounts": 5,
          "stress_ppm": 400_000}


def test_brk_024_breakers_over_the_wire(tmp_path: Path) -> None:
    """BRK-024: how much is used of what may leave, how near the cap is, bands in prices, rows of the stress test."""
    async def work() -> None:
        genesis = b.genesis(cash_quanta=80_000_000, gas_price_e6=0, terms=TERMS, **PARAMS)
        async with network(tmp_path, app_state=genesis) as net:
            await traded(net)
            await net.commit(b.envelope(b.CAROL, [b.withdraw(100_000), b.withdraw(6_950_000)], 1))
            await net.commit()
            client = await net.client(b.BOB)
            found = await client.breakers()
            rows = {(one.market, one.breaker.kind, one.breaker.reason): one.breaker for one in found.breakers}
            assert list(rows) == [(0, 3, 4), (0, 3, 5), (0, 4, 6), (0, 5, 7), (1, 1, 1), (1, 2, 3)]
            hour, day = rows[0, 3, 4], rows[0, 3, 5]
            assert hour.tripped and hour.limit == 7_000_000 and hour.value > 7_000_000
            assert not day.tripped and day.limit == 404_900 and 0 < day.value <= 100_000
            assert rows[0, 5, 7].tripped and rows[0, 5, 7].limit >= 5_000_000
            assert (rows[1, 2, 3].tripped, rows[1, 2, 3].value, rows[1, 2, 3].limit) == (True, 12, 12)
            assert (rows[1, 1, 1].tripped, rows[1, 1, 1].value, rows[1, 1, 1].limit) == (False, P, P)
            band, = found.bands
            assert (band.order_low_quanta, band.order_high_quanta) == (43_700_000, 48_300_000)
            assert (band.fill_low_quanta, band.fill_high_quanta) == (43_240_000, 48_760_000)
            assert [one.shock_ppm for one in found.stress] == [
                -400_000, -300_000, -200_000, -100_000, 100_000, 200_000, 300_000, 400_000]
            assert found.swept_accounts == 2 and found.stress[0].shortfall_quanta > 100_000_000
            table = await asyncio.to_thread(invoke, net, "breakers")
            assert table.exit_code == 0, table.output
            for words in ("withdrawals", "tripped", "BTC-PERP", "open_interest", "48300", "stress test of 2 accounts"):
                assert words in table.output, table.output
            data = json.loads((await asyncio.to_thread(invoke, net, "breakers", "--output", "json")).output)
            assert data["breakers"][0]["limit"] == "7 USD" and data["breakers"][5]["value"] == "0.012"
            assert data["bands"][0]["no buy above"] == "48300"
            assert data["stress_test"]["rows"][0]["all_marks"] == "-40%"

    run(work())

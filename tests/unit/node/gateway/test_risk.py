"""Risk over gRPC, the SDK and the command line: answers are those of the chain's own code."""

import asyncio
import json
from decimal import Decimal
from pathlib import Path
from typing import Any

import grpc
import pytest
from click.testing import CliRunner, Result

from app.accounts.keys import key_of
from app.margin.state import account_standing
from client.errors import BadRequest, NotExact
from client.risk import suppose_order, suppose_trade
from node.cli.main import cli
from novation.v1 import risk_service_pb2 as risk_service
from novation.v1 import tx_pb2
from tests.helpers import builders as b
from tests.helpers.gateways import Net, network, run
from tests.unit.node.gateway.test_services import refusal

P = b.MARK_QUANTA[b.BTC]
BOB = tx_pb2.AccountId(owner=b.BOB.owner)


async def traded(net: Net) -> int:
    """Alice sells Bob 12 lots, and her quotes stay; the height."""
    await net.commit(b.envelope(b.ALICE, [b.sell(P, 30), b.buy(P - 500, 9)], 1))
    return await net.commit(b.envelope(b.BOB, [b.buy(P, 12)], 1))


def test_risk_001_answers_are_the_chains(tmp_path: Path) -> None:
    """RISK-001, RISK-002: the standing as it is, then an order that is supposed and one that is sent: the same."""
    async def work() -> None:
        async with network(tmp_path, app_state=b.genesis(gas_price_e6=0)) as net:
            height = await traded(net)
            action = b.buy(P, 5)
            answer = await net.risk.GetRisk(risk_service.GetRiskRequest(account=BOB, actions=[action]))
            view = net.engine.chain.view
            now = account_standing(view, view.accounts.get(key_of(BOB)))
            assert answer.height == height
            assert (answer.before.equity_quanta, answer.before.initial_quanta, answer.before.maintenance_quanta) == (
                now.equity, now.initial, now.maintenance)
            assert [(fill.size_lots, fill.price_quanta) for fill in answer.fills] == [(5, P)]
            assert answer.trading_fees_quanta == answer.fills[0].taker_fee_quanta > 0
            again = await net.risk.GetRisk(risk_service.GetRiskRequest(account=BOB))
            assert again.before == again.after == answer.before, "supposing changed nothing"
            await net.commit(b.envelope(b.BOB, [action], 2))
            then = await net.risk.GetRisk(risk_service.GetRiskRequest(account=BOB))
            assert then.before == answer.after

    run(work())


def test_risk_001_many_ask_while_blocks_pass(tmp_path: Path) -> None:
    """RISK-001: each answer belongs to one height, whatever is committed meanwhile; too many at once are told so."""
    async def work() -> None:
        async with network(tmp_path) as net:
            await traded(net)
            request = risk_service.GetRiskRequest(account=BOB, actions=[b.buy(P, 5), b.sell(P - 500, 40)])
            asked = [net.risk.GetRisk(request) for _ in range(60)]
            for _ in range(5):
                net.engine.block()
                await asyncio.sleep(0.01)
            found = await asyncio.gather(*asked, return_exceptions=True)
            answers = [one for one in found if not isinstance(one, BaseException)]
            assert len(answers) >= 32 and len({one.after.SerializeToString() for one in answers}) == 1
            assert {one.code() for one in found if isinstance(one, grpc.aio.AioRpcError)} <= {
                grpc.StatusCode.RESOURCE_EXHAUSTED}

    run(work())


def test_risk_001_bad_questions(tmp_path: Path) -> None:
    """RISK-001: each is refused with its reason."""
    async def work() -> None:
        async with network(tmp_path) as net:
            for reason, request in (
                    ("BAD_ARGUMENT", risk_service.GetRiskRequest()),
                    ("QUERY_VOLATILITY", risk_service.GetRiskRequest(
                        account=BOB, moves=[risk_service.SupposedMove(feed=1, volatility_ppm=5)])),
                    ("MARKET_NOT_FOUND", risk_service.GetRiskRequest(
                        account=BOB, prices=[risk_service.SupposedPrice(market=9, price_quanta=5)]))):
                _, info = await refusal(net.risk.GetRisk(request))
                assert info.reason == reason

    run(work())


def test_sdk_supposes_in_decimals(tmp_path: Path) -> None:
    """RISK-001: prices, cash, trades and orders as people write them; what is not exact is refused."""
    async def work() -> None:
        async with network(tmp_path) as net:
            await traded(net)
            bob = await net.client(b.BOB)
            answer = await bob.risk(
                prices={"BTC-PERP": "-10%", "ETH-PERP": "23000"}, cash="-500.5",
                trades=[suppose_trade("ETH-PERP", "sell", "0.5", "24000")],
                orders=[suppose_order("BTC-PERP", "buy", "0.005", "46000", time_in_force="ioc")])
            before, after = answer.before, answer.after
            assert [one.mark_quanta for one in after.positions] == [P * 9 // 10, 23_000_000]
            assert [one.lots for one in after.positions] == [17, -500]
            assert before.cash_quanta - after.cash_quanta == (
                500_500_000 + 5 * P - 500 * 24_000_000 + answer.trading_fees_quanta)
            with pytest.raises(NotExact):
                await bob.risk(orders=[suppose_order("BTC-PERP", "buy", "0.0001", "46000")])
            with pytest.raises(BadRequest, match="QUERY_PRICE"):
                await bob.risk(prices={"BTC-PERP": "-100%"})

    run(work())


def test_liq_023_reduction_and_stress(tmp_path: Path) -> None:
    """LIQ-023: over gRPC and the SDK; the same stress test is not made twice in a row."""
    async def work() -> None:
        async with network(tmp_path, app_state=b.genesis(cash_quanta=80_000_000)) as net:
            await traded(net)
            bob = await net.client(b.BOB)
            calm = await bob.reduction("BTC-PERP")
            assert (calm.held_lots, calm.taken_lots, calm.losers, calm.others, calm.behind_ppm) == (12, 0, 0, 0, 0)
            failed = await bob.reduction("BTC-PERP", prices={"BTC-PERP": "+20%"})
            assert (failed.losers, failed.taken_lots) == (1, 12)
            assert 0 < failed.given_up_quanta == failed.deficit_quanta - failed.fund_paid_quanta
            everybody = await bob.reduction("BTC-PERP", everybody=True)
            assert (everybody.taken_lots, everybody.given_up_quanta) == (12, 0)
            found = await bob.stress([-200_000, 200_000])
            assert found.accounts == 2
            assert [(row.feed, row.shock_ppm, row.short, row.below_zero) for row in found.rows] == [
                (0, -200_000, 1, 1), (0, 200_000, 1, 1), (1, -200_000, 1, 1), (1, 200_000, 1, 1)]
            net.engine.block()
            assert (await bob.stress([-200_000, 200_000])).height == found.height
            with pytest.raises(BadRequest, match="QUERY_LIMIT"):
                await bob.stress([-1_000_000])
            _, info = await refusal(net.risk.GetReduction(risk_service.GetReductionRequest(account=BOB, market=9)))
            assert info.reason == "MARKET_NOT_FOUND"

    run(work())


def invoke(net: Net, *arguments: str) -> Result:
    """The command as a person would run it."""
    return CliRunner().invoke(cli, ["query", *arguments, "--node", net.gateway.address])


def test_command_shows_risk(tmp_path: Path) -> None:
    """RISK-003: tables for people, data for scripts, and a price of liquidation that the exact check confirms."""
    async def work() -> None:
        async with network(tmp_path, app_state=b.genesis(cash_quanta=80_000_000)) as net:
            await traded(net)
            who = b.BOB.owner.hex()

            async def data(*options: str) -> Any:
                result = await asyncio.to_thread(invoke, net, "risk", who, *options, "--output", "json")
                assert result.exit_code == 0, result.stderr
                return json.loads(result.stdout)

            found = (await data())["before"]
            below = found["positions"][0]["liquidated_below"]
            assert below.startswith("40") and found["positions"][0]["liquidated_above"] == "-"
            mark = b.TICK_QUANTA[b.BTC] * int(float(below) / 0.5)
            at = await data("--price", f"BTC-PERP={mark / 1000}")
            above = await data("--price", f"BTC-PERP={mark / 1000 + 0.5}")
            assert float(at["after"]["excess_usd"]) < 0 <= float(above["after"]["excess_usd"])
            supposed = await data("--order", "buy 0.003 BTC-PERP 46000", "--deposit", "50")
            assert supposed["results"][0]["reason"] == "done" and supposed["fills"][0]["size"] == "0.003"
            text = await asyncio.to_thread(invoke, net, "risk", who, "--price", "BTC-PERP=-20%")
            assert text.exit_code == 0 and "short of maintenance margin" in text.stdout and "xx" in text.stdout
            wrong = await asyncio.to_thread(invoke, net, "risk", who, "--order", "buy much")
            assert wrong.exit_code == 2
            system = await asyncio.to_thread(invoke, net, "risk", "--system", "--shock=-20", "--shock", "20%")
            assert system.exit_code == 0 and "1 of 2 short" in system.stdout and "-20%" in system.stdout
            grid = await asyncio.to_thread(invoke, net, "risk", "--system", "--rows", "--output", "json")
            rows = json.loads(grid.stdout)["grid"]
            assert len(rows) == 2 * 31 and json.loads(grid.stdout)["rows"] == []
            assert {row["row"]: row["shortfall_usd"] for row in rows if row["underlying"] == "all"}[
                "-66%, volatility up"] == str(Decimal("0.66") * 12 * 46 - Decimal(found["equity_usd"]))
            for together in (["--system", "--offline"], [who, "--reduction", "BTC-PERP", "--offline"],
                             ["--system", "--deposit", "5"], [who, "--save", str(tmp_path / "kept.json")],
                             [who, "--shock", "5"], [who, "--reduction", "BTC-PERP", "--rows"]):
                refused = await asyncio.to_thread(invoke, net, "risk", *together)
                assert refused.exit_code == 2 and "--" in refused.stderr and not refused.stdout
            taken = await asyncio.to_thread(invoke, net, "risk", who, "--reduction", "BTC-PERP", "--everybody")
            assert taken.exit_code == 0 and "close 0.012 of it" in taken.stdout
            file = tmp_path / "risk.png"
            drawn = await asyncio.to_thread(invoke, net, "risk", who, "--move", "BTC-PERP=-5%", "--scenarios",
                                            "BTC-PERP", "--picture", str(file))
            assert drawn.exit_code == 0 and "+50%" in drawn.stdout and file.stat().st_size > 10_000
            cells = (await data("--scenarios", "BTC-PERP"))["scenarios"]["rows"][0]["profit_usd"]
            assert (float(cells[0]), float(cells[10])) == (-12 * 46 / 2, 0)
            alone = await asyncio.to_thread(invoke, net, "risk", who, "--picture", str(file))
            assert alone.exit_code == 2 and "--scenarios" in alone.stderr
            neither = await asyncio.to_thread(invoke, net, "risk")
            assert neither.exit_code == 2
            fees = await asyncio.to_thread(invoke, net, "fees", who)
            assert fees.exit_code == 0 and "tier 0" in fees.stdout and "0.05%" in fees.stdout

    run(work())

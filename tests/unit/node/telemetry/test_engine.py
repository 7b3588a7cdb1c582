"""The engine's figures: what a block did is counted, what state holds is shown, and no account is a label."""

import time
from pathlib import Path

import httpx
import pytest
from prometheus_client import CollectorRegistry, generate_latest

from node.telemetry.engine import EngineMetrics
from node.telemetry.server import MetricsServer
from node.telemetry.state import TABLES, near_quanta
from tests.helpers.builders import ALICE, BOB, BTC, BUY, MARK_QUANTA, SELL, place
from tests.helpers.driver import Driver


def watched() -> tuple[Driver, EngineMetrics]:
    """A chain and the figures of it, from genesis on."""
    driver, metrics = Driver(), EngineMetrics()
    head, rows = driver.chain.snapshot(TABLES)
    metrics.state.load(head.height, head.time_ns, rows)
    metrics.state.read_from(lambda: driver.chain.ctx.books, {"novation_store_bytes": lambda: 7.0}, {})
    return driver, metrics


def value(metrics: EngineMetrics, name: str, **labels: str) -> float | None:
    return metrics.registry.get_sample_value(name, labels)


def test_a_trade_is_counted_and_shown() -> None:
    driver, metrics = watched()
    mark = MARK_QUANTA[BTC]
    metrics.block(driver.run([]))
    metrics.block(driver.run([
        driver.envelope(ALICE, place(SELL, mark, 5)), driver.envelope(BOB, place(BUY, mark, 3)),
        driver.envelope(BOB, place(BUY, mark, 10**15))]))
    symbol = metrics.state.symbol(BTC)
    assert symbol == "BTC-PERP"
    assert value(metrics, "novation_height") == 2
    assert value(metrics, "novation_txs_total", code="OK") == 3
    assert value(metrics, "novation_actions_total", code="OK") == 2
    assert value(metrics, "novation_fills_total", market=symbol) == 1
    assert value(metrics, "novation_traded_usd_total", market=symbol) == 3 * mark / 1e6
    assert value(metrics, "novation_open_interest_lots", market=symbol) == 3
    assert value(metrics, "novation_open_interest_usd", market=symbol) == 3 * mark / 1e6
    assert value(metrics, "novation_book_levels", market=symbol, side="ask") == 1
    assert value(metrics, "novation_book_depth_usd", market=symbol, side="ask") == 2 * mark / 1e6
    assert value(metrics, "novation_block_interval_seconds_sum") == 1.0
    assert value(metrics, "novation_vote_records_total", code="OK") == 1
    assert value(metrics, "novation_store_bytes") == 7.0
    assert value(metrics, "novation_markets", status="active") >= 1
    assert value(metrics, "novation_fund_usd", fund="fees") is not None


def test_prices_age_with_block_time() -> None:
    driver, metrics = watched()
    metrics.block(driver.run([]))
    metrics.block(driver.run([]))
    assert value(metrics, "novation_oracle_age_seconds", feed="BTC/USD") == 0
    assert value(metrics, "novation_oracle_validity", feed="BTC/USD") == 1
    driver.prices.clear()  # nobody sees anything any more
    metrics.block(driver.run([], step_ns=7_000_000_000))
    assert value(metrics, "novation_oracle_age_seconds", feed="BTC/USD") == 7
    assert value(metrics, "novation_oracle_validity", feed="BTC/USD") > 1


def test_orders_far_from_the_mark_are_not_near() -> None:
    driver, metrics = watched()
    mark = MARK_QUANTA[BTC]
    metrics.block(driver.run([driver.envelope(ALICE, place(BUY, mark // 2, 5), place(BUY, mark - 500, 1))]))
    assert near_quanta(driver.chain.ctx.books[BTC].bids, mark) == mark - 500


def test_no_label_names_an_account() -> None:
    """Labels are methods, stages, codes, markets, feeds, sides, funds, statuses and steps, whatever traders do."""
    driver, metrics = watched()
    metrics.call("check_tx", 0.001)
    with metrics.stage("finalize"):
        metrics.rejected()
    metrics.block(driver.run([driver.envelope(ALICE, place(BUY, MARK_QUANTA[BTC], 5))]))
    labels = {label for metric in metrics.registry.collect() for sample in metric.samples for label in sample.labels}
    assert labels <= {"method", "stage", "code", "market", "feed", "side", "fund", "status", "step", "le", "generation"}
    text = generate_latest(metrics.registry).decode()
    assert ALICE.account(0).hex()[:20] not in text
    assert all(name.startswith(("novation_", "process_", "python_gc_")) for name in
               (line.split()[2] for line in text.splitlines() if line.startswith("# TYPE")))


def test_what_is_measured_costs_a_block_little() -> None:
    """A block of 2,000 actions is counted in a few milliseconds."""
    driver, metrics = watched()
    mark = MARK_QUANTA[BTC]
    result = driver.run([driver.envelope(ALICE, *[place(SELL, mark + 500, 1)] * 50) for _ in range(40)])
    best = min(_seconds(metrics, result) for _ in range(5))
    assert best < 0.02, best


def _seconds(metrics: EngineMetrics, result: object) -> float:
    started = time.perf_counter()
    metrics.block(result)  # type: ignore[arg-type]
    return time.perf_counter() - started


def test_figures_are_served_on_the_loopback_alone(capsys: pytest.CaptureFixture[str]) -> None:
    _, metrics = watched()
    server = MetricsServer("127.0.0.1:0", metrics.registry)
    try:
        assert "novation_height 0.0" in httpx.get(f"http://{server.address}/metrics").text
        assert MetricsServer(server.address, CollectorRegistry()).address == ""  # taken: logged, nothing more
        assert MetricsServer("0.0.0.0:0", CollectorRegistry()).address == ""
        assert MetricsServer("", CollectorRegistry()).address == ""
    finally:
        server.close()
        server.close()
    assert "only 127.0.0.1" in capsys.readouterr().out


def test_the_store_tells_its_size(tmp_path: Path) -> None:
    from contextlib import closing

    from node.storage.leveldb import LevelDB

    with closing(LevelDB(tmp_path / "db")) as store:
        store.write({b"a": b"b"})
        assert store.size_bytes() > 0

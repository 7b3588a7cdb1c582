"""A real feeder process and a real board: prices arrive, age, and come again."""

import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from decimal import Decimal
from pathlib import Path

import pytest

from app.limits import MAX_EXTENSION_BYTES
from app.options.rules import schedule
from app.oracle.votes import encode_extension
from node.abci.votes import vote_of
from node.home import Home
from node.prices.board import PriceBoard
from node.prices.feeder import Feeder
from node.prices.observation import Observation, decode, encode
from node.prices.sources import SourceError
from node.settings import FeedSettings, PricesSettings, Settings, SurfaceSettings, write_settings

DEADLINE_S = 30.0
INTERVAL_MS = 50
NOW_NS = 1_800_000_000 * 10**9


def settings(tmp_path: Path, **prices: object) -> Settings:
    """A replay that climbs by a dollar each second for a year, a walk, and a surface."""
    (tmp_path / "bars.csv").write_text("time,price\n0,100\n31536000,31536100\n")
    return Settings(
        prices=PricesSettings(**({"interval_ms": INTERVAL_MS, "start_ns": time.time_ns()} | prices)),
        feeds=[FeedSettings("BTC/USD", [f"replay:{tmp_path / 'bars.csv'}"]), FeedSettings("ETH/USD", ["walk:3700"])],
        surfaces=[SurfaceSettings("BTC/USD", "60", ["2100-01-01T00:00:00Z", "2001-01-01"])],
    )


@contextmanager
def running(home: Home) -> Iterator["subprocess.Popen[bytes]"]:
    process = subprocess.Popen([sys.executable, "-m", "node.prices", "--home", str(home.root)],
                               stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        yield process
    finally:
        process.kill()
        process.wait()


@pytest.fixture
def home(tmp_path: Path) -> Home:
    one = Home.at(tmp_path)
    one.create()
    return one


@pytest.fixture
def board(home: Home) -> Iterator[PriceBoard]:
    one = PriceBoard(home.prices_socket, max_age_s=1.0)
    one.start()
    yield one
    one.close()


def wait_until(condition: Callable[[], object]) -> None:
    deadline_s = time.monotonic() + DEADLINE_S
    while not condition():
        assert time.monotonic() < deadline_s
        time.sleep(0.005)


def test_a_feeder_feeds_falls_silent_and_comes_back(home: Home, board: PriceBoard, tmp_path: Path) -> None:
    written = settings(tmp_path)
    write_settings(home, written)
    with running(home) as process:
        wait_until(board.latest)
        first = board.latest()
        assert first is not None
        assert first.time_ns % (INTERVAL_MS * 1_000_000) == 0
        elapsed_s = Decimal(first.time_ns - written.prices.start_ns) / 10**9
        assert abs(first.prices["BTC/USD"] - 100 - elapsed_s) < Decimal("0.001") * 31_536
        assert first == expected(written, first.time_ns), "as any other node sees it at that moment"
        wait_until(lambda: (latest := board.latest()) and latest.time_ns > first.time_ns)
        process.send_signal(signal.SIGSTOP)
        wait_until(lambda: board.latest() is None)
        process.send_signal(signal.SIGCONT)
        wait_until(board.latest)
        process.send_signal(signal.SIGTERM)
        assert process.wait(DEADLINE_S) == 0
    wait_until(lambda: board.latest() is None)
    with running(home):
        wait_until(board.latest)


def expected(written: Settings, time_ns: int) -> Observation:
    """What a feeder with these settings sees, as it comes over the socket."""
    return decode(encode(Feeder(written).observe(time_ns)))


def test_the_engine_may_come_later_and_come_again(home: Home, tmp_path: Path) -> None:
    write_settings(home, settings(tmp_path))
    with running(home) as process:
        for _ in range(3):
            time.sleep(0.2)
            board = PriceBoard(home.prices_socket)
            board.start()
            try:
                wait_until(board.latest)
            finally:
                board.close()
        assert process.poll() is None


def test_a_silent_feeder_says_nothing_and_a_liar_lies(home: Home, board: PriceBoard, tmp_path: Path) -> None:
    write_settings(home, settings(tmp_path, behaviour="silent"))
    with running(home) as process:
        time.sleep(1.0)
        assert process.poll() is None
        assert board.latest() is None
    liar = settings(tmp_path, behaviour="liar")
    write_settings(home, liar)
    with running(home):
        wait_until(board.latest)
        said = board.latest()
        assert said is not None
        true = expected(liar, said.time_ns)
        for symbol, price in said.prices.items():
            assert abs(price / true.prices[symbol] - 1) > Decimal("0.09")


def test_feeders_of_two_nodes_see_the_same_whatever_their_noise(tmp_path: Path) -> None:
    common = {"start_ns": 0, "noise_ppm": 500}
    one, other = (Feeder(settings(tmp_path, noise_seed=seed, **common)) for seed in (1, 2))
    assert one.observe(NOW_NS) == other.observe(NOW_NS)
    assert len(one.observe(NOW_NS).pillars["BTC/USD"]) == 1


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"prices": PricesSettings(interval_ms=9)}, "interval_ms"),
        ({"prices": PricesSettings(behaviour="shy")}, "shy"),
        ({"surfaces": [SurfaceSettings("BTC/USD", "sixty")]}, "BTC/USD"),
        ({"surfaces": [SurfaceSettings("BTC/USD", "-1")]}, "volatility_percent"),
        ({"surfaces": [SurfaceSettings("BTC/USD", "60", ["soon"])]}, "soon"),
        ({"feeds": [FeedSettings("BTC/USD", ["nowhere:BTC/USD"])]}, "no exchange"),
        ({"feeds": [FeedSettings("BTC/USD", ["replay:none.csv"])]}, "none.csv"),
    ],
)
def test_settings_that_cannot_be_end_the_feeder_with_a_reason(home: Home, change: dict, said: str) -> None:
    write_settings(home, Settings(**change))
    done = subprocess.run([sys.executable, "-m", "node.prices", "--home", str(home.root)], capture_output=True,
                          text=True, timeout=DEADLINE_S, check=False)
    assert done.returncode == 1
    assert said in done.stderr
    assert "Traceback" not in done.stderr


def test_a_surface_follows_the_rule_by_which_options_are_listed() -> None:
    """OPT-004, OPT-005: pillars for just the expiries of a class, beside those that are named."""
    dates = {"hour_s": 28_800, "daily": 1, "weekly": 2, "monthly": 1, "quarterly": 1, "short_s": 60, "shorts": 2}
    feeder = Feeder(Settings(surfaces=[SurfaceSettings("BTC/USD", "60", ["2100-01-01T00:00:00Z"], **dates)]))
    seen = [one.expiry_ns // 10**9 for one in feeder.observe(NOW_NS).pillars["BTC/USD"]]
    listed = [expiry_s for expiry_s, _ in schedule(NOW_NS // 10**9, *dates.values())]
    assert seen == [*listed, 4_102_444_800] and len(listed) == 7
    with pytest.raises(SourceError, match="at least 0"):
        Feeder(Settings(surfaces=[SurfaceSettings("BTC/USD", "60", [], daily=-1)]))


def test_all_expiries_of_a_class_fit_into_a_vote() -> None:
    """ORCL-001: two of each kind, on two underlyings, in 2,048 bytes."""
    names = ("BTC/USD", "ETH/USD")
    surface = {"hour_s": 28_800, "daily": 2, "weekly": 2, "monthly": 2, "quarterly": 2, "short_s": 60, "shorts": 2}
    settings = Settings(feeds=[FeedSettings(name, ["static:46000"]) for name in names],
                        surfaces=[SurfaceSettings(name, "200", **surface) for name in names])
    vote = vote_of(Feeder(settings).observe(NOW_NS), [(1, "BTC/USD", 6), (2, "ETH/USD", 6)])
    assert len(vote.pillars) == 20 and len(encode_extension(vote)) <= MAX_EXTENSION_BYTES

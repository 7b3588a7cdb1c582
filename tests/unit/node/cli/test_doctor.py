"""`novation doctor`: looks at everything, and says what to do."""

import json
import socket
from pathlib import Path

import pytest

from node.cli import doctor
from node.comet.config import CometSettings, write_config
from node.export import export_genesis
from node.home import Home
from node.settings import FeedSettings, GatewaySettings, Settings, TelemetrySettings, write_settings
from tests.helpers.driver import GENESIS_TIME_NS, Driver


def test_it_looks_at_everything_that_usually_goes_wrong(run) -> None:
    result = run("doctor", "--output", "json")
    names = {one["name"] for one in json.loads(result.stdout)}
    assert names >= {"python", "python -O", "packages", "gen/", "cometbft", "go", "open files", "clock", "disk",
                     "ports"}


def test_what_would_stop_a_node_makes_it_fail_with_advice(run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COMETBFT", "/does/not/exist")
    result = run("doctor")
    assert result.exit_code == 1
    assert "cometbft" in result.stderr
    assert "make setup" in result.stdout


def test_every_finding_that_is_not_ok_says_what_to_do(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(doctor.shutil, "which", lambda name: None)
    monkeypatch.setattr(doctor.time, "time", lambda: 0.0)
    monkeypatch.setattr(doctor.resource, "getrlimit", lambda which: (64, 64))
    for finding in (doctor.go(), doctor.clock(), doctor.file_limit()):
        assert finding.state != "ok"
        assert finding.next


@pytest.mark.parametrize(
    ("observed", "state", "said"),
    [
        ([FeedSettings("BTC/USD", ["static:1"]), FeedSettings("ETH/USD", ["static:1"])], "ok", "all 2"),
        ([FeedSettings(f"{base}/USD", ["static:1"]) for base in ("BTC", "ETH", "USDT")], "ok", "USDT/USD"),
        ([FeedSettings("BTC/USD", ["static:1"])], "warning", "no source for ETH/USD"),
        ([FeedSettings("BTC/USD", ["static:one"])], "warning", "cannot run"),
    ],
)
def test_feeds_of_the_genesis_without_a_source_are_named(tmp_path: Path, observed: list[FeedSettings], state: str,
                                                         said: str) -> None:
    home = Home.at(tmp_path)
    assert doctor.feeds(home).state == "ok"
    home.create()
    home.comet_config_file.touch()
    home.genesis_file.write_text('{"app_state": {"feeds": [{"symbol": "BTC/USD"}, {"symbol": "ETH/USD"}]}}')
    write_settings(home, Settings(feeds=observed))
    finding = doctor.feeds(home)
    assert finding.state == state
    assert said in finding.text


def test_feeds_of_a_genesis_that_carries_a_state_are_known(tmp_path: Path) -> None:
    home = Home.at(tmp_path)
    home.create()
    home.comet_config_file.touch()
    driver = Driver()
    driver.run([])
    document, _, _ = export_genesis(driver.reader, "anew", GENESIS_TIME_NS)
    home.genesis_file.write_text(json.dumps(document))
    write_settings(home, Settings(feeds=[FeedSettings("BTC/USD", ["static:1"])]))
    assert doctor.feeds(home).text == "no source for ETH/USD"


def test_ports_are_all_looked_at_and_whose_they_are(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    home = Home.at(tmp_path)
    home.create()
    home.genesis_file.touch()
    with socket.create_server(("127.0.0.1", 0)) as taken:
        web = f"127.0.0.1:{taken.getsockname()[1]}"
        write_config(home, CometSettings("one", "127.0.0.1:1", "127.0.0.1:2", metrics_listen="127.0.0.1:3"))
        write_settings(home, Settings(gateway=GatewaySettings("127.0.0.1:4", web),
                                      telemetry=TelemetrySettings("127.0.0.1:5")))
        finding = doctor.ports(home)
        assert (finding.state, finding.text) == ("error", f"{web} in use, but this node does not run")
        monkeypatch.setattr(doctor, "read_pid", lambda home, process: 7)
        assert doctor.ports(home) == doctor.ok("ports", f"{web} in use by this node")
    assert doctor.ports(home).text == f"127.0.0.1:2, 127.0.0.1:1, 127.0.0.1:3, 127.0.0.1:4, {web}, 127.0.0.1:5 free"

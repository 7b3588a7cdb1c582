"""What the supervisor does when its processes die, with shell scripts in their place."""

import fcntl
import os
import signal
import threading
import time
from pathlib import Path

import pytest

from node import supervisor as supervisor_module
from node.comet.process import Command, identify
from node.home import Home
from node.settings import EngineSettings, FeedSettings, GatewaySettings, LogSettings, Settings, write_settings
from node.supervisor import BACK_OFF_LAST_S, HEALTHY_AFTER_S, BackOff, Group, Supervisor, node_groups, run_node

DEADLINE_S = 60.0


def shell(tmp_path: Path, name: str, script: str) -> Command:
    return Command(name, ["sh", "-c", script], tmp_path / f"{name}.log")


def tend_until(supervisor: Supervisor, condition, what: str) -> None:
    deadline_s = time.monotonic() + DEADLINE_S
    while not condition():
        assert time.monotonic() < deadline_s, what
        supervisor.tend()
        time.sleep(0.01)


def test_back_off_doubles_up_to_a_bound_and_forgets_after_a_good_run() -> None:
    back_off = BackOff()
    delays = [back_off.after_run(0.1) for _ in range(10)]
    assert delays[:3] == [0.25, 0.5, 1.0]
    assert delays[-1] == BACK_OFF_LAST_S
    assert back_off.after_run(HEALTHY_AFTER_S) == 0.25


def test_a_group_whose_member_dies_is_taken_down_and_started_again_in_order(tmp_path: Path) -> None:
    lines: list[str] = []
    group = Group("core", [shell(tmp_path, "first", "exec sleep 600"), shell(tmp_path, "second", "exec sleep 600")])
    supervisor = Supervisor(tmp_path, [group], lines.append)
    try:
        supervisor.tend()
        before = [identify(child.pid) for child in group.children]
        group.children[0].process.kill()
        tend_until(supervisor, lambda: not group.children, "the group was not taken down")
        assert not any(one.is_alive() for one in before if one)
        tend_until(supervisor, lambda: len(group.children) == 2, "the group was not started again")
        assert "first ended with SIGKILL" in lines[0]
        assert (tmp_path / "second.pid").read_text().strip() == str(group.children[1].pid)
    finally:
        supervisor.stop()
    assert list(tmp_path.glob("*.pid")) == []


def test_what_hangs_without_the_first_process_is_killed_soon(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(supervisor_module, "ORPHAN_PATIENCE_S", 0.05)
    monkeypatch.setattr(supervisor_module, "STOP_PATIENCE_S", 600.0)
    group = Group("core", [shell(tmp_path, "first", "exec sleep 600"),
                           shell(tmp_path, "deaf", "trap '' TERM; echo deaf; while :; do sleep 0.1; done")])
    supervisor = Supervisor(tmp_path, [group], lambda line: None)
    try:
        supervisor.tend()
        tend_until(supervisor, lambda: (tmp_path / "deaf.log").read_text() == "deaf\n", "it did not start")
        deaf = identify(group.children[1].pid)
        group.children[0].process.kill()
        tend_until(supervisor, lambda: not group.children, "the group was not taken down")
        assert deaf
        assert not deaf.is_alive()
    finally:
        for child in group.children:
            child.process.kill()
        supervisor.stop()


def test_a_signal_ends_the_run(tmp_path: Path) -> None:
    supervisor = Supervisor(tmp_path, [], lambda line: None)
    before = signal.signal(signal.SIGUSR1, lambda *_: supervisor.stopping.set())
    looks = 0

    def look() -> None:
        nonlocal looks
        looks += 1
        if looks == 3:
            signal.raise_signal(signal.SIGUSR1)

    try:
        supervisor.run(look)
    finally:
        signal.signal(signal.SIGUSR1, before)
    assert looks == 3


def test_the_second_process_waits_for_the_first_one_to_listen(tmp_path: Path) -> None:
    ready = tmp_path / "ready"
    first = shell(tmp_path, "first", f"sleep 0.3; touch {ready}; exec sleep 600")
    second = shell(tmp_path, "second", f"test -e {ready} && echo in order; exec sleep 600")
    ready.touch()  # left behind by an earlier run: must not count
    group = Group("core", [first, second], ready_files={"first": ready})
    supervisor = Supervisor(tmp_path, [group], lambda line: None)
    try:
        supervisor.tend()
        tend_until(supervisor, lambda: (tmp_path / "second.log").read_text() == "in order\n", "started too early")
    finally:
        supervisor.stop()


def test_a_process_that_takes_very_long_to_listen_is_not_left_alone(
        tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(supervisor_module, "ENGINE_READY_S", 0.05)
    commands = [shell(tmp_path, "first", "exec sleep 600"), shell(tmp_path, "second", "exec sleep 600")]
    group = Group("core", commands, ready_files={"first": tmp_path / "never"})
    supervisor = Supervisor(tmp_path, [group], lambda line: None)
    try:
        supervisor.tend()
        assert len(group.children) == 2
    finally:
        supervisor.stop()


def test_other_groups_do_not_notice_a_death(tmp_path: Path) -> None:
    steady = Group("steady", [shell(tmp_path, "steady", "exec sleep 600")])
    weak = Group("weak", [shell(tmp_path, "weak", "exit 1")])
    supervisor = Supervisor(tmp_path, [steady, weak], lambda line: None)
    try:
        supervisor.tend()
        pid = steady.children[0].pid
        tend_until(supervisor, lambda: weak.back_off.delay_s >= 0.5, "weak did not die twice")
        assert steady.children[0].pid == pid
    finally:
        supervisor.stop()


def test_run_stops_everything_when_told(tmp_path: Path) -> None:
    group = Group("one", [shell(tmp_path, "one", "exec sleep 600")])
    supervisor = Supervisor(tmp_path, [group], lambda line: None)
    seen = []

    def stop_soon() -> None:
        deadline_s = time.monotonic() + DEADLINE_S
        while not group.children and time.monotonic() < deadline_s:
            time.sleep(0.01)
        seen.extend(identify(child.pid) for child in group.children)
        supervisor.stopping.set()

    stopper = threading.Thread(target=stop_soon)
    stopper.start()
    supervisor.run()
    stopper.join()
    assert len(seen) == 1
    assert not seen[0].is_alive()


def test_a_node_runs_what_its_settings_say(tmp_path: Path) -> None:
    home = Home.at(tmp_path)
    quiet = node_groups(home, Settings(gateway=GatewaySettings(listen="")))
    full = node_groups(home, Settings(feeds=[FeedSettings("BTC/USD", ["walk:1"])]))
    assert [group.name for group in quiet] == ["engine and cometbft"]
    assert [group.name for group in full] == ["engine and cometbft", "gateway", "feeder"]
    assert [command.name for command in full[0].commands] == ["engine", "cometbft"]
    pruned = node_groups(home, Settings(engine=EngineSettings(keep_blocks=500)))
    assert pruned[0].commands[0].arguments[-2:] == ["--keep-blocks", "500"]
    in_json = node_groups(home, Settings(logs=LogSettings("json"), feeds=[FeedSettings("BTC/USD", ["walk:1"])]))
    ours = [command for group in in_json for command in group.commands if command.name != "cometbft"]
    assert all(" ".join(command.arguments).count("--log-format json") == 1 for command in ours)
    assert in_json[0].commands[1].environment["CMT_LOG_FORMAT"] == "json"


def test_a_home_runs_once(tmp_path: Path) -> None:
    home = Home.at(tmp_path)
    home.create()
    write_settings(home, Settings())
    with open(home.run / "lock", "w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        with pytest.raises(BlockingIOError, match="runs already"):
            run_node(home, Settings(), lambda line: None)
    assert identify(os.getpid())

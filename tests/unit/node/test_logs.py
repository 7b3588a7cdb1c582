"""Logs: every line of a process is of one kind, whoever wrote it."""

import json
import subprocess
import sys
from typing import Any

import pytest

# Our own lines, one with what JSON has no word for; the standard library's; a warning; errors that nobody caught.
PROGRAM = """
import logging, sys, threading, warnings
import structlog
from node.logs import configure_logs

configure_logs("info", sys.argv[1], "engine")
log = structlog.get_logger("engine")
log.info("block", height=3, app_hash=b"\\x01", event_time=1.5)
log.debug("not shown")
try:
    1 / 0
except ZeroDivisionError:
    log.exception("it failed")
logging.getLogger("asyncio").error("a task of %s", "two\\nlines")
warnings.warn("beware")
thread = threading.Thread(target=lambda: [][1])
thread.start()
thread.join()
raise KeyError("the end")
"""
EVENTS = ["block", "it failed", "a task of two\nlines", "beware", "an error that nobody caught",
          "an error that nobody caught"]


def lines_of(log_format: str) -> list[str]:
    done = subprocess.run([sys.executable, "-c", PROGRAM, log_format], capture_output=True, text=True)
    assert done.returncode == 1
    assert done.stdout == ""
    return done.stderr.splitlines()


@pytest.fixture(scope="module")
def objects() -> list[dict[str, Any]]:
    return [json.loads(line) for line in lines_of("json")]


def test_every_line_is_an_object_with_time_level_process_and_event(objects: list[dict[str, Any]]) -> None:
    for one in objects:
        assert list(one)[:4] == ["time", "level", "process", "event"]
        assert one["time"].endswith("Z")
        assert one["process"] == "engine"
    assert [one["level"] for one in objects] == ["info", "error", "error", "warning", "critical", "critical"]
    for one, event in zip(objects, EVENTS, strict=True):
        assert event in one["event"]


def test_fields_keep_their_names_and_errors_their_trace(objects: list[dict[str, Any]]) -> None:
    assert (objects[0]["height"], objects[0]["app_hash"]) == (3, "b'\\x01'")
    assert "ZeroDivisionError" in objects[1]["exception"]
    assert objects[2]["logger"] == "asyncio"
    assert "IndexError" in objects[4]["exception"]
    assert "KeyError: 'the end'" in objects[5]["exception"]


def test_lines_for_people_have_the_same(objects: list[dict[str, Any]]) -> None:
    text = "\n".join(lines_of("console"))
    assert "[info     ] block" in text and "height=3" in text
    for event in EVENTS:
        assert event in text
    assert "Traceback" in text

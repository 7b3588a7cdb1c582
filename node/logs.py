"""How the processes of a node log: lines for people, or an object a line for machines."""

import json
import logging
import sys
import threading
from collections.abc import MutableMapping
from typing import Any

import structlog

FIRST = ("time", "level", "process", "event")


def configure_logs(level: str, log_format: str = "console", process: str = "") -> None:
    """Lines on standard error: time in UTC, level, event and named fields; as `key=value`, or as JSON with `process`.

    What libraries log, and errors that nobody caught, come out in the same way.
    """
    in_json = log_format == "json"
    processors: list[Any] = [structlog.processors.add_log_level,
                             structlog.processors.TimeStamper(fmt="iso", utc=True, key="time")]
    if in_json:
        processors += [structlog.processors.format_exc_info, _Named(process), structlog.processors.JSONRenderer(_dumps)]
    else:
        processors.append(structlog.dev.ConsoleRenderer(
            colors=sys.stderr.isatty(), exception_formatter=structlog.dev.plain_traceback, timestamp_key="time"))
    structlog.configure(
        processors=processors,
        wrapper_class=structlog.make_filtering_bound_logger(logging.getLevelNamesMapping()[level.upper()]),
        logger_factory=structlog.PrintLoggerFactory(sys.stderr),
        cache_logger_on_first_use=True,
    )
    logging.basicConfig(handlers=[_Forward()], level=logging.WARNING, force=True)
    logging.captureWarnings(True)
    sys.excepthook = lambda kind, error, trace: _uncaught(error)
    threading.excepthook = lambda told: _uncaught(told.exc_value)


class _Named:
    """Puts first what every line has, and which process it is."""

    def __init__(self, process: str) -> None:
        self._process = process

    def __call__(self, _: object, __: str, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
        event["process"] = self._process
        return {name: event.pop(name) for name in FIRST} | dict(sorted(event.items()))


class _Forward(logging.Handler):
    """What is logged through the standard library."""

    def emit(self, record: logging.LogRecord) -> None:
        structlog.get_logger(record.name).log(record.levelno, record.getMessage(), logger=record.name,
                                              exc_info=record.exc_info or None)


def _uncaught(error: BaseException | None) -> None:
    if isinstance(error, KeyboardInterrupt):
        return
    structlog.get_logger("process").critical("an error that nobody caught", exc_info=error)


def _dumps(event: Any, **_: Any) -> str:
    return json.dumps(event, default=repr)

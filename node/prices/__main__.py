"""The feeder process of a node: `python -m node.prices --home H`, until SIGTERM or SIGINT."""

import argparse
import asyncio
import contextlib
import signal
import sys

import structlog

from node.home import Home
from node.logs import configure_logs
from node.prices.feeder import Feeder
from node.settings import LOG_FORMATS, SettingsError, read_settings

log = structlog.get_logger("prices")


async def serve(feeder: Feeder, home: Home) -> None:
    """Run until a signal comes. Raises ExceptionGroup when the feeder cannot go on."""
    work = asyncio.ensure_future(feeder.run(home))
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, work.cancel)
    with contextlib.suppress(asyncio.CancelledError):
        await work


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m node.prices", description="the price feeder of one Novation node")
    parser.add_argument("--home", required=True, help="the node's home folder")
    parser.add_argument("--log-format", default="console", choices=LOG_FORMATS)
    options = parser.parse_args()
    home = Home.at(options.home)
    configure_logs("info", options.log_format, "feeder")
    try:
        feeder = Feeder(read_settings(home))
        asyncio.run(serve(feeder, home))
    except (SettingsError, ValueError, ExceptionGroup) as error:
        log.critical("the feeder cannot run", reason=_reason(error))
        sys.exit(1)


def _reason(error: Exception) -> str:
    while isinstance(error, ExceptionGroup):
        error = error.exceptions[0]
    return str(error) or repr(error)


if __name__ == "__main__":
    main()

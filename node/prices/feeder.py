"""The price feeder of a node: what every feed is worth now, several times a second, handed to the engine.

Feeders of a network observe at the same moments of wall time, whole multiples of the interval, so that those that
replay one file see the same prices.
"""

import asyncio
import time
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal, InvalidOperation

import structlog

from app.options.rules import schedule
from node.home import Home
from node.prices.behaviour import behaviour
from node.prices.exchanges import Exchanges
from node.prices.observation import Observation, Pillar
from node.prices.push import Pusher
from node.prices.smile import smile
from node.prices.sources import Feed, SourceError, build_feeds, prices_of
from node.settings import DATES, Settings, SurfaceSettings

log = structlog.get_logger("prices")

INTERVAL_MS_MIN = 10
TELL_NS = 60 * 10**9


class Feeder:
    """What the settings say to observe. Raises SourceError, PricesError or ValueError for settings that cannot be."""

    def __init__(self, settings: Settings, exchanges: Exchanges | None = None) -> None:
        prices = settings.prices
        if prices.interval_ms < INTERVAL_MS_MIN:
            raise SourceError(f"[prices] interval_ms must be at least {INTERVAL_MS_MIN}")
        self.exchanges = exchanges or Exchanges()
        self.feeds: list[Feed] = build_feeds(prices, settings.feeds, self.exchanges)
        self._seed = prices.seed
        self._interval_ns = prices.interval_ms * 1_000_000
        self._surfaces = [_surface(one) for one in settings.surfaces]
        self._behave = behaviour(prices.behaviour, prices.noise_ppm, prices.noise_seed)
        self._told_ns = 0

    def observe(self, now_ns: int) -> Observation:
        """What is true now, as far as it can be known."""
        return Observation(now_ns, prices_of(self.feeds, now_ns), self._pillars(now_ns))

    def _pillars(self, now_ns: int) -> dict[str, tuple[Pillar, ...]]:
        return {one.symbol: smile(f"{self._seed}/{one.symbol}", one.volatility, one.expiries_ns(now_ns), now_ns)
                for one in self._surfaces}

    async def run(self, home: Home) -> None:
        """Observe and hand over for ever, whether the engine runs or not. Cancel it to end."""
        pusher = Pusher(home.prices_socket)
        try:
            async with asyncio.TaskGroup() as group:
                group.create_task(self.exchanges.run())
                group.create_task(self._push(pusher))
        finally:
            pusher.close()

    async def _push(self, pusher: Pusher) -> None:
        while True:
            await asyncio.sleep((self._interval_ns - time.time_ns() % self._interval_ns) / 1e9)
            now_ns = time.time_ns()
            seen = self.observe(now_ns - now_ns % self._interval_ns)
            self._tell(seen)
            said = self._behave(seen)
            if said is not None:
                await pusher.push(said)

    def _tell(self, seen: Observation) -> None:
        """A line a minute."""
        if seen.time_ns - self._told_ns >= TELL_NS:
            self._told_ns = seen.time_ns
            absent = [feed.symbol for feed in self.feeds if feed.symbol not in seen.prices]
            log.info("prices", **{symbol: f"{price:.8g}" for symbol, price in seen.prices.items()}, absent=absent)


@dataclass(frozen=True, slots=True)
class MadeUp:
    """What to say of the volatility of one underlying."""

    symbol: str
    volatility: Decimal
    fixed_ns: tuple[int, ...]
    dates: tuple[int, ...]  # the terms of app.options.rules.schedule

    def expiries_ns(self, now_ns: int) -> list[int]:
        """Those that were given, and those that the chain lists ahead of a time."""
        listed = schedule(now_ns // 10**9, *self.dates)
        return sorted({*self.fixed_ns, *(expiry_s * 10**9 for expiry_s, _ in listed)})


def _surface(settings: SurfaceSettings) -> MadeUp:
    where = f"[[surfaces]] {settings.symbol}"
    try:
        volatility = Decimal(settings.volatility_percent) / 100
        moments = [datetime.fromisoformat(text.replace("Z", "+00:00")) for text in settings.expiries]
    except (InvalidOperation, ValueError) as error:
        raise SourceError(f"{where}: {error}") from error
    if not 0 < volatility <= 10:
        raise SourceError(f"{where}: volatility_percent must be above 0, at most 1000")
    fixed = tuple(int((one if one.tzinfo else one.replace(tzinfo=UTC)).timestamp()) * 10**9 for one in moments)
    dates = tuple(getattr(settings, name) for name in DATES)
    if min(dates) < 0:
        raise SourceError(f"{where}: {', '.join(DATES)} must be at least 0")
    return MadeUp(settings.symbol, volatility, fixed, dates)

"""The screen over a real devchain, driven by textual's own pilot."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable, Iterable
from typing import Any

import pytest
from textual import events
from textual.keys import _character_to_key
from textual.pilot import Pilot
from textual.widgets import Static

from client.client import NovationClient
from node.keys.dev import dev_key
from node.tui.app import Top
from node.tui.panel import Panel
from novation.testing import Chain

DEADLINE_SECONDS = 30.0


class Screen:
    """What a person has: eyes and a keyboard."""

    def __init__(self, app: Top, pilot: Pilot[None]) -> None:
        self.app = app
        self.pilot = pilot

    def text(self, part: str) -> str:
        """What a panel or line shows, by its id, in the window on top or below."""
        for screen in reversed(self.app.screen_stack):
            for found in screen.query(f"#{part}"):
                return str(found.render()) if isinstance(found, (Panel, Static)) else str(found.value)
        return ""

    def title(self, part: str) -> str:
        """The title of a panel."""
        return str(self.app.screen_stack[0].query_one(f"#{part}").border_title)

    async def until(self, part: str, *wanted: str) -> str:
        """What a part shows, once it shows all that is wanted."""
        return await self.when(lambda: all(one in self.text(part) for one in wanted),
                               lambda: f"{part} shows {self.text(part)!r}, not {wanted}") and self.text(part)

    async def when(self, look: Callable[[], Any], otherwise: Callable[[], str]) -> bool:
        """Wait until something is so."""
        deadline = time.monotonic() + DEADLINE_SECONDS
        while not look():
            if time.monotonic() > deadline:
                raise AssertionError(otherwise())
            await self.pilot.pause(0.02)
        return True

    async def press(self, *keys: str) -> None:
        """Keys one after the other; `type:TEXT` types a text. Without the pilot's wait for an idle process: the chain
        lives in this one.
        """
        for one in typed(keys):
            self.burst(one)
            await self.pilot.pause(0.01)

    def burst(self, *keys: str) -> None:
        """All at once."""
        for one in typed(keys):
            name = _character_to_key(one) if len(one) == 1 else one
            self.app.post_message(events.Key(name, one if len(one) == 1 else None))

    async def ticket(self, key: str, size: str, price: str, *kind: str) -> None:
        """Open the ticket by a key and write an order, up to its review; `kind` are keys pressed in between."""
        await self.press(key)
        await self.when(lambda: self.app.focused is not None and self.app.focused.id == "size", lambda: "no ticket")
        words = [*([f"type:{size}"] if size else []), *(["tab", f"type:{price}"] if price else [])]
        await self.press(*kind, *words, "enter")

    async def sign(self) -> None:
        """Press Enter in the review once it says that this signs."""
        def offered() -> bool:
            return any("Enter sign" in str(window.border_subtitle) for window in self.app.screen.query(".window"))

        await self.when(offered, lambda: "no review that may be signed")
        await self.press("enter")


def typed(keys: Iterable[str]) -> list[str]:
    """Keys, with each text as its characters."""
    return [one for key in keys for one in (key.removeprefix("type:") if key.startswith("type:") else [key])]


Steps = Callable[[Screen], Awaitable[None]]
Show = Callable[..., None]


@pytest.fixture
def chain(devchain: Chain) -> Chain:
    """A fresh chain."""
    return devchain


@pytest.fixture
def show(chain: Chain) -> Show:
    """`show(steps, key="alice", size=(80, 24))`: the screen of a key, "" for none, while `steps` run."""
    quote(chain)

    def run(steps: Steps, *, key: str = "alice", owner: str = "", size: tuple[int, int] = (80, 24),
            market: str = "BTC-PERP", theme: str = "dark") -> None:
        async def session() -> None:
            client = NovationClient(chain.address, dev_key(key) if key else None,
                                    owner=dev_key(owner).owner if owner else b"")
            async with client:
                who = owner or key
                app = Top(client, await client.find(market), f"{who}/0" if who else "", theme=theme)
                async with app.run_test(size=size) as pilot:
                    screen = Screen(app, pilot)
                    await screen.when(lambda: app.view.book and app.view.status and (app.view.account or not who),
                                      lambda: "nothing comes")
                    await steps(screen)

        asyncio.run(session())

    return run


def quote(chain: Chain) -> None:
    """Three levels on each side, and a trade."""
    maker = chain.client("maker-0")
    for place, (bid, ask) in enumerate((("45990", "46010"), ("45980", "46020"), ("45970", "46030"))):
        maker.place("BTC-PERP", "sell", f"0.{place + 1}", ask, time_in_force="post_only")
        maker.place("BTC-PERP", "buy", f"0.{place + 1}", bid, time_in_force="post_only")
    chain.client("taker-0").place("BTC-PERP", "buy", "0.05", "46010")

"""A titled part of the screen that is drawn by a function of the view."""

from __future__ import annotations

from collections.abc import Callable

from rich.text import Text
from textual.widget import Widget

from node.tui.view import View
from node.tui.words import Palette

Draw = Callable[[View, Palette, int, int], list[Text]]
"""Lines for so many columns and rows; lines beyond are not shown."""


class Panel(Widget):
    """Redrawn by `refresh`. The title stands in the border, where the style sheet puts it."""

    def __init__(self, view: View, draw: Draw, title: str | Callable[[View], str], **settings: str) -> None:
        super().__init__(**settings)
        self._view = view
        self._draw = draw
        self._title = title
        self._shown: list[Text] | None = None

    def redraw(self) -> None:
        """The view has changed: draw again if that shows. Making lines is cheap, bringing them to the screen is not."""
        self.border_title = self._title if isinstance(self._title, str) else self._title(self._view)
        if self._drawn() != self._shown:
            self.refresh()

    def on_mount(self) -> None:
        self.redraw()

    def _drawn(self) -> list[Text]:
        width, height = self.size
        lines = self._draw(self._view, Palette.of(self.app.theme_variables), width, height)[:height]
        for line in lines:
            line.truncate(width, overflow="ellipsis")
        return lines

    def render(self) -> Text:
        self._shown = self._drawn()
        return Text("\n", no_wrap=True).join(self._shown)

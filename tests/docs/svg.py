"""A little SVG: boxes, words, lines, in colours that stand for how deep a domain lies. Same input, same bytes."""

import textwrap
from xml.sax.saxutils import escape

SANS = "ui-sans-serif, 'Segoe UI', Helvetica, Arial, sans-serif"
MONO = "ui-monospace, Menlo, Consolas, 'DejaVu Sans Mono', monospace"
INK, PALE, PAPER, RULE = "#1f2933", "#61707f", "#ffffff", "#d5dce3"
SANS_WIDTH, MONO_WIDTH = 0.52, 0.605  # of a character, in its size: near enough to place words
TOP_HUE, BOTTOM_HUE = 8, 232  # of the uppermost layer, red, and the lowest, blue


class Drawing:
    """Shapes in the order in which they are painted."""

    def __init__(self, width: int, title: str) -> None:
        self.width, self.height, self.title = width, 0, title
        self.shapes: list[str] = []

    def box(self, x: int, y: int, width: int, height: int, fill: str = PAPER, stroke: str = RULE,
            radius: int = 5) -> None:
        """A rectangle with round corners."""
        self.shapes.append(f'<rect x="{x}" y="{y}" width="{width}" height="{height}" rx="{radius}" fill="{fill}" '
                           f'stroke="{stroke}"/>')
        self.height = max(self.height, y + height)

    def words(self, x: int, y: int, text: str, size: int = 13, *, fill: str = INK, mono: bool = False,
              bold: bool = False, anchor: str = "start", turned: bool = False) -> None:
        """One line of text; `y` is its foot. `turned` reads upwards."""
        style = f'font-family="{MONO if mono else SANS}" font-size="{size}" fill="{fill}"'
        style += ' font-weight="600"' if bold else ""
        style += f' text-anchor="{anchor}"' if anchor != "start" else ""
        style += f' transform="rotate(-90 {x} {y})"' if turned else ""
        self.shapes.append(f'<text x="{x}" y="{y}" {style}>{escape(text)}</text>')
        self.height = max(self.height, y + 4)

    def paragraph(self, x: int, y: int, text: str, width: int, size: int = 13, *, fill: str = INK, mono: bool = False,
                  line: int = 16) -> int:
        """Text in lines of that width; where the next line would stand."""
        for part in lines_of(text, width, size, mono=mono):
            self.words(x, y, part, size, fill=fill, mono=mono)
            y += line
        return y

    def dot(self, x: int, y: int, radius: int, fill: str) -> None:
        """A filled circle."""
        self.shapes.append(f'<circle cx="{x}" cy="{y}" r="{radius}" fill="{fill}"/>')

    def line(self, x1: int, y1: int, x2: int, y2: int, stroke: str = RULE, *, arrow: bool = False) -> None:
        """A straight line, perhaps with a head at its end."""
        head = ' marker-end="url(#head)"' if arrow else ""
        self.shapes.append(f'<line x1="{x1}" y1="{y1}" x2="{x2}" y2="{y2}" stroke="{stroke}" stroke-width="1.5"'
                           f'{head}/>')

    def text(self) -> str:
        """The whole file. White paper, so that it is read on dark pages too."""
        height = self.height + 16
        head = (f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {self.width} {height}" width="{self.width}" '
                f'height="{height}" role="img" aria-label="{escape(self.title)}">')
        marker = ('<defs><marker id="head" viewBox="0 0 8 8" refX="7" refY="4" markerWidth="7" markerHeight="7" '
                  f'orient="auto"><path d="M0 0 L8 4 L0 8 z" fill="{PALE}"/></marker></defs>')
        paper = f'<rect width="{self.width}" height="{height}" rx="8" fill="{PAPER}"/>'
        return "\n".join([head, f"<title>{escape(self.title)}</title>", marker, paper, *self.shapes, "</svg>", ""])


def lines_of(text: str, width: int, size: int, *, mono: bool = False) -> list[str]:
    """The lines that text takes in a width."""
    return textwrap.wrap(text, max(8, int(width / (size * (MONO_WIDTH if mono else SANS_WIDTH)))),
                         break_long_words=False, break_on_hyphens=False)


def fill_of(depth: int, depths: int) -> str:
    """The light colour of a layer; 0 is the uppermost."""
    return f"hsl({_hue(depth, depths)}, 70%, 93%)"


def edge_of(depth: int, depths: int) -> str:
    """The strong colour of a layer."""
    return f"hsl({_hue(depth, depths)}, 55%, 42%)"


def _hue(depth: int, depths: int) -> int:
    return TOP_HUE + (BOTTOM_HUE - TOP_HUE) * depth // max(1, depths - 1)

"""docs/pictures: the state machine as its own code has it. `make docs` draws them anew."""

import re

from app import block, registry
from tests.docs import facts
from tests.docs.facts import Domain, Step
from tests.docs.svg import INK, PALE, PAPER, Drawing, edge_of, fill_of, lines_of

WIDTH = 1000
ROW, CELL, NAME, GRID = 26, 20, 104, 556  # of the layers: height of a row, a cell, a name's box, where cells begin
GAP, MARGIN = 12, 16


def layers() -> str:
    """The domains from top to bottom, and which imports which."""
    found = facts.domains()
    names, depths = list(found), len(facts.layers())
    picture = Drawing(WIDTH, "The domains of the state machine, and which uses which")
    picture.words(MARGIN, 34, "Domains of the state machine", 17, bold=True)
    notes = ("A dot: this row's domain imports that column's, the larger the more of its modules.",
             "None lies left of the diagonal: upper layers know the lower ones, never the other way.")
    for number, note in enumerate(notes):
        picture.words(MARGIN, 56 + 17 * number, note, 12, fill=PALE)
    top = 106
    for place, name in enumerate(names):
        picture.words(GRID + CELL * place + 14, top - 8, name, 11, fill=PALE, turned=True)
    for place, one in enumerate(found.values()):
        layer_row(picture, top + ROW * place, place, one, names, depths)
    return picture.text()


def layer_row(picture: Drawing, y: int, place: int, one: Domain, names: list[str], depths: int) -> None:
    """One domain: its name, what it is, its rules, its row of the matrix."""
    edge = edge_of(one.depth, depths)
    picture.box(MARGIN, y, NAME, ROW - 4, fill_of(one.depth, depths), edge)
    picture.words(MARGIN + 8, y + 16, one.name, 13, bold=True)
    rules = " ".join(one.prefixes)
    about, *more = lines_of(one.about, GRID - MARGIN - NAME - 30 - 7 * len(rules), 12)
    picture.words(MARGIN + NAME + 10, y + 16, re.split(r"[,;][^,;]*$", about)[0] if more else about, 12)
    picture.words(GRID - 10, y + 16, rules, 11, fill=PALE, mono=True, anchor="end")
    for column, other in enumerate(names):
        x = GRID + CELL * column
        if column == place:
            picture.box(x + 1, y + 2, CELL - 2, ROW - 6, edge, edge, 3)
        else:
            picture.box(x + 1, y + 2, CELL - 2, ROW - 6, PAPER if column > place else "#f3f5f7", "#eef1f4", 3)
        if used := one.imports.get(other, 0):
            picture.dot(x + CELL // 2, y + 11, min(7, 2 + used), edge)


def path_of_a_block() -> str:
    """What happens in a block, in its order."""
    depths = {name: one.depth for name, one in facts.domains().items()}
    picture = Drawing(WIDTH, "The path of a block through the state machine")
    picture.words(MARGIN, 34, "The path of a block", 17, bold=True)
    y = band(picture, 52, "CometBFT decides: height, time, transactions in the order of ordering.py",
             "The first transaction is the record of the validators' votes on prices.")
    y = steps(picture, y, "Begin", "what domains do before the transactions, in this order",
              facts.steps(registry.BEGIN_BLOCK), depths)
    y = envelopes(picture, y, depths)
    y = steps(picture, y, "End", "and after them", facts.steps(registry.END_BLOCK), depths)
    band(picture, y, "Invariants, app hash, commit",
         "Money and lots are conserved or the block is not made (INV-001 to INV-008); what changed goes into the tree, "
         "whose root is the app hash of the next header, and in one synced batch into LevelDB.", last=True)
    return picture.text()


def band(picture: Drawing, y: int, title: str, text: str, *, last: bool = False) -> int:
    """A box over the whole width; where the next begins."""
    lines = lines_of(text, WIDTH - 2 * MARGIN - 24, 12)
    height = 34 + 16 * len(lines)
    picture.box(MARGIN, y, WIDTH - 2 * MARGIN, height, "#f3f5f7")
    picture.words(MARGIN + 12, y + 20, title, 13, bold=True)
    for number, line in enumerate(lines):
        picture.words(MARGIN + 12, y + 38 + 16 * number, line, 12, fill=PALE)
    return y + height if last else arrow(picture, y + height)


def arrow(picture: Drawing, y: int) -> int:
    """Down to the next box."""
    picture.line(WIDTH // 2, y + 2, WIDTH // 2, y + 18, PALE, arrow=True)
    return y + 20


def steps(picture: Drawing, y: int, title: str, text: str, found: list[Step], depths: dict[str, int]) -> int:
    """Hooks, numbered, in two columns."""
    width = (WIDTH - 2 * MARGIN - GAP - 24) // 2
    half = (len(found) + 1) // 2
    heights = [34 + 15 * len(lines_of(step.about, width - 44, 12)) for step in found]
    columns = [range(half), range(half, len(found))]
    tall = max(sum(heights[place] + 6 for place in column) for column in columns)
    picture.box(MARGIN, y, WIDTH - 2 * MARGIN, tall + 40)
    picture.words(MARGIN + 12, y + 23, title, 15, bold=True)
    picture.words(MARGIN + 24 + 9 * len(title), y + 23, text, 12, fill=PALE)
    for number, column in enumerate(columns):
        x, at = MARGIN + 12 + number * (width + GAP), y + 34
        for place in column:
            step_box(picture, x, at, width, heights[place], place + 1, found[place], depths)
            at += heights[place] + 6
    return arrow(picture, y + tall + 40)


def step_box(picture: Drawing, x: int, y: int, width: int, height: int, number: int, step: Step,
             depths: dict[str, int]) -> None:
    """One hook: its number, its domain, its name, its rules, what it does."""
    depth, most = depths[step.domain], max(depths.values()) + 1
    picture.box(x, y, width, height, fill_of(depth, most), edge_of(depth, most))
    picture.dot(x + 18, y + 18, 11, edge_of(depth, most))
    picture.words(x + 18, y + 22, str(number), 11, fill=PAPER, bold=True, anchor="middle")
    picture.words(x + 36, y + 21, f"{step.domain}.{step.name}", 12, mono=True, bold=True)
    first = step.rules.split(",")[0].split(" to ")[0]
    picture.words(x + width - 8, y + 21, first, 10, fill=PALE, mono=True, anchor="end")
    picture.paragraph(x + 36, y + 38, step.about, width - 44, 12, fill=INK, line=15)


def envelopes(picture: Drawing, y: int, depths: dict[str, int]) -> int:
    """What becomes of each envelope, and the actions by their domains."""
    stages = [(hook.__name__, facts.clause(hook)[1]) for hook in (
        block.admit, block.begin_envelope, block.run_actions, block.settle_fee)]
    groups: dict[str, list[str]] = {}
    for kind, handler in registry.ACTIONS.items():
        groups.setdefault(facts.domain_of(handler.__module__), []).append(kind)
    top, width = y, (WIDTH - 2 * MARGIN - 24 - 3 * GAP) // 4
    lines = [lines_of(text, width - 16, 12) for _, text in stages]
    tall = 30 + 15 * max(map(len, lines))
    names = {name: lines_of(", ".join(kinds), WIDTH - 2 * MARGIN - 160, 12, mono=True)
             for name, kinds in groups.items()}
    height = 34 + tall + 34 + sum(16 * len(part) + 8 for part in names.values()) + 4
    picture.box(MARGIN, top, WIDTH - 2 * MARGIN, height)
    picture.words(MARGIN + 12, y + 23, "Envelopes", 15, bold=True)
    picture.words(MARGIN + 108, y + 23, "one after the other, each with exactly one outcome", 12, fill=PALE)
    for number, (name, _) in enumerate(stages):
        x = MARGIN + 12 + number * (width + GAP)
        picture.box(x, y + 34, width, tall, "#f3f5f7")
        picture.words(x + 8, y + 53, name, 12, mono=True, bold=True)
        for place, line in enumerate(lines[number]):
            picture.words(x + 8, y + 70 + 15 * place, line, 12)
        if number:
            picture.line(x - GAP + 1, y + 34 + tall // 2, x - 1, y + 34 + tall // 2, PALE, arrow=True)
    at = y + 34 + tall + 14
    picture.words(MARGIN + 12, at + 10, "Actions, by the domain that handles them", 12, fill=PALE)
    at += 20
    for name in sorted(names, key=lambda name: depths[name]):
        edge, most = edge_of(depths[name], max(depths.values()) + 1), max(depths.values()) + 1
        picture.box(MARGIN + 12, at, 104, 20, fill_of(depths[name], most), edge)
        picture.words(MARGIN + 20, at + 14, name, 12, bold=True)
        for place, line in enumerate(names[name]):
            picture.words(MARGIN + 128, at + 14 + 16 * place, line, 12, mono=True)
        at += 16 * len(names[name]) + 8
    return arrow(picture, top + height)


def contents() -> str:
    """A card for each domain: what it is, its records, its actions, its events."""
    found = [one for one in facts.domains().values() if one.prefixes]
    depths = max(one.depth for one in found) + 3  # as deep as in the picture of layers, kernel and store included
    picture = Drawing(WIDTH, "What each domain keeps, does and tells")
    picture.words(MARGIN, 34, "What each domain keeps, does and tells", 17, bold=True)
    columns, y = 3, 52
    width = (WIDTH - 2 * MARGIN - (columns - 1) * GAP) // columns
    for first in range(0, len(found), columns):
        row = found[first : first + columns]
        tall = max(card(None, 0, 0, width, one, depths) for one in row)
        for number, one in enumerate(row):
            x = MARGIN + number * (width + GAP)
            picture.box(x, y, width, tall, PAPER, edge_of(one.depth, depths))
            card(picture, x, y, width, one, depths)
        y += tall + GAP
    return picture.text()


def card(picture: Drawing | None, x: int, y: int, width: int, one: Domain, depths: int) -> int:
    """Draw a domain's card, or only say how tall it is."""
    parts = [("", [one.about], False), ("records", one.tables, True), ("actions", one.actions, True),
             ("events", one.events, True)]
    if picture:
        picture.box(x, y, width, 26, fill_of(one.depth, depths), edge_of(one.depth, depths))
        picture.words(x + 10, y + 18, one.name, 14, bold=True)
        picture.words(x + width - 10, y + 18, " ".join(one.prefixes), 11, fill=PALE, mono=True, anchor="end")
    at = y + 44
    for title, words, mono in parts:
        if not words:
            continue
        if title and picture:
            picture.words(x + 10, at, title, 11, fill=PALE)
        left = 66 if title else 10
        for line in lines_of(", ".join(words), width - left - 10, 11 if mono else 12, mono=mono):
            if picture:
                picture.words(x + left, at, line, 11 if mono else 12, mono=mono)
            at += 15
        at += 4
    return at - y - 4


PICTURES = {"layers.svg": layers, "block.svg": path_of_a_block, "domains.svg": contents}

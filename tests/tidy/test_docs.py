"""Docs are true: what is made from the code is what the code gives, and links lead somewhere."""

import re
import subprocess
from collections.abc import Callable
from pathlib import Path
from xml.etree import ElementTree

import pytest

from app import registry
from tests.docs import facts
from tests.docs.made import make_all, stale
from tests.docs.pictures import PICTURES
from tests.docs.rules import Place, definitions, first_sentence, statements, told
from tests.docs.svg import SANS_WIDTH, Drawing
from tests.tidy.shape import PROJECT

LINK = re.compile(r"!?\[[^\]]*\]\(([^)\s#]+)[^)]*\)")
FENCED = re.compile(r"^```.*?^```", re.MULTILINE | re.DOTALL)
SVG = "{http://www.w3.org/2000/svg}"


@pytest.fixture(scope="module")
def texts() -> dict[str, str]:
    """What the code gives now."""
    return make_all()


def test_what_is_made_from_the_code_is_up_to_date(texts: dict[str, str]) -> None:
    """The pictures and the index of rules. When this fails: `make docs`, look at what changed, commit it."""
    old = stale(texts)
    assert not old, f"{', '.join(old)}: not what the code gives now; `make docs` writes them anew"


def test_a_file_that_says_something_else_is_found(texts: dict[str, str], tmp_path: Path) -> None:
    """One that is missing, and one in which a word differs."""
    assert stale(texts, tmp_path) == list(texts)
    for name, text in texts.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(text.replace("Matching walks", "Matching runs"), encoding="utf-8")
    assert stale(texts, tmp_path) == ["docs/rules.md"]


def test_pictures_follow_the_code(monkeypatch: pytest.MonkeyPatch) -> None:
    """Hooks in another order, another picture; another action, another card."""
    block = PICTURES["block.svg"]()
    monkeypatch.setattr(registry, "BEGIN_BLOCK", tuple(reversed(registry.BEGIN_BLOCK)))
    monkeypatch.setitem(registry.ACTIONS, "place_nothing", registry.ACTIONS["place_order"])
    assert PICTURES["block.svg"]() != block and "place_nothing" not in block
    assert "place_nothing" in PICTURES["domains.svg"]()


def test_facts_are_the_codes() -> None:
    """Every domain, action, table and hook has its place."""
    found = facts.domains()
    assert {kind for one in found.values() for kind in one.actions} == set(registry.ACTIONS)
    alone = {name for name, domain in facts.table_domains().items() if not domain}
    assert {name for one in found.values() for name in one.tables} | alone == set(registry.TABLES)
    assert alone == {"params", "clock"}
    assert "margin" in found["book"].imports and "book" not in found["margin"].imports
    assert "Filled" in found["book"].events and len(facts.steps(registry.END_BLOCK)) == len(registry.END_BLOCK)
    assert all(step.about and step.rules for step in facts.steps(registry.BEGIN_BLOCK + registry.END_BLOCK))


@pytest.mark.parametrize("name", PICTURES)
def test_words_stay_inside_of_a_picture(texts: dict[str, str], name: str) -> None:
    """Well-formed, and nothing is cut off at its right edge."""
    tree = ElementTree.fromstring(texts[f"docs/pictures/{name}"])
    width = int(tree.attrib["width"])
    words = [one for one in tree.iter(f"{SVG}text") if "transform" not in one.attrib]
    assert len(words) > 40
    for one in words:
        length = len(one.text or "") * int(one.attrib["font-size"]) * SANS_WIDTH
        begins = int(one.attrib["x"]) - (length if one.attrib.get("text-anchor") == "end" else 0)
        assert begins >= 0 and begins + length <= width, one.text


def test_a_drawing_is_as_tall_as_what_it_holds() -> None:
    """And says what it shows."""
    drawing = Drawing(100, "A & B")
    drawing.box(0, 0, 10, 40)
    drawing.words(5, 90, "<low>")
    tree = ElementTree.fromstring(drawing.text())
    assert int(tree.attrib["height"]) > 90 and tree.attrib["aria-label"] == "A & B"


SOURCE = '''"""BOOK-001."""
X = 1  # BOOK-002


class Thing:
    """BOOK-003."""

    def act(self) -> None:
        """BOOK-004."""


def do() -> None:
    """BOOK-005."""
'''


def test_rules_are_found_where_they_are_cited() -> None:
    """In the module, a class, a method, a function: each once."""
    texts = dict(definitions(SOURCE))
    assert set(texts) == {"", "Thing", "Thing.act", "do"}
    for name, code in (("", "BOOK-002"), ("Thing", "BOOK-003"), ("Thing.act", "BOOK-004"), ("do", "BOOK-005")):
        assert [other for other, text in texts.items() if code in text] == [name]


def test_a_rule_in_one_line() -> None:
    """Its first sentence, up to the next rule or paragraph; places of its own domain first, the rest counted."""
    text = ("## X\n- **BOOK-001** One rule that\n  is long 0.5 and. Goes on.\n- **BOOK-002** Short. More [words](a.md) "
            "follow.\n\nText")
    assert dict(statements(text)) == {"BOOK-001": "One rule that is long 0.5 and. Goes on.",
                                      "BOOK-002": "Short. More words follow."}
    assert first_sentence("One rule that is long 0.5 and. Goes on.") == "One rule that is long 0.5 and."
    assert first_sentence("Short. More words follow it. And more.") == "Short. More words follow it."
    found = [Place("app/margin/state.py", "a"), Place("app/book/rules.py", "b"), Place("app/book/rules.py", "")]
    assert told(found, "app/book/") == ("[book/rules.py](../app/book/rules.py) `b`, "
                                        "[margin/state.py](../app/margin/state.py) `a`")
    assert told([Place("app/x.py", str(number)) for number in range(9)]).endswith("and 5 more")


def test_the_index_names_function_and_test(texts: dict[str, str]) -> None:
    """Of a rule that everybody knows."""
    (line,) = [line for line in texts["docs/rules.md"].splitlines() if line.startswith("| [BOOK-005]")]
    assert "Matching walks" in line and "`plan_match`" in line and "`test_book_005" in line


def tracked(pattern: str) -> list[Path]:
    """Files of the repository."""
    done = subprocess.run(["git", "ls-files", "-co", "--exclude-standard", pattern], cwd=PROJECT, capture_output=True,
                          text=True, check=True)
    return [PROJECT / line for line in done.stdout.splitlines() if (PROJECT / line).exists()]


def broken(page: Path, text: str, is_there: Callable[[Path], bool] = Path.exists) -> list[str]:
    """Links of a page to files that are not there."""
    return [link for link in LINK.findall(FENCED.sub("", text)) if "://" not in link and not link.startswith("mailto:")
            and not is_there(page.parent / link)]


def test_links_lead_somewhere() -> None:
    """Of every page, pictures included."""
    pages = tracked("*.md")
    assert len(pages) > 30
    lost = {str(page.relative_to(PROJECT)): found for page in pages
            if (found := broken(page, page.read_text(encoding="utf-8")))}
    assert not lost
    text = "[a](nowhere.md) ![b](docs/no.svg) [c](https://x.y) [d](docs/trader.md#x)\n```\nx[0](y)\n```\n"
    assert broken(PROJECT / "README.md", text) == ["nowhere.md", "docs/no.svg"]

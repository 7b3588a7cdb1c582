"""What `novation start` says while it catches up, and when the chain stands."""

from node.cli.heights import HeightReporter
from node.comet.rpc import CometStatus


def status(height: int, catching_up: bool = False) -> CometStatus:
    return CometStatus("id", "me", "c", height, "", "", catching_up, "", 10)


class Story:
    """A reporter with a clock and a node of the test's own."""

    def __init__(self) -> None:
        self.now_s = 100.0
        self.answer: CometStatus | None = None
        self.said: list[str] = []
        self.reporter = HeightReporter(lambda: self.answer, self.said.append, clock=lambda: self.now_s)

    def after(self, seconds: float, answer: CometStatus | None) -> list[str]:
        self.now_s += seconds
        self.answer = answer
        before = len(self.said)
        self.reporter()
        return self.said[before:]


def test_progress_is_said_while_it_catches_up_and_once_when_it_has() -> None:
    story = Story()
    assert story.after(5, None) == []
    assert story.after(5, status(100, catching_up=True)) == ["catching up: height 100"]
    assert story.after(5, status(600, catching_up=True)) == ["catching up: height 600, 100 blocks a second"]
    assert story.after(5, status(700)) == ["in step with the chain at height 700"]
    assert story.after(5, status(720)) == []


def test_a_height_that_stands_is_said_once_and_again_when_it_moves() -> None:
    story = Story()
    story.after(5, status(7))
    said = [line for _ in range(20) for line in story.after(5, status(7))]
    assert len(said) == 1
    assert "stood at 7" in said[0]
    assert story.after(5, status(8)) == ["height moves again: 8"]


def test_it_does_not_ask_more_than_every_five_seconds() -> None:
    story = Story()
    story.after(5, status(1))
    assert story.after(1, status(2, catching_up=True)) == []
    assert story.after(4, status(3, catching_up=True)) != []

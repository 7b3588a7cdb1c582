"""Every command says what it does and in which units; all speak JSON."""

import re
from collections.abc import Iterator

import click
import pytest

from node.cli.main import cli
from tests.unit.node.cli.conftest import Run

PLAIN = {"text", "integer", "float"}  # what click says of a value when nobody does


def commands(group: click.Group = cli, path: tuple[str, ...] = ()) -> Iterator[tuple[str, click.Command]]:
    """All of them, groups included, by their words."""
    context = click.Context(group)
    for name in group.list_commands(context):
        found = group.get_command(context, name)
        assert found is not None
        yield " ".join((*path, name)), found
        if isinstance(found, click.Group):
            yield from commands(found, (*path, name))


EVERY = dict(commands())


@pytest.mark.parametrize("name", EVERY)
def test_a_command_explains_itself(name: str) -> None:
    """In sentences; its options too, each with what its value is."""
    command = EVERY[name]
    assert command.help and command.help.split("\n\n")[0].rstrip()[-1] in ".:", command.help
    shared = {option for one in command.params for option in one.opts}
    assert isinstance(command, click.Group) or {"--home", "--node", "--output"} <= shared
    for option in command.params:
        if isinstance(option, click.Option) and not option.is_flag:
            said = option.make_metavar(click.Context(command)).lower().split()[0]
            assert said not in PLAIN, f"{option.opts[0]}: give it a metavar that says its unit"
        if isinstance(option, click.Option) and option.name != "help":
            assert option.help and not option.help[0].isspace() and option.help[-1] == ".", option.opts


@pytest.mark.parametrize("name", EVERY)
def test_what_a_help_names_exists(name: str) -> None:
    """`novation tx order ...` in a text is a command, with those options."""
    texts = [EVERY[name].help or ""] + [one.help or "" for one in EVERY[name].params if isinstance(one, click.Option)]
    for line in re.findall(r"`novation ([^`]*)`", re.sub(r"\s+", " ", " ".join(texts))):
        words = line.split()
        named = next((" ".join(words[:count]) for count in (3, 2, 1) if " ".join(words[:count]) in EVERY), "")
        assert named, line
        known = {option for one in EVERY[named].params for option in one.opts} | {"--help"}
        assert {word for word in words if word.startswith("--")} <= known, line


def test_lists_of_commands_are_not_cut_off(run: Run) -> None:
    """A list has the whole first sentence of each."""
    for group in ("query", "tx", "localnet", "keys", "genesis", "snapshots", "debug", "dev"):
        shown = run(group, "--help").stdout
        assert not re.search(r"\.\.\.$", shown.split("Commands:")[1], re.MULTILINE), shown

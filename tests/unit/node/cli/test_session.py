"""What all commands share: options anywhere, data on stdout, talk on stderr, exit statuses, help everywhere."""

import json

import click
import pytest
from click.testing import CliRunner

from node.cli.main import COMMANDS, cli


def every_command() -> list[tuple[str, ...]]:
    found: list[tuple[str, ...]] = []

    def walk(command: click.Command, path: tuple[str, ...]) -> None:
        found.append(path)
        if isinstance(command, click.Group):
            context = click.Context(command)
            for name in command.list_commands(context):
                child = command.get_command(context, name)
                assert child is not None
                walk(child, (*path, name))

    walk(cli, ())
    return found


@pytest.mark.parametrize("path", every_command(), ids=" ".join)
def test_every_command_explains_itself_and_takes_the_shared_options(path: tuple[str, ...]) -> None:
    result = CliRunner().invoke(cli, [*path, "--help"])
    assert result.exit_code == 0
    command: click.Command = cli
    for name in path:
        assert isinstance(command, click.Group)
        command = command.get_command(click.Context(command), name)
    assert command.help
    if not isinstance(command, click.Group):
        assert {"--home", "--node", "--output"} <= {option for one in command.params for option in one.opts}


def test_the_list_of_commands_needs_no_command(run) -> None:
    shown = run("--help").stdout
    assert all(name in shown for name in COMMANDS)


@pytest.mark.parametrize("arguments", [("--output", "json", "version"), ("version", "--output", "json")])
def test_json_may_be_asked_for_before_or_after_the_verb(run, arguments: tuple[str, ...]) -> None:
    assert json.loads(run(*arguments).stdout)["cometbft"] == "v0.40.0"


def test_the_environment_is_overruled_by_what_is_typed(run) -> None:
    result = run("--output", "text", "version", env={"NOVATION_OUTPUT": "json"})
    assert result.stdout.startswith("novation")
    assert json.loads(run("version", env={"NOVATION_OUTPUT": "json"}).stdout)


def test_wrong_usage_is_2(run) -> None:
    assert run("bogus").exit_code == 2
    assert run("version", "--bogus").exit_code == 2
    assert run("--output", "xml", "version").exit_code == 2


def test_unreachable_is_3_and_names_the_next_command(run) -> None:
    result = run("localnet", "status")
    assert result.exit_code == 3
    assert "novation localnet up" in result.stderr
    assert result.stdout == ""


def test_errors_are_json_when_json_is_asked_for(run) -> None:
    result = run("keys", "show", "nobody", "--output", "json")
    error = json.loads(result.stderr)
    assert (result.exit_code, error["exit_code"]) == (1, 1)
    assert "novation keys add nobody" in error["error"]


@pytest.mark.parametrize("arguments", [("query", "book"), ("bogus",), ("query", "proof", "bogus", "usd")])
def test_wrong_usage_is_json_too_when_json_is_asked_for(run, arguments: tuple[str, ...]) -> None:
    result = run("--output", "json", *arguments)
    assert (result.exit_code, json.loads(result.stderr)["exit_code"]) == (2, 2)


def test_a_hash_of_another_length_is_wrong_usage(run) -> None:
    assert run("query", "tx", "00").exit_code == 2


def test_no_colour_reaches_a_pipe(run) -> None:
    assert "\x1b[" not in run("keys", "list", "--dev").output

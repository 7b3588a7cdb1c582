"""What every command shares: where the node is, how to print, how to fail."""

import functools
import json
import os
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NoReturn, TypeVar

import click
from click.core import ParameterSource
from rich import box
from rich.console import Console
from rich.table import Column, Table

from node.home import Home, default_home

Function = TypeVar("Function", bound=Callable[..., Any])

EXIT_REJECTED = 1
EXIT_USAGE = 2
EXIT_UNREACHABLE = 3
PIPE_WIDTH = 200
SENTENCE = 300  # characters of a verb's first sentence in a list


class CliError(click.ClickException):
    """An end with a message for people, an exit status for scripts, and data for `--output json`."""

    def __init__(self, message: str, exit_code: int = EXIT_REJECTED, **data: Any) -> None:
        super().__init__(message)
        self.exit_code = exit_code
        self.data = data
        self.session = current_session()  # kept: it is gone when the error is shown

    def show(self, file: Any = None) -> None:
        if self.session.json:
            click.echo(json.dumps({"error": self.message, "exit_code": self.exit_code, **self.data}), err=True)
        else:
            self.session.talk.print(f"[red]Error:[/red] {escape(self.message)}", highlight=False, soft_wrap=True)


@dataclass(slots=True)
class Session:
    """The global options of one call. `talk` is stderr, `page` stdout; both obey NO_COLOR and a pipe."""

    home: str = ""
    node: str = ""
    output: str = "text"
    page: Console = field(default_factory=lambda: _page())
    talk: Console = field(default_factory=lambda: Console(stderr=True, highlight=False))

    @property
    def json(self) -> bool:
        return self.output == "json"

    @property
    def paths(self) -> Home:
        return Home.at(self.home or default_home())

    def emit(self, data: Any, text: Any) -> None:
        """Print `data` as JSON, or `text` (a string, a rich table, or a function that makes it) for people."""
        if self.json:
            click.echo(json.dumps(data, indent=2))
            return
        shown = text() if callable(text) else text
        for one in shown if isinstance(shown, list) else [shown]:
            for part in narrowed(one, self.page) if isinstance(one, Table) else [one]:
                self.page.print(part, soft_wrap=isinstance(one, str), markup=not isinstance(one, str))

    @contextmanager
    def progress(self, what: str, quiet: bool = False) -> Iterator[None]:
        """A spinner on a terminal, a line elsewhere (none if `quiet`), nothing for JSON."""
        if self.json:
            yield
        elif self.talk.is_terminal:
            with self.talk.status(what):
                yield
        else:
            if not quiet:
                self.talk.print(f"{what} ...")
            yield


def _page() -> Console:
    """Stdout; in a pipe as wide as any table, so that nothing is cut off for whoever reads it."""
    console = Console(highlight=False)
    return console if console.is_terminal else Console(highlight=False, width=PIPE_WIDTH)


def simple_table(*columns: Any, **settings: Any) -> Table:
    """A table without frames: it fits narrow terminals and pastes well."""
    return Table(*columns, box=box.SIMPLE_HEAD, show_edge=False, pad_edge=False, **settings)


def narrowed(table: Table, page: Console) -> list[Table]:
    """A table; or, where it is wider than the page, several, each with the first column, so that no figure is cut off.
    One whose headers repeat has halves that belong together and stays as it is.
    """
    def width(columns: list[Column]) -> int:
        return page.measure(some(columns), options=page.options.update(width=PIPE_WIDTH)).maximum

    def some(columns: list[Column]) -> Table:
        made = simple_table(*(column.header for column in columns))
        for number, row in enumerate(table.rows):
            made.add_row(*(list(column.cells)[number] for column in columns), style=row.style)
        return made

    first, *others = table.columns
    if width(table.columns) <= page.width or len({str(column.header) for column in table.columns}) <= len(others):
        return [table]
    parts = [[first]]
    for column in others:
        if len(parts[-1]) > 1 and width([*parts[-1], column]) > page.width:
            parts.append([first])
        parts[-1].append(column)
    return [some(part) for part in parts]


def current_session() -> Session:
    context = click.get_current_context(silent=True)
    found = context.find_object(Session) if context else None
    return found or Session()


def escape(text: str) -> str:
    from rich.markup import escape as escape_markup

    return escape_markup(text)


def fail(message: str, exit_code: int = EXIT_REJECTED, **data: Any) -> NoReturn:
    raise CliError(message, exit_code, **data)


def _remember(context: click.Context, parameter: click.Parameter, value: Any) -> None:
    """Keep a shared option wherever it stood, before or after the verb; after it wins, over the environment too."""
    session = context.find_object(Session)
    if session is None:
        session = context.find_root().obj = Session()
        context.obj = session
    typed = context.get_parameter_source(str(parameter.name)) is ParameterSource.COMMANDLINE
    if value is not None and (typed or context.parent is None):
        setattr(session, str(parameter.name), value)


def session_options(function: Function) -> Function:
    """Adds --home, --node and --output to a command; they may stand before or after the verb."""
    options = [
        click.option("--home", metavar="DIR", expose_value=False, callback=_remember, envvar="NOVATION_HOME",
                     help="Home of the node (default ~/.novation)."),
        click.option("--node", metavar="HOST:PORT", expose_value=False, callback=_remember, envvar="NOVATION_NODE",
                     help="gRPC address of a gateway (default: the localnet here, else this home's node)."),
        click.option("--output", type=click.Choice(["text", "json"]), expose_value=False, callback=_remember,
                     envvar="NOVATION_OUTPUT", help="Text for people or JSON for scripts."),
    ]  # fmt: skip
    for option in reversed(options):
        function = option(function)
    return function


class Verbs(click.Group):
    """A group whose list says what each verb does in a whole sentence."""

    group_class = type  # of groups inside of it

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        verbs = [(name, self.get_command(ctx, name)) for name in self.list_commands(ctx)]
        with formatter.section("Commands"):
            formatter.write_dl([(name, verb.get_short_help_str(SENTENCE)) for name, verb in verbs if verb])


def command(group: click.Group | None = None, name: str | None = None, **settings: Any) -> Callable[[Function], Any]:
    """A command with the shared options whose function takes the session first."""

    def decorate(function: Function) -> Any:
        @functools.wraps(function)
        def run(*arguments: Any, **options: Any) -> Any:
            return function(current_session(), *arguments, **options)

        make = group.command if group is not None else click.command
        return make(name, **settings)(session_options(run))

    return decorate


def passphrase_from(path: str | None, session: Session, confirm: bool = False) -> bytes:
    """The passphrase: the first line of a file, else NOVATION_PASSPHRASE_FILE, else asked for on a terminal."""
    path = path or os.environ.get("NOVATION_PASSPHRASE_FILE")
    if path:
        try:
            text = Path(path).read_text(encoding="utf-8")
        except OSError as error:
            fail(f"cannot read the passphrase file {path}: {error.strerror}", EXIT_USAGE)
        return text.split("\n", 1)[0].encode("utf-8")
    if not sys.stdin.isatty():
        fail("no terminal to ask for the passphrase on: use --passphrase-file FILE", EXIT_USAGE)
    answer: str = click.prompt("Passphrase", hide_input=True, confirmation_prompt=confirm, err=True)
    return answer.encode("utf-8")

"""`novation`: one command for node, network, keys and trading. Verb groups load only when they are used."""

import importlib
import sys
from typing import Any

import click

from node import generated
from node.cli.session import EXIT_USAGE, current_session, fail, session_options

HELP = """Novation: run a validator, a local network, or trade on one.

Data goes to stdout, talk to stderr. Exit status: 0 done, 1 refused by the chain or by the state of things,
2 wrong usage, 3 the node or network cannot be reached.

First steps: `novation localnet up`, then in another terminal `novation query market` and
`novation tx order buy 0.01 BTC-PERP --price 47000 --key alice`.
"""

# name → (module, what the list of commands says of it)
COMMANDS = {
    "init": ("node.cli.node_verbs:init", "Make the home of a node."),
    "start": ("node.cli.node_verbs:start", "Run the node: engine, CometBFT and gateway, until stopped."),
    "stop": ("node.cli.node_verbs:stop", "Stop the node of a home."),
    "status": ("node.cli.node_verbs:status", "Where a node stands."),
    "version": ("node.cli.node_verbs:version", "Versions of everything that matters."),
    "keys": ("node.cli.keys:keys", "Make, show, import and export keys."),
    "tx": ("node.cli.agents:tx", "Trade and move money: order, cancel, replace, combo, block, transfer, withdraw."),
    "query": ("node.cli.options:query", "Ask about markets, books, options, trades, accounts, risk, prices, breakers."),
    "top": ("node.cli.top:top", "A market, your account and the node on the whole terminal; trade from it."),
    "localnet": ("node.cli.localnet:localnet", "A network of several validators on this machine."),
    "devchain": ("node.cli.devchain:devchain", "The same chain in one process, for trying things."),
    "dev": ("node.cli.devchain:dev", "Blocks, time, prices and checkpoints of a devchain."),
    "faucet": ("node.cli.tx:faucet", "Money of test networks."),
    "genesis": ("node.cli.genesis:genesis", "Build, validate and compare the first state of a chain."),
    "snapshots": ("node.cli.snapshots:snapshots", "States of a height as files: list, create, restore."),
    "export": ("node.cli.export:export", "The state of a node as the genesis of a new chain."),
    "import": ("node.cli.export:import_genesis", "The home of a node whose chain begins with an exported state."),
    "replay": ("node.cli.debug:replay_blocks", "Run the chain's blocks again and compare every app hash."),
    "debug": ("node.cli.debug:debug", "Hashes of tables, the first difference of two nodes, a bundle for a report."),
    "doctor": ("node.cli.doctor:doctor", "Check this machine and a node's home for what usually goes wrong."),
}


class LazyGroup(click.Group):
    """A group that imports a command's module when the command runs: `novation version` needs no gRPC."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in COMMANDS:
            return None
        module_name, _, attribute = COMMANDS[cmd_name][0].partition(":")
        try:
            command: click.Command = getattr(importlib.import_module(module_name), attribute)
        except ImportError as error:
            why = generated.ADVICE if generated.is_stale() else "run `make setup`"
            fail(f"`{cmd_name}` cannot be loaded: {error}; {why}")
        return command

    def invoke(self, ctx: click.Context) -> Any:
        try:
            return super().invoke(ctx)
        except click.UsageError as error:
            if not current_session().json:
                raise
            path = (error.ctx or ctx).command_path
            fail(f"{error.format_message()} See `{path} --help`", EXIT_USAGE)

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        with formatter.section("Commands"):
            formatter.write_dl([(name, text) for name, (_, text) in COMMANDS.items()])


@click.group(cls=LazyGroup, help=HELP, context_settings={"help_option_names": ["-h", "--help"]})
@session_options
def cli() -> None:
    pass


def main() -> None:
    """Entry of the `novation` script."""
    if sys.flags.optimize:
        sys.exit("novation refuses to run under python -O: remove -O and PYTHONOPTIMIZE")
    cli.main(prog_name="novation")


if __name__ == "__main__":
    main()

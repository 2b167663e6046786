"""All commands, and the way in and out: arguments, exit codes, output that cannot be written."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from typing import Annotated, Any

import typer
from typer import Option

from relu_learn import __version__
from relu_learn.cli.check import check
from relu_learn.cli.demo import demo
from relu_learn.cli.doctor import doctor
from relu_learn.cli.extract import extract
from relu_learn.cli.lessons import lab
from relu_learn.cli.page import export, play
from relu_learn.cli.serve import serve
from relu_learn.cli.terminal import lose, say

app = typer.Typer(
    name="relu-learn",
    help="Learn any one-hidden-layer ReLU network from its answers, and see how.",
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)
for command in (demo, play, check, extract, serve, lab, export, doctor):
    app.command()(command)


def main(arguments: Sequence[str] | None = None) -> int:
    """Entry point of the `relu-learn` command; returns the exit code."""
    try:
        code = _run_command(arguments)
        if sys.stdout is not None:
            sys.stdout.flush()  # here it can still be said that this fails
        return code
    except (OSError, SystemExit) as error:  # typer and rich exit when a pipe is closed
        if isinstance(error, SystemExit) and not error.code:
            return 0  # what a shell completes has been printed
        lose(sys.stdout)
        full = isinstance(error, OSError) and not isinstance(error, BrokenPipeError)
        say(f"cannot write: {error}" if full else "nobody reads the output any more")
    except MemoryError:
        say("there is not enough memory for that")
    return 1


def _run_command(arguments: Sequence[str] | None) -> int:
    # typer bundles its own copy of click, whose base class is public only through this subclass.
    usage_error: Any = typer.BadParameter.__bases__[0]
    try:
        code = app(arguments, prog_name="relu-learn", standalone_mode=False)
    except usage_error as error:
        say(f"{error.format_message()} (see relu-learn --help)")
        return 2
    except (typer.Abort, KeyboardInterrupt):
        return 130
    return code if isinstance(code, int) else 0


def _print_version(wanted: bool) -> None:
    if wanted:
        print(f"relu-learn {__version__}")
        raise typer.Exit()


@app.callback(invoke_without_command=True)
def start(
    context: typer.Context,
    version: Annotated[
        bool, Option("--version", callback=_print_version, is_eager=True, help="Version.")
    ] = False,
) -> None:
    if context.invoked_subcommand is None:
        print(context.get_help())

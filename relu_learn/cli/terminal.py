"""What all commands say, and how: one line on standard error, tables on standard output."""

from __future__ import annotations

import contextlib
import os
import sys
from collections.abc import Sequence
from typing import NoReturn, TextIO

import typer
from rich.console import Console
from rich.table import Table
from rich.text import Text


class Terminal(Console):
    """The terminal, or the file or pipe that stands for it; `main` says what goes wrong there."""

    def on_broken_pipe(self) -> None:
        raise BrokenPipeError


def say(message: str) -> None:
    """One line on standard error, whatever the message."""
    if sys.stdout is not None:
        sys.stdout.flush()  # first what was printed before
    tell(f"relu-learn: {' '.join(message.split())}")


def tell(line: str) -> None:
    """A line on standard error, if that can be written: a run goes on without its progress."""
    try:
        print(line, file=sys.stderr, flush=True)
    except OSError:
        lose(sys.stderr)


def lose(stream: TextIO | None) -> None:
    """What a stream still holds cannot be written: Python shall not try again at its exit."""
    with contextlib.suppress(AttributeError, OSError):
        nowhere = os.open(os.devnull, os.O_WRONLY)
        os.dup2(nowhere, stream.fileno())  # type: ignore[union-attr]
        os.close(nowhere)


def stop(message: str, code: int) -> NoReturn:
    """Say why the command ends, and end it with this exit code."""
    say(message)
    raise typer.Exit(code)


def print_table(rows: Sequence[Sequence[str | Text]], title: str | None = None) -> None:
    """Columns without lines between them, of which only the last one wraps."""
    table = Table.grid(padding=(0, 2, 0, 0), pad_edge=title is not None)
    table.title = Text(title, "bold", justify="left") if title else None
    for _ in rows[0][1:]:
        table.add_column(no_wrap=True)
    table.add_column(overflow="fold")
    for row in rows:
        table.add_row(*(cell if isinstance(cell, Text) else Text(cell) for cell in row))
    Terminal().print(table)


def count(n: int, thing: str) -> str:
    """A number of things, in words: 1 query, 2 queries, 1,000 neurons."""
    many = f"{thing[:-1]}ies" if thing.endswith("y") else f"{thing}s"
    return f"{n:,} {thing if n == 1 else many}"

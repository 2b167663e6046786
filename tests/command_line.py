"""The command line as a user meets it: what it prints, where, and how it exits."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
from typer.testing import CliRunner

from relu_learn import cli

ROWS = [
    "secret",
    "neurons",
    "matched",
    "queries",
    "of them",
    "queries per parameter",
    "worst error",
    "exact loss",
    "certificate",
    "time",
]

NEEDS_FULL = pytest.mark.skipif(
    not Path("/dev/full").exists(), reason="needs a device that is always full"
)


def run(*arguments: str):
    """Exit code, standard output and standard error of the commands' own code."""
    result = CliRunner().invoke(cli.app, list(arguments))
    assert result.exception is None or isinstance(result.exception, SystemExit), result.exception
    return result.exit_code, result.stdout, result.stderr


def terminal(*arguments: str, **environment: str):
    """The same as a program of its own, its output in pipes."""
    return subprocess.run(
        [sys.executable, "-W", "error", "-m", "relu_learn", *arguments],
        capture_output=True,
        text=True,
        stdin=subprocess.DEVNULL,
        env={**os.environ, **environment},
        check=False,
    )


def table(output: str) -> dict[str, str]:
    """The last table by label, continuation lines joined."""
    rows: dict[str, str] = {}
    for line in output.splitlines():
        label, value = line[:23].strip(), line[23:].strip()
        if label in ROWS or label == "sampled loss":
            rows[label.replace("sampled", "exact")] = value
        elif not label and rows:
            rows[list(rows)[-1]] += f" {value}"
    return rows


def shell(command: str):
    """A command of ours with redirections; its exit code is the first one that is not 0."""
    command = f"{sys.executable} -W error -m relu_learn {command}"
    return subprocess.run(
        ["bash", "-o", "pipefail", "-c", command], capture_output=True, text=True, check=False
    )

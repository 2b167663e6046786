"""Output in pipes, in narrow ones, in closed ones, and on full disks."""

import re

import pytest
from command_line import NEEDS_FULL, ROWS, shell, table, terminal
from subset import mostly_slow


@pytest.mark.parametrize("columns", mostly_slow(["60", "80", "120"]))
def test_piped_output_is_plain_and_fits(columns):
    done = terminal("demo", "valley", COLUMNS=columns)
    assert done.returncode == 0, done.stderr
    assert "\x1b" not in done.stdout + done.stderr and "\r" not in done.stdout + done.stderr
    assert max(map(len, done.stdout.splitlines())) <= int(columns)
    assert list(table(done.stdout)) == ROWS


def test_output_may_go_to_a_pipe_that_closes():
    done = shell("demo --list | head -n 1")
    assert done.stdout.startswith("crease")
    assert "Traceback" not in done.stderr


@NEEDS_FULL
@pytest.mark.parametrize(
    "command", mostly_slow(["demo --list", "--help", "--version", "doctor"], 3)
)
@pytest.mark.parametrize(
    "end, why",
    [("> /dev/full", "cannot write: .*No space left"), ("| true", "nobody reads the output")],
    ids=["full", "closed"],
)
def test_output_that_cannot_be_written_is_one_line(command, end, why):
    done = shell(f"{command} {end}")
    assert done.returncode == 1 and done.stdout == ""
    assert re.fullmatch(f"relu-learn: {why}.*\n", done.stderr)

"""The way in and out: arguments, help, versions, exit codes."""

import subprocess
import sys

import pytest
from command_line import run, terminal

from relu_learn import __version__
from relu_learn.cli import main


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["demo", "digit"], "did you mean digits"),
        (["demo", "tent", "--dim", "3"], "--dim is for random secrets"),
        (["demo", "--dim", "0"], "--dim"),
        (["demo", "--neurons", "-1"], "--neurons"),
        (["demo", "--outputs", "two"], "--outputs"),
        (["demo", "--method", "magic"], "--method"),
        (["demo", "--max-queries", "0"], "--max-queries"),
        (["demo", "--seed", "-1"], "--seed"),
        (["demo", "tent", "--save-trace", "no/such/folder/f"], "there is no folder"),
        (["demo", "tent", "--html", "no/such/folder/f"], "--html: there is no folder"),
        (["demo", "tent", "--html", "."], "is a directory"),
        (["demo", "tent", "--theme", "pink"], "--theme"),
        (["play", "no_such.trace", "--html", "f"], "does not exist"),
        (["play", ".", "--html", "f"], "is a directory"),
        (["demo", "tent", "pyramid"], "pyramid"),
        (["demo", ""], "name must be one of"),
        ([""], "''"),
        (["demo", "--dim", ""], "--dim"),
        (["demo", "tent", "--html", ""], "--html"),
        (["demo", "tent", "--save-trace", ""], "--save-trace"),
        (["demo", "tent", "--save-trace", "a" * 300], "--save-trace: File name too long"),
        (["demo", "tent", "--html", "a\0b"], "--html"),
        (["play", "", "--html", "f"], "Invalid value for"),
        (["demo", "--dim", "9" * 20], "--dim: a run would need matrices of 1.0e+40 numbers"),
        (["demo", "--dim", "9" * 400], "--dim"),
        (["demo", "--dim", "100000", "--neurons", "1"], "--dim and --neurons: a run would need"),
        (["demo", "--neurons", "10000000000"], "--neurons: a run would need"),
        (["demo", "--outputs", "10000000000"], "--outputs: a run would need"),
        (["demo", "tent", "--seed", "9" * 5000], "--seed"),
        (["demo", "--speed", "3"], "--speed"),
        (["steal"], "steal"),
        (["--loud"], "--loud"),
        (["lab", "--port", "0"], "--port"),
        (["lab", "--port", "http"], "--port"),
    ],
)
def test_bad_arguments_get_one_line_and_exit_code_2(arguments, message, capsys):
    assert main(arguments) == 2
    captured = capsys.readouterr()
    assert captured.out == ""
    (line,) = captured.err.splitlines()
    assert line.startswith("relu-learn: ") and message in line


def test_bad_arguments_as_a_program():
    done = terminal("demo", "--dim", "x")
    assert done.returncode == 2
    assert done.stdout == "" and len(done.stderr.splitlines()) == 1


def test_help_and_version():
    done = terminal("--version")
    assert (done.returncode, done.stdout) == (0, f"relu-learn {__version__}\n")
    for arguments in ([], ["--help"], ["-h"]):
        code, out, _ = run(*arguments)
        assert code == 0
        assert all(command in out for command in ("demo", "play", "lab", "doctor"))
    code, out, _ = run("demo", "--help")
    assert code == 0
    options = "--dim --neurons --outputs --seed --method --max-queries --save-trace --html --theme"
    assert all(option in out for option in options.split())


def test_help_needs_none_of_the_heavy_parts():
    code = (
        "import sys; from relu_learn import cli; cli.main(['--help']);"
        "print(*sys.modules, file=sys.stderr)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert not {"numpy", "plotly", "ipywidgets", "IPython"} & set(done.stderr.split())


@pytest.mark.parametrize(
    ("words", "offered"), [("de", {"demo"}), ("demo ten", {"tent"}), ("demo --d", {"--dim"})]
)
def test_a_shell_completes_commands_options_and_secrets(words, offered):
    place = {"COMP_WORDS": f"relu-learn {words}", "COMP_CWORD": str(words.count(" ") + 1)}
    done = terminal(_RELU_LEARN_COMPLETE="complete_bash", **place)
    assert (done.returncode, done.stderr) == (0, "")
    assert set(done.stdout.split()) == offered

"""The command line as a user meets it: what it prints, where, and how it exits."""

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from typer.testing import CliRunner

from relu_learn import Trace, __version__, cli, learn_steps, zoo

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
        [sys.executable, "-W", "error", "-m", "relu_learn.cli", *arguments],
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


# ------------------------------------------------------------------------- demo


def test_demo_of_a_named_secret():
    code, out, err = run("demo", "tent", "--seed", "1")
    rows = table(out)
    assert code == 0
    assert "Learned: tent" in out
    assert list(rows) == ROWS
    assert rows["secret"] == "2 inputs, 1 output"
    assert rows["neurons"] == "3 found, 3 in the secret"
    assert rows["matched"].startswith("3 of 3")
    assert float(rows["worst error"].split()[0]) < 1e-8
    assert float(rows["exact loss"].split()[0]) < 1e-16
    assert "With confidence 0.95" in rows["certificate"]
    assert re.fullmatch(r"\d+\.\d\d s, \d+\.\d\d s of it for the secret's answers", rows["time"])
    assert "queries" in err  # progress does not mix with the result


def test_demo_of_a_random_secret_is_the_network_of_that_seed():
    sizes = ["--dim", "3", "--neurons", "4", "--outputs", "2"]
    code, out, _ = run("demo", *sizes, "--seed", "7", "--max-queries", "5000")
    rows = table(out)
    assert code == 0
    assert "Learned: random 3-4-2, seed 7" in out
    assert rows["secret"] == "3 inputs, 2 outputs"
    assert rows["neurons"] == "4 found, 4 in the secret"
    parameters = zoo.random_network(3, 4, 2, rng=7).n_parameters
    queries = int(rows["queries"].replace(",", ""))
    find, sure = (int(part.split()[0].replace(",", "")) for part in rows["of them"].split(", "))
    assert find + sure == queries and sure >= 369  # the certificate leaves 1 % open
    assert rows["queries per parameter"] == (
        f"{queries / parameters:.2f} (of {parameters} parameters)"
    )


def test_demo_counts_what_a_degenerate_secret_has():
    code, out, _ = run("demo", "duplicates")
    assert code == 0
    expected = "5 found, 9 in the secret (5 after merging equal and dead ones)"
    assert table(out)["neurons"] == expected


def test_demo_with_sizes_left_out_takes_the_defaults():
    code, out, _ = run("demo", "--neurons", "0")
    assert code == 0 and "random 10-0-1, seed 0" in out
    assert table(out)["matched"] == "0 of 0"


def test_same_seed_same_queries():
    first, again, other = (
        table(run("demo", "crease", "--seed", seed)[1])["queries"] for seed in ("5", "5", "6")
    )
    assert first == again
    assert other


def test_grid_method():
    code, out, _ = run("demo", "crease", "--method", "grid")
    assert code == 0 and "Learned: crease" in out
    # Its output has the paper's form: the affine part is two more ReLUs, which are no finds.
    assert re.match(r"1 found( \(written with 3 ReLUs\))?, 1 in", table(out)["neurons"])


def test_an_inexact_result_is_not_called_learned():
    # Intervals of the grid's default width hold more than one kink here.
    code, out, _ = run("demo", "wide", "--method", "grid")
    assert code == 0 and "Finished, but not exact: wide" in out


def test_trace_is_saved(tmp_path):
    file = tmp_path / "run.trace"
    code, out, err = run("demo", "tent", "--save-trace", str(file))
    assert code == 0 and f"events saved to {file}" in err.replace("\n", "")
    trace = Trace.load(file)
    assert trace[-1].network.n_neurons == 3
    assert f"{trace[-1].queries:,}" == table(out)["queries"]


def test_an_exhausted_budget_ends_with_what_was_found(tmp_path):
    file = tmp_path / "run.trace"
    code, out, err = run(
        "demo", "--dim", "20", "--neurons", "10", "--max-queries", "150", "--save-trace", str(file)
    )
    assert code == 1
    assert "Partial result" in out
    rows = table(out)
    assert int(rows["queries"]) <= 150
    assert rows["certificate"] == "none: the run did not end"
    last = err.strip().splitlines()[-1]
    assert last.startswith("relu-learn: QueryBudgetExceeded: ") and "max_queries" in last
    assert len(Trace.load(file)) > 0


def test_html_is_a_page_that_plays_the_run(tmp_path):
    file = tmp_path / "tent.html"
    code, out, err = run("demo", "tent", "--seed", "1", "--html", str(file), "--theme", "dark")
    assert code == 0 and "Learned: tent" in out
    assert re.search(r"plays the run in any browser \(\d\.\d MB\)", err)
    text = file.read_text(encoding="utf-8")
    assert "<title>tent: learned from its answers</title>" in text
    assert f"{table(out)['queries']} queries · 3 neurons found" in text
    assert "The last step reveals the secret." in text and "background: #16191d" in text


def test_html_of_an_exhausted_budget(tmp_path):
    file = tmp_path / "part.html"
    sizes = ["--dim", "20", "--neurons", "10", "--max-queries", "150"]
    code, out, err = run("demo", *sizes, "--html", str(file))
    assert code == 1 and "Partial result" in out and "QueryBudgetExceeded" in err
    text = file.read_text(encoding="utf-8")
    assert "This run was stopped before its end." in text
    assert f"{table(out)['queries']} queries" in text


def test_play_makes_the_page_of_a_saved_run(tmp_path):
    trace, file = tmp_path / "monday.trace", tmp_path / "monday.html"
    assert run("demo", "tent", "--save-trace", str(trace))[0] == 0
    code, out, err = run("play", str(trace), "--html", str(file))
    assert code == 0 and out == "" and "plays the run in any browser" in err
    text = file.read_text(encoding="utf-8")
    assert "monday: learned from its answers" in text and "3 neurons found" in text
    assert "reveals the secret" not in text  # a trace does not know it


def test_play_of_a_damaged_or_foreign_file_is_one_line(tmp_path):
    good, page = tmp_path / "run.trace", tmp_path / "page.html"
    Trace(learn_steps(zoo.get("tent"), 2, rng=0)).save(good)
    damaged, newer, text = (tmp_path / name for name in ("damaged", "newer", "text"))
    damaged.write_bytes(good.read_bytes()[:3000])
    with np.load(good) as file:
        arrays = {**file, "version": np.array(99)}
    with newer.open("wb") as file:
        np.savez(file, **arrays)
    text.write_text("not a trace")
    empty = tmp_path / "empty"
    Trace().save(empty)
    for path, message in (
        (damaged, "path must be an undamaged saved trace"),
        (text, "path must be an undamaged saved trace"),
        (newer, "path is a trace of version 99, need 1"),
        (empty, "trace must be a run from its first line on"),
    ):
        code, out, err = run("play", str(path), "--html", str(page))
        (line,) = err.splitlines()
        assert code == 1 and out == "" and message in line
        assert not page.exists()


@NEEDS_FULL
def test_a_page_that_cannot_be_written_is_one_line():
    code, out, err = run("demo", "tent", "--html", "/dev/full")
    assert code == 1 and "Learned: tent" in out  # the result is not lost
    assert err.splitlines()[-1].startswith("relu-learn: --html: cannot write '/dev/full'")


def test_html_without_plotly_says_what_to_install(monkeypatch, tmp_path):
    monkeypatch.setattr(cli.importlib.util, "find_spec", lambda name: None)
    code, out, err = run("demo", "tent", "--html", str(tmp_path / "tent.html"))
    assert code == 1 and out == ""  # said before the run, not after it
    assert len(err.splitlines()) == 1 and "plotly" in err and "[lab]" in err


def test_stopped_by_hand(monkeypatch):
    from relu_learn import learn

    steps = learn.learn_steps

    def interrupted(*arguments, **options):
        for number, event in enumerate(steps(*arguments, **options)):
            if number == 5:
                raise KeyboardInterrupt
            yield event

    monkeypatch.setattr(learn, "learn_steps", interrupted)
    code, out, err = run("demo", "crystal")
    assert code == 130
    assert "Partial result" in out and "stopped by hand after" in err


def test_list_describes_every_secret():
    code, out, _ = run("demo", "--list")
    assert code == 0
    assert [line.split()[0] for line in out.splitlines() if line[0] != " "] == zoo.names()


# ---------------------------------------------------------------- bad arguments


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
        (["play", "", "--html", "f"], "trace"),
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
    assert cli.main(arguments) == 2
    captured = capsys.readouterr()
    assert captured.out == ""
    (line,) = captured.err.splitlines()
    assert line.startswith("relu-learn: ") and message in line


def test_bad_arguments_as_a_program():
    done = terminal("demo", "--dim", "x")
    assert done.returncode == 2
    assert done.stdout == "" and len(done.stderr.splitlines()) == 1


# --------------------------------------------------------------- as a program


@pytest.mark.parametrize("columns", ["60", "80", "120"])
def test_piped_output_is_plain_and_fits(columns):
    done = terminal("demo", "valley", COLUMNS=columns)
    assert done.returncode == 0, done.stderr
    assert "\x1b" not in done.stdout + done.stderr and "\r" not in done.stdout + done.stderr
    assert max(map(len, done.stdout.splitlines())) <= int(columns)
    assert list(table(done.stdout)) == ROWS


def shell(command: str):
    """A command of ours with redirections; its exit code is the first one that is not 0."""
    command = f"{sys.executable} -W error -m relu_learn.cli {command}"
    return subprocess.run(
        ["bash", "-o", "pipefail", "-c", command], capture_output=True, text=True, check=False
    )


def test_output_may_go_to_a_pipe_that_closes():
    done = shell("demo --list | head -n 1")
    assert done.stdout.startswith("crease")
    assert "Traceback" not in done.stderr


@NEEDS_FULL
@pytest.mark.parametrize("command", ["demo --list", "--help", "--version", "doctor"])
@pytest.mark.parametrize(
    "end, why",
    [("> /dev/full", "cannot write: .*No space left"), ("| true", "nobody reads the output")],
    ids=["full", "closed"],
)
def test_output_that_cannot_be_written_is_one_line(command, end, why):
    done = shell(f"{command} {end}")
    assert done.returncode == 1 and done.stdout == ""
    assert re.fullmatch(f"relu-learn: {why}.*\n", done.stderr)


@NEEDS_FULL
def test_a_result_that_cannot_be_written():
    done = shell("demo tent > /dev/full")
    assert done.returncode == 1
    assert done.stderr.splitlines()[-1].startswith("relu-learn: cannot write: ")


@NEEDS_FULL
@pytest.mark.parametrize("end", ["2> /dev/full", "2>&-", "2> /dev/full >&-", ">&- 2>&-"])
def test_a_run_goes_on_without_its_progress(end):
    done = shell(f"demo tent {end}")
    assert (done.returncode, done.stderr) == (0, "")
    assert ("Learned: tent" in done.stdout) == (">&-" not in end.replace("2>&-", ""))
    assert shell(f"demo nothing {end}").returncode == 2


@NEEDS_FULL
def test_a_full_disk_does_not_cost_the_table():
    done = shell("demo tent --save-trace /dev/full")
    assert done.returncode == 1 and "Learned: tent" in done.stdout
    assert "--save-trace: cannot write '/dev/full'" in done.stderr.splitlines()[-1]


def test_a_run_that_needs_too_much_memory_is_one_line(monkeypatch, capsys):
    def full(*_):
        raise MemoryError

    monkeypatch.setattr(cli._Run, "follow", full)
    assert cli.main(["demo", "tent"]) == 1
    assert capsys.readouterr().err == "relu-learn: there is not enough memory for that\n"


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


# -------------------------------------------------------------------------- lab


@pytest.fixture
def started(monkeypatch):
    """The command that `lab` would have become."""
    commands: list[list[str]] = []
    monkeypatch.setattr(cli, "_hand_over", commands.append)
    return commands


def test_lab_opens_the_first_lesson(started):
    code, _, _ = run("lab")
    assert code == 0
    (command,) = started
    assert command[:3] == [sys.executable, "-m", "jupyterlab"]
    option = dict(part.split("=", 1) for part in command[3:] if "=" in part)
    assert option["--LabApp.default_url"] == "/lab/tree/00_start_here.ipynb"
    lesson = Path(option["--ServerApp.root_dir"]) / "00_start_here.ipynb"
    assert json.loads(lesson.read_text(encoding="utf-8"))["nbformat"] == 4
    assert "--no-browser" not in command


def test_lab_passes_options_on(started):
    assert run("lab", "--no-browser", "--port", "9999", "--", "--ServerApp.token=abc")[0] == 0
    (command,) = started
    assert {"--no-browser", "--port=9999", "--ServerApp.token=abc"} <= set(command)


@pytest.mark.parametrize(("user", "allowed"), [(0, True), (1000, False)])
def test_lab_as_root_says_so(started, monkeypatch, user, allowed):
    monkeypatch.setattr(os, "geteuid", lambda: user, raising=False)
    _, _, err = run("lab")
    assert ("--allow-root" in started[0]) == allowed == ("running as root" in err)


def test_lab_without_jupyterlab_says_what_to_install(started, monkeypatch):
    monkeypatch.setattr(cli.importlib.util, "find_spec", lambda name: None)
    code, _, err = run("lab")
    assert code == 1 and not started
    assert len(err.splitlines()) == 1 and "pip install" in err and "[lab]" in err


def test_lab_hands_over_to_the_real_program():
    done = terminal("lab", "--no-browser", "--", "--version")
    assert done.returncode == 0, done.stderr
    assert re.fullmatch(r"\d+\.\d+\.\d+\S*\n", done.stdout)


def test_installed_lessons_are_copied_once(tmp_path, monkeypatch):
    installed = tmp_path / "site" / "_notebooks"
    installed.mkdir(parents=True)
    (installed / "00_start_here.ipynb").write_text("{}", encoding="utf-8")
    monkeypatch.setattr(cli, "_lesson_folders", lambda: (tmp_path / "none", installed))
    monkeypatch.chdir(tmp_path)
    folder = cli.find_lessons()
    assert folder == tmp_path / "relu_learn_lessons"
    (folder / "00_start_here.ipynb").write_text('{"mine": 1}', encoding="utf-8")
    assert cli.find_lessons() == folder  # and what the user wrote there stays
    assert (folder / "00_start_here.ipynb").read_text(encoding="utf-8") == '{"mine": 1}'


# ----------------------------------------------------------------------- doctor


def test_doctor_finds_this_environment_well():
    code, out, err = run("doctor")
    assert code == 0, err
    for what in ("relu-learn", "python", "numpy", "jupyterlab", "anywidget", "first lesson"):
        assert re.search(rf"^ok +{what} ", out, re.MULTILINE), what
    assert "front end of anywidget" in out and "PROBLEM" not in out and err == ""


def test_doctor_names_a_missing_front_end(tmp_path, monkeypatch):
    from jupyter_core import paths

    monkeypatch.setattr(paths, "jupyter_path", lambda *parts: [str(tmp_path.joinpath(*parts))])
    code, out, err = run("doctor")
    assert code == 1
    assert re.search(r"^PROBLEM +front end of anywidget +missing", out, re.MULTILINE)
    assert "pip install --force-reinstall anywidget" in err


def test_doctor_names_a_disabled_front_end(monkeypatch):
    from jupyterlab_server import config

    page = {"disabledExtensions": ["anywidget"]}
    monkeypatch.setattr(config, "get_page_config", lambda folders: page)
    code, _, err = run("doctor")
    assert code == 1 and "jupyter labextension enable anywidget" in err


def test_doctor_names_a_missing_package(monkeypatch):
    version = cli.importlib.metadata.version

    def without(name):
        if name in ("jupyterlab", "scikit-learn"):
            raise cli.importlib.metadata.PackageNotFoundError(name)
        return version(name)

    monkeypatch.setattr(cli.importlib.metadata, "version", without)
    code, out, err = run("doctor")
    assert code == 1
    (line,) = err.splitlines()
    assert line.startswith("relu-learn: jupyterlab missing; install it: ") and "[lab]" in line
    assert re.search(r"extra models +without scikit-learn \(optional\)", out)

"""The README's example runs as written, and its commands are the ones that CI runs."""

import contextlib
import importlib.metadata
import io
import re
from pathlib import Path

import pytest

from relu_learn import worst_error

ROOT = Path(__file__).parents[1]
README = (ROOT / "README.md").read_text(encoding="utf-8")


def block(marker: str, language: str) -> str:
    """The code block after the comment `<!-- marker -->`."""
    found = re.search(rf"<!-- {marker} -->\n```{language}\n(.*?)```\n", README, re.DOTALL)
    assert found, f"no {language} block marked {marker!r}"
    return found.group(1)


def test_the_example_runs_as_written(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    code = block("example", "python")
    assert len([line for line in code.splitlines() if line.strip()]) <= 10
    names: dict = {}
    output = io.StringIO()
    with contextlib.redirect_stdout(output):
        exec(compile(code, "README.md", "exec"), names)
    result, secret = names["result"], names["secret"]
    assert f"{secret.n_neurons} neurons matched" in output.getvalue()
    assert result.queries == names["oracle"].queries
    worst, scale = worst_error(secret, result.network)
    assert worst <= 1e-8 * scale
    assert (tmp_path / "run.trace").is_file()


def test_example_lines_fit_the_page():
    assert max(len(line) for line in block("example", "python").splitlines()) <= 110


@pytest.mark.parametrize(("marker", "extra"), [("main command", "lab"), ("test command", "test")])
def test_commands_are_one_line_and_use_an_extra_that_exists(marker, extra):
    (command,) = block(marker, "sh").splitlines()
    extras = importlib.metadata.metadata("relu-learn").get_all("Provides-Extra")
    assert f'".[{extra}]"' in command and extra in extras


def test_windows_commands_do_the_same():
    here = [block(marker, "sh").strip() for marker in ("main command", "test command")]
    there = block("windows commands", "powershell").splitlines()
    posix = {"py -m": "python3 -m", "; ": " && ", ".venv\\Scripts\\": ".venv/bin/"}
    for one, other in zip(here, there, strict=True):
        for theirs, ours in posix.items():
            other = other.replace(theirs, ours)
        assert other == one


def test_a_newcomer_reads_it_to_the_end():
    assert len(README.splitlines()) < 130


def test_ci_runs_the_test_command_of_the_readme():
    script = (ROOT / ".ci" / "run").read_text(encoding="utf-8")
    assert "<!-- test command -->" in script and 'eval "$command"' in script
    command = block("test command", "sh").strip()
    assert command not in script  # or it would be written in two places
    assert "pytest -n" not in script


def test_links_and_pictures_lead_somewhere():
    targets = re.findall(r"\]\((?!https?:)([^)#]+)\)", README)
    assert targets
    for target in targets:
        assert (ROOT / target).exists(), target


def test_the_binder_badge_opens_the_first_lesson_in_lab():
    from relu_learn.cli.lessons import FIRST_LESSON

    (lesson,) = re.findall(r"mybinder\.org/v2/[^)]*urlpath=lab/tree/([^)]+)", README)
    assert lesson == f"notebooks/{FIRST_LESSON}" and (ROOT / lesson).is_file()


def test_every_command_shown_is_known():
    from relu_learn.cli import app

    commands = {command.name or command.callback.__name__ for command in app.registered_commands}
    shown = set(re.findall(r"relu-learn (\w+)", README))
    assert shown and shown <= commands

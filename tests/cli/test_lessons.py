"""`relu-learn lab`: which JupyterLab is started, and on which lessons."""

import json
import os
import re
import sys
from pathlib import Path

import pytest
from command_line import run, terminal

from relu_learn.cli import lessons


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


def test_lab_hands_over_to_the_real_program():
    done = terminal("lab", "--no-browser", "--", "--version")
    assert done.returncode == 0, done.stderr
    assert re.fullmatch(r"\d+\.\d+\.\d+\S*\n", done.stdout)


def test_installed_lessons_are_copied_once(tmp_path, monkeypatch):
    installed = tmp_path / "site" / "_notebooks"
    installed.mkdir(parents=True)
    (installed / "00_start_here.ipynb").write_text("{}", encoding="utf-8")
    monkeypatch.setattr(lessons, "lesson_folders", lambda: (tmp_path / "none", installed))
    monkeypatch.chdir(tmp_path)
    folder = lessons.find_lessons()
    assert folder == tmp_path / "relu_learn_lessons"
    (folder / "00_start_here.ipynb").write_text('{"mine": 1}', encoding="utf-8")
    assert lessons.find_lessons() == folder  # and what the user wrote there stays
    assert (folder / "00_start_here.ipynb").read_text(encoding="utf-8") == '{"mine": 1}'

"""`relu-learn lab`: which JupyterLab is started, and on which lessons."""

import importlib.util
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


@pytest.mark.slow
def test_lab_hands_over_to_the_real_program():
    done = terminal("lab", "--no-browser", "--", "--version")
    assert done.returncode == 0, done.stderr
    assert re.fullmatch(r"\d+\.\d+\.\d+\S*\n", done.stdout)


def test_without_jupyterlab_it_says_what_to_install(started, monkeypatch):
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    code, _, err = run("lab")
    assert code == 1 and not started
    # No index need carry this package: what is missing is named itself.
    assert len(err.splitlines()) == 1 and "install" in err and "jupyterlab>=" in err


@pytest.fixture
def installed(tmp_path, monkeypatch):
    """Two lessons as they lie in an installed package; a folder with a space is the current one."""
    folder, here = tmp_path / "site" / "_notebooks", tmp_path / "my work"
    folder.mkdir(parents=True)
    here.mkdir()
    for name in (lessons.FIRST_LESSON, "01_next.ipynb"):
        (folder / name).write_text(f"{{}} {name}", encoding="utf-8")
    monkeypatch.setattr(lessons, "lesson_folders", lambda: (tmp_path / "none", folder))
    monkeypatch.chdir(here)
    return folder


def test_installed_lessons_are_copied_once_and_work_stays(installed, started):
    folder = lessons.find_lessons()
    assert folder == Path.cwd() / "relu_learn_lessons"
    (folder / lessons.FIRST_LESSON).write_text("mine", encoding="utf-8")
    (folder / "01_next.ipynb").unlink()
    code, _, err = run("lab")
    assert code == 0 and f"the lessons are in {folder}" in err and "another version" not in err
    assert f"--ServerApp.root_dir={folder}" in started[0]
    assert (folder / lessons.FIRST_LESSON).read_text(encoding="utf-8") == "mine"
    assert (folder / "01_next.ipynb").exists()  # what was deleted comes back


@pytest.mark.parametrize("marked", [True, False], ids=["marked", "copied by version 0.1.0"])
def test_after_an_upgrade_old_lessons_stay_and_new_ones_open(installed, marked, capsys):
    old = lessons.find_lessons()
    (old / lessons.FIRST_LESSON).write_text("mine", encoding="utf-8")
    if not marked:
        (old / lessons.MARK).unlink()
    (installed / "01_next.ipynb").write_text("better", encoding="utf-8")
    new = lessons.find_lessons()
    assert new == old.with_name("relu_learn_lessons_2")
    assert f"{old} holds lessons of another version: they stay" in capsys.readouterr().err
    assert (old / lessons.FIRST_LESSON).read_text(encoding="utf-8") == "mine"
    assert (new / "01_next.ipynb").read_text(encoding="utf-8") == "better"
    assert lessons.find_lessons() == new and not old.with_name("relu_learn_lessons_3").exists()


def test_a_copy_that_was_interrupted_is_completed(installed):
    folder = lessons.find_lessons()
    (folder / lessons.MARK).unlink()
    (folder / "01_next.ipynb").unlink()
    assert lessons.find_lessons() == folder and (folder / "01_next.ipynb").exists()


def test_where_nothing_can_be_written_lessons_are_copied_home(installed, tmp_path, monkeypatch):
    home = tmp_path / "home"
    home.mkdir()
    monkeypatch.setattr(lessons.Path, "home", lambda: home)
    monkeypatch.setattr(lessons.Path, "cwd", lambda: Path("/no such folder"))
    assert lessons.find_lessons() == home / "relu_learn_lessons"
    monkeypatch.setattr(lessons, "writable", lambda folder: False)
    code, _, err = run("lab")
    assert code == 1 and "lessons need a folder that can be written" in err


def test_a_checkout_that_cannot_be_written_is_copied(installed, monkeypatch):
    # The same lessons, now as a checkout's.
    monkeypatch.setattr(lessons, "lesson_folders", lambda: (installed, installed / "none"))
    assert lessons.find_lessons() == installed
    can = lessons.writable
    monkeypatch.setattr(lessons, "writable", lambda folder: folder != installed and can(folder))
    assert lessons.find_lessons() == Path.cwd() / "relu_learn_lessons"

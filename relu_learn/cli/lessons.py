"""`relu-learn lab`: where the lessons are, and JupyterLab opened on the first one."""

from __future__ import annotations

import importlib.util
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Annotated, NoReturn

import typer
from typer import Argument, Option

from relu_learn.cli.install import pip
from relu_learn.cli.terminal import say, stop

FIRST_LESSON = "00_start_here.ipynb"


def lab(
    browser: Annotated[bool, Option(help="Open a browser window.")] = True,
    port: Annotated[
        int | None, Option(min=1, max=65535, help="Port of the server. (default: 8888)")
    ] = None,
    options: Annotated[
        list[str] | None,
        Argument(metavar="[-- OPTIONS]", help="After --: options for JupyterLab itself."),
    ] = None,
) -> None:
    """Open the first lesson in JupyterLab."""
    if importlib.util.find_spec("jupyterlab") is None:
        stop(f"JupyterLab is not installed: {pip('lab')}", 1)
    lesson = find_lessons() / FIRST_LESSON
    if not lesson.is_file():
        stop(f"the lesson {FIRST_LESSON} is missing: install relu-learn again", 1)
    # With the lesson as default address it also opens where no browser is started from here.
    command = [sys.executable, "-m", "jupyterlab", f"--ServerApp.root_dir={lesson.parent}"]
    command.append(f"--LabApp.default_url=/lab/tree/{lesson.name}")
    if not browser:
        command.append("--no-browser")
    if port is not None:
        command.append(f"--port={port}")
    if hasattr(os, "geteuid") and os.geteuid() == 0:
        # Usual in containers, where JupyterLab would refuse; it still listens on this machine only.
        say("running as root: JupyterLab is started with --allow-root")
        command.append("--allow-root")
    _hand_over([*command, *(options or [])])


def lesson_folders() -> tuple[Path, Path]:
    """Where the notebooks are in a checkout, and where in an installed package."""
    package = Path(__file__).resolve().parents[1]
    return package.parent / "notebooks", package / "_notebooks"


def find_lessons() -> Path:
    """The folder with the notebooks: that of the checkout, or a copy of those in the package.

    An installed package is no place to work in: its lessons are copied to `relu_learn_lessons` in
    the current folder. Files that are already there are kept.
    """
    checkout, installed = lesson_folders()
    if not installed.is_dir():
        return checkout
    target = Path.cwd() / "relu_learn_lessons"
    for source in sorted(path for path in installed.rglob("*") if path.is_file()):
        copy = target / source.relative_to(installed)
        if not copy.exists():
            copy.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(source, copy)
    return target


def _hand_over(command: list[str]) -> NoReturn:
    """Become the given program, so that Ctrl-C and its exit code are its own."""
    sys.stdout.flush()
    sys.stderr.flush()
    if os.name == "posix":
        os.execv(command[0], command)
    raise typer.Exit(subprocess.call(command))

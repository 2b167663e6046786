"""`relu-learn lab`: where the lessons are, and JupyterLab opened on the first one."""

from __future__ import annotations

import contextlib
import hashlib
import importlib.util
import itertools
import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, NoReturn

import typer
from typer import Argument, Option

from relu_learn import __version__, environment
from relu_learn.cli.terminal import say, stop

FIRST_LESSON = "00_start_here.ipynb"
COPY = "relu_learn_lessons"  # a folder of copied lessons
MARK = ".relu_learn.json"  # in it: which lessons they are


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
        stop(f"JupyterLab is not installed: {environment.remedy('lab', 'jupyterlab')}", 1)
    lesson = find_lessons() / FIRST_LESSON
    if not lesson.is_file():
        stop(f"the lesson {FIRST_LESSON} is missing: {environment.again()}", 1)
    say(f"the lessons are in {lesson.parent}")
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


def workplaces() -> Iterator[Path]:
    """Folders to work in, the best one first: a checkout's own lessons, or where to copy them."""
    checkout, installed = lesson_folders()
    if not installed.is_dir():
        yield checkout
    with contextlib.suppress(OSError):  # the current folder was removed
        yield Path.cwd()
    yield Path.home()
    yield Path(tempfile.gettempdir())


def writable(folder: Path) -> bool:
    """Whether a file can be made there: for root and on read-only disks, permissions do not say."""
    try:
        tempfile.TemporaryFile(dir=folder).close()
        return True
    except OSError:
        return False


def find_lessons() -> Path:
    """The folder with the notebooks: that of the checkout, or a copy of those in the package.

    An installed package is no place to work in, nor is a folder that cannot be written: lessons
    are copied to `relu_learn_lessons` in the current folder, or else at home. Files that are
    already there are kept; lessons of another version stay, and the new ones go beside them.
    """
    checkout, installed = lesson_folders()
    source = installed if installed.is_dir() else checkout
    place = next(filter(writable, workplaces()), None)
    if place is None:
        stop("lessons need a folder that can be written: go to one of your own", 1)
    return place if place == source else _copy(source, place)


def _copy(source: Path, place: Path) -> Path:
    """The lessons of a folder, copied to a place, and said where."""
    lessons = {
        path.relative_to(source): path.read_bytes()
        for path in sorted(source.rglob("*"))
        if path.is_file() and ".ipynb_checkpoints" not in path.parts
    }
    mark = {"version": __version__, "lessons": _digest(lessons)}
    for number in itertools.count(1):
        target = place / (COPY if number == 1 else f"{COPY}_{number}")
        if _is_copy(target, lessons, mark["lessons"]):
            break
        say(f"{target} holds lessons of another version: they stay as they are, with your work")
    for name, content in lessons.items():
        copy = target / name
        if not copy.exists():
            copy.parent.mkdir(parents=True, exist_ok=True)
            copy.write_bytes(content)
    (target / MARK).write_text(json.dumps(mark), encoding="utf-8")
    return target


def _is_copy(target: Path, lessons: dict[Path, bytes], digest: str) -> bool:
    """Whether a folder is free, was made from these lessons, or holds nothing but some of them."""
    with contextlib.suppress(OSError, ValueError, TypeError, KeyError):
        return bool(json.loads((target / MARK).read_text(encoding="utf-8"))["lessons"] == digest)
    there = {name: target / name for name in lessons if (target / name).exists()}
    return all(path.read_bytes() == lessons[name] for name, path in there.items())


def _digest(lessons: dict[Path, bytes]) -> str:
    pairs = [(name.as_posix(), content) for name, content in lessons.items()]
    return hashlib.sha256(repr(pairs).encode()).hexdigest()


def _hand_over(command: list[str]) -> NoReturn:
    """Become the given program, so that Ctrl-C and its exit code are its own."""
    sys.stdout.flush()
    sys.stderr.flush()
    if os.name == "posix":
        os.execv(command[0], command)
    raise typer.Exit(subprocess.call(command))

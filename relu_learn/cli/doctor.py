"""`relu-learn doctor`: what this environment lacks for the lessons, and what mends it."""

from __future__ import annotations

import dataclasses
import importlib.metadata
import platform
import re
import sys
from collections import defaultdict
from collections.abc import Iterator

import typer
from rich.text import Text

from relu_learn import __version__
from relu_learn.cli.install import pip
from relu_learn.cli.lessons import FIRST_LESSON, lesson_folders
from relu_learn.cli.terminal import print_table, say

_LABEXTENSIONS = {
    "@jupyter-widgets/jupyterlab-manager": "jupyterlab_widgets",
    "anywidget": "anywidget",
    "jupyterlab-plotly": "plotly",
}


@dataclasses.dataclass(frozen=True)
class _Check:
    what: str
    found: str
    remedy: str = ""  # empty: nothing to mend


def doctor() -> None:
    """Check versions, extras, and that widgets can render in JupyterLab."""
    checks = [*_check_packages(), *_check_lab()]
    good, bad = Text("ok", "green"), Text("PROBLEM", "bold red")
    print_table([(bad if check.remedy else good, check.what, check.found) for check in checks])
    problems = [check for check in checks if check.remedy]
    for check in problems:
        say(f"{check.what} {check.found}; {check.remedy}")
    if problems:
        raise typer.Exit(1)


def _check_packages() -> Iterator[_Check]:
    """The declared requirements: base and `lab` one by one, the other extras as a whole."""
    yield _Check("relu-learn", __version__)
    yield _Check("python", platform.python_version())
    try:
        lines = importlib.metadata.requires("relu-learn") or []
    except importlib.metadata.PackageNotFoundError:
        yield _Check("installation", "missing", f"install it: {pip('lab')}")
        return
    needs = defaultdict[str, list[str]](list)  # by extra ("" for the base)
    for line in lines:
        option = re.search(r"extra == ['\"]([\w-]+)", line)
        needs[option.group(1) if option else ""] += re.findall(r"^[\w.-]+", line)
    for name in sorted({*needs.pop(""), *needs.pop("lab")}):
        version = _version(name)
        # The lessons are what most people come for, so their extra is no option here.
        yield _Check(name, version or "missing", "" if version else f"install it: {pip('lab')}")
    for extra, names in sorted(needs.items()):
        missing = sorted(name for name in set(names) if not _version(name))
        found = f"without {', '.join(missing)} (optional)" if missing else "complete"
        yield _Check(f"extra {extra}", found)


def _version(distribution: str) -> str:
    try:
        return importlib.metadata.version(distribution)
    except importlib.metadata.PackageNotFoundError:
        return ""


def _check_lab() -> Iterator[_Check]:
    """The first lesson, and the front ends that JupyterLab itself would find and load."""
    again = f"install it again: {pip('lab')} --force-reinstall"
    here = any((folder / FIRST_LESSON).is_file() for folder in lesson_folders())
    yield _Check("first lesson", "found") if here else _Check("first lesson", "missing", again)
    try:
        from jupyter_core.paths import jupyter_path
        from jupyterlab_server.config import get_federated_extensions, get_page_config
    except ImportError:
        return  # reported as missing packages already
    folders = jupyter_path("labextensions")
    found = get_federated_extensions(folders)
    disabled = set(get_page_config(folders).get("disabledExtensions", []))
    for extension, package in _LABEXTENSIONS.items():
        if extension not in found:
            mend = f"{sys.executable} -m pip install --force-reinstall {package}"
            state, remedy = "missing", f"JupyterLab cannot see it: {mend}"
        elif extension in disabled:
            state, remedy = "disabled", f"enable it: jupyter labextension enable {extension}"
        else:
            state, remedy = str(found[extension]["version"]), ""
        yield _Check(f"front end of {package}", state, remedy)

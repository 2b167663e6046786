"""`relu-learn doctor`: what this environment lacks for the lessons, and what mends it."""

from __future__ import annotations

import dataclasses
import importlib.metadata
import os
import platform
import shutil
import sys
from collections.abc import Iterator
from pathlib import Path

import typer
from packaging.specifiers import SpecifierSet
from rich.text import Text

from relu_learn import __version__, environment
from relu_learn.cli.lessons import FIRST_LESSON, lesson_folders, workplaces, writable
from relu_learn.cli.terminal import print_table, say

# Front ends that JupyterLab loads, and who brings them. (Plotly's own is not among them: panels
# bring plotly.js themselves.)
_FRONT_ENDS = {
    "@jupyter-widgets/jupyterlab-manager": "jupyterlab_widgets",
    "anywidget": "anywidget",
}
_MARKS = {"ok": "green", "note": "yellow", "PROBLEM": "bold red"}


@dataclasses.dataclass(frozen=True)
class _Check:
    what: str
    found: str
    remedy: str = ""  # empty: nothing to mend
    grave: bool = True  # whether lessons fail without the remedy

    @property
    def mark(self) -> str:
        return ("PROBLEM" if self.grave else "note") if self.remedy else "ok"


def doctor() -> None:
    """Check versions, widgets, BLAS threads and folders, and say what to do about each."""
    checks = [*_check_packages(), *_check_threads(), *_check_lessons(), *_check_lab()]
    print_table([(Text(c.mark, _MARKS[c.mark]), c.what, c.found) for c in checks])
    for check in checks:
        if check.remedy:
            say(f"{check.mark}: {check.what}: {check.found}; {check.remedy}")
    if any(check.mark == "PROBLEM" for check in checks):
        raise typer.Exit(1)


def _check_packages() -> Iterator[_Check]:
    """The declared bounds: of package and lessons one by one, of other extras as a whole."""
    yield _Check("relu-learn", __version__)
    try:
        about = importlib.metadata.metadata(environment.NAME)
    except importlib.metadata.PackageNotFoundError:
        yield _Check("installation", "missing: this runs from its source", environment.again())
        return
    python, bound = platform.python_version(), about["Requires-Python"]
    fits = SpecifierSet(bound).contains(python, prereleases=True)
    yield _Check("python", python, "" if fits else f"use a Python {bound}")
    # The lessons are what most people come for, so their extra is no option here.
    for need in (*environment.needs(), *environment.needs("widgets")):
        yield _check_need(need)
    # `test` is for whoever works on the package.
    for extra in sorted({*about.get_all("Provides-Extra", [])} - {"widgets", "lab", "test"}):
        lacking = sorted(need.name for need in environment.needs(extra) if not need.fits)
        found = f"without {', '.join(lacking)} (optional)" if lacking else "complete"
        yield _Check(f"extra {extra}", found)


def _check_need(need: environment.Need) -> _Check:
    if need.fits:
        return _Check(need.name, need.found)
    found = f"{need.found or 'missing'} (need {need.requirement.specifier})"
    return _Check(need.name, found, environment.pip(need))


def _check_threads() -> Iterator[_Check]:
    """More threads of BLAS than processors, as in a container with a share of a large machine,
    wait for each other."""
    try:
        import scipy.linalg  # noqa: F401  (which loads BLAS)
        import threadpoolctl
    except ImportError:
        return  # reported as missing packages already
    blas = [pool for pool in threadpoolctl.threadpool_info() if pool["user_api"] == "blas"]
    if not blas:
        yield _Check("BLAS", "of a kind whose threads cannot be counted")
        return
    names = ", ".join(sorted({pool["internal_api"] for pool in blas}))
    threads, processors = max(pool["num_threads"] for pool in blas), _processors()
    mend = f"before Python starts, set OMP_NUM_THREADS={processors}"
    crowded = mend if threads > processors else ""
    found = f"{names}, threads: {threads}, processors: {processors}"
    yield _Check("BLAS", found, crowded, grave=False)


def _processors(quota: Path = Path("/sys/fs/cgroup/cpu.max")) -> int:
    """How many processors this process may use at once; a container's share is rounded up."""
    able = getattr(os, "sched_getaffinity", None)
    usable = len(able(0)) if able else os.cpu_count() or 1
    try:
        share, period = map(int, quota.read_text(encoding="ascii").split())
        return min(usable, max(1, -(-share // period)))
    except (OSError, ValueError):  # no such thing, or "max"
        return usable


def _check_lessons() -> Iterator[_Check]:
    """The lessons themselves, and a folder to work in."""
    here = any((folder / FIRST_LESSON).is_file() for folder in lesson_folders())
    found, remedy = ("found", "") if here else ("missing", environment.again())
    yield _Check("first lesson", found, remedy)
    places = list(workplaces())
    folder = next((folder for folder in places if writable(folder)), None)
    if folder is None:
        tried = f"no way to write into {', '.join(map(str, places))}"
        yield _Check("lessons folder", tried, "go to a folder of your own")
        return
    remedy = "" if folder == places[0] else f"{places[0]} cannot be written: go to another folder"
    yield _Check("lessons folder", f"{folder}, can be written", remedy, grave=False)


def _check_lab() -> Iterator[_Check]:
    """JupyterLab with its front ends, here or, where this is a kernel only, elsewhere."""
    try:
        both = environment.needs("lab")
        shared = {need.name for need in environment.needs("widgets")}
    except importlib.metadata.PackageNotFoundError:
        return  # reported already
    lab = [need for need in both if need.name not in shared]
    if environment.version("jupyterlab"):
        yield from map(_check_need, lab)
        yield from _check_front_ends()
        return
    other = Path(shutil.which("jupyter-lab") or sys.executable).resolve().parent
    if other == Path(sys.executable).resolve().parent or other == Path(sys.prefix) / "bin":
        found = "none here: this is a kernel for another front end"
        mend = f"for JupyterLab in this environment: {environment.pip(*lab)}"
        yield _Check("jupyterlab", found, mend, grave=False)
    else:
        yield from _check_other_lab(other)
    if not environment.version("ipykernel"):
        (kernel,) = (need for need in lab if need.name == "ipykernel")
        found = "missing: front ends other than Pyodide's cannot start a kernel here"
        yield _Check("ipykernel", found, environment.pip(kernel), grave=False)


def _check_other_lab(scripts: Path) -> Iterator[_Check]:
    """A JupyterLab of another environment, for which this one may be a kernel."""
    register = ("-m", "ipykernel", "install", "--user", "--name", "relu-learn")
    mend = f"if it does not list it yet: {environment.command(sys.executable, *register)}"
    found = f"in another environment, {scripts.parent}: here is a kernel for it"
    yield _Check("jupyterlab", found, mend, grave=False)
    for extension, package in _FRONT_ENDS.items():
        folder = scripts.parent / "share" / "jupyter" / "labextensions" / extension
        state, mend = f"found in {scripts.parent}", ""
        if not (folder / "package.json").is_file():
            state = f"missing in {scripts.parent}"
            mend = environment.command(scripts / "python", "-m", "pip", "install", package)
        yield _Check(f"front end of {package}", state, mend, grave=False)


def _check_front_ends() -> Iterator[_Check]:
    """What JupyterLab itself would find and load."""
    try:
        from jupyter_core.paths import jupyter_path
        from jupyterlab_server.config import get_federated_extensions, get_page_config
    except ImportError:
        return  # reported as missing packages already
    folders = jupyter_path("labextensions")
    found = get_federated_extensions(folders)
    disabled = set(get_page_config(folders).get("disabledExtensions", []))
    for extension, package in _FRONT_ENDS.items():
        if extension not in found:
            mend = environment.pip("--force-reinstall", package)
            state, remedy = "missing", f"JupyterLab cannot see it: {mend}"
        elif extension in disabled:
            state, remedy = "disabled", f"enable it: jupyter labextension enable {extension}"
        else:
            state, remedy = str(found[extension]["version"]), ""
        yield _Check(f"front end of {package}", state, remedy)

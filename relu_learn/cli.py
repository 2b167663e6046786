"""The command line: `relu-learn demo`, `relu-learn play`, `relu-learn lab`, `relu-learn doctor`.

Progress goes to standard error and results to standard output, so that `relu-learn demo > file`
keeps the table and still shows the run. Exit codes: 0 done, 1 the run or a check failed, 2 bad
arguments, 130 stopped by hand.
"""

from __future__ import annotations

import contextlib
import dataclasses
import enum
import importlib.metadata
import importlib.util
import math
import os
import platform
import re
import shutil
import subprocess
import sys
import time
from collections import defaultdict
from collections.abc import Iterator, Sequence
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, NoReturn, TextIO

import typer
from rich.console import Console
from rich.status import Status
from rich.table import Table
from rich.text import Text
from typer import Argument, Option

from relu_learn import __version__
from relu_learn.asking.errors import InvalidArgument, ReluLearnError

if TYPE_CHECKING:
    import numpy as np

    from relu_learn.network import ReluNetwork
    from relu_learn.telling.events import Event

app = typer.Typer(
    name="relu-learn",
    help="Learn any one-hidden-layer ReLU network from its answers, and see how.",
    add_completion=False,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)

POINTS = 10_000  # for the errors shown at the end
CLOSE = 1e-6  # relative error up to which a secret counts as learned
FIRST_LESSON = "00_start_here.ipynb"
# Numbers of a matrix that a run of `demo` may need (dim x dim, say): 0.8 GB.
MOST = 10**8


def main(arguments: Sequence[str] | None = None) -> int:
    """Entry point of the `relu-learn` command; returns the exit code."""
    try:
        code = _run_command(arguments)
        if sys.stdout is not None:
            sys.stdout.flush()  # here it can still be said that this fails
        return code
    except (OSError, SystemExit) as error:  # typer and rich exit when a pipe is closed
        _lose(sys.stdout)
        full = isinstance(error, OSError) and not isinstance(error, BrokenPipeError)
        _say(f"cannot write: {error}" if full else "nobody reads the output any more")
    except MemoryError:
        _say("there is not enough memory for that")
    return 1


def _run_command(arguments: Sequence[str] | None) -> int:
    # typer bundles its own copy of click, whose base class is public only through this subclass.
    usage_error: Any = typer.BadParameter.__bases__[0]
    try:
        code = app(arguments, prog_name="relu-learn", standalone_mode=False)
    except usage_error as error:
        _say(f"{error.format_message()} (see relu-learn --help)")
        return 2
    except (typer.Abort, KeyboardInterrupt):
        return 130
    return code if isinstance(code, int) else 0


class _Console(Console):
    """The terminal, or the file or pipe that stands for it; `main` says what goes wrong there."""

    def on_broken_pipe(self) -> None:
        raise BrokenPipeError


def _say(message: str) -> None:
    """One line on standard error, whatever the message."""
    if sys.stdout is not None:
        sys.stdout.flush()  # first what was printed before
    _tell(f"relu-learn: {' '.join(message.split())}")


def _tell(line: str) -> None:
    """A line on standard error, if that can be written: a run goes on without its progress."""
    try:
        print(line, file=sys.stderr, flush=True)
    except OSError:
        _lose(sys.stderr)


def _lose(stream: TextIO | None) -> None:
    """What a stream still holds cannot be written: Python shall not try again at its exit."""
    with contextlib.suppress(AttributeError, OSError):
        nowhere = os.open(os.devnull, os.O_WRONLY)
        os.dup2(nowhere, stream.fileno())  # type: ignore[union-attr]
        os.close(nowhere)


def _stop(message: str, code: int) -> NoReturn:
    _say(message)
    raise typer.Exit(code)


def _print_table(rows: Sequence[Sequence[str | Text]], title: str | None = None) -> None:
    """Columns without lines between them, of which only the last one wraps."""
    table = Table.grid(padding=(0, 2, 0, 0), pad_edge=title is not None)
    table.title = Text(title, "bold", justify="left") if title else None
    for _ in rows[0][1:]:
        table.add_column(no_wrap=True)
    table.add_column(overflow="fold")
    for row in rows:
        table.add_row(*(cell if isinstance(cell, Text) else Text(cell) for cell in row))
    _Console().print(table)


def _print_version(wanted: bool) -> None:
    if wanted:
        print(f"relu-learn {__version__}")
        raise typer.Exit()


@app.callback(invoke_without_command=True)
def _start(
    context: typer.Context,
    version: Annotated[
        bool, Option("--version", callback=_print_version, is_eager=True, help="Version.")
    ] = False,
) -> None:
    if context.invoked_subcommand is None:
        print(context.get_help())


# ------------------------------------------------------------------------ demo


# How to search a line for critical points, and the theme of the page that plays a run.
Method = enum.Enum("Method", {"adaptive": "adaptive", "grid": "grid"}, type=str)
Look = enum.Enum("Look", {"light": "light", "dark": "dark", "projector": "projector"}, type=str)
Size = int | None  # of a random secret; None: by default

_HTML_HELP = "Write the run as a page that plays by itself: one file, no network needed."


def _print_zoo(wanted: bool) -> None:
    if not wanted:
        return
    from relu_learn import zoo

    _print_table([(name, zoo.describe(name)) for name in zoo.names()])
    raise typer.Exit()


@app.command()
def demo(
    name: Annotated[
        str | None, Argument(metavar="[NAME]", help="A secret from the zoo (--list shows them).")
    ] = None,
    dim: Annotated[Size, Option(min=1, help="Inputs of a random secret. (default: 10)")] = None,
    neurons: Annotated[
        Size, Option(min=0, help="Neurons of a random secret. (default: 15)")
    ] = None,
    outputs: Annotated[Size, Option(min=1, help="Outputs of a random secret. (default: 1)")] = None,
    seed: Annotated[int, Option(min=0, help="Same seed, same queries.")] = 0,
    method: Annotated[
        Method, Option(help="The practical search, or the paper's grid.")
    ] = Method.adaptive,
    max_queries: Annotated[
        int | None, Option(min=1, help="Stop when they are spent. (default: no limit)")
    ] = None,
    save_trace: Annotated[
        Path | None, Option(dir_okay=False, help="Keep every event of the run in a file.")
    ] = None,
    html: Annotated[Path | None, Option(dir_okay=False, help=_HTML_HELP)] = None,
    theme: Annotated[Look, Option(help="Look of the page.")] = Look.projector,
    list_secrets: Annotated[
        bool, Option("--list", callback=_print_zoo, is_eager=True, help="List the zoo's secrets.")
    ] = False,
) -> None:
    """Learn a secret network in front of you: NAME from the zoo, or a random one of given sizes.

    Without NAME and sizes it is the handwritten-digit classifier "digits".
    """
    _check_folder("--save-trace", save_trace)
    _check_page(html)
    try:
        secret, title = _choose(name, dim, neurons, outputs, seed)
        run = _Run(secret, title, method.value)
        outcome = run.follow(seed, max_queries)
    except InvalidArgument as error:
        _stop(str(error), 2)
    run.report()
    if save_trace is not None:
        run.save(save_trace)
    if html is not None:
        _write_page(html, run.events, f"{title}: learned from its answers", theme, secret)
    if isinstance(outcome, KeyboardInterrupt):
        _stop(f"stopped by hand after {run.queries:,} queries", 130)
    if isinstance(outcome, ReluLearnError):
        _stop(f"{type(outcome).__name__}: {outcome}", 1)


@app.command()
def play(
    trace: Annotated[
        Path,
        Argument(
            exists=True, dir_okay=False, help="A run kept by demo --save-trace or Trace.save."
        ),
    ],
    html: Annotated[Path, Option(dir_okay=False, help=_HTML_HELP)],
    theme: Annotated[Look, Option(help="Look of the page.")] = Look.projector,
) -> None:
    """Make a page that plays a saved run; it needs neither the black box nor the secret.

    The loss is then the learner's own test: the trace does not know the secret.
    """
    from relu_learn.telling.trace import Trace

    _check_page(html)
    try:
        events = list(Trace.load(trace))
    except InvalidArgument as error:
        _stop(f"cannot play {str(trace)!r}: {error}", 1)
    _write_page(html, events, f"{trace.stem}: learned from its answers", theme)


def _check_folder(option: str, path: Path | None) -> None:
    """A path that cannot be a new file is said before the work, not after it."""
    if path is None:
        return
    try:
        if not path.absolute().parent.is_dir():
            _stop(f"{option}: there is no folder {str(path.parent)!r}", 2)
        path.exists()
    except (OSError, ValueError) as error:  # too long, or with a NUL
        _stop(f"{option}: {getattr(error, 'strerror', error)}", 2)


def _check_page(path: Path | None) -> None:
    _check_folder("--html", path)
    if path is not None and importlib.util.find_spec("plotly") is None:
        _stop(f"--html needs plotly, which is not installed: {_pip('lab')}", 1)


def _write_page(
    path: Path, events: list[Event], title: str, theme: Look, secret: ReluNetwork | None = None
) -> None:
    from relu_learn.figures import export_html

    try:
        export_html(events, path, secret=secret, title=title, theme=theme.value)
    except InvalidArgument as error:
        _stop(f"--html: {error}", 1)
    except OSError as error:
        _stop(f"--html: cannot write {str(path)!r}: {error.strerror}", 1)
    _say(f"{path} plays the run in any browser ({path.stat().st_size / 1e6:.1f} MB)")


def _choose(
    name: str | None, dim: Size, neurons: Size, outputs: Size, seed: int
) -> tuple[ReluNetwork, str]:
    """The secret that the arguments of `demo` ask for, and what to call it."""
    from relu_learn import zoo

    sizes = {"--dim": dim, "--neurons": neurons, "--outputs": outputs}
    given = [option for option, value in sizes.items() if value is not None]
    if name is not None and given:
        _stop(f"{given[0]} is for random secrets: leave it out, or leave out {name!r}", 2)
    if given:
        d, k, m = dim or 10, 15 if neurons is None else neurons, outputs or 1
        largest = max(d * d, d * k, d * m, k * m)
        if largest > MOST:
            size = f"{Decimal(largest):.1e} numbers, more than {MOST:.0e}"
            _stop(f"{' and '.join(given)}: a run would need matrices of {size}", 2)
        return zoo.random_network(d, k, m, rng=seed), f"random {d}-{k}-{m}, seed {seed}"
    name = "digits" if name is None else name
    try:
        return zoo.get(name), name
    except InvalidArgument as error:
        _stop(f"{error} (relu-learn demo --list shows them all)", 2)


@dataclasses.dataclass
class _Run:
    """One run of the learner, followed event by event, and the secret to compare it with."""

    secret: ReluNetwork
    title: str
    method: str
    events: list[Event] = dataclasses.field(default_factory=list)
    network: ReluNetwork | None = None
    claim: str = ""
    seconds: float = 0.0
    secret_seconds: float = 0.0

    def __post_init__(self) -> None:
        from relu_learn.telling.trace import Hypothesis

        self.known = Hypothesis(self.secret.dim, self.secret.n_outputs)

    @property
    def queries(self) -> int:
        return self.events[-1].queries if self.events else 0

    def follow(self, seed: int, max_queries: int | None) -> BaseException | None:
        """Drain the learner; what stopped it early is returned, with what it had found kept."""
        from relu_learn.learn import learn_steps

        start = time.perf_counter()
        console, logged = _Console(stderr=True), set[str]()
        try:
            steps = learn_steps(
                self._answer, self.secret.dim, method=self.method, rng=seed, max_queries=max_queries
            )
            with Status(self.title, console=console, spinner_style="cyan") as status:
                for event in steps:
                    self._note(event)
                    if console.is_terminal:
                        status.update(self._now())
                    else:
                        _log(event, logged)
        except InvalidArgument:
            raise
        except ReluLearnError as error:
            if error.partial is not None:
                self.network = error.partial.network
            return error
        except KeyboardInterrupt as stop:
            return stop
        finally:
            self.seconds = time.perf_counter() - start
        return None

    def _answer(self, x: np.ndarray) -> np.ndarray:
        """The black box, which keeps the time that is its own."""
        start = time.perf_counter()
        try:
            return self.secret(x)
        finally:
            self.secret_seconds += time.perf_counter() - start

    def _note(self, event: Event) -> None:
        self.events.append(event)
        self.known = self.known.after(event)
        self.network = None if self.known.is_empty else self.known.network
        self.claim = str(getattr(event, "certificate", ""))

    def _now(self) -> Text:
        """Two lines on a terminal that change as the run goes on."""
        event = self.events[-1]
        spent, found = _count(event.queries, "query"), _count(self.known.n_neurons, "neuron")
        cells = (self.title, "bold"), event.phase, (spent, "cyan"), (found, "green")
        head = Text("  ").join(Text.assemble(cell) for cell in (*cells, (event.procedure, "dim")))
        return Text.assemble(head, "\n    ", event.narration)

    def save(self, path: Path) -> None:
        from relu_learn.telling.trace import Trace

        try:
            Trace(self.events).save(path)
        except OSError as error:
            _stop(f"--save-trace: cannot write {str(path)!r}: {error.strerror}", 1)
        _say(f"{len(self.events):,} events saved to {path}")

    def report(self) -> None:
        """The table at the end, with what only somebody who knows the secret can say."""
        from relu_learn.judging.loss import best_loss, worst_error
        from relu_learn.judging.matching import match_neurons

        secret, found, error = self.secret, self.network, math.inf
        rows = {"secret": f"{_count(secret.dim, 'input')}, {_count(secret.n_outputs, 'output')}"}
        rows["neurons"] = self._neurons()
        if found is not None:
            match = match_neurons(found, secret)
            rows["matched"] = f"{len(match.pairs)} of {match.true.n_neurons}"
            if len(match.pairs):
                tilt = f"{match.angle_error.max():.1e} rad"
                rows["matched"] += f", hyperplanes tilted by at most {tilt}"
        size = secret.n_parameters
        sure = self._sure()
        rows["queries"] = f"{self.queries:,}"
        rows["of them"] = f"{self.queries - sure:,} to find it, {sure:,} to be sure"
        rows["queries per parameter"] = f"{self.queries / size:.2f} (of {size:,} parameters)"
        if found is not None:
            worst, scale = worst_error(secret, found, n=POINTS, rng=0)
            error = worst / scale
            rows["worst error"] = f"{error:.1e} of the output's scale ({POINTS:,} random points)"
            loss, kind = best_loss(secret, found, rng=0)
            note = "" if kind == "exact" else " (too small for the exact formula)"
            rows[f"{kind} loss"] = f"{loss:.1e}{note}"
        rows["certificate"] = self.claim or "none: the run did not end"
        share = f"{self.secret_seconds:.2f} s of it for the secret's answers"
        rows["time"] = f"{self.seconds:.2f} s, {share}"
        verdict = "Learned" if error <= CLOSE else "Finished, but not exact"
        _print_table(
            [(Text(label, "cyan"), value) for label, value in rows.items()],
            title=f"{verdict if self.claim else 'Partial result'}: {self.title}",
        )

    def _sure(self) -> int:
        """Fresh points of the final test."""
        from relu_learn.telling.events import Validated

        tests = [len(event.points) for event in self.events if isinstance(event, Validated)]
        return tests[-1] if tests else 0

    def _neurons(self) -> str:
        """How many were found and how many there are, where twins and dead ones do not count."""
        found = written = self.known.n_neurons
        if self.network is not None:
            found, written = self.network.simplify().n_neurons, self.network.n_neurons
        distinct, true = self.secret.simplify().n_neurons, self.secret.n_neurons
        # The paper's output form writes an affine part as ReLUs, which are no finds.
        form = "" if found == written else f" (written with {written} ReLUs)"
        note = "" if distinct == true else f" ({distinct} after merging equal and dead ones)"
        return f"{found} found{form}, {true} in the secret{note}"


def _count(n: int, thing: str) -> str:
    many = f"{thing[:-1]}ies" if thing.endswith("y") else f"{thing}s"
    return f"{n:,} {thing if n == 1 else many}"


def _log(event: Event, phases: set[str]) -> None:
    """The same for pipes and files: the first event of each phase, anew for each line drawn."""
    if type(event).__name__ == "LineDrawn":
        phases.clear()
    if event.phase not in phases:
        phases.add(event.phase)
        _tell(f"{event.queries:>10,} queries  {event.phase:<9}  {event.narration}")


# ------------------------------------------------------------------------- lab


@app.command()
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
        _stop(f"JupyterLab is not installed: {_pip('lab')}", 1)
    lesson = find_lessons() / FIRST_LESSON
    if not lesson.is_file():
        _stop(f"the lesson {FIRST_LESSON} is missing: install relu-learn again", 1)
    # With the lesson as default address it also opens where no browser is started from here.
    command = [sys.executable, "-m", "jupyterlab", f"--ServerApp.root_dir={lesson.parent}"]
    command.append(f"--LabApp.default_url=/lab/tree/{lesson.name}")
    if not browser:
        command.append("--no-browser")
    if port is not None:
        command.append(f"--port={port}")
    if hasattr(os, "geteuid") and os.geteuid() == 0:
        # Usual in containers, where JupyterLab would refuse; it still listens on this machine only.
        _say("running as root: JupyterLab is started with --allow-root")
        command.append("--allow-root")
    _hand_over([*command, *(options or [])])


def _lesson_folders() -> tuple[Path, Path]:
    """Where the notebooks are in a checkout, and where in an installed package."""
    package = Path(__file__).resolve().parent
    return package.parent / "notebooks", package / "_notebooks"


def find_lessons() -> Path:
    """The folder with the notebooks: that of the checkout, or a copy of those in the package.

    An installed package is no place to work in: its lessons are copied to `relu_learn_lessons` in
    the current folder. Files that are already there are kept.
    """
    checkout, installed = _lesson_folders()
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


def _pip(extra: str) -> str:
    """The command that installs this package (again) with an extra."""
    checkout = Path(__file__).resolve().parents[1]
    editable = (checkout / "pyproject.toml").is_file()
    what = f'-e "{checkout}[{extra}]"' if editable else f'"relu-learn[{extra}]"'
    return f"{sys.executable} -m pip install {what}"


# ---------------------------------------------------------------------- doctor

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


@app.command()
def doctor() -> None:
    """Check versions, extras, and that widgets can render in JupyterLab."""
    checks = [*_check_packages(), *_check_lab()]
    good, bad = Text("ok", "green"), Text("PROBLEM", "bold red")
    _print_table([(bad if check.remedy else good, check.what, check.found) for check in checks])
    problems = [check for check in checks if check.remedy]
    for check in problems:
        _say(f"{check.what} {check.found}; {check.remedy}")
    if problems:
        raise typer.Exit(1)


def _check_packages() -> Iterator[_Check]:
    """The declared requirements: base and `lab` one by one, the other extras as a whole."""
    yield _Check("relu-learn", __version__)
    yield _Check("python", platform.python_version())
    try:
        lines = importlib.metadata.requires("relu-learn") or []
    except importlib.metadata.PackageNotFoundError:
        yield _Check("installation", "missing", f"install it: {_pip('lab')}")
        return
    needs = defaultdict[str, list[str]](list)  # by extra ("" for the base)
    for line in lines:
        option = re.search(r"extra == ['\"]([\w-]+)", line)
        needs[option.group(1) if option else ""] += re.findall(r"^[\w.-]+", line)
    for name in sorted({*needs.pop(""), *needs.pop("lab")}):
        version = _version(name)
        # The lessons are what most people come for, so their extra is no option here.
        yield _Check(name, version or "missing", "" if version else f"install it: {_pip('lab')}")
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
    again = f"install it again: {_pip('lab')} --force-reinstall"
    here = any((folder / FIRST_LESSON).is_file() for folder in _lesson_folders())
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


if __name__ == "__main__":
    sys.exit(main())

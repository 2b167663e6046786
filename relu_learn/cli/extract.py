"""`relu-learn extract`: a model learned from its answers, into a file, with a report."""

from __future__ import annotations

import shlex
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn, TimeRemainingColumn
from rich.text import Text
from typer import Option

from relu_learn.asking.errors import (
    InvalidArgument,
    LedgerError,
    QueryBudgetExceeded,
    ReluLearnError,
    TimeLimitExceeded,
)
from relu_learn.cli import options as given
from relu_learn.cli.terminal import Terminal, count, print_table, say, stop, tell

if TYPE_CHECKING:
    from relu_learn.auditing.checking import Check
    from relu_learn.auditing.extraction import Outcome
    from relu_learn.telling.events import Event
    from relu_learn.telling.trace import Hypothesis

_OUT_HELP = "The copy: .npz, .onnx, .pt or .joblib."
_LEDGER_HELP = "Keeps every answer. (default: beside --out, named after the command's arguments)"
# A pipe or a file gets a line so often, in seconds.
_EVERY = 5.0


@given.about_target
def extract(
    named: given.Named,
    out: Annotated[Path, Option(dir_okay=False, help=_OUT_HELP)] = Path("copy.npz"),
    report: Annotated[
        Path | None, Option(dir_okay=False, help="A page with all that was found.")
    ] = None,
    ledger: Annotated[Path | None, Option(dir_okay=False, help=_LEDGER_HELP)] = None,
    max_queries: Annotated[
        int | None, Option(min=1, help="Budget. (default: several times what is expected)")
    ] = None,
    max_seconds: Annotated[float | None, Option(min=0.001, help="Time limit.")] = None,
    seed: given.Seed = 0,
) -> None:
    """Learn a model you are entitled to test from its answers, and write the copy to a file.

    Ctrl-C keeps everything: the same command goes on where it was, and pays for nothing twice.

    Exit codes: 0 learned, 1 no answer or no file, 2 bad arguments, 3 budget or time spent,
    4 not a one-hidden-layer ReLU network, 130 stopped by hand.
    """
    from relu_learn.auditing.saving import check_kind, check_writable

    if ledger is None:
        ledger = out.with_name(f"{out.name}.{named.key(seed)}.ledger")
    try:
        check_kind(out)
        check_writable("ledger", ledger)
        if report is not None:
            check_writable("report", report)
    except InvalidArgument as error:
        stop(f"--{error}", 2)
    except ReluLearnError as error:
        stop(str(error), 1)
    limits = {"max_queries": max_queries, "max_seconds": max_seconds}
    outcome = _follow(named, ledger, limits, seed)
    _write(outcome, out, ledger, report)
    _end(outcome, ledger)


def _follow(named: given.Named, ledger: Path, limits: dict[str, Any], seed: int) -> Outcome:
    """The extraction, with its progress on standard error."""
    from relu_learn.auditing.extraction import extract as learn

    saving, target = named.saving(), named.open()
    with _Shown(target.model.title, limits["max_queries"]) as shown:
        try:
            return learn(
                target, ledger, **limits, rng=seed,
                on_check=shown.look, on_event=shown.event, **saving,
            )  # fmt: skip
        except InvalidArgument as error:
            stop(str(error), 2)
        except ReluLearnError as error:
            stop(f"{type(error).__name__}: {error}", 1)


class _Shown:
    """A bar with the expected end on a terminal; now and then a line anywhere else."""

    def __init__(self, title: str, budget: int | None) -> None:
        self.budget, self.last = budget, time.monotonic()
        self.check: Check | None = None
        self.console = Terminal(stderr=True)
        text = TextColumn("{task.description}")
        columns = text, BarColumn(), TimeElapsedColumn(), TextColumn("left"), TimeRemainingColumn()
        self.bar = Progress(*columns, console=self.console, disable=not self.console.is_terminal)
        self.task = self.bar.add_task(title, total=None)

    def __enter__(self) -> _Shown:
        self.bar.__enter__()
        return self

    def __exit__(self, *error: Any) -> None:
        self.bar.__exit__(*error)

    def look(self, check: Check) -> None:
        self.check = check
        low, high = check.expected
        budget = self.budget or check.budget
        cost = f"{low:,} to {high:,} queries are expected" if high else "no cost is expected"
        seen = "; ".join([check.shape, str(check.noise), check.values])
        say(f"{seen}. {cost}, and at most {budget:,} will be asked")

    def event(self, event: Event, known: Hypothesis) -> None:
        assert self.check is not None
        # More neurons than it looked like cost more.
        more = max(1.0, known.n_neurons / max(1, self.check.neurons))
        most = min(self.check.expected[1] * more, self.budget or self.check.budget)
        most = max(most, event.queries)
        spent, neurons = count(event.queries, "query"), count(known.n_neurons, "neuron")
        line = f"{event.phase}: {spent}, {neurons}"
        self.bar.update(self.task, description=line, total=most, completed=event.queries)
        if not self.console.is_terminal and time.monotonic() > self.last + _EVERY:
            self.last = time.monotonic()
            tell(f"{event.queries:>10,} of about {most:,.0f} queries  {event.phase:<9} {neurons}")


def _write(outcome: Outcome, out: Path, ledger: Path, page: Path | None) -> None:
    """The copy and the report; what cannot be written is one line, and loses nothing."""
    from relu_learn.auditing.report import found, report
    from relu_learn.auditing.saving import save_copy

    state = "Learned" if outcome.complete else "Partial result"
    files = {"ledger": str(ledger)}
    try:
        if outcome.network is not None and outcome.worth_keeping:
            # What is not complete takes no complete copy's place.
            name = out if outcome.complete else out.with_stem(f"{out.stem}.partial")
            save_copy(outcome.network, name, outcome.target.model.link)
            if outcome.complete:  # that of a run that was stopped, and went on
                out.with_stem(f"{out.stem}.partial").unlink(missing_ok=True)
            files["copy" if outcome.complete else "partial copy"] = str(name)
        if page is not None:
            command = shlex.join(["relu-learn", *sys.argv[1:]])
            page.write_text(report(outcome, command, files), encoding="utf-8", errors="replace")
            files["report"] = str(page)
    except OSError as error:
        stop(f"cannot write {error.filename!r}: {error.strerror}; the answers are in {ledger}", 1)
    except ReluLearnError as error:
        stop(f"{type(error).__name__}: {error}; the answers are in {ledger}", 1)
    rows = found(outcome) | files
    print_table(
        [(Text(label, "cyan"), value) for label, value in rows.items()],
        title=f"{state}: {outcome.target.name}",
    )


def _end(outcome: Outcome, ledger: Path) -> None:
    """The exit code, and why."""
    error, again = outcome.stopped, f"the same command goes on with what is in {ledger}"
    if error is None:
        return
    if isinstance(error, KeyboardInterrupt):
        stop(f"stopped by hand after {outcome.queries:,} queries: {again}", 130)
    words = f"{type(error).__name__}: {error}"
    if isinstance(error, QueryBudgetExceeded | TimeLimitExceeded):
        stop(f"{words}; with more, {again}", 3)
    if outcome.outside:
        stop(words, 4)
    stop(words if isinstance(error, LedgerError) else f"{words}; {again}", 1)

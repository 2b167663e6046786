"""`relu-learn demo`: a secret learned in front of you, and the table at the end."""

from __future__ import annotations

import enum
import math
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.text import Text
from typer import Argument, Option

from relu_learn.asking.errors import InvalidArgument, ReluLearnError
from relu_learn.cli.follow import Following
from relu_learn.cli.page import HTML_HELP, Look, check_folder, check_page, write_page
from relu_learn.cli.terminal import count, print_table, stop

if TYPE_CHECKING:
    from relu_learn.network import ReluNetwork

POINTS = 10_000  # for the errors shown at the end
CLOSE = 1e-6  # relative error up to which a secret counts as learned
# Numbers of a matrix that a run of `demo` may need (dim x dim, say): 0.8 GB.
MOST = 10**8

# How to search a line for critical points.
Method = enum.Enum("Method", {"adaptive": "adaptive", "grid": "grid"}, type=str)
Size = int | None  # of a random secret; None: by default


def _secrets() -> list[tuple[str, str]]:
    """What there is in the zoo; a shell offers it after `relu-learn demo`."""
    from relu_learn import zoo

    return [(name, zoo.describe(name)) for name in zoo.names()]


def _print_zoo(wanted: bool) -> None:
    if wanted:
        print_table(_secrets())
        raise typer.Exit()


def demo(
    name: Annotated[
        str | None,
        Argument(
            metavar="[NAME]",
            help="A secret from the zoo (--list shows them).",
            autocompletion=_secrets,
        ),
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
        Path | None, Option(help="Keep every event of the run in a file.")
    ] = None,
    html: Annotated[Path | None, Option(help=HTML_HELP)] = None,
    theme: Annotated[Look, Option(help="Look of the page.")] = Look.projector,
    list_secrets: Annotated[
        bool, Option("--list", callback=_print_zoo, is_eager=True, help="List the zoo's secrets.")
    ] = False,
) -> None:
    """Learn a secret network in front of you: NAME from the zoo, or a random one of given sizes.

    Without NAME and sizes it is the handwritten-digit classifier "digits".
    """
    check_folder("--save-trace", save_trace)
    check_page(html)
    try:
        secret, title = _choose(name, dim, neurons, outputs, seed)
        run = Following(title)
        outcome = run.follow(secret, secret.dim, seed, method=method.value, max_queries=max_queries)
    except InvalidArgument as error:
        stop(str(error), 2)
    report(secret, run)
    if save_trace is not None:
        run.save(save_trace)
    if html is not None:
        write_page(html, run.events, f"{title}: learned from its answers", theme, secret)
    if isinstance(outcome, KeyboardInterrupt):
        stop(f"stopped by hand after {run.queries:,} queries", 130)
    if isinstance(outcome, ReluLearnError):
        stop(f"{type(outcome).__name__}: {outcome}", 1)


def _choose(
    name: str | None, dim: Size, neurons: Size, outputs: Size, seed: int
) -> tuple[ReluNetwork, str]:
    """The secret that the arguments of `demo` ask for, and what to call it."""
    from relu_learn import zoo

    sizes = {"--dim": dim, "--neurons": neurons, "--outputs": outputs}
    given = [option for option, value in sizes.items() if value is not None]
    if name is not None and given:
        stop(f"{given[0]} is for random secrets: leave it out, or leave out {name!r}", 2)
    if given:
        d, k, m = dim or 10, 15 if neurons is None else neurons, outputs or 1
        largest = max(d * d, d * k, d * m, k * m)
        if largest > MOST:
            size = f"{Decimal(largest):.1e} numbers, more than {MOST:.0e}"
            stop(f"{' and '.join(given)}: a run would need matrices of {size}", 2)
        return zoo.random_network(d, k, m, rng=seed), f"random {d}-{k}-{m}, seed {seed}"
    name = "digits" if name is None else name
    try:
        return zoo.get(name), name
    except InvalidArgument as error:
        stop(f"{error} (relu-learn demo --list shows them all)", 2)


def report(secret: ReluNetwork, run: Following) -> None:
    """The table at the end, with what only somebody who knows the secret can say."""
    from relu_learn.judging.loss import best_loss, worst_error
    from relu_learn.judging.matching import match_neurons

    found, error = run.network, math.inf
    rows = {"secret": f"{count(secret.dim, 'input')}, {count(secret.n_outputs, 'output')}"}
    rows["neurons"] = _neurons(secret, run)
    if found is not None:
        match = match_neurons(found, secret)
        rows["matched"] = f"{len(match.pairs)} of {match.true.n_neurons}"
        if len(match.pairs):
            tilt = f"{match.angle_error.max():.1e} rad"
            rows["matched"] += f", hyperplanes tilted by at most {tilt}"
    size = secret.n_parameters
    rows["queries"] = f"{run.queries:,}"
    rows["of them"] = f"{run.queries - run.sure:,} to find it, {run.sure:,} to be sure"
    rows["queries per parameter"] = f"{run.queries / size:.2f} (of {size:,} parameters)"
    if found is not None:
        worst, scale = worst_error(secret, found, n=POINTS, rng=0)
        error = worst / scale
        rows["worst error"] = f"{error:.1e} of the output's scale ({POINTS:,} random points)"
        loss, kind = best_loss(secret, found, rng=0)
        note = "" if kind == "exact" else " (too small for the exact formula)"
        rows[f"{kind} loss"] = f"{loss:.1e}{note}"
    rows["certificate"] = run.claim or "none: the run did not end"
    rows["time"] = f"{run.seconds:.2f} s, {run.answering:.2f} s of it for the secret's answers"
    verdict = "Learned" if error <= CLOSE else "Finished, but not exact"
    print_table(
        [(Text(label, "cyan"), value) for label, value in rows.items()],
        title=f"{verdict if run.claim else 'Partial result'}: {run.title}",
    )


def _neurons(secret: ReluNetwork, run: Following) -> str:
    """How many were found and how many there are, where twins and dead ones do not count."""
    found = written = run.known.n_neurons
    if run.network is not None:
        found, written = run.network.simplify().n_neurons, run.network.n_neurons
    distinct, true = secret.simplify().n_neurons, secret.n_neurons
    # The paper's output form writes an affine part as ReLUs, which are no finds.
    form = "" if found == written else f" (written with {written} ReLUs)"
    note = "" if distinct == true else f" ({distinct} after merging equal and dead ones)"
    return f"{found} found{form}, {true} in the secret{note}"

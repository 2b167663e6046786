"""What the benchmarks share: one measured run, and tables."""

from __future__ import annotations

import os

# One BLAS thread, so that seconds mean the same everywhere; set the variable yourself for more.
if "OMP_NUM_THREADS" not in os.environ:
    os.environ["OMP_NUM_THREADS"] = "1"

import contextlib
import dataclasses
import math
import signal
import time
import warnings
from collections.abc import Callable, Iterator, Sequence

import numpy as np

from relu_learn import (
    Oracle,
    OrientationNotFound,
    ReluLearnError,
    ReluNetwork,
    learn_from_queries,
    match_neurons,
    orient,
    sampled_loss,
    worst_error,
    zoo,
)
from relu_learn.telling.events import NetworkUpdated, Validated
from relu_learn.telling.result import LearnResult

# Benchmarks know when answers are random, and run with all other warnings as errors.
warnings.filterwarnings("ignore", "the answers are random", UserWarning)


def _filters(k: int, d: int, rng: np.random.Generator) -> np.ndarray:
    """One of 3 x 3 somewhere on a square image each."""
    side = math.isqrt(d)
    images = np.zeros((k, side, side))
    for image, i, j in zip(images, *rng.integers(0, side - 2, (2, k)), strict=True):
        image[i : i + 3, j : j + 3] = rng.standard_normal((3, 3)) / 3
    return images.reshape(k, d)


def _sparse(k: int, d: int, rng: np.random.Generator) -> np.ndarray:
    """Two weights of a hundred are not zero."""
    return np.where(rng.random((k, d)) < 0.02, rng.standard_normal((k, d)), 0) / np.sqrt(0.02 * d)


def _rank(k: int, d: int, rng: np.random.Generator) -> np.ndarray:
    """In a space of ten dimensions."""
    return rng.standard_normal((k, 10)) @ rng.standard_normal((10, d)) / np.sqrt(10 * d)


# Weights (k, d) with a structure.
LAYERS = {"filters": _filters, "sparse": _sparse, "rank 10": _rank}


def network(name: str, seed: int) -> ReluNetwork:
    """The secret called "d-k-m" (random), "d-k-m KIND" (with the weights of `LAYERS`, or dense),
    "small_digits ALIKE", or by its name in the zoo."""
    if name.startswith("small_digits"):
        return zoo.small_digits(name.partition(" ")[2])
    if not name[0].isdigit():
        return zoo.get(name, rng=seed) if name in zoo.hostile else zoo.get(name)
    size, _, kind = name.partition(" ")
    dim, neurons, outputs = map(int, size.split("-"))
    net = zoo.random_network(dim, neurons, outputs, rng=seed)
    if kind in ("", "dense"):
        return net
    weights = LAYERS[kind](neurons, dim, np.random.default_rng([seed, 0]))
    return ReluNetwork(weights, net.biases, net.output_weights)


def parse_names(text: str | None) -> list[str]:
    """Comma-separated names."""
    return [name.strip() for name in text.split(",")] if text else []


def parameters(net: ReluNetwork) -> int:
    """D: k(d + 1) + (d + 1) of a scalar network, otherwise k(d + 1) + mk + m(d + 1)."""
    k, d, m = net.n_neurons, net.dim, net.n_outputs
    return k * (d + 1) + d + 1 if net.is_scalar else k * (d + 1) + m * k + m * (d + 1)


def per_parameter(queries: int, net: ReluNetwork) -> float:
    """Queries over D; over D / m for m outputs, as every query answers m numbers."""
    return queries * net.n_outputs / parameters(net)


class Timed:
    """A black box with two stop-watches.

    Attributes
    ----------
    seconds, cpu : float
        Wall time, and CPU time of all threads.
    """

    def __init__(self, black_box: ReluNetwork) -> None:
        self.black_box, self.seconds, self.cpu = black_box, 0.0, 0.0

    def __call__(self, x: np.ndarray) -> np.ndarray:
        wall, cpu = time.perf_counter(), time.process_time()
        y = self.black_box(x)
        self.seconds += time.perf_counter() - wall
        self.cpu += time.process_time() - cpu
        return y


@dataclasses.dataclass(frozen=True)
class Record:
    """One run. Errors are relative to the scale of the outputs, NaN where the run failed."""

    name: str
    seed: int
    queries: int
    ratio: float  # queries over D, or D / m
    error: float  # worst over 10,000 Gaussian points
    parameter_error: float  # worst of angles, biases and output weights; NaN: not oriented
    found: int
    true: int
    seconds: float  # of CPU time
    rms: float = np.nan  # root mean square over the same points
    failure: str = ""
    tested: int = 0  # of the queries: fresh points of tests
    sure: int = 0  # of the queries: fresh points of the final test
    unfitted: float = np.nan  # the worst error before the refit

    def exact(self, tolerance: float = 1e-8) -> bool:
        return self.error <= tolerance


def errors(
    secret: ReluNetwork, guess: Callable[[np.ndarray], np.ndarray], seed: int, n: int = 10_000
) -> tuple[float, float]:
    """Worst and root-mean-square error on fresh points, relative to the scale of the outputs."""
    worst, scale = worst_error(secret, guess, n, rng=10**6 + seed)
    loss = sampled_loss(secret, guess, n, rng=10**6 + seed)
    return worst / scale, float(np.sqrt(loss / secret.n_outputs)) / scale


class _Timeout(Exception):
    pass


@contextlib.contextmanager
def limited(seconds: float) -> Iterator[None]:
    """Raise after so many seconds of this process, however busy the machine is (where the system
    has alarms): a run without end is a failed run."""

    def stop(*_: object) -> None:
        raise _Timeout(f"stopped after {seconds:g} s")

    if not hasattr(signal, "setitimer"):
        yield
        return
    before = signal.signal(signal.SIGPROF, stop)
    signal.setitimer(signal.ITIMER_PROF, seconds)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_PROF, 0)
        signal.signal(signal.SIGPROF, before)


def run(
    name: str,
    secret: ReluNetwork,
    seed: int,
    *,
    orient_seconds: float = 0.0,
    points: int = 10_000,
    limit: float = 600.0,
    unfitted: bool = False,
    **settings: object,
) -> Record:
    """Learn the secret and compare; `orient_seconds` > 0 compares the parameters too, `unfitted`
    the network before the refit."""
    true = secret.simplify().n_neurons
    oracle = Oracle(secret, secret.dim)
    start = time.process_time()
    try:
        with limited(limit):
            result = learn_from_queries(oracle, secret.dim, rng=seed, **settings)
    except (ReluLearnError, _Timeout) as failure:
        seconds, queries = time.process_time() - start, oracle.queries
        text = f"{type(failure).__name__}: {failure}"
        ratio = per_parameter(queries, secret)
        return Record(name, seed, queries, ratio, np.nan, np.nan, 0, true, seconds, failure=text)
    seconds = time.process_time() - start
    error, rms = errors(secret, result.network, seed, points)
    precision = np.nan
    if orient_seconds > 0:
        try:
            found = orient(result.network, orient_seconds)
            precision = match_neurons(found, secret).worst
        except OrientationNotFound:
            pass
    return Record(
        name,
        seed,
        result.queries,
        per_parameter(result.queries, secret),
        error,
        precision,
        result.network.n_neurons,
        true,
        seconds,
        rms,
        tested=sum(len(e.points) for e in result.trace if isinstance(e, Validated)),
        sure=result.queries_to_be_sure,
        unfitted=errors(secret, _unfitted(result), seed, points)[0] if unfitted else np.nan,
    )


def _unfitted(result: LearnResult) -> ReluNetwork:
    """The network before the refit of exact answers, which is the last step, if there was one."""
    for i, event in reversed(list(enumerate(result.trace))):
        if isinstance(event, NetworkUpdated) and event.phase == "fit":
            return result.trace.network_at(i - 1) or result.network
    return result.network


def table(head: Sequence[str], rows: Sequence[Sequence[str]], markdown: bool = False) -> str:
    """Columns of text: the first left-aligned, the others right-aligned."""
    columns = list(zip(head, *rows, strict=True))
    widths = [max(map(len, column)) for column in columns]
    lines = []
    for i, row in enumerate([head, *rows]):
        cells = [row[0].ljust(widths[0])]
        cells += [cell.rjust(width) for cell, width in zip(row[1:], widths[1:], strict=True)]
        lines.append("| " + " | ".join(cells) + " |" if markdown else "  ".join(cells).rstrip())
        if markdown and i == 0:
            rules = ["-" * widths[0], *("-" * (w - 1) + ":" for w in widths[1:])]
            lines.append("| " + " | ".join(rules) + " |")
    return "\n".join(lines)


def spread(values: Sequence[float], form: str = ".2f") -> str:
    """Smallest and largest of some numbers, or the number if there is one."""
    low, high = (format(float(f(values)), form) for f in (np.min, np.max))
    return low if low == high else f"{low}–{high}"


def power(value: float) -> str:
    return "–" if np.isnan(value) else f"{value:.0e}"

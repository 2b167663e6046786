"""The brake: a run that takes many times what is usual is going nowhere, and is ended."""

from __future__ import annotations

import time

from relu_learn.asking.errors import LearningFailed, TimeLimitExceeded
from relu_learn.core.run import Run
from relu_learn.core.watch import Unexplained
from relu_learn.telling.events import (
    CriticalPointFound,
    Event,
    IntervalProbed,
    LineDrawn,
    Validated,
)

# Queries that any run may ask: hats and clumps take dozens of lines, however small the network is.
_ANY = 10_000
# Queries beside the gradients', for each kink of a line (medians of random networks: 7 to 9).
_KINK = 14
# How many times the queries of a line in all of R^d the chords of a box take, as each meets some
# of the hyperplanes only. (Usual is a bound: random networks take 0.1 to 2 times it.)
_CHORDS = 3
# Imprecise answers are fitted: four answers for each parameter average the noise to its half, and
# half as many again go to neurons that are dropped; ten for each feature of the regression. In a
# box a neuron that few samples meet gets its own: four for each of its parameters. (Measured with
# 10-15-1 and the digits in float32, with three decimals and with noise 1e-3, in R^d and in a box:
# 0.3 to 1.7 times it in all.)
_SAMPLES, _FEATURES, _OWN = 6, 10, 4
# Noise, in units of the scale, above which more answers are averaged.
_LOUD = 0.6


class Brake:
    """Ends a run after a multiple of what is usual for the neurons that were seen, or in time.

    Parameters
    ----------
    run : Run
        That begins now. Its settings say how patient to be; a budget of queries is patience enough.
    """

    def __init__(self, run: Run) -> None:
        self.start, self.before = time.monotonic(), run.oracle.queries
        self.kinks = self.most = self.open = 0

    def check(self, run: Run, event: Event) -> None:
        """See an event.

        Raises
        ------
        TimeLimitExceeded, LearningFailed
            Or an error of the watch, which gets a last chance to say what the black box is.
        """
        if isinstance(event, LineDrawn):
            self.kinks = self.open = 0
        if isinstance(event, IntervalProbed):  # each holds a kink at least
            self.open = max(self.open, len(event.open_intervals))
        if isinstance(event, CriticalPointFound):
            self.kinks += 1
            self.most = max(self.most, self.kinks)
        if isinstance(event, Validated):  # what a test costs was chosen
            self.before += len(event.points)
        self.check_time(run)
        spent = run.oracle.queries - self.before - run.evidence.own
        patience = run.settings.patience
        most = patience * self.usual(run) + _ANY * _blur(run) ** 4
        if run.oracle.remaining is not None or spent <= most:
            return
        run.watch(Unexplained())
        raise LearningFailed(
            f"after {spent:,} queries, {patience:g} times what is usual for {self.seen(run)} "
            "neurons: the black box is not a one-hidden-layer ReLU network, or a very hostile one "
            "(patience= and max_queries= allow more)"
        )

    def check_time(self, run: Run) -> None:
        """Raise `TimeLimitExceeded` if the time is over."""
        limit = run.settings.max_seconds
        if limit is not None and time.monotonic() - self.start > limit:
            raise TimeLimitExceeded(
                f"the run took longer than max_seconds={limit:g}, after "
                f"{run.oracle.queries:,} queries"
            )

    def seen(self, run: Run) -> int:
        """Neurons: the most kinks that a line showed. (F' has more if it is patched up in vain.)
        Where lines are short, or blurred, those that were accepted."""
        whole = run.answers.exact and run.space.window(run.line).cauchy
        return (
            self.most if whole or run.accepted is None else max(self.most, run.accepted.n_neurons)
        )

    def usual(self, run: Run) -> float:
        """Queries of most runs that see so many neurons."""
        k, d, m = self.seen(run), run.oracle.dim, len(run.answers.scale)
        endless = run.space.window(run.line).cauchy
        lines = (k + 1) * d + _KINK * max(k, self.open)
        lines *= (1 if endless else _CHORDS) * (1 + run.settings.polish)
        if run.answers.exact:
            return lines
        fitted = _SAMPLES * _blur(run) ** 2 * (k + 1) * (d + m) / m
        own = 0 if endless else _OWN * k * (d + 1)
        return lines + max(fitted, _FEATURES * (d + 1 + k)) + own


def _blur(run: Run) -> float:
    """Noise that is as large as F is averaged, by so many times more answers, squared, and judged
    by its fourth power more. (Beyond 2.5 it stays.)"""
    return min(max(1.0, float(run.answers.noise.max()) / _LOUD), 2.5)

"""All critical points of a Gaussian line.

`search_line` finds all kinks of a piecewise linear function of t: it samples a grid and refines,
one batch of queries a level, until every interval between neighbouring samples is either part of a
run of collinear samples (an affine piece) or holds exactly one kink, the intersection of the runs
on both sides.

Where the samples go. For x, v ~ N(0, I) a neuron without bias has its kink at a *Cauchy*
distributed t, so intervals are split at the midpoint in the Cauchy quantile, where kinks are
uniform.
"""

from __future__ import annotations

from collections.abc import Generator

import numpy as np

from relu_learn.asking.errors import LearningFailed
from relu_learn.core.hearing import quiet_part
from relu_learn.core.lines import Ask, Level, Noise, Slice, Window
from relu_learn.core.samples import Samples
from relu_learn.core.watch import LongLine, Watch, trust

# Samples of the first level, beside the far ones. (One: 22 % more queries in 35 runs; 80: 19 %.)
_GRID = 8
# Halving the line to its rounding takes some 60 levels; pairs of kinks restart it a few times.
_MAX_LEVELS = 300
# A search with more samples than this, as many as 400 kinks take, tells the watch that it is very
# long (from an eighth on, that it is long); with more than `_MOST`, 25,000 kinks, it gives up.
# (First: ÷ 10 10 % more queries in 17 hard runs; × 10: none changes.)
PATIENCE, _MOST = 3200, 200_000


def search_line(
    ask: Ask,
    window: Window,
    noise: Noise,
    rng: np.random.Generator,
    *,
    extra: np.ndarray | None = None,
    watch: Watch = trust,
    kind: type[Samples] = Samples,
) -> Generator[Level, None, Slice]:
    """Find all kinks of a piecewise linear function of t; a generator that returns a `Slice`.

    Parameters
    ----------
    ask : callable
        t (n,) -> values (n, m).
    window : Window
    noise : Noise
        Of one answer; replaced if the watch hears more.
    rng : numpy.random.Generator
        Shifts the grid and the split points, so that no regular function can hide between them.
    extra : ndarray, optional
        More parameters t for the first level.
    watch : callable
        Told when the search takes long, and at its end.
    kind : type
        Of the samples: they say where to ask next.

    Yields
    ------
    Level
        After each batch of queries.

    Raises
    ------
    LearningFailed
        If there are too many samples for any reason.
    """
    t = window.grid(_GRID, rng)
    if extra is not None:
        t = np.union1d(t, extra)
    y = ask(t)
    yield Level(t, y, np.stack([t[:-1], t[1:]], axis=1))
    window = quiet_part(window, t, y, noise)
    inside = (t >= window.low) & (t <= window.high)
    samples = kind(t[inside], y[inside], noise)
    patience, calm = PATIENCE, PATIENCE // 8
    for _ in range(_MAX_LEVELS):
        size = len(samples.t)
        if size > calm or size > patience:
            noise = watch(LongLine(ask, samples, window, rng, size > patience)) or noise
            calm = 2 * size if size > calm else calm
            patience *= 4 if size > patience else 1
        if size > _MOST:
            raise LearningFailed(
                f"after {size:,} questions on one line the black box still bends between many of "
                f"them: it has more than {size // 10:,} critical points there, or is not "
                "piecewise linear"
            )
        if noise is not samples.noise:
            samples = kind(samples.t, samples.y, noise)
        new, intervals = _split(samples, window, rng)
        if not len(new):
            new, intervals = _certify(samples)
        if not len(new):
            break
        y = ask(new)
        yield Level(new, y, intervals)
        samples = samples.insert(new, y)
    found = samples.pieces(window)
    watch(LongLine(ask, samples, window, rng, patience > PATIENCE, found))
    return found


def _split(s: Samples, window: Window, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """Samples that split the open intervals, and these: those in no run, that are long enough to
    tell anything, and not in a gap between two runs that one kink explains."""
    t = s.t
    is_open = ~s.affine & (np.diff(t) > s.resolution())
    gap_start, gap_end = s.last[:-1], s.first[1:]
    closed = np.zeros(len(t), int)
    hinged = s.hinged(gap_start, gap_end)
    np.add.at(closed, gap_start[hinged], 1)
    np.add.at(closed, gap_end[hinged], -1)
    is_open &= np.cumsum(closed)[:-1] == 0
    b = np.flatnonzero(is_open)
    middle = window.middle(t[b], t[b + 1], rng.uniform(0.4, 0.6, len(b)))
    return s.between(b, middle), np.stack([t[b], t[b + 1]], axis=1)


def _certify(s: Samples) -> tuple[np.ndarray, np.ndarray]:
    """Two samples as close to each kink as the noise allows: no pair of kinks hides in between."""
    b, c = s.last[:-1], s.first[1:]
    meeting = s.meet(b, c)
    i = np.clip(np.searchsorted(s.t, meeting.where), 1, len(s.t) - 1)
    a, z = s.t[i - 1], s.t[i]
    h = s.beside(meeting)
    left, right = s.untested(meeting, meeting.where - a, z - meeting.where, h)
    new = np.concatenate([(meeting.where - h)[left], (meeting.where + h)[right]])
    return new, np.stack([a, z], axis=1)[left | right]

"""Does the black box jump, on a line or between two points?

What is found is raised as `NotPiecewiseLinear`. The witness of a line is three parameters t of it.
"""

from __future__ import annotations

import numpy as np

from relu_learn.asking.errors import NotPiecewiseLinear
from relu_learn.core.answers import EXACT
from relu_learn.core.lines import Ask, Line, Noise
from relu_learn.core.pieces import Found
from relu_learn.core.run import Run
from relu_learn.core.watch import LongLine

# A jump is more than so many times the noise, and stays for so many halvings, down to intervals of
# this width in units of 1 + |t|. (Nearer to a jump, rounding decides on which side a point is.)
_CLEAR, _LAST, _FINE = 30.0, 5, 1e-12
# Intervals of a line, and pairs of points, between which is looked.
_INTERVALS, _PAIRS = 8, 6
# A staircase is rounding if its steps are less than this share of what the answers span.
_STAIR = 1e-3
# How close to a jump, in units of 1 + |t|, its witness is.
_CLOSE = 1e-9


def look_for_jumps(long: LongLine) -> None:
    """Does F jump where the search of a line is?"""
    s = long.samples
    i = np.flatnonzero(~s.affine)
    if len(i) < _INTERVALS:
        return
    i = i[np.abs(s.t[i]).argsort()][: max(_INTERVALS, len(i) // 2)]  # noise may grow far out
    i = long.rng.choice(i, _INTERVALS, replace=False)
    # What is smaller than exact answers are precise may be the rounding of terms that cancel.
    least = np.maximum(_CLEAR * s.noise.at(s.t[i]), EXACT * (1 + np.abs(s.t[i]))[:, None])
    t, jump = _jumps(long.ask, s.t[i], s.t[i + 1], s.y[i], s.y[i + 1], least)
    found = t[jump > 0]
    if len(found) > _INTERVALS / 2 and not _finely_rounded(long, found):
        raise _jump_at(found[np.abs(found).argmin()])


def _finely_rounded(long: LongLine, t: np.ndarray) -> bool:
    """Whether most jumps at t (n,) are those of rounded answers: F is constant beside them, and
    they are small, and multiples of one step (those of rounded inputs are not). Rounding is not
    heard where F is constant in any case."""
    near = t + np.multiply.outer([-2.0, -0.5, 1.0], _CLOSE * (1 + np.abs(t)))
    y = long.ask(near.ravel()).reshape(3, len(t), -1)
    step, span = np.abs(y[2] - y[1]), np.ptp(long.samples.y, axis=0)
    steps = step / np.where(step > 0, step, np.inf).min(axis=0)
    fine = (y[0] == y[1]) & (step < _STAIR * span) & (np.abs(steps - np.round(steps)) < 0.01)
    return bool(fine.all(axis=1).mean() > 0.5)


def require_meeting(run: Run, found: Found) -> None:
    """Do the pieces of a line meet at the kinks?

    A jump that is seen along most of a line is one; a single odd kink is left to validation.
    """
    if not run.answers.exact and run.known is not None:
        return  # of an imprecise residual, that is no proof
    kinks, noise = found.slice.kinks, Noise(run.answers.noise)
    step = np.abs(found.slice.steps).max(axis=1, initial=0.0) / (1 + np.abs(kinks))
    if (step > max(1e-6, 1e3 * float(noise.level.max()))).sum() <= len(kinks) / 2:
        return

    def ask(t: np.ndarray) -> np.ndarray:
        return run.target(known=False)(found.line.at(t))

    t = kinks[[step.argmax()]]
    a, b = t - _CLOSE * (1 + np.abs(t)), t + _CLOSE * (1 + np.abs(t))
    where, jump = _jumps(ask, a, b, ask(a), ask(b), _CLEAR * noise.at(t))
    if jump > 0:
        raise _jump_at(where[0])


def look_for_steps(run: Run) -> None:
    """Do rounded answers jump by more than what they are rounded to? Look between points whose
    answers differ most."""
    target, answers = run.target(known=False), run.answers
    points = run.space.sample(3 * _PAIRS, run.rng)
    values = target(points)
    order = np.argsort(values[:, int(np.ptp(values, axis=0).argmax())])
    low, high = order[:_PAIRS], order[-_PAIRS:]
    start, way = points[low], points[high] - points[low]

    def ask(t: np.ndarray) -> np.ndarray:
        return target(start + t[:, None] * way)

    ends = np.zeros(_PAIRS), np.ones(_PAIRS), values[low], values[high]
    t, jump = _jumps(ask, *ends, np.array([1.5 * answers.step / answers.scale]))
    if (jump > 0).any():
        j = int(jump.argmax())
        raise _jump_at(t[j], Line(start[j], way[j]))


def _jumps(
    ask: Ask, a: np.ndarray, b: np.ndarray, left: np.ndarray, right: np.ndarray, least: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Where between a and b (n,), with values `left` and `right` (n, m), F changes most, and by how
    much it jumps there, in units of `least` (n, m): 0 if it does not, or by less.

    Bisect, and keep the half in which F changes more: what is left of a ramp shrinks with the
    interval, what is left of a jump does not.
    """

    def size(change: np.ndarray) -> np.ndarray:
        return np.asarray((np.abs(change) / least).max(axis=1))

    sizes = [size(right - left)]
    while (sizes[-1] > 1).any() and (b - a > _FINE * (1 + np.abs(a))).any():
        c = (a + b) / 2
        y = ask(c)
        first = size(y - left) >= size(right - y)
        a, left = np.where(first, a, c), np.where(first[:, None], left, y)
        b, right = np.where(first, c, b), np.where(first[:, None], y, right)
        sizes.append(size(right - left))
    jump, before = sizes[-1], sizes[max(0, len(sizes) - 1 - _LAST)]
    lasting = (jump > 1) & (jump > before / 2) & (len(sizes) > _LAST)
    return (a + b) / 2, np.where(lasting, jump, 0.0)


def _jump_at(t: float, line: Line | None = None) -> NotPiecewiseLinear:
    beside = np.array([-2.0, -0.5, 1.0])  # not t in the middle: sign(0) is halfway
    near = t + _CLOSE * (1 + abs(t)) * beside
    return NotPiecewiseLinear(
        "the black box jumps between the witness's ends (labels, a step function, a tree, a "
        "nearest-neighbour rule, or inputs that are rounded?)",
        near if line is None else line.at(near),
    )

"""Does the black box jump, on a line or between two points?

What is found is raised as `NotPiecewiseLinear`. The witness of a line is three parameters t of it.
"""

from __future__ import annotations

import numpy as np

from relu_learn.asking.errors import NotPiecewiseLinear
from relu_learn.core.lines import EPS, SIGMAS, Ask, Line, Noise
from relu_learn.core.pieces import Found
from relu_learn.core.precision import EXACT, STAIR
from relu_learn.core.run import Run
from relu_learn.core.watch import LongLine
from relu_learn.diagnosis.straight import CLOSE, SEEN

# A jump is seen well, as a bend would be, and stays for so many halvings, down to intervals of this
# width in units of 1 + |t|. (Nearer to a jump, rounding decides on which side a point is.) (÷ 10:
# as many queries; × 10: 21 % more, or as many.)
_LAST, _FINE = 5, 1e-12
# Intervals of a line, and pairs of points, between which is looked. (More than half of the
# intervals must jump: where one in ten does, once in 2,300 times. ÷ 10: one of 32 runs changes;
# × 10: none.)
_INTERVALS, _PAIRS = 8, 6
# What float32 answers differ by that are a few roundings apart.
_SINGLE = 4 * float(np.finfo(np.float32).eps)
# Earlier answers that tell how large F is far out: 87 times of 100 the largest is among the top
# 1 %.
_RECALLED = 200


def look_for_jumps(long: LongLine, whole: Ask | None = None) -> float:
    """Does F jump where the search of a line is? (`whole` asks F itself, if that is F - F'.)

    Returns
    -------
    float
        What the answers are rounded to, if that is all; otherwise 0.
    """
    s = long.samples
    i = np.flatnonzero(~s.affine)
    if len(i) < _INTERVALS:
        return 0.0
    i = i[np.abs(s.t[i]).argsort()][: max(_INTERVALS, len(i) // 2)]  # noise may grow far out
    i = long.rng.choice(i, _INTERVALS, replace=False)
    # What is smaller than exact answers are precise may be the rounding of terms that cancel.
    least = np.maximum(SEEN * s.noise.at(s.t[i]), EXACT * (1 + np.abs(s.t[i]))[:, None])
    t, jump = _jumps(long.ask, s.t[i], s.t[i + 1], s.y[i], s.y[i + 1], least)
    found = t[jump > 0]
    span = np.ptp(s.y, axis=0)
    if len(found) <= _INTERVALS / 2:
        return 0.0
    if not (step := _fine_step(whole or long.ask, found, span)):
        raise _jump_at(found[np.abs(found).argmin()])
    return step


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

    t = kinks[step.argsort()[-_INTERVALS:]]
    a, b = t - CLOSE * (1 + np.abs(t)), t + CLOSE * (1 + np.abs(t))
    where, jump = _jumps(ask, a, b, ask(a), ask(b), SEEN * noise.at(t))
    span = np.ptp(found.slice.values, axis=0)
    if jump[-1] > 0 and not _fine_step(ask, where[jump > 0], span):
        raise _jump_at(where[-1])


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
    # Where large terms cancel, float64's own rounding is all there is, and looks like a step.
    x, y = run.outside.recall(_RECALLED)
    size = (np.abs(y.reshape(len(x), -1)) / run.space.growth(x)[:, None]).max(axis=0)
    least = np.maximum(1.5 * answers.step, SIGMAS * EPS * size) / answers.scale
    t, jump = _jumps(ask, *ends, least)
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
    t = (a + b) / 2
    if lasting.any():  # on both sides: rounding of terms that cancel goes up and down
        near, places = CLOSE * (1 + np.abs(t)), np.array([0.5, 1.0, 1.5, 2.0])
        sides = [np.stack([ask(t + near * p) for p in s * places]) for s in (-1, 1)]
        change = np.abs(sides[1].mean(axis=0) - sides[0].mean(axis=0))
        lasting &= (np.ptp(sides, axis=1).max(axis=0) <= change / 2).any(axis=1)
    return t, np.where(lasting, jump, 0.0)


def _fine_step(ask: Ask, t: np.ndarray, span: np.ndarray) -> float:
    """The largest jump at t (n,), per unit of 1 + |t|, if most are those of rounded answers,
    otherwise 0: F is constant beside them, and they are small beside its `span` (m,) or as small as
    those of float32, and multiples of one step (those of rounded inputs are not). Rounding is not
    heard where F is constant in any case."""
    near = t + np.multiply.outer([-2.0, -0.5, 1.0], CLOSE * (1 + np.abs(t)))
    y = ask(near.ravel()).reshape(3, len(t), -1)
    step = np.abs(y[2] - y[1])
    steps = step / np.where(step > 0, step, np.inf).min(axis=0)
    small = step <= np.maximum(STAIR * span, _SINGLE * np.abs(y[1]))
    fine = (y[0] == y[1]) & small & (np.abs(steps - np.round(steps)) < 0.01)
    return (
        float((step.max(axis=1) / (1 + np.abs(t))).max()) if fine.all(axis=1).mean() > 0.5 else 0.0
    )


def _jump_at(t: float, line: Line | None = None) -> NotPiecewiseLinear:
    beside = np.array([-2.0, -0.5, 1.0])  # not t in the middle: sign(0) is halfway
    near = t + CLOSE * (1 + abs(t)) * beside
    return NotPiecewiseLinear(
        "the black box jumps between the witness's ends (labels, a step function, a tree, a "
        "nearest-neighbour rule, or inputs that are rounded?)",
        near if line is None else line.at(near),
    )

"""Is the black box curved, on a line or between two points? Or only noisier than thought?

What is found is raised as `NotPiecewiseLinear`. The witness of a line is three parameters t of it.
"""

from __future__ import annotations

import numpy as np

from relu_learn.asking.errors import NotPiecewiseLinear
from relu_learn.core.lines import EPS, Ask, Line
from relu_learn.core.run import Run
from relu_learn.core.watch import LongLine

# Places that are looked at, and step sizes there, each half of the one before, down to CLOSE.
# (÷ 10: six times as many queries in 32 runs, or 9 % fewer; × 10: twice as many.)
PLACES, _SCALES = 16, 26
# A bend above so many times the noise is seen well: its ratio to the next is right to a fifth.
# Below, a curve disappears in the noise. (÷ 10: one of 32 runs changes; × 10: none.)
SEEN = 30.0
# So many times in a row a bend must fall to a quarter. (At a kink it falls to a half, or vanishes;
# of one kink or two this cannot happen twice.)
_FALLS = 2
# An interval that most functions do not oscillate in (Gaussian inputs have size 1). (÷ or × 10: as
# many queries.)
_SHORT = 0.05
# So far apart, in units of 1 + |t|, points are told apart to six digits (t is rounded to EPS).
# (÷ or × 10: as many queries.)
CLOSE = 1e-9
# Intervals of a segment, on which is looked for curves: about 900 queries. (÷ 10: as many in 32
# runs; × 10: 2 % more.)
_INTERVALS = 64


def look_along_line(long: LongLine, scale: np.ndarray) -> None:
    """Does F bend like a parabola where the search of a line is, or at other places of it?

    Seen in the units of the answers, `scale` (m,): the clearest witness is the largest bend.
    """
    window, s, rng = long.window, long.samples, long.rng
    share = rng.uniform(0.2, 0.8, PLACES)
    c = np.tan(np.pi * (share - 0.5)) if window.cauchy else window.low + share * window.width
    longest = np.full(PLACES, min(0.1, 0.01 * window.width))
    searched = np.flatnonzero(~s.affine)
    chosen = PLACES // 2 if len(searched) >= PLACES else 0  # the rest of the line may be straight
    if chosen:
        i = rng.choice(searched, chosen)
        c[:chosen] = (s.t[i] + s.t[i + 1]) / 2
        longest[:chosen] = np.minimum(64 * np.diff(s.t)[i], longest[:chosen])
    longest = np.minimum(longest, np.minimum(c - s.t[0], s.t[-1] - c))
    _require_straight(lambda t: long.ask(t) * scale, c, longest, s.noise.at(c) * scale, chosen)


def look_for_curves(run: Run) -> None:
    """Does F bend like a parabola on the way from where F' is worst to where F differs most?

    A line may have missed it: probabilities, say, are constant on most of it, or nearly.
    """
    if not affordable(run, 60 * PLACES):
        return
    target, scale, i, tested = run.target(known=False), run.answers.scale, 0, run.evidence.all
    if tested is not None and run.known is not None:
        points, values = tested
        i = int(run.evidence.off(run.known).max(axis=1).argmax())
    else:
        points = run.space.sample(PLACES, run.rng)
        values = target(points)
    differ = (np.abs(values - values[i]) * scale).max(axis=1)
    line = Line(points[i], points[differ.argmax()] - points[i])

    def ask(t: np.ndarray) -> np.ndarray:
        return target(line.at(t)) * scale

    t = np.linspace(0, 1, _INTERVALS + 1)
    moves = np.abs(np.diff(ask(t), axis=0)).max(axis=1)[1:-1]
    inner = run.rng.choice(len(moves), PLACES, p=moves / moves.sum() if moves.any() else None)
    inner[::2] = run.rng.integers(0, len(moves), len(inner[::2]))
    middle = t[1 + inner] + run.rng.uniform(0.2, 0.8, PLACES) / _INTERVALS
    noise = np.tile(run.answers.noise * scale, (PLACES, 1))
    try:
        _require_straight(ask, middle, np.full(PLACES, 1 / _INTERVALS), noise)
    except NotPiecewiseLinear as error:
        error.witness = line.at(error.witness)
        raise


def affordable(run: Run, questions: int) -> bool:
    """Whether the budget allows so many questions."""
    return run.oracle.remaining is None or run.oracle.remaining >= questions


def _bends(ask: Ask, c: np.ndarray, h: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Second differences |F(c - h) - 2 F(c) + F(c + h)| (n, q, m) around places c (n,), at steps
    h (n, q) of each; and all the values (n, 1 + 2 q, m)."""
    q = h.shape[1]
    t = np.concatenate([c[:, None], c[:, None] - h, c[:, None] + h], axis=1)
    y = ask(t.ravel()).reshape(*t.shape, -1)
    return np.abs(y[:, 1 : 1 + q] - 2 * y[:, :1] + y[:, 1 + q :]), y


def _require_straight(
    ask: Ask, c: np.ndarray, longest: np.ndarray, eta: np.ndarray, chosen: int = 0
) -> None:
    """Second differences around places c (n,), at shrinking steps: those of a curve fall like their
    square, down to the noise `eta` (n, m); those of a piecewise linear function vanish.

    The first so many places were `chosen` by themselves: they may all be curved while the others
    are not.
    """
    h = np.multiply.outer(longest, 0.5 ** np.arange(_SCALES))
    bend, y = _bends(ask, c, h)
    # What looked like noise may be the curve itself, not resolved: the smallest steps tell that the
    # black box does not round away.
    heard = np.flatnonzero((np.median(bend, axis=0) > 0).any(axis=1))[-3:]
    quiet = 8 * np.median(bend[:, heard], axis=(0, 1)) if len(heard) else 0.0
    rounding = EPS * np.abs(y).max(axis=(0, 1))
    clear = bend / np.maximum(np.minimum(eta, quiet + 8 * rounding), rounding + 1e-250)[:, None]
    first = np.apply_along_axis(_curved_from, 1, clear)
    seen = clear.max(axis=1) > SEEN
    curved = np.zeros(first.shape, bool)
    for part in (slice(chosen), slice(None)):
        falls = first[part] >= 0
        most = falls.sum(axis=0) > np.maximum(3, 0.7 * seen[part].sum(axis=0))
        curved[part] |= falls & most
    if curved.any():
        size = np.take_along_axis(bend, first[:, None], axis=1)[:, 0]
        i, j = np.unravel_index(np.where(curved, size, 0).argmax(), size.shape)
        raise NotPiecewiseLinear(
            "the black box is curved: between the witness's ends it bends like a parabola, at "
            "every scale (a smooth activation such as tanh or GELU, or a softmax?)",
            c[i] + h[i, first[i, j]] * np.array([-1.0, 0.0, 1.0]),
        )


def _curved_from(bend: np.ndarray) -> int:
    """The first of the steps from which on bends (in units of the noise) fall like those of a
    parabola, until the noise hides them; -1 if they do not.

    A piecewise linear function with many kinks looks like a curve from afar, but not near by.
    """
    last = int(np.flatnonzero(bend > SEEN).max(initial=-1))
    if last < _FALLS or (last < len(bend) - 1 and bend[last] > 8 * SEEN):
        return -1
    falls = np.abs(bend[:last] / np.maximum(bend[1 : last + 1], 1e-200) - 4) < 0.8
    first = int(np.flatnonzero(~falls).max(initial=-1)) + 1
    return first if last - first >= _FALLS else -1


def louder(long: LongLine, n: int) -> float:
    """By how much the answers are noisier than thought: 1 unless their second differences do not
    fall with the step.

    At a kink they fall like the step, or vanish; noise is the same at a sixty-fourth of it. (In a
    long interval a wave would look like noise.)
    """
    s, rng = long.samples, long.rng
    gap = np.diff(s.t)
    close = (gap > CLOSE * (1 + np.abs(s.t[:-1]))) & (gap < _SHORT)
    close = np.flatnonzero(~s.affine & close)
    if len(close) < 8:
        return 1.0
    i = rng.choice(close, n)
    c = s.t[i] + gap[i] * rng.uniform(0.2, 0.8, n)
    bend, _ = _bends(long.ask, c, np.multiply.outer(gap[i] / 2, 0.5 ** np.array([4, 10])))
    flat = np.quantile((bend / s.noise.at(c)[:, None]).max(axis=2), 0.75, axis=0)
    return float(flat[1]) if flat[1] > 8 and flat[1] > flat[0] / 8 else 1.0

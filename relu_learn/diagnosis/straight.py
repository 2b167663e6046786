"""Is the black box curved, or does it jump, on a line or between two points?"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from relu_learn.core.errors import NotPiecewiseLinear
from relu_learn.core.lines import EPS, Ask, Line
from relu_learn.core.run import Run
from relu_learn.core.samples import Samples
from relu_learn.core.watch import LongLine

# Places that are looked at, and step sizes there, each half of the one before.
PLACES, _SCALES = 16, 26
# A bend above so many times the noise is seen well; near this floor a curve disappears.
_SEEN = 100.0
# Intervals that are bisected to see whether a jump is left, and the last halvings that tell.
_JUMPS, _LAST = 8, 10
# A jump is more than so many times the noise.
_CLEAR = 30.0
# An interval that most functions do not oscillate in (Gaussian inputs have size 1).
_SHORT = 0.05
# Pairs of points between which steps are looked for.
_PAIRS = 6
# Intervals of a segment, on which is looked for curves: about 900 queries.
_INTERVALS = 64


def require_piecewise_linear(long: LongLine) -> None:
    """Look for curves and jumps where the search of a line is, and at other places.

    Raises
    ------
    NotPiecewiseLinear
        With three parameters t as its witness.
    """
    window, s, rng = long.window, long.samples, long.rng
    share = rng.uniform(0.2, 0.8, PLACES)
    middle = np.tan(np.pi * (share - 0.5)) if window.cauchy else window.low + share * window.width
    c, longest, searched = _places(s, middle, min(0.1, 0.01 * window.width), rng)
    require_straight(long.ask, c, longest, s.noise.at(c), searched)
    _require_continuous(long.ask, s, rng)


def _places(
    s: Samples, middle: np.ndarray, reach: float, rng: np.random.Generator
) -> tuple[np.ndarray, np.ndarray, int]:
    """Where to look for curves, and how far: half of the places (n,), and so many, where the search
    is, if it is anywhere, because the rest of the line may be straight."""
    n = len(middle)
    c, longest, searched = middle.copy(), np.full(n, reach), 0
    i = np.flatnonzero(~s.affine)
    if len(i) >= n:
        searched = n // 2
        i = rng.choice(i, searched)
        c[:searched] = (s.t[i] + s.t[i + 1]) / 2
        longest[:searched] = np.minimum(64 * np.diff(s.t)[i], longest[:searched])
    inside = np.minimum(c - s.t[0], s.t[-1] - c)
    return c, np.minimum(longest, inside), searched


def require_straight(
    ask: Ask, c: np.ndarray, longest: np.ndarray, eta: np.ndarray, searched: int = 0
) -> None:
    """Second differences F(c + h) - 2 F(c) + F(c - h) at shrinking h, around some places c: those
    of a curve fall like h^2, down to the noise; those of a piecewise linear function vanish.

    Parameters
    ----------
    ask : callable
        t (n,) -> values (n, m).
    c, longest : ndarray of shape (n,)
        Places t to look at, and the longest step at each.
    eta : ndarray of shape (n, m)
        Noise of the answers there.
    searched : int
        So many places come first that were chosen by themselves: they may all be curved while the
        others are not.

    Raises
    ------
    NotPiecewiseLinear
        With three parameters t as its witness.
    """
    n = len(c)
    h = np.multiply.outer(longest, 0.5 ** np.arange(_SCALES))
    t = np.concatenate([c[:, None], c[:, None] - h, c[:, None] + h], axis=1)
    y = ask(t.ravel()).reshape(n, 1 + 2 * _SCALES, -1)
    bends = np.abs(y[:, 1 : 1 + _SCALES] - 2 * y[:, :1] + y[:, 1 + _SCALES :])
    # What looked like noise may be the curve itself, not resolved: the smallest steps tell.
    quiet = 8 * (np.median(bends[:, -3:], axis=(0, 1)) + EPS * np.abs(y).max(axis=(0, 1)))
    found = []
    for bend, noise in zip(np.moveaxis(bends, 2, 0), np.minimum(eta, quiet).T, strict=True):
        clear = bend / np.maximum(noise, 1e-250)[:, None]
        first = np.array([_curved_from(row) for row in clear])
        seen = clear.max(axis=1) > _SEEN
        for part in (searched, n):
            curved = np.flatnonzero(first[:part] >= 0)
            if len(curved) <= max(3, 0.7 * seen[:part].sum()):
                continue
            found += [(float(bend[j, first[j]]), c[j], h[j, first[j]]) for j in curved]
    if found:
        _, at, step = max(found)
        raise NotPiecewiseLinear(
            "the black box is curved: between the witness's ends it bends like a parabola, at "
            "every scale (a smooth activation such as tanh, sigmoid or GELU?)",
            np.array([at - step, at, at + step]),
        )


def _curved_from(bend: np.ndarray) -> int:
    """The first of the steps from which on bends (in units of the noise) fall like those of a
    parabola, until the noise hides them; -1 if they do not.

    A piecewise linear function with many kinks looks like a curve from afar, but not near by.
    """
    last = int(np.flatnonzero(bend > _SEEN).max(initial=-1))
    if last < 3 or (last < len(bend) - 1 and bend[last] > 8 * _SEEN):
        return -1
    falls = np.abs(bend[:last] / np.maximum(bend[1 : last + 1], 1e-200) - 4) < 0.8
    first = int(np.flatnonzero(~falls).max(initial=-1)) + 1
    return first if last - first >= 3 else -1


def _require_continuous(ask: Ask, s: Samples, rng: np.random.Generator) -> None:
    """Bisect some intervals where F changes: what is left of a ramp shrinks with the interval, what
    is left of a jump does not."""
    i = np.flatnonzero(~s.affine)
    if len(i) < _JUMPS:
        return
    i = i[np.abs(s.t[i]).argsort()][: max(_JUMPS, len(i) // 2)]  # noise may grow far out
    i = rng.choice(i, _JUMPS, replace=False)
    ends = s.t[i], s.t[i + 1], s.y[i], s.y[i + 1]
    sizes = [np.abs(ends[3] - ends[2])]
    for a, b, left, right in _halved(ask, *ends, s.noise.level):
        sizes.append(np.abs(right - left))
        if not (b - a > 8 * np.spacing(1 + np.abs(a) + np.abs(b))).any():
            break
    if len(sizes) <= _LAST:
        return
    jump = sizes[-1]
    lasting = (jump > 0.5 * sizes[-1 - _LAST]) & (jump > _CLEAR * s.noise.at(a))
    found = np.flatnonzero(lasting.any(axis=1))
    if len(found) > _JUMPS / 2:
        j = found[np.abs(a[found]).argmin()]
        raise NotPiecewiseLinear(*jump_at(float(a[j] + b[j]) / 2))


def _halved(
    ask: Ask, a: np.ndarray, b: np.ndarray, left: np.ndarray, right: np.ndarray, unit: np.ndarray
) -> Iterator[tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]]:
    """Bisect intervals from a to b (n,), with answers `left` and `right` (n, m), again and again:
    of each the half in which the answers change more, in these units (m,)."""
    while True:
        c = (a + b) / 2
        y = ask(c)
        sides = [(np.abs(part) / unit).max(axis=1) for part in (y - left, right - y)]
        first = sides[0] >= sides[1]
        a, left = np.where(first, a, c), np.where(first[:, None], left, y)
        b, right = np.where(first, c, b), np.where(first[:, None], y, right)
        yield a, b, left, right


def jump_at(t: float) -> tuple[str, np.ndarray]:
    """The sentence and the witness (3,) for a jump at t."""
    h = 1e-9 * (1 + abs(t))
    text = (
        f"the black box jumps: within {h:.0e} of t = {t:.6g} on the line (a step function, a tree, "
        "a nearest-neighbour rule, or inputs that are rounded?)"
    )
    return text, np.array([t - 2 * h, t - h / 2, t + h])  # not t in the middle: sign(0) is halfway


def louder(long: LongLine, n: int) -> float:
    """By how much the answers are noisier than thought: 1 unless their second differences do not
    fall with the step.

    At a kink they fall like the step, or vanish; noise is the same at a sixty-fourth of it. (In a
    long interval a wave would look like noise.)
    """
    s, rng = long.samples, long.rng
    gap = np.diff(s.t)
    close = (gap > 1e-9 * (1 + np.abs(s.t[:-1]))) & (gap < _SHORT)
    close = np.flatnonzero(~s.affine & close)
    if len(close) < 8:
        return 1.0
    i = rng.choice(close, n)
    c = s.t[i] + gap[i] * rng.uniform(0.2, 0.8, n)
    h = np.multiply.outer(gap[i] / 2, 0.5 ** np.array([4, 10]))
    t = np.concatenate([c[:, None], c[:, None] - h, c[:, None] + h], axis=1)
    y = long.ask(t.ravel()).reshape(n, 5, -1)
    bend = np.abs(y[:, 1:3] - 2 * y[:, :1] + y[:, 3:]) / s.noise.at(c)[:, None]
    flat = np.quantile(bend.max(axis=2), 0.75, axis=0)
    return float(flat[1]) if flat[1] > 8 and flat[1] > flat[0] / 8 else 1.0


def jump_between(run: Run, line: Line, a: float, b: float) -> float:
    """How far F jumps between two parameters of the line; 0 if it is only steep there.

    What is left of a ramp shrinks with the interval, what is left of a jump does not.
    """
    target = run.target(known=False)
    whole = np.inf
    while True:
        t = np.linspace(a, b, 10)
        y = target(line.at(t)) * run.answers.scale
        whole = min(whole, float(np.abs(y[-1] - y[0]).max()))
        steps = np.abs(np.diff(y, axis=0)).max(axis=1)
        i = int(steps.argmax())
        a, b = t[i], t[i + 1]
        if steps[i] < whole / 2:
            return 0.0
        if b - a <= 8 * np.spacing(max(abs(a), abs(b), 1.0)):
            return float(steps[i])


def look_for_curves(run: Run) -> None:
    """Does F bend like a parabola on the way from where F' is worst to where F differs most?

    A line may have missed it: probabilities, say, are constant on most of it, or nearly.

    Raises
    ------
    NotPiecewiseLinear
        If it does.
    """
    left = run.oracle.remaining
    if left is not None and left < 60 * PLACES:
        return
    target, scale, i, tested = run.target(known=False), run.answers.scale, 0, run.evidence.all
    if tested is not None and run.known is not None:
        points, values = tested
        i = int(run.evidence.off(run.known).max(axis=1).argmax())
    else:
        points = run.space.sample(PLACES, run.rng)
        values = target(points)
    differ = (np.abs(values - values[i]) * scale).max(axis=1)
    a, b = points[i], points[differ.argmax()]

    def ask(t: np.ndarray) -> np.ndarray:
        return target(a + np.multiply.outer(t, b - a)) * scale

    t = np.linspace(0, 1, _INTERVALS + 1)
    moves = np.abs(np.diff(ask(t), axis=0)).max(axis=1)[1:-1]
    inner = run.rng.choice(len(moves), PLACES, p=moves / moves.sum() if moves.any() else None)
    inner[::2] = run.rng.integers(0, len(moves), len(inner[::2]))
    middle = t[1 + inner] + run.rng.uniform(0.2, 0.8, PLACES) / _INTERVALS
    noise = np.tile(run.answers.noise * scale, (PLACES, 1))
    try:
        require_straight(ask, middle, np.full(PLACES, 1 / _INTERVALS), noise)
    except NotPiecewiseLinear as error:
        error.witness = a + np.multiply.outer(error.witness, b - a)
        raise


def look_for_steps(run: Run) -> None:
    """Do rounded answers jump by more than what they are rounded to? Bisect between points whose
    answers differ most, until they differ no more than that.

    Raises
    ------
    NotPiecewiseLinear
        If they do somewhere.
    """
    target, answers = run.target(known=False), run.answers
    points = run.space.sample(3 * _PAIRS, run.rng)
    values = target(points)
    order = np.argsort(values[:, int(np.ptp(values, axis=0).argmax())])
    low, high = points[order[:_PAIRS]], points[order[-_PAIRS:]]

    def ask(share: np.ndarray) -> np.ndarray:
        return target(low + share[:, None] * (high - low))

    start = np.zeros(_PAIRS), np.ones(_PAIRS), target(low), target(high)
    halves = _halved(ask, *start, np.ones(values.shape[1]))
    for _ in range(50):
        a, b, left, right = next(halves)
        jump = (np.abs(right - left) * answers.scale).max(axis=1)
        if (jump < 1.5 * answers.step).all():
            return
    j = int(jump.argmax())
    middle = low[j] + (a[j] + b[j]) / 2 * (high[j] - low[j])
    raise NotPiecewiseLinear(
        f"the black box jumps by {jump[j]:.3g} at the witness, while its answers are all "
        f"multiples of {answers.step:.3g}: labels, a step function, a tree?",
        middle + np.multiply.outer([-2e-9, -0.5e-9, 1e-9], high[j] - low[j]),
    )

"""What is wrong with a black box that is not a one-hidden-layer ReLU network?

Before anything else: does it still give the same answers? A black box that changes looks like
anything. Then: is it curved, does it jump, and do its creases end?
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from relu_learn.core.errors import (
    BlackBoxError,
    NotOneHiddenLayer,
    NotPiecewiseLinear,
    ReluLearnError,
)
from relu_learn.core.explain import require_straight
from relu_learn.core.gradients import safe_step
from relu_learn.core.lines import SIGMAS, Noise
from relu_learn.core.network import ReluNetwork
from relu_learn.core.target import Target

if TYPE_CHECKING:
    from relu_learn.core.run import Run

# Answers less precise than this, in units of the scale, are looked at as noisy.
EXACT = 1e-10
# Questions that are asked again when the answers make no sense.
_AGAIN = 16
# Even float32 sums that depend on the batch repeat to this, relative to their size.
_FICKLE = 1e-4
# Pairs of points between which steps are looked for.
_PAIRS = 6
# A bend that is less than this, relative to the answers, is hard to believe.
_SLIGHT = 1e-9
# Intervals of a segment, on which is looked for curves at so many places: about 900 queries.
_INTERVALS, _PLACES = 64, 16
# A hyperplane must be known to this share of the segment that is to show its crease.
_VAGUE = 0.1


def require_repeatable(run: Run) -> None:
    """Ask some earlier questions again: does the black box still give the same answers?

    Raises
    ------
    BlackBoxError
        If it does not.
    """
    x, answers = run.oracle.recall(_AGAIN)
    before = answers.reshape(len(x), -1)
    known = run.known
    if run.tested and known is not None:  # and where the answers fitted worst
        points, values = (np.concatenate(part) for part in zip(*run.tested, strict=True))
        wrong = np.abs(values - known(points)).max(axis=1).argsort()[-_AGAIN:]
        x = np.concatenate([x, run.place(points[wrong])])
        before = np.concatenate([before, values[wrong] * run.scale])
    left = run.oracle.remaining
    if left is not None and left < len(x):
        return
    after, noise = run.ask(x), run.noise_at(x)
    change = np.abs(after - before)
    noise = np.maximum(noise, run.noise * np.abs(after))  # it may grow with the answers
    allowed = np.maximum(SIGMAS * noise, EXACT * run.output_scale)
    if not run.imprecise:  # then the noise may be what a changing black box looks like
        size = np.abs(after) + run.output_scale
        allowed = np.minimum(allowed, _FICKLE * size)
    off = (change / allowed).max(axis=1)
    i = int(off.argmax())
    # Noise disturbs every answer alike; here most are repeated, and some are not at all. (Less
    # noise than is rounded away moves a few answers by a step.)
    repeated = (change <= 1e-12 * np.abs(after)).all(axis=1)
    gross = max(2.5 * run.step, 1e-3 * run.output_scale)
    fickle = run.random and repeated.mean() > 0.25 and bool((change > gross).any())
    # Random noise may be larger in other places than where it was measured; a drift goes one way.
    signs = np.abs(np.sign(after - before).sum(axis=0))
    drifts = run.random and len(x) >= _AGAIN and bool((signs == len(x)).any())
    if off[i] > (3 if run.random else 1) or fickle or drifts:
        raise BlackBoxError(
            "black_box must answer the same point alike: at the query it said "
            f"{before[i].squeeze()} and now says {after[i].squeeze()} (does it change with "
            "time, or with the other rows of a batch?)",
            x[i : i + 1],
        )


def check_witness(run: Run, error: ReluLearnError) -> None:
    """Does the black box still bend there? It may answer wrongly once in a while.

    Raises
    ------
    BlackBoxError
        If it does not.
    NotPiecewiseLinear
        If there is a clearer witness.
    """
    left = run.oracle.remaining
    if not isinstance(error, NotPiecewiseLinear) or (left is not None and left < 3):
        return
    y = run.ask(error.witness)
    bend = np.abs(y[0] - 2 * y[1] + y[2])
    if bend.max() < _SLIGHT * np.abs(y).max() and not run.imprecise:
        look_for_curves(run)  # there may be a witness that shows it better
    straight = SIGMAS * run.noise_at(error.witness)[1]
    if not run.imprecise or not (run.random or run.step):  # the noise may be the curve itself
        straight = np.minimum(straight, 1e-6 * np.abs(y).max(axis=0))
    if run.step and not run.random:
        straight = np.minimum(straight, 1.5 * run.step)
    if (bend <= straight).all():
        raise BlackBoxError(
            "black_box must answer the same point alike: around the query it was not straight, "
            "and is when asked again (does it sometimes answer wrongly?)",
            error.witness,
        ) from error


def jump_between(run: Run, a: float, b: float) -> float:
    """How far F jumps between two parameters of the line; 0 if it is only steep there.

    What is left of a ramp shrinks with the interval, what is left of a jump does not.
    """
    target = Target(run.oracle, run.scale)
    whole = np.inf
    while True:
        t = np.linspace(a, b, 10)
        y = target(run.line.at(t)) * run.scale
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
    if left is not None and left < 60 * _PLACES:
        return
    target, i = Target(run.oracle, run.scale), 0
    if run.tested and run.known is not None:
        points, values = (np.concatenate(part) for part in zip(*run.tested, strict=True))
        i = int(run.paid(run.known)[1].max(axis=1).argmax())
    else:
        points = run.sample(_PLACES)
        values = target(points)
    differ = (np.abs(values - values[i]) * run.scale).max(axis=1)
    a, b = points[i], points[differ.argmax()]

    def ask(t: np.ndarray) -> np.ndarray:
        return target(a + np.multiply.outer(t, b - a)) * run.scale

    t = np.linspace(0, 1, _INTERVALS + 1)
    moves = np.abs(np.diff(ask(t), axis=0)).max(axis=1)[1:-1]
    inner = run.rng.choice(len(moves), _PLACES, p=moves / moves.sum() if moves.any() else None)
    inner[::2] = run.rng.integers(0, len(moves), len(inner[::2]))
    middle = t[1 + inner] + run.rng.uniform(0.2, 0.8, _PLACES) / _INTERVALS
    noise = np.tile(run.noise * run.scale, (_PLACES, 1))
    try:
        require_straight(ask, middle, np.full(_PLACES, 1 / _INTERVALS), noise)
    except NotPiecewiseLinear as error:
        error.witness = run.place(a + np.multiply.outer(error.witness, b - a))
        raise


def look_for_steps(run: Run) -> None:
    """Do rounded answers jump by more than what they are rounded to? Bisect between points whose
    answers differ most, until they differ no more than that.

    Raises
    ------
    NotPiecewiseLinear
        If they do somewhere.
    """
    target = Target(run.oracle, run.scale)
    points = run.sample(3 * _PAIRS)
    values = target(points)
    order = np.argsort(values[:, int(np.ptp(values, axis=0).argmax())])
    low, high = points[order[:_PAIRS]], points[order[-_PAIRS:]]
    a, b = low, high
    left, right = target(a), target(b)
    for _ in range(50):
        jump = (np.abs(right - left) * run.scale).max(axis=1)
        if (jump < 1.5 * run.step).all():
            return
        c = (a + b) / 2
        y = target(c)
        first = (np.abs(y - left).max(axis=1) >= np.abs(right - y).max(axis=1))[:, None]
        a, left = np.where(first, a, c), np.where(first, left, y)
        b, right = np.where(first, c, b), np.where(first, y, right)
    j = int(jump.argmax())
    offsets = np.multiply.outer([-2e-9, -0.5e-9, 1e-9], high[j] - low[j])
    raise NotPiecewiseLinear(
        f"the black box jumps by {jump[j]:.3g} at the witness, while its answers are all "
        f"multiples of {run.step:.3g}: labels, a step function, a tree?",
        run.place((a[j] + b[j]) / 2 + offsets),
    )


def look_for_bent_hyperplanes(run: Run) -> None:
    """Is the black box a deeper network? Then its critical hyperplanes end somewhere.

    Each neuron's kink was seen on a line. A one-hidden-layer network has the same kink at every
    other point of that hyperplane: look at random places, away from all others.

    Raises
    ------
    NotOneHiddenLayer
        If one in five of the hyperplanes, or more, is not the same somewhere.
    """
    net, line, d = run.first_guess, run.first_line, run.oracle.dim
    if net is None or line is None or d == 1:
        return
    strength = np.linalg.norm(net.output_weights, axis=0)
    chosen = np.argsort(-strength)[:12]
    places = max(4, 48 // max(len(chosen), 1))
    tilt = _tilts(run, net)
    points, off = run.paid(run.known)
    errors = off.max(axis=1)
    wrong = points[errors >= np.quantile(errors, 0.9)]
    found, looked = [], 0
    for i in chosen[np.isfinite(tilt[chosen])]:
        w, b = net.weights[i], net.biases[i]
        along = w @ line.direction
        if along == 0:  # hardly a zero, but this sum may round to one
            continue
        seen = line.at((b - w @ line.origin) / along)
        crease, bend = _across(run, net, i, seen[None], np.zeros(1))
        if not 0.9 < bend[0] < 1.1:
            continue  # not measured well, or not well enough
        # Random places, some far out, and some near points where the hypothesis is wrong.
        x = run.sample(8 * places)
        x[1::4] *= 10
        x[::2] = 0.3 * x[::2] + wrong[run.rng.integers(0, len(wrong), 4 * places)]
        x -= np.multiply.outer(x @ w - b, w)
        room = _room(run, net, i, x)
        x = run.rng.permutation(x[(room > 0) & (room >= np.median(room))])[:places]
        if not len(x):
            continue
        vague = tilt[i] * np.linalg.norm(x - seen, axis=1)
        elsewhere, bends = _across(run, net, i, x, vague)
        looked += 1
        # A straight place says most. (It must be straight at a smaller scale, too: other kinks
        # that are not known may make up for the one that is looked for.)
        other = np.where(bends < 0.5, np.abs(bends), np.inf)
        hopeful = np.flatnonzero(np.isfinite(other))
        if len(hopeful):
            again = _across(run, net, i, x[hopeful], vague[hopeful], 1 / 8)[1]
            other[hopeful[again >= 0.5]] = np.inf
        if np.isfinite(other).any():
            pair = run.place(elsewhere[other.argmin()]), run.place(crease[0])
            found.append((float(other.min()), *pair))
    if found and len(found) >= looked / 5:
        raise NotOneHiddenLayer(
            "the black box is piecewise linear, but its creases end or turn over: a critical "
            "hyperplane seen on a line is not the same at the witness (two or more hidden "
            "layers, max-pooling?)",
            *min(found, key=lambda f: f[0])[1:],
        )


def _room(run: Run, net: ReluNetwork, i: int, x: np.ndarray) -> np.ndarray:
    """Distances (n,) of the points x (n, d) from all hyperplanes (of unit normals) but one, and
    from where nothing may be asked."""
    away = np.abs(x @ net.weights.T - net.biases)
    away[:, i] = np.inf
    return np.minimum(away.min(axis=1), run.oracle.room(x))


def _tilts(run: Run, net: ReluNetwork) -> np.ndarray:
    """How far off the unit normals (k,) may be: noise over the steps beside each kink.

    Two kinks close together are measured with tiny steps. Away from the line their hyperplanes may
    be elsewhere, by more than their distance.
    """
    assert run.first_line is not None
    line, d = run.first_line, net.dim
    along = net.weights @ line.direction
    t = net.biases - net.weights @ line.origin
    t = np.divide(t, along, out=np.zeros(len(t)), where=along != 0)
    order = np.argsort(t)
    gaps = np.diff(t[order], prepend=-np.inf, append=np.inf)
    half = np.empty(len(t))
    half[order] = np.minimum(np.minimum(gaps[:-1], gaps[1:]) / 2, 1 + np.abs(t[order]))
    steps = np.array([safe_step(h, at, d) for h, at in zip(half, t, strict=True)])
    noise = (1 + np.abs(t)) * float(run.noise.max())
    strength = np.linalg.norm(net.output_weights, axis=0)
    tilt = np.sqrt(d) * noise / np.maximum(strength * steps, 1e-300)
    return np.where(along != 0, tilt, np.inf)  # parallel to the line: never seen on it


def _across(
    run: Run, net: ReluNetwork, i: int, x: np.ndarray, vague: np.ndarray, share: float = 1.0
) -> tuple[np.ndarray, np.ndarray]:
    """Short segments (n, 3, d) across hyperplane i at its points x (n, d), and how much F bends
    there (n,): 1 as the neuron says, NaN where the answers are too imprecise to tell, or where the
    hyperplane may be `vague` (n,) away."""
    h = share * np.minimum(0.3 * _room(run, net, i, x), 0.1)
    points = x[:, None] + h[:, None, None] * np.multiply.outer([-1.0, 0.0, 1.0], net.weights[i])
    y = Target(run.oracle, run.scale)(points.reshape(-1, x.shape[1])).reshape(len(x), 3, -1)
    j = int(np.abs(net.output_weights[:, i]).argmax())
    expected = net.output_weights[j, i] * h
    bend = y[:, 0, j] - 2 * y[:, 1, j] + y[:, 2, j]
    noise = np.array([Noise(run.noise).at_point(point)[j] for point in x])
    clear = (np.abs(expected) > 1e3 * noise) & (vague < _VAGUE * h)
    return points, np.divide(bend, expected, out=np.full(len(x), np.nan), where=clear)

"""Second looks: what a single line measures badly, measured again elsewhere.

A line can run nearly parallel to a hyperplane, cross two of them within a hair's breadth, or meet
one far out. Each of these spoils one quantity: the neuron's output direction, the gradient of the
piece in between, the bias. Once the network is roughly known, a better place for a few queries can
be chosen.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator

import numpy as np

from relu_learn.asking.rows import CHUNK
from relu_learn.core.basis import orthonormal_basis
from relu_learn.core.gradients import measure_rates
from relu_learn.core.lines import SIGMAS
from relu_learn.core.pieces import Block, Found, Piece, agree, output_directions
from relu_learn.core.roomy import LONG, LONGEST, WIDE, Arrangement
from relu_learn.core.space import CANDIDATES
from relu_learn.core.target import HALFWAY, Target

# Unit weights whose product is closer to 1 than this are nearly parallel: an angle of 1e-3.
_PARALLEL = 5e-7


@dataclasses.dataclass(frozen=True, eq=False)
class _Neurons:
    """All neurons of a line, in the order of their kinks."""

    weights: np.ndarray
    biases: np.ndarray
    outputs: np.ndarray
    tilt: np.ndarray

    @classmethod
    def of(cls, found: Found, solved: dict[int, Block] | None = None) -> _Neurons | None:
        """Those between all measured pieces (`solved` are known, and more are added to them); None
        if there is a kink without weights, which is not to be trusted."""
        solved = {} if solved is None else solved
        for j in range(len(found.chosen) - 1):
            if j not in solved:
                solved[j] = found.solve(j)
        blocks = [solved[j] for j in sorted(solved)]
        if not blocks or sum(len(b.biases) for b in blocks) < len(found.slice.kinks):
            return None
        return cls(
            np.concatenate([b.weights for b in blocks]),
            np.concatenate([b.biases for b in blocks]),
            np.concatenate([b.outputs for b in blocks], axis=1),
            np.concatenate([b.tilt for b in blocks]),
        )


def sharpen(target: Target, found: Found, rng: np.random.Generator) -> Iterator[Piece]:
    """The vague output directions, measured again by second differences.

    F(x + h w) - 2 F(x) + F(x - h w) is a multiple of the output weights of the one neuron whose
    hyperplane passes through x, or close by: for three queries, and with a step h as long as the
    other hyperplanes allow at the roomiest of many points of it.
    """
    neurons = _Neurons.of(found) if found.vague.any() else None
    if neurons is None:
        return
    vague = found.vague & ~_twins(found, neurons)
    weights, biases = neurons.weights, neurons.biases
    sizes = np.linalg.norm(neurons.outputs, axis=0)
    asked, points, precision = [], [], []
    start = _candidates(target, rng)
    depth = start @ weights.T - biases
    for i in np.flatnonzero(vague):
        x = start - np.multiply.outer(depth[:, i], weights[i])
        away = np.abs(depth - np.multiply.outer(depth[:, i], weights @ weights[i]))
        away[:, i] = np.inf
        room = np.minimum(away.min(axis=1), LONGEST * np.sqrt(weights.shape[1]))
        room = np.minimum(room, target.space.room(x))
        best = int((room / (1 + np.linalg.norm(x, axis=1))).argmax())
        if room[best] <= 0:
            continue
        three = x[best] + np.multiply.outer(
            [-HALFWAY * room[best], 0.0, HALFWAY * room[best]], weights[i]
        )
        eta = float(found.noise.at_point(three).max())
        own = eta / max(HALFWAY * room[best] * sizes[i], 1e-300)
        if own < found.doubt[i] / 4:
            asked.append(i)
            precision.append(own)
            points.append(three)
    if not asked:
        return
    y = target(np.concatenate(points)).reshape(len(asked), 3, -1)
    bends = output_directions(y[:, 0] - 2 * y[:, 1] + y[:, 2])
    better = found.directions.copy()
    for i, own, bend in zip(asked, precision, bends, strict=True):
        bend = bend if bend @ better[i] > 0 else -bend
        # Something else in between that no line has met? Then it is another direction altogether.
        if np.linalg.norm(bend - better[i]) <= SIGMAS * (found.doubt[i] + own):
            better[i] = bend
    found.directions = better
    yield from ()


def _twins(found: Found, neurons: _Neurons) -> np.ndarray:
    """Which kinks (k,) are on a hopelessly short piece between nearly parallel hyperplanes.

    The slopes on both sides tell exactly what both jumps are together. How this is divided between
    the two is vague, but it makes good for itself: they are nearly the same neuron. Directions that
    are sharpened one by one would not.
    """
    parallel = np.abs((neurons.weights[1:] * neurons.weights[:-1]).sum(axis=1)) > 1 - _PARALLEL
    inside = ~np.isin(np.arange(1, len(neurons.weights)), found.chosen)  # of a block
    close = parallel & found.hopeless[1:-1] & inside
    return np.r_[close, False] | np.r_[False, close]


def remeasure(target: Target, found: Found, rng: np.random.Generator) -> Iterator[Piece]:
    """The pieces that are short wherever they were looked at, from another cell.

    Between two hyperplanes that the line crosses close together, look where they are far apart: in
    a cell that lies on the same sides of these two. The other neurons that are switched differently
    there are known, and their weights are subtracted.
    """
    solved: dict[int, Block] = {}
    views: list[Arrangement] = []
    for r in sorted(found.poor, key=lambda r: found.pieces[r].error):
        neurons = _Neurons.of(found, solved)
        if neurons is None:
            continue
        again = _elsewhere(target, found, neurons, views, r, rng)
        if again is not None:
            found.pieces[r] = again
            i = int(np.searchsorted(found.chosen, r))
            for j in (i - 1, i):
                solved.pop(j, None)
            yield again


def _everything(target: Target, neurons: _Neurons, rng: np.random.Generator) -> Arrangement:
    """The hyperplanes as seen from all of R^d."""
    origin = np.zeros(neurons.weights.shape[1])
    basis = orthonormal_basis(rng.standard_normal(origin.shape), rng)
    normals, levels = target.space.faces(origin, basis)
    normals = np.concatenate([basis.products(neurons.weights), normals])
    return Arrangement(origin, basis, normals, np.concatenate([-neurons.biases, levels]))


def _elsewhere(
    target: Target,
    found: Found,
    neurons: _Neurons,
    views: list[Arrangement],
    r: int,
    rng: np.random.Generator,
) -> Piece | None:
    """Piece r from another cell, or None if no better place was found."""
    weights, biases, piece = neurons.weights, neurons.biases, found.pieces[r]
    k, d = weights.shape
    spread = neurons.tilt * np.linalg.norm(neurons.outputs, axis=0) / np.sqrt(d)
    on = np.arange(k) < r
    sides = [i for i in (r - 1, r) if 0 <= i < k]
    x = _between(target, neurons, sides, on, rng)
    if not views or len(views[-1].basis) <= WIDE:  # otherwise it is dear, and the first will do
        views.append(_everything(target, neurons, rng))
    view, basis = views[-1], views[-1].basis

    def doubt(x: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Expected errors (n,) of the gradient if it is measured at x, and who is flipped."""
        depth = x @ weights.T - biases
        flipped = (depth > 0) != on
        step = HALFWAY * np.minimum(np.abs(depth).min(axis=1), LONG * np.sqrt(d))
        step = np.minimum(step, 0.9 * target.space.room(x))
        own = found.noise.at_point(x).max(axis=1) / np.maximum(step, 1e-300)
        return np.hypot(own, np.linalg.norm(flipped * spread, axis=1)), flipped

    error, flipped = doubt(x)
    error[flipped[:, sides].any(axis=1) | (target.space.room(x) <= 0)] = np.inf
    few = np.argsort(error)[:8]
    x = x[few[np.isfinite(error[few])]]
    if not len(x):
        return None
    x = view.points(view.roomy(basis.products(x), limit=2.0)[0])
    error, flipped = doubt(x)
    best = int(error.argmin())
    if error[best] > piece.error / 4:
        return None
    point, turned = x[best], flipped[best]
    reach = view.reach(basis.products(point), HALFWAY, LONG * np.sqrt(d))
    reach = np.minimum(reach, 0.9 * target.space.room(point[None]))
    own = found.noise.at_point(point)
    _, rates, used = measure_rates(target, point, None, basis, reach, own, rng)
    sign = np.where(on, 1.0, -1.0) * turned
    gradient = basis.combine(rates) + (neurons.outputs * sign) @ weights
    doubtful = float(np.hypot(own.max() / used.min(), np.linalg.norm(turned * spread)))
    if not agree(gradient, piece.gradient, (piece.error + doubtful) / 4).all():
        return None
    return dataclasses.replace(piece, gradient=gradient, step=float(used.min()), error=doubtful)


def _between(
    target: Target, neurons: _Neurons, sides: list[int], on: np.ndarray, rng: np.random.Generator
) -> np.ndarray:
    """Points (n, d) beside two hyperplanes, on those sides where their neurons are `on` or off."""
    starts = []
    for i, other in (sides, sides[::-1]) if len(sides) == 2 else ():
        w, b = neurons.weights, neurons.biases
        x = _candidates(target, rng, 1.0)
        x -= np.multiply.outer(x @ w[i] - b[i], w[i])
        push = 0.3 * np.abs(x @ w[other] - b[other]) * (1 if on[i] else -1)
        starts.append(x + push[:, None] * w[i])
    return np.concatenate(starts) if starts else _candidates(target, rng, 1.0)


def _candidates(target: Target, rng: np.random.Generator, reach: float = 10.0) -> np.ndarray:
    """Points (n, d) among which one is chosen; fewer where they would not fit into memory."""
    n = min(CANDIDATES, 1 + 4 * CHUNK // target.space.dim)
    return target.space.candidates(n, rng, reach)

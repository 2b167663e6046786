"""Polish: affine pieces measured again where all hyperplanes are known to be far away.

A rough network tells how roomy the cells are, and how far each step may go. Steps are then of order
one instead of the width of a piece of a line, and the error of a gradient falls to the rounding of
the answers. The price is one more gradient for each piece: about as many queries as the rough
network cost.
"""

from __future__ import annotations

from collections.abc import Generator, Sequence

import numpy as np

from relu_learn.core.basis import orthonormal_basis
from relu_learn.core.gradients import measure_gradient
from relu_learn.core.lines import Noise
from relu_learn.core.pieces import Piece
from relu_learn.core.roomy import LONG, Arrangement
from relu_learn.core.space import CANDIDATES, Space
from relu_learn.core.target import HALFWAY, Target
from relu_learn.network import ReluNetwork, normalised, prune

# To choose the cells costs k^3 operations: 4 s for so many neurons, a minute for 5,000.
_MANY = 2000
# The walk to roomy points looks at so many distances in all: a few seconds.
_WALK = 4e8
# Points of hyperplanes are looked for in so much of a box, as there has to be room for steps; so
# far away, in units of the way to the hyperplane; so closely (1e3 to the power of 2^-50).
_INSIDE, _FAR, _HALVINGS = 0.95, 1e3, 50
# With several outputs, random sets of cells are compared, so many of each size; and a condition
# number that is good enough (of the squares: eigenvalues). (÷ or × 10: 0 of 39 runs change, of
# which none polishes several outputs.)
_SETS, _GOOD = 32, 1e5
# What the cells tell worse than this, relatively, stays as it was. (÷ 10: 4 of 39 runs change, and
# the worst error is 5e-9, not 4e-9; × 10: one.)
_TOLD = 1e-4
# Weights and output weights in turn: the misfit falls to the noise in three or four rounds.
_ROUNDS = 5


def polish(
    target: Target, network: ReluNetwork, noise: Noise, rng: np.random.Generator
) -> Generator[Piece, None, ReluNetwork]:
    """Measure every neuron of a network again; a generator that returns the better network.

    On a cell whose active neurons are A, F has the Jacobian U + sum_{i in A} a_i w_i^T and the
    constant c - sum_{i in A} a_i b_i: once enough cells are measured, least squares tell what all
    of U, c, w_i, b_i and a_i are off.

    Parameters
    ----------
    target : Target
        F itself, whitened.
    network : ReluNetwork
        The rough F', whitened, with outputs (m, k).
    noise : Noise
    rng : numpy.random.Generator

    Yields
    ------
    Piece
        After each gradient.
    """
    few, d = prune(network), network.dim  # rounding that was taken for kinks would take up room
    if d == 1 or not 0 < few.n_neurons <= _MANY:
        return network
    w, b, size = normalised(few.weights, few.biases)
    net = ReluNetwork(w, b, few.output_weights * size, few.skip, few.offset)
    basis = orthonormal_basis(rng.standard_normal(d), rng)
    normals, levels = target.space.faces(np.zeros(d), basis)
    normals, levels = np.concatenate([basis.products(w), normals]), np.concatenate([-b, levels])
    view = Arrangement(np.zeros(d), basis, normals, levels)
    start = basis.products(_cells(target, net, rng))
    steps = max(150, min(150 + 4 * len(b), int(_WALK / max(len(start) * len(b), 1))))
    pieces = []
    for spot in view.roomy(start, steps=steps, limit=2.0)[0]:
        point = view.points(spot)
        reach = view.reach(spot, HALFWAY, LONG * np.sqrt(d))
        reach = np.minimum(reach, 0.9 * target.space.room(point[None]))
        pieces.append(measure_gradient(target, point, basis, reach, noise.at_point(point), rng))
        yield pieces[-1]
    return solved(net, pieces)


def _cells(target: Target, network: ReluNetwork, rng: np.random.Generator) -> np.ndarray:
    """A point (p, d) in each of as many cells as tell all neurons apart, roomy ones first.

    Their active neurons are the rows of a matrix that has to be inverted. One output takes k + 1
    cells: QR with column pivoting chooses. Of several outputs, k / m and some more chosen at random
    will do, unless output weights are parallel.
    """
    from scipy.linalg import qr

    w, b, k, m = network.weights, network.biases, network.n_neurons, network.n_outputs
    x = _on_hyperplanes(target.space, w, b, rng)
    away = np.abs(x @ w.T - b)
    np.fill_diagonal(away, 1.0)
    push = 0.3 * np.minimum(away.min(axis=1), target.space.room(x))[:, None] * w
    x = np.concatenate([target.space.candidates(CANDIDATES, rng, 1.0), x + push, x - push])
    depth = x @ w.T - b
    room = np.minimum(np.abs(depth).min(axis=1), target.space.room(x))
    x, active, room = x[room > 0], (depth > 0)[room > 0], room[room > 0]
    count = (k + m) // m + 2
    while m > 1 and count <= min(k, len(x)):
        share = room / room.sum()
        sets = [rng.choice(len(x), count, replace=False, p=share) for _ in range(_SETS)]
        worst = [_condition(active[some], network.output_weights) for some in sets]
        if min(worst) <= _GOOD:
            return np.asarray(x[sets[int(np.argmin(worst))]])
        count += 1 + count // 8
    rows = np.column_stack([np.ones(len(x)), active]) * room[:, None]
    return np.asarray(x[qr(rows.T, pivoting=True, mode="r")[1][: k + 1]])


def _on_hyperplanes(
    space: Space, w: np.ndarray, b: np.ndarray, rng: np.random.Generator
) -> np.ndarray:
    """A point (k, d) of each hyperplane, above a random one. In a box most of these lie outside if
    few of its points are beyond the hyperplane: they move on along the faces, until they meet it.
    """
    x = space.candidates(len(b), rng, 1.0)
    way = b - (x * w).sum(axis=1)
    points = x + way[:, None] * w
    out = np.flatnonzero(space.room(points) <= 0)
    x, w, b, way = x[out], w[out], b[out], way[out]
    near, far = np.ones(len(out)), np.full(len(out), _FAR)
    for _ in range(_HALVINGS):
        middle = np.sqrt(near * far)
        points[out] = _INSIDE * space.locate(
            space.place((x + (middle * way)[:, None] * w) / _INSIDE)
        )
        short = ((points[out] * w).sum(axis=1) - b) * way < 0
        near, far = np.where(short, middle, near), np.where(short, far, middle)
    return points


def _condition(active: np.ndarray, outputs: np.ndarray) -> float:
    """Of the normal equations for U and all w_i, from cells with active neurons (p, k)."""
    unit = outputs / np.maximum(np.linalg.norm(outputs, axis=0), 1e-300)
    cross, both = unit * active.sum(axis=0), (1.0 * active.T) @ active * (unit.T @ unit)
    gram = np.block([[len(active) * np.eye(len(outputs)), cross], [cross.T, both]])
    values = np.linalg.eigvalsh(gram)
    return float(values[-1] / max(values[0], 1e-300))


def solved(network: ReluNetwork, pieces: Sequence[Piece]) -> ReluNetwork:
    """The network whose Jacobians and constants are those that were measured in some cells.

    Parameters
    ----------
    network : ReluNetwork
        With outputs (m, k), nearly right.
    pieces : sequence of Piece
    """
    points, weight = np.array([p.point for p in pieces]), 1 / np.array([p.error for p in pieces])
    active = points @ network.weights.T > network.biases
    measured = np.array([np.column_stack([p.gradient, p.constant]) for p in pieces])
    rows = np.column_stack([network.weights, -network.biases])  # of neurons
    rest = np.column_stack([network.skip, network.offset])
    outputs, m = network.output_weights, network.n_outputs
    switched = active - 1.0 * active[0]  # 0, not rounding, for a neuron that is never switched
    mean = np.average(switched, axis=0, weights=weight**2)
    best, least = (rest, rows, outputs), np.inf
    for again in reversed(range(_ROUNDS if m > 1 else 1)):
        design = np.concatenate(
            [np.broadcast_to(np.eye(m), (len(pieces), m, m)), active[:, None] * outputs], axis=2
        )
        off = measured - design @ np.concatenate([rest, rows])
        change = _least_squares(design, off, weight)
        rest, rows, off = rest + change[:m], rows + change[m:], off - design @ change
        misfit = float(np.linalg.norm(off * weight[:, None, None]))
        if not misfit < least:  # only noise is left
            break
        best, least = (rest, rows, outputs), misfit
        if again:  # what is the same in all cells is the affine part's
            off -= np.average(off, axis=0, weights=weight**2)
            turned = (switched - mean)[:, None] * rows.T  # (p, d + 1, k)
            outputs = outputs + _least_squares(turned, off.transpose(0, 2, 1), weight).T
    rest, rows, outputs = best
    return ReluNetwork(rows[:, :-1], -rows[:, -1], outputs, rest[:, :-1], rest[:, -1])


def _least_squares(design: np.ndarray, off: np.ndarray, weight: np.ndarray) -> np.ndarray:
    """X (n, q) that brings design (p, r, n) X nearest to off (p, r, q), weighted by piece (p,)."""
    a, b = ((part * weight[:, None, None]).reshape(-1, part.shape[2]) for part in (design, off))
    size = np.linalg.norm(a, axis=0)
    size[size == 0] = 1.0  # not tiny: what least squares tell of nothing is 0 to rounding
    return np.asarray(np.linalg.lstsq(a / size, b, rcond=_TOLD)[0] / size[:, None])

"""Second looks: what a single line measures badly, measured again elsewhere.

A line can run nearly parallel to a hyperplane, cross two of them within a hair's breadth, or meet
one far out. Each of these spoils one quantity: the neuron's output direction, the gradient of the
piece in between, the bias. Once the network is roughly known, a better place for a few queries can
be chosen.
"""

from __future__ import annotations

import dataclasses

import numpy as np

from relu_learn.core.cells import Arrangement
from relu_learn.core.gradients import measure_rates, orthonormal_basis
from relu_learn.core.lines import SIGMAS, Line, Noise
from relu_learn.core.network import ReluNetwork
from relu_learn.core.pieces import GOAL, Block, Piece, output_directions
from relu_learn.core.target import Target

# Points among which the best place is chosen.
_CANDIDATES = 256


def sharpened(
    target: Target,
    blocks: list[Block],
    directions: np.ndarray,
    vague: np.ndarray,
    doubt: np.ndarray,
    noise: Noise,
    rng: np.random.Generator,
) -> np.ndarray:
    """The output directions (k, m), the vague ones measured again by second differences.

    F(x + h w) - 2 F(x) + F(x - h w) is a multiple of the output weights of the one neuron whose
    hyperplane passes through x, or close by: for three queries, and with a step h as long as the
    other hyperplanes allow at the roomiest of many points of it.
    """
    if sum(len(b.biases) for b in blocks) < len(directions):
        return directions  # a kink without weights: not to be trusted
    weights = np.concatenate([b.weights for b in blocks])
    biases = np.concatenate([b.biases for b in blocks])
    sizes = np.concatenate([np.linalg.norm(b.outputs, axis=0) for b in blocks])
    asked, points, precision = [], [], []
    for i in np.flatnonzero(vague):
        x = target.oracle.candidates(_CANDIDATES, rng)
        x -= np.multiply.outer(x @ weights[i] - biases[i], weights[i])
        away = np.abs(x @ weights.T - biases)
        away[:, i] = np.inf
        room = np.minimum(away.min(axis=1), 30 * np.sqrt(weights.shape[1]))
        room = np.minimum(room, target.oracle.room(x))
        best = int((room / (1 + np.linalg.norm(x, axis=1))).argmax())
        if room[best] <= 0:
            continue
        three = x[best] + np.multiply.outer([-0.4 * room[best], 0.0, 0.4 * room[best]], weights[i])
        eta = max(float(noise.at_point(p).max()) for p in three)
        own = eta / max(0.4 * room[best] * sizes[i], 1e-300)
        if own < doubt[i] / 4:
            asked.append(i)
            precision.append(own)
            points.append(three)
    if not asked:
        return directions
    y = target(np.concatenate(points)).reshape(len(asked), 3, -1)
    bends = output_directions(y[:, 0] - 2 * y[:, 1] + y[:, 2])
    better = directions.copy()
    for i, own, bend in zip(asked, precision, bends, strict=True):
        bend = bend if bend @ directions[i] > 0 else -bend
        # Something else in between that no line has met? Then it is another direction altogether.
        if np.linalg.norm(bend - directions[i]) <= SIGMAS * (doubt[i] + own):
            better[i] = bend
    return better


def remeasured(
    target: Target, blocks: list[Block], piece: Piece, noise: Noise, rng: np.random.Generator
) -> Piece | None:
    """The gradient of a piece that is short wherever it was looked at, from another cell.

    Between two hyperplanes that the line crosses close together, look where they are far apart: in
    a cell that lies on the same sides of these two. The other neurons that are switched differently
    there are known, and their weights are subtracted.

    Parameters
    ----------
    blocks : list of Block
        All neurons of the line, in the order of their kinks.
    piece : Piece

    Returns
    -------
    Piece or None
        None if no better place was found.
    """
    if not blocks:
        return None
    weights = np.concatenate([b.weights for b in blocks])
    biases = np.concatenate([b.biases for b in blocks])
    outputs = np.concatenate([b.outputs for b in blocks], axis=1)
    tilt = np.concatenate([b.tilt for b in blocks])
    k, d, r = len(weights), len(piece.point), piece.index
    if k != blocks[-1].last:
        return None  # a kink without weights
    spread = tilt * np.linalg.norm(outputs, axis=0) / np.sqrt(d)
    on = np.arange(k) < r
    sides = [i for i in (r - 1, r) if 0 <= i < k]
    starts = []
    for i, other in (sides, sides[::-1]) if len(sides) == 2 else ():
        x = target.oracle.candidates(_CANDIDATES, rng, 1.0)
        x -= np.multiply.outer(x @ weights[i] - biases[i], weights[i])
        push = 0.3 * np.abs(x @ weights[other] - biases[other]) * (1 if on[i] else -1)
        starts.append(x + push[:, None] * weights[i])
    x = np.concatenate(starts) if starts else target.oracle.candidates(_CANDIDATES, rng, 1.0)
    basis = orthonormal_basis(rng.standard_normal(d), rng)
    normals, levels = target.oracle.faces(np.zeros(d), basis.rows)
    normals = np.concatenate([weights @ basis.rows.T, normals])
    view = Arrangement(np.zeros(d), basis.rows, normals, np.concatenate([-biases, levels]))

    def doubt(x: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Expected errors (n,) of the gradient if it is measured at x, and who is flipped."""
        depth = x @ weights.T - biases
        flipped = (depth > 0) != on
        step = 0.4 * np.minimum(np.abs(depth).min(axis=1), 3 * np.sqrt(d))
        step = np.minimum(step, 0.9 * target.oracle.room(x))
        own = np.array([noise.at_point(p).max() for p in x]) / np.maximum(step, 1e-300)
        return np.hypot(own, np.linalg.norm(flipped * spread, axis=1)), flipped

    error, flipped = doubt(x)
    x = x[~flipped[:, sides].any(axis=1) & (target.oracle.room(x) > 0)]
    if not len(x):
        return None
    x = x[np.argsort(doubt(x)[0])[:8]]
    x = view.roomy(x @ basis.rows.T, limit=2.0)[0] @ basis.rows
    error, flipped = doubt(x)
    best = int(error.argmin())
    if error[best] > piece.error / 4:
        return None
    point, flipped = x[best], flipped[best]
    reach = view.reach(basis.rows @ point, 0.4, 3 * np.sqrt(d))
    reach = np.minimum(reach, 0.9 * target.oracle.room(point[None]))
    own = noise.at_point(point)
    _, rates, used = measure_rates(target, point, None, basis, reach, own, rng)
    sign = np.where(on, 1.0, -1.0) * flipped
    gradient = basis.combine(rates) + (outputs * sign) @ weights
    doubtful = float(np.hypot(own.max() / used.min(), np.linalg.norm(flipped * spread)))
    # A neuron that the line missed may lie in between.
    if (np.abs(gradient - piece.gradient) > SIGMAS * (piece.error + doubtful)).any():
        return None
    return dataclasses.replace(piece, gradient=gradient, step=float(used.min()), error=doubtful)


def settle_biases(
    target: Target, network: ReluNetwork, blocks: list[Block], line: Line, rng: np.random.Generator
) -> list[Block]:
    """Correct the biases of neurons whose kinks are far out on the line.

    A kink at x(t) gives b = <w, x(t)>: an error of w is multiplied by the size of x(t), and what it
    does to F is a constant on the neuron's active side. Some points near the origin, on both sides,
    tell the constants; one more than there are such neurons, and those that tell most (QR with
    column pivoting).

    Parameters
    ----------
    network : ReluNetwork
        What the blocks and the affine part give together.

    Returns
    -------
    list of Block
    """
    from scipy.linalg import qr

    d, found = len(line.origin), []
    for j, b in enumerate(blocks):
        for i in range(len(b.biases)):
            tilt = float(b.tilt[i] * np.linalg.norm(b.outputs[:, i]))
            found.append((j, i, tilt, float(np.linalg.norm(line.at(b.kinks[i])) / np.sqrt(d))))
    # What the tilts do at Gaussian points cannot be told from a constant.
    goal = max(GOAL, 4 * float(np.linalg.norm([tilt for *_, tilt, _ in found])))
    far = [(j, i, blocks[j].tilt[i] * size) for j, i, tilt, size in found if tilt * size > goal]
    if not far:
        return blocks
    x = rng.standard_normal((_CANDIDATES, len(line.origin)))
    depth = np.stack([x @ blocks[j].weights[i] - blocks[j].biases[i] for j, i, _ in far], axis=1)
    active = np.column_stack([depth > 0, np.ones(len(x))])
    x = x[qr(active.T, pivoting=True, mode="r")[1][: active.shape[1]]]
    depth = np.stack([x @ blocks[j].weights[i] - blocks[j].biases[i] for j, i, _ in far], axis=1)
    m, f = network.n_outputs, len(far)
    outputs = np.stack([blocks[j].outputs[:, i] for j, i, _ in far])  # (f, m)
    design = np.zeros((len(x), m, f + m))
    design[:, :, :f] = np.where(depth > 0, -1.0, 0.0)[:, None, :] * outputs.T
    design[:, :, f:] = np.eye(m)
    residual = target(x) - network(x)
    change = np.linalg.lstsq(design.reshape(-1, f + m), residual.ravel(), rcond=1e-8)[0]
    settled = [dataclasses.replace(b, biases=b.biases.copy()) for b in blocks]
    for (j, i, doubt), delta in zip(far, change, strict=False):
        if abs(delta) <= SIGMAS * doubt:  # more than that is another neuron's fault
            settled[j].biases[i] += delta
    return settled

"""Polish: measure the gradients again where all hyperplanes are known to be far away.

The rough network tells which line separates its critical points best, how roomy every cell along
that line is, and how far each step may go. Steps are then of order one instead of the width of a
piece, and the error of a gradient falls to the rounding of the answers. The price is one more
gradient for each piece: about as many queries as the rough network cost.
"""

from __future__ import annotations

from collections.abc import Generator

import numpy as np

from relu_learn.core.cells import Arrangement
from relu_learn.core.gradients import measure_rates, orthonormal_basis
from relu_learn.core.lines import SIGMAS, Line, Noise
from relu_learn.core.network import ReluNetwork
from relu_learn.core.neurons import choose_pieces
from relu_learn.core.pieces import Piece, output_directions
from relu_learn.core.target import Target

_CANDIDATES = 256
# The walk to roomy points looks at so many distances in all: a few seconds.
_WALK = 4e8
# A roomy point is beyond an unknown hyperplane: try these shares of the way.
_BACKTRACKS = (1.0, 0.25, 0.06, 0.0)


def polish(
    target: Target, network: ReluNetwork, noise: Noise, rng: np.random.Generator
) -> Generator[Piece, None, ReluNetwork]:
    """Measure every neuron of a network again; a generator that returns the better network.

    Parameters
    ----------
    target : Target
        F itself, whitened.
    network : ReluNetwork
        The rough F', whitened, with outputs (m, k).
    noise : Noise

    Yields
    ------
    Piece
        After each gradient.
    """
    d, k = network.dim, network.n_neurons
    if d == 1 or k == 0:
        return network
    line = _separating_line(network, rng)
    network, t = along(network, line)
    beyond = np.minimum(np.diff(t)[[0, -1]], 1.0) if k > 1 else np.ones(2)
    centers = np.concatenate([[t[0] - beyond[0]], (t[:-1] + t[1:]) / 2, [t[-1] + beyond[1]]])
    alpha = output_directions(network.output_weights.T)
    chosen, _ = choose_pieces(alpha, np.ones(k + 1), 3.0)
    basis = orthonormal_basis(line.direction, rng)
    view = Arrangement(
        line.origin,
        basis.rows,
        network.weights @ basis.rows.T,
        network.weights @ line.origin - network.biases,
    )
    start = np.zeros((len(chosen), d))
    start[:, 0] = centers[chosen] * np.linalg.norm(line.direction)
    steps = min(150 + 4 * k, max(150, int(_WALK / (len(start) * k))))
    where, room = view.roomy(start, steps=steps, limit=2.0)
    if not (room > 0).all():
        return network  # two hyperplanes are one: there is nothing between them
    # Roomy points may be far out, where values are large and round badly: the constants of the
    # pieces come from the line, one more query each.
    anchors = line.at(centers[chosen])
    values = target(anchors)
    pieces: list[Piece] = []
    for r, c, home, anchor, value in zip(chosen, where, start, anchors, values, strict=True):
        piece = None
        for share in _BACKTRACKS:
            spot = home + share * (c - home)
            point = view.origin + spot @ basis.rows
            own = noise.at_point(point)
            reach = view.reach(spot, 0.4, 3 * np.sqrt(d))
            there, rates, used = measure_rates(target, point, None, basis, reach, own, rng)
            error = float(own.max() / used.min())
            piece = Piece(int(r), point, there, basis.combine(rates), float(used.min()), error)
            # A neuron that is not known may lie between the point and the line.
            away = anchor - point
            misfit = np.abs(there + piece.gradient @ away - value)
            doubt = own + noise.at_point(anchor) + error * np.linalg.norm(away)
            if (misfit <= 4 * SIGMAS * doubt).all():
                break
        assert piece is not None
        pieces.append(piece)
        yield piece
    rows = [
        np.column_stack([p.gradient, value - p.gradient @ x])
        for p, value, x in zip(pieces, values, anchors, strict=True)
    ]
    parts = []
    for a, b, left, right in zip(chosen[:-1], chosen[1:], rows[:-1], rows[1:], strict=True):
        # The step from piece to piece switches the neurons in between on: w and -b together.
        parts.append(np.linalg.lstsq(alpha[a:b].T, right - left, rcond=None)[0])
    found = np.concatenate(parts)
    size = np.linalg.norm(found[:, :-1], axis=1)
    size = np.where(size > 0, size, 1.0)
    better = ReluNetwork(
        found[:, :-1] / size[:, None],
        -found[:, -1] / size,
        alpha.T * size,
        rows[0][:, :-1],
        rows[0][:, -1],
    )
    return _center(target, better, rng)


def _center(target: Target, network: ReluNetwork, rng: np.random.Generator) -> ReluNetwork:
    """Correct the biases and the constant on Gaussian points.

    A kink far out on the line fixes its neuron's bias at a distant point, and the error of the
    weights is multiplied by that distance. Where the active neurons are known, F is linear in the
    biases: least squares on twice as many Gaussian points as there are unknowns.
    """
    k, m = network.n_neurons, network.n_outputs
    x = rng.standard_normal((2 * (k + m), network.dim))
    residual = target(x) - network(x)
    depth = x @ network.weights.T - network.biases
    clear = np.abs(depth).min(axis=1) > 1e-6  # no doubt which neurons are active
    active = (depth > 0)[clear]
    unknowns = np.concatenate(
        [-network.output_weights.T[None] * active[:, :, None], np.ones((len(active), 1, m))], axis=1
    )
    constants = unknowns[:, k:] * np.eye(m)[None]
    design = np.concatenate([unknowns[:, :k], constants], axis=1)  # (n, k + m, m)
    design = design.transpose(0, 2, 1).reshape(-1, k + m)
    change = np.linalg.lstsq(design, residual[clear].ravel(), rcond=1e-8)[0]
    return ReluNetwork(
        network.weights,
        network.biases + change[:k],
        network.output_weights,
        network.skip,
        network.offset + change[k:],
    )


def _separating_line(network: ReluNetwork, rng: np.random.Generator) -> Line:
    """Of many Gaussian lines, the one whose closest critical points are farthest apart."""
    best, line = 0.0, Line.draw(network.dim, rng)
    for _ in range(_CANDIDATES):
        candidate = Line.draw(network.dim, rng)
        with np.errstate(divide="ignore", invalid="ignore"):
            t = network.biases - network.weights @ candidate.origin
            t = np.sort(t / (network.weights @ candidate.direction))
        if not np.isfinite(t).all():
            continue
        # In the Cauchy quantile, where critical points are uniform. Far ones cost digits, too.
        angle = np.arctan(t)
        edge = min(angle[0] + np.pi / 2, np.pi / 2 - angle[-1])
        gap = min(float(np.diff(angle).min(initial=1.0)), edge / 30)
        if gap > best:
            best, line = gap, candidate
    return line


def along(network: ReluNetwork, line: Line) -> tuple[ReluNetwork, np.ndarray]:
    """The same network with unit weights, oriented along a line, in the order of its kinks."""
    size = np.linalg.norm(network.weights, axis=1)
    weights, biases = network.weights / size[:, None], network.biases / size
    outputs = network.output_weights * size
    turned = weights @ line.direction < 0
    # relu(z) = relu(-z) + z
    skip = network.skip + outputs[:, turned] @ weights[turned]
    offset = network.offset - outputs[:, turned] @ biases[turned]
    sign = np.where(turned, -1.0, 1.0)
    weights, biases = weights * sign[:, None], biases * sign
    t = (biases - weights @ line.origin) / (weights @ line.direction)
    order = np.argsort(t)
    net = ReluNetwork(weights[order], biases[order], outputs[:, order], skip, offset)
    return net, t[order]

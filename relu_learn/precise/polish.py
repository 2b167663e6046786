"""Polish: measure the gradients again where all hyperplanes are known to be far away.

The rough network tells which line separates its critical points best, how roomy every cell along
that line is, and how far each step may go. Steps are then of order one instead of the width of a
piece, and the error of a gradient falls to the rounding of the answers. The price is one more
gradient for each piece: about as many queries as the rough network cost.
"""

from __future__ import annotations

from collections.abc import Generator, Sequence

import numpy as np

from relu_learn.core.basis import orthonormal_basis
from relu_learn.core.choice import choose_pieces
from relu_learn.core.gradients import measure_gradient
from relu_learn.core.lines import Line, Noise, Window
from relu_learn.core.network import ReluNetwork, prune, subset
from relu_learn.core.pieces import (
    Measured,
    Piece,
    agree,
    output_directions,
    solve_block,
)
from relu_learn.core.roomy import Arrangement
from relu_learn.core.target import Target
from relu_learn.precise.second_looks import fit_constants

_CANDIDATES = 256
# The walk to roomy points looks at so many distances in all: a few seconds.
_WALK = 4e8
# A roomy point is beyond an unknown hyperplane: try these shares of the way.
_BACKTRACKS = (1.0, 0.25, 0.06, 0.0)
# How much blocks may amplify errors here, where all pieces are measured alike: see `choose_pieces`.
_SLACK = 3.0


def polish(
    target: Target,
    network: ReluNetwork,
    noise: Noise,
    rng: np.random.Generator,
    lines: Sequence[Line] = (),
) -> Generator[Piece, None, ReluNetwork]:
    """Measure every neuron of a network again; a generator that returns the better network.

    Parameters
    ----------
    target : Target
        F itself, whitened.
    network : ReluNetwork
        The rough F', whitened, with outputs (m, k).
    noise : Noise
    rng : numpy.random.Generator
    lines : sequence of Line
        Each neuron is measured on the first of these that meets it (default: on one line, that
        separates their critical points best).

    Yields
    ------
    Piece
        After each gradient.
    """
    better = yield from _once(target, network, noise, rng, lines)
    few = prune(better)
    if few.n_neurons == better.n_neurons:
        return better
    # Rounding was taken for kinks; without them there is more room to measure the others.
    return (yield from _once(target, few, noise, rng, lines))


def _once(
    target: Target,
    network: ReluNetwork,
    noise: Noise,
    rng: np.random.Generator,
    lines: Sequence[Line],
) -> Generator[Piece, None, ReluNetwork]:
    if network.dim == 1 or not network.n_neurons:
        return network
    size = np.linalg.norm(network.weights, axis=1)
    weights, outputs = network.weights / size[:, None], network.output_weights * size
    rest = ReluNetwork(weights, network.biases / size, outputs, network.skip, network.offset)
    done: ReluNetwork | None = None
    for line in lines or [_separating_line(network, rng)]:
        window = target.space.window(line)
        with np.errstate(divide="ignore", invalid="ignore"):
            t = (rest.biases - rest.weights @ line.origin) / (rest.weights @ line.direction)
        met = (window.low < t) & (t < window.high)
        if met.any() or done is None:
            here = Target(target.oracle, target.scale, done, target.space)
            found = yield from _along(here, rest, met, line, noise, rng)
            if found is None:
                return network
            done = found if done is None else done + found
            rest = subset(rest, ~met)
    if done is None or rest.n_neurons:
        return network
    return done if lines else _center(target, done, rng)


def _along(
    target: Target,
    network: ReluNetwork,
    met: np.ndarray,
    line: Line,
    noise: Noise,
    rng: np.random.Generator,
) -> Generator[Piece, None, ReluNetwork | None]:
    """The neurons that a line meets, each piece measured at the roomiest point of its cell; None if
    there is no room.

    Parameters
    ----------
    target : Target
        What is known of F more precisely is subtracted, and vanishes at the line's origin.
    network : ReluNetwork
        All neurons of the target, roughly; `met` (k,): those to be measured.
    """
    d = network.dim
    rough, kinks = along(subset(network, met), line)
    ends = _ends(kinks, target.space.window(line))
    centers = (ends[:-1] + ends[1:]) / 2
    alpha = output_directions(rough.output_weights.T)
    chosen, _ = choose_pieces(alpha, np.ones(len(centers)), _SLACK)
    basis = orthonormal_basis(line.direction, rng)
    view = _view(target, [rough, subset(network, ~met)], line, basis.rows)
    start = np.zeros((len(chosen), d))
    start[:, 0] = centers[chosen] * np.linalg.norm(line.direction)
    k = len(view.normals)
    steps = min(150 + 4 * k, max(150, int(_WALK / max(len(start) * k, 1))))
    where, room = view.roomy(start, steps=steps, limit=2.0)
    if not (room > 0).all():
        return None  # two hyperplanes are one: there is nothing between them
    # Roomy points may be far out, where values are large and round badly: the constants of the
    # pieces come from the line, one more query each.
    anchors = line.at(centers[chosen])
    values = target(anchors)
    found = Measured(line)
    for i, r in enumerate(map(int, chosen)):
        if target.known is not None and ends[r] < 0 < ends[r + 1]:
            zero = np.zeros((values.shape[1], d))
            found.pieces[i] = Piece(r, line.origin, zero[:, 0], zero)
            continue
        for share in _BACKTRACKS:
            spot = start[i] + share * (where[i] - start[i])
            point = view.origin + spot @ basis.rows
            own = noise.at_point(point)
            reach = view.reach(spot, 0.4, 3 * np.sqrt(d))
            reach = np.minimum(reach, 0.9 * target.space.room(point[None]))
            piece = measure_gradient(target, point, basis, reach, own, rng)
            away = float(np.linalg.norm(anchors[i] - point))
            doubt = own + noise.at_point(anchors[i]) + piece.error * away
            if agree(piece.at(anchors[i]), values[i], doubt).all():
                break
        yield piece
        found.pieces[i] = Piece(r, anchors[i], values[i], piece.gradient, piece.step, piece.error)
    for i, (a, b) in enumerate(zip(chosen[:-1], chosen[1:], strict=True)):
        found.blocks[i] = solve_block(found.pieces[i], found.pieces[i + 1], alpha[a:b], line)
    return found.network()


def _ends(t: np.ndarray, window: Window) -> np.ndarray:
    """Where the k + 1 pieces between kinks t (k,) end; those of endless lines not far out."""
    if not window.cauchy or not len(t):
        return np.concatenate([[window.low], t, [window.high]])
    left, right = np.minimum(np.diff(t)[[0, -1]], 1.0) if len(t) > 1 else np.ones(2)
    return np.concatenate([[t[0] - 2 * left], t, [t[-1] + 2 * right]])


def _view(
    target: Target, parts: Sequence[ReluNetwork], line: Line, rows: np.ndarray
) -> Arrangement:
    """The hyperplanes of networks with unit weights, and where questions end, in the coordinates of
    a basis."""
    normals, levels = target.space.faces(line.origin, rows)
    own = [net.weights @ rows.T for net in parts]
    distances = [net.weights @ line.origin - net.biases for net in parts]
    return Arrangement(
        line.origin,
        rows,
        np.concatenate([*own, normals]),
        np.concatenate([*distances, levels]),
    )


def _center(target: Target, network: ReluNetwork, rng: np.random.Generator) -> ReluNetwork:
    """Correct the biases and the constant on twice as many fresh points as there are of them.

    A kink far out on the line fixes its neuron's bias at a distant point, and the error of the
    weights is multiplied by that distance.
    """
    w, b, k = network.weights, network.biases, network.n_neurons
    x = target.space.sample(2 * (k + network.n_outputs), rng)
    clear = (
        np.abs(x @ w.T - b).min(axis=1, initial=np.inf) > 1e-6
    )  # no doubt which neurons are active
    biases, offset = fit_constants(target, network, np.arange(k), x[clear])
    new = b + biases, network.output_weights, network.skip, network.offset + offset
    return ReluNetwork(w, *new)


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
    """A network with unit weights, oriented along a line, in the order of its kinks; and these."""
    weights, biases, outputs = network.weights, network.biases, network.output_weights
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

"""What methods do with a hypothesis besides looking along lines: measure it again, go back
to a better one, or give up."""

from __future__ import annotations

import math
from collections.abc import Generator, Iterator, Sequence

import numpy as np

from relu_learn.asking.errors import LearningFailed
from relu_learn.core.lines import Noise
from relu_learn.core.pieces import Found, Piece
from relu_learn.core.precision import USEFUL
from relu_learn.core.run import Run
from relu_learn.core.teller import each
from relu_learn.core.watch import Unexplained
from relu_learn.network import ReluNetwork
from relu_learn.telling.events import Event

# Worst errors whose ratio is below this are alike: then long steps are trusted, as few points see
# the pieces that short steps have measured badly. (÷ or × 10: 0 of 39 runs change.)
_ALIKE = 1.5
# What F' is off at a point is no reason to fail if F' is right so near, in units of 1 + |x|: the
# point is on a steep ramp, and places are known to 1e-10. (A corner of a box was, of slope 3e5.)
_BESIDE = 1e-9
# A kink of F' is one of F - F', too, if it is so close, in units of 1 + |t|. (÷ or × 10: 0 of 35
# change.)
_SAME = 1e-6


def kinks_at(network: ReluNetwork, found: Found) -> np.ndarray:
    """How many kinks (k,) F - F' has on a line where it crosses the neurons of F'."""
    t = found.line.crossings(network.weights, network.biases)
    near = np.abs(np.subtract.outer(t, found.slice.kinks)) < _SAME * (1 + np.abs(t[:, None]))
    return np.asarray(near.sum(axis=1))


def polish(run: Run, levers: float = 0.0) -> Generator[Event, None, float | None]:
    """Measure everything again with long steps, if there is a way, and keep the better network.

    Parameters
    ----------
    run : Run
    levers : float
        Keep it, too, if the worst error is less than so many times what it was: what is missing
        outweighs what has become precise.

    Returns
    -------
    float or None
        The expected error of the new network, whitened.
    """
    before, measure = run.known, run.looks.polish
    if measure is None or before is None:
        return None
    errors, tell = [0.0], run.teller("polish")

    def measured(piece: Piece) -> Event:
        errors.append(piece.error * math.sqrt(run.oracle.dim))
        return tell.piece(piece, math.nan)

    noise = Noise(run.answers.noise)
    steps = measure(run.target(known=False), before, noise, run.rng)
    run.known = yield from each(steps, measured)
    old, new = run.evidence.score(before), run.evidence.score(run.known)
    alike = new[0] <= old[0] and new[1] < _ALIKE * old[1] and run.known is not before
    better = new < old or alike or new[1] < levers * old[1]
    kept = yield from run.keep(before, "polish", better)
    return math.hypot(*errors) if kept else None


def settle(run: Run) -> Generator[Event, None, bool]:
    """Fit F' to the answers of all tests, for no query, if that repairs it: returns whether."""
    before, fit, evidence = run.known, run.looks.settle, run.evidence
    if fit is None or before is None or run.first is None:
        return False
    run.known = fit(before, run.first.line, evidence)
    enough = run.known is not before and evidence.enough(evidence.worst(run.known)[1])
    return (yield from run.keep(before, "fit", enough))


def go_back(run: Run, kept: Sequence[ReluNetwork | None]) -> Iterator[Event]:
    """Of F' and what was kept of it, take what fits all answers so far best."""
    best = min([run.known, *kept], key=lambda net: run.evidence.score(net)[1])
    if best is not run.known:
        run.known = best
        yield run.updated("repair")
        yield from run.test()


def require_useful(run: Run) -> None:
    """Raise if what cannot be repaired is more than imprecise.

    Raises
    ------
    NotPiecewiseLinear, NotOneHiddenLayer, LearningFailed
    """
    evidence, net = run.evidence, run.known
    points, errors = evidence.worst(net)
    if net is not None and net.n_neurons and (far := errors > USEFUL * evidence.scale).any():
        errors[far] -= (_moves(net, points[far]) * run.answers.scale).max(axis=1)
    worst = float(max(evidence.errors.max(), errors.max()))
    if worst > USEFUL * evidence.scale:
        run.watch(Unexplained())
        raise LearningFailed(
            f"after {run.oracle.queries:,} queries F and F' still differ by {worst:.2g} "
            f"(outputs are of size {evidence.scale:.2g}): the black box is not a one-hidden-layer "
            "ReLU network there, or its answers are too imprecise"
        )


def _moves(network: ReluNetwork, x: np.ndarray) -> np.ndarray:
    """How much (n, m) a network changes at most within `_BESIDE` of points x (n, d), on both sides
    of the closest hyperplane."""
    size = np.maximum(np.linalg.norm(network.weights, axis=1), 1e-300)
    closest = (np.abs(x @ network.weights.T - network.biases) / size).argmin(axis=1)
    way = (network.weights / size[:, None])[closest]
    reach = _BESIDE * (1 + np.linalg.norm(x, axis=1))
    sides = [network.gradient(x + sign * reach[:, None] * way) for sign in (-1, 1)]
    return np.asarray(reach[:, None] * np.linalg.norm(sides, axis=-1).max(axis=0))

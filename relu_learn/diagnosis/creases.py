"""Do the creases of the black box end, or turn over? Then it is a deeper network."""

from __future__ import annotations

import numpy as np

from relu_learn.core.errors import NotOneHiddenLayer
from relu_learn.core.gradients import safe_step
from relu_learn.core.lines import Line, Noise
from relu_learn.core.network import ReluNetwork
from relu_learn.core.run import Run

# A hyperplane must be known to this share of the segment that is to show its crease.
_VAGUE = 0.1


def look_for_bent_hyperplanes(run: Run) -> None:
    """Is the black box a deeper network? Then its critical hyperplanes end somewhere.

    Each neuron's kink was seen on a line. A one-hidden-layer network has the same kink at every
    other point of that hyperplane: look at random places, away from all others.

    Raises
    ------
    NotOneHiddenLayer
        If one in five of the hyperplanes, or more, is not the same somewhere.
    """
    first = run.first
    net = None if first is None else first.network()
    if first is None or net is None or run.oracle.dim == 1:
        return
    line = first.line
    strength = np.linalg.norm(net.output_weights, axis=0)
    chosen = np.argsort(-strength)[:12]
    places = max(4, 48 // max(len(chosen), 1))
    tilt = _tilts(run, net, line)
    points, errors = run.evidence.worst(run.known)
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
        x = run.space.sample(8 * places, run.rng)
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
            found.append((float(other.min()), elsewhere[other.argmin()], crease[0]))
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
    return np.minimum(away.min(axis=1), run.space.room(x))


def _tilts(run: Run, net: ReluNetwork, line: Line) -> np.ndarray:
    """How far off the unit normals (k,) may be: noise over the steps beside each kink.

    Two kinks close together are measured with tiny steps. Away from the line their hyperplanes may
    be elsewhere, by more than their distance.
    """
    d = net.dim
    along = net.weights @ line.direction
    t = net.biases - net.weights @ line.origin
    t = np.divide(t, along, out=np.zeros(len(t)), where=along != 0)
    order = np.argsort(t)
    gaps = np.diff(t[order], prepend=-np.inf, append=np.inf)
    half = np.empty(len(t))
    half[order] = np.minimum(np.minimum(gaps[:-1], gaps[1:]) / 2, 1 + np.abs(t[order]))
    steps = np.array([safe_step(h, at, d) for h, at in zip(half, t, strict=True)])
    noise = (1 + np.abs(t)) * float(run.answers.noise.max())
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
    y = run.target(known=False)(points.reshape(-1, x.shape[1])).reshape(len(x), 3, -1)
    j = int(np.abs(net.output_weights[:, i]).argmax())
    expected = net.output_weights[j, i] * h
    bend = y[:, 0, j] - 2 * y[:, 1, j] + y[:, 2, j]
    noise = np.array([Noise(run.answers.noise).at_point(point)[j] for point in x])
    clear = (np.abs(expected) > 1e3 * noise) & (vague < _VAGUE * h)
    return points, np.divide(bend, expected, out=np.full(len(x), np.nan), where=clear)

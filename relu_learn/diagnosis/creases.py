"""Do the creases of the black box end, or turn over? Then it is a deeper network.

Each neuron's kink was seen on a line. A one-hidden-layer network has the same kink at every other
point of that hyperplane: look at random places, away from all others.
"""

from __future__ import annotations

import numpy as np

from relu_learn.asking.errors import NotOneHiddenLayer
from relu_learn.core.lines import SIGMAS
from relu_learn.core.run import Run
from relu_learn.network import ReluNetwork

# Hyperplanes that are looked at, and places in all.
_MOST, _PLACES = 12, 48
# A step that crosses another hyperplane is not noticed while it hardly changes the answer: normals
# may be off by so many times what noise explains. (With 4 a rounded network in a box was called
# deeper; with 64 a deep one behind float32 is not named.)
_UNNOTICED = SIGMAS
# A hyperplane must be known to this share of the segment that is to show its crease.
_VAGUE = 0.1


def look_for_bent_hyperplanes(run: Run) -> None:
    """Raise `NotOneHiddenLayer` if one in five of the first line's hyperplanes, or more, is not the
    same somewhere."""
    first = run.first
    net = None if first is None else first.network()
    if first is None or net is None or not net.n_neurons or net.dim == 1:
        return
    blocks = [first.blocks[j] for j in sorted(first.blocks)]
    seen = first.line.at(np.concatenate([b.kinks for b in blocks]))
    tilt = np.concatenate([b.tilt for b in blocks])
    chosen = np.argsort(-np.linalg.norm(net.output_weights, axis=0))[:_MOST]
    places = max(4, _PLACES // len(chosen))
    points, errors = run.evidence.worst(run.known)
    wrong = points[errors >= np.quantile(errors, 0.9)]
    found, looked = [], 0
    for i in chosen:
        crease = _Crease(run, net, i, seen[i], tilt[i])
        segment, bend = crease.across(seen[i, None])
        if not 0.9 < bend[0] < 1.1:
            continue  # not measured well, or not well enough
        x = crease.places(places, wrong)
        if len(x):
            looked += 1
            found += [(straight, elsewhere, segment[0]) for straight, elsewhere in crease.ends(x)]
    if found and len(found) >= looked / 5:
        raise NotOneHiddenLayer(
            "the black box is piecewise linear, but its creases end or turn over: a critical "
            "hyperplane seen on a line is not the same at the witness (two or more hidden "
            "layers, max-pooling?)",
            *min(found, key=lambda f: f[0])[1:],
        )


class _Crease:
    """Hyperplane i of a network: where it was seen, and by how much its normal may be off."""

    def __init__(self, run: Run, net: ReluNetwork, i: int, seen: np.ndarray, tilt: float) -> None:
        self.run, self.net, self.i, self.seen = run, net, i, seen
        self.tilt = _UNNOTICED * tilt

    def room(self, x: np.ndarray) -> np.ndarray:
        """Distances (n,) of points x (n, d) from all other hyperplanes, and from where nothing may
        be asked."""
        away = np.abs(x @ self.net.weights.T - self.net.biases)
        away[:, self.i] = np.inf
        return np.minimum(away.min(axis=1), self.run.space.room(x))

    def places(self, n: int, wrong: np.ndarray) -> np.ndarray:
        """Up to n random points of it that have room: some far out, and some near points where the
        hypothesis is wrong."""
        run, normal = self.run, self.net.weights[self.i]
        x = run.space.sample(8 * n, run.rng)
        x[1::4] *= 10
        x[::2] = 0.3 * x[::2] + wrong[run.rng.integers(0, len(wrong), 4 * n)]
        x -= np.multiply.outer(x @ normal - self.net.biases[self.i], normal)
        room = self.room(x)
        return run.rng.permutation(x[(room > 0) & (room >= np.median(room))])[:n]

    def across(self, x: np.ndarray, share: float = 1.0) -> tuple[np.ndarray, np.ndarray]:
        """Short segments (n, 3, d) across it at its points x (n, d), and how much F bends there
        (n,): 1 as the neuron says, NaN where the answers are too imprecise to tell, or where it may
        be elsewhere."""
        answers, normal, outputs = (
            self.run.answers,
            self.net.weights[self.i],
            self.net.output_weights,
        )
        h = share * np.minimum(0.3 * self.room(x), 0.1)
        points = x[:, None] + h[:, None, None] * np.multiply.outer([-1.0, 0.0, 1.0], normal)
        y = self.run.target(known=False)(points.reshape(-1, x.shape[1])).reshape(len(x), 3, -1)
        j = int(np.abs(outputs[:, self.i]).argmax())
        expected = outputs[j, self.i] * h
        noise = answers.noise[j] * (1 + np.linalg.norm(x, axis=1) / np.sqrt(x.shape[1]))
        vague = self.tilt * np.linalg.norm(x - self.seen, axis=1)
        clear = (np.abs(expected) > 1e3 * noise) & (vague < _VAGUE * h)
        bend = np.diff(y[:, :, j], 2)[:, 0]
        return points, np.divide(bend, expected, out=np.full(len(x), np.nan), where=clear)

    def ends(self, x: np.ndarray) -> list[tuple[float, np.ndarray]]:
        """Where F is straightest among its points x: what is left of the bend, and the segment; or
        nothing. F must be straight at a smaller scale, too: other kinks that are not known may make
        up for the one that is looked for."""
        points, bend = self.across(x)
        straight = np.flatnonzero(bend < 0.5)
        if len(straight):
            straight = straight[~(self.across(x[straight], 1 / 8)[1] >= 0.5)]
        if not len(straight):
            return []
        best = straight[np.abs(bend[straight]).argmin()]
        return [(abs(float(bend[best])), points[best])]

"""Do the creases of the black box end, or turn over? Then it is a deeper network.

Each neuron's kink was seen on a line. A one-hidden-layer network has the same kink at every other
point of that hyperplane: look at random places, away from all others.
"""

from __future__ import annotations

import math

import numpy as np

from relu_learn.asking.errors import NotOneHiddenLayer
from relu_learn.core.lines import SIGMAS
from relu_learn.core.run import Run
from relu_learn.network import ReluNetwork

# Hyperplanes that are looked at, and places in all. (Where half of them end, 12 miss it once in
# 4,096 times. ÷ 10: 2 % or 0 % fewer queries in 32 runs; × 10: as many, or 8 % more.)
_MOST, _PLACES = 12, 48
# A crease is there if F bends by this much of what the neuron says, and gone below; see `ends`. So
# many places where it seems gone are looked at closely, in so many steps.
_THERE, _GONE, _TRIED, _STEPS = 0.9, 0.25, 4, 12
# Share of its places, at least, at which a crease is gone that ends. (One of a network seemed gone
# at 2 of 16, where a nearly parallel one ran along it.)
_OFTEN = 0.15
# Points beside one where it is gone, of which most must say the same, on segments so much shorter
# that few of them meet a steep kink that crosses it there. (As long: a neuron 1,000 times as large,
# which the first line did not reach, was on all of them.)
_BESIDE, _SHORTER = 8, 4
# Bends in units of the noise of an answer that are known to 1 - _THERE.
_CLEAR = SIGMAS * math.sqrt(6) / (1 - _THERE)


def look_for_bent_hyperplanes(run: Run) -> None:
    """Raise `NotOneHiddenLayer` if one in five of the first line's hyperplanes, or more, is not the
    same somewhere."""
    first = run.first
    net = None if first is None else first.network()
    if first is None or net is None or not net.n_neurons or net.dim == 1:
        return
    blocks = [first.blocks[j] for j in sorted(first.blocks)]
    seen = first.line.at(np.concatenate([b.kinks for b in blocks]))
    chosen = np.argsort(-np.linalg.norm(net.output_weights, axis=0))[:_MOST]
    places = max(4, _PLACES // len(chosen))
    points, errors = run.evidence.worst(run.known)
    wrong = points[errors >= np.quantile(errors, 0.9)]
    found, looked = [], 0
    for i in chosen:
        crease = _Crease(run, net, i, seen[i])
        if abs(crease.across(seen[i, None])[1][0] - 1) > 1 - _THERE:
            continue  # not measured well
        x = crease.places(places, wrong)
        if len(x):
            looked += 1
            found += crease.ends(x)
    if found and len(found) >= looked / 5:
        raise NotOneHiddenLayer(
            "the black box is piecewise linear, but its creases end or turn over: a critical "
            "hyperplane seen on a line is not the same at the witness (two or more hidden "
            "layers, max-pooling?)",
            *min(found, key=lambda f: f[0])[1:],
        )


class _Crease:
    """Hyperplane i of a network, and where it was seen."""

    def __init__(self, run: Run, net: ReluNetwork, i: int, seen: np.ndarray) -> None:
        self.run, self.net, self.i, self.seen = run, net, i, seen

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

    def beside(self, x: np.ndarray) -> np.ndarray:
        """Points of it around its point x: so far that, beyond one other hyperplane, most are off
        that by about the room that x has (their normals have little in common with a direction)."""
        normal = self.net.weights[self.i]
        way = self.run.rng.standard_normal((_BESIDE, len(x)))
        way -= np.multiply.outer(way @ normal, normal)
        points = x + 0.5 * min(1.0, float(self.room(x[None])[0])) * way
        return np.asarray(points[self.room(points) > 0])

    def across(self, x: np.ndarray, most: float = 0.1) -> tuple[np.ndarray, np.ndarray]:
        """Short segments (n, 3, d) across it at its points x (n, d), at most so long to either
        side, and how much F bends there (n,): 1 as the neuron says, NaN where the answers are too
        imprecise to tell."""
        answers, normal = self.run.answers, self.net.weights[self.i]
        outputs = self.net.output_weights[:, self.i]
        h = np.minimum(0.3 * self.room(x), most)
        points = x[:, None] + h[:, None, None] * np.multiply.outer([-1.0, 0.0, 1.0], normal)
        y = self.run.target(known=False)(points.reshape(-1, x.shape[1])).reshape(len(x), 3, -1)
        j = int(np.abs(outputs).argmax())
        expected = outputs[j] * h
        noise = answers.noise[j] * (1 + np.linalg.norm(x, axis=1) / np.sqrt(x.shape[1]))
        bend, clear = np.diff(y[:, :, j], 2)[:, 0], np.abs(expected) > _CLEAR * noise
        return points, np.divide(bend, expected, out=np.full(len(x), np.nan), where=clear)

    def ends(self, x: np.ndarray) -> list[tuple[float, np.ndarray, np.ndarray]]:
        """Among its points x: what is left of the bend, a segment where F is straight, and one
        nearer to where it was seen, where F bends as it should; or nothing.

        If its normal is off, the crease is found beside the predicted hyperplane: by no more than
        half as much half way. From bending by 0.9 at a third of the way or more to 0.25 at its end,
        on segments no longer there, it cannot come so: the share lost, 0.1, would be 0.33.
        """
        segments, bends = self.across(x)
        if (bends < _GONE).sum() < _OFTEN * np.isfinite(bends).sum():
            return []  # one that is not known may run along it for a while, and make up for it
        for k in np.argsort(np.where(bends < _GONE, np.abs(bends), np.inf))[:_TRIED]:
            gone, left = segments[k], bends[k]
            for _ in range(_STEPS):
                if not left < _GONE:
                    break
                h = float(np.linalg.norm(gone[2] - gone[1]))
                share = self.run.rng.uniform(1 / 3, 2 / 3)
                nearer, bend = self.across((self.seen + share * (gone[1] - self.seen))[None], h)
                if abs(bend[0] - 1) < 1 - _THERE:
                    around = self.across(self.beside(gone[1]), h / _SHORTER)[1]
                    if (around < _GONE).sum() <= _BESIDE / 2:
                        break  # a kink that is not known made up for it
                    return [(abs(float(left)), gone, nearer[0])]
                if bend[0] < _GONE and abs(bend[0]) <= abs(bends[k]) + 1 - _THERE:
                    gone, left = nearer[0], bend[0]
        return []

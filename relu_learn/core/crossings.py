"""Which steps from a point cross a hyperplane? Random combinations of them tell.

On an affine piece the change of F along a combination of steps is the combination of their changes.
Where it is not, smaller and smaller groups are tested in the same way (group testing), and only the
guilty steps are made shorter.
"""

from __future__ import annotations

import dataclasses

import numpy as np

from relu_learn.asking.rows import CHUNK
from relu_learn.core.basis import Basis
from relu_learn.core.lines import EPS, SIGMAS
from relu_learn.core.target import Target

# How often a step is made 8 times shorter: 3e5 times in all.
_RETRIES = 6


class Doubt:
    """Noise of an answer near a point: where F is steep, the rounding of the question, too."""

    def __init__(self, noise: np.ndarray, point: np.ndarray, steps: np.ndarray) -> None:
        self.noise, self.point, self.steps = noise, point, steps
        self.rounding = EPS * np.linalg.norm(point) / np.sqrt(len(point))  # of a coordinate

    def of(self, changes: np.ndarray) -> np.ndarray:
        """The noise (m,), if the steps change the answers by `changes` (n, m)."""
        steepness = np.linalg.norm(changes / self.steps[:, None], axis=0)
        return np.asarray(self.noise + self.rounding * steepness)


@dataclasses.dataclass(frozen=True, eq=False)
class Combinations:
    """Random combinations of the moves in each group (sorted), `size` times as long as one move.

    On an affine piece the change of the answer is the combination of the moves' changes.
    """

    groups: list[np.ndarray]
    weights: list[np.ndarray]
    size: float

    @classmethod
    def draw(cls, groups: list[np.ndarray], size: float, rng: np.random.Generator) -> Combinations:
        weights = [rng.standard_normal(len(g)) for g in groups]
        return cls(groups, [size * w / np.linalg.norm(w) for w in weights], size)

    def moves(self, basis: Basis, steps: np.ndarray) -> np.ndarray:
        """The combinations of the basis, each row as long as its step."""
        everything = len(basis)  # then g is 0, 1, 2, ...
        rows = [
            (basis if len(g) == everything else basis[g]).combine(w * steps[g])
            for g, w in self._pairs()
        ]
        return np.reshape(rows, (-1, basis.dim))

    def of(self, changes: np.ndarray) -> np.ndarray:
        """The combinations of the rows of changes (n, m)."""
        return np.array([w @ changes[g] for g, w in self._pairs()])

    def _pairs(self) -> zip[tuple[np.ndarray, np.ndarray]]:
        return zip(self.groups, self.weights, strict=True)

    def failing(self, measured: np.ndarray, changes: np.ndarray, doubt: Doubt) -> list[np.ndarray]:
        """The groups whose measured change is not the combination of their changes."""
        misfit = np.abs(measured - self.of(changes))
        # A change is the difference of 2 answers; one is measured, and `size` of them combined.
        bad = (misfit > SIGMAS * doubt.of(changes) * 2 * (1 + self.size)).any(axis=1)
        return [g for g, b in zip(self.groups, bad, strict=True) if b]


def shorten(
    suspect: list[np.ndarray],
    target: Target,
    value: np.ndarray,
    basis: Basis,
    changes: np.ndarray,
    doubt: Doubt,
    rng: np.random.Generator,
) -> None:
    """Find the steps that cross a hyperplane, and measure their changes with shorter ones: writes
    both into `changes` and `doubt.steps`, which are the caller's."""
    point, steps = doubt.point, doubt.steps
    for _ in range(_RETRIES):
        if not suspect:
            break
        # Which of them? Tests of about sqrt(n) directions each, closer to the point so that the
        # tests themselves stay on the piece.
        group = np.concatenate(suspect)
        many = min(round(np.sqrt(len(group))), 4 * CHUNK // len(point))  # all are held
        parts = np.array_split(rng.permutation(group), max(1, many))
        parts = [np.sort(part) for part in parts]
        tests = Combinations.draw(parts, 0.25, rng)
        answers = target.around(point, steps[:0], basis[:0], tests.moves(basis, steps))
        suspect = tests.failing(answers - value, changes, doubt)
        if not suspect:
            break
        todo = np.sort(np.concatenate(suspect))
        steps[todo] /= 8
        again = Combinations.draw([todo], 1.0, rng)
        moves = again.moves(basis, steps)
        answers = target.around(point, steps[todo], basis[todo], moves)
        changes[todo] = answers[:-1] - value
        suspect = again.failing(answers[-1:] - value, changes, doubt)

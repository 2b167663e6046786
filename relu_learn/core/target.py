"""What the learner looks at: whitened answers, less what it knows already."""

from __future__ import annotations

import numpy as np

from relu_learn.asking.oracle import Oracle
from relu_learn.asking.rows import Points, points_around, values
from relu_learn.core.basis import Basis
from relu_learn.core.space import Space
from relu_learn.network import ReluNetwork, normalised

# How much of the way to a hyperplane that is known roughly a step may take: with as much again to
# spare, it crosses none that is nearer by half than it seems.
HALFWAY = 0.4


class Target:
    """F, or the residual F - F', with every output divided by its own scale.

    The residual is again a one-hidden-layer network: the same procedures learn it (peeling).

    Parameters
    ----------
    oracle : Oracle
        Takes the points of the space.
    scale : ndarray of shape (m,), optional
        Powers of two, so that the division is exact.
    known : ReluNetwork, optional
        F', whitened, with m outputs.
    space : Space, optional
        Default: all of R^d.
    """

    def __init__(
        self,
        oracle: Oracle,
        scale: np.ndarray | None = None,
        known: ReluNetwork | None = None,
        space: Space | None = None,
    ) -> None:
        self.oracle, self.known = oracle, known
        self.scale = np.ones(1) if scale is None else scale
        self.space = Space(oracle.dim) if space is None else space

    def __call__(self, x: Points) -> np.ndarray:
        """Values (n, m) at the rows of x (n, d)."""
        answers = self.oracle(x).reshape(len(x), -1) / self.scale
        return answers if self.known is None else answers - values(self.known, x)

    def obstacles(self, origin: np.ndarray, basis: Basis) -> tuple[np.ndarray, np.ndarray]:
        """What steps must not cross, seen from an affine subspace: normals (q, n) and levels (q,).

        Where questions end; and the hyperplanes of F', at which F - F' has small kinks from its
        errors. Away from them a gradient of F - F' is as precise as one of F.
        """
        normals, levels = self.space.faces(origin, basis)
        if self.known is None:
            return normals, levels
        w, b, _ = normalised(self.known.weights, self.known.biases)
        return np.concatenate([normals, basis.products(w)]), np.concatenate(
            [levels, w @ origin - b]
        )

    def tilt(self, basis: Basis) -> np.ndarray:
        """How steeply (k, n) unit steps along the basis approach the hyperplanes of F'."""
        if self.known is None:
            return np.empty((0, len(basis)))
        return np.abs(basis.products(normalised(self.known.weights, self.known.biases)[0]))

    def reach(self, point: np.ndarray, tilt: np.ndarray, least: float = 0.0) -> np.ndarray:
        """Steps (n,) from a point that cross no hyperplane of F', in a ball within the domain.

        Where a hyperplane of F' is too close to be avoided, steps are `least`.
        """
        ball = 0.9 * self.space.room(point[None])
        if self.known is None:
            return np.broadcast_to(ball, tilt.shape[1:])
        w, b, _ = normalised(self.known.weights, self.known.biases)
        free = np.abs(w @ point - b)[:, None] / np.maximum(tilt, 1e-300)
        return np.minimum(ball, np.maximum(least, HALFWAY * free.min(axis=0, initial=np.inf)))

    def around(
        self, point: np.ndarray, steps: np.ndarray, basis: Basis, moves: np.ndarray
    ) -> np.ndarray:
        """Values (n + q, m) at ``point + steps[j] * basis[j]`` and ``point + moves``."""
        answers = self.oracle.around(point, steps, basis.directions, moves)
        answers = answers.reshape(len(answers), -1) / self.scale
        if self.known is None:
            return answers
        return answers - values(self.known, points_around(point, steps, basis.directions, moves))

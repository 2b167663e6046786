"""What the learner looks at: whitened answers, less what it knows already."""

from __future__ import annotations

import numpy as np

from relu_learn.core.network import ReluNetwork
from relu_learn.core.oracle import Oracle, points_around


class Target:
    """F, or the residual F - F', with every output divided by its own scale.

    The residual is again a one-hidden-layer network: the same procedures learn it (peeling).

    Parameters
    ----------
    oracle : Oracle
    scale : ndarray of shape (m,)
        Powers of two, so that the division is exact.
    known : ReluNetwork, optional
        F', whitened, with m outputs.
    """

    def __init__(self, oracle: Oracle, scale: np.ndarray, known: ReluNetwork | None = None) -> None:
        self.oracle, self.scale, self.known = oracle, scale, known

    def __call__(self, x: np.ndarray) -> np.ndarray:
        """Values (n, m) at the rows of x (n, d)."""
        answers = self.oracle(x).reshape(len(x), -1) / self.scale
        return answers if self.known is None else answers - self.known(x)

    def around(
        self, point: np.ndarray, steps: np.ndarray, basis: np.ndarray, moves: np.ndarray
    ) -> np.ndarray:
        """Values (n + q, m) at ``point + steps[j] * basis[j]`` and ``point + moves``."""
        answers = self.oracle.around(point, steps, basis, moves)
        answers = answers.reshape(len(answers), -1) / self.scale
        if self.known is None:
            return answers
        return answers - self.known(points_around(point, steps, basis, moves))

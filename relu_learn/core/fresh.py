"""Fresh points of the measure, with their answers: what tests ask."""

from __future__ import annotations

import numpy as np

from relu_learn.core.space import Space
from relu_learn.core.target import Target


class Fresh:
    """Points that nothing has seen but tests.

    A test may put back what it asked, if nobody learns more of it than whether it failed: then they
    are as fresh as before to all networks that come of it, and every test counts as one more look
    (see `Certificate`).

    Parameters
    ----------
    space : Space
    rng : numpy.random.Generator
    """

    def __init__(self, space: Space, rng: np.random.Generator) -> None:
        self.space, self.rng = space, rng
        self._kept: tuple[np.ndarray, np.ndarray] | None = None

    def __len__(self) -> int:
        """How many were asked and put back."""
        return 0 if self._kept is None else len(self._kept[0])

    def take(self, n: int, target: Target) -> tuple[np.ndarray, np.ndarray]:
        """Points (n, d) and their answers (n, m): first those that were put back."""
        if self._kept is None:
            x = self.space.sample(n, self.rng)
            return x, target(x)
        (x, y), self._kept = self._kept, None
        if n < len(x):
            self._kept = x[n:], y[n:]
        elif n > len(x):
            return _joined((x, y), self.take(n - len(x), target))
        return x[:n], y[:n]

    def put_back(self, x: np.ndarray, y: np.ndarray) -> None:
        """Points (n, d) with their answers (n, m), to be taken again before all others."""
        self._kept = (x, y) if self._kept is None else _joined((x, y), self._kept)


def _joined(*pairs: tuple[np.ndarray, np.ndarray]) -> tuple[np.ndarray, np.ndarray]:
    points, answers = (np.concatenate(part) for part in zip(*pairs, strict=True))
    return points, answers

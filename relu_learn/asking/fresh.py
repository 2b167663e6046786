"""Fresh points of the measure, with their answers: what tests ask."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from relu_learn.asking.rows import Points, stacked

Ask = Callable[[Points], np.ndarray]


class Fresh:
    """Points that nothing has seen but tests.

    A test may put back what it asked, if nobody learns more of it than whether it failed: then they
    are as fresh as before to all networks that come of it, and every test counts as one more look
    (see `Certificate`).

    Parameters
    ----------
    draw : callable
        n of them, shape (n, d).
    """

    def __init__(self, draw: Callable[[int], Points]) -> None:
        self.draw = draw
        self._kept: tuple[Points, np.ndarray] | None = None

    def __len__(self) -> int:
        """How many were asked and put back."""
        return 0 if self._kept is None else len(self._kept[0])

    def take(self, n: int, ask: Ask) -> tuple[Points, np.ndarray]:
        """Points (n, d) and their answers (n, m): first those that were put back."""
        if self._kept is None:
            x = self.draw(n)
            return x, ask(x)
        (x, y), self._kept = self._kept, None
        if n < len(x):
            self._kept = x[n:], y[n:]
        elif n > len(x):
            return _joined((x, y), self.take(n - len(x), ask))
        return x[:n], y[:n]

    def put_back(self, x: Points, y: np.ndarray) -> None:
        """Points (n, d) with their answers (n, m), to be taken again before all others."""
        self._kept = (x, y) if self._kept is None else _joined((x, y), self._kept)


def _joined(*pairs: tuple[Points, np.ndarray]) -> tuple[Points, np.ndarray]:
    points, answers = zip(*pairs, strict=True)
    return stacked(points), np.concatenate(answers)

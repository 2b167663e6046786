"""The only door to a secret: it counts, batches, limits and remembers every query."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from relu_learn.core.errors import BlackBoxError, InvalidArgument, QueryBudgetExceeded

BlackBox = Callable[[np.ndarray], Any]


class Oracle:
    """Ask a black box, and keep the books.

    Parameters
    ----------
    black_box : callable
        Takes an array of shape (n, d), returns real numbers of shape (n,) or (n, m).
    dim : int
        The input dimension d.
    max_queries : int, optional
        Budget: a batch that would exceed it is refused before any of it is sent.
    batch_size : int, optional
        Longest batch that the black box is asked at once (default: no limit).

    Attributes
    ----------
    queries : int
        Rows answered so far.
    n_outputs : int or None
        m, or None before the first answer. A scalar black box, answers of shape (n,), has m = 1.
    is_scalar : bool
        Whether the answers have shape (n,).
    """

    def __init__(
        self,
        black_box: BlackBox,
        dim: int,
        *,
        max_queries: int | None = None,
        batch_size: int | None = None,
    ) -> None:
        if not callable(black_box):
            raise InvalidArgument(
                f"black_box must be callable with an (n, d) array, got {type(black_box).__name__}"
            )
        self.dim = _positive_int("dim", dim)
        self.max_queries = (
            None if max_queries is None else _positive_int("max_queries", max_queries)
        )
        self.batch_size = None if batch_size is None else _positive_int("batch_size", batch_size)
        self.queries = 0
        self.n_outputs: int | None = None
        self.is_scalar = True
        self._black_box = black_box
        self._history: list[tuple[Any, np.ndarray]] = []

    @property
    def remaining(self) -> int | None:
        """Queries left in the budget, or None without one."""
        return None if self.max_queries is None else self.max_queries - self.queries

    def __call__(self, x: np.ndarray) -> np.ndarray:
        """Ask for the answers at the rows of `x`.

        Parameters
        ----------
        x : ndarray of shape (n, d)

        Returns
        -------
        ndarray of shape (n,) or (n, m), float64

        Raises
        ------
        QueryBudgetExceeded
            Before anything is sent.
        BlackBoxError
            When the black box raises, or answers with the wrong shape or type, or not finitely.
        """
        x = np.asarray(x, dtype=float)
        if x.ndim != 2 or x.shape[1] != self.dim:
            raise InvalidArgument(f"x must have shape (n, {self.dim}), got {x.shape}")
        answers = self._ask(x.copy())  # a copy: the black box may write into its argument
        self._history.append((x.copy(), answers))
        return answers

    def around(
        self, point: np.ndarray, steps: np.ndarray, basis: np.ndarray, moves: np.ndarray
    ) -> np.ndarray:
        """Ask at ``point + steps[j] * basis[j]`` for every row of `basis`, and at ``point + moves``.

        The same as calling the oracle with these rows, but the history keeps only the recipe: the
        gradients of a large network are hundreds of megabytes of queries.

        Parameters
        ----------
        point : ndarray of shape (d,)
        steps : ndarray of shape (n,)
        basis : ndarray of shape (n, d)
            Kept by reference: it must not change afterwards.
        moves : ndarray of shape (q, d)

        Returns
        -------
        ndarray of shape (n + q,) or (n + q, m)
        """
        recipe = (point.copy(), np.array(steps), basis, np.array(moves))
        answers = self._ask(points_around(*recipe))
        self._history.append((recipe, answers))
        return answers

    def history(self) -> tuple[np.ndarray, np.ndarray]:
        """Every query (n, d) and its answer, (n,) or (n, m), in the order they were asked."""
        shape = (0,) if self.is_scalar else (0, self.n_outputs or 0)
        asked = [np.empty((0, self.dim))]
        asked += [points_around(*q) if isinstance(q, tuple) else q for q, _ in self._history]
        return np.concatenate(asked), np.concatenate(
            [np.empty(shape), *(y for _, y in self._history)]
        )

    def _ask(self, x: np.ndarray) -> np.ndarray:
        n = len(x)
        if self.max_queries is not None and self.queries + n > self.max_queries:
            raise QueryBudgetExceeded(
                f"max_queries={self.max_queries}: {self.queries} are spent and the next step needs {n} more"
            )
        size = self.batch_size or max(n, 1)
        parts = [self._ask_once(x[i : i + size]) for i in range(0, n, size)]
        if not parts:
            return np.empty((0,) if self.is_scalar else (0, self.n_outputs or 0))
        return parts[0] if len(parts) == 1 else np.concatenate(parts)

    def _ask_once(self, x: np.ndarray) -> np.ndarray:
        try:
            raw = self._black_box(x)
        except Exception as error:
            raise BlackBoxError(
                f"black_box raised {type(error).__name__}: {error} (on a batch of {len(x)} rows)", x
            ) from error
        answers = self._checked(raw, x)
        self.queries += len(x)
        return answers

    def _checked(self, raw: Any, x: np.ndarray) -> np.ndarray:
        try:
            y = np.asarray(raw)
        except Exception as error:
            raise BlackBoxError(
                f"black_box must return an array, got {type(raw).__name__}", x
            ) from error
        if y.dtype.kind != "f":
            what = {"i": "integers (labels?)", "u": "integers (labels?)", "b": "booleans"}.get(
                y.dtype.kind, f"{'complex numbers' if y.dtype.kind == 'c' else y.dtype}"
            )
            raise BlackBoxError(f"black_box must return real floating-point numbers, got {what}", x)
        if y.ndim not in (1, 2) or len(y) != len(x) or (y.ndim == 2 and y.shape[1] == 0):
            raise BlackBoxError(
                f"black_box must return shape (n,) or (n, m) for n={len(x)} rows, got {y.shape}", x
            )
        m, scalar = (1, True) if y.ndim == 1 else (y.shape[1], False)
        if self.n_outputs is None:
            self.n_outputs, self.is_scalar = m, scalar
        elif (self.n_outputs, self.is_scalar) != (m, scalar):
            was = "(n,)" if self.is_scalar else f"(n, {self.n_outputs})"
            raise BlackBoxError(
                f"black_box changed the shape of its answers from {was} to {y.shape}", x
            )
        y = y.astype(float)
        bad = ~np.isfinite(y) if scalar else ~np.isfinite(y).all(axis=1)
        if bad.any():
            raise BlackBoxError(
                f"black_box must return finite numbers, got {y[bad][0]} ({bad.sum()} of {len(x)} rows)",
                x[bad],
            )
        return y


def points_around(
    point: np.ndarray, steps: np.ndarray, basis: np.ndarray, moves: np.ndarray
) -> np.ndarray:
    """The rows ``point + steps[j] * basis[j]``, and then ``point + moves``."""
    n = len(basis)
    x = np.empty((n + len(moves), len(point)))
    np.multiply(basis, steps[:, None], out=x[:n])
    x[n:] = moves
    x += point
    return x


def _positive_int(name: str, value: Any) -> int:
    try:
        number = int(value)
    except (TypeError, ValueError):
        raise InvalidArgument(f"{name} must be a positive integer, got {value!r}") from None
    if number != value or number < 1 or isinstance(value, bool):
        raise InvalidArgument(f"{name} must be a positive integer, got {value!r}")
    return number

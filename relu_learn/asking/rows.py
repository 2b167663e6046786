"""Questions that are not kept but made again, a chunk of rows at a time.

All that is asked of a large network is larger than any memory: 150,528 inputs, and one gradient
takes 181 GB. What it is made from is small.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any, Protocol

import numpy as np

# Numbers in a chunk: 16 MB. (Of 64 MB, making them takes twice as long: pages are fresh each time.)
CHUNK = 2**21


class Rows:
    """Points (n, d), made whenever they are looked at: an array in all that reading is.

    Parameters
    ----------
    shape : (n, d)
    make : callable
        Of the first row and the one behind the last: the rows in between, an array of their own.
    """

    def __init__(self, shape: tuple[int, int], make: Callable[[int, int], np.ndarray]) -> None:
        self.shape, self.make = shape, make

    def __len__(self) -> int:
        return self.shape[0]

    def __getitem__(self, some: slice | np.ndarray | int | np.integer[Any]) -> np.ndarray:
        if isinstance(some, slice):
            first, last, _ = some.indices(len(self))
            return self.make(first, max(first, last))
        rows = [self.make(i, i + 1) for i in np.atleast_1d(np.arange(len(self))[some])]
        found = np.concatenate([np.empty((0, self.shape[1])), *rows])
        return found[0] if np.ndim(some) == 0 else found

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> np.ndarray:
        return np.asarray(self.make(0, len(self)), dtype=dtype)

    def head(self, n: int) -> Rows:
        """The first n of them."""
        return Rows((n, self.shape[1]), self.make)

    def mapped(self, f: Callable[[np.ndarray], np.ndarray]) -> Rows:
        """Each of them as a function (n, d) -> (n, d) says."""
        return Rows(self.shape, lambda first, last: f(self.make(first, last)))


Points = np.ndarray | Rows


def chunks(x: Points) -> Iterator[np.ndarray]:
    """All rows in their order; an array as it is."""
    if isinstance(x, Rows):
        step = max(1, CHUNK // x.shape[1])
        yield from (x[i : i + step] for i in range(0, max(len(x), 1), step))
    else:
        yield x


def values(f: Callable[[np.ndarray], np.ndarray], x: Points) -> np.ndarray:
    """What a function of points (n, d) is at these, a chunk at a time."""
    found = [f(part) for part in chunks(x)]
    return found[0] if len(found) == 1 else np.concatenate(found)


def stacked(parts: Sequence[Points]) -> Points:
    """One below the other."""
    if not any(isinstance(part, Rows) for part in parts):
        return np.concatenate(parts)
    ends = np.cumsum([len(part) for part in parts]).tolist()

    def make(first: int, last: int) -> np.ndarray:
        shifts = [(part, end - len(part)) for part, end in zip(parts, ends, strict=True)]
        return np.concatenate([p[max(first - s, 0) : max(last - s, 0)] for p, s in shifts])

    return Rows((ends[-1], parts[0].shape[1]), make)


def drawn(
    sample: Callable[[int, np.random.Generator], np.ndarray],
    n: int,
    dim: int,
    rng: np.random.Generator,
) -> Points:
    """Points (n, dim) of a distribution; made again, one by one, if they are too many to keep."""
    if n * dim <= CHUNK:
        return sample(n, rng)
    seeds = rng.integers(2**63, size=n)

    def make(first: int, last: int) -> np.ndarray:
        each = [sample(1, np.random.default_rng(seed)) for seed in seeds[first:last]]
        return np.concatenate([np.empty((0, dim)), *each])

    return Rows((n, dim), make)


class Directions(Protocol):
    """Rows (n, d) that are too many to be held."""

    def __len__(self) -> int: ...

    def stretched(self, point: np.ndarray, steps: np.ndarray, first: int, out: np.ndarray) -> None:
        """Write ``point + steps[j] * row`` into `out`, for as many rows from `first` on."""


def points_around(
    point: np.ndarray, steps: np.ndarray, basis: np.ndarray | Directions, moves: np.ndarray
) -> Rows:
    """The rows ``point + steps[j] * basis[j]``, and then ``point + moves``."""
    n, point, steps, moves = len(basis), point.copy(), np.array(steps), np.array(moves)

    def make(first: int, last: int) -> np.ndarray:
        x, i, j = np.empty((last - first, len(point))), min(first, n), min(last, n)
        if isinstance(basis, np.ndarray):
            _stretched(point, steps[i:j], basis[i:j], x[: j - i])
        else:
            basis.stretched(point, steps, i, x[: j - i])
        np.add(moves[max(first - n, 0) : max(last - n, 0)], point, out=x[j - i :])
        return x

    return Rows((n + len(moves), len(point)), make)


def _stretched(point: np.ndarray, steps: np.ndarray, basis: np.ndarray, out: np.ndarray) -> None:
    # Neighbours with the same step at once: a product with a number is faster than with a column.
    ends = np.flatnonzero(np.diff(steps, prepend=np.nan, append=np.nan))
    if 8 * len(ends) > len(basis):
        np.multiply(basis, steps[:, None], out=out)
    else:
        for i, j in zip(ends[:-1], ends[1:], strict=True):
            np.multiply(basis[i:j], steps[i], out=out[i:j])
    out += point

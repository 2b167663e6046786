"""Random orthonormal bases that cost little to make and to multiply with."""

from __future__ import annotations

import dataclasses
import functools
import math
from collections.abc import Callable

import numpy as np

# From about so many rows on a fast cosine transform beats a product with a matrix (of 256, 14
# microseconds against 7; of 512, 16 against 27).
_FAST = 256
# A basis of more inputs than this is not held (of so many it takes 134 MB).
HELD = 4096


@dataclasses.dataclass(frozen=True, eq=False)
class Basis:
    """Orthonormal rows: cosines with random signs in a random order, and reflected.

    Attributes
    ----------
    rows : ndarray of shape (n, d) or None
        Some of the basis, or all of it; None if it is too large to be held.
    places : ndarray of int, shape (n,)
        The cosine that each row was made from.
    signs, mirror : ndarray of shape (d,)
        Of the coordinates; and the unit vector that the reflection turns round.
    """

    rows: np.ndarray | None
    places: np.ndarray
    signs: np.ndarray
    mirror: np.ndarray

    @classmethod
    def of(cls, rows: np.ndarray) -> Basis:
        """A few orthonormal rows (n, d)."""
        return cls(rows, np.arange(len(rows)), np.ones(rows.shape[1]), np.zeros(rows.shape[1]))

    def __len__(self) -> int:
        return len(self.places)

    @property
    def dim(self) -> int:
        return len(self.signs)

    @property
    def directions(self) -> np.ndarray | Basis:
        """The rows, or what makes them (an `asking.rows.Directions`)."""
        return self if self.rows is None else self.rows

    def __getitem__(self, some: slice | np.ndarray) -> Basis:
        """Some of the rows."""
        rows = None if self.rows is None else self.rows[some]
        return dataclasses.replace(self, rows=rows, places=self.places[some])

    def array(self) -> np.ndarray:
        """The rows (n, d)."""
        return self.combine(np.eye(len(self))) if self.rows is None else self.rows

    def products(self, x: np.ndarray) -> np.ndarray:
        """``x @ rows.T`` for x of shape (q, d)."""
        from scipy.fft import dctn

        if self.rows is not None:
            return np.asarray(x @ self.rows.T)
        x = (x - 2 * np.multiply.outer(x @ self.mirror, self.mirror)) * self.signs
        return np.asarray(_turned(x.T, dctn)[self.places].T)

    def combine(self, v: np.ndarray) -> np.ndarray:
        """``v.T @ rows`` for v of shape (n,) or (n, m): for many rows a fast transform."""
        from scipy.fft import idctn

        if self.rows is not None and len(self.rows) < _FAST:
            return np.asarray(v.T @ self.rows)
        cosines = np.zeros((self.dim, *v.shape[1:]))
        cosines[self.places] = v
        found = _turned(cosines, idctn).T * self.signs
        return np.asarray(found - 2 * np.multiply.outer(found @ self.mirror, self.mirror))

    def stretched(self, point: np.ndarray, steps: np.ndarray, first: int, out: np.ndarray) -> None:
        """Write ``point + steps[j] * row`` into `out`, for as many rows from `first` on.

        A row is a product of two short cosines (of the few coordinates that fill no square, one),
        less a multiple of the mirror: what takes time is to write it.
        """
        side, rest, leans = self._factors
        square, shift = len(side) ** 2, np.empty(self.dim)
        for x, place, step in zip(out, self.places[first:], steps[first:], strict=False):
            across, along = divmod(int(place), len(side))
            if place < square:
                left = step * side[across]
                np.multiply.outer(left, side[along], out=x[:square].reshape(len(side), -1))
                x[square:] = 0
            else:
                x[:square], x[square:] = 0, step * rest[place - square]
            x *= self.signs
            np.multiply(self.mirror, -2 * step * leans[place], out=shift)
            shift += point
            x += shift

    @functools.cached_property
    def _factors(self) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Cosines of a side of the square, and of the rest; how far (d,) all lean to the mirror."""
        from scipy.fft import dctn, idct

        sides = _sides(self.dim)
        side, rest = (idct(np.eye(n), norm="ortho", axis=1) if n else np.eye(0) for n in sides)
        return side, rest, _turned(self.mirror * self.signs, dctn)


def _sides(d: int) -> tuple[int, int]:
    """The side of a square of coordinates, and how many are left: all, if the basis is held."""
    side = math.isqrt(d) if d > HELD else 0
    return side, d - side**2


def _turned(v: np.ndarray, turn: Callable[..., np.ndarray]) -> np.ndarray:
    """A cosine transform, `dctn` or `idctn`, of the columns of v (d, ...): of a square of
    coordinates and the rest of them, or of all."""
    side, rest = _sides(len(v))
    if not side:
        return turn(v, norm="ortho", axes=(0,))
    square = turn(v[: side**2].reshape(side, side, *v.shape[1:]), norm="ortho", axes=(0, 1))
    parts = [square.reshape(side**2, *v.shape[1:])]
    parts += [turn(v[side**2 :], norm="ortho", axes=(0,))] if rest else []
    return np.concatenate(parts)


def orthonormal_basis(first: np.ndarray, rng: np.random.Generator) -> Basis:
    """A random orthonormal basis of R^d whose first row is parallel to `first`.

    A cosine basis with random signs, reflected so that the first row points where it should: as
    good as a uniformly random basis against weights with structure (sparse, shared), at the price
    of O(d^2) instead of O(d^3). Of many inputs, cosines of two variables, and O(d).
    """
    from scipy.fft import idct
    from scipy.linalg.blas import dger

    d = len(first)
    signs = rng.choice([-1.0, 1.0], d)
    places = rng.permutation(d)
    unit = first / np.linalg.norm(first)
    rows = None
    if d <= HELD:
        rows = np.zeros((d, d))
        rows[np.arange(d), places] = 1
        rows = idct(rows, norm="ortho", axis=1, overwrite_x=True)
        rows *= signs
    mirror = (Basis(None, places[:1], signs, np.zeros(d)).array() if rows is None else rows)[
        0
    ] - unit
    size = np.linalg.norm(mirror)
    mirror = mirror / size if size > 1e-8 else np.zeros(d)
    if rows is not None:
        # rows -= 2 * outer(rows @ mirror, mirror), without two more matrices
        rows = dger(-2.0, mirror, rows @ mirror, a=rows.T, overwrite_a=True).T
        rows[0] = unit
    return Basis(rows, places, signs, mirror)

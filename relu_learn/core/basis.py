"""Random orthonormal bases that cost little to make and to multiply with."""

from __future__ import annotations

import dataclasses

import numpy as np

# From about so many rows on a fast cosine transform beats a product with a matrix (of 256, 14
# microseconds against 7; of 512, 16 against 27).
_FAST = 256


@dataclasses.dataclass(frozen=True, eq=False)
class Basis:
    """Orthonormal rows: cosines with random signs in a random order, and reflected.

    Attributes
    ----------
    rows : ndarray of shape (n, d)
        Some of the basis, or all of it.
    places : ndarray of int, shape (n,)
        The cosine that each row was made from.
    signs, mirror : ndarray of shape (d,)
        Of the coordinates; and the unit vector that the reflection turns round.
    """

    rows: np.ndarray
    places: np.ndarray
    signs: np.ndarray
    mirror: np.ndarray

    def __len__(self) -> int:
        return len(self.rows)

    def part(self, first: int, last: int) -> Basis:
        """Some neighbouring rows."""
        rows, places = self.rows[first:last], self.places[first:last]
        return dataclasses.replace(self, rows=rows, places=places)

    def combine(self, v: np.ndarray) -> np.ndarray:
        """``v.T @ rows`` for v of shape (n,) or (n, m): for many rows a fast transform."""
        from scipy.fft import idct

        if len(self.rows) < _FAST:
            return np.asarray(v.T @ self.rows)
        cosines = np.zeros((len(self.signs), *v.shape[1:]))
        cosines[self.places] = v
        found = idct(cosines, norm="ortho", axis=0).T * self.signs
        return np.asarray(found - 2 * np.multiply.outer(found @ self.mirror, self.mirror))


def orthonormal_basis(first: np.ndarray, rng: np.random.Generator) -> Basis:
    """A random orthonormal basis of R^d whose first row is parallel to `first`.

    A cosine basis with random signs, reflected so that the first row points where it should: as
    good as a uniformly random basis against weights with structure (sparse, shared), at the price
    of O(d^2) instead of O(d^3).
    """
    from scipy.fft import idct
    from scipy.linalg.blas import dger

    d = len(first)
    signs = rng.choice([-1.0, 1.0], d)
    places = rng.permutation(d)
    rows = np.zeros((d, d))
    rows[np.arange(d), places] = 1
    rows = idct(rows, norm="ortho", axis=1, overwrite_x=True)
    rows *= signs
    unit = first / np.linalg.norm(first)
    mirror = rows[0] - unit
    size = np.linalg.norm(mirror)
    if size > 1e-8:
        mirror /= size
        # rows -= 2 * outer(rows @ mirror, mirror), without two more matrices
        rows = dger(-2.0, mirror, rows @ mirror, a=rows.T, overwrite_a=True).T
    else:
        mirror[:] = 0
    rows[0] = unit
    return Basis(rows, places, signs, mirror)

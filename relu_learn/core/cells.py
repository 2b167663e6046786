"""Roomy points: where to measure, once the hyperplanes are roughly known.

A gradient's error is the noise of an answer divided by the step, and the step is limited by the
nearest hyperplane. On the line a piece can be arbitrarily short, because a line clips corners; its
*cell*, the polytope between the hyperplanes, is almost always much wider elsewhere. A few
directional derivatives of every piece tell how the hyperplanes lie in a subspace of a few
dimensions; that is enough to walk away from all of them inside the subspace.
"""

from __future__ import annotations

import dataclasses

import numpy as np


@dataclasses.dataclass(frozen=True, eq=False)
class Arrangement:
    """k hyperplanes as seen from an affine subspace of R^d: <normals, c> + levels = 0.

    Attributes
    ----------
    origin : ndarray of shape (d,)
        Point of R^d with coordinates c = 0.
    basis : ndarray of shape (n, d)
        Orthonormal rows: the point with coordinates c is ``origin + c @ basis``.
    normals : ndarray of shape (k, n)
        Each divided by the norm of the neuron's whole weight vector in R^d.
    levels : ndarray of shape (k,)
        Divided likewise: distances from the hyperplanes in R^d.
    """

    origin: np.ndarray
    basis: np.ndarray
    normals: np.ndarray
    levels: np.ndarray

    def distances(self, c: np.ndarray) -> np.ndarray:
        """Signed distances (p, k) of points with coordinates c (p, n) from the hyperplanes."""
        return c @ self.normals.T + self.levels

    def reach(self, c: np.ndarray, fraction: float, most: float) -> np.ndarray:
        """Steps (n,) along the basis from the point c that stay within `fraction` of the way to
        every hyperplane, and are not longer than `most`."""
        away = np.abs(self.distances(c[None]))[0]
        tilt = np.abs(self.normals)
        free = (away[:, None] / np.maximum(tilt, 1e-300)).min(axis=0, initial=np.inf)
        return np.minimum(fraction * free, most)

    def roomy(
        self, start: np.ndarray, steps: int = 150, limit: float = 100.0
    ) -> tuple[np.ndarray, np.ndarray]:
        """Walk away from all hyperplanes without crossing any.

        Each step projects onto the most violated of the constraints "at least 1.5 times the best
        distance so far" (Motzkin's relaxation method, with a goal that grows). Distance is weighed
        against the size of the point, because the noise of an answer grows with it.

        Parameters
        ----------
        start : ndarray of shape (p, n)
            Coordinates of points strictly inside their cells.
        steps : int
        limit : float
            Largest norm of the coordinates, in units of sqrt(d).

        Returns
        -------
        points : ndarray of shape (p, n)
            Coordinates; never worse than the start.
        room : ndarray of shape (p,)
            Distance from the nearest hyperplane.
        """
        if not len(self.normals):
            return start, np.full(len(start), np.inf)
        signs = np.sign(self.distances(start))
        toward = self.normals / np.maximum((self.normals**2).sum(axis=1), 1e-300)[:, None]
        size2, lean = self.origin @ self.origin, 2 * self.basis @ self.origin
        rows = np.arange(len(start))

        def measure(c: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
            far = signs * self.distances(c)
            worst = far.argmin(axis=1)
            room = far[rows, worst]
            norm2 = size2 + np.einsum("pn,pn->p", c, c + lean)
            return room / (1 + np.sqrt(np.maximum(norm2, 0) / len(self.origin))), room, worst

        # Parallel hyperplanes leave cells without end: do not go on for ever.
        most = limit * np.sqrt(len(self.origin))
        longest = np.maximum(most, 1.5 * np.linalg.norm(start, axis=1))
        best = c = start.copy()
        best_score, room, worst = measure(c)
        best_room = room
        for _ in range(steps):
            push = 1.5 * np.maximum(best_room, 1e-12) - room
            push = np.where(push > 0, push, 0.5 * best_room) * signs[rows, worst]
            c = c + push[:, None] * toward[worst]
            length = np.sqrt(np.einsum("pn,pn->p", c, c))
            if (length > longest).any():
                c *= (longest / np.maximum(length, longest))[:, None]
            score, room, worst = measure(c)
            better = score > best_score
            best = np.where(better[:, None], c, best)
            best_score = np.where(better, score, best_score)
            best_room = np.where(better, room, best_room)
        return best, best_room

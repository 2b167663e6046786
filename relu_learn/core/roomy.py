"""Roomy points: where to measure, once the hyperplanes are roughly known.

A gradient's error is the noise of an answer divided by the step, and the step is limited by the
nearest hyperplane. On the line a piece can be arbitrarily short, because a line clips corners; its
*cell*, the polytope between the hyperplanes, is almost always much wider elsewhere. A few
directional derivatives of every piece tell how the hyperplanes lie in a subspace of a few
dimensions; that is enough to walk away from all of them inside the subspace.
"""

from __future__ import annotations

import dataclasses
import functools
from collections.abc import Iterator

import numpy as np

from relu_learn.core.basis import Basis
from relu_learn.core.gradients import safe_step
from relu_learn.core.pieces import Found, Piece, agree
from relu_learn.core.spots import Shortcut, Spot
from relu_learn.core.target import HALFWAY, Target

# Directions (besides the line's) in which every piece is measured before roomy points are chosen.
# (One: the same queries within 1 % in 22 runs; thirty: 1 % more, and an error of 2e-8, not 9e-10.)
_SCOUTS = 3
# Closest hyperplanes that a walking point looks at, for each coordinate.
_LISTED = 16
# Of more narrow pieces than this the errors add up, and where one direction is missing it is worth
# its query: the cell is seen as a whole, and checks the scouts. (5-5000-1: 2e-10, not 1e-9.)
_MANY = 1000
# With more coordinates than this, steps change distances by products of the normals, known once.
WIDE = 64
# A roomy point turns out to be beyond an unknown hyperplane: try a quarter of the way, so often.
# (Once: one of 39 runs changes; 30 times: none.)
_BACKTRACKS = 3
# Longest steps in units of sqrt(d), the norm of most inputs: here, and in `precise`. The noise
# grows with |x|, so that longer ones gain little. (Either ÷ or × 10: as many queries in 39 runs,
# and the worst error stays 4e-9.)
LONGEST, LONG = 30.0, 3.0


@dataclasses.dataclass(frozen=True, eq=False)
class Arrangement:
    """k hyperplanes as seen from an affine subspace of R^d: <normals, c> + levels = 0.

    Attributes
    ----------
    origin : ndarray of shape (d,)
        Point of R^d with coordinates c = 0.
    basis : Basis
        The point with coordinates c is ``origin + basis.combine(c)``.
    normals : ndarray of shape (k, n)
        Each divided by the norm of the neuron's whole weight vector in R^d.
    levels : ndarray of shape (k,)
        Divided likewise: distances from the hyperplanes in R^d.
    """

    origin: np.ndarray
    basis: Basis
    normals: np.ndarray
    levels: np.ndarray

    @functools.cached_property
    def toward(self) -> np.ndarray:
        """Steps (k, n) to the hyperplanes from points at distance 1 before them."""
        return self.normals / np.maximum((self.normals**2).sum(axis=1), 1e-300)[:, None]

    @functools.cached_property
    def changes(self) -> np.ndarray:
        """What such a step towards one changes the distances (k, k) by."""
        return np.asarray(self.toward @ self.normals.T)

    def points(self, c: np.ndarray) -> np.ndarray:
        """The points (p, d) with coordinates c (p, n), or the one (d,) with c (n,)."""
        return self.origin + self.basis.combine(c.T)

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
        near = _Nearby(self, start)
        toward = self.toward
        size2, lean = self.origin @ self.origin, 2 * self.basis.products(self.origin)

        def measure(c: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
            room, worst = near.closest(c)
            norm2 = size2 + np.einsum("pn,pn->p", c, c + lean)
            return room / (1 + np.sqrt(np.maximum(norm2, 0) / len(self.origin))), room, worst

        # Parallel hyperplanes leave cells without end: do not go on for ever.
        most = limit * np.sqrt(len(self.origin))
        longest = np.maximum(most, 1.5 * np.linalg.norm(start, axis=1))
        rows = np.arange(len(start))
        best = c = start.copy()
        best_score, room, worst = measure(c)
        best_room = room
        for _ in range(steps):
            push = 1.5 * np.maximum(best_room, 1e-12) - room
            push = np.where(push > 0, push, 0.5 * best_room) * near.sides[rows, worst]
            c = c + push[:, None] * toward[worst]
            length = np.sqrt(np.einsum("pn,pn->p", c, c))
            shrink = (longest / np.maximum(length, longest))[:, None]
            if (length > longest).any():
                c *= shrink
            near.follow(push[:, None], worst, shrink)
            score, room, worst = measure(c)
            better = score > best_score
            best = np.where(better[:, None], c, best)
            best_score = np.where(better, score, best_score)
            best_room = np.where(better, room, best_room)
        return best, best_room


class _Nearby:
    """Which hyperplane is closest to each of many points that walk, mostly a little way.

    Among thousands a point looks at those that were closest at its last full look: until it has
    walked as far as the next one was away, none of the others can have come in between.
    """

    def __init__(self, arrangement: Arrangement, start: np.ndarray) -> None:
        self.arrangement = arrangement
        far = arrangement.distances(start)
        self.sides = np.sign(far)
        # Distances to a list come one by one, those to all hyperplanes from one product.
        k, n = arrangement.normals.shape
        self.few = min(_LISTED * n, k)
        # No distance changes faster than this with the coordinates.
        self.rate = float(np.linalg.norm(arrangement.normals, axis=1).max())
        self.looked, self.beyond = start.copy(), np.full(len(start), np.inf)
        self.listed = np.broadcast_to(np.arange(k), far.shape)
        self.distances = far if self.few == k and n > WIDE else None
        if self.few < k:
            self.listed = np.zeros((len(start), self.few), int)
            self._look(np.full(len(start), True), start)

    def _look(self, some: np.ndarray, c: np.ndarray) -> None:
        """A full look of some of the points."""
        far = self.sides[some] * self.arrangement.distances(c[some])
        order = np.argpartition(far, self.few, axis=1)
        self.listed[some] = order[:, : self.few]
        self.beyond[some] = far[np.arange(len(far)), order[:, self.few]]
        self.looked[some] = c[some]

    def _far(self, some: np.ndarray, c: np.ndarray) -> np.ndarray:
        a, listed = self.arrangement, self.listed[some]
        if self.distances is not None:
            return self.sides * self.distances
        if self.few == len(a.normals):
            return self.sides[some] * a.distances(c[some])
        distances = np.einsum("pn,pwn->pw", c[some], a.normals[listed]) + a.levels[listed]
        return np.take_along_axis(self.sides[some], listed, axis=1) * distances

    def follow(self, push: np.ndarray, worst: np.ndarray, shrink: np.ndarray) -> None:
        """All points were pushed (p, 1) from some hyperplanes, and shrunk (p, 1) to the middle."""
        if self.distances is not None:
            a = self.arrangement
            moved = self.distances + push * a.changes[worst]
            self.distances = (moved - a.levels) * shrink + a.levels

    def closest(self, c: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Distances (p,), negative beyond a hyperplane, and the numbers of these."""
        everyone = np.full(len(c), True)
        far = self._far(everyone, c)
        walked = self.rate * np.linalg.norm(c - self.looked, axis=1)
        lost = far.min(axis=1) > self.beyond - walked
        if lost.any():
            self._look(lost, c)
            far[lost] = self._far(lost, c)
        rows, first = np.arange(len(c)), far.argmin(axis=1)
        return far[rows, first], self.listed[rows, first]


class Survey:
    """The gradients of the pieces of one line.

    Pieces that are wide enough are measured where the line crosses them. The narrow ones are
    scouted in a few directions there, and measured at a roomy point of the same cell.

    Parameters
    ----------
    target : Target
    found : Found
        A line that was searched.
    basis : Basis
        Orthonormal, its first row along the line.
    rng : numpy.random.Generator
    trusting : bool
        Measured where the line crosses them, they are not checked.
    shortcut : callable, optional
        Knows gradients from fewer directions than a whole basis.
    """

    def __init__(
        self,
        target: Target,
        found: Found,
        basis: Basis,
        rng: np.random.Generator,
        trusting: bool = False,
        shortcut: Shortcut | None = None,
    ) -> None:
        self.target, self.found, self.basis, self.rng = target, found, basis, rng
        self.trusting, self.shortcut = trusting, shortcut
        s, line = found.slice, found.line
        d = len(line.origin)
        self.points, self.tilt = line.at(s.centers), target.tilt(basis)
        pairs = zip(s.widths, s.centers, strict=True)
        self.steps = np.array([safe_step(w, t, d) for w, t in pairs])
        limits = [
            target.reach(x, self.tilt, 0.01 * h).min()
            for x, h in zip(self.points, self.steps, strict=True)
        ]
        self.steps = np.minimum(self.steps, limits)
        self.noise, self.sharp = found.noise.at(s.centers), found.sharp.at(s.centers)
        # Expected errors (k + 1,) of a gradient entry, measured where the line crosses the piece.
        self.errors = self.sharp.max(axis=1) / self.steps
        self.scouts = min(d, 1 + _SCOUTS)  # directions, the line's included
        self.rough: dict[int, np.ndarray] = {}  # rates (n, m) of scouted pieces in n directions

    def measure(self, narrow: list[int]) -> Iterator[Piece]:
        """All chosen pieces that are not known, the narrow ones last."""
        found, crowded = self.found, len(narrow) > _MANY and len(self.basis) == 2 + _SCOUTS
        self.scouts += crowded
        order = self.shortcut.order(self.errors) if self.shortcut else found.chosen
        for r in map(int, order):
            if r in narrow:
                self.rough[r] = self._spot(r).measure(self.scouts, checked=not crowded)
            else:
                yield found.pieces[r] if r in found.pieces else self._on_line(r)
        if narrow:
            yield from self._elsewhere(narrow, not crowded)

    def _spot(self, r: int) -> Spot:
        """Where the line crosses piece r.

        Value and slope of the line itself are known; but those of a residual hold errors of F'.
        """
        s, free = self.found.slice, 1 if self.target.known is None else 0
        slope = s.slopes[r : r + free] / float(np.linalg.norm(self.found.line.direction))
        value = s.values[r] if free else None
        steps, checked = np.full(len(self.basis), self.steps[r]), not self.trusting
        at = (self.target, self.points[r], value, self.basis, steps)
        return Spot(*at, self.sharp[r], self.rng, slope, checked)

    def _on_line(self, r: int) -> Piece:
        return self._piece(r, self._spot(r))

    def _piece(self, r: int, spot: Spot) -> Piece:
        """Piece r, measured in a whole basis unless there is a shortcut."""
        shorter = None if self.shortcut is None else self.shortcut.piece(r, spot)
        return shorter or spot.piece(r)

    def _elsewhere(self, narrow: list[int], checked: bool = True) -> Iterator[Piece]:
        """The narrow pieces at roomy points of their cells; if no scout was `checked`, those whose
        cells are others are scouted again with care."""
        unsure: list[int] = []
        view, s, line = self._view(), self.found.slice, self.found.line
        start = np.zeros((len(narrow), len(view.basis)))
        start[:, 0] = s.centers[narrow] * float(np.linalg.norm(line.direction))
        where, room = view.roomy(start)
        answers = self.target(view.points(where))
        for _ in range(_BACKTRACKS):
            shift = where - start
            guess = [s.values[r] + c @ self.rough[r] for r, c in zip(narrow, shift, strict=True)]
            doubt = self.noise[narrow].max(axis=1) + self.errors[narrow] * np.linalg.norm(
                shift, axis=1
            )
            off = ~agree(answers, np.array(guess), doubt[:, None]).all(axis=1)
            if not off.any():
                break
            where[off] = start[off] + shift[off] / 4
            room[off] = np.abs(view.distances(where[off])).min(axis=1)
            answers[off] = self.target(view.points(where[off]))
        for i, r in enumerate(narrow):
            piece = self._roomy_piece(r, view, where[i], where[i] - start[i], room[i], answers[i])
            if piece is None and not checked:
                unsure.append(r)
                continue
            piece = piece or self._on_line(r)
            if r == 0:  # the affine part is wanted near the line, where its value is known best
                piece = dataclasses.replace(piece, point=self.points[r], value=s.values[r])
            yield piece
        if unsure:
            self.rough |= {r: self._spot(r).measure(self.scouts) for r in unsure}
            yield from self._elsewhere(unsure)

    def _roomy_piece(
        self,
        r: int,
        view: Arrangement,
        where: np.ndarray,
        shift: np.ndarray,
        room: float,
        value: np.ndarray,
    ) -> Piece | None:
        """Piece r at a point of the view, if it is the same piece there and better measured."""
        found, basis, rough = self.found, self.basis, self.rough[r]
        n, d = len(view.basis), basis.dim
        point = view.points(where)
        own = found.sharp.at_point(point)
        longest = LONGEST * np.sqrt(d)
        reach = np.full(d, min(0.08 * np.sqrt(d) * room, longest))
        reach[:n] = view.reach(where, HALFWAY, longest)
        reach = np.minimum(reach, self.target.reach(point, self.tilt))
        doubt = found.noise.at_point(point) + self.errors[r] * np.linalg.norm(shift)
        expected = found.slice.values[r] + shift @ rough
        if own.max() >= self.errors[r] * reach.min() or not agree(value, expected, doubt).all():
            return None
        rates = np.empty((0, len(value)))
        spot = Spot(self.target, point, value, basis, reach, own, self.rng, rates)
        piece = self._piece(r, spot)
        found = view.basis.array() @ piece.gradient.T
        if not agree(found, rough, self.errors[r] + own.max() / reach[:n, None]).all():
            return None
        return piece

    def _view(self) -> Arrangement:
        """How the hyperplanes lie in the subspace that was scouted on every chosen piece."""
        found, line, s = self.found, self.found.line, self.found.slice
        rough, pieces, chosen = self.rough, found.pieces, found.chosen
        n, d = self.scouts, len(line.origin)
        basis = self.basis[:n]
        rows = basis.array()
        rates = {
            r: rough[r] if r in rough else rows @ pieces[r].gradient.T for r in map(int, chosen)
        }
        normals = np.zeros((len(s.kinks), n))
        norms = np.zeros(len(s.kinks))
        for a, b in zip(chosen[:-1], chosen[1:], strict=True):
            inverse = np.linalg.pinv(found.directions[a:b].T)
            normals[a:b] = inverse @ (rates[int(b)] - rates[int(a)]).T
            if a in pieces and b in pieces:
                whole = inverse @ (pieces[int(b)].gradient - pieces[int(a)].gradient)
                norms[a:b] = np.linalg.norm(whole, axis=1)
        # Of the others only n of d coordinates are known.
        guess = np.sqrt(d / n) * np.linalg.norm(normals, axis=1)
        norms = np.where(norms > 0, norms, guess)
        normals /= np.where(norms > 0, norms, 1)[:, None]
        levels = -normals[:, 0] * s.kinks * np.linalg.norm(line.direction)
        more, distances = self.target.obstacles(line.origin, basis)
        normals, levels = np.concatenate([normals, more]), np.concatenate([levels, distances])
        return Arrangement(line.origin, basis, normals, levels)

"""Shortcut: the gradient of a piece from some of its rates, where the first layer has structure.

They are the rates in the first directions of the basis in which gradients are measured anyway. If
these do not tell the gradient, the others are measured, too: to try costs one query.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from relu_learn.core.basis import Basis
from relu_learn.core.lines import SIGMAS
from relu_learn.core.pieces import GOAL, Found, Piece
from relu_learn.core.spots import Spot
from relu_learn.structured.guesses import Guess, needed, spanned, sparse

# With fewer inputs there is little to save, and the one query is a hundredth of a gradient.
_LEAST = 100
# More than this share of the directions saves too little; and the work of a pursuit grows with the
# cube of their number.
_SHARE, _MOST = 0.25, 250
# If some directions tell nothing, so many times as many are asked. The first ones tell as much as
# a filter of 2 x 2 has entries.
_GROWTH, _FIRST = 1.2, 4
# After so many sparse guesses in a row that failed no more are made.
_PATIENCE = 3
# Gradients may be so many times as imprecise as what is measured: of 40 networks 784-128-1 of rank
# 10 none has to be measured once more, and 38 take less than a fifth of their parameters (with 3,
# 29 do).
_ROUGH = 10.0


class Shortcut:
    """Guesses gradients, and tests the guesses (a `core.spots.Shortcut`).

    Parameters
    ----------
    found : Found
        The line: guesses start from its pieces that are known.
    basis : Basis
    """

    def __init__(self, found: Found, basis: Basis) -> None:
        self.found, self.basis = found, basis
        d = len(basis)
        self._most = int(min(_SHARE * d, _MOST)) if d >= _LEAST else 0
        self._start = float(needed(_FIRST))
        self._whole: list[int] = []  # pieces that were measured in all directions
        self._failures = 0

    def order(self, errors: np.ndarray) -> Iterator[int]:
        """From the most precise piece on: the next one is the nearest to those that are known, as
        long as few neurons in between may help; then again the most precise."""
        waiting = np.array(self.found.chosen)
        if self._most:
            waiting = waiting[np.argsort(errors[waiting], kind="stable")]
        while len(waiting):
            best = 0
            if self._hopeful and self.found.pieces:
                known = np.array(sorted(self.found.pieces))
                right = np.searchsorted(known, waiting).clip(1, len(known) - 1 or 1)
                sides = known[np.minimum([right - 1, right], len(known) - 1)]
                best = int(np.abs(sides - waiting).min(axis=0).argmin())
            yield int(waiting[best])
            waiting = np.delete(waiting, best)

    def piece(self, r: int, spot: Spot) -> Piece | None:
        """Piece r, if some directions tell its gradient."""
        for _ in range(2):
            guess = next(self._guesses(r, spot), None)
            if guess is not None and self._right(guess, spot):
                return spot.guessed(r, guess.vectors, guess.error)
            if not spot.check():  # no step was to blame
                break
        self._failures += bool(self.found.pieces)
        self._whole.append(r)
        return None

    @property
    def _hopeful(self) -> bool:
        """Whether neurons may be sparse."""
        return self._most > 0 and self._failures < _PATIENCE

    def _guesses(self, r: int, spot: Spot) -> Iterator[Guess]:
        """Gradients that explain the rates, and are known well enough."""
        limit, kinks = _ROUGH * GOAL / np.sqrt(len(self.basis)), self.found.slice.kinks
        # An error of w is one of b = <w, x(t)>, too. (What grows from neighbour to neighbour is
        # nearly the same on both sides of a kink.)
        far = np.hypot(1, np.abs(kinks[max(r - 1, 0) : r + 1]).max(initial=0.0))
        whole = [self.found.pieces[p] for p in self._whole if p in self.found.pieces]
        spans = needed(sum(len(p.gradient) for p in whole)) if whole else np.inf
        counts = {spans}
        count = self._start
        while self._hopeful and self.found.pieces and count <= self._most:
            counts.add(int(count))
            count *= _GROWTH
        for n in sorted(n for n in counts if n <= self._most):
            spot.measure(int(n), checked=False)
            rows = self.basis[: len(spot.rates)].array()
            if n == spans:
                guess = self._combination(rows, spot, whole)
                if guess is not None and guess.error <= max(limit / far, spot.error):
                    yield guess
            guess = self._neighbour(r, rows, spot) if self._hopeful else None
            if guess is not None:
                self._failures, self._start = 0, max(n / _GROWTH**2, needed(_FIRST))
                if guess.error <= max(limit, spot.error):
                    yield guess

    def _combination(self, rows: np.ndarray, spot: Spot, whole: list[Piece]) -> Guess | None:
        """A combination of gradients that were measured in all directions."""
        errors = np.concatenate([np.full(len(p.gradient), p.error) for p in whole])
        known = np.concatenate([p.gradient for p in whole])
        return spanned(rows, spot.rates, spot.error, known, errors)

    def _neighbour(self, r: int, rows: np.ndarray, spot: Spot) -> Guess | None:
        """The gradient of a known piece, and the sparse weights of the neurons in between."""
        near = min(self.found.pieces, key=lambda p: abs(p - r))
        piece, directions = self.found.pieces[near], self.found.directions
        outputs, m = directions[min(near, r) : max(near, r)], directions.shape[1]
        if len(outputs) > m:  # together
            outputs = np.eye(m)
        apart = np.linalg.pinv(outputs)
        noise = float(np.hypot(spot.error, piece.error) * np.linalg.norm(apart, 2))
        found = sparse(rows, (spot.rates - rows @ piece.gradient.T) @ apart, noise)
        if found is None:
            return None
        error = np.hypot(piece.error, found.error * np.linalg.norm(outputs, 2))
        return Guess(piece.gradient + outputs.T @ found.vectors, float(error))

    def _right(self, guess: Guess, spot: Spot) -> bool:
        """Test a guess in a direction that it does not know."""
        rate, row = spot.test()
        doubt = SIGMAS * np.hypot(guess.error, spot.error)
        return bool((np.abs(rate - guess.vectors @ row) <= doubt).all())

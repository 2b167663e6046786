"""Spots: where a gradient is measured, one direction after the other. A *shortcut* is what knows it
before all of them were asked. The core knows none (see `structured`)."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterator
from typing import Protocol

import numpy as np

from relu_learn.core.basis import Basis
from relu_learn.core.crossings import Combinations, Doubt, shorten
from relu_learn.core.gradients import measure_rates
from relu_learn.core.lines import EPS
from relu_learn.core.pieces import Found, Piece
from relu_learn.core.target import Target


@dataclasses.dataclass(eq=False)
class Spot:
    """A point of a piece, and the rates that are known there in the first directions of a basis.

    Attributes
    ----------
    target : Target
    point : ndarray of shape (d,)
    value : ndarray of shape (m,) or None
        Asked with the first rates, if it is not known.
    basis : Basis
    steps : ndarray of shape (d,)
        How far to step: those that cross a hyperplane become shorter.
    noise : ndarray of shape (m,)
        Of one answer.
    rng : numpy.random.Generator
    rates : ndarray of shape (n, m)
        What is known so far.
    checked : bool
        Whether steps are: on a hyperplane between them and the point F has another gradient.
    unchecked : bool
        Whether some are still to be.
    """

    target: Target
    point: np.ndarray
    value: np.ndarray | None
    basis: Basis
    steps: np.ndarray
    noise: np.ndarray
    rng: np.random.Generator
    rates: np.ndarray
    checked: bool = True
    unchecked: bool = dataclasses.field(default=False, init=False)

    def __post_init__(self) -> None:
        # Its own; on a hyperplane there is no room (see `measure_rates`).
        self.steps = np.where(np.abs(self.steps) > EPS, self.steps, EPS)
        self.given = len(self.rates)  # of the line's slope, not of steps

    @property
    def error(self) -> float:
        """Expected error of a rate."""
        return float(self.noise.max() / self.steps.min())

    def measure(self, count: int, checked: bool = True) -> np.ndarray:
        """The rates (count, m) in the first directions."""
        first, checked = len(self.rates), checked or not self.checked
        if count > first:
            self.unchecked |= not checked
            part, steps = self.basis[first:count], self.steps[first:count]
            rates, self.steps[first:count] = self._along(part, steps, self.checked and checked)
            self.rates = np.concatenate([self.rates, rates])
        return self.rates[:count]

    def check(self) -> bool:
        """Whether something was wrong with steps that were not checked: those that cross a
        hyperplane are made shorter."""
        if not self.unchecked:
            return False
        assert self.value is not None
        n, self.unchecked = len(self.rates), False
        part, steps = self.basis[:n], self.steps[:n]
        changes, doubt = self.rates * steps[:, None], Doubt(self.noise, self.point, steps)
        all_of_them = Combinations.draw([np.arange(n)], 1.0, self.rng)
        moves = all_of_them.moves(part, steps)
        answer = self.target.around(self.point, steps[:0], part[:0], moves)
        suspect = all_of_them.failing(answer - self.value, changes, doubt)
        wrong = bool(suspect)
        if wrong:  # no step is wrong if the value is (see `measure_rates`)
            value = self.target(self.point[None])[0]
            changes[self.given :] += self.value - value
            self.value = value
            suspect = all_of_them.failing(answer - value, changes, doubt)
        shorten(suspect, self.target, self.value, part, changes, doubt, self.rng)
        self.rates = changes / steps[:, None]
        return wrong

    def test(self) -> tuple[np.ndarray, np.ndarray]:
        """One more rate (m,), and its direction (d,): a random one of all that are left."""
        first = len(self.rates)
        left = self.basis[first:]
        row = left.combine(self.rng.standard_normal(len(left)))
        row /= np.linalg.norm(row)
        return self._along(Basis.of(row[None]), self.steps[first:].min(keepdims=True), False)[0][
            0
        ], row

    def _along(
        self, basis: Basis, steps: np.ndarray, checked: bool
    ) -> tuple[np.ndarray, np.ndarray]:
        """Rates and steps along some directions."""
        noise = self.noise if checked else None
        self.value, rates, used = measure_rates(
            self.target, self.point, self.value, basis, steps, noise, self.rng
        )
        return rates, used

    def piece(self, index: int) -> Piece:
        """The piece, once every direction is measured."""
        gradient = self.basis.combine(self.measure(len(self.basis)))
        return self.guessed(index, gradient, self.error)

    def guessed(self, index: int, gradient: np.ndarray, error: float) -> Piece:
        """The piece with a gradient that is known, with an error of its entries."""
        assert self.value is not None
        return Piece(index, self.point, self.value, gradient, float(self.steps.min()), error)


class Shortcut(Protocol):
    """Knows gradients of a line's pieces from some of their rates."""

    def order(self, errors: np.ndarray) -> Iterator[int]:
        """The chosen pieces in the order in which they are measured; `errors` (k + 1,) are those
        that may be expected."""

    def piece(self, r: int, spot: Spot) -> Piece | None:
        """Piece r; None if it has to be measured in all directions that are left."""


# What makes one for a line whose pieces are measured in a basis.
Shortcuts = Callable[[Found, Basis], Shortcut]

"""The oracle of an audit: the ledger keeps answers as the model gave them, the learner gets scores.

The box that probabilities are learned in is found with answers that may have no score at all. They
were paid for like all others: they are counted, limited, kept, and not asked twice.
"""

from __future__ import annotations

import dataclasses
import time
from typing import Any

import numpy as np
from numpy.typing import NDArray

from relu_learn.asking.errors import BlackBoxError
from relu_learn.asking.oracle import Oracle
from relu_learn.asking.replies import Refused
from relu_learn.asking.rows import Points
from relu_learn.auditing.target import Target
from relu_learn.blackboxes.carrying import find_box
from relu_learn.blackboxes.links import IDENTITY
from relu_learn.blackboxes.model import Model

Array = NDArray[np.float64]


class Asked(Oracle):
    """Asks for a target's answers; once it was opened, these are scores.

    Parameters
    ----------
    target : Target
    **options
        Of `Oracle`.

    Attributes
    ----------
    target : Target
        Once it was opened, with the box that it is asked in.
    points : ndarray of shape (n, d) or None
        The user's own inputs that may be asked.
    seen : ndarray of shape (n,), (n, m) or None
        Scores there, once they were asked all at once. (The history has them, too, but also all
        that a large network was asked: gigabytes.)
    left_out : ndarray of shape (q,)
        Which rows of the user's own may be asked, but cannot be learned from: they are outside the
        box in which probabilities carry digits.
    answering : float
        Seconds that the model took.
    """

    def __init__(self, target: Target, **options: Any) -> None:
        self.target, self.answering = target, 0.0
        self.points: Array | None = None
        self.seen: Array | None = None
        self.left_out: NDArray[np.intp] = np.empty(0, int)
        self._read: Model | None = None
        super().__init__(self._timed, target.model.dim, **options)

    def open(self) -> None:
        """Look for the box in which probabilities carry digits, if it must be."""
        model, own, allowed = self.target.model, self.target.points, self.target.inside()
        if model.link is not IDENTITY and (own is not None or model.bounds is not None):
            raw = dataclasses.replace(model, ask=super().__call__, dtype=float)
            found = find_box(raw, points=None if own is None else own.rows)
            self.target = dataclasses.replace(
                self.target,
                model=model.within(found.model.bounds),
                box=str(found),
                opening=found.queries,
            )
        self.left_out = np.setdiff1d(allowed, self.target.inside())
        # What was asked until here is kept as answers, in the ledger alone.
        self._read, self._history, self.n_outputs = self.target.model, [], None
        self.bounds, self.points = self.target.model.bounds, self.target.rows()

    def __call__(self, x: Points) -> Array:
        scores = super().__call__(x)
        own = self.points is not None and np.shape(x) == self.points.shape
        # (Up to the rounding of a change of coordinates.)
        if own and np.allclose(x, self.points, rtol=1e-9, atol=1e-9):  # type: ignore[arg-type]
            self.seen = scores.copy()
        return scores

    def answers(self, x: Array) -> Array:
        """The model's own answers, after the run: they need not have a score."""
        kept = self._read, self.n_outputs, self.is_scalar, self._nothing
        self._read, self.n_outputs, asked = None, None, len(self._history)
        try:
            return super().__call__(x)
        finally:
            del self._history[asked:]
            self._read, self.n_outputs, self.is_scalar, self._nothing = kept

    @property
    def allowed(self) -> NDArray[np.intp]:
        """Which rows of the user's own may be asked, readable or not."""
        return np.union1d(self.left_out, self.target.inside())

    def heard(self, doubt: Array) -> None:
        if self.target.model.link is IDENTITY:  # that of scores says nothing about answers
            super().heard(doubt)

    def _timed(self, x: Array) -> Any:
        start = time.perf_counter()
        try:
            return self.target.model.answers(x)
        finally:
            self.answering += time.perf_counter() - start

    def _next(self, x: Array, spare: bool) -> Array:
        answers = super()._next(x, spare)
        if self._read is None:
            return answers
        try:
            scores = np.asarray(self._read.read(x[: len(answers)], answers), dtype=float)
        except BlackBoxError as error:
            raise Refused(str(error), slice(len(answers))) from error
        super()._count(scores)
        return scores

    def _count(self, answers: Array) -> None:
        if self._read is None:  # otherwise the scores are counted
            super()._count(answers)

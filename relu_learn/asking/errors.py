"""Everything that can go wrong, as one family of exceptions.

Each error names the argument, the rule and what was given. An error raised after queries were
spent carries what they bought: nothing that was paid for is lost.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import numpy as np


class ReluLearnError(Exception):
    """Base class of every error that relu_learn raises on purpose.

    Attributes
    ----------
    partial : LearnResult or None
        What the run had found when it stopped (None before the first query).
    """

    partial: Any = None


class InvalidArgument(ReluLearnError, ValueError):
    """An argument breaks a rule; the message names the argument, the rule and the value."""


class QueryBudgetExceeded(ReluLearnError):
    """The next batch would cost more queries than `max_queries` allows; none of it was sent."""


class TimeLimitExceeded(ReluLearnError):
    """The run took longer than `max_seconds`; what it found until then is `partial`."""


class BlackBoxError(ReluLearnError):
    """The black box raised, or answered with something that is not a real, finite array.

    Attributes
    ----------
    query : ndarray of shape (n, d) or None
        The offending input: the rows whose answers were wrong, or the whole batch.
    """

    def __init__(self, message: str, query: np.ndarray | None = None) -> None:
        super().__init__(message)
        self.query = query


class LedgerError(ReluLearnError):
    """The ledger cannot be used: all that it stored before is still whole.

    It cannot be written (a full disk, say); or it is not this run's: another black box, other
    queries, another version, no ledger at all. Then it is an `InvalidArgument`, too.
    """


class _WithWitness(ReluLearnError):
    """An error whose claim can be checked by hand: three points, three calls of the black box."""

    def __init__(self, message: str, witness: Any = None) -> None:
        super().__init__(message)
        self.witness = witness


class NotPiecewiseLinear(_WithWitness):
    """The black box bends (or jumps) where a piecewise linear function would be straight.

    Attributes
    ----------
    witness : ndarray of shape (3, d)
        Three points of one short segment, the second its midpoint: the answer at the midpoint is
        not the mean of the answers at the ends, at any scale.
    """


class NotOneHiddenLayer(_WithWitness):
    """The black box is piecewise linear, but its creases are not whole hyperplanes.

    Attributes
    ----------
    witness : ndarray of shape (3, d)
        Three points of a short segment across a critical hyperplane, the second its midpoint, where
        a one-hidden-layer network would have to bend as it does at `crease`, and the black box
        bends by less than half of that for every unit of length, or not at all.
    crease : ndarray of shape (3, d) or None
        The same at another place of the same hyperplane, where it does bend.
    """

    def __init__(self, message: str, witness: Any = None, crease: Any = None) -> None:
        super().__init__(message, witness)
        self.crease = crease


class LearningFailed(ReluLearnError):
    """Validation on fresh points contradicts the network found and the repairs did not help."""


class OrientationNotFound(ReluLearnError):
    """No orientation of the neurons without an affine part was found."""

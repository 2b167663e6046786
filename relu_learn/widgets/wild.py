"""A run of the learner on any black box: how it ended, in its own words."""

from __future__ import annotations

import dataclasses
import warnings
from collections.abc import Callable

import numpy as np

from relu_learn.asking.errors import ReluLearnError
from relu_learn.learn import learn_from_queries
from relu_learn.network import ReluNetwork
from relu_learn.telling.result import LearnResult

BlackBox = Callable[[np.ndarray], np.ndarray]
MAX_QUERIES = 8000  # an honest "I give up" must not take longer than a student's patience


@dataclasses.dataclass(frozen=True)
class Outcome:
    """How a run ended, in the learner's own words.

    Attributes
    ----------
    error : str
        Name of the error that ended it; "" if none did.
    words : str
        The certificate, or the message of the error.
    result : LearnResult or None
        Partial if there was an error; None if that came before the first answer.
    witness : ndarray of shape (3, d) or None
        Three points on a line at which no network of the class has these answers.
    """

    error: str
    words: str
    result: LearnResult | None
    witness: np.ndarray | None = None

    @property
    def network(self) -> ReluNetwork | None:
        """What was learned, if that came to its end."""
        return None if self.error or self.result is None else self.result.network


def attempt(black_box: BlackBox, dim: int, max_queries: int = MAX_QUERIES) -> Outcome:
    """Run the learner; errors of ours are outcomes, and what it would warn of is in its words."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", UserWarning)  # random answers: see below
            result = learn_from_queries(black_box, dim, rng=0, max_queries=max_queries)
    except ReluLearnError as error:
        name, witness = type(error).__name__, getattr(error, "witness", None)
        return Outcome(name, str(error), error.partial, witness)
    words = "The answers are random, and F\u2032 is their average. " if result.random else ""
    return Outcome("", words + str(result.certificate), result)

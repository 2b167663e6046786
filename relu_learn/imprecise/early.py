"""An early end: epsilon ends the work, and does nothing else.

The method for imprecise answers knows no epsilon: it asks what it asks without, and says where it
has a network that may do (a `Candidate`). If answers that are known say that epsilon is reached, it
is tested on fresh points, which come from a stream of their own. Where the test fails, the method
goes on as if nobody had asked: these points are the first ones of its final test.
"""

from __future__ import annotations

import copy
import dataclasses
from collections.abc import Callable, Generator, Iterator

import numpy as np

from relu_learn.asking.fresh import Fresh
from relu_learn.core.evidence import Evidence
from relu_learn.core.run import Run
from relu_learn.network import ReluNetwork
from relu_learn.telling.certificate import mean_square
from relu_learn.telling.events import Event

# Share of epsilon that known answers may show: one miss that was seen may stand for four, and after
# each test that failed for four times as many.
_SEEN = 0.25


@dataclasses.dataclass(frozen=True, eq=False)
class Candidate:
    """A network that may do, and more is to be asked for a better one.

    Attributes
    ----------
    network : ReluNetwork
        F', whitened, with m outputs.
    errors : ndarray of shape (n,)
        Largest |F - F'| of all outputs at points that it was not fitted to, in units of answers.
    fewer : callable, optional
        Gives one with fewer neurons, for no query.
    """

    network: ReluNetwork
    errors: np.ndarray
    fewer: Callable[[], Generator[Event, None, Candidate]] | None = None


class EarlyEnd:
    """Ends a run as soon as a candidate is good enough.

    What a test that fails costs is one more look of the next one (see `Certificate`): 70 points.

    Parameters
    ----------
    run : Run
    """

    def __init__(self, run: Run) -> None:
        self.run, self.epsilon = run, run.settings.epsilon
        self.failed, self.tried = 0, run.known
        # A copy: with or without an epsilon, what is drawn next is the same.
        own = np.random.default_rng(copy.deepcopy(run.rng).integers(2**63))
        run.fresh = Fresh(lambda n: run.space.fresh(n, own))

    def during(self, steps: Iterator[Event | Candidate]) -> Iterator[Event]:
        """The events of a method, until a candidate of it is good enough."""
        for step in steps:
            if isinstance(step, Event):
                yield step
            elif self.promises(step) and (yield from self.comes(step)):
                return

    def promises(self, candidate: Candidate) -> bool:
        """Whether known answers say that a candidate, not the last one, is good enough."""
        if self.epsilon is None or candidate.network is self.tried:
            return False
        return mean_square(candidate.errors) <= _SEEN ** (1 + self.failed) * self.epsilon

    def passes(self, evidence: Evidence) -> bool:
        """Whether the last test found a loss of at most epsilon."""
        return mean_square(evidence.errors) <= evidence.wished

    def comes(self, candidate: Candidate) -> Generator[Event, None, bool]:
        """Whether a candidate is good enough on fresh points. If not, nothing has happened."""
        run, self.tried = self.run, candidate.network
        if candidate.fewer is not None:
            fewer = yield from candidate.fewer()
            candidate = fewer if self.promises(fewer) else candidate
        before = run.known, run.accepted, run.evidence
        run.evidence = trial = copy.copy(run.evidence)
        trial.wished, run.known = self.epsilon or 0.0, candidate.network
        yield run.updated("fit")
        yield from run.test()
        if self.passes(trial):
            return True
        assert trial.all is not None
        n = len(trial.points)
        run.fresh.put_back(*(part[-n:] for part in trial.all))
        run.known, run.accepted, run.evidence = before
        run.evidence.looks, self.failed = trial.looks, self.failed + 1
        return False

"""An early end: epsilon ends the work, and does nothing else.

Methods know no epsilon: they ask what they ask without, and say where they have a network that may
do (a `Candidate`). If answers that are known say that epsilon is reached, it is tested on fresh
points, which come from a stream of their own. Where the test fails, the method goes on as if nobody
had asked: these points are the first ones of its next tests. And its last test, which is as long,
is asked to its end: so an epsilon never takes a query more.
"""

from __future__ import annotations

import copy
from collections.abc import Generator, Iterator

import numpy as np

from relu_learn.asking.fresh import Fresh
from relu_learn.core.candidate import Candidate, Step
from relu_learn.core.evidence import Evidence
from relu_learn.core.run import Run
from relu_learn.telling.certificate import mean_square
from relu_learn.telling.events import Event

# Share of epsilon that known answers may show: one miss that was seen may stand for eight, and
# after each test that failed for eight times as many.
_SEEN = 0.125
# And that a test may show: its points tell the loss to about a factor of two.
_SHOWN = 0.5


class EarlyEnd:
    """Ends a run as soon as a candidate is good enough.

    What a test that fails costs is one more look, for which the certificate pays.

    Parameters
    ----------
    run : Run
    """

    def __init__(self, run: Run) -> None:
        self.run, self.epsilon, self.tried = run, run.settings.epsilon, run.known
        # A copy: with or without an epsilon, what is drawn next is the same.
        own = np.random.default_rng(copy.deepcopy(run.rng).integers(2**63))
        run.fresh = Fresh(lambda n: run.space.fresh(n, own))

    def during(self, steps: Iterator[Step]) -> Iterator[Event]:
        """The events of a method, until a candidate of it is good enough."""
        for step in steps:
            if isinstance(step, Event):
                yield step
            elif self.promises(step) and (yield from self.comes(step)):
                return

    def last_test(self) -> Iterator[Event]:
        """What is handed out is tested to the end, also where it differs from F."""
        if self.taken_back(self.run.evidence):
            yield from self.run.test(whole=True)

    def promises(self, candidate: Candidate) -> bool:
        """Whether known answers say that a candidate, not the last one, is good enough."""
        evidence, network, errors = self.run.evidence, candidate.network, candidate.errors
        if self.epsilon is None or network is None or network is self.tried:
            return False
        known = evidence.worst(network)[1] if errors is None else errors
        return mean_square(known) <= _SEEN ** (1 + evidence.hasty) * self.epsilon

    def passes(self, evidence: Evidence) -> bool:
        """Whether the last test found a loss of at most epsilon."""
        return mean_square(evidence.errors) <= evidence.wished

    def taken_back(self, evidence: Evidence) -> int:
        """How many points the last test had, if it has stopped where F and F' differ: they are the
        first ones of the next."""
        if not 0 < len(evidence.errors) < evidence.planned:
            return 0
        points, answers = evidence.withdraw()
        self.run.fresh.put_back(points, answers)
        return len(answers)

    def comes(self, candidate: Candidate) -> Generator[Event, None, bool]:
        """Whether a candidate is good enough on fresh points. If not, nothing has happened."""
        run, self.tried = self.run, candidate.network
        if candidate.fewer is not None:
            fewer = yield from candidate.fewer()
            candidate = fewer if self.promises(fewer) else candidate
        before = run.known, run.accepted, run.evidence
        run.evidence = trial = copy.copy(run.evidence)
        known = self.taken_back(trial) if candidate.network is trial.tested else 0
        trial.hasty += known > 0  # two tests of it
        trial.wished, run.known = _SHOWN * (self.epsilon or 0.0), candidate.network
        yield run.updated("fit")
        yield from run.test()
        if self.passes(trial):
            return True
        run.fresh.put_back(*(part[known:] for part in trial.withdraw()))
        run.known, run.accepted, run.evidence = before
        run.evidence.hasty += 1
        return False

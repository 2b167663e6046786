"""The practical method for exact answers ("adaptive"): one line, and repairs where it was not
enough.

One round draws a Gaussian line, finds its critical points, measures gradients, and solves for the
neurons. The hypothesis is then tested on fresh points. Where it fails, the residual F - F' is
learned in the same way along a line through the worst point (peeling): it is a one-hidden-layer
network, too.
"""

from __future__ import annotations

from collections.abc import Generator, Iterator

import numpy as np

from relu_learn.core.candidate import Candidate, Step
from relu_learn.core.mending import go_back, kinks_at, polish, require_useful, settle
from relu_learn.core.pieces import Found
from relu_learn.core.precision import USEFUL
from relu_learn.core.run import FEW, Run
from relu_learn.core.watch import Creases
from relu_learn.network import ReluNetwork
from relu_learn.telling.events import Event

# A repair adds what one line has met; many narrow bumps take as many. (÷ 10: two of 39 runs are
# lost, both with four hats; × 10: none changes.)
_MAX_REPAIRS = 16
# What a fit has repaired so often, and fails the next test, is a repair's.
_SETTLED = 3
# Expected errors above this are not left to the final test: everything is measured once more.
# (÷ 10: 4 of 39 change, 3 % more queries; × 10: 5, 5 % fewer. The worst error is the same.)
_ROUGH = 1e-9
# With errors of most points above this, in units of the scale, nothing was measured just badly.
# (÷ or × 10: 0 of 39 change.)
_GROSS = 0.01
# F' has to fit the answers of earlier tests, too, to so many times the tolerance (the scale is an
# estimate, and differs from test to test). (÷ or × 10: 0 of 39 change.)
_CONTRADICTION = 10
# Where F - F' has half of the kinks of F', F' is wrong as a whole (its line was nearly parallel to
# them, say): to patch it takes two neurons each. (÷ or × 10: 0 of 35 change.)
_MOSTLY_WRONG = 0.5


def adaptive(run: Run) -> Iterator[Step]:
    """LearnFromQueries on all of R^d.

    Parameters
    ----------
    run : Run
        Its first line is drawn, and it knows how precise the answers are.

    Yields
    ------
    Event, Candidate

    Raises
    ------
    NotPiecewiseLinear, NotOneHiddenLayer, LearningFailed
    """
    evidence, run.lean = run.evidence, run.settings.lean
    found = yield from run.look()
    run.take(found.anchored())
    kept = [run.known]
    rough = found.roughness() > _ROUGH and not run.lean
    polished, rejected, settled = run.settings.polish or rough, 0, 0
    if polished:
        yield from run.test(FEW)
        yield from polish(run)
    yield from run.test()
    while run.repairs < _MAX_REPAIRS:
        points, errors = evidence.points, evidence.errors
        if evidence.passed:
            points, errors = evidence.worst(run.known)
            if evidence.enough(errors, _CONTRADICTION):
                return
        yield Candidate(run.known)
        # Something was missed, or measured badly: from here on with care.
        lean, run.lean = run.lean, False
        little = errors.max() <= USEFUL * evidence.scale
        typical = float(np.median(errors))
        gross = typical > _GROSS * evidence.scale and not run.repairs  # wrong nearly everywhere
        if little and settled < _SETTLED and (yield from settle(run)):
            settled += 1
            yield from run.test()
            continue
        if gross and not lean:
            run.watch(Creases())  # is it a deeper network?
        elif not (gross or polished) and (little or typical > evidence.tolerance / 10):
            # Only a little wrong: nothing is missing, but something was measured badly.
            polished = True
            yield from polish(run)
            yield from run.test()
            continue
        run.repairs += not lean
        kept.append(run.known)
        # The hypothesis is beyond repair: start again on another line,
        afresh = rejected == 2 or (lean and gross)
        rejected = -2 if afresh else rejected  # and then be patient for twice as long
        if (yield from _repair(run, points[errors.argmax()], afresh)):
            polished = False
            yield from run.test()
        else:
            rejected += 1
    yield from go_back(run, kept)
    require_useful(run)


def _repair(run: Run, through: np.ndarray, afresh: bool) -> Generator[Event, None, bool]:
    """Learn F - F' (or F, `afresh`) along one more line through a point; keep the sum if it fits
    all answers so far better. Returns whether it does."""
    before, mark, marks = run.known, run.evidence.score(run.known), np.zeros(1)
    if afresh:
        run.known = None
    yield from run.draw(through)
    found = yield from run.search(marks=marks)
    if run.known is not None and _mostly_wrong(run.known, found):
        run.known = None
        found = yield from run.search(marks=marks)
    yield from run.solve(found)
    run.take(found.anchored())
    return (yield from run.keep(before, "repair", run.evidence.better(run.known, mark)))


def _mostly_wrong(network: ReluNetwork, found: Found) -> bool:
    """Whether F - F' has a kink at those of half of the neurons of F', or more."""
    again = kinks_at(network, found) > 0
    return bool(again.sum() >= max(_MOSTLY_WRONG * len(again), 1))

"""The practical method for exact answers ("adaptive"): one line, and repairs where it was not
enough.

One round draws a Gaussian line, finds its critical points, measures gradients, and solves for the
neurons. The hypothesis is then tested on fresh points. Where it fails, the residual F - F' is
learned in the same way along a line through the worst point (peeling): it is a one-hidden-layer
network, too.
"""

from __future__ import annotations

import math
from collections.abc import Generator, Iterator, Sequence

import numpy as np

from relu_learn.core.errors import LearningFailed
from relu_learn.core.events import Event
from relu_learn.core.evidence import USEFUL
from relu_learn.core.lines import Line, Noise
from relu_learn.core.network import ReluNetwork, prune
from relu_learn.core.pieces import Piece
from relu_learn.core.run import FEW, ROUNDING, Run, each
from relu_learn.core.watch import Unexplained

# A repair adds what one line has met; many narrow bumps take as many.
_MAX_REPAIRS = 16
# Expected errors above this are not left to the final test: everything is measured once more.
_ROUGH = 1e-9
# F' has to fit the answers of earlier tests, too, to so many times the tolerance (the scale is an
# estimate, and differs from test to test).
_CONTRADICTION = 10


def adaptive(run: Run) -> Iterator[Event]:
    """LearnFromQueries on all of R^d.

    Parameters
    ----------
    run : Run
        Its first line is drawn, and it knows how precise the answers are.

    Yields
    ------
    Event

    Raises
    ------
    NotPiecewiseLinear, NotOneHiddenLayer, LearningFailed
    """
    evidence = run.evidence
    found = yield from run.look()
    run.take(found.anchored())
    kept = [run.known]
    polished, rejected = run.settings.polish or found.roughness() > _ROUGH, 0
    if polished:
        yield from run.test(FEW)
        yield from polish(run)
    yield from run.test()
    while run.repairs < _MAX_REPAIRS:
        points, errors = evidence.points, evidence.errors
        if evidence.passed:
            points, errors = evidence.worst(run.known)
            if errors.max() <= _CONTRADICTION * evidence.tolerance:
                if (yield from _drop_rounding(run)):
                    continue
                return
        little = errors.max() <= USEFUL * evidence.scale
        if not polished and (little or np.median(errors) > evidence.tolerance / 10):
            # Only a little wrong: nothing is missing, but something was measured badly.
            polished = True
            yield from polish(run)
            yield from run.test()
            continue
        run.repairs += 1
        kept.append(run.known)
        afresh = rejected == 2  # the hypothesis is beyond repair: start again on another line
        rejected = -2 if afresh else rejected
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
    before, mark = run.known, run.evidence.score(run.known)
    if afresh:
        run.known = None
    yield from run.draw(through)
    found = yield from run.look(marks=np.zeros(1))
    run.take(found.anchored())
    return (yield from run.keep(before, "repair", run.evidence.better(run.known, mark)))


def _drop_rounding(run: Run) -> Generator[Event, None, bool]:
    """Leave out neurons so small that they may be rounding that was taken for kinks, if what they do
    cannot be told from the errors of F': without them these are not twice as large. Returns whether
    there were any."""
    assert run.known is not None
    fewer = prune(run.known, ROUNDING)
    worst, without = (run.evidence.score(net)[1] for net in (run.known, fewer))
    if fewer.n_neurons == run.known.n_neurons or without > 2 * worst:
        return False
    run.known = fewer
    yield run.updated("polish")
    yield from run.test()
    return True


def polish(
    run: Run, lines: Sequence[Line] = (), levers: float = 0.0
) -> Generator[Event, None, float | None]:
    """Measure everything again with long steps, if there is a way, and keep the better network.

    Parameters
    ----------
    run : Run
    lines : sequence of Line
        Along which (default: the polish chooses).
    levers : float
        Keep it, too, if the worst error is less than so many times what it was: what is missing
        outweighs what has become precise.

    Returns
    -------
    float or None
        The expected error of the new network, whitened.
    """
    rough, measure = run.known, run.looks.polish
    if measure is None or rough is None:
        return None
    errors = [0.0]

    def measured(piece: Piece) -> Event:
        errors.append(piece.error * math.sqrt(run.oracle.dim))
        return run.measured(piece, math.nan, "polish")

    noise = Noise(run.answers.noise)
    steps = measure(run.target(known=False), rough, noise, run.rng, lines)
    run.known = yield from each(steps, measured)
    old, new = run.evidence.score(rough), run.evidence.score(run.known)
    kept = yield from run.keep(rough, "polish", new < old or new[1] < levers * old[1])
    return math.hypot(*errors) if kept else None


def go_back(run: Run, kept: Sequence[ReluNetwork | None]) -> Iterator[Event]:
    """Of F' and what was kept of it, take what fits all answers so far best."""
    best = min([run.known, *kept], key=lambda net: run.evidence.score(net)[1])
    if best is not run.known:
        run.known = best
        yield run.updated("repair")
        yield from run.test()


def require_useful(run: Run) -> None:
    """Raise if what cannot be repaired is more than imprecise.

    Raises
    ------
    NotPiecewiseLinear, NotOneHiddenLayer, LearningFailed
    """
    evidence = run.evidence
    worst = float(max(evidence.errors.max(), evidence.worst(run.known)[1].max()))
    if worst > USEFUL * evidence.scale:
        run.watch(Unexplained())
        raise LearningFailed(
            f"after {run.oracle.queries:,} queries F and F' still differ by {worst:.2g} "
            f"(outputs are of size {evidence.scale:.2g}): the black box is not a one-hidden-layer "
            "ReLU network there, or its answers are too imprecise"
        )

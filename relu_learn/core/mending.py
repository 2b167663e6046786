"""What methods do with a hypothesis besides looking along lines: measure it again, leave out what
is rounding, go back to a better one, or give up."""

from __future__ import annotations

import math
from collections.abc import Generator, Iterator, Sequence

from relu_learn.core.errors import LearningFailed
from relu_learn.core.events import Event
from relu_learn.core.evidence import USEFUL
from relu_learn.core.lines import Line, Noise
from relu_learn.core.network import ReluNetwork, prune
from relu_learn.core.pieces import Piece
from relu_learn.core.run import ROUNDING, Run, each
from relu_learn.core.watch import Unexplained


def drop_rounding(run: Run) -> Generator[Event, None, bool]:
    """Leave out neurons so small that they may be rounding that was taken for kinks, if what they
    do cannot be told from the errors of F': without them these are not twice as large. Returns
    whether there were any."""
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

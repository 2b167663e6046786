"""Does the black box still give the same answers? One that changes looks like anything."""

from __future__ import annotations

import numpy as np

from relu_learn.core.answers import EXACT
from relu_learn.core.errors import BlackBoxError, NotPiecewiseLinear, ReluLearnError
from relu_learn.core.lines import SIGMAS
from relu_learn.core.run import Run
from relu_learn.diagnosis.straight import look_for_curves

# Questions that are asked again when the answers make no sense.
_AGAIN = 16
# Even float32 sums that depend on the batch repeat to this, relative to their size.
_FICKLE = 1e-4
# A bend that is less than this, relative to the answers, is hard to believe.
_SLIGHT = 1e-9


def _noise_at(run: Run, x: np.ndarray) -> np.ndarray:
    """The noise (n, m) of answers at points as the black box sees them."""
    return np.multiply.outer(run.space.growth(x), run.answers.noise * run.answers.scale)


def require_repeatable(run: Run) -> None:
    """Ask some earlier questions again: does the black box still give the same answers?

    Raises
    ------
    BlackBoxError
        If it does not.
    """
    answers, known, tested = run.answers, run.known, run.evidence.all
    x, y = run.outside.recall(_AGAIN)
    before = y.reshape(len(x), -1)
    if tested is not None and known is not None:  # and where the answers fitted worst
        points, values = tested
        wrong = run.evidence.off(known).max(axis=1).argsort()[-_AGAIN:]
        x = np.concatenate([x, run.space.place(points[wrong])])
        before = np.concatenate([before, values[wrong] * answers.scale])
    left = run.oracle.remaining
    if left is not None and left < len(x):
        return
    size = run.evidence.scale
    after, noise = run.outside(x).reshape(len(x), -1), _noise_at(run, x)
    change = np.abs(after - before)
    noise = np.maximum(noise, answers.noise * np.abs(after))  # it may grow with the answers
    allowed = np.maximum(SIGMAS * noise, EXACT * size)
    if answers.exact:  # otherwise the noise may be what a changing black box looks like
        allowed = np.minimum(allowed, _FICKLE * (np.abs(after) + size))
    off = (change / allowed).max(axis=1)
    i = int(off.argmax())
    # Noise disturbs every answer alike; here most are repeated, and some are not at all. (Less
    # noise than is rounded away moves a few answers by a step.)
    repeated = (change <= 1e-12 * np.abs(after)).all(axis=1)
    gross = max(2.5 * answers.step, 1e-3 * size)
    fickle = answers.random and repeated.mean() > 0.25 and bool((change > gross).any())
    # Random noise may be larger in other places than where it was measured; a drift goes one way.
    signs = np.abs(np.sign(after - before).sum(axis=0))
    drifts = answers.random and len(x) >= _AGAIN and bool((signs == len(x)).any())
    if off[i] > (3 if answers.random else 1) or fickle or drifts:
        raise BlackBoxError(
            "black_box must answer the same point alike: at the query it said "
            f"{before[i].squeeze()} and now says {after[i].squeeze()} (does it change with "
            "time, or with the other rows of a batch?)",
            x[i : i + 1],
        )


def check_witness(run: Run, error: ReluLearnError) -> None:
    """Does the black box still bend there? It may answer wrongly once in a while.

    Raises
    ------
    BlackBoxError
        If it does not.
    NotPiecewiseLinear
        If there is a clearer witness.
    """
    left, answers = run.oracle.remaining, run.answers
    if not isinstance(error, NotPiecewiseLinear) or (left is not None and left < 3):
        return
    x = run.space.place(error.witness)
    y = run.outside(x).reshape(3, -1)
    bend = np.abs(y[0] - 2 * y[1] + y[2])
    if bend.max() < _SLIGHT * np.abs(y).max() and answers.exact:
        look_for_curves(run)  # there may be a witness that shows it better
    straight = SIGMAS * _noise_at(run, x)[1]
    if not (answers.random or answers.step):  # the noise may be the curve itself
        straight = np.minimum(straight, 1e-6 * np.abs(y).max(axis=0))
    if answers.lattice:
        straight = np.minimum(straight, 1.5 * answers.lattice)
    if (bend <= straight).all():
        raise BlackBoxError(
            "black_box must answer the same point alike: around the query it was not straight, "
            "and is when asked again (does it sometimes answer wrongly?)",
            x,
        ) from error

"""Does the black box still give the same answers? One that changes looks like anything."""

from __future__ import annotations

import numpy as np

from relu_learn.asking.errors import BlackBoxError, NotPiecewiseLinear, ReluLearnError
from relu_learn.core.lines import SIGMAS
from relu_learn.core.precision import BATCH, EXACT
from relu_learn.core.run import Run
from relu_learn.diagnosis.straight import affordable, look_for_curves

# Questions that are asked again when the answers make no sense: if one answer in six is wrong, 95
# times of 100 one of these is. (÷ 10: 1 % fewer queries in 32 runs; × 10: 4 % more.)
_AGAIN = 16
# A bend that is less than this, relative to the answers, is hard to believe. (÷ or × 10: 0 of 32
# runs change.)
_SLIGHT = 1e-9


def require_repeatable(run: Run) -> None:
    """Ask some earlier questions again: raise `BlackBoxError` if the answers are others."""
    answers, size, tested = run.answers, run.evidence.scale, run.evidence.all
    x, y = run.outside.recall(_AGAIN)
    before = y.reshape(len(x), -1)
    if tested is not None and run.known is not None:  # and where the answers fitted worst
        points, values = tested
        wrong = run.evidence.off(run.known).max(axis=1).argsort()[-_AGAIN:]
        x = np.concatenate([x, run.space.place(points[wrong])])
        before = np.concatenate([before, values[wrong] * answers.scale])
    if not affordable(run, len(x)):
        return
    after = run.outside(x).reshape(len(x), -1)
    change, heard = np.abs(after - before), np.abs(after)
    noise = np.maximum(_noise_at(run, x), answers.noise * heard)  # it may grow with the answers
    allowed = np.maximum(SIGMAS * noise, EXACT * size)
    if answers.exact:  # otherwise the noise may be what a changing black box looks like
        allowed = np.minimum(allowed, BATCH * (heard + size))
    off = (change / allowed).max(axis=1)
    suspicious = off.max() > 1
    if answers.random:
        # Noise disturbs every answer alike; here most are repeated, and some are not at all. (Less
        # noise than is rounded away moves a few answers by a step.)
        repeated = (change <= 1e-12 * heard).all(axis=1)
        gross = bool((change > max(2.5 * answers.step, 1e-3 * size)).any())
        fickle = repeated.mean() > 0.25 and gross
        # It may be larger in other places than where it was measured; a drift goes one way.
        signs = np.abs(np.sign(after - before).sum(axis=0))
        drifts = len(x) >= _AGAIN and bool((signs == len(x)).any())
        suspicious = off.max() > 3 or fickle or drifts
    if suspicious:
        i = int(off.argmax())
        raise BlackBoxError(
            "black_box must answer the same point alike: at the query it said "
            f"{before[i].squeeze()} and now says {after[i].squeeze()} (does it change with "
            "time, or with the other rows of a batch?)",
            x[i : i + 1],
        )


def check_witness(run: Run, error: ReluLearnError) -> None:
    """Does the black box still bend there? If it answers wrongly once in a while, it is a
    `BlackBoxError`; and there may be a clearer witness."""
    answers = run.answers
    if not isinstance(error, NotPiecewiseLinear) or not affordable(run, 3):
        return
    x = run.space.place(error.witness)
    y = run.outside(x).reshape(3, -1)
    bend, size = np.abs(np.diff(y, 2, axis=0)[0]), np.abs(y).max(axis=0)
    if bend.max() < _SLIGHT * size.max() and not (answers.random or answers.step):
        look_for_curves(run)
    straight = SIGMAS * _noise_at(run, x)[1]
    if not (answers.random or answers.step):  # the noise may be the curve itself
        straight = np.minimum(straight, 1e-6 * size)
    if answers.lattice:
        straight = np.minimum(straight, 1.5 * answers.lattice)
    if (bend <= straight).all():
        raise BlackBoxError(
            "black_box must answer the same point alike: around the query it was not straight, "
            "and is when asked again (does it sometimes answer wrongly?)",
            x,
        ) from error


def _noise_at(run: Run, x: np.ndarray) -> np.ndarray:
    """The noise (n, m) of answers at points as the black box sees them."""
    return np.multiply.outer(run.space.growth(x), run.answers.noise * run.answers.scale)

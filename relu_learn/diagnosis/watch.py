"""What the watch looks at on each occasion; see `core.watch`."""

from __future__ import annotations

import numpy as np

from relu_learn.asking.errors import (
    LearningFailed,
    NotOneHiddenLayer,
    NotPiecewiseLinear,
    ReluLearnError,
)
from relu_learn.core.lines import Noise, Slice, Window
from relu_learn.core.precision import BLUNT
from relu_learn.core.run import Run
from relu_learn.core.watch import Creases, Doubted, LongLine, Occasion, SearchedLine
from relu_learn.diagnosis.creases import look_for_bent_hyperplanes
from relu_learn.diagnosis.jumps import look_for_jumps, look_for_steps, require_meeting
from relu_learn.diagnosis.repeat import check_witness, require_repeatable
from relu_learn.diagnosis.straight import look_along_line, look_for_curves, louder

# So many pieces, seen through more noise than `BLUNT`, may be a curve that was taken for noise.
# (÷ 10: 23 % more queries in 32 runs, all for one; × 10: none changes.)
_MANY = 50
# Kinks are in crowds of more than this many if these take so small a share of their room.
# (÷ or × 10: 0 of 32 change.)
_CROWD, _TINY = 8, 1e-4
# Kinks of a long line that are looked at again, to hear its noise: a first time, and closely.
# (First: ÷ 10 1 % fewer queries in 32 runs, × 10 7 % more. Closely: none changes.)
_LOOKS, _CLOSE_LOOKS = 8, 16


def diagnose(run: Run, occasion: Occasion) -> Noise | None:
    """Raise with a witness if the black box is outside the class, or say how noisy it is.

    Raises
    ------
    BlackBoxError, NotPiecewiseLinear, NotOneHiddenLayer
    """
    if isinstance(occasion, LongLine):
        return _long_line(run, occasion)
    if isinstance(occasion, SearchedLine):
        require_meeting(run, occasion.found)
    elif isinstance(occasion, Doubted):
        if run.answers.random:
            require_repeatable(run)
        elif run.answers.step:
            look_for_steps(run)
    elif isinstance(occasion, Creases):
        look_for_bent_hyperplanes(run)
    else:
        look_for_curves(run)
        if not occasion.curved:
            look_for_bent_hyperplanes(run)
    return None


def confirm(run: Run, error: ReluLearnError) -> None:
    """Before an error is raised: is the black box the one that was asked?

    Raises
    ------
    BlackBoxError
        If it changes, which looks like anything.
    """
    if isinstance(error, (NotPiecewiseLinear, NotOneHiddenLayer, LearningFailed)):
        require_repeatable(run)
        check_witness(run, error)


def _long_line(run: Run, long: LongLine) -> Noise | None:
    """Why is the search so long: many kinks, a curve or jumps, or answers noisier than thought?"""
    level = long.samples.noise.level
    if long.found is not None:
        blunt = not long.very and level.max() > BLUNT
        if len(long.found.kinks) >= _MANY and (blunt or _crowded(long.found, long.window)):
            _require_piecewise_linear(run, long)
        return None
    if long.very:
        require_repeatable(run)
        level = np.maximum(level, _require_piecewise_linear(run, long))
    level = level * louder(long, _CLOSE_LOOKS if long.very else _LOOKS)
    return Noise(level) if (level > long.samples.noise.level).any() else None


def _require_piecewise_linear(run: Run, long: LongLine) -> float:
    """Raise if it is not; returns what the answers are rounded to, if that was not known."""
    look_along_line(long, run.answers.scale)
    return look_for_jumps(long, lambda t: run.target(known=False)(run.line.at(t)))


def _crowded(s: Slice, window: Window) -> bool:
    """Whether most kinks are in tiny crowds: a sharp bend that is round looks like one."""
    share = np.arctan(s.kinks) / np.pi if window.cauchy else s.kinks / window.width
    gaps = share[_CROWD:] - share[:-_CROWD]
    return bool(np.median(gaps) < _CROWD / len(s.kinks) * _TINY)

"""The numbers by which answers and networks are judged fit together as their comments say."""

import numpy as np
import pytest

from relu_learn.core import precision
from relu_learn.core.gradients import CAUTION
from relu_learn.core.lines import EPS, SIGMAS
from relu_learn.imprecise import sampling


def test_from_float64_to_labels():
    single = float(np.finfo(np.float32).eps) / 2
    steps = (SIGMAS * EPS, precision.EXACT, precision.BLUNT, single, precision.LINES)
    assert list(steps) == sorted(steps)
    assert pytest.approx(np.sqrt(1e-13 * single), rel=0.3) == precision.EXACT  # half way
    assert pytest.approx(1700 * single, rel=0.05) == precision.BATCH


def test_a_network_is_not_blamed_for_rounding():
    """Exact answers, rounded as float64 does, leave errors that need no repair."""
    assert pytest.approx(200 / CAUTION) == precision.LEVER
    assert precision.LEVER * EPS < precision.PRECISE < precision.USEFUL
    assert SIGMAS * precision.LINES / CAUTION < 0.01


def test_so_many_samples_judge_a_fit():
    assert 3 / np.sqrt(2 * precision.HELD_OUT) < sampling._SLACK
    assert sampling._RECHECK <= precision.HELD_OUT  # of them are asked again

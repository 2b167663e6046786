"""How many digits probabilities have."""

import numpy as np
import pytest
from scipy.special import expit

from relu_learn.blackboxes.digits import doubts, precision

Z = np.linspace(-20, 20, 81)
P = np.stack([expit(Z), expit(-Z)], axis=1)  # both to all digits


@pytest.mark.parametrize(
    "answers, step",
    [
        (P, [0, 0]),
        (np.stack([expit(Z), 1 - expit(Z)], axis=1), [0, 2.0**-53]),
        (P.round(4), [1e-4, 1e-4]),
        (P.round(6).astype(np.float32), [1e-6, 1e-6]),
        (np.stack([P[:, 0], np.float32(1) - P[:, 0].astype(np.float32)], 1), [0, 2.0**-24]),
        (np.stack([P[:, 0], np.ones(81)], axis=1), [0, 2.0**-53]),
    ],
)
def test_what_answers_were_rounded_to(answers, step):
    off, least = precision(np.asarray(answers, dtype=float))
    assert np.allclose(least, np.maximum(step, least.min()))
    assert (least > 1e-30).tolist() == [s > 0 for s in step]
    assert np.allclose(off.min(axis=0), np.maximum(step, 2 * off.min(axis=0)) / 2)


def test_tiny_probabilities_have_all_their_digits():
    tiny = np.stack([np.exp(-np.linspace(100, 600, 50)), np.ones(50)], axis=1)
    assert doubts(tiny[:, None]).max() < 1e-15


@pytest.mark.parametrize("places", [4, 6])
def test_doubts_bound_what_scores_are_off_by(places):
    rounded = P.round(places)
    told = np.isfinite(doubts(rounded[:, None]))
    assert (told == (rounded > 0).all(axis=1)).all()
    logs = np.abs(np.log(rounded[told]) - np.log(P[told])).max(axis=1)
    assert (logs <= 2 * doubts(rounded[:, None])[told]).all()

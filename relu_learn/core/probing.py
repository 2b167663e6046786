"""The noise of answers: heard in second differences over tiny steps, which on an affine piece are
rounding, and nothing else."""

from __future__ import annotations

import numpy as np

from relu_learn.core.lines import EDGE, EPS, Ask, Window
from relu_learn.core.pieces import Piece
from relu_learn.core.target import Target

# Samples at each place where the noise is probed. (The last rows of a batch are often summed in
# another order than those before: 3 * 6 leaves two of them.)
PROBES = 6
# Places on either side that are probed if the answers seem to bend there: rounded alike at half of
# them, they all are so once in 256.
_PLACES = 8


def probed_sites(window: Window) -> tuple[np.ndarray, np.ndarray]:
    """Where (3,) the noise of a line is probed, near both its ends and in the middle, and how far
    (3,) the samples of each probe are apart."""
    if window.endless:
        return np.array([-EDGE, EDGE, 0.0]), np.array([10.0, 10.0, 1e-6])
    return window.low + window.width * np.array([0.02, 0.98, 0.5]), np.full(3, 1e-6 * window.width)


def probe_noise(ask: Ask, rng: np.random.Generator, window: Window) -> np.ndarray:
    """Estimate the precision of the answers from second differences over tiny steps.

    Neighbouring points lie on one affine piece (or on two: a kink is recognised), and what remains
    is the rounding of the answers. Every neuron is active at one of the two far ends of the line,
    so large terms that cancel, and whose rounding does not, are seen there; and there kinks are
    rare, so that steps can be long enough for the roundings of neighbouring points to be
    independent.

    Returns
    -------
    ndarray of shape (m,)
        Noise of one answer, per unit of 1 + |t|.
    """
    sites, spacing = probed_sites(window)
    sites = sites + rng.uniform(-0.01, 0.01, 3) * np.minimum(1 + np.abs(sites), window.width)

    def probe(sites: np.ndarray, spacing: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        t = sites[:, None] + spacing[:, None] * (np.arange(PROBES) - PROBES // 2)
        y = ask(t.ravel()).reshape(*t.shape, -1) / (1 + np.abs(sites))[:, None, None]
        return _spread(np.diff(y, 2, axis=1)), np.abs(y)

    spread, size = probe(sites, spacing)
    floor = 2 * EPS * size.max(axis=(0, 1))
    if (spread[:2].max(axis=0) > 1e3 * np.maximum(spread[2], floor)).any():
        # Far out the answers bend, which a few neurons cannot do: look closer for the noise alone.
        # (At neighbouring points large terms may be rounded alike: in several places.)
        around = np.repeat(sites[:2], _PLACES) * rng.uniform(0.99, 1.01, 2 * _PLACES)
        spread[:2] = probe(around, 1e-6 * (1 + np.abs(around)))[0].max(axis=0)
    return np.maximum(spread.max(axis=0), floor)


def noise_near(
    target: Target, piece: Piece, noise: np.ndarray, rng: np.random.Generator
) -> np.ndarray:
    """The noise of an answer (m,) around the point of a piece, `noise` at least: from second
    differences over the steps that were short enough. Where F was 0 when its noise was measured
    there was no rounding to be heard; and then it is rounding that makes steps short."""
    aside = rng.standard_normal((_PLACES, len(piece.point)))
    aside *= piece.step / np.linalg.norm(aside, axis=1, keepdims=True)
    left, right = np.split(target(piece.point + np.concatenate([aside, -aside])), 2)
    bends = np.abs(left + right - 2 * piece.value) / np.sqrt(6)
    return np.asarray(np.maximum(noise, bends.max(axis=0)))


def _spread(bends: np.ndarray) -> np.ndarray:
    """The noise (s, m) that explains second differences (s, n, m) of n + 2 samples each.

    One kink shows in one second difference, or in two neighbours of the same sign; an answer that
    is off in three, of changing signs. Many answers may be rounded alike and differ not at all: so
    it is the largest that tells, unless it is a kink's.
    """
    size = np.abs(bends)
    first = size.argmax(axis=1, keepdims=True)
    sign = np.sign(np.take_along_axis(bends, first, axis=1))
    place = np.arange(size.shape[1])[None, :, None]
    kink = (np.abs(place - first) <= 1) & (bends * sign >= 0)
    others = np.where(kink, 0.0, size).max(axis=1)
    largest = size.max(axis=1)
    return np.where(others < largest / 8, others, largest) / np.sqrt(6)

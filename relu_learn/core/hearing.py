"""How large and how precise are the answers? Heard from a few points of the first line."""

from __future__ import annotations

import dataclasses
import math

import numpy as np

from relu_learn.asking.oracle import Oracle
from relu_learn.core.answers import EXACT, Answers, powers_of_two
from relu_learn.core.lines import EPS, SIGMAS, Ask, Line, Window
from relu_learn.core.pieces import Piece
from relu_learn.core.space import FAINT, Space, Tested
from relu_learn.core.target import Target

# Samples at each place where the noise is probed. (The last rows of a batch are often summed in
# another order than those before: 3 * 6 leaves two of them.)
_PROBES = 6
# Places on either side that are probed if the answers seem to bend there.
_PLACES = 8


@dataclasses.dataclass(frozen=True, eq=False)
class Hearing:
    """What the first probes of a line say.

    Attributes
    ----------
    oracle, space, line, rng
        Where they were asked.
    seen : list of ndarray (n, m)
        The answers, as they were given.
    noise, spread, values, size : ndarray of shape (m,)
        Noise, spread and size of the answers, and the size that they are compared with.
    tested : (ndarray of shape (n, d), ndarray of shape (n, m)), optional
        Points of the space's measure that were asked, too.
    """

    oracle: Oracle
    space: Space
    line: Line
    rng: np.random.Generator
    seen: list[np.ndarray]
    noise: np.ndarray
    spread: np.ndarray
    values: np.ndarray
    size: np.ndarray
    tested: Tested | None

    @property
    def silent(self) -> bool:
        """Whether nothing was heard, not even noise: how large F is, is not known."""
        return not self.size.any() and float(np.abs(self.seen[0][-_PROBES:]).max()) < FAINT

    def everything(self) -> list[np.ndarray]:
        """All answers (n, m)."""
        return self.seen if self.tested is None else [*self.seen, self.tested[1]]

    @property
    def answers(self) -> Answers:
        """The answers, if they are what they seem."""
        return Answers.of(self.size, self.noise)

    @property
    def single(self) -> bool:
        """Whether all answers are float32 numbers."""
        return all(singles(y).all() for y in self.seen)

    def is_clear(self) -> bool:
        """Whether these are float64 answers of full precision. Seen at a tiny scale only: the rest
        may be rounding to a grid, float32, or noise."""
        twice = self.oracle(self.line.at(np.zeros(2))).reshape(2, -1)
        differ = np.abs(twice[0] - twice[1]).max() > 1e-12 * np.abs(twice).max()
        largest = max(float(np.abs(y).max()) for y in self.seen)
        places = min(9, 12 - math.ceil(math.log10(max(largest, 1.0))))  # more are all of float64's
        short = [np.abs(np.round(y, places) - y) <= 4 * EPS * np.abs(y) for y in self.seen]
        decimals = bool((np.concatenate(short).all(axis=0) & (self.spread > 0)).any())
        # Neighbours that are rounded to the same number (around 0 floating point is finer):
        left, right, middle = np.ptp(np.split(self.seen[0], 3), axis=1) == 0
        decimals |= bool((middle | (left & right)).any())
        loud = bool((self.noise > EXACT * powers_of_two(self.size)).any())
        return not (differ or decimals or self.single or loud)


def singles(y: np.ndarray) -> np.ndarray:
    """Which answers are float32 numbers."""
    with np.errstate(over="ignore"):  # larger ones are none
        return np.asarray(y == y.astype(np.float32))


def hear(oracle: Oracle, space: Space, line: Line, rng: np.random.Generator) -> Hearing:
    """How precise are the answers, and how large? Both from a few points of the line.

    Where its far ends drown what is near, it is heard again between closer ends.
    """
    seen: list[np.ndarray] = []

    def asked(x: np.ndarray) -> np.ndarray:
        return oracle(x).reshape(len(x), -1)

    def ask(t: np.ndarray) -> np.ndarray:
        seen.append(asked(line.at(t)))
        return seen[-1]

    window = None
    while window != space.window(line):
        seen.clear()
        window = space.window(line)
        noise = probe_noise(ask, rng, window)
        spread, values, tested = space.first_look(asked, line, seen[0], rng)
    # An output that is all rounding here is like the others elsewhere, or of size 1. (Rounding may
    # cancel where the noise was measured: then the other outputs tell its size.)
    least = SIGMAS * np.maximum(noise, EPS * spread.max())
    size = np.where(spread > least, spread, np.where(values > least, values, 0))
    return Hearing(oracle, space, line, rng, seen, noise, spread, values, size, tested)


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
    width = window.high - window.low
    sites = window.low + width * np.array([0.02, 0.98, 0.5])
    spacing = 1e-6 * width * np.ones(3)
    if window.endless:
        sites, spacing = np.array([-1e3, 1e3, 0.0]), np.array([10.0, 10.0, 1e-6])
    sites = sites + rng.uniform(-0.01, 0.01, 3) * np.minimum(1 + np.abs(sites), width)

    def probe(sites: np.ndarray, spacing: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        t = sites[:, None] + spacing[:, None] * (np.arange(_PROBES) - _PROBES // 2)
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

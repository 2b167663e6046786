"""How large and how precise are the answers? Heard from a few points of the first line."""

from __future__ import annotations

import dataclasses
import math

import numpy as np

from relu_learn.asking.oracle import Oracle
from relu_learn.core.answers import Answers, powers_of_two
from relu_learn.core.lines import EPS, INPUTS, SIGMAS, Ask, Line, Noise, Window
from relu_learn.core.precision import EXACT
from relu_learn.core.probing import PROBES, probe_noise, probed_sites
from relu_learn.core.space import Space

# Answers below this that are constant here, and constant there, but another constant, may be what
# rounding leaves of large terms that cancel, up to 5e10. (÷ or × 10: 0 of 22 runs change.)
_FAINT = 1e-5
# Far answers are too loud if, per unit of t, they change so many times more than F does among
# inputs: the noise, which is heard far out, would be taken for as many times too much near 0.
# (Up to here rounding is 1e4 EPS = 2e-12 of F. ÷ or × 10: 0 of 22 change.)
LOUD = 1e4
# Points that tell whether a line's ends are too loud: their spread is known to 1 / sqrt(2 * 200) =
# 5 %; and the closest ends. (One kink in eight lies beyond.)
_GLANCE, _NEAREST = 200, 5.0
Tested = tuple[np.ndarray, np.ndarray]


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
        return not self.size.any() and float(np.abs(self.seen[0][-PROBES:]).max()) < _FAINT

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
        spread, values, tested = _first_look(space, asked, line, seen[0], rng)
    # An output that is all rounding here is like the others elsewhere, or of size 1. (Rounding may
    # cancel where the noise was measured: then the other outputs tell its size.)
    least = SIGMAS * np.maximum(noise, EPS * spread.max())
    size = np.where(spread > least, spread, np.where(values > least, values, 0))
    return Hearing(oracle, space, line, rng, seen, noise, spread, values, size, tested)


def _first_look(
    space: Space, ask: Ask, line: Line, probes: np.ndarray, rng: np.random.Generator
) -> tuple[np.ndarray, np.ndarray, Tested | None]:
    """Spread and size (m,) of the answers on the measure; and points (n, d) with answers (n, m), if
    any were asked. `probes` (18, m) are those of `probe_noise`.

    Lines end closer from now on if their far ends drown what is near.
    """
    if space.glance:
        return _glanced(space, ask, space.glance, rng)
    left, right, middle = np.split(probes, 3)  # [3] is the place, [0] and [5] the ends of a probe
    sites, spacing = probed_sites(space.window(line))
    # The change of F per unit of t over the whole line: about its spread on Gaussian inputs. Where
    # it is constant up to rounding, it may be nothing but rounding.
    ends = np.stack([left, right])
    moves = np.ptp(ends, axis=1) > 4 * EPS * np.abs(ends).max(axis=1)
    size = np.where(moves, np.abs(ends[:, 3] - middle[3]) / sites[1], 0).max(axis=0)
    values = np.abs(middle).max(axis=0)
    flat = (np.ptp(np.stack([*ends, middle]), axis=1) == 0).all(axis=0)
    values[flat & (values < _FAINT) & (np.ptp(probes, axis=0) > 0)] = 0
    steepness = np.abs(middle[5] - middle[0]) / (5 * spacing[2])
    if (size <= LOUD * np.maximum(values, steepness)).all():
        return size, values, None
    # The ends seem loud. F may be flat just at the middle: look around it, then at inputs.
    near = ask(line.at(np.array([-3.0, -1.0, 1.0, 3.0])))
    if (size <= LOUD * np.abs(near - middle[3]).max(axis=0)).all():
        return size, np.maximum(values, np.abs(near).max(axis=0)), None
    spread, values, tested = _glanced(space, ask, _GLANCE, rng)
    if ((size > LOUD * spread) & (spread > 0)).any():
        space.far = _NEAREST
    return spread, values, tested


def _glanced(
    space: Space, ask: Ask, n: int, rng: np.random.Generator
) -> tuple[np.ndarray, np.ndarray, Tested]:
    """The same from n points of the measure."""
    x = space.sample(n, rng)
    y = ask(x)
    values = np.abs(y).max(axis=0)
    unit = np.where(values > 0, values, 1)  # squares of large answers would overflow
    return (y / unit).std(axis=0) * unit, values, (x, y)


def quiet_part(window: Window, t: np.ndarray, y: np.ndarray, noise: Noise) -> Window:
    """The part of an unbounded line between samples so loud that they drown what is near: what lies
    far out, and hardly any input meets, may be as steep as it likes."""
    change = np.abs(y - y[np.abs(t).argmin()]) / (1 + np.abs(t))[:, None]
    near = change[np.abs(t) <= INPUTS].max(axis=0, initial=0.0)
    near = np.where(near > SIGMAS * noise.level, near, np.inf)
    loud = np.flatnonzero((change > LOUD * near).any(axis=1) & (np.abs(t) > INPUTS))
    if not window.cauchy or not len(loud):
        return window
    left, right = loud[t[loud] < 0], loud[t[loud] > 0]
    low = t[left[-1] + 1] if len(left) else window.low
    return Window(low, t[right[0] - 1] if len(right) else window.high)

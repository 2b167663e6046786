"""Numbers that are known up to a common factor: for which factor are all of them short?

A number of p bits is an integer below 2^p, its significand, times a power of two. Of numbers that
are known up to a factor, the largest has one of 2^(p - 1) significands; each gives a factor. A
sieve drops those for which another number is not near one of p bits.
"""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]

# The significand of float32. With more, float64 has no digits left that could tell.
MOST_BITS = 24
# A factor is believed if fewer than so many would fit any real numbers as well: of a million
# networks with a thousand neurons each, one is wrong.
_CHANCE = 1e-9
# Errors that are tried: from float64's own, each so many times the one before.
_FIRST, _GROWTH = 2.0**-52, 4.0
# The worst of all numbers is off by a few standard deviations. A second factor for which it is off
# by not more than so many times that fits, too; and neighbours of a number that are not farther
# apart than this leave its last bit open.
_CLEARLY = 4.0
# If the second number is within the error of a short one so often, the sieve has no holes.
_HOLES = 0.125
# Factors that are sieved at a time, and those that are enough to say that there are several.
_BLOCK, _SEVERAL = 2**15, 1000


@dataclasses.dataclass(frozen=True, eq=False)
class Numbers:
    """Numbers that are known up to a factor c, some as c v and some as v / c, and imprecisely.

    Attributes
    ----------
    values : ndarray of shape (n,)
    units : ndarray of shape (n,)
        What they are expected to be off, up to a common factor.
    power : ndarray of shape (n,)
        1 for those that are to be multiplied by the factor, -1 for those that are to be divided.
    """

    values: Array
    units: Array
    power: Array


@dataclasses.dataclass(frozen=True, eq=False)
class Fit:
    """The factor for which the worst of all numbers is least off.

    Attributes
    ----------
    count : int
        How many fit (from some on, at least so many).
    chance : float
        How many would fit as well, on average, if the numbers were any real ones; 1 without a fit.
    short : Short, optional
        The short numbers, if one factor fits.
    error : float
        How far the worst of the numbers is off, in its unit.
    """

    count: int = 0
    chance: float = 1.0
    short: Short | None = None
    error: float = math.inf


@dataclasses.dataclass(frozen=True, eq=False)
class Short:
    """The nearest numbers of so many bits.

    Attributes
    ----------
    values : ndarray of shape (n,)
        0 for what is zero up to the errors.
    zero, unsure : ndarray of bool, shape (n,)
        What is; and what else has neighbours that are nearly as near.
    """

    values: Array
    zero: NDArray[np.bool_]
    unsure: NDArray[np.bool_]

    @classmethod
    def of(cls, values: Array, errors: Array, bits: int) -> Short:
        zero = np.abs(values) <= _CLEARLY * errors
        unsure = ~zero & (_spacing(values, bits) <= 2 * _CLEARLY * errors)
        return cls(np.where(zero, 0.0, rounded(values, bits)), zero, unsure)


def fit(numbers: Numbers, bits: int) -> Fit:
    """All numbers as numbers of so many bits, if that is no coincidence.

    How much they are off is not known: it is tried, from float64's rounding upwards, until a factor
    fits or too many would.
    """
    told = (numbers.units > 0) & (np.abs(numbers.values) > _FIRST * numbers.units)
    sure = np.where(told, np.abs(numbers.values) / np.where(told, numbers.units, 1.0), 0.0)
    # Those that tell most come first; those that are divided, last.
    order = np.lexsort([-sure, -numbers.power])
    order = order[told[order]]
    if not len(order) or numbers.power[order[0]] < 0:
        return Fit()
    sieve = _Sieve(numbers.values[order], numbers.units[order], numbers.power[order], bits)
    error = _FIRST
    while sieve.log_chance(np.ones(1), error) < math.log(_CHANCE) and sieve.has_holes(error):
        factors = sieve.passing(error)
        if len(factors):
            off = sieve.refined(factors)[1]
            return _judged(sieve, numbers, max(float(off.min()), _FIRST))
        error *= _GROWTH
    return Fit()


def _judged(sieve: _Sieve, numbers: Numbers, error: float) -> Fit:
    """The fit whose worst number is off by `error`."""
    limit = _CLEARLY * error
    factors, off = sieve.refined(sieve.passing(limit))
    count, best = int(np.sum(off <= limit)), factors[[int(off.argmin())]]
    chance = math.exp(min(0.0, sieve.log_chance(best, error)))
    if chance >= _CHANCE:
        return Fit()
    if count > 1:
        return Fit(count, chance)
    scale = best**numbers.power
    short = Short.of(numbers.values * scale, error * numbers.units * scale, sieve.bits)
    return Fit(1, chance, short, error)


@dataclasses.dataclass(frozen=True, eq=False)
class _Sieve:
    """Numbers as in `Numbers`, none of them zero; the first one's significand is tried."""

    values: Array
    units: Array
    power: Array
    bits: int

    def log_chance(self, factor: Array, error: float) -> float:
        """Logarithm of how many factors fit to an error, on average, if the numbers after the
        first are anywhere."""
        scale = factor**self.power
        share = 2 * error * self.units * scale / _spacing(self.values * scale, self.bits)
        return (self.bits - 1) * math.log(2) + float(np.log(np.minimum(share[1:], 1)).sum())

    def has_holes(self, error: float) -> bool:
        """Whether the first two numbers are known well enough to drop a factor."""
        return self._few() or self._width(error, 1) < _HOLES

    def passing(self, error: float) -> Array:
        """The factors (c,) for which all numbers are short up to an error, or `_SEVERAL` of them.

        The first number, which the factor is made from, has an error of its own.
        """
        found = [np.empty(0)]
        own = self.units[0] / abs(self.values[0])
        rest = self.values, self.units, self.power > 0
        first = math.frexp(abs(self.values[0]))[0]
        for block in self._candidates(error):
            factors = np.ldexp(block / first, -self.bits)
            for value, unit, up in zip(*(v[1:] for v in rest), strict=True):
                if not len(factors):
                    break
                scale = factors if up else 1 / factors
                x = value * scale
                off = np.abs(x - rounded(x, self.bits))
                factors = factors[off <= error * (unit + abs(value) * own) * scale]
            found.append(factors)
            if sum(map(len, found)) > _SEVERAL:
                break
        return np.concatenate(found)

    def refined(self, factors: Array) -> tuple[Array, Array]:
        """The factors (c,), fitted to all numbers that are multiplied by them, and how far the
        worst number is off with each."""
        up = self.power > 0
        v, weight = self.values[up], self.units[up] ** -2
        short = rounded(factors[:, None] * v, self.bits)
        factors = (short * v * weight).sum(axis=1) / (v * v * weight).sum()
        scale = factors[:, None] ** self.power
        off = np.abs(self.values * scale - rounded(self.values * scale, self.bits))
        return factors, (off / (self.units * scale)).max(axis=1, initial=0.0)

    def _few(self) -> bool:
        return 2**self.bits <= _BLOCK or not (self.power[1:2] > 0).any()

    def _width(self, error: float, j: int) -> float:
        """How far number j, in units of half of its last place, is off at most."""
        own = error * (self.units[[0, j]] / np.abs(self.values[[0, j]])).sum()
        return float(2 ** (self.bits + 1) * own * self._ratio(j))

    def _ratio(self, j: int) -> float:
        """Significand of number j over that of the first, in [1/2, 1)."""
        return math.frexp(abs(self.values[j] / self.values[0]))[0]

    def _candidates(self, error: float) -> Iterator[Array]:
        """Blocks of significands of the first number, with all that pass."""
        low = 2 ** (self.bits - 1)
        # Two numbers may be in a simple ratio: then another pair says more.
        partners = np.flatnonzero(self.power > 0)[1:9]
        for j in () if self._few() else partners:
            width = self._width(error, int(j))
            points = _Lattice.of(2 * self._ratio(int(j)), width, self.bits)
            if points.size() <= 4 * low * width + _BLOCK:
                yield from points.blocks()
                return
        for start in range(low, 2 * low, _BLOCK):
            yield np.arange(start, min(start + _BLOCK, 2 * low), dtype=float)


def _spacing(x: Array, bits: int) -> Array:
    """Distances of neighbours among the numbers of so many bits; tiny at zero."""
    return np.ldexp(1.0, np.frexp(x)[1] - bits)


def rounded(x: Array, bits: int) -> Array:
    """The nearest numbers of so many bits."""
    much = (2.0 ** (53 - bits) + 1) * x  # Veltkamp's: quicker than to take x to pieces
    return np.asarray(much - (much - x))


@dataclasses.dataclass(frozen=True, eq=False)
class _Lattice:
    """The integers M in [2^(bits - 1), 2^bits) for which ratio * M is an integer N up to `width`.

    The points (M, ratio M - N) are a plane lattice, and those wanted are in a rectangle. With a
    reduced basis, as long and as little oblique as it can be, they are found row by row, so that
    work is spent only on what is there (Gauss; for the best of them: continued fractions).
    """

    bits: int
    basis: tuple[int, int]  # the M of both vectors
    vectors: Array  # (2, 2), in units of the rectangle

    @classmethod
    def of(cls, ratio: float, width: float, bits: int) -> _Lattice:
        def placed(m: int, n: int) -> Array:
            return np.array([math.ldexp(m, -bits), (ratio * m - n) / width])

        short, long = (0, 1), (1, round(ratio))
        while True:
            u, v = placed(*short), placed(*long)
            turns = round(float(u @ v) / float(u @ u))
            less = (long[0] - turns * short[0], long[1] - turns * short[1])
            if not (placed(*less) @ placed(*less) < (1 - 1e-9) * (u @ u)):
                v = placed(*less)
                return cls(bits, (short[0], less[0]), np.stack([u, v]))
            short, long = less, short

    def _rows(self) -> tuple[NDArray[np.int64], Array, Array]:
        """Multiples of the longer vector, and the first and last of the shorter one with each."""
        u, v = self.vectors
        det = u[0] * v[1] - u[1] * v[0]
        corners = np.array([[x, y] for x in (0.5, 1.0) for y in (-1.0, 1.0)])
        ends = (u[0] * corners[:, 1] - u[1] * corners[:, 0]) / det
        rows = np.arange(math.ceil(ends.min()), math.floor(ends.max()) + 1)
        low, high = np.full(len(rows), -np.inf), np.full(len(rows), np.inf)
        for axis, (first, last) in enumerate([(0.5, 1.0), (-1.0, 1.0)]):
            if u[axis]:
                cut = (np.array([[first], [last]]) - rows * v[axis]) / u[axis]
                low, high = np.maximum(low, cut.min(axis=0)), np.minimum(high, cut.max(axis=0))
        return rows, np.ceil(low), np.floor(high)

    def size(self) -> float:
        """How many there are."""
        _, low, high = self._rows()
        return float(np.maximum(high - low + 1, 0).sum())

    def blocks(self) -> Iterator[Array]:
        rows, low, high = self._rows()
        count = np.maximum(high - low + 1, 0)
        first = np.cumsum(count) - count
        for start in range(0, int(count.sum()), _BLOCK):
            index = np.arange(start, min(start + _BLOCK, int(count.sum())))
            row = np.searchsorted(first, index, side="right") - 1
            m = (low[row] + index - first[row]) * self.basis[0] + rows[row] * self.basis[1]
            yield m[(m >= 2 ** (self.bits - 1)) & (m < 2**self.bits)]

"""Every weight to the last bit: a neuron is known up to a factor, and for few factors are all its
numbers ones that a computer would have stored in float32 (or float16, or bfloat16)."""

from __future__ import annotations

import dataclasses
import math

import numpy as np
from numpy.typing import NDArray

from relu_learn.asking.arguments import integer
from relu_learn.asking.errors import InvalidArgument
from relu_learn.judging.settling import network_of, numbers_of, settle
from relu_learn.judging.significands import MOST_BITS, Numbers, Short, fit, rounded
from relu_learn.network import ReluNetwork, lengths, require_network

Array = NDArray[np.float64]

# The error of the offset is a sum of errors that are known as the worst of each neuron.
_ROOM = 4.0


@dataclasses.dataclass(frozen=True, eq=False)
class Snapped:
    """What `snap` found.

    Attributes
    ----------
    network : ReluNetwork
        Neurons for which one factor fits are multiplied by it (up to a power of two) and rounded;
        the others are as they were.
    exact : ndarray of bool, shape (k,)
        Whether all numbers of a neuron (weights, bias, output weights) are told to the last bit,
        if what is taken for zero is zero.
    chance : ndarray of shape (k,)
        How many factors would fit as well, on average, if the numbers were any real ones: a bound
        of the probability that the fit is chance. 1 where none fits.
    fits : ndarray of int, shape (k,)
        How many factors fit. 0: these are no numbers of so many bits, or they are not known well
        enough. More than 1: not unique; most often because they have fewer bits (1000: or more).
    zeros, unsure : ndarray of int, shape (k,)
        Numbers of a neuron that are taken for zero, as they are smaller than their errors; and
        others so small that their last bits are open (they are rounded to the nearest).
    offset_exact : ndarray of bool, shape () or (m,)
        Whether the offset was rounded: if all neurons fit, and it is as near to a number of so many
        bits as its error allows.
    """

    network: ReluNetwork
    exact: NDArray[np.bool_]
    chance: Array
    fits: NDArray[np.intp]
    zeros: NDArray[np.intp]
    unsure: NDArray[np.intp]
    offset_exact: NDArray[np.bool_]

    def __str__(self) -> str:
        k = len(self.exact)
        return (
            f"{int(self.exact.sum())} of {k} neurons bit for bit, {int((self.fits == 1).sum())} "
            f"with one factor that fits, {int((self.fits > 1).sum())} with several; "
            f"{int(self.zeros.sum())} numbers taken for zero, {int(self.unsure.sum())} unsure"
        )


def snap(
    network: ReluNetwork, bits: int = 24, answers: tuple[Array, Array] | None = None
) -> Snapped:
    """The parameters that a computer stored, bit for bit, up to a power of two for each neuron.

    A neuron a relu(<w, x> - b) is known up to a factor: (c w, c b, a / c) is the same. Numbers of
    `bits` bits are those with a significand of so many: 24 for float32, 11 for float16, 8 for
    bfloat16. If the secret's are, then among the 2^(bits - 1) significands of its largest weight
    there is one for which all other numbers of the neuron are, too, up to the errors of what was
    learned. How large these are need not be known: the factor is taken for which the worst number
    is least off, and kept if it is one that no coincidence would reach.

    Parameters
    ----------
    network : ReluNetwork
        As precise as possible, and oriented (`orient`): a linear part is left as it is. The
        orientation of a neuron does not matter.
    bits : int
        From 2 to 24.
    answers : (x, y), optional
        Questions (n, d) and answers, (n,) or (n, m), for example `Oracle.history()`. If all neurons
        fit, the numbers whose last bits are open are fitted to these, as all others are right.

    Returns
    -------
    Snapped

    Raises
    ------
    InvalidArgument

    Examples
    --------
    >>> import numpy as np
    >>> from relu_learn import ReluNetwork, snap
    >>> stored = np.float32([[0.1, 0.2, 0.7], [0.3, -0.6, 0.55]]).astype(float)
    >>> found = ReluNetwork(stored / 3, [0.25 / 3, 0.5 / 3], [3.0, -1.5])
    >>> snap(found).exact
    array([ True,  True])
    """
    integer("bits", bits, 2)
    if bits > MOST_BITS:
        raise InvalidArgument(f"bits must be at most {MOST_BITS}, got {bits!r}")
    net = require_network("network", network)
    rows, units, place, power = _numbers(net)
    fits = [fit(Numbers(own, unit, power), bits) for own, unit in zip(rows, units, strict=True)]
    zero, unsure = np.zeros((2, *rows.shape), bool)
    for i, short in enumerate(found.short for found in fits):
        if short is not None:
            rows[i], zero[i], unsure[i] = short.values, short.zero, short.unsure
    rows = np.ldexp(rows, place)
    count = np.array([found.count for found in fits], int)
    offset, offset_exact = net.offset, np.zeros(net.offset.shape, bool)
    if (count == 1).all() and not net.has_skip:
        # The offset makes good for what the biases are off, times the output weights.
        errors = np.array([found.error for found in fits]) * np.ldexp(units, place)[:, net.dim]
        doubts = (errors @ np.abs(rows[:, net.dim + 1 :])).reshape(offset.shape)
        offset, offset_exact = _near(net.offset, doubts, bits)
        for _ in range(2):  # what is settled makes room for the others
            if answers is not None and (zero | unsure).any():
                whole = network_of(rows, net, offset)
                parts = _settled(whole, zero | unsure, answers, bits)
                rows, zero, unsure, offset, offset_exact = parts
    return Snapped(
        network_of(rows, net, offset),
        (count == 1) & ~unsure.any(axis=1),
        np.array([found.chance for found in fits]),
        count,
        zero.sum(axis=1),
        unsure.sum(axis=1),
        offset_exact,
    )


def significand(value: float, bits: int = 24) -> str:
    """The first bits of a number, without sign and place: as a computer would write them.

    Examples
    --------
    >>> significand(0.1, 11)
    '11001100110'
    """
    whole = abs(float(rounded(np.array([value]), bits)[0]))
    return f"{int(math.ldexp(math.frexp(whole)[0], bits)):0{bits}b}"


def _numbers(net: ReluNetwork) -> tuple[Array, Array, NDArray[np.intp], Array]:
    """The numbers (k, n) of all neurons, what they are expected to be off, up to a common factor
    for each neuron, the powers of two that were taken out, and how factors enter (n,).

    The weights are off alike, in every direction; the bias, <w, x> at some |x| ~ sqrt(d), is off by
    as much more; the output weights are off alike.
    """
    w, b, a = net.weights, net.biases[:, None], np.atleast_2d(net.output_weights).T
    size, top = lengths(w)[:, None], lengths(a)[:, None]
    place = np.hstack(
        [np.repeat(np.frexp(size)[1], net.dim + 1, 1), np.repeat(np.frexp(top)[1], a.shape[1], 1)]
    )
    rows = np.ldexp(np.hstack([w, b, a]), -place)
    units = [
        np.broadcast_to(size, w.shape),
        np.hypot(np.sqrt(net.dim) * size, b),
        np.broadcast_to(top, a.shape),
    ]
    return (
        rows,
        np.ldexp(np.hstack(units), -place),
        place,
        np.repeat([1.0, -1.0], [net.dim + 1, a.shape[1]]),
    )


def _settled(
    network: ReluNetwork, open_: NDArray[np.bool_], answers: tuple[Array, Array], bits: int
) -> tuple[Array, NDArray[np.bool_], NDArray[np.bool_], Array, NDArray[np.bool_]]:
    """The numbers (k, n) with those that were open, which are zero and which still unsure, and the
    offset, and whether it is right."""
    values, errors, offset, doubts = settle(network, open_, *answers)
    short = Short.of(values, errors, bits)
    near = np.abs(short.values - values) <= _ROOM * errors
    rows, (zero, unsure) = numbers_of(network), np.zeros((2, *open_.shape), bool)
    rows[open_], zero[open_], unsure[open_] = short.values, short.zero, short.unsure | ~near
    shape = network.offset.shape
    return rows, zero, unsure, *_near(offset.reshape(shape), doubts.reshape(shape), bits)


def _near(values: Array, errors: Array, bits: int) -> tuple[Array, NDArray[np.bool_]]:
    """Those that are as near to a short number as their errors allow, rounded; and which are."""
    short = Short.of(values, errors, bits)
    near = ~short.unsure & (np.abs(short.values - values) <= _ROOM * errors)
    return np.where(near, short.values, values), near

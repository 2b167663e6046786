"""Neuron by neuron: which of one network is which of another, and how well they agree."""

from __future__ import annotations

import dataclasses
import math

import numpy as np
from numpy.typing import NDArray

from relu_learn.asking.errors import InvalidArgument
from relu_learn.network import ReluNetwork, lengths, normalised, require_network

Array = NDArray[np.float64]


@dataclasses.dataclass(frozen=True, eq=False, repr=False)
class NeuronMatch:
    """Which neuron of one network is which of the other, and how well they agree.

    Indices refer to `found` and `true`, the simplified networks (which keep the order of the
    neurons; they differ from the given ones only where those had duplicates or dead neurons).

    Attributes
    ----------
    found, true : ReluNetwork
        The networks compared, simplified.
    pairs : ndarray of int, shape (p, 2)
        Rows (i, j): neuron i of `found` is neuron j of `true`; sorted by j.
    angle_error : ndarray of shape (p,)
        Angle between the two hyperplanes' normals up to sign, in radians.
    bias_error : ndarray of shape (p,)
        Difference of the hyperplanes' distances beta = b / |w| from the origin over 1 + |beta|.
    output_error : ndarray of shape (p,)
        Relative difference of the jumps a_i |w_i| (vectors for several outputs).
    flipped : ndarray of bool, shape (p,)
        True where the two face opposite ways; relu(z) - relu(-z) = z makes up for it.
    unmatched_found, unmatched_true : ndarray of int
        Neurons without a partner.
    affine_error : float
        Difference of the affine parts after turning the flipped neurons around, relative to the
        size of all parameters of `true`.
    """

    found: ReluNetwork
    true: ReluNetwork
    pairs: NDArray[np.intp]
    angle_error: Array
    bias_error: Array
    output_error: Array
    flipped: NDArray[np.bool_]
    unmatched_found: NDArray[np.intp]
    unmatched_true: NDArray[np.intp]
    affine_error: float

    @property
    def worst(self) -> float:
        """The largest of all errors; infinite when a neuron has no partner."""
        if len(self.unmatched_found) or len(self.unmatched_true):
            return math.inf
        errors = np.concatenate([self.angle_error, self.bias_error, self.output_error])
        return max(self.affine_error, float(errors.max(initial=0.0)))

    def __str__(self) -> str:
        text = (
            f"{len(self.pairs)} of {self.true.n_neurons} true neurons matched "
            f"({int(self.flipped.sum())} flipped, {len(self.unmatched_found)} spurious)"
        )
        if len(self.pairs):
            text += (
                f", worst angle {self.angle_error.max():.1e} rad, "
                f"bias {self.bias_error.max():.1e}, output weight {self.output_error.max():.1e}"
            )
        return f"{text}; affine part off by {self.affine_error:.1e}"

    def __repr__(self) -> str:
        return f"NeuronMatch({self})"


def match_neurons(found: ReluNetwork, true: ReluNetwork, max_distance: float = 0.1) -> NeuronMatch:
    """Pair the neurons of two networks, up to permutation, positive scale and orientation.

    Parameters
    ----------
    found, true : ReluNetwork
        Of the same dim and outputs.
    max_distance : float
        Neurons whose hyperplanes differ by more (angle in radians plus bias error) are no pair.

    Returns
    -------
    NeuronMatch
        The assignment with the smallest total distance.
    """
    from scipy.optimize import linear_sum_assignment
    from scipy.spatial.distance import cdist

    found, true = require_network("found", found), require_network("true", true)
    if (found.dim, found.offset.shape) != (true.dim, true.offset.shape):
        raise InvalidArgument(
            f"found and true must have the same dim and outputs, got {found} and {true}"
        )
    found, true = found.simplify(), true.simplify()
    normal_f, beta_f, norm_f = normalised(found.weights, found.biases)
    normal_t, beta_t, norm_t = normalised(true.weights, true.biases)
    # From the differences of the normals: the cosine of a small angle has lost its digits.
    same, opposite = cdist(normal_f, normal_t), cdist(normal_f, -normal_t)
    sign = np.where(opposite < same, -1.0, 1.0)
    angle = 2 * np.arcsin(np.minimum(same, opposite) / 2)
    bias = np.abs(beta_f[:, None] - sign * beta_t) / (1 + np.abs(beta_t))
    distance = angle + bias
    # Capped, so that a neuron without a partner does not push others out of their pairs.
    j, i = linear_sum_assignment(np.minimum(distance, max_distance).T)
    good = distance[i, j] < max_distance
    i, j = i[good], j[good]

    a_found, a_true = np.atleast_2d(found.output_weights), np.atleast_2d(true.output_weights)
    jump_found, jump_true = a_found * norm_f, a_true * norm_t
    output = lengths((jump_found[:, i] - jump_true[:, j]).T) / lengths(jump_true[:, j].T)
    flipped = sign[i, j] < 0
    turned = i[flipped]
    skip = np.atleast_2d(found.skip - true.skip) + a_found[:, turned] @ found.weights[turned]
    offset = found.offset - true.offset - a_found[:, turned] @ found.biases[turned]
    size = _size(true.skip, true.offset, jump_true, jump_true * beta_t)
    alone = (
        np.setdiff1d(np.arange(found.n_neurons), i),
        np.setdiff1d(np.arange(true.n_neurons), j),
    )
    pairs, errors = np.stack([i, j], axis=1), (angle[i, j], bias[i, j], output)
    return NeuronMatch(
        found, true, pairs, *errors, flipped, *alone, _size(skip, offset) / (size or 1.0)
    )


def _size(*parts: np.ndarray) -> float:
    return float(lengths(np.concatenate([np.ravel(part) for part in parts])[None])[0])


def matches(found: ReluNetwork, true: ReluNetwork, tol: float = 1e-6) -> bool:
    """Equal up to the order, the positive scale and the orientation of the neurons.

    Parameters
    ----------
    found, true : ReluNetwork
    tol : float
        Bound for every error that `match_neurons` reports.
    """
    found, true = require_network("found", found), require_network("true", true)
    same_size = (found.dim, found.offset.shape) == (true.dim, true.offset.shape)
    return same_size and match_neurons(found, true).worst <= tol

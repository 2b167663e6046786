"""How far apart two networks are: exactly, by sampling, and neuron by neuron.

The measure is the paper's: x ~ N(0, I), squared error, summed over the outputs.
"""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from relu_learn.core.errors import InvalidArgument
from relu_learn.core.network import ReluNetwork, normalised

Array = NDArray[np.float64]
Function = Callable[[Array], Any]

_EPS = float(np.finfo(float).eps)
# Beyond this many standard deviations a ReLU's second moment is below 1e-300.
_NEVER = 37.0


# ------------------------------------------------------------------ exact loss


def gaussian_loss(f: ReluNetwork, g: ReluNetwork | None = None) -> float:
    """E |f(x) - g(x)|^2 for x ~ N(0, I), in closed form and without a query.

    Parameters
    ----------
    f : ReluNetwork
    g : ReluNetwork, optional
        Zero when omitted.

    Returns
    -------
    float
        Exact up to rounding; see `loss_floor` for where rounding takes over.

    Notes
    -----
    The loss is a quadratic form in the output weights. For standard normal u, v of correlation
    rho, with P = P(u > s, v > t), Q the normal tail and R = sqrt(1 - rho^2),

        E (u - s)+ (v - t)+ = (rho + s t) P - t phi(s) Q((t - rho s) / R)
                              - s phi(t) Q((s - rho t) / R) + R^2 phi_2(s, t; rho),

    and P follows from Owen's T function [1]_.

    References
    ----------
    .. [1] D. B. Owen, "Tables for computing bivariate normal probabilities", Ann. Math. Statist.
       27 (1956).
    """
    return _exact(f, g)[0]


def loss_floor(f: ReluNetwork, g: ReluNetwork | None = None) -> float:
    """The rounding error that `gaussian_loss(f, g)` may have: smaller losses are noise.

    Two nearly equal networks lose everything to cancellation here, while their difference at a
    point is still right to many digits: then sample (`best_loss` does).
    """
    return _exact(f, g)[1]


def best_loss(
    f: ReluNetwork, g: ReluNetwork, rng: int | np.random.Generator | None = None
) -> tuple[float, str]:
    """The exact loss where it means something, otherwise a sampled one.

    Returns
    -------
    value : float
    kind : str
        "exact" or "sampled".
    """
    value, floor = _exact(f, g)
    if value > 10 * floor or value == floor == 0.0:
        return value, "exact"
    return sampled_loss(f, g, rng=rng), "sampled"


def _exact(f: ReluNetwork, g: ReluNetwork | None) -> tuple[float, float]:
    """The loss and its rounding floor."""
    from scipy.special import ndtr

    difference = (f if g is None else f - g).simplify()
    a = np.atleast_2d(difference.output_weights)
    u, c = np.atleast_2d(difference.skip).copy(), np.atleast_1d(difference.offset).copy()
    normal, s, norm = normalised(difference.weights, difference.biases)
    # relu(z) = relu(-z) + z: with every hyperplane's active side away from the origin (s >= 0) all
    # ReLUs are small, and what far ones have in common cancels as affine functions, exactly.
    inside = s < 0
    w_inside, b_inside = difference.weights[inside], difference.biases[inside]
    u_sum = np.abs(u) + np.abs(a[:, inside]) @ np.abs(w_inside)  # what rounding is relative to
    c_sum = np.abs(c) + np.abs(a[:, inside]) @ np.abs(b_inside)
    u += a[:, inside] @ w_inside
    c -= a[:, inside] @ b_inside
    normal, s = np.where(inside[:, None], -normal, normal), np.abs(s)
    near = s < _NEVER
    a, normal, s = (a * norm)[:, near], normal[near], s[near]

    tail = ndtr(-s)
    mean = np.exp(-s * s / 2) / math.sqrt(2 * math.pi) - s * tail  # E (u - s)+
    gram, blur = _second_moments(normal @ normal.T, s)
    # By Stein's lemma E x (<n, x> - s)+ = n P(<n, x> > s).
    cross = (u @ normal.T) * tail + c[:, None] * mean
    parts = [np.sum((a @ gram) * a), 2 * np.sum(a * cross), np.sum(u * u), np.sum(c * c)]
    b = np.abs(a)
    size = 2 * np.sum(b * np.abs(cross))
    size += np.sum(u_sum * (np.abs(u) + _EPS * u_sum)) + np.sum(c_sum * (np.abs(c) + _EPS * c_sum))
    return max(float(sum(parts)), 0.0), float(8 * _EPS * size + np.sum((b @ blur) * b))


def _second_moments(rho: Array, s: Array) -> tuple[Array, Array]:
    """E (u_i - s_i)+ (u_j - s_j)+ for standard normals of correlations rho (k, k), s >= 0 (k,).

    The second matrix returned bounds its rounding errors.

    Near rho = 1 the formula divides differences like s_j - rho s_i by R = sqrt(1 - rho^2); they
    are built from e = 1 - rho, the same e that gives R, so that rounding acts like a tiny change
    of the input and the (smooth) result keeps its digits.
    """
    from scipy.special import ndtr, owens_t

    rho = np.clip((rho + rho.T) / 2, -1.0, 1.0)  # the two halves below must see the same e
    np.fill_diagonal(rho, 1.0)
    s = np.maximum(s, 1e-100)  # s = 0 as the limit from above: no 0 / 0 below
    row, column = s[:, None], s[None, :]
    close, far = 1.0 - rho, 1.0 + rho
    root = np.maximum(np.sqrt(close * far), 1e-150)
    ratio = np.where(rho > 0, (column - row) + close * row, (column + row) - far * row) / root
    density = np.exp(-row * row / 2) / math.sqrt(2 * math.pi)
    tail = ndtr(-row)
    half = tail / 2 - owens_t(row, ratio / row)
    orthant = half + half.T
    slope = column * density * ndtr(-ratio)
    tangent = root / (2 * math.pi) * np.exp(-(row * row + ratio * ratio) / 2)
    gram = (rho + row * column) * orthant - slope - slope.T + tangent
    # Cauchy-Schwarz is sharper than rounding for hyperplanes far out.
    alone = np.sqrt((1 + row * row) * tail - row * density)
    limit = alone * alone.T
    blur = np.minimum(limit, 16 * _EPS * (1 + row * column) * (tail + tail.T))
    return np.clip(gram, 0.0, limit), blur


# ----------------------------------------------------------------- by sampling


def _dimension(f: Any, g: Any, dim: int | None) -> int:
    for candidate in (dim, getattr(f, "dim", None), getattr(g, "dim", None)):
        if candidate is not None:
            return int(candidate)
    raise InvalidArgument("dim must be given when neither function has an attribute dim")


def _sample(
    f: Function,
    g: Function,
    n: int,
    rng: int | np.random.Generator | None,
    dim: int | None,
    bounds: tuple[ArrayLike, ArrayLike] | None,
) -> Iterator[tuple[Array, Array]]:
    """Values of both functions, (rows, m) each, on n Gaussian or uniform points in batches."""
    d = _dimension(f, g, dim)
    if n < 1:
        raise InvalidArgument(f"n must be at least 1, got {n}")
    generator = np.random.default_rng(rng)
    rows = max(1, 2**22 // d)
    for start in range(0, n, rows):
        shape = min(rows, n - start), d
        if bounds is None:
            x = generator.standard_normal(shape)
        else:
            low, high = (np.asarray(side, dtype=float) for side in bounds)
            x = generator.uniform(low, high, shape)
        first, second = np.asarray(f(x), dtype=float), np.asarray(g(x), dtype=float)
        if first.shape != second.shape:
            raise InvalidArgument(
                f"f and g must have outputs of one shape, got {first.shape} and {second.shape}"
            )
        yield first.reshape(len(x), -1), second.reshape(len(x), -1)


def sampled_loss(
    f: Function,
    g: Function,
    n: int = 10_000,
    rng: int | np.random.Generator | None = None,
    *,
    dim: int | None = None,
    bounds: tuple[ArrayLike, ArrayLike] | None = None,
) -> float:
    """Mean of |f(x) - g(x)|^2 over n random points, summed over outputs.

    Parameters
    ----------
    f, g : callable
        (n, d) arrays to (n,) or (n, m) arrays.
    n : int
        Number of points.
    rng : int, Generator or None
    dim : int, optional
        d; taken from `f.dim` or `g.dim` when omitted.
    bounds : (low, high), optional
        Numbers or vectors (d,): uniform points of this box, instead of Gaussian ones.
    """
    total = sum(float(np.sum((p - q) ** 2)) for p, q in _sample(f, g, n, rng, dim, bounds))
    return total / n


def worst_error(
    f: Function,
    g: Function,
    n: int = 10_000,
    rng: int | np.random.Generator | None = 0,
    *,
    dim: int | None = None,
    bounds: tuple[ArrayLike, ArrayLike] | None = None,
) -> tuple[float, float]:
    """Largest |f(x) - g(x)| over n random points and all outputs, and the scale of f.

    Gaussian points, or uniform ones of the box `bounds`; see `sampled_loss`.

    Returns
    -------
    worst : float
    scale : float
        The largest standard deviation among the outputs of f; for a constant f its largest
        absolute value, and 1 for f = 0.
    """
    batches = list(_sample(f, g, n, rng, dim, bounds))
    worst = max(float(np.abs(p - q).max()) for p, q in batches)
    return worst, output_scale(np.concatenate([p for p, _ in batches]))


def output_scale(values: ArrayLike) -> float:
    """The scale of outputs (n,) or (n, m) that errors are compared with (see `worst_error`)."""
    array = np.asarray(values, dtype=float)
    if not array.size:
        return 1.0
    size = float(np.abs(array).max())
    if size == 0.0:
        return 1.0
    spread = size * float((array / size).std(axis=0).max())  # no overflow for huge outputs
    return spread if spread > 64 * np.finfo(float).eps * size else size


# ----------------------------------------------------------------- certificate


@dataclasses.dataclass(frozen=True)
class Certificate:
    """What a learner who sees only answers can claim about its network.

    n fresh random points, none off by more than eta: with confidence 1 - delta, the mass of the
    points where the error exceeds eta is at most ln(1/delta) / n. (If that mass were larger, n
    points would all miss it with probability below (1 - mass)^n < delta.)

    A learner that repairs and tests again could be lucky once in many tests. So its j-th test may
    only be wrong with probability delta / 2^j, which is delta in all: mass = ln(2^j/delta) / n.

    Attributes
    ----------
    n : int
        Number of fresh points.
    eta : float
        Largest error among them.
    delta : float
        Probability that the claim is wrong.
    mass : float
        ln(1/delta) / n, at most 1; ln(2^j/delta) / n for the j-th test of a run.
    measure : str
        The distribution of the points.
    """

    n: int
    eta: float
    delta: float
    mass: float
    measure: str = "standard Gaussian"

    def __str__(self) -> str:
        return (
            f"With confidence {1 - self.delta:.6g}, the error exceeds {self.eta:.2g} on at most "
            f"{100 * self.mass:.2g} % of inputs ({self.measure} measure, {self.n:,} fresh points)."
        )


def certificate(
    errors: ArrayLike, delta: float, measure: str = "standard Gaussian", looks: int = 0
) -> Certificate:
    """Certificate from the errors on fresh random points.

    Parameters
    ----------
    errors : array_like of shape (n,) or (n, m)
        f - g (or its absolute value) on points that the learner had not used.
    delta : float
        In (0, 1).
    measure : str
        The distribution that the points came from.
    looks : int
        0 for a single test. The j-th of several tests, each with a new network and new points, of
        which the last one counts: j.
    """
    values = np.abs(np.asarray(errors, dtype=float))
    if values.ndim == 0 or np.isnan(values).any():
        raise InvalidArgument("errors must be an array without NaN, one row per point")
    if not 0 < delta < 1:
        raise InvalidArgument(f"delta must be in (0, 1), got {delta!r}")
    n = len(values)
    mass = min(1.0, (math.log(1 / delta) + looks * math.log(2)) / n) if n else 1.0
    return Certificate(n, float(values.max(initial=0.0)), float(delta), mass, measure)


# ------------------------------------------------------------ neuron by neuron


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

    if (found.dim, found.offset.shape) != (true.dim, true.offset.shape):
        raise InvalidArgument(
            f"found and true must have the same dim and outputs, got {found} and {true}"
        )
    found, true = found.simplify(), true.simplify()
    normal_f, beta_f, norm_f = normalised(found.weights, found.biases)
    normal_t, beta_t, norm_t = normalised(true.weights, true.biases)
    cosine = np.clip(normal_f @ normal_t.T, -1.0, 1.0)
    sign = np.where(cosine < 0, -1.0, 1.0)
    angle = np.arccos(np.abs(cosine))
    for i in np.flatnonzero((angle < 1e-3).any(axis=1)):
        # The cosine of a small angle has lost its digits; the difference of the normals has not.
        j = np.flatnonzero(angle[i] < 1e-3)
        chord = np.linalg.norm(sign[i, j][:, None] * normal_t[j] - normal_f[i], axis=1)
        angle[i, j] = 2 * np.arcsin(chord / 2)
    bias = np.abs(beta_f[:, None] - sign * beta_t) / (1 + np.abs(beta_t))
    distance = angle + bias
    # Capped, so that a neuron without a partner does not push others out of their pairs.
    i, j = linear_sum_assignment(np.minimum(distance, max_distance))
    good = distance[i, j] < max_distance
    i, j = i[good], j[good]
    i, j = i[np.argsort(j)], np.sort(j)

    a_found, a_true = np.atleast_2d(found.output_weights), np.atleast_2d(true.output_weights)
    jump_found, jump_true = a_found * norm_f, a_true * norm_t
    output = np.linalg.norm(jump_found[:, i] - jump_true[:, j], axis=0)
    output /= np.linalg.norm(jump_true[:, j], axis=0)
    flipped = sign[i, j] < 0
    turned = i[flipped]
    skip = np.atleast_2d(found.skip - true.skip) + a_found[:, turned] @ found.weights[turned]
    offset = found.offset - true.offset - a_found[:, turned] @ found.biases[turned]
    size = math.hypot(
        *(np.linalg.norm(part) for part in (true.skip, true.offset, jump_true, jump_true * beta_t))
    )
    affine = math.hypot(float(np.linalg.norm(skip)), float(np.linalg.norm(offset)))
    return NeuronMatch(
        found,
        true,
        np.stack([i, j], axis=1),
        angle[i, j],
        bias[i, j],
        output,
        flipped,
        np.setdiff1d(np.arange(found.n_neurons), i),
        np.setdiff1d(np.arange(true.n_neurons), j),
        affine / (size or 1.0),
    )

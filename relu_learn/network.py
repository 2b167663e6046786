"""`ReluNetwork`: one hidden layer of ReLUs as an immutable value.

    F(x) = sum_i a_i * relu(<w_i, x> - b_i) + <u, x> + c

with the paper's sign of the bias. Shapes: d inputs, k neurons, m outputs.
"""

from __future__ import annotations

import os
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from relu_learn.archive import read_file
from relu_learn.asking.arguments import real_array
from relu_learn.asking.errors import InvalidArgument

Array = NDArray[np.float64]

FILE_VERSION = 1
FIELDS = ("weights", "biases", "output_weights", "skip", "offset")
# Activations of one chunk of rows: large enough for BLAS, small enough to stay out of main memory.
_CHUNK_BYTES = 2**22
# Two float64 descriptions of one hyperplane (rescaled, normalised) differ by a few units in the
# last place; neurons farther apart than this are different neurons.
_SAME = 16 * float(np.finfo(float).eps)


class ReluNetwork:
    """A one-hidden-layer ReLU network with an affine part; an immutable value.

    Parameters
    ----------
    weights : array_like of shape (k, d)
        Row i is w_i. k = 0 is allowed (shape (0, d)).
    biases : array_like of shape (k,)
        b_i: neuron i is active where <w_i, x> > b_i.
    output_weights : array_like of shape (k,) or (m, k)
        a_i. Shape (k,) makes a scalar network: F maps (n, d) to (n,), otherwise to (n, m).
    skip : array_like of shape (d,) or (m, d), optional
        The linear part u (zero when omitted).
    offset : array_like of shape () or (m,), optional
        The constant c; a number is used for every output.

    Attributes
    ----------
    weights, biases, output_weights, skip, offset : ndarray
        As above, float64 and read-only; `skip` and `offset` are always arrays.
    dim, n_neurons, n_outputs : int
        d, k and m (1 for a scalar network).
    is_scalar : bool
        True when the output has shape (n,) and not (n, m).
    has_skip : bool
        True when the linear part is not zero.

    Raises
    ------
    InvalidArgument
        A shape does not fit, or an entry is complex, NaN or infinite.

    Examples
    --------
    >>> tent = ReluNetwork([[1.0], [1.0], [1.0]], [-1.0, 0.0, 1.0], [1.0, -2.0, 1.0])
    >>> tent([[-2.0], [0.0], [0.5]])
    array([0. , 1. , 0.5])
    """

    weights: Array
    biases: Array
    output_weights: Array
    skip: Array
    offset: Array
    dim: int
    n_neurons: int
    n_outputs: int
    is_scalar: bool
    has_skip: bool
    _form: tuple[Array, Array, Array | float, Array]

    def __init__(
        self,
        weights: ArrayLike,
        biases: ArrayLike,
        output_weights: ArrayLike,
        skip: ArrayLike | None = None,
        offset: ArrayLike = 0.0,
    ) -> None:
        w = real_array("weights", weights)
        if w.ndim != 2 or w.shape[1] < 1:
            raise InvalidArgument(f"weights must have shape (k, d) with d >= 1, got {w.shape}")
        k, d = w.shape
        b = real_array("biases", biases, (k,))
        a = real_array("output_weights", output_weights)
        if a.ndim not in (1, 2) or a.shape[-1] != k or (a.ndim == 2 and a.shape[0] < 1):
            raise InvalidArgument(
                f"output_weights must have shape ({k},) or (m, {k}) with m >= 1, got {a.shape}"
            )
        head = a.shape[:-1]  # () for a scalar network, (m,) otherwise
        u = np.zeros((*head, d)) if skip is None else real_array("skip", skip, (*head, d))
        c = real_array("offset", offset, head, ())
        c = c if c.shape == head else np.full(head, c)
        parts = dict(zip(FIELDS, (w, b, a, u, c), strict=True))
        for array in parts.values():
            array.flags.writeable = False
        vars(self).update(parts, dim=d, n_neurons=k, n_outputs=head[0] if head else 1)
        vars(self).update(is_scalar=not head, has_skip=bool(u.any()))
        vars(self).update(_form=_evaluated(*parts.values()))

    def __setattr__(self, name: str, value: Any) -> None:
        raise AttributeError(f"a ReluNetwork is immutable: cannot set {name!r}")

    def __delattr__(self, name: str) -> None:
        raise AttributeError(f"a ReluNetwork is immutable: cannot delete {name!r}")

    @property
    def n_parameters(self) -> int:
        """Number of free parameters, the unit D in which queries are counted.

        k(d+1) for the hidden layer (the scale of a neuron and of its output weight are one
        parameter when there is one output), mk output weights when m > 1, m(d+1) affine.
        """
        k, d, m = self.n_neurons, self.dim, self.n_outputs
        return k * (d + 1) + (m * k if m > 1 else 0) + m * (d + 1)

    # ------------------------------------------------------------- evaluation

    def __call__(self, x: ArrayLike) -> Array:
        """Evaluate the network.

        Parameters
        ----------
        x : array_like of shape (n, d) or (d,)

        Returns
        -------
        ndarray of shape (n,) or (), or (n, m) or (m,) for a network with several outputs
        """
        points, single = _points(x, self.dim)
        first, threshold, floor, second = self._form
        n, width = len(points), len(first)
        out = np.empty((n, *second.shape[1:]))
        rows = max(256, _CHUNK_BYTES // (8 * max(width, 1)))
        hidden = np.empty((min(n, rows), width))
        for start in range(0, n, rows):
            stop = min(start + rows, n)
            z = hidden[: stop - start]
            np.matmul(points[start:stop], first.T, out=z)
            z -= threshold
            np.maximum(z, floor, out=z)
            np.matmul(z, second, out=out[start:stop])
        if not self.has_skip:  # otherwise the offset was part of the threshold
            out += self.offset
        if not self.is_scalar:
            out = out.reshape(n, self.n_outputs)
        return np.asarray(out[0]) if single else out

    def activation_pattern(self, x: ArrayLike) -> NDArray[np.bool_]:
        """Which neurons are active.

        Parameters
        ----------
        x : array_like of shape (n, d) or (d,)

        Returns
        -------
        ndarray of bool, shape (n, k) or (k,)
        """
        points, single = _points(x, self.dim)
        pattern = points @ self.weights.T > self.biases
        return pattern[0] if single else pattern

    def gradient(self, x: ArrayLike) -> Array:
        """Gradient of every output; on a critical hyperplane, that of the inactive side.

        Parameters
        ----------
        x : array_like of shape (n, d) or (d,)

        Returns
        -------
        ndarray of shape (n, d) or (d,); (n, m, d) or (m, d) for several outputs
        """
        points, single = _points(x, self.dim)
        active = self.activation_pattern(points)
        if not self.is_scalar:
            active = active[:, None, :]
        result = (active * self.output_weights) @ self.weights + self.skip
        return result[0] if single else result

    def restrict(self, origin: ArrayLike, direction: ArrayLike) -> ReluNetwork:
        """The network along a line: t -> F(origin + t * direction), a network with one input.

        Parameters
        ----------
        origin, direction : array_like of shape (d,)
        """
        x0 = real_array("origin", origin, (self.dim,))
        v = real_array("direction", direction, (self.dim,))
        return ReluNetwork(
            (self.weights @ v)[:, None],
            self.biases - self.weights @ x0,
            self.output_weights,
            (self.skip @ v)[..., None],
            self.offset + self.skip @ x0,
        )

    # --------------------------------------------------------- equivalent forms

    def simplify(self, rtol: float = _SAME) -> ReluNetwork:
        """An equivalent network with one neuron per critical hyperplane and no dead neuron.

        Neurons with the same hyperplane become one, in either orientation, since
        relu(z) = relu(-z) + z; those without effect disappear; neurons with zero weights are
        constants and move into the offset. The others stay as they are, in their order.

        Parameters
        ----------
        rtol : float
            Two hyperplanes {<n, x> = beta} with unit normals are the same when the normals differ
            by at most `rtol` (up to sign) and the biases by at most rtol * (1 + |beta|). The
            default is a few units in the last place, so that the function stays the same to
            rounding; larger values merge near-duplicates, at a price in accuracy.
        """
        if not 0 <= rtol < 1:
            raise InvalidArgument(f"rtol must be in [0, 1), got {rtol!r}")
        a = np.atleast_2d(self.output_weights)
        skip, offset = np.atleast_2d(self.skip).copy(), np.atleast_1d(self.offset).copy()
        normal, beta, norm = normalised(self.weights, self.biases)
        flat = norm == 0
        offset += a[:, flat] @ np.maximum(-self.biases[flat], 0.0)
        alive = np.flatnonzero(~flat & a.any(axis=0))
        leader, sign = _same_hyperplanes(normal[alive], beta[alive], rtol)
        index = alive[leader]  # neuron alive[j] is merged into neuron index[j]

        flipped = alive[sign < 0]
        skip += a[:, flipped] @ self.weights[flipped]
        offset -= a[:, flipped] @ self.biases[flipped]
        keep, group = np.unique(index, return_inverse=True)
        jump = a[:, alive] * norm[alive]
        merged = np.zeros((len(a), len(keep)))
        total = np.zeros_like(merged)
        np.add.at(merged.T, group, jump.T)
        np.add.at(total.T, group, np.abs(jump).T)
        lasting = (np.abs(merged) > rtol * total).any(axis=0)
        alone = np.bincount(group, minlength=len(keep)) == 1  # to the last bit as it was
        merged = np.where(alone, a[:, keep], merged / norm[keep])[:, lasting]
        keep = keep[lasting]
        if self.is_scalar:
            merged, skip, offset = merged[0], skip[0], offset[0]
        return ReluNetwork(self.weights[keep], self.biases[keep], merged, skip, offset)

    def to_pure_relu(self) -> ReluNetwork:
        """The paper's output form: no affine part, as l(x) = relu(l(x)) - relu(-l(x)).

        Each output with an affine part costs two neurons.
        """
        u, c = np.atleast_2d(self.skip), np.atleast_1d(self.offset)
        rows = np.flatnonzero(u.any(axis=1) | (c != 0))
        pair = np.zeros((self.n_outputs, 2 * len(rows)))
        pair[rows, np.arange(len(rows))] = 1.0
        pair[rows, len(rows) + np.arange(len(rows))] = -1.0
        return ReluNetwork(
            np.concatenate([self.weights, u[rows], -u[rows]]),
            np.concatenate([self.biases, -c[rows], c[rows]]),
            np.concatenate([self.output_weights, pair[0] if self.is_scalar else pair], axis=-1),
        )

    # -------------------------------------------------------------- arithmetic

    def __add__(self, other: object) -> ReluNetwork:
        if not isinstance(other, ReluNetwork):
            return NotImplemented
        if (self.dim, self.offset.shape) != (other.dim, other.offset.shape):
            raise InvalidArgument(
                f"networks must have the same dim and outputs to be added, got {self} and {other}"
            )
        return ReluNetwork(
            np.concatenate([self.weights, other.weights]),
            np.concatenate([self.biases, other.biases]),
            np.concatenate([self.output_weights, other.output_weights], axis=-1),
            self.skip + other.skip,
            self.offset + other.offset,
        )

    def __mul__(self, factor: object) -> ReluNetwork:
        if not isinstance(factor, (int, float, np.integer, np.floating)):
            return NotImplemented
        c = float(factor)
        return ReluNetwork(
            self.weights, self.biases, c * self.output_weights, c * self.skip, c * self.offset
        )

    __rmul__ = __mul__

    def __neg__(self) -> ReluNetwork:
        return self * -1.0

    def __sub__(self, other: object) -> ReluNetwork:
        if not isinstance(other, ReluNetwork):
            return NotImplemented
        return self + -other

    # -------------------------------------------------------------- comparison

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, ReluNetwork):
            return NotImplemented
        return all(np.array_equal(getattr(self, f), getattr(other, f)) for f in FIELDS)

    def __hash__(self) -> int:
        # Adding zero turns -0.0 into 0.0: equal values, equal bytes.
        return hash(tuple((getattr(self, f) + 0.0).tobytes() for f in FIELDS))

    def __repr__(self) -> str:
        return (
            f"ReluNetwork(dim={self.dim}, neurons={self.n_neurons}, outputs={self.n_outputs}, "
            f"skip={self.has_skip})"
        )

    # ------------------------------------------------------------------- files

    def __reduce__(self) -> tuple[Any, ...]:
        return ReluNetwork, tuple(getattr(self, f) for f in FIELDS)

    def save(self, path: str | os.PathLike[str]) -> None:
        """Write the network to `path` (NumPy's npz format, whatever the name)."""
        with open(path, "wb") as file:
            np.savez(file, version=FILE_VERSION, **{f: getattr(self, f) for f in FIELDS})

    @classmethod
    def load(cls, path: str | os.PathLike[str]) -> ReluNetwork:
        """Read a network that `save` wrote.

        Raises
        ------
        InvalidArgument
            The file is damaged, of another version, or not a network.
        """
        what = f"network (cannot read {os.fspath(path)!r})"
        return read_file(path, what, FILE_VERSION, lambda data: cls(*(data[f] for f in FIELDS)))


def _points(x: ArrayLike, dim: int) -> tuple[NDArray[Any], bool]:
    """The rows of x (n, d) or (d,), and whether it is a single point."""
    points = np.asarray(x)
    if points.dtype.kind not in "biuf":
        raise InvalidArgument(f"x must be an array of real numbers, got dtype {points.dtype}")
    if points.ndim not in (1, 2) or points.shape[-1] != dim:
        raise InvalidArgument(f"x must have shape (n, {dim}) or ({dim},), got {points.shape}")
    return np.atleast_2d(points), points.ndim == 1


def _evaluated(
    w: Array, b: Array, a: Array, u: Array, c: Array
) -> tuple[Array, Array, Array | float, Array]:
    """The parameters as (S, t, floor, A), for the evaluation F(x) = max(S x - t, floor) @ A.

    A linear part rides along as m more rows of S that no floor cuts off, so that the (large)
    input is read once. Without one, the offset is left out.
    """
    first, threshold, head = w, b, np.atleast_2d(a)
    floor: Array | float = 0.0
    m = len(head)
    if u.any():
        first = np.concatenate([w, np.atleast_2d(u)])
        threshold = np.concatenate([b, -np.atleast_1d(c)])
        floor = np.concatenate([np.zeros(len(w)), np.full(m, -np.inf)])
        head = np.concatenate([head, np.eye(m)], axis=1)
    return first, threshold, floor, np.ascontiguousarray(head[0] if m == 1 else head.T)


def require_network(name: str, value: Any) -> ReluNetwork:
    """The argument, if its weights can be looked at."""
    if isinstance(value, ReluNetwork):
        return value
    kind = type(value).__name__
    raise InvalidArgument(
        f"{name} must be a ReluNetwork, got {kind}: of a black box only answers are known (learn "
        "it, or compare samples: sampled_loss, worst_error)"
    )


def subset(network: ReluNetwork, keep: NDArray[np.bool_]) -> ReluNetwork:
    """Some neurons of a network, with its affine part."""
    outputs = network.output_weights[..., keep]
    return ReluNetwork(
        network.weights[keep], network.biases[keep], outputs, network.skip, network.offset
    )


def lipschitz_bound(network: ReluNetwork) -> float:
    """An upper bound of the Lipschitz constant: |F(x) - F(y)| is at most so many times |x - y|.

    F's Jacobian is u + sum of a_i w_i^T over the active neurons, C + (sum of +-a_i w_i^T) / 2 with
    C = u + (sum of a_i w_i^T) / 2. The largest norm over all choices of signs is hard to find, and
    not every choice is the pattern of an input. It is at most |C| plus half of
    min(sum |a_i| |w_i|, |A S| |S^-1 W|), spectral norms with s_i = sqrt(|w_i| / |a_i|). Turning a
    neuron around changes neither C nor the rest: all descriptions of F have nearly the same bound.
    Exact for k <= 1.
    """
    top, skip = np.atleast_2d(network.output_weights), np.atleast_2d(network.skip)
    center = skip + top @ network.weights / 2
    a, w = np.linalg.norm(top, axis=0), np.linalg.norm(network.weights, axis=1)
    both = (a > 0) & (w > 0)
    if not both.any():
        return float(np.linalg.norm(center, 2))
    s = np.sqrt(w[both] / a[both])
    left = np.linalg.norm(top[:, both] * s, 2)
    right = np.linalg.norm(network.weights[both] / s[:, None], 2)
    return float(np.linalg.norm(center, 2) + min(a @ w, left * right) / 2)


def prune(network: ReluNetwork, size: float = 1e-12) -> ReluNetwork:
    """Drop neurons whose weights cannot matter: smaller than `size` times the largest."""
    outputs = np.atleast_2d(network.output_weights)
    strength = lengths(outputs.T) * lengths(network.weights)
    return subset(network, strength > size * strength.max(initial=0.0))


def normalised(weights: Array, biases: Array) -> tuple[Array, Array, Array]:
    """Unit normals (k, d), biases b_i / |w_i| (k,) and norms |w_i| (k,); zero weights stay zero."""
    largest, scaled, length = _scaled(weights)
    return scaled / length[:, None], biases / largest / length, lengths(weights)


def lengths(rows: Array) -> Array:
    """The Euclidean norms (n,) of rows of any size that float64 can hold."""
    largest, scaled, length = _scaled(rows)
    return np.where(scaled.any(axis=1), largest * length, 0.0)


def _scaled(rows: Array) -> tuple[Array, Array, Array]:
    """The square of a tiny or huge number would leave the range of floats: the largest entries (or
    1), rows that are divided by them, and their norms (1 for rows of zeros)."""
    largest = np.abs(rows).max(axis=1, initial=0.0)
    largest[largest == 0] = 1.0
    scaled = rows / largest[:, None]
    length = np.sqrt(np.einsum("ij,ij->i", scaled, scaled))
    length[length == 0] = 1.0
    return largest, scaled, length


def _same_hyperplanes(normal: Array, beta: Array, rtol: float) -> tuple[NDArray[np.intp], Array]:
    """For each neuron the first one with the same hyperplane, and the sign between their normals.

    Opposite twins have opposite (normal, beta), so the absolute value of one fixed random
    projection is equal for equal hyperplanes: sort by it, and compare only neighbours.
    """
    k, d = normal.shape
    leader, sign = np.arange(k), np.ones(k)
    probe = np.random.default_rng(0).standard_normal(d + 1)
    probe /= np.linalg.norm(probe)
    key = np.abs(normal @ probe[:d] + beta / (1 + np.abs(beta)) * probe[d])
    order = np.argsort(key, kind="stable")
    gap = 2 * rtol + 4 * (d + 1) * np.finfo(float).eps  # rounding of the projection itself
    runs = np.split(order, np.flatnonzero(np.diff(key[order]) > gap) + 1)
    for run in runs:
        rest = np.sort(run)
        while len(rest) > 1:
            first, rest = rest[0], rest[1:]
            s = np.where(normal[rest] @ normal[first] < 0, -1.0, 1.0)
            near = np.linalg.norm(normal[rest] - s[:, None] * normal[first], axis=1) <= rtol
            near &= np.abs(beta[rest] - s * beta[first]) <= rtol * (1 + abs(beta[first]))
            leader[rest[near]], sign[rest[near]] = first, s[near]
            rest = rest[~near]
    return leader, sign

"""What a network cannot do in a small box: bounds of its margins, quick ones and exact ones.

The margin of class y over j, F_y - F_j, is itself a network with one hidden layer. Is it positive
everywhere in a box around an input, no change of that size can turn y into j.

`interval_margins` adds the worst of every neuron, each at a point of its own [1]_: quick, and too
low. `exact_margin` looks for one point: a mixed integer program [2]_ with one binary variable for
each neuron whose hyperplane crosses the box, and that pulls the margin down. (One that pushes it
up is convex, and needs none.)

A certificate of a copy is one of the original as far as the two agree *in the box*:
`distance_in_box` bounds that for whoever has both. A Gaussian test set cannot: its points are
somewhere else.

References
----------
.. [1] S. Gowal, K. Dvijotham, R. Stanforth, R. Bunel, C. Qin, J. Uesato, R. Arandjelovic, T. Mann,
   P. Kohli, "On the Effectiveness of Interval Bound Propagation for Training Verifiably Robust
   Models", 2018, arXiv:1810.12715.
.. [2] V. Tjeng, K. Xiao, R. Tedrake, "Evaluating Robustness of Neural Networks with Mixed Integer
   Programming", ICLR 2019, arXiv:1711.07356.
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from relu_learn.asking.errors import ReluLearnError
from relu_learn.judging.matching import match_neurons
from relu_learn.network import ReluNetwork

Array = NDArray[np.float64]


def box_around(x: Array, size: float) -> tuple[Array, Array]:
    """Lower and upper ends of what is within `size` of x in every coordinate, and in [0, 1]."""
    return np.maximum(x - size, 0), np.minimum(x + size, 1)


def _ends(rows: Array, low: Array, high: Array) -> tuple[Array, Array]:
    """Least and greatest <row, x> over a box, for every row."""
    middle, half = rows @ (low + high) / 2, np.abs(rows) @ (high - low) / 2
    return middle - half, middle + half


def _against(network: ReluNetwork, label: int) -> tuple[Array, Array, Array]:
    """Output weights, linear part and constant of the margins of `label` over every class."""
    parts = network.output_weights, network.skip, network.offset
    a, u, c = (part[label] - part for part in parts)
    return a, u, c


def interval_margins(network: ReluNetwork, low: Array, high: Array, label: int) -> Array:
    """Lower bounds (m,) of the margins of `label` over every class in a box; 0 over itself.

    Parameters
    ----------
    network : ReluNetwork
        m outputs. Without a linear part (see `orient`) bounds are sharper.
    low, high : ndarray of shape (d,)
    label : int
    """
    a, u, c = _against(network, label)
    least, greatest = (np.maximum(z - network.biases, 0) for z in _ends(network.weights, low, high))
    bounds = np.maximum(a, 0) @ least + np.minimum(a, 0) @ greatest + _ends(u, low, high)[0] + c
    return np.asarray(bounds)


def exact_margin(
    network: ReluNetwork, low: Array, high: Array, label: int, other: int, below: float = math.inf
) -> tuple[float, Array | None]:
    """The least margin of `label` over `other` in a box, and a point that has it.

    Parameters
    ----------
    network, low, high, label
        As in `interval_margins`.
    other : int
    below : float
        Larger margins do not matter: (inf, None) if there are no others. Asking only whether there
        is a margin below 0 is about ten times as quick.
    """
    from scipy.optimize import Bounds, LinearConstraint, milp

    jumps, u, c = (part[other] for part in _against(network, label))
    least, greatest = (z - network.biases for z in _ends(network.weights, low, high))
    on, split = least >= 0, (least < 0) & (greatest > 0)
    # Neurons that are on all over the box are part of the affine function.
    u, c = u + jumps[on] @ network.weights[on], c - jumps[on] @ network.biases[on]
    w, b, a = network.weights[split], network.biases[split], jumps[split]
    least, greatest = least[split], greatest[split]
    n, up = len(a), a >= 0
    one, none = np.eye(n), np.zeros((n, network.dim))
    # Variables x, h = relu(z), and s = 1 where z = <w, x> - b > 0.
    above = np.hstack([w, -one, 0 * one]), b  # h >= z
    active = np.hstack([-w, one, np.diag(-least)]), -b - least  # h <= z + |least| (1 - s)
    silent = np.hstack([none, one, np.diag(-greatest)]), np.zeros(n)  # h <= greatest s
    cost = np.concatenate([u, a, np.zeros(n)])
    rows = np.vstack([above[0][up], active[0][~up], silent[0][~up], cost])
    most = np.concatenate([above[1][up], active[1][~up], silent[1][~up], [below - c]])
    zero = np.zeros(n)
    found = milp(
        cost,
        integrality=np.concatenate([np.zeros(network.dim + n), ~up]),
        bounds=Bounds(
            np.concatenate([low, zero, zero]), np.concatenate([high, greatest, zero + 1])
        ),
        constraints=LinearConstraint(rows, -np.inf, most),
    )
    if found.status == 2:  # infeasible
        return math.inf, None
    if found.status:
        raise ReluLearnError(f"the solver did not finish: {found.message}")
    return float(found.fun + c), np.asarray(found.x[: network.dim])


def is_certain(network: ReluNetwork, low: Array, high: Array, label: int, eta: float = 0.0) -> bool:
    """Whether `label` leads all other classes by more than `eta` everywhere in a box, exactly.

    Solvers work to 1e-6; so does this: a margin within that of `eta` is not certain.
    """
    eta += 1e-6 * (1 + float(np.abs(network.offset).max()))
    bounds = interval_margins(network, low, high, label)
    bounds[label] = math.inf
    doubtful = np.argsort(bounds)[: int((bounds <= eta).sum())]  # the likeliest first
    return all(
        exact_margin(network, low, high, label, int(j), below=eta)[1] is None for j in doubtful
    )


def distance_in_box(copy: ReluNetwork, original: ReluNetwork, low: Array, high: Array) -> float:
    """An upper bound of |copy - original| over a box and all outputs, for whoever has both.

    Neuron by neuron: with z = <n, x> - s of unit normals n and jumps A = a |w|,
    |A relu(z) - A' relu(z')| <= |A - A'| max relu(z) + |A'| max |z - z'|. Infinite if a neuron has
    no partner.
    """
    match = match_neurons(copy, original)
    if len(match.unmatched_found) or len(match.unmatched_true):
        return math.inf
    i, j = match.pairs.T
    f, g = match.found, match.true
    norms, sign = np.linalg.norm(f.weights[i], axis=1), np.where(match.flipped, -1.0, 1.0)
    scales = np.linalg.norm(g.weights[j], axis=1)
    jumps, true = f.output_weights[:, i] * norms, g.output_weights[:, j] * scales
    normals, biases = sign[:, None] * f.weights[i] / norms[:, None], sign * f.biases[i] / norms
    apart = _ends(normals - g.weights[j] / scales[:, None], low, high)
    shift = biases - g.biases[j] / scales
    off = np.maximum(np.abs(apart[0] - shift), np.abs(apart[1] - shift))
    most = np.maximum(_ends(normals, low, high)[1] - biases, 0)
    # relu(-z) = relu(z) - z: the linear part takes up what was turned around.
    turned = np.where(match.flipped, jumps, 0.0)
    ends = _ends(f.skip - g.skip - turned @ normals, low, high)
    rest = f.offset - g.offset + turned @ biases
    affine = np.maximum(np.abs(ends[0] + rest), np.abs(ends[1] + rest))
    return float((np.abs(jumps - true) @ most + np.abs(true) @ off + affine).max())

"""The experiments of lesson 9, on the digits network: what its copy is good for, in numbers.

Everything is computed from the copy; only `attacked` asks the secret. Results are kept.
"""

from __future__ import annotations

import dataclasses
import functools

import numpy as np
from numpy.typing import NDArray

from relu_learn import zoo
from relu_learn.copies import attack, smaller, verify
from relu_learn.judging.loss import gaussian_loss
from relu_learn.judging.orientation import orient
from relu_learn.learn import learn_from_queries
from relu_learn.network import ReluNetwork

Array = NDArray[np.float64]

COUNT = 60  # held-out digits that are attacked and verified
SIZES = tuple(round(0.01 * i, 2) for i in range(1, 7))  # of which all sixty are verified


@dataclasses.dataclass(frozen=True, eq=False)
class Theft:
    """A secret, its copy, and sixty digits that neither has seen and both get right."""

    secret: ReluNetwork
    copy: ReluNetwork
    queries: int
    to_be_sure: int
    images: Array
    labels: NDArray[np.intp]


@functools.cache
def theft() -> Theft:
    """The digits network, learned."""
    secret = zoo.digits()
    result = learn_from_queries(secret, 64, rng=0)
    copy = orient(result.network)
    images, labels = zoo.held_out_digits()
    right = np.flatnonzero(copy(images).argmax(axis=1) == labels)[:COUNT]
    return Theft(
        secret, copy, result.queries, result.queries_to_be_sure, images[right], labels[right]
    )


@functools.cache
def attacked(size: float) -> tuple[attack.Attack, attack.Attack]:
    """All sixty, by the copy's gradients and by asking the secret."""
    it = theft()
    by_copy = attack.by_gradients(it.copy, it.images, it.labels, size)
    return by_copy, attack.by_answers(it.secret, it.images, it.labels, size, rng=0)


@functools.cache
def certified(size: float) -> tuple[int, int, int]:
    """Of the sixty: certain by intervals; certain exactly; not fooled by gradients."""
    it, (by_copy, _) = theft(), attacked(size)
    quick = exact = 0
    for x, label, margin in zip(it.images, it.labels, by_copy.margins, strict=True):
        box = verify.box_around(x, size)
        bounds = verify.interval_margins(it.copy, *box, label)
        quick += bool(np.delete(bounds, label).min() > 0)
        exact += bool(margin > 0) and verify.is_certain(it.copy, *box, label)
    return quick, exact, int((by_copy.margins > 0).sum())


@functools.cache
def margins_of(digit: int, size: float) -> tuple[Array, Array, Array]:
    """Margins of one digit over each other class, (9,): interval bound, exact, of an attack."""
    it = theft()
    label = int(it.labels[digit])
    others = np.delete(np.arange(10), label)
    box = verify.box_around(it.images[digit], size)
    exact = [verify.exact_margin(it.copy, *box, label, int(j))[0] for j in others]
    scores = it.copy(attacked(size)[0].inputs[digit])
    bounds = verify.interval_margins(it.copy, *box, label)
    return bounds[others], np.array(exact), scores[label] - scores[others]


def wrong(network: ReluNetwork) -> float:
    """Per cent of the held-out digits that a network gets wrong."""
    images, labels = zoo.held_out_digits()
    return 100 * float((network(images).argmax(axis=1) != labels).mean())


@dataclasses.dataclass(frozen=True, eq=False)
class Reduced:
    """A smaller network: its loss in per cent of the best constant's, and its wrong digits."""

    network: ReluNetwork
    loss: float
    wrong: float
    kept: tuple[int, ...] = tuple(range(32))


def _reduced(network: ReluNetwork, kept: tuple[int, ...] = Reduced.kept) -> Reduced:
    copy = theft().copy
    share = 100 * gaussian_loss(copy, network) / smaller.variance(copy)
    return Reduced(network, share, wrong(network), kept)


@functools.cache
def prunings(affine: bool) -> list[Reduced]:
    """With 0, 1, ..., 32 neurons."""
    kept = list(range(theft().copy.n_neurons))
    found = [_reduced(theft().copy)]
    for neuron, network in smaller.pruned(theft().copy, affine):
        kept.remove(neuron)
        found.append(_reduced(network, tuple(kept)))
    return found[::-1]


@functools.cache
def ranks() -> list[Reduced]:
    """With hidden weights of rank 0, 1, ..., 32."""
    copy = theft().copy
    return [_reduced(smaller.of_rank(copy, rank)) for rank in range(copy.n_neurons + 1)]

"""Named secrets: pictures in the plane, hostile networks, and one trained on real data.

>>> from relu_learn import zoo
>>> zoo.get("tent")
ReluNetwork(dim=2, neurons=3, outputs=1, skip=False)
>>> zoo.near_parallel(dim=3, gap=1e-9, pairs=1, rng=7).n_neurons
5

Every name is also a function; the hostile and hard ones take sizes and a seed.
"""

from __future__ import annotations

import difflib
import functools
import inspect
from collections.abc import Callable, Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from relu_learn.asking.arguments import Seed, generator, integer, positive_number
from relu_learn.asking.errors import InvalidArgument
from relu_learn.network import ReluNetwork

Array = NDArray[np.float64]
Builder = Callable[..., ReluNetwork]
Rng = Any  # a secret's caller gives a Seed, its body gets a Generator: `_secret` makes it

KINDS = ("picture", "hostile", "hard", "real")
# Integer seeds are salted: the same seed given to a secret and to its learner must not make the
# learner's first line parallel to the secret's first weight vector.
_SALT = 0x5EC2E7

_SECRETS: dict[str, dict[str, Builder]] = {kind: {} for kind in KINDS}
hostile: Mapping[str, Builder] = MappingProxyType(_SECRETS["hostile"])


def _secret(kind: str, **least: int | float) -> Callable[[Builder], Builder]:
    """Register a function under its own name; the first paragraph of its docstring describes it.

    Its arguments are checked before it is called, in the order of `least`: an integer there asks
    for an integer of that size or more, 0.0 for any positive number.
    """

    def register(build: Builder) -> Builder:
        @functools.wraps(build)
        def checked(*args: Any, **parameters: Any) -> ReluNetwork:
            given = inspect.getcallargs(build, *args, **parameters)
            for name, bound in least.items():
                if isinstance(bound, float):
                    positive_number(name, given[name])
                else:
                    integer(name, given[name], bound)
            if "rng" in given:
                given["rng"] = generator(given["rng"], _SALT)
            return build(**given)

        _SECRETS[kind][build.__name__] = checked
        return checked

    return register


def names(kind: str | None = None) -> list[str]:
    """Names of the secrets: all, or those of one of `KINDS`."""
    if kind is not None and kind not in KINDS:
        raise InvalidArgument(f"kind must be one of {', '.join(KINDS)}, got {kind!r}")
    return [name for group in KINDS if kind in (None, group) for name in _SECRETS[group]]


def get(name: str, **parameters: Any) -> ReluNetwork:
    """The secret called `name`.

    Parameters
    ----------
    name : str
        One of `names()`.
    **parameters
        Sizes and seed for a hostile or hard secret, as in the function of that name.

    Raises
    ------
    InvalidArgument
        Unknown name (the message lists close matches) or parameter.
    """
    build = _find(name)
    known = list(inspect.signature(build).parameters)
    for parameter in parameters:
        if parameter not in known:
            takes = ", ".join(known) or "none"
            raise InvalidArgument(f"{name} has no parameter {parameter!r} (it takes: {takes})")
    return build(**parameters)


def describe(name: str) -> str:
    """One sentence about the secret called `name`."""
    text = " ".join((_find(name).__doc__ or "").split("\n\n")[0].split())
    if name == "digits":
        accuracy, n = digits_accuracy()
        text = f"{text[:-1]}: {accuracy:.1%} right on {n} held-out images."
    return text


def _find(name: str) -> Builder:
    for group in _SECRETS.values():
        if isinstance(name, str) and name in group:
            return group[name]
    close = difflib.get_close_matches(str(name).lower().replace("-", "_"), names(), cutoff=0.5)
    hint = f"; did you mean {' or '.join(close)}?" if close else ""
    raise InvalidArgument(f"name must be one of zoo.names(), got {name!r}{hint}")


# --------------------------------------------------------------------- helpers


def _unit(rng: np.random.Generator, n: int, dim: int) -> Array:
    """n random unit vectors."""
    w = rng.standard_normal((n, dim))
    return w / np.linalg.norm(w, axis=1, keepdims=True)


def _signs(rng: np.random.Generator, n: int) -> Array:
    """Random output weights that are not small: what is hidden must be worth finding."""
    return rng.choice([-1.0, 1.0], n) * rng.uniform(0.5, 1.5, n)


def _with_company(rng: np.random.Generator, *special: ArrayLike) -> ReluNetwork:
    """Special neurons (weights, biases, output weights) among three ordinary ones."""
    network = ReluNetwork(*special)
    return network + random_network(network.dim, 3, rng=rng)


def _angles(degrees: ArrayLike) -> Array:
    """Unit vectors in the plane."""
    t = np.deg2rad(np.asarray(degrees, dtype=float))
    return np.stack([np.cos(t), np.sin(t)], axis=1)


def _turn(n: int, start: float = 0.0) -> Array:
    return _angles(start + 360.0 / n * np.arange(n))


def random_network(
    dim: int, neurons: int, outputs: int = 1, rng: Seed = None, skip: bool = False
) -> ReluNetwork:
    """A network with Gaussian parameters, scaled so that its values are of order 1.

    Parameters
    ----------
    dim, neurons, outputs : int
        d >= 1, k >= 0 and m >= 1. One output makes a scalar network.
    rng : int, Generator or None
    skip : bool
        Add a random affine part.
    """
    for name, value, least in (("dim", dim, 1), ("outputs", outputs, 1), ("neurons", neurons, 0)):
        integer(name, value, least)
    random = generator(rng, _SALT)
    head = () if outputs == 1 else (outputs,)
    weights = random.standard_normal((neurons, dim)) / np.sqrt(dim)
    biases = 0.5 * random.standard_normal(neurons)
    top = random.standard_normal((*head, neurons)) / np.sqrt(max(neurons, 1))
    if not skip:
        return ReluNetwork(weights, biases, top)
    linear = random.standard_normal((*head, dim)) / np.sqrt(dim)
    return ReluNetwork(weights, biases, top, linear, random.standard_normal(head))


# -------------------------------------------------------- pictures: two inputs


@_secret("picture")
def crease() -> ReluNetwork:
    """A sheet of paper with one fold: the smallest secret there is."""
    return ReluNetwork(_angles([30]), [0.4], [1.0])


@_secret("picture")
def tent() -> ReluNetwork:
    """A ridge between two parallel foot lines on flat ground."""
    return ReluNetwork(_angles([30, 30, 30]), [-1.2, 0.1, 1.4], [1.0, -2.0, 1.0])


@_secret("picture")
def paper_plane() -> ReluNetwork:
    """Five folds that fan out from the nose: a keel, two flat wings, two bent edges."""
    w = _angles([13, 0, -13, 42, 138])
    nose = np.array([0.0, 2.9])
    # The first three jumps cancel, so that both wings lie in one plane.
    return ReluNetwork(w, w @ nose, [-1.5, 3.0 * np.cos(np.deg2rad(13)), -1.5, -0.75, -0.75])


@_secret("picture")
def pyramid() -> ReluNetwork:
    """A ten-sided roof over five folds that all meet in its tip."""
    return ReluNetwork(_turn(5, 17), np.zeros(5), np.full(5, -0.8), offset=2.0)


@_secret("picture")
def crater() -> ReluNetwork:
    """A flat floor with seven corners, and walls that rise from it."""
    return ReluNetwork(_turn(7, 17), np.ones(7), np.full(7, 0.7))


@_secret("picture")
def valley() -> ReluNetwork:
    """A gorge with a sharp bottom line, closed by a slope at either end."""
    w = _angles([30, 120, -60])
    return ReluNetwork(w, [0.0, 1.0, 1.2], [1.8, 0.8, 0.8], -0.9 * w[0])


@_secret("picture")
def ripples() -> ReluNetwork:
    """An accordion: seven folds up and down in turn, slightly fanned."""
    up_and_down = [1.0, -2.0, 2.0, -2.0, 2.0, -2.0, 2.0]
    return ReluNetwork(_angles(np.linspace(20, 44, 7)), np.linspace(-2.1, 2.1, 7), up_and_down)


@_secret("picture")
def crystal() -> ReluNetwork:
    """A twelve-fold star: six folds make a peak, six more flatten the ground around it."""
    w = np.concatenate([_turn(6, 11), _turn(6, 41)])
    return ReluNetwork(w, np.repeat([0.25, 1.35], 6), np.repeat([-1.0, 1.0], 6), offset=2.0)


@_secret("picture")
def mosaic() -> ReluNetwork:
    """Ten folds at random, as a trained network might have them."""
    rng = np.random.default_rng(4)
    w = _angles(18 * (np.arange(10) + rng.uniform(-0.3, 0.3, 10)))
    w *= np.where(rng.random(10) < 0.5, -1.0, 1.0)[:, None]
    a = rng.permutation(np.repeat([1.0, -1.0], 5))
    return ReluNetwork(w, rng.uniform(-1.5, 1.5, 10), a)


# ------------------------------------------------ hostile: what breaks attacks


@_secret("hostile", dim=1)
def constant(dim: int = 3, value: float = 1.5) -> ReluNetwork:
    """No neuron and no slope: violates the assumption that there is anything to find."""
    return ReluNetwork(np.zeros((0, dim)), [], [], offset=value)


@_secret("hostile", dim=1)
def affine(dim: int = 3, rng: Rng = 0) -> ReluNetwork:
    """An affine function: violates the assumption of at least one critical point on a line."""
    return random_network(dim, 0, rng=rng, skip=True)


@_secret("hostile", dim=1)
def single(dim: int = 4, rng: Rng = 0) -> ReluNetwork:
    """One neuron: violates the assumption that scales can be read off neighbouring kinks."""
    return ReluNetwork(_unit(rng, 1, dim), rng.uniform(-1, 1, 1), _signs(rng, 1))


@_secret("hostile", neurons=0)
def one_dimensional(neurons: int = 6, rng: Rng = 0) -> ReluNetwork:
    """One input: violates the assumption of directions across the line, as there are none."""
    w = rng.choice([-1.0, 1.0], (neurons, 1)) * rng.uniform(0.5, 2.0, (neurons, 1))
    return ReluNetwork(w, w[:, 0] * rng.uniform(-2, 2, neurons), _signs(rng, neurons))


@_secret("hostile", dim=1, groups=1, copies=1)
def duplicates(dim: int = 5, groups: int = 2, copies: int = 3, rng: Rng = 0) -> ReluNetwork:
    """The same neuron several times, at different scales: violates "no two neurons are equal"."""
    n = groups * copies
    scale = rng.uniform(0.5, 2.0, n)
    w = np.repeat(_unit(rng, groups, dim), copies, axis=0) * scale[:, None]
    b = np.repeat(rng.uniform(-1, 1, groups), copies) * scale
    return _with_company(rng, w, b, rng.uniform(0.5, 1.5, n))


@_secret("hostile", dim=1, pairs=1)
def opposite_twins(
    dim: int = 5, pairs: int = 2, cancelling: bool = True, rng: Rng = 0
) -> ReluNetwork:
    """Pairs relu(z), relu(-z): violates "every neuron makes a kink": cancelling twins are affine.

    With `cancelling=False` the two halves differ, and the pair is one kink plus an affine part.
    """
    w, b, a = _unit(rng, pairs, dim), rng.uniform(-1, 1, pairs), _signs(rng, pairs)
    other = -a if cancelling else a * rng.uniform(0.5, 2.0, pairs)
    return _with_company(rng, np.r_[w, -w], np.r_[b, -b], np.r_[a, other])


@_secret("hostile", dim=1, pairs=1, gap=0.0)
def near_parallel(
    dim: int = 5,
    gap: float = 1e-4,
    pairs: int = 2,
    cancelling: bool = False,
    opposite: bool = False,
    rng: Rng = 0,
) -> ReluNetwork:
    """Pairs of nearly equal neurons: violates the assumption of well separated critical points.

    Parameters
    ----------
    dim, pairs : int
    gap : float
        Angle between the two normals of a pair, in radians, and difference of their biases.
    cancelling : bool
        The two have output weights a and -a: only their small difference is visible.
    opposite : bool
        The two are active on opposite sides.
    rng : int, Generator or None
    """
    w, b, a = _unit(rng, pairs, dim), rng.uniform(-1, 1, pairs), _signs(rng, pairs)
    aside = rng.standard_normal((pairs, dim))
    aside -= np.sum(aside * w, axis=1, keepdims=True) * w
    length = np.linalg.norm(aside, axis=1, keepdims=True)
    # d = 1 has no direction aside: there only the bias differs.
    aside = np.where(length > 1e-9, aside / np.where(length > 1e-9, length, 1.0), 0.0)
    side = -1.0 if opposite else 1.0
    w2 = side * (np.cos(gap) * w + np.sin(gap) * aside)
    b2 = side * (b + gap)
    a2 = -a if cancelling else a * rng.uniform(0.5, 2.0, pairs)
    return _with_company(rng, np.r_[w, w2], np.r_[b, b2], np.r_[a, a2])


@_secret("hostile", dim=1, neurons=1, gap=0.0)
def clump(dim: int = 5, neurons: int = 8, gap: float = 1e-3, rng: Rng = 0) -> ReluNetwork:
    """Many nearly identical neurons of both signs: violates "kinks can be told apart one by one".

    Training neurons to be nearly identical has been proposed as a defence (arXiv 2509.16546).
    """
    w = _unit(rng, 1, dim) + gap * rng.standard_normal((neurons, dim))
    b = rng.uniform(-1, 1) + gap * rng.standard_normal(neurons)
    return _with_company(rng, w, b, _signs(rng, neurons))


@_secret("hostile", dim=1, neurons=1)
def parallel_bundle(dim: int = 5, neurons: int = 6, rng: Rng = 0) -> ReluNetwork:
    """One normal, many biases: violates "the weight vectors are linearly independent"."""
    scale = rng.choice([-1.0, 1.0], neurons) * rng.uniform(0.5, 2.0, neurons)
    w = scale[:, None] * _unit(rng, 1, dim)
    b = scale * np.linspace(-1.5, 1.5, neurons)
    return _with_company(rng, w, b, _signs(rng, neurons))


@_secret("hostile", dim=1, hats=1, width=0.0)
def hat(dim: int = 2, width: float = 0.1, hats: int = 1, rng: Rng = 0) -> ReluNetwork:
    """Narrow bumps (weights 1, -2, 1): violates "equal end slopes mean that no kink is between"."""
    w = np.repeat(_unit(rng, hats, dim), 3, axis=0)
    b = (rng.uniform(-1, 1, (hats, 1)) + [-width, 0.0, width]).ravel()
    return _with_company(rng, w, b, np.tile([1.0, -2.0, 1.0], hats) / width)


@_secret("hostile", dim=1, steps=1, width=0.0)
def staircase(dim: int = 2, steps: int = 4, width: float = 0.02, rng: Rng = 0) -> ReluNetwork:
    """Steep risers between flat steps: violates the assumption of moderate slopes between kinks."""
    edges = np.linspace(-1.5, 1.5, steps) if steps > 1 else np.zeros(1)
    b = (edges[:, None] + [0.0, width]).ravel()
    w = np.repeat(_unit(rng, 1, dim), 2 * steps, axis=0)
    return _with_company(rng, w, b, np.tile([1.0, -1.0], steps) / width)


@_secret("hostile", dim=1, neurons=0)
def lattice(dim: int = 3, neurons: int = 12, rng: Rng = 0) -> ReluNetwork:
    """Integer normals and half-integer biases: violates "hyperplanes are in general position"."""
    w = rng.integers(-1, 2, (neurons, dim)).astype(float)
    blank = ~w.any(axis=1)
    w[blank, rng.integers(0, dim, int(blank.sum()))] = 1.0
    b = rng.integers(-2, 3, neurons) / 2
    return ReluNetwork(w, b, rng.choice([-1.0, 1.0], neurons))


@_secret("hostile", dim=1, neurons=0)
def through_origin(dim: int = 5, neurons: int = 8, rng: Rng = 0) -> ReluNetwork:
    """All hyperplanes meet at the origin: violates "biases are generic"."""
    return ReluNetwork(_unit(rng, neurons, dim), np.zeros(neurons), _signs(rng, neurons))


@_secret("hostile", dim=1, neurons=1, ratio=0.0)
def tiny_and_huge(
    dim: int = 4, neurons: int = 6, ratio: float = 1e10, balanced: bool = False, rng: Rng = 0
) -> ReluNetwork:
    """Norms spread over many orders of magnitude: violates "one threshold fits all neurons".

    Parameters
    ----------
    dim, neurons : int
    ratio : float
        Largest over smallest norm; the norms lie geometrically around 1.
    balanced : bool
        Output weights undo the norms, so that all neurons matter equally.
    rng : int, Generator or None
    """
    norm = np.geomspace(ratio**-0.5, ratio**0.5, neurons)
    b = norm * rng.uniform(-1, 1, neurons)
    a = _signs(rng, neurons) / (norm if balanced else 1.0)
    return ReluNetwork(norm[:, None] * _unit(rng, neurons, dim), b, a)


@_secret("hostile", dim=1, neurons=1, distance=0.0)
def far_hyperplanes(
    dim: int = 4, neurons: int = 4, distance: float = 8.0, rng: Rng = 0
) -> ReluNetwork:
    """Kinks many standard deviations out: violates "a random line crosses every hyperplane soon".

    Half of them are always active and half never, as far as Gaussian inputs can tell.
    """
    side = np.where(np.arange(neurons) % 2, 1.0, -1.0)
    b = side * distance * rng.uniform(1.0, 1.5, neurons)
    return _with_company(rng, _unit(rng, neurons, dim), b, _signs(rng, neurons))


@_secret("hostile", dim=1)
def dead_neurons(dim: int = 4, rng: Rng = 0) -> ReluNetwork:
    """Zero weights or zero output: violates "all k neurons can be found", as some do nothing."""
    w = np.concatenate([np.zeros((3, dim)), _unit(rng, 2, dim)])
    return _with_company(rng, w, [-1.0, 0.0, 1.0, 0.3, -0.3], [2.0, 1.0, 1.0, 0.0, 0.0])


@_secret("hostile", dim=1, neurons=0)
def wide(dim: int = 5, neurons: int = 200, rng: Rng = 0) -> ReluNetwork:
    """Far more neurons than inputs: violates "k <= d", on which sign recovery used to rest."""
    return random_network(dim, neurons, rng=rng)


@_secret("hostile", scale=0.0, dim=1, neurons=0)
def scaled_outputs(dim: int = 5, neurons: int = 6, scale: float = 1e9, rng: Rng = 0) -> ReluNetwork:
    """Answers of size 1e9 (or 1e-9): violates the assumption of outputs of order 1."""
    return random_network(dim, neurons, rng=rng, skip=True) * scale


@_secret("hostile", dim=1, outputs=1, neurons=0)
def rank_one_outputs(dim: int = 6, neurons: int = 8, outputs: int = 4, rng: Rng = 0) -> ReluNetwork:
    """Several outputs that are multiples of one: violates "more outputs tell more"."""
    top = np.outer(_signs(rng, outputs), _signs(rng, neurons))
    w, b = _unit(rng, neurons, dim), rng.uniform(-1, 1, neurons)
    return ReluNetwork(w, b, top)


@_secret("hostile", dim=1, outputs=2, neurons=0)
def sparse_outputs(dim: int = 6, neurons: int = 8, outputs: int = 4, rng: Rng = 0) -> ReluNetwork:
    """Each neuron feeds one output and the last output none: violates "every output sees all"."""
    top = np.zeros((outputs, neurons))
    top[np.arange(neurons) % (outputs - 1), np.arange(neurons)] = _signs(rng, neurons)
    return ReluNetwork(_unit(rng, neurons, dim), rng.uniform(-1, 1, neurons), top)


# ------------------------------------------- hard: what training cannot find


@_secret("hard", dim=2, neurons=4)
def lower_bound(dim: int = 20, neurons: int = 12, rng: Rng = 0) -> ReluNetwork:
    """Alternating neurons around a hidden plane: hard to learn from examples, not from queries.

    F(x) = sum_j (-1)^j relu(<u_j, x>), with 2m unit vectors u_j at equal angles in a random plane
    and m even: the family of a lower bound for learning from examples [1]_. Turning the
    plane by pi / m changes the sign of F, so that along circles in it only the frequencies m, 3m,
    5m, ... occur: F is uncorrelated with every polynomial of degree below m, whatever the plane,
    and the first steps of a training see nothing that points to it. As u_(j+m) = -u_j, the neurons
    share m creases in pairs, F = sum_(j<m) (-1)^j |<u_j, x>|, with values of order 1 / m.

    Parameters
    ----------
    dim : int
        d >= 2.
    neurons : int
        2m, a multiple of 4. (For odd m > 1 the sum is zero.)
    rng : int, Generator or None
        Draws the plane.

    References
    ----------
    .. [1] I. Diakonikolas, D. Kane, V. Kontonis, N. Zarifis, "Algorithms and SQ Lower Bounds for
       PAC Learning One-Hidden-Layer ReLU Networks", COLT 2020, arXiv:2006.12476.
    """
    if neurons % 4:
        raise InvalidArgument(f"neurons must be a multiple of 4, got {neurons}")
    plane, _ = np.linalg.qr(rng.standard_normal((dim, 2)))
    signs = np.where(np.arange(neurons) % 2, -1.0, 1.0)
    return ReluNetwork(_turn(neurons) @ plane.T, np.zeros(neurons), signs)


@_secret("hard", teeth=1)
def sawtooth(teeth: int = 16) -> ReluNetwork:
    """A saw on one input: the training of a network smooths its teeth away, queries find them.

    A triangle wave between 0 and 1 on [-2, 2], and 0 elsewhere; tips and notches are kinks.
    Networks that are trained by gradients learn low frequencies first [1]_: with as many examples
    as the learner has queries, the loss of `baselines.fit_student` stays above half of the
    variance, where random features and ridge regression come below a hundredth. It is the training
    that fails, not the examples.

    Parameters
    ----------
    teeth : int
        Number of tips, at least 1; the network has 2 teeth + 1 neurons.

    References
    ----------
    .. [1] N. Rahaman et al., "On the Spectral Bias of Neural Networks", ICML 2019,
       arXiv:1806.08734.
    """
    kinks = np.linspace(-2.0, 2.0, 2 * teeth + 1)
    bends = np.where(np.arange(2 * teeth + 1) % 2, -2.0, 2.0)
    bends[[0, -1]] = 1.0
    return ReluNetwork(np.ones((2 * teeth + 1, 1)), kinks, bends * teeth / 2)


# ------------------------------------------------------------------- real data


def _digits_file() -> dict[str, Array]:
    with np.load(Path(__file__).with_name("data") / "digits.npz") as data:
        return {name: data[name] for name in data.files}


@_secret("real")
def digits() -> ReluNetwork:
    """A 64-32-10 classifier of handwritten digits (8 x 8 pixels in [0, 1], logits out).

    Trained by `relu_learn/data/train_digits.py` on the digits that scikit-learn bundles.
    """
    data = _digits_file()
    return ReluNetwork(
        data["weights"], data["biases"], data["output_weights"], offset=data["offset"]
    )


@_secret("real")
def small_digits(alike: str = "none") -> ReluNetwork:
    """A 64-16-10 classifier of the same digits, its neurons made alike on purpose if you like.

    Trained by `relu_learn/data/train_small_digits.py`. Nearly identical neurons have been proposed
    as a defence (arXiv 2509.16546).

    Parameters
    ----------
    alike : {"none", "pairs", "all"}
        Which neurons were drawn together in training.
    """
    if alike not in ("none", "pairs", "all"):
        raise InvalidArgument(f"alike must be none, pairs or all, got {alike!r}")
    with np.load(Path(__file__).with_name("data") / "small_digits.npz") as data:
        w, b, a, c = (
            data[f"{alike}_{name}"] for name in ("weights", "biases", "output_weights", "offset")
        )
    return ReluNetwork(w, b, a, offset=c)


def digits_accuracy() -> tuple[float, int]:
    """Share of right answers of `digits()` on images it was not trained on, and their number."""
    data = _digits_file()
    return float(data["test_accuracy"]), int(data["test_size"])


def held_out_digits() -> tuple[Array, NDArray[np.intp]]:
    """The images that `digits()` and `small_digits()` were not trained on.

    Returns
    -------
    images : ndarray of shape (450, 64)
        Pixels in [0, 1].
    labels : ndarray of int, shape (450,)
    """
    with np.load(Path(__file__).with_name("data") / "digits_held_out.npz") as data:
        return data["images"] / 16.0, data["labels"].astype(np.intp)

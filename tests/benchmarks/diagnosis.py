"""What is not a one-hidden-layer network is named, with a witness; what is one, is learned.

    python tests/benchmarks/diagnosis.py --seeds 10

Every witness is checked by asking the black box at its points, as a user would.
"""

from __future__ import annotations

import argparse
import sys
import time
import warnings
from collections import Counter
from collections.abc import Callable

import numpy as np
from common import limited, table
from scipy.special import erf

from relu_learn import (
    BlackBoxError,
    NotOneHiddenLayer,
    NotPiecewiseLinear,
    ReluLearnError,
    learn_from_queries,
    worst_error,
    zoo,
)

BlackBox = Callable[[np.ndarray], np.ndarray]
Build = Callable[[int, np.random.Generator], BlackBox]
DIMS = (2, 5, 20, 64)


def relu(z: np.ndarray) -> np.ndarray:
    return np.maximum(z, 0)


def sigmoid(z: np.ndarray) -> np.ndarray:
    return 0.5 * (1 + np.tanh(z / 2))


# ------------------------------------------------------------------ one hidden layer


def hidden(activation: Callable[[np.ndarray], np.ndarray]) -> Build:
    """One hidden layer with this activation."""

    def build(dim: int, rng: np.random.Generator) -> BlackBox:
        k = max(4, min(dim, 12))
        w = 2 * rng.standard_normal((dim, k)) / np.sqrt(dim)
        b, a = 0.5 * rng.standard_normal(k), rng.standard_normal(k)
        return lambda x: activation(x @ w + b) @ a

    return build


def maxout(dim: int, rng: np.random.Generator) -> BlackBox:
    """Sum of maxima of two affine functions."""
    w, b, a = rng.standard_normal((dim, 8)), rng.standard_normal(8), rng.standard_normal(4)
    return lambda x: (x @ w + b).reshape(len(x), 4, 2).max(axis=2) @ a


INSIDE: dict[str, Build] = {
    "ReLU": hidden(relu),
    "leaky ReLU": hidden(lambda z: np.where(z > 0, z, 0.1 * z)),
    "PReLU": hidden(lambda z: relu(z) + np.linspace(-0.5, 0.9, z.shape[1]) * np.minimum(z, 0)),
    "abs": hidden(np.abs),
    "hard tanh": hidden(lambda z: np.clip(z, -1, 1)),
    "hard sigmoid": hidden(lambda z: np.clip(0.2 * z + 0.5, 0, 1)),
    "ReLU6": hidden(lambda z: np.clip(z, 0, 6)),
    "maxout of two": maxout,
}


# ------------------------------------------------------------------------------- curved


def softmax(z: np.ndarray) -> np.ndarray:
    e = np.exp(z - z.max(axis=1, keepdims=True))
    return e / e.sum(axis=1, keepdims=True)


def probabilities(dim: int, rng: np.random.Generator) -> BlackBox:
    """Of a linear classifier. (Their logarithms' differences are in the class.)"""
    w = rng.standard_normal((dim, 4)) / np.sqrt(dim)
    return lambda x: softmax(x @ w)


def confident(dim: int, rng: np.random.Generator) -> BlackBox:
    """A classifier with a hidden layer that is sure: 0 and 1 to all digits nearly everywhere."""
    k = max(6, min(dim, 20))
    w, b = rng.standard_normal((dim, k)), rng.standard_normal(k)
    a = 10 / np.sqrt(k) * rng.standard_normal((k, 5))
    return lambda x: softmax(relu(x @ w - b) @ a)


CURVED: dict[str, Build] = {
    "fast sine": hidden(lambda z: np.sin(1e3 * z)),
    "tanh": hidden(np.tanh),
    "sigmoid": hidden(sigmoid),
    "GELU": hidden(lambda z: z * 0.5 * (1 + erf(z / np.sqrt(2)))),
    "softplus": hidden(lambda z: np.logaddexp(0, z)),
    "sharp softplus": hidden(lambda z: np.logaddexp(0, 1e4 * z) / 1e4),
    "sharper softplus": hidden(lambda z: np.logaddexp(0, 1e7 * z) / 1e7),
    "sin": hidden(np.sin),
    "|x|²": lambda dim, rng: lambda x: (x**2).sum(axis=1),
    "|x|": lambda dim, rng: lambda x: np.sqrt((x**2).sum(axis=1)),
    "softmax": probabilities,
    "sure softmax": confident,
}


# ---------------------------------------------------------------------------- with jumps


def data(dim: int, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    x = rng.standard_normal((300, dim))
    return x, x[:, 0] * x[:, 1 % dim] + 0.1 * rng.standard_normal(300)


def tree(dim: int, rng: np.random.Generator) -> BlackBox:
    from sklearn.tree import DecisionTreeRegressor

    return DecisionTreeRegressor(random_state=0).fit(*data(dim, rng)).predict


def small_tree(dim: int, rng: np.random.Generator) -> BlackBox:
    from sklearn.tree import DecisionTreeRegressor

    return DecisionTreeRegressor(max_depth=2, random_state=0).fit(*data(dim, rng)).predict


def nearest_neighbour(dim: int, rng: np.random.Generator) -> BlackBox:
    from sklearn.neighbors import KNeighborsRegressor

    return KNeighborsRegressor(1).fit(*data(dim, rng)).predict


def label(dim: int, rng: np.random.Generator) -> BlackBox:
    """The number of the largest of ten affine functions."""
    w, b = rng.standard_normal((dim, 10)), rng.standard_normal(10)
    return lambda x: np.argmax(x @ w + b, axis=1).astype(float)


def few_bits(dim: int, rng: np.random.Generator) -> BlackBox:
    """A network whose inputs are rounded, as those of an image service are. (Finer rounding of many
    inputs is small noise, and averaged away.)"""
    inside = hidden(relu)(dim, rng)
    return lambda x: inside(np.round(x * 16) / 16)


JUMPING: dict[str, Build] = {
    "step": hidden(lambda z: (z > 0).astype(float)),
    "sign": hidden(np.sign),
    "one step": lambda dim, rng: lambda x: (x[:, 0] > 0.3).astype(float),
    "label": label,
    "inputs of few bits": few_bits,
    "decision tree": tree,
    "small decision tree": small_tree,
    "nearest neighbour": nearest_neighbour,
}


# --------------------------------------------------------------------------------- deeper


def two_layers(dim: int, rng: np.random.Generator) -> BlackBox:
    first, second = rng.standard_normal((dim, 8)), rng.standard_normal((8, 8))
    b, c, a = 0.3 * rng.standard_normal(8), 0.3 * rng.standard_normal(8), rng.standard_normal(8)
    first, second = first * np.sqrt(2 / dim), second * np.sqrt(2 / 8)
    return lambda x: relu(relu(x @ first + b) @ second + c) @ a


def trained_two_layers(dim: int, rng: np.random.Generator) -> BlackBox:
    from sklearn.neural_network import MLPRegressor

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # it has not converged: no matter
        model = MLPRegressor(hidden_layer_sizes=(16, 16), max_iter=60, random_state=0)
        model.fit(*data(dim, rng))
    (w1, w2, w3), (b1, b2, b3) = model.coefs_, model.intercepts_
    return lambda x: (relu(relu(x @ w1 + b1) @ w2 + b2) @ w3 + b3)[:, 0]


def max_pooling(dim: int, rng: np.random.Generator) -> BlackBox:
    """Sum of maxima of three affine functions. (Of two would be in the class.)"""
    w, b, a = rng.standard_normal((dim, 12)), rng.standard_normal(12), rng.standard_normal(4)
    return lambda x: (x @ w + b).reshape(len(x), 4, 3).max(axis=2) @ a


def median(dim: int, rng: np.random.Generator) -> BlackBox:
    """Its creases do not end, but turn over: from convex to concave."""
    w = rng.standard_normal((dim, 3))
    return lambda x: np.median(x @ w, axis=1)


DEEPER: dict[str, Build] = {
    "two layers": two_layers,
    "two layers, trained": trained_two_layers,
    "max-pooling": max_pooling,
    "median of three": median,
}


# ----------------------------------------------------------------------------- changing


class Stateful:
    """A network whose answers depend on what else was asked."""

    def __init__(self, dim: int, rng: np.random.Generator) -> None:
        self.secret = zoo.random_network(dim, 8, rng=rng)
        self.other = zoo.random_network(dim, 8, rng=rng)
        self.rng, self.calls, self.rows, self.last = rng, 0, 0, 0.0

    def __call__(self, x: np.ndarray) -> np.ndarray:
        y = self.answer(x, self.secret(x))
        self.calls, self.rows = self.calls + 1, self.rows + len(x)
        return y

    def answer(self, x: np.ndarray, y: np.ndarray) -> np.ndarray:
        raise NotImplementedError


class Drift(Stateful):
    def answer(self, x, y):
        return y + 1e-3 * self.calls


class DriftByRow(Stateful):
    def answer(self, x, y):
        return y + 1e-5 * (self.rows + np.arange(len(x)))


class Counter2(Stateful):
    def answer(self, x, y):
        return y * (1 + 0.1 * (self.calls % 2))


class Batch(Stateful):
    def answer(self, x, y):
        return y - y.mean()


class StaleCache(Stateful):
    def answer(self, x, y):
        y[0], self.last = self.last, y[-1]
        return y


class Dropout(Stateful):
    def answer(self, x, y):
        return y * (self.rng.random(len(x)) < 0.8)


class Random(Stateful):
    def answer(self, x, y):
        return self.rng.standard_normal(len(x))


CHANGING: dict[str, Build] = {
    "drift by calls": Drift,
    "drift by rows": DriftByRow,
    "every other call": Counter2,
    "minus the batch's mean": Batch,
    "stale cache": StaleCache,
    "dropout": Dropout,
    "random": Random,
}

OUTSIDE: list[tuple[dict[str, Build], type[ReluLearnError]]] = [
    (CURVED, NotPiecewiseLinear),
    (JUMPING, NotPiecewiseLinear),
    (DEEPER, NotOneHiddenLayer),
    (CHANGING, BlackBoxError),
]


# ------------------------------------------------------------------------------ checking


def bend(black_box: BlackBox, segment: np.ndarray) -> tuple[float, float]:
    """How much F bends on a segment of three points, per unit of length; and its value there."""
    y = np.asarray(black_box(segment)).reshape(3, -1)
    second = y[0] - 2 * y[1] + y[2]
    j = int(np.abs(second).argmax())
    length = float(np.linalg.norm(segment[2] - segment[0]))
    return float(second[j]) / length, float(np.abs(y).max()) / length


def verdict(build: Build, dim: int, seed: int, expected: type[ReluLearnError]) -> str:
    """ "" if the error is the expected one and its witness holds, otherwise what is wrong."""
    black_box = build(dim, np.random.default_rng([dim, seed]))
    try:
        with limited(60):
            result = learn_from_queries(black_box, dim, rng=seed, max_queries=300_000)
    except expected as error:
        if error.partial is None or error.partial.queries < 1:
            return "nothing is left of what was paid for"
        if isinstance(error, BlackBoxError):
            said = error.query is not None and "answer the same point alike" in str(error)
            return "" if said else f"says: {error}"
        there, size = bend(black_box, error.witness)
        middle = (error.witness[0] + error.witness[2]) / 2
        if np.abs(middle - error.witness[1]).max() > 1e-12 * (1 + np.abs(middle).max()):
            return "the witness's second point is not the midpoint"
        if isinstance(error, NotPiecewiseLinear):
            return "" if abs(there) > 1e-13 * size else "the witness does not bend"
        crease, _ = bend(black_box, error.crease)
        return "" if there / crease < 0.6 else "the crease is the same at the witness"
    except ReluLearnError as error:
        return f"{type(error).__name__}: {error}"
    if expected is NotOneHiddenLayer:
        # So far from the origin that fewer inputs than the certificate says would notice?
        x = np.random.default_rng(seed).standard_normal((100_000, dim))
        wrong = np.abs(black_box(x) - result.network(x)) > result.certificate.eta
        if wrong.mean() <= result.certificate.mass:
            return ""
    return f"learned: {result}"


def learned(build: Build, dim: int, seed: int) -> str:
    """ "" if a black box inside the class is recovered."""
    black_box = build(dim, np.random.default_rng([dim, seed]))
    try:
        with limited(60):
            result = learn_from_queries(black_box, dim, rng=seed)
    except ReluLearnError as error:
        return f"{type(error).__name__}: {error}"
    worst, scale = worst_error(black_box, result.network, dim=dim)
    return "" if worst <= 1e-8 * scale else f"error {worst / scale:.1e}"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seeds", type=int, default=10)
    parser.add_argument("--dims", default=",".join(map(str, DIMS)))
    parser.add_argument("--quick", action="store_true", help="two inputs, one seed")
    options = parser.parse_args()
    dims = [2] if options.quick else [int(d) for d in options.dims.split(",")]
    seeds = range(1 if options.quick else options.seeds)
    rows, failures = [], Counter[str]()
    for boxes, expected in [(INSIDE, None), *OUTSIDE]:
        for name, build in boxes.items():
            row, start = [name, expected.__name__ if expected else "learned"], time.perf_counter()
            for dim in dims:
                check = (
                    (lambda s, b=build, d=dim, e=expected: verdict(b, d, s, e))
                    if expected
                    else (lambda s, b=build, d=dim: learned(b, d, s))
                )
                what = [check(seed) for seed in seeds]
                row.append(f"{what.count('')}/{len(what)}")
                failures.update(f"{name}, dim={dim}: {w}" for w in what if w)
            rows.append([*row, f"{time.perf_counter() - start:.1f}"])
    print(table(["black box", "answer", *(f"d={d}" for d in dims), "seconds"], rows))
    for what, n in failures.items():
        print(f"{n} x {what}")
    print(f"{failures.total()} wrong answers")
    sys.exit(failures.total() > 0)


if __name__ == "__main__":
    main()

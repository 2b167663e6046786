"""Passive learners: what can be had from random labelled examples, without choosing the questions.

Each sees n pairs (x, F(x)) with Gaussian x, the same number that the query learner asks. All are
tuned on a held-out fifth of their examples, trained again on all of them, and free of scales
(inputs and outputs are standardised first).

>>> import numpy as np
>>> from relu_learn import zoo
>>> secret, rng = zoo.get("tent"), np.random.default_rng(0)
>>> x = rng.standard_normal((200, 2))
>>> fit_random_features(x, secret(x), rng=0)(x[:5]).shape
(5,)
"""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import numpy as np
from numpy.random import Generator
from numpy.typing import ArrayLike, NDArray

from relu_learn.asking.arguments import Seed, generator, positive_int, positive_number, real_array
from relu_learn.asking.errors import InvalidArgument, ReluLearnError
from relu_learn.asking.oracle import BlackBox, Oracle
from relu_learn.learn import learn_from_queries
from relu_learn.network import ReluNetwork

Array = NDArray[np.float64]

# With 300 to 1200 examples of 10-15-1, near_parallel and digits the held-out ones chose 0.03 or
# 0.1, never 0.003. 15,000 steps instead of 5,000 divided most losses by 10 to 1000; L-BFGS after
# 5,000 steps took longer and did no better.
LEARNING_RATES = (0.01, 0.03, 0.1)
_STEPS = 15_000
_TEST_POINTS = 10_000


@dataclasses.dataclass(frozen=True, eq=False, repr=False)
class Fitted:
    """A trained passive learner, to be called like the secret.

    Attributes
    ----------
    method : str
        One of `METHODS`.
    setting : str
        What the held-out examples chose.
    validation_loss : float
        Mean of |F - F'|^2 on the held-out examples (before training on all of them).
    predict : callable
        (n, d) -> (n,) or (n, m).
    network : ReluNetwork or None
        The student, which is itself in the class.
    """

    method: str
    setting: str
    validation_loss: float
    predict: Callable[[ArrayLike], Array]
    network: ReluNetwork | None = None

    def __call__(self, x: ArrayLike) -> Array:
        return self.predict(x)

    def __repr__(self) -> str:
        loss = f"validation_loss={self.validation_loss:.1e}"
        return f"Fitted({self.method!r}, {self.setting}, {loss})"


@dataclasses.dataclass(frozen=True, eq=False)
class LossCurve:
    """Loss against the number of examples or queries.

    Attributes
    ----------
    method : str
    budgets : ndarray of int, shape (b,)
    losses : ndarray of shape (b,)
        Mean of |F - F'|^2 over fresh Gaussian points, in units of the variance of F: 1 is what
        the best constant has.
    """

    method: str
    budgets: NDArray[np.intp]
    losses: Array


# ------------------------------------------------------------------- the examples


class _Examples:
    """Standardised examples, and the way back to the units of the secret."""

    def __init__(self, x: ArrayLike, y: ArrayLike) -> None:
        inputs, outputs = real_array("x", x), real_array("y", y)
        if inputs.ndim != 2 or inputs.shape[1] < 1:
            raise InvalidArgument(f"x must have shape (n, d), got {inputs.shape}")
        if outputs.ndim not in (1, 2) or len(outputs) != len(inputs):
            raise InvalidArgument(
                f"y must have shape (n,) or (n, m) for n={len(inputs)}, got {outputs.shape}"
            )
        if len(inputs) < 10:
            raise InvalidArgument(f"x must have at least 10 rows, got {len(inputs)}")
        self.is_scalar = outputs.ndim == 1
        outputs = outputs.reshape(len(inputs), -1)
        self.x_mean, self.x_size = inputs.mean(axis=0), _size(inputs)
        self.y_mean, self.y_size = outputs.mean(axis=0), _size(outputs)
        self.x = self.standard(inputs)
        self.y = (outputs - self.y_mean) / self.y_size

    def standard(self, x: ArrayLike) -> Array:
        return (np.asarray(x, dtype=float) - self.x_mean) / self.x_size

    def original(self, y: Array) -> Array:
        y = self.y_mean + self.y_size * y.reshape(len(y), -1)
        return y[:, 0] if self.is_scalar else y

    def loss(self, error: Array) -> float:
        """Mean of |F - F'|^2 from the standardised error (n, m)."""
        return float(((error * self.y_size) ** 2).sum(axis=1).mean())

    def split(self, rng: Generator) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
        """Indices for training, and a held-out fifth."""
        order = rng.permutation(len(self.x))
        held_out = len(order) // 5
        return order[held_out:], order[:held_out]


def _size(values: Array) -> Array:
    size = values.std(axis=0)
    return np.where(size > 0, size, 1.0)


# ------------------------------------------------------------------- a student network


def fit_student(
    x: ArrayLike,
    y: ArrayLike,
    neurons: int,
    rng: Seed = None,
    *,
    epochs: int | None = None,
    learning_rates: Sequence[float] = LEARNING_RATES,
    batch: int | None = None,
) -> Fitted:
    """A network of the secret's kind, trained by Adam [1]_.

    The best of several learning rates on held-out examples is trained again on all of them. Each
    has a random start of its own, because small students get stuck.

    Parameters
    ----------
    x : array_like of shape (n, d)
    y : array_like of shape (n,) or (n, m)
    neurons : int
        Width of the student.
    rng : int, numpy.random.Generator or None
    epochs : int, optional
        Default: about 15,000 steps in all, and at most 1200 epochs.
    learning_rates : sequence of float
        At the start; they fall to zero along a cosine.
    batch : int, optional
        Default: a sixteenth of the examples, between 32 and 256.

    References
    ----------
    .. [1] D. P. Kingma, J. Ba, "Adam: a method for stochastic optimization", ICLR 2015.
    """
    if epochs is not None:
        epochs = positive_int("epochs", epochs)
    data, random = _Examples(x, y), generator(rng)
    train, held_out = data.split(random)
    starts = random.integers(2**31, size=len(learning_rates))

    def last(choice: int, rows: NDArray[np.intp]) -> _Student:
        start = np.random.default_rng(starts[choice])
        student = _Student(data, neurons, start, learning_rates[choice], batch)
        student.train(rows, epochs)
        return student

    tried = [data.loss(last(i, train).error(held_out)) for i in range(len(learning_rates))]
    losses = np.where(np.isfinite(tried), tried, np.inf)
    best = int(np.argmin(losses))
    network = last(best, np.arange(len(data.x))).network()
    setting = f"{neurons} neurons, learning rate {learning_rates[best]:g}"
    return Fitted("student", setting, float(losses[best]), network, network)


class _Student:
    """All parameters in one vector, so that a step of Adam is a handful of array operations."""

    def __init__(
        self, data: _Examples, neurons: int, rng: Generator, rate: float, batch: int | None
    ) -> None:
        neurons = positive_int("neurons", neurons)
        self.data, self.rng, self.rate = data, rng, positive_number("learning_rate", rate)
        (n, d), m = data.x.shape, data.y.shape[1]
        usual = int(np.clip(n // 16, 32, 256))
        self.batch = usual if batch is None else positive_int("batch", batch)
        shapes = [(d, neurons), (neurons,), (neurons, m), (m,)]
        vectors = np.zeros((4, sum(map(math.prod, shapes))))
        self.theta, self.gradient, self.first, self.second = vectors
        self.parameters, self.slopes = _views(self.theta, shapes), _views(self.gradient, shapes)
        self.done = 0
        w, b, a, _ = self.parameters
        # He et al. 2015, with biases spread over the data.
        w[:] = rng.standard_normal(w.shape) * np.sqrt(2 / d)
        b[:] = rng.standard_normal(b.shape)
        a[:] = rng.standard_normal(a.shape) / np.sqrt(neurons)

    def error(self, rows: NDArray[np.intp]) -> Array:
        w, b, a, c = self.parameters
        return np.maximum(self.data.x[rows] @ w - b, 0) @ a + c - self.data.y[rows]

    def network(self) -> ReluNetwork:
        """In the units of the secret."""
        (w, b, a, c), data = self.parameters, self.data
        weights = w.T / data.x_size
        outputs = data.y_size[:, None] * a.T
        offset = data.y_mean + data.y_size * c
        if data.is_scalar:
            outputs, offset = outputs[0], offset[0]
        return ReluNetwork(weights, b + weights @ data.x_mean, outputs, None, offset)

    def train(self, rows: NDArray[np.intp], epochs: int | None) -> None:
        if epochs is None:
            epochs = int(np.clip(_STEPS * self.batch // len(self.data.x), 20, 1200))
        for _ in range(epochs):
            order = self.rng.permutation(rows)
            starts = range(0, len(order), self.batch)
            for start in starts:
                self._step(order[start : start + self.batch])
                self._adam(epochs * len(starts))

    def _step(self, rows: NDArray[np.intp]) -> None:
        """The gradient of the loss on some rows."""
        w, b, a, c = self.parameters
        dw, db, da, dc = self.slopes
        x = self.data.x[rows]
        hidden = np.maximum(x @ w - b, 0)
        error = (hidden @ a + c - self.data.y[rows]) * (2 / len(rows))
        back = (error @ a.T) * (hidden > 0)
        dw[:], db[:] = x.T @ back, -back.sum(axis=0)
        da[:], dc[:] = hidden.T @ error, error.sum(axis=0)

    def _adam(self, total: int) -> None:
        self.done += 1
        rate = self.rate * 0.5 * (1 + np.cos(np.pi * self.done / total))
        g, m, v = self.gradient, self.first, self.second
        m += 0.1 * (g - m)
        v += 0.001 * (g * g - v)
        step = rate * np.sqrt(1 - 0.999**self.done) / (1 - 0.9**self.done)
        self.theta -= step * m / (np.sqrt(v) + 1e-10)


def _views(vector: Array, shapes: Sequence[tuple[int, ...]]) -> list[Array]:
    ends = np.cumsum([math.prod(shape) for shape in shapes])[:-1]
    return [part.reshape(s) for part, s in zip(np.split(vector, ends), shapes, strict=True)]


# ------------------------------------------------------------------- random features, trees


def fit_random_features(
    x: ArrayLike,
    y: ArrayLike,
    rng: Seed = None,
    *,
    widths: Sequence[int] | None = None,
    ridges: Sequence[float] = tuple(10.0 ** np.arange(-10, 3)),
) -> Fitted:
    """Ridge regression on random ReLUs and the inputs; width and ridge from held-out examples.

    Parameters
    ----------
    x : array_like of shape (n, d)
    y : array_like of shape (n,) or (n, m)
    rng : int, numpy.random.Generator or None
    widths : sequence of int, optional
        Numbers of random neurons to try. Default: a quarter, once and four times the number of
        examples, up to a few thousand.
    ridges : sequence of float
        Penalties to try, relative to the mean square of a feature times the examples.
    """
    data, random = _Examples(x, y), generator(rng)
    n, d = data.x.shape
    if widths is None:
        # The cost is n * width^2: keep it to seconds.
        most = int(np.clip(np.sqrt(2e9 / n), 1000, 2000))
        widths = sorted({max(1, min(most, w)) for w in (n // 4, n, 4 * n)})
    if not len(widths) or min(widths) < 1:
        raise InvalidArgument(f"widths must be positive integers, got {widths!r}")
    w = random.standard_normal((d, max(widths))) / np.sqrt(d)
    b = random.standard_normal(max(widths))
    train, held_out = data.split(random)

    def features(points: Array, width: int) -> Array:
        relus = np.maximum(points @ w[:, :width] - b[:width], 0)
        return np.concatenate([relus, points, np.ones((len(points), 1))], axis=1)

    best = (np.inf, widths[0], ridges[0])
    for width in widths:
        solve = _ridge(features(data.x[train], width), data.y[train])
        test = features(data.x[held_out], width)
        for ridge in ridges:
            loss = data.loss(test @ solve(ridge) - data.y[held_out])
            best = min(best, (loss, width, ridge))
    loss, width, ridge = best
    top = _ridge(features(data.x, width), data.y)(ridge)

    def predict(points: ArrayLike) -> Array:
        return data.original(features(data.standard(points), width) @ top)

    return Fitted("random features", f"{width} features, ridge {ridge:g}", loss, predict)


def _ridge(features: Array, y: Array) -> Callable[[float], Array]:
    """Ridge solutions for any penalty from one eigendecomposition."""
    n, p = features.shape
    wide = p > n
    gram = features @ features.T if wide else features.T @ features
    values, vectors = np.linalg.eigh(gram)
    mean = values.sum() / min(n, p)
    right = vectors.T @ (y if wide else features.T @ y)

    def solve(ridge: float) -> Array:
        inner = vectors @ (right / (np.maximum(values, 0) + ridge * mean)[:, None])
        return features.T @ inner if wide else inner

    return solve


def fit_boosting(
    x: ArrayLike,
    y: ArrayLike,
    rng: Seed = None,
    *,
    learning_rates: Sequence[float] | None = None,
    iterations: int | None = None,
) -> Fitted:
    """Gradient-boosted trees from scikit-learn, one model for each output.

    Learning rate and number of trees are chosen on held-out examples, for every output. Default:
    rates 0.05, 0.1 and 0.2, and at most 300 trees; for more than three outputs, which would take
    minutes, rate 0.1 and at most 100 trees.

    Raises
    ------
    ImportError
        Without scikit-learn.
    """
    from sklearn.ensemble import HistGradientBoostingRegressor

    data, random = _Examples(x, y), generator(rng)
    train, held_out = data.split(random)
    seed = int(random.integers(2**31))
    outputs = range(data.y.shape[1])
    few = len(outputs) <= 3
    rates = learning_rates or ((0.05, 0.1, 0.2) if few else (0.1,))
    most = iterations or (300 if few else 100)

    def model(rate: float, trees: int, rows: NDArray[np.intp], output: int) -> Any:
        trained = HistGradientBoostingRegressor(
            learning_rate=rate, max_iter=trees, early_stopping=False, random_state=seed
        )
        return trained.fit(data.x[rows], data.y[rows, output])

    def tried(output: int) -> Iterator[tuple[float, float, int]]:
        for rate in rates:
            stages = model(rate, most, train, output).staged_predict(data.x[held_out])
            for trees, guess in enumerate(stages, 1):
                yield float(np.mean((guess - data.y[held_out, output]) ** 2)), rate, trees

    chosen = [min(tried(j)) for j in outputs]
    everything = np.arange(len(data.x))
    models = [model(rate, trees, everything, j) for j, (_, rate, trees) in enumerate(chosen)]

    def predict(points: ArrayLike) -> Array:
        inputs = data.standard(points)
        return data.original(np.stack([trained.predict(inputs) for trained in models], axis=1))

    loss = float(np.sum([c[0] * data.y_size[j] ** 2 for j, c in enumerate(chosen)]))
    trees = sum(c[2] for c in chosen)
    return Fitted("boosting", f"{trees} trees", loss, predict)


# ------------------------------------------------------------------- loss against examples

METHODS: dict[str, Callable[[Array, Array, int, Generator], Fitted]] = {
    "student": fit_student,
    "student x4": lambda x, y, neurons, rng: fit_student(x, y, 4 * neurons, rng),
    "random features": lambda x, y, neurons, rng: fit_random_features(x, y, rng),
    "boosting": lambda x, y, neurons, rng: fit_boosting(x, y, rng),
}


def fit(method: str, secret: BlackBox, dim: int, neurons: int, n: int, rng: Seed = None) -> Fitted:
    """Train a passive learner on n random examples of a secret.

    Parameters
    ----------
    method : str
        One of `METHODS`.
    secret : callable
        (n, d) -> (n,) or (n, m).
    dim, neurons : int
        Of the secret. (The students are told the number of neurons.)
    n : int
    rng : int, numpy.random.Generator or None
    """
    if method not in METHODS:
        raise InvalidArgument(f"method must be one of {', '.join(METHODS)}, got {method!r}")
    random = generator(rng)
    x = random.standard_normal((n, dim))
    fitted = METHODS[method](x, np.asarray(secret(x), dtype=float), max(neurons, 1), random)
    return dataclasses.replace(fitted, method=method)


def loss_curve(
    secret: ReluNetwork, budgets: Sequence[int], method: str = "student", rng: Seed = None
) -> LossCurve:
    """How good a learner is with so many examples or queries.

    Parameters
    ----------
    secret : ReluNetwork
    budgets : sequence of int
        Numbers of random examples; of queries for "queries".
    method : str
        One of `METHODS`, or "queries": this package's learner, stopped when the budget is spent.
    rng : int, numpy.random.Generator or None
    """
    random = generator(rng)
    test = random.standard_normal((_TEST_POINTS, secret.dim))
    true = secret(test).reshape(_TEST_POINTS, -1)
    variance = float(true.var(axis=0).sum()) or 1.0
    # The same random numbers for every budget: examples are added to those of the budget before,
    # and all query budgets cut one and the same run.
    seed = int(random.integers(2**63))
    losses = []
    for budget in budgets:
        if method == "queries":
            guess = _with_budget(secret, int(budget), np.random.default_rng(seed))
        else:
            guess = fit(method, secret, secret.dim, secret.n_neurons, int(budget), seed)
        error = guess(test).reshape(_TEST_POINTS, -1) - true
        losses.append(float((error**2).sum(axis=1).mean()) / variance)
    return LossCurve(method, np.asarray(budgets, dtype=np.intp), np.array(losses))


def _with_budget(secret: ReluNetwork, budget: int, rng: Generator) -> BlackBox:
    """What the query learner has when the budget is spent."""
    oracle = Oracle(secret, secret.dim, max_queries=budget)
    try:
        return learn_from_queries(oracle, secret.dim, rng=rng).network
    except ReluLearnError as error:
        if error.partial is not None:
            return error.partial.network
        return secret * 0.0

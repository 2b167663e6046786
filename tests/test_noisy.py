"""Imprecise answers: the estimate of the noise, and the learner that averages it away."""

from collections.abc import Callable

import numpy as np
import pytest

from relu_learn import learn_from_queries, worst_error, zoo
from relu_learn.bounded.box import Box
from relu_learn.core.errors import InvalidArgument, NotPiecewiseLinear, QueryBudgetExceeded
from relu_learn.core.lines import Line
from relu_learn.core.network import ReluNetwork
from relu_learn.core.oracle import Oracle
from relu_learn.core.target import Target
from relu_learn.imprecise.fit import NoisyStep, learn_noisy
from relu_learn.imprecise.kind import estimate_noise

pytestmark = pytest.mark.numerical

Ask = Callable[[np.ndarray], np.ndarray]


def single(net: ReluNetwork) -> Ask:
    """The network as it would run in float32."""
    w, b, a, u, c = (
        v.astype(np.float32)
        for v in (net.weights, net.biases, np.atleast_2d(net.output_weights), net.skip, net.offset)
    )

    def ask(x: np.ndarray) -> np.ndarray:
        x = x.astype(np.float32)
        return np.maximum(x @ w.T - b, np.float32(0)) @ a.T + (x @ np.atleast_2d(u).T + c)

    return ask


def noisy(net: ReluNetwork, sigma: float, seed: int = 0) -> Ask:
    rng = np.random.default_rng(1000 + seed)  # not the stream that points are drawn from
    return lambda x: (y := net(x).reshape(len(x), -1)) + sigma * rng.standard_normal(y.shape)


def rounded(net: ReluNetwork, decimals: int) -> Ask:
    return lambda x: net(x).reshape(len(x), -1).round(decimals)


def estimate(ask: Ask, dim: int, seed: int = 0):
    rng = np.random.default_rng(seed)
    return estimate_noise(ask, rng.standard_normal(dim), rng.standard_normal(dim), rng)


def error_on_the_line(ask: Ask, net: ReluNetwork, seed: int) -> np.ndarray:
    """Root-mean-square error (m,) of the answers on the line on which `estimate` measures it."""
    rng = np.random.default_rng(seed)
    origin, direction = rng.standard_normal((2, net.dim))
    x = origin + np.multiply.outer(rng.uniform(-0.95, 0.95, 1000), direction)
    return np.sqrt(np.square(ask(x) - net(x)).mean(axis=0))


def last_step(
    ask: Ask, net: ReluNetwork, noise: float, seed: int = 0, **options
) -> tuple[NoisyStep, float]:
    """The last step, and the root-mean-square error of F' on fresh Gaussian points."""
    rng = np.random.default_rng(seed)
    target = Target(Oracle(ask, net.dim))
    *_, last = learn_noisy(target, np.full(net.n_outputs, noise), rng, **options)
    x = np.random.default_rng(99).standard_normal((4000, net.dim))
    return last, float(np.sqrt(np.mean((last.network(x) - net(x).reshape(len(x), -1)) ** 2)))


# ---------------------------------------------------------------------- estimate_noise


@pytest.mark.parametrize("net", [zoo.random_network(10, 15, rng=1), zoo.digits()])
def test_exact_answers_have_rounding_noise(net):
    for seed in range(20):
        found = estimate(net, net.dim, seed)
        assert found.kind == "exact" and (found.sigma < 1e-12).all()


@pytest.mark.parametrize("decimals", [1, 2, 3, 4, 5, 6])
def test_rounding_to_decimals_is_recognised(decimals):
    for seed in range(10):
        net = zoo.random_network(10, 15, 3, rng=seed)
        found = estimate(rounded(net, decimals), 10, seed)
        assert (found.kind, found.step) == ("rounded", 1 / 10.0**decimals)
        np.testing.assert_allclose(found.sigma, 10.0**-decimals / np.sqrt(12))


def test_other_lattices_and_float32_decimals_are_recognised():
    net = zoo.random_network(10, 15, rng=3)
    assert estimate(lambda x: np.round(net(x) * 256) / 256, 10).step == pytest.approx(1 / 256)
    assert estimate(lambda x: net(x).round(3).astype(np.float32), 10).step == 1e-3


def test_float32_is_recognised_in_outputs_and_in_inputs():
    """Compared with the error on the line that was measured: elsewhere other neurons are active.

    The estimate is the upper quartile of 16 independent |N(0, s)| / 1.15, raised by 1.5. To be
    below s / 3, twelve of them have to be less than 0.26 s, which is a chance of 4e-6; to be above
    5 s, four have to be more than 3.8 s, a chance of 5e-13. Kinks are too rare to spoil four of the
    16 (15 on the whole line, of which a place covers 2e-4). It is raised to the rounding of the
    largest answer, if that is more: the error is no less than the rounding of the usual one, and on
    a line through the middle the largest is hardly ever more than 5 times that.
    """
    for seed in range(10):
        net = zoo.random_network(20, 15, 2, rng=seed)
        for ask in (single(net), lambda x, net=net: net(x.astype(np.float32))):
            found = estimate(ask, 20, seed)
            true = error_on_the_line(ask, net, seed)
            assert found.kind == "float32"
            assert (found.sigma > true / 3).all() and (found.sigma < 5 * true).all()


@pytest.mark.parametrize("sigma", [1e-8, 1e-3, 0.1])
def test_random_noise_is_measured(sigma):
    ratios = [
        float(estimate(noisy(zoo.random_network(10, 15, rng=s), sigma, s), 10, s).sigma[0]) / sigma
        for s in range(30)
    ]
    assert 0.95 < np.mean(ratios) < 1.05 and min(ratios) > 0.5 and max(ratios) < 1.6


def test_noise_of_constants_is_rounding():
    assert estimate(zoo.constant(), 3).kind == "exact"
    assert estimate(lambda x: np.zeros(len(x)), 3).kind == "exact"


def test_estimate_is_cheap():
    net = zoo.random_network(4, 3, rng=0)
    for ask, queries in ((net, 28), (noisy(net, 0.1), 52)):
        oracle = Oracle(ask, 4)
        estimate(oracle, 4)
        assert oracle.queries == queries


def test_lattices_of_any_size_are_recognised():
    net = zoo.random_network(10, 15, rng=3)
    assert estimate(lambda x: net(x).round(3) * 1e9, 10).step == 1e6


# ------------------------------------------------------------------------- learn_noisy


@pytest.mark.parametrize("seed", range(2))
@pytest.mark.parametrize("sigma", [1e-6, 1e-3, 1e-1])
def test_error_is_below_additive_noise(seed, sigma):
    net = zoo.random_network(10, 15, rng=seed)
    last, error = last_step(noisy(net, sigma, seed), net, sigma)
    assert last.finished and error < (0.8 if sigma < 0.1 else 1.0) * sigma
    assert last.network.n_neurons <= 17  # at 1e-1 weak neurons are below the noise


@pytest.mark.parametrize("decimals", [3, 6])
def test_error_is_below_rounding_noise(decimals):
    net = zoo.random_network(10, 15, rng=4)
    sigma = 10.0**-decimals / np.sqrt(12)
    last, error = last_step(rounded(net, decimals), net, sigma)
    assert last.finished and error < 0.8 * sigma


def test_several_outputs_share_neurons():
    net = zoo.random_network(16, 10, 5, rng=0)
    last, error = last_step(noisy(net, 1e-3), net, 1e-3)
    assert last.finished and error < 0.8e-3 and last.network.n_neurons == 10


def test_float32_network_to_1e_6():
    net = zoo.random_network(10, 15, rng=2)
    last, error = last_step(single(net), net, float(estimate(single(net), 10).sigma[0]))
    assert last.finished and error < 1e-6


@pytest.mark.parametrize("dim, neurons, outputs", [(10, 15, 1), (30, 20, 5)])
def test_the_learner_takes_all_kinds_of_float32(dim, neurons, outputs):
    net = zoo.random_network(dim, neurons, outputs, rng=3)
    x = np.random.default_rng(9).standard_normal((4000, dim))
    for ask in (
        single(net),
        lambda x: net(x).astype(np.float32),
        lambda x: net(x.astype(np.float32)),
    ):
        result = learn_from_queries(ask, dim, rng=0)
        error = np.abs(result.network(x).reshape(len(x), -1) - net(x).reshape(len(x), -1))
        assert error.max() < 1e-5 * net(x).std()
        assert (error.max(axis=1) > result.certificate.eta).mean() <= result.certificate.mass


def test_noise_as_large_as_the_function_gives_an_honest_network():
    net = zoo.random_network(5, 4, rng=1)
    x = np.random.default_rng(9).standard_normal((4000, 5))
    sigma = float(net(x).std())
    result = learn_from_queries(noisy(net, sigma), 5, rng=0)
    error = np.abs(result.network(x) - net(x).reshape(-1, 1))
    assert np.sqrt((error**2).mean()) < sigma
    assert (error > result.certificate.eta).mean() <= result.certificate.mass


def test_a_rough_start_is_improved():
    net = zoo.random_network(30, 12, rng=0)
    off = 0.2 * np.random.default_rng(1).standard_normal(net.weights.shape) / np.sqrt(30)
    rough = ReluNetwork(net.weights + off, net.biases, net.output_weights)
    last, error = last_step(noisy(net, 1e-3), net, 1e-3, start=rough)
    assert last.finished and error < 0.8e-3 and last.network.n_neurons <= 12


def test_bounds_are_kept():
    net = zoo.random_network(6, 8, rng=0)

    def ask(x: np.ndarray) -> np.ndarray:
        assert (x >= 0).all() and (x <= 1).all()
        return net(x)[:, None].round(4)

    box = Box((0.0, 1.0), 6)
    target = Target(box.asking(Oracle(ask, 6)), space=box)
    *_, last = learn_noisy(target, np.array([3e-5]), np.random.default_rng(0))
    z = np.random.default_rng(1).uniform(-1, 1, (1000, 6))
    # Corners of the box are rarely sampled: not always down to the noise there.
    assert np.sqrt(np.mean((last.network(z)[:, 0] - net(box.place(z))) ** 2)) < 2 * 3e-5


@pytest.mark.parametrize("net", [zoo.constant(), zoo.affine(), ReluNetwork([[1.0]], [0.3], [1.0])])
def test_small_networks(net):
    last, error = last_step(noisy(net, 1e-2), net, 1e-2)
    assert last.finished and error < 5e-3 and last.network.n_neurons <= 1


def test_outside_the_class_it_does_not_claim_to_be_finished():
    rng = np.random.default_rng(0)
    target = Target(Oracle(lambda x: np.sin(3 * x[:, :1]) * x[:, 1:2], 4))
    steps = list(learn_noisy(target, np.array([1e-6]), rng, max_neurons=20))
    assert not steps[-1].finished and steps[-1].held_out > 100


def test_every_step_is_a_network_when_the_budget_ends():
    net = zoo.random_network(10, 15, rng=0)
    oracle = Oracle(net, 10, max_queries=900)
    steps = learn_noisy(Target(oracle), np.array([1e-3]), np.random.default_rng(0))
    seen = []
    with pytest.raises(QueryBudgetExceeded):
        for step in steps:
            seen.append(step)
    assert seen[-1].held_out < seen[0].held_out and seen[-1].network.dim == 10


def test_same_seed_same_network():
    net = zoo.random_network(5, 4, rng=0)
    first, _ = last_step(rounded(net, 3), net, 3e-4, seed=7)
    second, _ = last_step(rounded(net, 3), net, 3e-4, seed=7)
    assert first.network == second.network


def test_arguments_are_checked():
    target, rng = Target(Oracle(zoo.constant(), 3)), np.random.default_rng(0)
    with pytest.raises(InvalidArgument, match="precision"):
        next(learn_noisy(target, np.array([1e-3]), rng, precision=1.0))
    with pytest.raises(InvalidArgument, match="noise"):
        next(learn_noisy(target, np.array([0.0]), rng))


# ------------------------------------------------------------- dirt of all shapes


def rms(secret, network, dim: int) -> float:
    x = np.random.default_rng(77).standard_normal((10_000, dim))
    return float(np.sqrt(np.mean((network(x) - secret(x)) ** 2)))


def depends_on_the_batch(secret):
    """Float32 sums whose order depends on the number of rows, on any machine."""

    def black_box(x):
        y = secret(x).astype(np.float32)
        return np.nextafter(y, np.float32(np.inf)) if len(x) % 3 else y

    return black_box


def test_float32_that_depends_on_the_batch_is_not_taken_for_random():
    secret = zoo.random_network(10, 15, rng=0)
    line = Line.draw(10, np.random.default_rng(0))
    ask = depends_on_the_batch(secret)
    estimate = estimate_noise(ask, line.origin, line.direction, np.random.default_rng(1))
    assert estimate.kind == "float32"
    result = learn_from_queries(ask, 10, rng=0)
    assert rms(secret, result.network, 10) < 1e-6


@pytest.mark.slow
def test_a_large_float32_network_to_a_millionth():
    secret = zoo.random_network(784, 16, rng=0)
    result = learn_from_queries(lambda x: secret(x).astype(np.float32), 784, rng=0)
    worst, scale = worst_error(secret, result.network, rng=0)
    assert worst < 2e-6 * scale


@pytest.mark.parametrize("offset", [1e9, 1e12, 1e14])
def test_a_large_offset_leaves_what_float64_leaves(offset):
    secret = zoo.random_network(5, 8, rng=0)
    result = learn_from_queries(lambda x: secret(x) + offset, 5, rng=0)
    shifted = ReluNetwork(
        result.network.weights,
        result.network.biases,
        result.network.output_weights,
        result.network.skip,
        result.network.offset - offset,
    )
    assert rms(secret, shifted, 5) < 1.5 * np.spacing(offset)


@pytest.mark.parametrize("level", [0.5, 1.0, 3.0])
def test_noise_as_large_as_the_function_is_averaged(level):
    """Not refused, and better than a single answer; the certificate knows that it is rough."""
    secret, rng = zoo.random_network(5, 6, rng=0), np.random.default_rng(1)
    _, scale = worst_error(secret, secret)
    noisy = lambda x: secret(x) + level * scale * rng.standard_normal(len(x))  # noqa: E731
    result = learn_from_queries(noisy, 5, rng=0)
    assert rms(secret, result.network, 5) < 0.6 * level * scale
    assert result.certificate.eta > level * scale


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize(
    "dirt",
    [
        lambda y, rng: np.round(y + 3e-3 * rng.standard_normal(y.shape), 2),
        lambda y, rng: np.floor(100 * y + rng.random(y.shape)) / 100,
        lambda y, rng: y * (1 + 1e-2 * rng.standard_normal(y.shape)),
    ],
    ids=["rounded noise", "stochastic rounding", "relative noise"],
)
def test_noise_of_other_shapes_is_noise(dirt, seed):
    secret, rng = zoo.random_network(10, 15, rng=seed), np.random.default_rng(seed)
    result = learn_from_queries(lambda x: dirt(secret(x), rng), 10, rng=seed)
    assert rms(secret, result.network, 10) < 0.03


def test_labels_are_not_a_rounded_network():
    w = np.random.default_rng(0).standard_normal((4, 5))
    with pytest.raises(NotPiecewiseLinear) as caught:
        learn_from_queries(lambda x: np.argmax(x @ w, axis=1).astype(float), 4, rng=0)
    left, middle, right = np.argmax(caught.value.witness @ w, axis=1)
    assert left == middle != right


@pytest.mark.parametrize("digits", [3, 4, 6, 8])
@pytest.mark.parametrize(
    "dim, neurons, outputs",
    [(4, 6, 1), (4, 6, 3), pytest.param(10, 15, 1, marks=pytest.mark.slow)],
)
def test_answers_that_were_printed(digits, dim, neurons, outputs):
    """With significant digits: the last one of a large answer is worth more."""
    for seed in range(4):
        secret = zoo.random_network(dim, neurons, outputs, rng=seed)

        def printed(x, secret=secret):
            return np.vectorize(lambda value: float(f"{value:.{digits}g}"))(secret(x))

        found = learn_from_queries(printed, dim, rng=seed).network
        x = np.random.default_rng(seed).standard_normal((3000, dim))
        y = secret(x)
        assert np.abs(found(x) - y).max() < 30 * 10.0**-digits * y.std(), seed


@pytest.mark.parametrize("pairs", [1, 10])
@pytest.mark.parametrize("size", [1e6, 1e8])
def test_small_differences_of_huge_neurons(size, pairs):
    """They are steps of size 1 that rise within 1 / size, known to the rounding of their terms."""
    for seed in range(5):
        rng = np.random.default_rng(seed)
        w, b = rng.standard_normal((pairs, 6)), rng.standard_normal(pairs)
        beside = w + rng.standard_normal((pairs, 6)) / size
        secret = ReluNetwork(
            np.vstack([w, beside]),
            np.concatenate([b, b + 1 / size]),
            size * np.repeat([1.0, -1.0], pairs),
        )
        result = learn_from_queries(secret, 6, rng=seed)
        x = np.random.default_rng(99).standard_normal((10_000, 6))
        y = secret(x)
        off = np.abs(result.network(x) - y) / y.std()
        assert result.queries < 4000, seed
        assert (off < 1e-12 * size * pairs).mean() > 0.999, (seed, off.max())


@pytest.mark.parametrize(
    "scale, decimals",
    [((1e9, 1, 1e-3), 6), ((1e3, 1), 3), ((1, 1), (17, 2)), ((1, 1), (17, 6)), ((1, 1), (4, 2))],
)
def test_outputs_that_are_not_equally_precise(scale, decimals):
    """Every output is learned to its own rounding, or nearly to that of the others."""
    scale, m = np.array(scale, dtype=float), len(scale)
    steps = 10.0 ** -np.broadcast_to(decimals, m)
    for seed in range(4):
        secret = zoo.random_network(6, 10, m, rng=seed)

        def rounded(x, secret=secret):
            columns = zip((secret(x) * scale).T, np.broadcast_to(decimals, m), strict=True)
            return np.stack([np.round(y, places) for y, places in columns], axis=1)

        found = learn_from_queries(rounded, 6, rng=seed).network
        x = np.random.default_rng(seed).standard_normal((3000, 6))
        y = secret(x) * scale
        off = np.abs(found(x) - y).max(axis=0) / y.std(axis=0)
        own = steps / y.std(axis=0)
        assert (off < 2 * np.maximum(own, 0.03 * own.max())).all(), (seed, off)


@pytest.mark.parametrize("offset", [(0.25, 0.5), (0.1, 0.2, 0.3, 12.25), (1.0, 2.0, 3.0)])
@pytest.mark.parametrize("neurons", [0, 4])
def test_constants_with_few_decimals_are_not_taken_for_rounded(offset, neurons):
    rng, m = np.random.default_rng(0), len(offset)
    a = np.zeros((m, neurons))
    a[0] = rng.standard_normal(neurons)
    w, b = rng.standard_normal((neurons, 3)), rng.standard_normal(neurons)
    result = learn_from_queries(ReluNetwork(w, b, a, None, offset), 3, rng=0)
    assert result.noise < 1e-14
    assert result.worst_error < 1e-11


@pytest.mark.slow
@pytest.mark.parametrize("kinds", ["r4 exact", "r4 f32", "s5 exact", "s5 f32 exact", "r2 s5", "r2"])
def test_decimals_beside_digits_and_float32(kinds):
    """Also where no neuron is active on the part of the line on which the precision is measured."""
    dirt = {
        "exact": lambda y: y,
        "r2": lambda y: np.round(y, 2),
        "r4": lambda y: np.round(y, 4),
        "f32": lambda y: y.astype(np.float32).astype(float),
        "s5": np.vectorize(lambda value: float(f"{value:.5g}")),
    }
    columns = [dirt[kind] for kind in kinds.split()]
    for seed in range(12):
        dim, k, rng = (1, 2, 5, 10)[seed % 4], (1, 3, 8)[seed // 4], np.random.default_rng(seed)
        w, b = rng.standard_normal((k, dim)), rng.standard_normal(k) / 2
        a, offset = rng.standard_normal((len(columns), k)), rng.standard_normal(len(columns))
        secret = ReluNetwork(w, b, a, None, offset.round(2))

        def rounded(x, secret=secret):
            return np.stack([f(y) for f, y in zip(columns, secret(x).T, strict=True)], axis=1)

        found = learn_from_queries(rounded, dim, rng=seed).network
        x = np.random.default_rng(seed).standard_normal((3000, dim))
        assert np.abs(found(x) - secret(x)).max() < 0.02 * secret(x).std(axis=0).max(), seed


def to_multiples(y, step):
    return np.round(y / step) * step


def to_bits(y, bits):
    """So many significant bits: bfloat16 has 8."""
    step = np.exp2(np.floor(np.log2(np.maximum(np.abs(y), 1e-300))) + 1 - bits)
    return np.round(y / step) * step


@pytest.mark.parametrize("outputs", [1, 3])
@pytest.mark.parametrize(
    "rounding", [(to_multiples, 0.0123), (to_multiples, 1.7e-5), (to_bits, 18), (to_bits, 8)]
)
def test_answers_that_are_rounded_otherwise_than_to_decimals(outputs, rounding):
    """Quantised outputs; float types with few bits. What is learned is better than the answers,
    or with 8 bits at least not more than twice as bad."""
    rounded, size = rounding
    worst = 2 if size == 8 else 1
    for seed in range(4):
        secret = zoo.random_network(10, 10, outputs, rng=seed)
        box = lambda x, secret=secret: rounded(secret(x), size)  # noqa: E731
        result = learn_from_queries(box, 10, rng=seed)
        x = np.random.default_rng(99).standard_normal((5000, 10))
        own, off = box(x) - secret(x), result.network(x) - secret(x)
        rms = np.sqrt(np.square(off).mean(axis=0) / np.square(own).mean(axis=0))
        assert (rms < worst).all(), (seed, rms)
        assert result.queries < 4000, seed


def test_float16_answers_of_several_outputs():
    """All float16 numbers are multiples of the smallest one's last bit: that is no lattice."""
    for seed in range(2):
        secret = zoo.random_network(20, 10, 5, rng=seed)
        result = learn_from_queries(lambda x, f=secret: f(x).astype(np.float16), 20, rng=seed)
        worst, scale = worst_error(secret, result.network)
        assert worst < 3e-3 * scale, seed

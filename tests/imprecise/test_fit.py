"""The least squares learner: it averages the noise away."""

import numpy as np
import pytest
from dirt import Ask, estimate, noisy, rounded, single
from runs import drained

from relu_learn import learn_from_queries, zoo
from relu_learn.asking.errors import InvalidArgument, QueryBudgetExceeded
from relu_learn.asking.oracle import Oracle
from relu_learn.bounded.box import Box
from relu_learn.core.target import Target
from relu_learn.imprecise import fit
from relu_learn.imprecise.fit import Learner, NoisyStep, learn_noisy
from relu_learn.imprecise.least_squares import Fit
from relu_learn.imprecise.sampling import Sampling
from relu_learn.network import ReluNetwork
from relu_learn.telling.events import FitImproved

pytestmark = pytest.mark.numerical


def last_step(
    ask: Ask, net: ReluNetwork, noise: float, seed: int = 0, **options
) -> tuple[NoisyStep, float]:
    """The last step, and the root-mean-square error of F' on fresh Gaussian points."""
    rng = np.random.default_rng(seed)
    target = Target(Oracle(ask, net.dim))
    *_, last = learn_noisy(target, np.full(net.n_outputs, noise), rng, **options)
    x = np.random.default_rng(99).standard_normal((4000, net.dim))
    return last, float(np.sqrt(np.mean((last.network(x) - net(x).reshape(len(x), -1)) ** 2)))


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


def test_a_rough_start_is_improved():
    net = zoo.random_network(30, 12, rng=0)
    off = 0.2 * np.random.default_rng(1).standard_normal(net.weights.shape) / np.sqrt(30)
    rough = ReluNetwork(net.weights + off, net.biases, net.output_weights)
    last, error = last_step(noisy(net, 1e-3), net, 1e-3, start=rough)
    assert last.finished and error < 0.8e-3 and last.network.n_neurons <= 12


def test_a_network_that_its_fit_has_spoilt_is_still_completed():
    """A neuron is missing, and the step brings no fit: one begins where the network is."""
    net, sigma = zoo.random_network(6, 8, rng=1), 1e-6
    target = Target(Oracle(noisy(net, sigma), 6))
    sampling = Sampling(target, np.array([sigma]), np.random.default_rng(0), False, 0.5)
    learner = Learner(sampling)
    part = ReluNetwork(net.weights[1:], net.biases[1:], net.output_weights[1:])
    sampling.judge_by(None)
    spoilt = drained(learner.start(part))
    *_, last = learner.finish(NoisyStep(part, spoilt.held_out, finished=False), 20)
    assert last.finished and last.network.n_neurons == 8


@pytest.mark.slow
def test_bounds_are_kept():
    net = zoo.random_network(6, 8, rng=0)

    def ask(x: np.ndarray) -> np.ndarray:
        assert (x >= 0).all() and (x <= 1).all()
        return net(x)[:, None].round(4)

    box = Box((0.0, 1.0), 6)
    target = Target(box.asking(Oracle(ask, 6)), space=box)
    z = np.random.default_rng(1).uniform(-1, 1, (1000, 6))
    off = []
    for seed in range(5):
        *_, last = learn_noisy(target, np.array([3e-5]), np.random.default_rng(seed))
        off.append(np.sqrt(np.mean((last.network(z)[:, 0] - net(box.place(z))) ** 2)))
    # Corners of the box are rarely sampled: not always down to the noise there, but mostly.
    assert np.median(off) < 2 * 3e-5


def test_a_start_is_not_bent_by_what_it_does_not_explain():
    """A neuron is missing: the others become precise all the same, and its points are told."""
    net, rng = zoo.random_network(6, 8, rng=0), np.random.default_rng(0)
    missing = ReluNetwork([[1.0, -1, 1, 0, 0, 0]], [1.5], [1.0])
    target = Target(Oracle(lambda x: (net(x) + missing(x))[:, None], 6))
    sampling = Sampling(target, np.array([1e-6]), rng, grows=False, precision=0.5)
    learner = Learner(sampling)
    sampling.judge_by(None)
    weights = net.weights + 1e-4 * rng.standard_normal(net.weights.shape)
    start = learner.start(ReluNetwork(weights, net.biases, net.output_weights), doubt=1e-3)
    step = drained(start)
    x = np.random.default_rng(9).standard_normal((2000, 6))
    assert np.abs(step.network(x)[:, 0] - net(x)).max() < 1e-5
    points, _ = learner.puzzles()
    assert len(points) > 50 and (missing(points) > 0).mean() > 0.9
    assert not len(learner.puzzles()[0])


@pytest.mark.slow
def test_rare_neurons_behind_three_decimals_in_a_box():
    """Half of the neurons of the digits switch at less than a tenth of the corners of [0, 1]^64.
    In R^d the run takes 2,590 queries; here it went on until it was stopped."""
    net = zoo.digits()
    result = learn_from_queries(rounded(net, 3), 64, rng=1, bounds=(0, 1))
    assert result.queries < 3 * 2590
    x = np.random.default_rng(5).uniform(0, 1, (4000, 64))
    off = (result.network(x) - net(x)) * np.sqrt(12) * 1e3
    assert np.sqrt((off**2).mean()) < 0.5 and np.abs(off).max() < 5


def test_new_neurons_get_samples_on_both_sides(rng):
    """A neuron that hardly any sample meets is not fitted to what it knows by heart."""
    net = ReluNetwork(np.ones((1, 12)), np.array([7.0]), np.array([1.0]))
    target = Target(Box((-1, 1), 12).asking(Oracle(net, 12)), space=Box((-1, 1), 12))
    sampling = Sampling(target, np.array([1e-3]), rng, False, 0.5)
    sampling.judge_by(None)
    sampling.add(sampling.space.spread(400, rng))
    nothing = Fit(sampling.samples, np.zeros((0, 13)))
    grown = drained(Learner(sampling).grow(nothing, 4, False))
    active = (sampling.samples.x @ grown.hidden.T > 0).sum(axis=0)
    assert (np.minimum(active, len(sampling.samples.x) - active) >= 2 * 13).all()


def test_a_long_fit_shows_itself(monkeypatch):
    """Every 2e9 operations, about a second; here, more often."""
    monkeypatch.setattr(fit, "_SHOWN", 2e6)
    net = zoo.random_network(6, 8, rng=0)
    trace = learn_from_queries(noisy(net, 1e-2), 6, rng=0).trace
    shown = [event for event in trace if isinstance(event, FitImproved)]
    assert len(shown) > 5 and all(event.phase == "fit" for event in shown)
    assert shown[-1].misfit < 1.1 < 3 < shown[0].misfit
    assert f"{shown[-1].neurons} neurons" in shown[-1].narration


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

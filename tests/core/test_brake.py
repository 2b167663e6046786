"""The brake: who pays by the query, or waits, is not left with a run that goes nowhere."""

import math
import time

import numpy as np
import pytest
from subset import mostly_slow

from relu_learn import (
    LearningFailed,
    NotOneHiddenLayer,
    Oracle,
    TimeLimitExceeded,
    learn_from_queries,
    learn_steps,
    plan,
    zoo,
)
from relu_learn.core import brake
from relu_learn.core.watch import trust
from relu_learn.telling.events import CriticalPointFound, NetworkUpdated

pytestmark = pytest.mark.numerical


def deep(dim, hidden, rng):
    rng = np.random.default_rng(rng)
    w, v = rng.standard_normal((hidden[0], dim)) / np.sqrt(dim), rng.standard_normal(hidden[::-1])
    a = rng.standard_normal(hidden[1])
    return lambda x: np.maximum(np.maximum(x @ w.T - 0.2, 0) @ v.T - 0.2, 0) @ a


@pytest.mark.parametrize("hidden, kinks", mostly_slow([((8, 8), 15), ((32, 32), 60)]))
def test_a_deeper_network_is_named_for_little(hidden, kinks):
    for seed in range(3):
        oracle = Oracle(deep(784, hidden, seed), 784)
        with pytest.raises(NotOneHiddenLayer):
            learn_from_queries(oracle, 784, rng=seed)
        assert oracle.queries < 4 * plan(784, 1, kinks).queries


@pytest.mark.slow
def test_a_run_that_goes_nowhere_is_ended(monkeypatch):
    """Without a diagnosis: a deeper network is patched up line after line."""
    monkeypatch.setattr("relu_learn.learn.diagnose", lambda run, occasion: trust(occasion))
    oracle = Oracle(deep(60, (30, 30), 0), 60)
    with pytest.raises(LearningFailed, match="4 times what is usual for .* neurons.*patience="):
        learn_from_queries(oracle, 60, rng=0)
    ended = oracle.queries
    patient = Oracle(deep(60, (30, 30), 0), 60)
    with pytest.raises(LearningFailed) as failure:
        learn_from_queries(patient, 60, rng=0, patience=8)
    assert patient.queries > 1.3 * ended
    assert failure.value.partial.queries == patient.queries


@pytest.mark.parametrize("bounds", [None, (-2.0, 2.0)])
def test_the_brake_is_far_from_what_networks_take(bounds, monkeypatch):
    shares = []
    check = brake.Brake.check

    def noted(self, run, event):
        check(self, run, event)
        limit = run.settings.patience * self.usual(run) + brake._ANY * brake._blur(run) ** 4
        shares.append((run.oracle.queries - self.before) / limit)

    monkeypatch.setattr(brake.Brake, "check", noted)
    for name in ("near_parallel", "clump", "hat", "staircase", "rank_one_outputs", "wide"):
        secret = zoo.get(name)
        learn_from_queries(secret, secret.dim, rng=0, bounds=bounds)
    for digits in (3, 6):
        secret = zoo.random_network(6, 12, rng=digits)
        learn_from_queries(lambda x: np.round(secret(x), digits), 6, rng=0, bounds=bounds)  # noqa: B023
    assert max(shares) < 0.5


def test_a_time_limit_keeps_what_was_found(tmp_path):
    secret = zoo.random_network(5, 8, rng=0)

    def slow(x):
        time.sleep(0.02)
        return secret(x)

    path = tmp_path / "run.ledger"
    with Oracle(slow, 5, ledger=path) as oracle:
        with pytest.raises(TimeLimitExceeded, match="max_seconds=0.15") as stopped:
            learn_from_queries(oracle, 5, rng=0, max_seconds=0.15)
        assert stopped.value.partial.queries == oracle.queries > 0
        asked = oracle.queries
    with Oracle(secret, 5, ledger=path) as oracle:
        assert learn_from_queries(oracle, 5, rng=0).network.n_neurons == 8
        assert oracle.replayed == asked


def test_time_passes_while_a_fit_is_computed(monkeypatch):
    """A least squares fit is a long computation without an event: the limit holds there, too."""
    now = [0.0]
    monkeypatch.setattr(brake.time, "monotonic", lambda: now[0])
    secret = zoo.random_network(6, 10, rng=0)
    run = learn_steps(lambda x: np.round(secret(x), 2), 6, rng=0, max_seconds=5.0)
    for event in run:
        if isinstance(event, NetworkUpdated):
            break
    now[0] = 6.0
    with pytest.raises(TimeLimitExceeded):
        next(run)


def test_a_long_test_is_no_reason():
    secret = zoo.random_network(4, 5, rng=0)
    assert learn_from_queries(secret, 4, rng=0, validation=50_000).complete


def test_infinite_patience():
    assert learn_from_queries(zoo.hat(), 2, rng=0, patience=math.inf).complete


def test_a_line_with_many_kinks_is_no_reason():
    """It takes more than any small run, before the first neuron is found."""
    secret = zoo.random_network(2, 2000, rng=0)
    kinks = []
    for event in learn_steps(secret, 2, rng=0):
        if isinstance(event, CriticalPointFound):
            kinks.append(event.t)
        elif kinks:
            break
    assert len(kinks) == 2000 and event.queries > brake._ANY + 4 * brake._KINK

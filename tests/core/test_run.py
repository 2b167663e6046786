"""One run: what is known, tested, kept and handed out."""

from __future__ import annotations

import math

import numpy as np
import pytest
from runs import begun, drained, looked

from relu_learn import learn_from_queries, worst_error, zoo
from relu_learn.core.evidence import FREE
from relu_learn.core.run import _validation_size
from relu_learn.telling.certificate import certificate
from relu_learn.telling.events import NetworkUpdated, NeuronFound, Validated

pytestmark = pytest.mark.numerical


def test_kinks_of_rounding_do_not_shorten_the_last_test():
    """With three real neurons and some of rounding a hat still has to be looked for thoroughly."""
    secret = zoo.hat(width=0.01, rng=42)
    result = learn_from_queries(secret, 2, rng=42)
    worst, scale = worst_error(secret, result.network)
    assert worst <= 1e-7 * scale
    tests = [event for event in result.trace if isinstance(event, Validated)]
    assert certificate(tests[-1].errors, 0.05, looks=len(tests)).mass <= 0.005


def scalar(scale=1.0, seed=1):
    return zoo.random_network(3, 4, rng=seed, skip=True) * scale


def test_look_take_test():
    """The verbs in the order of their use, by hand."""
    secret = scalar()
    run, found = looked(secret)
    assert run.found is found and run.known is None and not np.isfinite(run.result(False).loss)
    run.take(found.anchored())
    assert run.found is None and run.first is found and run.known.n_neurons == 4
    assert run.best == run.hypothesis()
    x = np.random.default_rng(0).standard_normal((200, 3))
    np.testing.assert_allclose(run.hypothesis()(x), secret(x), atol=1e-9)
    (event,) = run.test()
    assert isinstance(event, Validated) and run.evidence.passed and run.evidence.looks == 1
    result = run.result()
    assert result.certificate.n == len(event.points) and result.worst_error == event.worst
    assert result.queries == run.oracle.queries and list(result.trace)[-1] is event


@pytest.mark.parametrize("scale", [1e-6, 1.0, 1e6])
def test_hypotheses_are_in_the_units_of_the_black_box(scale):
    secret = zoo.random_network(3, 4, 2, rng=1, skip=True) * np.float64(scale)
    run, found = looked(secret)
    run.take(found.anchored())
    x = np.random.default_rng(0).standard_normal((200, 3))
    np.testing.assert_allclose(run.hypothesis()(x), secret(x), atol=1e-9 * scale)
    np.testing.assert_allclose(run.known(x) * run.answers.scale, secret(x), atol=1e-9 * scale)
    size = np.abs(secret(x)).max()
    assert (run.answers.scale > size / 1e3).all() and (run.answers.scale < 1e3 * size).all()


def test_before_anything_is_known_the_hypothesis_is_zero():
    run = begun(zoo.random_network(3, 4, 2, rng=1), 3)
    net = run.hypothesis()
    assert (net.dim, net.n_outputs, net.n_neurons, net.is_scalar) == (3, 2, 0, False)
    assert not net.has_skip and not net.offset.any()


def test_keep_goes_back_unless_the_evidence_is_better():
    run, found = looked(scalar())
    run.take(found.anchored())
    before, accepted = run.known, run.best
    run.known = before * 1.5
    assert drained(run.keep(before, "repair", better=False)) is False
    assert run.known is before and run.best is accepted
    run.known = worse = before * 1.5
    (event,) = run.keep(before, "repair", better=True)
    assert isinstance(event, NetworkUpdated) and event.phase == "repair"
    assert run.known is worse and run.best == event.network == run.hypothesis()
    assert run.evidence.errors.size == 0  # nothing can be claimed about it yet


def test_the_best_is_not_half_a_repair():
    run, found = looked(scalar())
    run.take(found.anchored())
    accepted = run.best
    run.known = run.known * 0.5  # so that something is left to be repaired
    list(run.draw(np.zeros(3)))
    assert any(isinstance(event, NeuronFound) for event in run.look())
    assert run.hypothesis().n_neurons > 4 and run.best is accepted
    assert run.result(complete=False).network is accepted


def test_a_repair_of_what_is_right_adds_nothing():
    run, found = looked(scalar())
    run.take(found.anchored())
    list(run.test())
    known = run.known
    events = list(run.draw(np.ones(3)))
    assert [event.phase for event in events] == ["repair"]
    residual = drained(run.search(marks=np.zeros(1)))
    list(run.solve(residual))
    run.take(residual.anchored())
    x = np.random.default_rng(0).standard_normal((200, 3))
    np.testing.assert_allclose(run.known(x), known(x), atol=1e-8)


def test_one_neuron_for_each_hyperplane():
    run, found = looked(scalar())
    run.take(found.anchored())
    list(run.test())
    run.take(run.known * 1e-6)  # the same hyperplanes again
    assert run.known.n_neurons == 4


def test_validation_sizes():
    run, found = looked(scalar())
    run.take(found.anchored())
    run.evidence.looks = 1
    open_share = 1 + 1 / FREE  # a refit may cost so much of it
    # Few neurons: where a narrow bump would hide. The share of inputs that is left open is 0.5 %.
    assert _validation_size(run) == math.ceil(open_share * math.log(2 / 0.05) / 0.005)
    many, found = looked(zoo.random_network(3, 60, rng=0))
    many.take(found.anchored())
    many.evidence.looks = 1
    assert _validation_size(many) == math.ceil(open_share * math.log(2 / 0.05) / 0.01)
    many.repairs, many.evidence.looks = 1, 2
    assert _validation_size(many) == math.ceil(open_share * math.log(4 / 0.05) / 0.005)
    assert _validation_size(begun(scalar(), 3, validation=7)) == 7

"""What methods do with a hypothesis besides looking along lines."""

from __future__ import annotations

import numpy as np
import pytest
from runs import drained, looked

from relu_learn import LearningFailed, ReluNetwork, zoo
from relu_learn.core.looks import Looks
from relu_learn.core.mending import go_back, polish, require_useful, settle
from relu_learn.core.run import Run

pytestmark = pytest.mark.numerical


def taken(secret: ReluNetwork, looks: Looks | None = None) -> Run:
    """A run that knows its secret, and was tested."""
    run, found = looked(secret, looks=looks)
    run.take(found.anchored())
    drained(run.test())
    assert run.evidence.passed
    return run


def tiny(size: float) -> ReluNetwork:
    return ReluNetwork([[0.6, 0.8, 0.0]], [0.1], [[size]], np.zeros((1, 3)), np.zeros(1))


@pytest.mark.parametrize("better", [True, False])
def test_a_polish_is_kept_only_if_it_is_better(better):
    secret = zoo.random_network(3, 5, rng=0)

    def remeasured(target, network, noise, rng):
        yield from ()
        return network + tiny(-1e-3 if better else 1e-3)

    run = taken(secret, Looks(polish=remeasured))
    assert run.known is not None
    good = run.known
    rough = run.known = good + tiny(1e-3) if better else good
    kept = drained(polish(run))
    assert (kept is not None) == better
    assert (run.known is rough) == (not better)
    x = np.random.default_rng(0).standard_normal((100, 3))
    np.testing.assert_allclose(run.known(x), good(x), atol=1e-12)


@pytest.mark.parametrize("enough", [True, False])
def test_a_fit_settles_what_it_repairs(enough):
    secret = zoo.random_network(3, 5, rng=0)
    change = tiny(-1e-6 if enough else -9e-7)
    run = taken(secret, Looks(settle=lambda network, line, evidence: network + change))
    assert run.known is not None
    rough = run.known = run.known + tiny(1e-6)
    assert drained(settle(run)) == enough
    assert (run.known is rough) == (not enough) and (run.events[-1].phase == "fit") == enough
    run.looks = Looks()
    assert not drained(settle(run))


def test_nothing_is_polished_without_a_polish():
    run = taken(zoo.random_network(3, 5, rng=0))
    assert drained(polish(run)) is None


def test_the_best_of_what_was_kept_comes_back():
    run = taken(zoo.random_network(3, 5, rng=0))
    assert run.known is not None
    good, bad, worse = run.known, run.known + tiny(1e-3), run.known + tiny(1.0)
    run.known = bad
    events = list(go_back(run, [worse, good]))
    assert run.known is good and len(events) == 2  # the network, and a new test
    assert list(go_back(run, [worse, bad])) == []


def test_what_is_of_no_use_is_an_error():
    run = taken(zoo.random_network(3, 5, rng=0))
    require_useful(run)
    assert run.known is not None
    run.known = run.known + tiny(1.0)
    with pytest.raises(LearningFailed, match="still differ"):
        require_useful(run)


def test_a_point_on_a_steep_ramp_is_no_reason_to_fail():
    """F' is off by 1e-4 of the scale at one point of the ramp, as its place is off by 1e-10."""
    w, steep = np.array([[0.6, 0.8, 0.0]] * 2), 1e6
    ramp = ReluNetwork(w, [0.0, 1e-6], [[steep, -steep]], np.zeros((1, 3)), np.zeros(1))
    run = taken(zoo.random_network(3, 5, rng=0))
    assert run.known is not None
    run.known = run.known + ramp
    on = np.array([[0.3e-6, 0.4e-6, 7.0]])
    run.evidence._tested = [(on, run.known(on + 1e-10 * w[:1]))]
    assert run.evidence.worst(run.known)[1] > 1e-5 * run.evidence.scale
    require_useful(run)
    run.evidence.add(on, run.known(on + 1e-7 * w[:1]))
    with pytest.raises(LearningFailed, match="still differ"):
        require_useful(run)

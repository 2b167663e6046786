"""Events of what was measured, in the units of the black box."""

import numpy as np
import pytest
from runs import drained, looked

from relu_learn import ReluNetwork, zoo
from relu_learn.core.teller import Teller, each
from relu_learn.telling.events import CriticalPointFound, GradientMeasured, NeuronFound

pytestmark = pytest.mark.numerical


@pytest.mark.parametrize("unit", [1e-6, 1e6])
def test_events_are_in_the_units_of_the_black_box(unit):
    """Two runs whose secrets differ by a power of two: so do their events, and nothing else."""
    factor = float(np.exp2(np.round(np.log2(unit))))
    secret = zoo.random_network(3, 4, 2, rng=1)
    (one, _), (two, _) = looked(secret), looked(secret * factor)
    assert len(one.events) == len(two.events) > 10
    grown = {
        GradientMeasured: "gradient",
        CriticalPointFound: "jump",
        NeuronFound: "output_weights",
    }
    for a, b in zip(one.events, two.events, strict=True):
        for kind, name in grown.items():
            if isinstance(a, kind):
                np.testing.assert_array_equal(getattr(a, name) * factor, getattr(b, name))
        if isinstance(a, NeuronFound):
            np.testing.assert_array_equal(a.weights, b.weights)


def test_networks_have_the_shape_of_the_black_box():
    told = Teller(print, np.array([4.0]), "").network(
        ReluNetwork(np.eye(2), [0.0, 1.0], [[1.0, 2.0]], [[1.0, 0.0]], [3.0]), scalar=True
    )
    assert told == ReluNetwork(np.eye(2), [0.0, 1.0], [4.0, 8.0], [4.0, 0.0], 12.0)


def test_each_makes_events_and_keeps_what_is_returned():
    def steps():
        yield 1
        yield 2
        return "done"

    seen = []
    assert drained(each(steps(), lambda step: seen.append(step) or step)) == "done"
    assert seen == [1, 2] and list(each(steps(), lambda step: -step)) == [-1, -2]

"""Second looks: when they look, and what is told of them."""

import numpy as np
from runs import looked

from relu_learn import zoo
from relu_learn.core.looks import Looks
from relu_learn.telling.events import GradientMeasured


def test_what_is_looked_at_again_is_told():
    secret, seen = zoo.random_network(3, 4, rng=1), []

    def again(name):
        def look(target, found, rng):
            seen.append((name, target.known, sorted(found.pieces)))
            yield found.pieces[2]

        return look

    run, found = looked(secret, looks=Looks((again("pieces"),), (again("neurons"),)))
    assert seen == [("pieces", None, sorted(found.pieces)), ("neurons", None, sorted(found.pieces))]
    *_, first, last = (event for event in run.events if isinstance(event, GradientMeasured))
    assert first.t == found.slice.centers[2] and np.isnan(last.t)  # beside no point of the line
    assert run.events[-1] is last

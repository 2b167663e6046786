"""The watch: whoever plugs none in trusts the black box."""

import pytest
from runs import begun, drained

from relu_learn import zoo
from relu_learn.asking.errors import NotPiecewiseLinear
from relu_learn.core.watch import Creases, Doubted, LongLine, SearchedLine, Unexplained, trust


@pytest.mark.parametrize("occasion", [Doubted(), Creases(), Unexplained(), Unexplained(True)])
def test_trust_looks_at_nothing(occasion):
    assert trust(occasion) is None


def test_a_run_trusts_and_tells_its_watch():
    secret = zoo.random_network(3, 4, rng=0)
    run = begun(secret, 3)
    assert run.watch is trust
    told = []
    run.watch = told.append
    found = drained(run.look())
    over, searched = told
    assert isinstance(over, LongLine) and over.found is found.slice and not over.very
    assert isinstance(searched, SearchedLine) and searched.found is found


def test_the_witness_of_a_line_becomes_points():
    run = begun(zoo.random_network(3, 4, rng=0), 3)

    def object_to(occasion):
        raise NotPiecewiseLinear("no", [1.0, 2.0, 3.0])

    run.watch = object_to
    with pytest.raises(NotPiecewiseLinear) as caught:
        drained(run.look())
    assert (caught.value.witness == run.line.at([1.0, 2.0, 3.0])).all()

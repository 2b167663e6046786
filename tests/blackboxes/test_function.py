"""Functions of any shape."""

import numpy as np
import pytest

from relu_learn import InvalidArgument, learn_from_queries, zoo
from relu_learn.blackboxes import from_function
from relu_learn.blackboxes.function import filled_up, unzipped

SECRET = zoo.random_network(dim=4, neurons=5, outputs=2, rng=0)


def of_one_list(row):
    assert isinstance(row, list) and isinstance(row[0], list), "(2, 2) as nested lists"
    return SECRET(np.ravel(row)).tolist()


def of_three(x):
    assert x.shape == (3, 4), "three samples, no more and no fewer"
    return SECRET(x)


@pytest.mark.parametrize(
    "function, settings",
    [
        (of_one_list, {"input_shape": (2, 2), "one_by_one": True, "as_lists": True}),
        (of_three, {"dim": 4, "batch": 3}),
        (SECRET, {"dim": 4}),
    ],
)
def test_a_function_of_any_shape_is_learned(function, settings):
    model = from_function(function, **settings)
    assert model.dim == 4
    result = learn_from_queries(model, rng=0)
    x = np.random.default_rng(1).standard_normal((50, 4))
    assert np.abs(result.network(x) - SECRET(x)).max() < 1e-10


def test_inputs_are_cast():
    kinds = set()

    def function(x):
        kinds.add(x.dtype)
        return x[:, 0]

    from_function(function, 2, dtype=np.float32)(np.ones((3, 2)))
    assert kinds == {np.dtype(np.float32)}


def test_arguments():
    with pytest.raises(InvalidArgument, match="function must be callable, got int"):
        from_function(3, 2)
    with pytest.raises(InvalidArgument, match=r"input_shape must have 5 numbers in all"):
        from_function(SECRET, 5, input_shape=(2, 2))
    with pytest.raises(InvalidArgument, match="dim must be a positive integer, got None"):
        from_function(SECRET)
    with pytest.raises(InvalidArgument, match="batch must be"):
        from_function(SECRET, 4, batch=0)


def test_a_last_batch_is_filled_up():
    sizes = []

    def ask(x):
        sizes.append(len(x))
        return x.sum(axis=1)

    x = np.arange(14.0).reshape(7, 2)
    assert (filled_up(ask, 3)(x) == x.sum(axis=1)).all()
    assert sizes == [3, 3, 3]


def test_dicts_become_rows():
    assert unzipped([{"a": 1, "b": 2}, {"b": 4, "a": 3}]) == [[1, 2], [3, 4]]
    assert unzipped([1.0, 2.0]) == [1.0, 2.0]

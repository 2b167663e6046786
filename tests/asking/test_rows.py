"""Rows that are made again: they read like an array, and nothing holds them."""

import tracemalloc

import numpy as np
import pytest
from nets import relative_error

from relu_learn import BlackBoxError, Oracle, learn_from_queries, worst_error, zoo
from relu_learn.asking import rows as module
from relu_learn.asking.rows import Rows, chunks, points_around, stacked, values
from relu_learn.core import basis, crossings
from relu_learn.precise import refit

pytestmark = pytest.mark.numerical


def made(x):
    return Rows(x.shape, lambda first, last: x[first:last].copy())


def test_rows_read_like_an_array(rng):
    x = rng.standard_normal((7, 3))
    rows = made(x)
    some = np.array([5, 0])
    for index in (slice(2, 4), slice(4, 2), some, x[:, 0] > 0, x[:, 0] > 9, 3, -1):
        np.testing.assert_array_equal(rows[index], x[index])
    np.testing.assert_array_equal(rows, x)
    np.testing.assert_array_equal(rows.head(2), x[:2])
    np.testing.assert_array_equal(rows.mapped(np.abs), np.abs(x))
    both = stacked([x[:2], rows, made(x[:1])])
    whole = np.concatenate([x[:2], x, x[:1]])
    np.testing.assert_array_equal(both, whole)
    for i in range(len(whole)):
        np.testing.assert_array_equal(both[i : i + 4], whole[i : i + 4])


def test_chunks_are_small(rng, monkeypatch):
    monkeypatch.setattr(module, "CHUNK", 7)
    x = rng.standard_normal((5, 3))
    assert [len(part) for part in chunks(made(x))] == [2, 2, 1]
    assert [len(part) for part in chunks(made(x[:0]))] == [0]
    assert list(chunks(x)) == [x]
    np.testing.assert_array_equal(values(lambda part: part @ np.ones(3), made(x)), x @ np.ones(3))


def test_steps_may_change_afterwards(rng):
    point, steps, moves = rng.standard_normal(3), np.ones(4), np.zeros((1, 3))
    rows = points_around(point, steps, np.ones((4, 3)), moves)
    before = np.array(rows)
    point[:], steps[:], moves[:] = 0, 0, 5
    np.testing.assert_array_equal(rows, before)


@pytest.mark.parametrize("batch_size", [None, 1, 3])
def test_an_oracle_asks_a_chunk_at_a_time(batch_size, rng, monkeypatch):
    monkeypatch.setattr(module, "CHUNK", 12)
    x, sizes = rng.standard_normal((10, 3)), []

    def black_box(part):
        sizes.append(len(part))
        y = part.sum(axis=1)
        part[:] = np.nan  # what it is given is its own
        return y if sum(sizes) <= 14 else y * np.inf

    oracle = Oracle(black_box, 3, batch_size=batch_size)
    np.testing.assert_allclose(oracle(made(x)), x.sum(axis=1))
    assert max(sizes) == min(batch_size or 4, 4) and sum(sizes) == oracle.queries == 10
    with pytest.raises(BlackBoxError) as failure:
        oracle(made(-x))
    asked, answers = oracle.history()
    done = len(asked) - 10
    assert done in (3, 4) and len(answers) == len(asked)
    np.testing.assert_array_equal(asked, np.concatenate([x, -x[:done]]))
    assert (failure.value.query == -x[done : done + len(failure.value.query)]).all()
    np.testing.assert_array_equal(
        oracle.recall(3)[0], asked[np.linspace(0, 9 + done, 3).astype(int)]
    )


@pytest.mark.parametrize(
    ("secret", "settings"),
    [
        (zoo.random_network(30, 40, 10, rng=0), {}),
        (zoo.random_network(10, 15, rng=0), {"polish": True}),
        (zoo.random_network(40, 10, rng=0), {"structure": "auto"}),
        (zoo.random_network(9, 8, rng=0), {"bounds": (-1, 2)}),
        (zoo.near_parallel(gap=1e-6, rng=0), {}),
    ],
    ids=["outputs", "polish", "structure", "box", "second looks"],
)
def test_all_roads_do_without_what_is_not_held(secret, settings, monkeypatch):
    """As if these were many inputs."""
    monkeypatch.setattr(basis, "HELD", 2)
    for part in (module, refit, crossings):
        monkeypatch.setattr(part, "CHUNK", 200)
    result = learn_from_queries(secret, secret.dim, rng=0, **settings)
    assert relative_error(secret, result.network) < 1e-10


def test_many_inputs_take_little_memory(monkeypatch):
    """A gradient of 3,000 inputs is 72 MB of questions, of which nothing is held."""
    monkeypatch.setattr(module, "CHUNK", 2**17)
    monkeypatch.setattr(basis, "HELD", 256)
    secret = zoo.random_network(3000, 3, 2, rng=1)
    tracemalloc.start()
    result = learn_from_queries(secret, 3000, rng=0, validation=100)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert worst_error(secret, result.network, 100)[0] < 1e-9
    assert result.queries > 6000 and peak < 2.5e7

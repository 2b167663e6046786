"""The oracle: counting, budgets, history, and what it refuses to take for an answer."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from relu_learn import BlackBoxError, InvalidArgument, Oracle, QueryBudgetExceeded, zoo

X = np.arange(12.0).reshape(4, 3)


def total(x):
    return x.sum(axis=1)


# --------------------------------------------------------------------- counting


def test_answers_and_counts():
    oracle = Oracle(total, 3)
    assert (oracle.queries, oracle.n_outputs, oracle.remaining) == (0, None, None)
    np.testing.assert_array_equal(oracle(X), total(X))
    assert (oracle.queries, oracle.replayed, oracle.n_outputs, oracle.is_scalar) == (4, 0, 1, True)


def test_several_outputs():
    oracle = Oracle(lambda x: x @ np.ones((3, 2)), 3)
    assert oracle(X).shape == (4, 2)
    assert (oracle.n_outputs, oracle.is_scalar) == (2, False)


def test_one_column_is_not_a_scalar():
    oracle = Oracle(lambda x: x[:, :1], 3)
    assert oracle(X).shape == (4, 1)
    assert (oracle.n_outputs, oracle.is_scalar) == (1, False)


@pytest.mark.parametrize("outputs", [1, 2])
def test_no_rows_cost_nothing(outputs):
    oracle = Oracle(zoo.random_network(3, 2, outputs, rng=0), 3)
    assert oracle(X[:0]).shape == (0,)  # not known yet
    oracle(X)
    assert oracle(X[:0]).shape == ((0,) if outputs == 1 else (0, 2))
    assert oracle.queries == 4


@pytest.mark.parametrize("size, expected", [(None, [4]), (1, [1] * 4), (3, [3, 1]), (9, [4])])
def test_batches(size, expected):
    sizes = []

    def black_box(x):
        sizes.append(len(x))
        return total(x)

    oracle = Oracle(black_box, 3, batch_size=size)
    np.testing.assert_array_equal(oracle(X), total(X))
    assert sizes == expected


def test_the_budget_is_checked_before_anything_is_sent():
    sent = []

    def black_box(x):
        sent.append(len(x))
        return total(x)

    oracle = Oracle(black_box, 3, max_queries=6, batch_size=1)
    oracle(X)
    assert oracle.remaining == 2
    with pytest.raises(QueryBudgetExceeded, match=r"max_queries=6: 4 are spent.*needs 4 more"):
        oracle(X)
    oracle(X[:2])
    assert (sum(sent), oracle.queries, oracle.remaining) == (6, 6, 0)


def test_around_asks_what_it_says(rng):
    basis, moves = rng.standard_normal((5, 3)), rng.standard_normal((2, 3))
    point, steps = rng.standard_normal(3), rng.uniform(1, 2, 5)
    oracle = Oracle(total, 3)
    answers = oracle.around(point, steps, basis, moves)
    x = np.concatenate([point + steps[:, None] * basis, point + moves])
    np.testing.assert_allclose(answers, total(x), rtol=1e-13)
    np.testing.assert_allclose(oracle.history()[0], x, rtol=1e-13)
    assert oracle.queries == 7


# --------------------------------------------------------------------- history


def test_the_history_is_every_query_in_order(rng):
    oracle = Oracle(total, 3, batch_size=3)
    asked = [oracle.history()[0]]
    for n in (1, 4, 0, 7):
        asked.append(rng.standard_normal((n, 3)))
        oracle(asked[-1])
    x, y = oracle.history()
    np.testing.assert_array_equal(x, np.concatenate(asked))
    np.testing.assert_array_equal(y, total(x))


def test_an_empty_history():
    x, y = Oracle(total, 3).history()
    assert x.shape == (0, 3) and y.shape == (0,)


def test_the_history_cannot_be_changed_from_outside():
    seen = []

    def rude(x):
        seen.append(x)
        y = total(x)
        x[:] = np.nan
        return y

    oracle = Oracle(rude, 3)
    x = X.copy()
    answers = oracle(x)
    np.testing.assert_array_equal(x, X)  # the caller's array is not the black box's to write
    x[:], answers[:] = 0, 0
    oracle.history()[1][:] = 0
    np.testing.assert_array_equal(oracle.history()[0], X)
    np.testing.assert_array_equal(oracle.history()[1], total(X))


def test_the_black_box_may_reuse_its_buffer():
    buffer = np.empty(4)

    def black_box(x):
        buffer[:] = total(x)
        return buffer[: len(x)]

    oracle = Oracle(black_box, 3)
    first = oracle(X)
    oracle(-X)
    np.testing.assert_array_equal(first, total(X))
    np.testing.assert_array_equal(oracle.history()[1], np.concatenate([total(X), -total(X)]))


def test_batches_before_a_failure_are_counted_and_kept():
    def weak(x):
        if x[0, 0] > 5:
            raise TimeoutError("gone")
        return total(x)

    oracle = Oracle(weak, 3, batch_size=1)
    with pytest.raises(BlackBoxError, match="TimeoutError: gone") as caught:
        oracle(X)
    assert oracle.queries == 2
    np.testing.assert_array_equal(caught.value.query, X[2:3])
    np.testing.assert_array_equal(oracle.history()[0], X[:2])
    np.testing.assert_array_equal(oracle.history()[1], total(X)[:2])


# --------------------------------------------------------------------- good answers


class Tensor:
    """Like a tensor of another library: no ndarray, but convertible."""

    def __init__(self, data):
        self.data = data

    def __array__(self, dtype=None, copy=None):
        return np.array(self.data, dtype=dtype)


@pytest.mark.parametrize(
    "convert",
    [
        lambda y: y.astype(np.float32),
        lambda y: y.astype(np.float16),
        lambda y: y.astype(np.longdouble),
        lambda y: y.astype(">f8"),
        lambda y: y[::-1][::-1],
        lambda y: y.tolist(),
        lambda y: tuple(y),
        Tensor,
        np.ma.masked_array,
    ],
    ids=["float32", "float16", "long", "big endian", "strided", "list", "tuple", "tensor", "mask"],
)
def test_answers_of_many_types(convert):
    answers = Oracle(lambda x: convert(total(x)), 3)(X)
    assert type(answers) is np.ndarray and answers.dtype == np.float64
    np.testing.assert_array_equal(answers, total(X))


# --------------------------------------------------------------------- bad answers


BAD = {
    "nothing": (lambda x: None, "got NoneType"),
    "a string": (lambda x: "spam", "got strings"),
    "strings": (lambda x: ["1.0"] * len(x), "got strings"),
    "bytes": (lambda x: b"1.0", "got strings"),
    "a dictionary": (lambda x: {"y": total(x)}, "got dict"),
    "ragged": (lambda x: [[1.0]] + [[1.0, 2.0]] * (len(x) - 1), "must return an array, got list"),
    "booleans": (lambda x: total(x) > 0, "booleans"),
    "complex": (lambda x: total(x) + 0j, "complex numbers"),
    "dates": (lambda x: total(x).astype("M8[s]"), "datetime64"),
    "a number": (lambda x: 1.5, r"shape \(n,\) or \(n, m\) for n=4 rows, got \(\)"),
    "too few": (lambda x: total(x)[1:], r"got \(3,\)"),
    "too many": (lambda x: np.r_[total(x), 1.0], r"got \(5,\)"),
    "transposed": (lambda x: np.ones((2, len(x))), r"got \(2, 4\)"),
    "no outputs": (lambda x: np.ones((len(x), 0)), r"got \(4, 0\)"),
    "three axes": (lambda x: np.ones((len(x), 1, 1)), r"got \(4, 1, 1\)"),
}


@pytest.mark.parametrize("kind", BAD)
def test_what_is_not_an_answer(kind):
    black_box, message = BAD[kind]
    oracle = Oracle(black_box, 3)
    with pytest.raises(BlackBoxError, match=message) as caught:
        oracle(X)
    np.testing.assert_array_equal(caught.value.query, X)
    assert oracle.queries == 0 and len(oracle.history()[0]) == 0


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
@pytest.mark.parametrize("outputs", [0, 2])
def test_answers_must_be_finite(value, outputs):
    def black_box(x):
        y = np.ones((len(x), outputs) if outputs else len(x))
        y[[1, 3], ...] = value
        return y

    with pytest.raises(BlackBoxError, match=r"finite numbers, got .*\(2 of 4 rows\)") as caught:
        Oracle(black_box, 3)(X)
    np.testing.assert_array_equal(caught.value.query, X[[1, 3]])


def test_missing_answers_of_a_masked_array():
    def black_box(x):
        return np.ma.masked_array(total(x), mask=x[:, 0] == 3)

    with pytest.raises(BlackBoxError, match=r"finite.*1 of 4") as caught:
        Oracle(black_box, 3)(X)
    np.testing.assert_array_equal(caught.value.query, X[1:2])


def test_numbers_too_large_for_float64():
    huge = np.longdouble(10) ** 400
    if not np.isfinite(huge):
        huge = np.inf  # a machine without longer floats
    with pytest.raises(BlackBoxError, match="finite"):
        Oracle(lambda x: np.full(len(x), huge), 3)(X)


def test_a_conversion_that_fails_says_why():
    class Attached(Tensor):
        def __array__(self, dtype=None, copy=None):
            raise RuntimeError("requires grad")

    with pytest.raises(BlackBoxError, match=r"got Attached \(requires grad\)"):
        Oracle(lambda x: Attached(total(x)), 3)(X)


@pytest.mark.parametrize("then", [lambda x: x[:, :1], lambda x: x[:, :2]])
def test_the_shape_of_answers_must_not_change(then):
    black_boxes = iter([total, then])
    oracle = Oracle(lambda x: next(black_boxes)(x), 3)
    oracle(X)
    with pytest.raises(BlackBoxError, match=r"changed the shape of its answers from \(n,\)"):
        oracle(X)
    assert oracle.queries == 4


def test_an_error_of_the_black_box_keeps_its_cause_and_the_query():
    def black_box(x):
        x[:] = 0
        raise KeyError("no such model")

    oracle = Oracle(black_box, 3)
    with pytest.raises(BlackBoxError, match=r"raised KeyError.*no such model.*4 rows") as caught:
        oracle(X)
    assert isinstance(caught.value.__cause__, KeyError)
    np.testing.assert_array_equal(caught.value.query, X)
    assert oracle.queries == 0


def test_an_interrupt_is_not_an_answer():
    def black_box(x):
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        Oracle(black_box, 3)(X)


anything = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(),
    st.floats(),
    st.text(max_size=3),
    st.lists(st.floats(), max_size=5),
    st.lists(st.lists(st.floats(), max_size=2), max_size=5),
    st.lists(st.one_of(st.integers(), st.text(max_size=2), st.none()), max_size=5),
    st.dictionaries(st.text(max_size=2), st.floats(), max_size=2),
)


@given(answer=anything)
def test_any_answer_is_right_or_refused(answer):
    oracle = Oracle(lambda x: answer, 3)
    try:
        y = oracle(X)
    except BlackBoxError as error:
        assert "black_box" in str(error) and error.query.shape[1] == 3
        assert oracle.queries == 0
    else:
        assert y.dtype == np.float64 and len(y) == 4 and np.isfinite(y).all()
        assert oracle.queries == 4


# --------------------------------------------------------------------- arguments


@pytest.mark.parametrize("value", [0, -1, 2.5, True, "3", None, np.nan, np.inf, [1, 2]])
@pytest.mark.parametrize("name", ["dim", "max_queries", "batch_size"])
def test_sizes_are_positive_integers(name, value):
    if value is None and name != "dim":
        return  # None: no limit
    with pytest.raises(InvalidArgument, match=f"{name} must be a positive integer, got"):
        Oracle(total, **{"dim": 3, name: value})


def test_integers_of_numpy_are_integers():
    assert Oracle(total, np.int64(3), max_queries=np.int32(5), batch_size=2.0)(X).shape == (4,)


def test_the_black_box_is_callable():
    with pytest.raises(InvalidArgument, match=r"black_box must be callable.*got ndarray"):
        Oracle(np.ones(3), 3)


@pytest.mark.parametrize(
    "x, message",
    [
        (np.ones(3), r"shape \(n, 3\), got \(3,\)"),
        (np.ones((4, 2)), r"shape \(n, 3\), got \(4, 2\)"),
        (np.full((1, 3), np.nan), "finite"),
        (np.full((1, 3), np.inf), "finite"),
        ([["a", "b", "c"]], "real array"),
        ([[1j, 0, 0]], "real array"),
        (np.full((1, 3), 1j), "complex"),
        ([[1], [1, 2]], "real array"),
    ],
)
def test_queries_are_checked(x, message):
    oracle = Oracle(total, 3)
    with pytest.raises(InvalidArgument, match=message):
        oracle(x)
    assert oracle.queries == 0


def test_recall_asks_nothing_and_spreads_over_the_history():
    secret = zoo.random_network(2, 3, rng=0)
    oracle = Oracle(secret, 2)
    assert [part.shape for part in oracle.recall(5)] == [(0, 2), (0,)]
    x = np.random.default_rng(0).standard_normal((7, 2))
    oracle(x[:4])
    oracle.around(x[4], np.array([0.1]), np.eye(2)[:1], x[5:] - x[4])
    asked, answers = oracle.recall(100)
    assert oracle.queries == 7
    np.testing.assert_array_equal(asked, oracle.history()[0])
    np.testing.assert_array_equal(answers, oracle.history()[1])
    np.testing.assert_array_equal(oracle.recall(2)[0], oracle.history()[0][[0, 6]])

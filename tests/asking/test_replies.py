"""Replies: what counts as a number, and how what does not is explained."""

from __future__ import annotations

from decimal import Decimal
from fractions import Fraction

import numpy as np
import pytest
from nets import relative_error

from relu_learn import BlackBoxError, InvalidArgument, Oracle, learn_from_queries, zoo
from relu_learn.asking.errors import NotPiecewiseLinear
from relu_learn.asking.replies import Refused, ask, labels

X = np.arange(12.0).reshape(4, 3)
SECRET = zoo.random_network(3, 4, rng=1)
MANY = zoo.random_network(3, 4, 2, rng=1)


def total(x):
    return x.sum(axis=1)


def objects(kind):
    return lambda y: [kind(float(v)) for v in y]


NUMBERS = {
    "integers": lambda y: y.astype(int),
    "unsigned": lambda y: y.astype(np.uint8),
    "list of integers": lambda y: y.astype(int).tolist(),
    "decimals": objects(lambda v: Decimal(repr(v))),
    "fractions": objects(Fraction),
    "float32 scalars": objects(np.float32),
    "object array": lambda y: y.astype(object),
    "mixed": lambda y: [int(y[0]), Decimal(3 * 4), *y[2:].tolist()],
    "columns of objects": lambda y: [[Decimal(int(v))] for v in y],
    "0-d arrays": objects(lambda v: np.array(v)),
}


@pytest.mark.parametrize("kind", NUMBERS)
def test_numbers_of_all_kinds(kind):
    y = ask(lambda x: NUMBERS[kind](total(x)), X)
    assert y.dtype == np.float64
    np.testing.assert_array_equal(y.ravel(), total(X))
    assert y.shape == ((4, 1) if kind == "columns of objects" else (4,))


def test_whole_numbers_beyond_int64():
    np.testing.assert_array_equal(ask(lambda x: [10**20] * len(x), X), np.full(4, 1e20))


@pytest.mark.parametrize(
    "value", [10**400, Decimal("1e400"), Decimal("nan"), Decimal("-inf")], ids=str
)
def test_objects_that_float64_cannot_hold(value):
    with pytest.raises(Refused, match=r"finite numbers, got -?(inf|nan) \(4 of 4 rows\)"):
        ask(lambda x: [value] * len(x), X)


NO_NUMBERS = {
    "dictionaries": (lambda x: [{"score": 1.0}] * len(x), r"a list of dict: .*row\['score'\]"),
    "nothing": (lambda x: [None, *total(x[1:])], "a list of NoneType"),
    "an object array of strings": (lambda x: np.array(["1.0"] * len(x), object), "ndarray of str"),
    "truth": (lambda x: np.array([True] * len(x), object), "a ndarray of bool"),
    "complex": (lambda x: np.array([1j] * len(x), object), "a ndarray of complex"),
    "sets": (lambda x: [{1.0}] * len(x), "a list of set"),
    "a generator": (lambda x: (v for v in total(x)), "generator$"),
    "a dictionary": (lambda x: {"score": total(x)}, "dict$"),
}


@pytest.mark.parametrize("kind", NO_NUMBERS)
def test_what_is_no_number(kind):
    black_box, message = NO_NUMBERS[kind]
    with pytest.raises(BlackBoxError, match=f"must return real numbers, got .*{message}") as caught:
        Oracle(black_box, 3)(X)
    np.testing.assert_array_equal(caught.value.query, X)


def test_what_is_not_finite_names_the_size_of_the_query():
    def black_box(x):
        return np.where(np.abs(x).max(axis=1) > 1e3, np.nan, total(x))

    with pytest.raises(BlackBoxError) as caught:
        learn_from_queries(black_box, 3, rng=0)
    largest = np.abs(caught.value.query[0]).max()
    assert f"coordinates up to {largest:.2g}" in str(caught.value)
    assert f"norm {np.linalg.norm(caught.value.query[0]):.2g}" in str(caught.value)
    assert "bounds=(low, high)" in str(caught.value)
    # The norm of the farthest point that there is:
    with pytest.raises(Refused, match=r"norm 3\.5e\+200 with coordinates up to 2e\+200"):
        ask(lambda x: np.full(len(x), np.inf), np.full((2, 3), 2e200))


# --------------------------------------------------------------------- rounded, and labels


def test_whole_numbers_are_answers_rounded_to_steps_of_one():
    result = learn_from_queries(lambda x: np.rint(1000 * SECRET(x)).astype(int), 3, rng=0)
    assert result.network.n_neurons == 4
    assert relative_error(lambda x: 1000 * SECRET(x), result.network) < 2e-3  # 1/2 of 600 at most


def test_decimals_are_learned_as_their_floats():
    exact = learn_from_queries(SECRET, 3, rng=0)
    result = learn_from_queries(lambda x: [Decimal(repr(float(v))) for v in SECRET(x)], 3, rng=0)
    assert result.network == exact.network


@pytest.mark.parametrize("kind", [int, np.uint8, float])
@pytest.mark.parametrize("classes", [2, 5])
def test_labels_are_recognised_by_their_values(kind, classes):
    net = zoo.random_network(3, 8, classes, rng=1)
    with pytest.raises(NotPiecewiseLinear, match="only . values .*if these are labels.*logits"):
        learn_from_queries(lambda x: net(x).argmax(axis=1).astype(kind), 3, rng=0)


def test_few_values_of_many_answers_are_labels():
    assert labels(np.repeat([0.0, 1.0], 50)).startswith(
        ". Its answers take only 2 values (0.0, 1.0)"
    )
    assert "only 3 values ([0.0, 1.0], [1.0, 0.0], [1.0, 1.0])" in labels(
        np.repeat([[0.0, 1.0], [1.0, 0.0], [1.0, 1.0]], 9, axis=0)
    )
    for numbers in (np.arange(100.0), np.zeros(100), np.empty(0), np.repeat([1.0, 2.0], 3)):
        assert labels(numbers) == ""


# --------------------------------------------------------------------- how to wrap it


class Model:
    def __init__(self, *methods):
        for name in methods:
            setattr(self, name, SECRET)


@pytest.mark.parametrize(
    "methods, hint",
    [
        (["predict"], r"got Model: give its method, model\.predict$"),
        (["predict", "predict_proba"], r"model\.predict_proba or model\.predict$"),
        (["forward"], r"model\.forward$"),
        ([], "got Model$"),
    ],
)
def test_a_model_without_call(methods, hint):
    with pytest.raises(InvalidArgument, match=f"must be callable with an .n, d. array, .*{hint}"):
        Oracle(Model(*methods), 3)


def one_sample(row):
    if row.shape != (3,):
        raise ValueError(f"shape mismatch: expected (3,), got {row.shape}")
    return float(SECRET(row[None])[0])


def of_rows(x, rows=32):
    if len(x) != rows:
        raise ValueError(f"Got: {len(x)} Expected: {rows}")
    return SECRET(x)


@pytest.mark.parametrize(
    "black_box",
    [one_sample, of_rows, lambda x: 1.5, lambda x: SECRET(x[:1]), lambda x: MANY(x[0][None])[0]],
    ids=["one sample", "32 rows", "a number", "one row", "two outputs of one row"],
)
def test_a_black_box_that_takes_no_batch_is_told_how_to_wrap_it(black_box):
    with pytest.raises(BlackBoxError) as caught:
        learn_from_queries(black_box, 3, rng=0)
    assert "lambda x: np.array([f(row) for row in x])" in str(caught.value)
    assert "batch_size=B" in str(caught.value)


def test_a_later_failure_is_no_question_of_wrapping():
    answers = iter([total])
    oracle = Oracle(lambda x: next(answers)(x), 3)
    oracle(X)
    with pytest.raises(BlackBoxError) as caught:
        oracle(X)
    assert "wrapped" not in str(caught.value)


def test_what_the_hints_say_works():
    expected = learn_from_queries(SECRET, 3, rng=0).network
    f, d, B = one_sample, 3, 32
    wrapped = lambda x: np.array([f(row) for row in x])  # noqa: E731
    np.testing.assert_allclose(
        learn_from_queries(wrapped, d, rng=0).network(X), expected(X), rtol=1e-9
    )
    f = of_rows
    oracle = Oracle(lambda x: f(np.resize(x, (B, x.shape[1])))[: len(x)], d, batch_size=B)
    np.testing.assert_allclose(
        learn_from_queries(oracle, d, rng=0).network(X), expected(X), rtol=1e-9
    )

"""Checks of arguments: every message names the argument, the rule and what was given."""

import json
import re

import numpy as np
import pytest

from relu_learn.asking.arguments import (
    generator,
    integer,
    is_between,
    positive_int,
    positive_number,
    real_array,
    restored,
)
from relu_learn.asking.errors import InvalidArgument

NO_NUMBERS = [None, "3", True, [1.0], np.nan, 0, -1]


@pytest.mark.parametrize("value", [*NO_NUMBERS, np.inf], ids=repr)
def test_what_is_no_positive_number(value):
    rule = f"width must be a positive number, got {value!r}"
    with pytest.raises(InvalidArgument, match=re.escape(rule)):
        positive_number("width", value)


@pytest.mark.parametrize("value", [*NO_NUMBERS, np.inf, 2.5], ids=repr)
def test_what_is_no_positive_integer(value):
    rule = f"count must be a positive integer, got {value!r}"
    with pytest.raises(InvalidArgument, match=re.escape(rule)):
        positive_int("count", value)


def test_numbers_of_every_type():
    for value in (3, 3.0, np.int8(3), np.float32(3)):
        assert (positive_number("x", value), positive_int("x", value)) == (3.0, 3)
        assert type(positive_int("x", value)) is int
    assert integer("x", np.int64(2), 2) == 2 and integer("x", 0, 0) == 0
    for value in (1, 2.0, True):
        with pytest.raises(InvalidArgument, match=f"x must be an integer >= 2, got {value}"):
            integer("x", value, 2)


def test_intervals_are_open():
    assert is_between(0, 0.5, 1) and not is_between(0, 0, 1) and not is_between(0, 1, 1)


def test_seeds():
    assert generator(3).random() == generator(3).random() != generator(4).random()
    assert generator(3, 1).random() != generator(3, 2).random() != generator(3).random()
    rng = np.random.default_rng(0)
    assert generator(rng, 7) is rng
    for bad in ("abc", -1, 1.5):
        rule = "rng must be a non-negative integer, a numpy.random.Generator or None"
        with pytest.raises(InvalidArgument, match=f"{rule}, got {bad!r}"):
            generator(bad)


def test_arrays_are_the_callers_own():
    value = np.ones((2, 3), order="F")
    array = real_array("x", value, (2, 3))
    array[0, 0] = 9
    assert value[0, 0] == 1 and array.flags.c_contiguous and array.dtype == float
    np.testing.assert_array_equal(real_array("x", [[True, 2]]), [[1, 2]])


@pytest.mark.parametrize(
    ("value", "message"),
    [
        ([1j], "x must be an array of real numbers, got dtype complex128"),
        (["a"], "x must be an array of real numbers, got dtype <U1"),
        ([None, {}], "x must be an array of real numbers: "),
        ([[1], [2, 3]], "x must be an array of real numbers: "),
        ([1.0, np.nan, np.inf], "x must be finite, got 2 NaN or infinite entries"),
        ([1.0, 2.0], "x must have shape (3,) or (1, 3), got (2,)"),
    ],
)
def test_what_is_no_real_array(value, message):
    with pytest.raises(InvalidArgument, match=re.escape(message)):
        real_array("x", value, (3,), (1, 3), (3,))


KINDS = [np.random.PCG64, np.random.MT19937, np.random.Philox, np.random.SFC64]


@pytest.mark.parametrize("kind", KINDS)
def test_a_generator_is_restored(kind):
    rng = np.random.Generator(kind(3))
    rng.random(7)
    state = json.loads(json.dumps(rng.bit_generator.state, default=np.ndarray.tolist))
    assert restored(state).random() == rng.random()


def twisted(pos):
    return {"bit_generator": "MT19937", "state": {"key": [0] * 624, "pos": pos}}


@pytest.mark.parametrize(
    "state",
    [
        None,
        {},
        {"bit_generator": "test", "state": {}},
        {"bit_generator": "BitGenerator", "state": {}},
        {"bit_generator": "PCG64", "state": {"state": None, "inc": 1}},
        {"bit_generator": ["PCG64"], "state": {}},
        twisted(-1),
        twisted(625),
        twisted(10**9),
        {**np.random.Philox(3).state, "buffer_pos": -(10**6)},
    ],
)
def test_no_state_reads_beyond_its_buffer_or_runs_code(state):
    with pytest.raises(InvalidArgument, match="state of one of NumPy's generators"):
        restored(state)

"""The family of errors: one base, and what each carries."""

import inspect

import numpy as np
import pytest

from relu_learn.asking import errors
from relu_learn.asking.errors import (
    BlackBoxError,
    InvalidArgument,
    NotOneHiddenLayer,
    NotPiecewiseLinear,
    ReluLearnError,
)

FAMILY = [
    cls
    for name, cls in inspect.getmembers(errors, inspect.isclass)
    if cls.__module__ == errors.__name__ and not name.startswith("_")
]


@pytest.mark.parametrize("error", FAMILY, ids=lambda cls: cls.__name__)
def test_every_error_is_one_of_ours_and_says_so(error):
    assert issubclass(error, ReluLearnError) and error.__doc__
    raised = error("what went wrong")
    assert str(raised) == "what went wrong" and raised.partial is None


def test_only_arguments_are_value_errors():
    assert {cls for cls in FAMILY if issubclass(cls, ValueError)} == {InvalidArgument}


def test_what_they_carry():
    x = np.zeros((3, 2))
    assert BlackBoxError("no", x).query is x
    assert NotPiecewiseLinear("bends", x).witness is x
    deep = NotOneHiddenLayer("ends", x, x + 1)
    assert deep.witness is x and (deep.crease == 1).all()
    assert not issubclass(NotOneHiddenLayer, NotPiecewiseLinear)

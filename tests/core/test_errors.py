"""The family of errors."""

import pytest

from relu_learn import InvalidArgument, NotPiecewiseLinear, ReluLearnError

pytestmark = pytest.mark.numerical


def test_the_error_of_a_smooth_function_is_one_of_ours():
    assert issubclass(NotPiecewiseLinear, ReluLearnError)
    assert not issubclass(NotPiecewiseLinear, InvalidArgument)

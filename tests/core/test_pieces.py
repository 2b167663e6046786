"""Pieces, and the neurons between two of them."""

import numpy as np
import pytest

from relu_learn.core.pieces import output_directions

pytestmark = pytest.mark.numerical


def test_directions_of_the_outputs():
    jumps = np.array([[3.0, 4.0], [0.0, -2.0], [0.0, 0.0]])
    np.testing.assert_allclose(output_directions(jumps), [[0.6, 0.8], [0, -1], [0, 0]])

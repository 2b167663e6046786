"""Bases: orthonormal, along a given direction, and quick to combine."""

import numpy as np
import pytest

from relu_learn.core.basis import orthonormal_basis

pytestmark = pytest.mark.numerical


@pytest.mark.parametrize("d", [1, 2, 3, 17, 200])
def test_an_orthonormal_basis(d, rng):
    first = rng.standard_normal(d)
    basis = orthonormal_basis(first, rng).rows
    np.testing.assert_allclose(basis @ basis.T, np.eye(d), atol=1e-13)
    np.testing.assert_allclose(basis[0], first / np.linalg.norm(first), atol=1e-15)


@pytest.mark.parametrize("d", [5, 300, 301])
@pytest.mark.parametrize("shape", [(), (3,)])
def test_combinations_of_a_basis(d, shape, rng):
    """The fast transform, too, gives the combination of the rows themselves."""
    for first in (rng.standard_normal(d), np.ones(d)):
        basis = orthonormal_basis(first, rng)
        for part in (basis, basis.part(1, d), basis.part(d - 3, d)):
            v = rng.standard_normal((len(part), *shape))
            np.testing.assert_allclose(part.combine(v), v.T @ part.rows, atol=1e-13)


def test_a_basis_along_an_axis_or_the_first_cosine(rng):
    for first in (np.eye(5)[0], -np.eye(5)[3], np.ones(5), -np.ones(5)):
        basis = orthonormal_basis(first, rng).rows
        np.testing.assert_allclose(basis @ basis.T, np.eye(5), atol=1e-13)
        np.testing.assert_allclose(basis[0], first / np.linalg.norm(first), atol=1e-15)

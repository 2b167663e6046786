"""Bases: orthonormal, along a given direction, and quick to combine."""

import numpy as np
import pytest

from relu_learn.core import basis as module
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
        for part in (basis, basis[1:], basis[d - 3 :]):
            v = rng.standard_normal((len(part), *shape))
            np.testing.assert_allclose(part.combine(v), v.T @ part.rows, atol=1e-13)


@pytest.mark.parametrize("d", [25, 26, 300])
def test_a_basis_that_is_not_held(d, rng, monkeypatch):
    """Products, combinations and steps say the same of it; and it is orthonormal, too."""
    monkeypatch.setattr(module, "HELD", 20)
    for first in (rng.standard_normal(d), np.eye(d)[3]):
        basis = orthonormal_basis(first, rng)
        rows = basis.array()
        assert basis.rows is None and len(basis) == basis.dim == d
        np.testing.assert_allclose(rows @ rows.T, np.eye(d), atol=1e-13)
        np.testing.assert_allclose(rows[0], first / np.linalg.norm(first), atol=1e-14)
        x, v, some = rng.standard_normal((2, d)), rng.standard_normal((d, 2)), np.array([1, d - 1])
        np.testing.assert_allclose(basis.products(x), x @ rows.T, atol=1e-13)
        np.testing.assert_allclose(basis.products(x[0]), rows @ x[0], atol=1e-13)
        np.testing.assert_allclose(basis.combine(v), v.T @ rows, atol=1e-13)
        np.testing.assert_allclose(basis[some].combine(v[:2]), v[:2].T @ rows[some], atol=1e-13)
        out, steps = np.empty((d - 2, d)), rng.uniform(1, 2, d)
        basis.stretched(x[0], steps, 2, out)
        np.testing.assert_allclose(out, (x[0] + steps[:, None] * rows)[2:], atol=1e-13)


def test_a_basis_along_an_axis_or_the_first_cosine(rng):
    for first in (np.eye(5)[0], -np.eye(5)[3], np.ones(5), -np.ones(5)):
        basis = orthonormal_basis(first, rng).rows
        np.testing.assert_allclose(basis @ basis.T, np.eye(5), atol=1e-13)
        np.testing.assert_allclose(basis[0], first / np.linalg.norm(first), atol=1e-15)

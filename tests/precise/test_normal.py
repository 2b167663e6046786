"""Normal equations by blocks: the same as least squares with the whole matrix."""

import numpy as np
import pytest

from relu_learn.precise.normal import least_squares

pytestmark = pytest.mark.numerical


@pytest.mark.parametrize("m", [1, 3])
def test_they_say_what_the_whole_matrix_says(m):
    rng = np.random.default_rng(m)
    n, d, k = 200, 4, 3
    x, outputs = rng.standard_normal((n, d)), rng.standard_normal((m, k))
    inputs = np.column_stack([x, -np.ones(n)])
    depth, unit = x @ rng.standard_normal((d, k)), rng.uniform(1, 2, (n, 1))
    misfit = rng.standard_normal((n, m))
    hidden, rest, left = least_squares(outputs, inputs, depth, unit, misfit)
    columns = [
        np.einsum("nk,mk,nq->nmkq", depth > 0, outputs, inputs),
        np.einsum("ml,nq->nmlq", np.eye(m), inputs),
    ]
    if m > 1:
        columns.append(np.einsum("ml,nk->nmlk", np.eye(m), np.maximum(depth, 0)))
    design = np.concatenate([c.reshape(n, m, -1) for c in columns], axis=2) / unit[..., None]
    design = design.reshape(n * m, -1)
    best = np.linalg.lstsq(design, misfit.ravel(), rcond=1e-9)[0]
    parts = [hidden, rest[:, : d + 1], *([rest[:, d + 1 :]] if m > 1 else [])]
    found = np.concatenate([part.ravel() for part in parts])
    assert hidden.shape == (k, d + 1) and rest.shape == (m, d + 1 + (k if m > 1 else 0))
    np.testing.assert_allclose(design @ found, design @ best, atol=1e-8)
    assert left == pytest.approx(((misfit.ravel() - design @ best) ** 2).sum(), rel=1e-9)


def test_what_nothing_tells_stays():
    """A neuron that is active nowhere, and one output weight too many for its length."""
    rng = np.random.default_rng(0)
    x = rng.standard_normal((100, 3))
    inputs, depth = np.column_stack([x, -np.ones(100)]), np.column_stack([x[:, 0], -np.ones(100)])
    misfit = np.outer(np.maximum(x[:, 0], 0), [2e-9, 0.0])
    args = (np.ones((2, 2)), inputs, depth, np.ones((100, 1)), misfit)
    hidden, rest, left = least_squares(*args)
    assert np.abs(hidden[1]).max() == 0 and left < 1e-30
    assert np.abs(hidden).max() < 1e-8 and np.abs(rest).max() < 1e-8

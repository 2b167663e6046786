"""Guesses: what few products tell, and what they do not."""

import numpy as np
import pytest

from relu_learn.structured.guesses import needed, spanned, sparse

pytestmark = pytest.mark.numerical
D, NOISE = 400, 1e-13


def rows(n, rng):
    return np.linalg.qr(rng.standard_normal((D, n)))[0].T


def with_entries(sizes, rng):
    vectors = np.zeros((len(sizes), D))
    for vector, size in zip(vectors, sizes, strict=True):
        vector[rng.choice(D, size, replace=False)] = rng.standard_normal(size)
    return vectors


def noisy(frame, vectors, rng):
    return frame @ vectors.T + NOISE * rng.standard_normal((len(frame), len(vectors)))


def test_few_entries_are_found_with_their_error(rng):
    vectors, frame = with_entries([1, 6, 9], rng), rows(80, rng)
    guess = sparse(frame, noisy(frame, vectors, rng), NOISE)
    np.testing.assert_array_equal(guess.vectors != 0, vectors != 0)
    off = np.linalg.norm(guess.vectors - vectors, axis=1).max() / np.sqrt(D)
    assert guess.error / 4 < off < 4 * guess.error < 100 * NOISE


def test_few_entries_that_are_many_are_not_guessed(rng):
    frame = rows(80, rng)
    for size in (60, D):
        vectors = with_entries([3, size], rng)
        assert sparse(frame, noisy(frame, vectors, rng), NOISE) is None
    small = with_entries([3], rng)  # fewer products than entries and some more
    assert sparse(frame[:8], noisy(frame[:8], small, rng), NOISE) is None


def test_what_noise_drowns_is_not_guessed(rng):
    frame, vectors = rows(80, rng), with_entries([3], rng)
    assert sparse(frame, noisy(frame, 1e-10 * vectors, rng), NOISE) is None


def test_a_span_is_noticed_and_left(rng):
    frame, vectors = rows(needed(8), rng), rng.standard_normal((8, D))
    known = vectors + NOISE * rng.standard_normal(vectors.shape)
    errors = np.full(8, NOISE)
    inside = rng.standard_normal((2, 8)) @ vectors
    guess = spanned(frame, noisy(frame, inside, rng), NOISE, known, errors)
    off = np.linalg.norm(guess.vectors - inside, axis=1).max() / np.sqrt(D)
    assert guess.error / 10 < off < 4 * guess.error < 400 * NOISE
    beside = inside + 1e-6 * rng.standard_normal(inside.shape)
    assert spanned(frame, noisy(frame, beside, rng), NOISE, known, errors) is None
    assert spanned(frame[:12], noisy(frame[:12], inside, rng), NOISE, known, errors) is None


def test_vectors_that_span_less_than_they_are_many(rng):
    """Ten in a space of three: the errors in the other seven directions are not used."""
    known = rng.standard_normal((10, 3)) @ rng.standard_normal((3, D))
    inside, frame = known[:1] + known[1:2], rows(20, rng)
    dirty = known + NOISE * rng.standard_normal(known.shape)
    guess = spanned(frame, noisy(frame, inside, rng), NOISE, dirty, np.full(10, NOISE))
    assert np.abs(guess.vectors - inside).max() < 30 * NOISE

"""Weights as a picture."""

import struct
import zlib

import numpy as np
import pytest

from relu_learn import ReluNetwork
from relu_learn.auditing.pictures import mosaic, png, side_of


def pixels(data: bytes) -> np.ndarray:
    """An RGB picture read back by the standard's own words, checksums included."""
    assert data[:8] == b"\x89PNG\r\n\x1a\n"
    at, parts = 8, {}
    while at < len(data):
        size, kind = struct.unpack_from(">I4s", data, at)
        body = data[at + 8 : at + 8 + size]
        assert struct.unpack_from(">I", data, at + 8 + size)[0] == zlib.crc32(kind + body)
        parts[kind], at = body, at + 12 + size
    width, height = struct.unpack_from(">II", parts[b"IHDR"])
    rows = np.frombuffer(zlib.decompress(parts[b"IDAT"]), np.uint8).reshape(height, -1)
    assert (rows[:, 0] == 0).all()
    return rows[:, 1:].reshape(height, width, 3)


def test_a_picture_comes_back(rng):
    image = rng.integers(0, 256, (5, 7, 3)).astype(np.uint8)
    assert np.array_equal(pixels(png(image)), image)


@pytest.mark.parametrize(("dim", "side"), [(784, 28), (64, 8), (10, None), (4, None)])
def test_only_square_inputs_are_images(dim, side):
    assert side_of(dim) == side


def test_the_neuron_with_the_largest_effect_comes_first():
    weights = np.zeros((3, 16))
    weights[0, 0], weights[1, 5], weights[2, 15] = 1.0, -1.0, 1.0
    image = pixels(mosaic(ReluNetwork(weights, np.zeros(3), [1.0, 5.0, 0.1])))
    assert image.shape == (4, 14, 3)
    blue = image[..., 2].astype(int) - image[..., 0]
    assert np.unravel_index(blue.argmax(), blue.shape) == (1, 1)  # pixel 5 of the first square
    assert np.unravel_index(blue.argmin(), blue.shape) == (0, 5)  # pixel 0 of the second
    assert mosaic(ReluNetwork(np.zeros((0, 16)), [], [])) is None
    assert mosaic(ReluNetwork(np.ones((1, 10)), [0.0], [1.0])) is None

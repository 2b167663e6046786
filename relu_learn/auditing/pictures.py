"""Weights as a picture, where the inputs are one: a PNG file in a few lines."""

from __future__ import annotations

import math
import struct
import zlib

import numpy as np
from numpy.typing import NDArray

from relu_learn.network import ReluNetwork, lengths

# More neurons than this make a picture that nobody looks through; and so many columns fit a page.
_MOST, _COLUMNS = 64, 16
# Negative, none, positive: blue and orange, which nobody mixes up.
_BLUE, _WHITE, _ORANGE = np.array([[33, 102, 172], [247, 247, 247], [217, 95, 2]])


def side_of(dim: int) -> int | None:
    """The side of a square image with so many pixels, or None: 28 of 784."""
    side = math.isqrt(dim)
    return side if side * side == dim and side >= 4 else None


def mosaic(network: ReluNetwork) -> bytes | None:
    """A PNG of the weights of up to 64 neurons, those with the largest effect first.

    Parameters
    ----------
    network : ReluNetwork

    Returns
    -------
    bytes or None
        None if its inputs are no square image, or if there are no neurons.
    """
    side, k = side_of(network.dim), network.n_neurons
    if side is None or k == 0:
        return None
    effect = lengths(np.atleast_2d(network.output_weights).T) * lengths(network.weights)
    weights = network.weights[np.argsort(-effect, kind="stable")[:_MOST]]
    largest = np.abs(weights).max(axis=1, keepdims=True)
    share = weights / np.where(largest > 0, largest, 1.0)
    columns = min(len(share), _COLUMNS)
    lines = math.ceil(len(share) / columns)
    page = np.zeros((lines * (side + 1) - 1, columns * (side + 1) - 1))
    for i, one in enumerate(share):
        top, left = (side + 1) * (i // columns), (side + 1) * (i % columns)
        page[top : top + side, left : left + side] = one.reshape(side, side)
    ends = np.where(page[..., None] < 0, _BLUE, _ORANGE)
    return png(np.round(_WHITE + np.abs(page)[..., None] * (ends - _WHITE)).astype(np.uint8))


def png(pixels: NDArray[np.uint8]) -> bytes:
    """An RGB picture (h, w, 3) as a PNG file (ISO/IEC 15948)."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        return (
            struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
        )

    height, width, _ = pixels.shape
    rows = np.concatenate([np.zeros((height, 1), np.uint8), pixels.reshape(height, -1)], axis=1)
    head = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    body = chunk(b"IHDR", head) + chunk(b"IDAT", zlib.compress(rows.tobytes(), 9))
    return b"\x89PNG\r\n\x1a\n" + body + chunk(b"IEND", b"")

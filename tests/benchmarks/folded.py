"""A network of two inputs as a folded sheet: its facets, and how bright each is in the sun."""

from __future__ import annotations

import math

import numpy as np

LIT, SHADED = (255, 255, 255), (126, 172, 212)
SUN = np.array([-0.4, 0.5, 0.77])  # from the upper left, as maps are lit
RELIEF = 1.6  # a sheet is drawn that much steeper than it is


def facets(weights: np.ndarray, biases: np.ndarray, reach: float) -> list[np.ndarray]:
    """The polygons, (corners, 2), into which lines <w, x> = b cut [-reach, reach]²."""
    corners = reach * np.array([[-1.0, -1.0], [1.0, -1.0], [1.0, 1.0], [-1.0, 1.0]])
    pieces = [corners]
    for w, b in zip(weights, biases, strict=True):
        pieces = [part for piece in pieces for part in _cut(piece, w, b)]
    return pieces


def _cut(polygon: np.ndarray, w: np.ndarray, b: float) -> list[np.ndarray]:
    height = polygon @ w - b
    height[np.abs(height) < 1e-9] = 0.0  # creases that meet in a point meet in one
    sides: tuple[list, list] = ([], [])
    for i, (p, z) in enumerate(zip(polygon, height, strict=True)):
        q, y = polygon[i - len(polygon) + 1], height[i - len(polygon) + 1]
        for side, sign in zip(sides, (1, -1), strict=True):
            if sign * z >= 0:
                side.append(p)
            if z * y < 0:
                side.append(p + (q - p) * z / (z - y))
    return [np.array(side) for side in sides if len(side) > 2 and _area(np.array(side)) > 1e-6]


def _area(polygon: np.ndarray) -> float:
    x, y = polygon.T
    return 0.5 * abs(float(x @ np.roll(y, 1) - y @ np.roll(x, 1)))


def light(gradient: np.ndarray) -> str:
    """Colour of a facet of that gradient."""
    normal = np.array([*(-RELIEF * gradient), 1.0])
    share = float(np.clip(normal @ SUN / math.hypot(*normal), 0.0, 1.0))
    red, green, blue = (round(d + share * (p - d)) for d, p in zip(SHADED, LIT, strict=True))
    return f"#{red:02x}{green:02x}{blue:02x}"

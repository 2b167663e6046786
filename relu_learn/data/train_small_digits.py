"""Train the networks that `zoo.small_digits()` loads, and write them to `small_digits.npz`.

    python relu_learn/data/train_small_digits.py

A defence against extraction draws the weights of a layer's neurons together while it is trained,
so that no neuron is unique (A. Kurian, A. Aysu, "Train to Defend", arXiv 2509.16546). Here that is
a further term of the loss: how far each neuron's weights are from the mean of its group, which is
itself, a pair, or the whole layer. numpy trains; scikit-learn only brings the 1,797 images,
split as for `zoo.digits()`, so that `zoo.held_out_digits()` are held out here, too. Seeds are
fixed: the same versions give the same file, to rounding.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

TARGET = Path(__file__).with_name("small_digits.npz")
NEURONS = 16
# Neurons in a group, and how strongly they are drawn together. (Stronger costs more right answers.)
GROUPS = {"none": (1, 0.0), "pairs": (2, 3.0), "all": (NEURONS, 0.3)}
_STEPS = 3000
_DECAY = 1e-3
_SEED = 3  # of 0, 1, 2, 3 the one whose ordinary network has no neuron that decays to nothing


def split() -> tuple[Any, Any, Any, Any]:
    """Training and held-out images with their labels, split as `train_digits.py` does."""
    from sklearn.datasets import load_digits
    from sklearn.model_selection import train_test_split

    images, labels = load_digits(return_X_y=True)
    x, x_test, y, y_test = train_test_split(
        images / 16.0, labels, test_size=0.25, stratify=labels, random_state=0
    )
    return x, y, x_test, y_test


def train(x: np.ndarray, labels: np.ndarray, group: int, pull: float) -> list[np.ndarray]:
    """Weights, biases, output weights and offset: Adam on all images, cosine rate, no restarts."""
    rng = np.random.default_rng(_SEED)
    k, d = NEURONS, x.shape[1]
    w, b = rng.standard_normal((k, d)) * np.sqrt(2 / d), np.zeros(k)
    a, c = rng.standard_normal((10, k)) * np.sqrt(2 / k), np.zeros(10)
    parameters = [w, b, a, c]
    first, second = ([np.zeros_like(p) for p in parameters] for _ in range(2))
    wanted = np.eye(10)[labels]
    for step in range(1, _STEPS + 1):
        z = x @ w.T - b
        hidden = np.maximum(z, 0)
        scores = hidden @ a.T + c
        p = np.exp(scores - scores.max(axis=1, keepdims=True))
        off = (p / p.sum(axis=1, keepdims=True) - wanted) / len(x)
        back = (off @ a) * (z > 0)
        groups = w.reshape(k // group, group, d)
        apart = (groups - groups.mean(axis=1, keepdims=True)).reshape(k, d)
        slopes = [
            back.T @ x + _DECAY * w + pull * apart,
            -back.sum(axis=0),
            off.T @ hidden + _DECAY * a,
            off.sum(axis=0),
        ]
        rate = 0.005 * (1 + np.cos(np.pi * step / _STEPS))
        for value, slope, m, v in zip(parameters, slopes, first, second, strict=True):
            m += 0.1 * (slope - m)
            v += 0.001 * (slope**2 - v)
            value -= rate * (m / (1 - 0.9**step)) / (np.sqrt(v / (1 - 0.999**step)) + 1e-8)
    return parameters


def nearest(weights: np.ndarray) -> np.ndarray:
    """Degrees from each neuron's weights (k, d) to the nearest other one's."""
    unit = weights / np.linalg.norm(weights, axis=1, keepdims=True)
    chords = np.linalg.norm(unit[:, None] - unit, axis=2)
    np.fill_diagonal(chords, 2)
    return np.asarray(np.degrees(2 * np.arcsin(chords.min(axis=1) / 2)))


def main() -> None:
    """Train, save, and print what was measured."""
    x, y, x_test, y_test = split()
    arrays: dict[str, Any] = {}
    for name, (group, pull) in GROUPS.items():
        w, b, a, c = train(x, y, group, pull)
        right = ((np.maximum(x_test @ w.T - b, 0) @ a.T + c).argmax(axis=1) == y_test).mean()
        arrays |= {
            f"{name}_weights": w,
            f"{name}_biases": b,
            f"{name}_output_weights": a,
            f"{name}_offset": c,
        }
        far = nearest(w)
        print(
            f"{name}: 64-{NEURONS}-10, {right:.2%} right on {len(y_test)} held-out images, "
            f"nearest neurons {far.min():.2g} to {far.max():.2g} degrees apart"
        )
    np.savez(TARGET, **arrays)
    print(f"{TARGET.stat().st_size / 1000:.0f} kB in {TARGET.name}")


if __name__ == "__main__":
    main()

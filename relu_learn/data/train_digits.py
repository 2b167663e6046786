"""Train the network that `zoo.digits()` loads, and write its weights to `digits.npz`.

The images it was not trained on go to `digits_held_out.npz` beside it, for `zoo.held_out_digits()`.

    python relu_learn/data/train_digits.py

Needs scikit-learn; the 1,797 images come with it. Seeds are fixed: the same versions of the
libraries give the same file.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

TARGET = Path(__file__).with_name("digits.npz")


def train() -> tuple[dict[str, Any], dict[str, Any]]:
    """Weights in the convention of `ReluNetwork`, with their accuracy; and the held-out images."""
    from sklearn.datasets import load_digits
    from sklearn.model_selection import train_test_split
    from sklearn.neural_network import MLPClassifier

    images, labels = load_digits(return_X_y=True)
    x, x_test, y, y_test = train_test_split(
        images / 16.0, labels, test_size=0.25, stratify=labels, random_state=0
    )
    # Convergence before max_iter, or scikit-learn warns.
    model = MLPClassifier((32,), alpha=1e-2, learning_rate_init=3e-3, max_iter=1000, random_state=0)
    model.fit(x, y)
    (first, second), (b_first, b_second) = model.coefs_, model.intercepts_
    arrays = {
        "weights": first.T,
        "biases": -b_first,  # ours is relu(<w, x> - b)
        "output_weights": second.T,
        "offset": b_second,
        "test_accuracy": np.array(model.score(x_test, y_test)),
        "train_accuracy": np.array(model.score(x, y)),
        "test_size": np.array(len(y_test)),
    }
    sixteenths = (16 * x_test).astype(np.uint8)  # pixels are whole numbers from 0 to 16
    return arrays, {"images": sixteenths, "labels": y_test.astype(np.uint8)}


def main() -> None:
    """Train, save, and print what was measured."""
    arrays, held_out = train()
    np.savez(TARGET, **arrays)
    np.savez_compressed(TARGET.with_name("digits_held_out.npz"), **held_out)
    print(
        f"64-32-10: {arrays['test_accuracy']:.2%} right on {arrays['test_size']} held-out images "
        f"({arrays['train_accuracy']:.2%} on the training images); "
        f"{TARGET.stat().st_size / 1000:.0f} kB in {TARGET.name}"
    )


if __name__ == "__main__":
    main()

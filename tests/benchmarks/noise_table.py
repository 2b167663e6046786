"""What imprecise answers cost: `python tests/benchmarks/noise_table.py [--seeds N] [--quick]`.

One row per network, kind and level of noise: the estimated noise (as a multiple of the true one),
queries, root-mean-square error of F' on 10,000 Gaussian points in units of the noise and of the
output's scale, worst error in units of the scale, neurons found / true, seconds. With several seeds
a row shows the worst of them.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable

import numpy as np

from relu_learn import zoo
from relu_learn.core.network import ReluNetwork
from relu_learn.core.noisy import estimate_noise, learn_noisy

Ask = Callable[[np.ndarray], np.ndarray]


def dirty(net: ReluNetwork, kind: str, level: float, scale: float, seed: int) -> Ask:
    """A black box with imprecise answers: additive (level in units of scale), decimals, float32."""
    rng = np.random.default_rng(1000 + seed)
    if kind == "additive":
        return lambda x: net(x) + level * scale * rng.standard_normal(net(x).shape)
    if kind == "decimals":
        return lambda x: net(x).round(int(level))
    w, b, a, c = (
        v.astype(np.float32) for v in (net.weights, net.biases, net.output_weights.T, net.offset)
    )
    return lambda x: np.maximum(x.astype(np.float32) @ w.T - b, np.float32(0)) @ a + c


def measure(net: ReluNetwork, kind: str, level: float, seed: int) -> tuple[float, ...]:
    x = np.random.default_rng(77).standard_normal((10_000, net.dim))
    values = net(x)
    scale = float(values.std(axis=0).max())
    black_box = dirty(net, kind, level, scale, seed)
    noise = float(np.sqrt(np.mean((black_box(x) - values) ** 2)))
    asked = 0

    def ask(points: np.ndarray) -> np.ndarray:
        nonlocal asked
        asked += len(points)
        return black_box(points).astype(float).reshape(len(points), -1)

    start = time.perf_counter()
    rng = np.random.default_rng(seed)
    line = rng.standard_normal((2, net.dim))
    estimate = estimate_noise(ask, line[0], line[1], rng)
    *_, last = learn_noisy(ask, net.dim, estimate.sigma, rng)
    seconds = time.perf_counter() - start
    errors = last.network(x) - values.reshape(len(x), -1)
    rms, worst = float(np.sqrt((errors**2).mean())), float(np.abs(errors).max())
    ratio = float(np.sqrt((estimate.sigma**2).mean())) / noise
    k = last.network.n_neurons
    return ratio, asked, rms / noise, rms / scale, worst / scale, k, last.finished, seconds


CASES: list[tuple[str, Callable[[int], ReluNetwork], int]] = [
    ("10-15-1", lambda seed: zoo.random_network(10, 15, rng=seed), 4),
    ("64-32-10", lambda seed: zoo.random_network(64, 32, 10, rng=seed), 1),
    ("digits", lambda seed: zoo.digits(), 1),
]
LEVELS = [("float32", 0.0)]
LEVELS += [("decimals", float(j)) for j in (6, 5, 4, 3, 2)]
LEVELS += [("additive", level) for level in (1e-6, 1e-5, 1e-4, 1e-3, 1e-2, 1e-1)]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seeds", type=int, default=5, help="runs for every row of 10-15-1")
    parser.add_argument("--quick", action="store_true", help="only the smallest network")
    options = parser.parse_args()
    head = ("network", "noise", "level", "runs", "est/true", "queries", "rms/noise", "rms/scale")
    print(*(f"{h:>9}" for h in (*head, "worst/sc", "neurons", "complete", "seconds")))
    for name, build, share in CASES[: 1 if options.quick else None]:
        for kind, level in LEVELS:
            runs = max(1, options.seeds * share // 4)
            rows = np.array([measure(build(s), kind, level, s) for s in range(runs)])
            estimate, asked, noise, rms, worst, k, finished, seconds = rows.max(axis=0)
            label = f"{level:g}" if kind != "float32" else ""
            cells = (name, kind, label, runs, f"{estimate:.2f}", f"{asked:,.0f}", f"{noise:.2f}")
            cells += (f"{rms:.1e}", f"{worst:.1e}", f"{k:.0f}/{build(0).n_neurons}")
            cells += (f"{rows[:, 6].sum():.0f}/{runs}", f"{seconds:.1f}")
            print(*(f"{c:>9}" for c in cells), flush=True)


if __name__ == "__main__":
    main()

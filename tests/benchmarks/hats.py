"""What fresh points are worth: narrow bumps beside other neurons, found or missed.

    python tests/benchmarks/hats.py [--seeds 25] [--quick]

A bump is three parallel neurons that touch inputs only between two close hyperplanes. A row is one
secret with as many bumps as there are seeds; a column is the number of fresh points of the final
test ("default": what the learner chooses, for a certificate of 1 % or 0.5 %). Bumps that were
missed, of how many; and the queries, all counted. "lean" is the short test of lean=True.
"""

from __future__ import annotations

import argparse

import numpy as np
from common import table

from relu_learn import ReluNetwork, learn_from_queries, zoo

DIM = 10
POINTS = (32, 161, 370, None, 2000, "lean")


def secret(neurons: int, width: float, seed: int) -> tuple[ReluNetwork, np.ndarray]:
    """A random network with a bump as high as its outputs vary, and points (50, d) in the bump."""
    rng = np.random.default_rng(seed)
    base = zoo.random_network(DIM, neurons, rng=seed)
    w = rng.standard_normal(DIM)
    w /= np.linalg.norm(w)
    t = rng.standard_normal()
    height = float(base(rng.standard_normal((2000, DIM))).std()) or 1.0
    net = ReluNetwork(
        np.concatenate([base.weights, [w, w, w]]),
        np.concatenate([base.biases, t + width * np.array([-1.0, 0.0, 1.0])]),
        np.concatenate([base.output_weights, height / width * np.array([1.0, -2.0, 1.0])]),
        base.skip,
        base.offset,
    )
    x = rng.standard_normal((50, DIM))
    return net, x + np.outer(t + width * rng.uniform(-0.9, 0.9, 50) - x @ w, w)


def cell(neurons: int, width: float, points: int | str | None, seeds: int) -> str:
    settings = {"lean": True} if points == "lean" else {"validation": points}
    missed, queries = 0, []
    for seed in range(seeds):
        net, x = secret(neurons, width, seed)
        result = learn_from_queries(net, DIM, rng=seed, **settings)
        y = net(x)
        missed += bool(np.abs(y - result.network(x)).max() > 1e-3 * np.ptp(y))
        queries.append(result.queries)
    return f"{missed}/{seeds}, {np.median(queries):,.0f}"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seeds", type=int, default=25)
    parser.add_argument("--quick", action="store_true", help="one secret")
    args = parser.parse_args()
    rows = [
        [f"{DIM}-{k}-1, width {width}", *(cell(k, width, n, args.seeds) for n in POINTS)]
        for k, width in (
            [(8, 0.03)] if args.quick else [(k, w) for k in (8, 15, 30) for w in (0.03, 0.01)]
        )
    ]
    print(table(["secret", *(str(n or "default") for n in POINTS)], rows))


if __name__ == "__main__":
    main()

"""Queries against examples on the lower bounds' own family, beside random secrets of its size.

    python tests/benchmarks/lower_bound.py
    python tests/benchmarks/lower_bound.py --neurons 8,12,16 --examples 2000,10000 --seeds 1

Losses are in units of the secret's variance: 1 is what the best constant has. "found" counts the
queries before the final test on fresh points, "all" the test, too. The student is told the number
of neurons, and its learning rate is chosen on held-out examples (`relu_learn.baselines`).
"""

from __future__ import annotations

import argparse

import numpy as np
from common import parse_names, table

from relu_learn import learn_from_queries, sampled_loss, zoo
from relu_learn.baselines import fit
from relu_learn.network import ReluNetwork


def row(name: str, secret: ReluNetwork, examples: list[int], seed: int) -> list[str]:
    """One secret: what asking costs and gets, and what a student gets."""
    dim = secret.dim
    variance = secret(np.random.default_rng(0).standard_normal((100_000, dim))).var()
    run = learn_from_queries(secret, dim, rng=seed)
    loss = sampled_loss(secret, run.network, rng=1) / variance
    cells = [name, str(seed), str(run.queries_to_find), f"{run.queries:,}", f"{loss:.0e}"]
    for n in examples:
        student = fit("student", secret, dim, secret.n_neurons, n, seed)
        cells.append(f"{sampled_loss(secret, student, rng=1, dim=dim) / variance:.2g}")
    return cells


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--dim", type=int, default=20)
    parser.add_argument("--neurons", default="12")
    parser.add_argument("--examples", default="2000,10000")
    parser.add_argument("--seeds", type=int, default=1)
    parser.add_argument("--quick", action="store_true", help="one small student")
    options = parser.parse_args()
    examples = [500] if options.quick else list(map(int, parse_names(options.examples)))
    rows = []
    for k in map(int, parse_names(options.neurons)):
        for seed in range(options.seeds):
            hidden = zoo.lower_bound(options.dim, k, rng=seed)
            rows.append(row(f"hidden plane, {k} neurons", hidden, examples, seed))
            random = zoo.random_network(options.dim, k, rng=seed)
            rows.append(row(f"random, {k} neurons", random, examples, seed))
    students = [f"student, {n:,}" for n in examples]
    print(table(["secret", "seed", "found", "all", "loss", *students], rows))


if __name__ == "__main__":
    main()

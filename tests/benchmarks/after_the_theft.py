"""What a copy is good for, in numbers: attacks, certificates, smaller networks, thresholds.

    python tests/benchmarks/after_the_theft.py [--seeds 5] [--quick] [--markdown]

All but the last table is about sixty held-out digits (lesson 09) and the digits network, which is
learned first. "by copy": digits that the *secret* reads as something else after a change by the
copy's gradients, for no query; "by asking": the same by a derivative-free attack, and its queries.
"intervals" and "exact": digits that no change of that size can fool, by interval bounds and by
mixed integer programming; "left": digits that the gradients did not fool. Losses are exact, for
N(0, I), in per cent of what the best constant has; "wrong" is the share of 450 held-out digits. The
last table is networks of thresholds with standard normal jumps, weights N(0, I / d) and biases
N(0, 1/4); D is the number of their parameters, and "wrong" is of 20,000 fresh points.
"""

from __future__ import annotations

import argparse

import numpy as np
from common import spread, table

from relu_learn.copies import attack, digits, verify
from relu_learn.copies.thresholds import ThresholdNetwork, learn_thresholds

SIZES = (*digits.SIZES, 0.1, 0.15, 0.2)
SHAPES = ((5, 10), (20, 12), (50, 30), (64, 32))


def attacks(sizes: tuple[float, ...]) -> list[list[str]]:
    it, rows = digits.theft(), []
    for size in sizes:
        by_copy, by_asking = digits.attacked(size)
        fooled = attack.margins(it.secret(by_copy.inputs), it.labels) < 0
        counts = [str(n) for n in digits.certified(size)] if size in digits.SIZES else ["–"] * 3
        cells = [fooled.sum(), (by_asking.margins < 0).sum(), f"{by_asking.queries.sum():,}"]
        rows.append([f"{size:g}", *map(str, cells), *counts])
    return rows


def reductions(step: int) -> list[list[str]]:
    ways = (digits.prunings(False), digits.prunings(True), digits.ranks())
    rows = []
    for n in range(32, -1, -step):
        cells = [text for way in ways for text in (f"{way[n].loss:.2f}", f"{way[n].wrong:.1f}")]
        rows.append([str(n), *cells])
    return rows


def thresholds(shapes: tuple[tuple[int, int], ...], seeds: int) -> list[list[str]]:
    rows = []
    for d, k in shapes:
        ratios, queries, wrong = [], [], 0.0
        for seed in range(seeds):
            rng = np.random.default_rng(seed)
            w, b, a = rng.standard_normal((k, d)), rng.standard_normal(k), rng.standard_normal(k)
            secret = ThresholdNetwork(w / d**0.5, b / 2, a)
            found = learn_thresholds(secret, d, rng=seed)
            x = rng.standard_normal((20_000, d))
            wrong = max(wrong, float((np.abs(found.network(x) - secret(x)) > 1e-6).mean()))
            queries.append(found.queries)
            ratios.append(found.queries / (k * (d + 2) + 1))
        rows.append([f"{d}-{k}", spread(queries, ",.0f"), spread(ratios, ".1f"), f"{wrong:.2%}"])
    return rows


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seeds", type=int, default=5)
    parser.add_argument("--quick", action="store_true", help="two sizes, one small shape")
    parser.add_argument("--markdown", action="store_true")
    chosen = parser.parse_args()
    quick, markdown = chosen.quick, chosen.markdown
    it = digits.theft()
    off = verify.distance_in_box(it.copy, it.secret, np.zeros(64), np.ones(64))
    print(
        f"the copy: {it.queries:,} queries, {it.to_be_sure} of them to be sure; it is off by at "
        f"most {off:.0e} on all inputs in [0, 1]^64\n"
    )
    head = ["eps", "by copy", "by asking", "queries", "intervals", "exact", "left"]
    print(table(head, attacks((0.02, 0.1) if quick else SIZES), markdown) + "\n")
    head = ["kept", "pruned %", "wrong %", "+ linear %", "wrong %", "rank %", "wrong %"]
    print(table(head, reductions(16 if quick else 4), markdown) + "\n")
    rows = thresholds(SHAPES[:1] if quick else SHAPES, 1 if quick else chosen.seeds)
    print(table(["thresholds", "queries", "queries/D", "wrong"], rows, markdown))


if __name__ == "__main__":
    main()

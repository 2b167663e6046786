"""Every hostile secret of the zoo, in several variants, with several seeds.

    python tests/benchmarks/hostile.py [--seeds 10] [--first 0] [--only NAME] [--quick]

A run counts as recovered if the worst error over 10,000 Gaussian points is at most 1e-7 of the
output's scale. "x random" compares the queries with those of random networks with as many inputs,
neurons and independent outputs, without the fresh points of the tests (both spend up to 2,000 on
them, to find bumps that no line has met: they take the place of the paper's grid).
"""

from __future__ import annotations

import argparse
from functools import cache
from typing import Any

import numpy as np
from common import Record, power, run, spread, table

from relu_learn import InvalidArgument, zoo

RECOVERED = 1e-7
# Parameters besides the defaults, by generator.
VARIANTS: dict[str, list[dict[str, Any]]] = {
    "one_dimensional": [{}, {"neurons": 1}, {"neurons": 40}],
    "duplicates": [{}, {"dim": 2, "copies": 5}, {"dim": 40}],
    "opposite_twins": [{}, {"cancelling": False}, {"dim": 40}],
    "near_parallel": [
        {"gap": 10.0**-e, "cancelling": c, "opposite": o}
        for e in range(2, 10)
        for c in (False, True)
        for o in (False, True)
    ]
    + [{"dim": 1, "gap": 1e-4}, {"dim": 40, "gap": 1e-6}],
    "clump": [{"gap": 10.0**-e} for e in (2, 3, 4, 6, 8)],
    "hat": [{}, {"width": 0.01}, {"width": 0.01, "hats": 4, "dim": 5}, {"width": 1e-3}],
    "staircase": [{}, {"dim": 5, "steps": 10, "width": 1e-3}],
    "lattice": [{}, {"dim": 5, "neurons": 40}],
    "tiny_and_huge": [{}, {"balanced": True}, {"ratio": 1e6, "balanced": True}, {"ratio": 1e4}],
    "far_hyperplanes": [{}, {"distance": 4.0}, {"distance": 30.0}],
    "wide": [{"neurons": 200}, {"neurons": 400}],
    "scaled_outputs": [{"scale": 1e9}, {"scale": 1e-9}],
    "rank_one_outputs": [{}, {"dim": 30, "neurons": 40, "outputs": 10}],
    "sparse_outputs": [{}, {"dim": 30, "neurons": 40, "outputs": 10}],
}


def variants(only: str | None) -> list[tuple[str, dict[str, Any]]]:
    names = [only] if only else list(zoo.hostile)
    return [(name, extra) for name in names for extra in VARIANTS.get(name, [{}])]


def title(name: str, extra: dict[str, Any]) -> str:
    return f"{name}({', '.join(f'{key}={value!r}' for key, value in extra.items())})"


def seeded(name: str, extra: dict[str, Any], seed: int) -> Any:
    try:
        return zoo.get(name, **extra, rng=seed)
    except InvalidArgument:  # a fixed secret takes no seed
        return zoo.get(name, **extra)


@cache
def usual(dim: int, neurons: int, outputs: int) -> float:
    """Queries for random networks of this shape, without tests."""
    runs = [run("", zoo.random_network(dim, neurons, outputs, rng=s), s) for s in range(3)]
    return float(np.median([r.queries - r.tested for r in runs]))


def row(label: str, records: list[Record], typical: float) -> list[str]:
    good = [r for r in records if r.exact(RECOVERED)]
    cost = np.median([r.queries - r.tested for r in records]) / typical
    return [
        label,
        f"{len(good)}/{len(records)}",
        power(max((r.error for r in records), key=lambda e: (e != e, e))),
        spread([r.ratio for r in records], ".3g"),
        f"{cost:.2f}",
        spread([r.seconds for r in records], ".2f"),
    ]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seeds", type=int, default=10)
    parser.add_argument("--first", type=int, default=0, help="the first seed")
    parser.add_argument("--only", choices=list(zoo.hostile), metavar="NAME")
    parser.add_argument("--limit", type=float, default=60.0, help="seconds for one run")
    parser.add_argument("--quick", action="store_true", help="one seed, one variant of each")
    parser.add_argument("--progress", action="store_true", help="print rows as they come")
    options = parser.parse_args()
    if options.quick:
        options.limit = 5.0
    rows, failures = [], []
    cases = variants(options.only)
    if options.quick:
        cases = [(name, VARIANTS.get(name, [{}])[0]) for name in dict(cases)]
    for name, extra in cases:
        label = title(name, extra)
        seeds = range(options.first, options.first + (1 if options.quick else options.seeds))
        records = [run(label, seeded(name, extra, s), s, limit=options.limit) for s in seeds]
        secret = seeded(name, extra, 0)
        rank = max(1, int(np.linalg.matrix_rank(np.atleast_2d(secret.output_weights))))
        rows.append(row(label, records, usual(secret.dim, secret.n_neurons, rank)))
        if options.progress:
            print(*rows[-1], sep="  ", flush=True)
        for r in records:
            if not r.exact(RECOVERED):
                what = r.failure or f"error {r.error:.1e}, {r.found} neurons of {r.true}"
                failures.append(f"zoo.{label[:-1]}{', ' if extra else ''}rng={r.seed}): {what}")
                print(failures[-1], flush=True)
    print(table(["secret", "recovered", "worst error", "queries/D", "x random", "seconds"], rows))
    runs = len(cases) * (1 if options.quick else options.seeds)
    print(f"{runs:,} runs, {len(failures)} runs not recovered")


if __name__ == "__main__":
    main()

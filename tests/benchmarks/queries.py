"""Queries, errors and seconds of the learner on random networks and the digits.

    python tests/benchmarks/queries.py [--seeds 20] [--only 784-32-1] [--quick] [--markdown]
    python tests/benchmarks/queries.py --lean --seeds 50
    python tests/benchmarks/queries.py --structure --seeds 10

"/D" is relative to the number of parameters, D = k(d+1) + d+1; with m outputs D = k(d+1) +
mk + m(d+1), and as every query answers m numbers the ratio is queries / (D/m). "to find" are the
queries before the final test, "to be sure" its fresh points; "all/D" counts both. "worst error" is
the largest |F - F'| over 10,000 fresh Gaussian points, relative to the standard deviation of the
outputs; "parameters" the largest error of a normal (radians), bias or output weight after
`orient()`, where it finds the orientation. With `--lean` (which asks less) the last columns are the
median and the 95 % quantile of all/D, and how many runs had to go on with care; failures are
counted in. With `--structure` first layers have one: 3 x 3 filters, 2 % of the weights, or rank 10.
Ranges run over the seeds: secret and learner get the
same one.
"""

from __future__ import annotations

import argparse
import sys

import numpy as np
from common import Record, network, parse_names, power, run, spread, table

from relu_learn.core.run import FEW

NAMES = [
    "10-15-1",
    "10-30-1",
    "5-100-1",
    "784-32-1",
    "784-128-1",
    "64-32-10",
    "784-128-10",
    "digits",
]
QUICK = ["10-15-1", "5-100-1", "64-32-10", "digits"]
HEAD = ["network", "exact", "to find", "to be sure", "to find/D", "all/D", "neurons"]
HEAD += ["worst error", "parameters", "s"]
LEAN = ["10-8-1", "10-15-1", "20-10-1", "5-100-1", "64-32-10", "784-128-10", "784-32-1"]
STRUCTURED = ["784-32-1 filters", "784-32-1 sparse", "784-128-1 rank 10"]
STRUCTURED += ["784-32-1 dense", "784-128-10 dense"]
LEAN_HEAD = [*HEAD, "median/D", "95 %", "with care"]


def row(name: str, records: list[Record]) -> list[str]:
    good = [r for r in records if r.exact()]
    found = [(r.queries - r.sure) / r.queries * r.ratio for r in records]
    return [
        name,
        f"{len(good)}/{len(records)}",
        spread([r.queries - r.sure for r in records], ",.0f"),
        spread([r.sure for r in records], ",.0f"),
        spread(found, ".3g" if min(found) > 3 else ".3f"),
        spread([r.ratio for r in records], ".3g" if min(r.ratio for r in records) > 3 else ".3f"),
        f"{spread([r.found for r in records], '.0f')} of {records[0].true}",
        power(max((r.error for r in records), key=lambda e: (e != e, e))),
        power(max((r.parameter_error for r in records), key=lambda e: (e != e, e))),
        spread([r.seconds for r in records], ".1f"),
    ]


def of_all(records: list[Record]) -> list[str]:
    ratios = [r.ratio for r in records]
    careful = sum(r.tested > r.sure or r.sure > FEW for r in records)
    return [f"{np.median(ratios):.3f}", f"{np.quantile(ratios, 0.95):.3f}", str(careful)]


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--seeds", type=int, default=20)
    parser.add_argument("--only", metavar="NAME", help="comma-separated: 10-15-1,digits")
    parser.add_argument("--polish", action="store_true", help="learn with polish=True")
    parser.add_argument("--lean", action="store_true", help="learn with lean=True")
    parser.add_argument("--structure", action="store_true", help='learn with structure="auto"')
    parser.add_argument("--quick", action="store_true", help="one seed, small networks")
    parser.add_argument("--markdown", action="store_true")
    options = parser.parse_args()
    usual = QUICK if options.quick else LEAN if options.lean else NAMES
    names = parse_names(options.only) or (STRUCTURED if options.structure else usual)
    settings = {"polish": options.polish, "lean": options.lean}
    settings["structure"] = "auto" if options.structure else None
    rows = []
    for name in names:
        seeds = range(1 if options.quick else options.seeds)
        records = []
        for seed in seeds:
            secret = network(name, seed)
            # Beyond k = m r (r: the rank) the orientation is a hard subset problem: a short try.
            rank = np.linalg.matrix_rank(secret.weights)
            easy = secret.n_neurons <= secret.n_outputs * rank
            limit = 1.0 if options.quick or not easy else 10.0
            records.append(run(name, secret, seed, orient_seconds=limit, **settings))
            if not records[-1].exact():
                failed = records[-1].failure or f"error {records[-1].error:.1e}"
                print(f"{name}, seed {seed}: {failed}", flush=True)
        told = [f"{name} lean", *row(name, records)[1:], *of_all(records)]
        rows.append(told if options.lean else row(name, records))
        print(f"{name} done", file=sys.stderr, flush=True)
    print(table(LEAN_HEAD if options.lean else HEAD, rows, options.markdown))


if __name__ == "__main__":
    main()

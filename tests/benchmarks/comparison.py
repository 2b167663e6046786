"""Query learner against passive learners that see as many random labelled examples.

    python tests/benchmarks/comparison.py [--seeds 3] [--quick] [--markdown] [--write FILE]

One table, method x network: how many seeds were exact (worst error at most 1e-8 of the output's
scale), queries/D (as in queries.py), worst and root-mean-square error over 10,000 fresh Gaussian
points, worst parameter error, seconds. The students are told the number of neurons. Peers' figures
were measured or published elsewhere (with D = k(d+1) + k+1); their rows say so. `--write` saves the
table, curves of loss against examples, and where the queries go: lesson 04 plots the file that
ships as relu_learn/data/comparison.json.
"""

from __future__ import annotations

import argparse
import dataclasses
import json
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np
from common import Record, errors, network, parse_names, per_parameter, power, run, spread, table

from relu_learn import learn_steps, match_neurons
from relu_learn.baselines import METHODS, fit, loss_curve
from relu_learn.core.planning import queries_by_purpose

NAMES = ["10-15-1", "10-30-1", "5-100-1", "784-32-1", "64-32-10", "digits", "near_parallel"]
QUICK = ["10-15-1"]
# On 784 inputs and 26,000 examples the passive learners take many minutes (`--slow`).
SLOW = {"784-32-1"}
CURVES = ["10-15-1", "digits", "near_parallel"]
BUDGETS = [50, 150, 300, 450, 600, 1200]
HEAD = ["method", "network", "exact", "queries/D", "worst error", "rms error", "parameters", "s"]

EXTRACTION = "Carlini, Jagielski, Mironov (CRYPTO 2020)"
TOOLBOX = "functionally-equivalent attack of a robustness toolbox 1.20"
MEASURED = "their code, told k, measured once in 2026-11; not run here"
PAIRS = " (other networks: near-parallel, cancelling or duplicate pairs)"
PUBLISHED = "as published (2^21.5 queries, worst error 2^-25, not relative); not run here"
PEERS = [
    (EXTRACTION, "10-15-1", "yes", "93–132", "2e-11", "29–42", MEASURED),
    (EXTRACTION, "10-30-1", "no", "–", "–", "–", MEASURED + " (out of memory: k > d)"),
    (EXTRACTION, "784-32-1", "yes", "52", "2e-12", "642", MEASURED + ", after three repairs"),
    (EXTRACTION, "near_parallel", "2/14", "336–482", "–", "–", MEASURED + PAIRS),
    (EXTRACTION, "784-128-1", "–", "30", "3e-08", "< 3600", PUBLISHED),
    (TOOLBOX, "10-15-1", "no", "315", "4e-01", "–", MEASURED),
    (TOOLBOX, "784-32-1", "no", "–", "–", "–", MEASURED + " (31 of 32 neurons)"),
]


@dataclasses.dataclass(frozen=True)
class Row:
    method: str
    network: str
    records: list[Record]

    def cells(self) -> list[str]:
        r = self.records
        return [
            self.method,
            self.network,
            f"{sum(x.exact() for x in r)}/{len(r)}",
            spread([x.ratio for x in r], ".3g"),
            power(float(np.max([x.error for x in r]))),
            power(float(np.max([x.rms for x in r]))),
            power(float(np.max([x.parameter_error for x in r]))),
            spread([x.seconds for x in r], ".1f"),
        ]


def ours(name: str, seeds: range, **settings: Any) -> list[Record]:
    records = []
    for seed in seeds:
        secret = network(name, seed)
        easy = secret.n_neurons <= secret.n_outputs * secret.dim
        limit = 10.0 if easy else 1.0
        records.append(run(name, secret, seed, orient_seconds=limit, **settings))
    return records


def passive(method: str, name: str, examples: list[int]) -> list[Record]:
    records = []
    for seed, n in enumerate(examples):
        secret = network(name, seed)
        start = time.perf_counter()
        fitted = fit(method, secret, secret.dim, secret.n_neurons, n, seed)
        seconds = time.perf_counter() - start
        error, rms = errors(secret, fitted, seed)
        precision = np.nan
        if fitted.network is not None:
            found = match_neurons(fitted.network, secret)
            precision = found.worst if np.isfinite(found.worst) else np.nan
        k = secret.simplify().n_neurons
        ratio = per_parameter(n, secret)
        records.append(Record(name, seed, n, ratio, error, precision, 0, k, seconds, rms))
    return records


def where_queries_go(name: str) -> dict[str, int]:
    secret = network(name, 0)
    return queries_by_purpose(learn_steps(secret, secret.dim, rng=0), secret.dim)


def curves(quick: bool) -> list[dict[str, Any]]:
    found = []
    for name in CURVES[:1] if quick else CURVES:
        secret = network(name, 0)
        budgets = [100, 500] if quick else BUDGETS
        methods = ["queries", "random features"] if quick else ["queries", *METHODS]
        if not secret.is_scalar:  # trees for each output take minutes for each budget
            methods.remove("boosting")
        for method in methods:
            losses = loss_curve(secret, budgets, method, 0).losses
            rounded = [float(f"{loss:.3g}") for loss in losses]
            found.append(dict(network=name, method=method, budgets=budgets, losses=rounded))
    return found


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--only", metavar="NAME", help="comma-separated: 10-15-1,digits")
    parser.add_argument("--quick", action="store_true", help="one seed, one network, one student")
    parser.add_argument("--slow", action="store_true", help="passive learners everywhere")
    parser.add_argument("--markdown", action="store_true")
    parser.add_argument("--write", type=Path, metavar="FILE")
    options = parser.parse_args()
    names = parse_names(options.only) or (QUICK if options.quick else NAMES)
    seeds = range(1 if options.quick else options.seeds)
    methods = ["random features"] if options.quick else list(METHODS)
    rows = []
    for name in names:
        rows.append(Row("relu_learn", name, ours(name, seeds)))
        examples = [max(r.queries, 10) for r in rows[-1].records]
        if not options.quick:
            rows.append(Row("relu_learn, polish", name, ours(name, seeds, polish=True)))
        for method in methods:
            if options.slow or name not in SLOW:
                rows.append(Row(method, name, passive(method, name, examples)))
        print(f"{name} done", file=sys.stderr, flush=True)
    peers = [[f"{p[0]} [{i + 1}]", *p[1:5], "–", "–", p[5]] for i, p in enumerate(PEERS)]
    print(table(HEAD, [row.cells() for row in rows] + peers, options.markdown))
    for i, peer in enumerate(PEERS):
        print(f"[{i + 1}] {peer[-1]}")
    if options.write:
        data = {
            "command": "python tests/benchmarks/comparison.py --write FILE",
            "seeds": len(seeds),
            "head": HEAD,
            "rows": [row.cells() for row in rows],
            "peers": [dict(zip([*HEAD[:5], "s", "source"], p, strict=True)) for p in PEERS],
            "curves": curves(options.quick),
            "queries": {name: where_queries_go(name) for name in names},
        }
        options.write.write_text(json.dumps(data, ensure_ascii=False, indent=1) + "\n", "utf-8")


if __name__ == "__main__":
    main()

"""Query learner against passive learners that see as many random labelled examples.

    python tests/benchmarks/comparison.py [--seeds 3] [--only 10-15-1,digits] [--markdown] [--quick]
        [--write FILE] [--read FILE] [--plots FOLDER]

One table, method x network: how many seeds were exact (worst error at most 1e-8 of the output's
scale), queries/D (as in queries.py), worst and root-mean-square error over 10,000 fresh Gaussian
points, worst parameter error, seconds. The students are told the number of neurons. Peers' figures
were measured or published elsewhere (with D = k(d+1) + k+1); their rows say so. `--write` saves the
table and curves of loss against examples (medians over the seeds), `--read` shows such a file
without measuring again, and `--plots` draws it as PNG files (with the system's Chromium).
README and lesson 04 show the file that ships as relu_learn/data/comparison.json.
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np
from common import (
    Record,
    errors,
    network,
    parameters,
    parse_names,
    per_parameter,
    power,
    run,
    spread,
    table,
)
from pictures import save

from relu_learn import match_neurons
from relu_learn.baselines import METHODS, fit, loss_curve
from relu_learn.figures.comparison import loss_curves, price

NAMES = [
    "10-15-1",
    "10-30-1",
    "5-100-1",
    "784-32-1",
    "784-128-1",
    "64-32-10",
    "digits",
    "near_parallel",
]
QUICK = ["10-15-1"]
# On 784 inputs and 26,000 or 103,000 examples these take many minutes (`--slow`).
SLOW = {"784-32-1": set(METHODS) - {"random features"}, "784-128-1": set(METHODS)}
CURVES = ["10-15-1", "digits", "near_parallel", "hat"]
BUDGETS = [50, 100, 200, 400, 800, 1600]
# The query learner's loss falls in one step: a fine scale shows where.
CUTS = sorted({round(n) for n in np.geomspace(10, BUDGETS[-1], 60)})
HEAD = ["method", "network", "exact", "queries/D", "worst error", "rms error", "parameters", "s"]

EXTRACTION = "Carlini, Jagielski, Mironov (CRYPTO 2020)"
TOOLBOX = "functionally-equivalent attack of a robustness toolbox 1.20"
MEASURED = "their code, told k, measured once in 2026-11; not run here"
PAIRS = " (other networks: near-parallel, cancelling or duplicate pairs)"
PUBLISHED = "as published (2^21.5 queries, worst error 2^-25, not relative); not run here"
# Method, network, exact, queries/D, worst error, seconds, source.
PEERS: list[tuple[str, str, str, list[float], float, str, str]] = [
    (EXTRACTION, "10-15-1", "yes", [93, 132], 2e-11, "29–42", MEASURED),
    (EXTRACTION, "10-30-1", "no", [], np.nan, "–", MEASURED + " (out of memory: k > d)"),
    (EXTRACTION, "784-32-1", "yes", [52], 2e-12, "642", MEASURED + ", after three repairs"),
    (EXTRACTION, "near_parallel", "2/14", [336, 482], np.nan, "–", MEASURED + PAIRS),
    (EXTRACTION, "784-128-1", "–", [30], 3e-8, "< 3600", PUBLISHED),
    (TOOLBOX, "10-15-1", "no", [315], 0.4, "–", MEASURED),
    (TOOLBOX, "784-32-1", "no", [], np.nan, "–", MEASURED + " (31 of 32 neurons)"),
]


def row(method: str, name: str, r: list[Record]) -> dict[str, Any]:
    """A line of the table: its cells, and the numbers in them that are drawn."""
    exact, error = sum(x.exact() for x in r), float(np.max([x.error for x in r]))
    cells = [
        method,
        name,
        f"{exact}/{len(r)}",
        spread([x.ratio for x in r], ".3g"),
        power(error),
        power(float(np.max([x.rms for x in r]))),
        power(float(np.max([x.parameter_error for x in r]))),
        spread([x.seconds for x in r], ".1f"),
    ]
    ratio = [min(x.ratio for x in r), max(x.ratio for x in r)]
    return dict(cells=cells, ratio=ratio, error=finite(error), exact=exact == len(r), source="")


def peer_rows() -> list[dict[str, Any]]:
    """Other people's figures."""
    rows = []
    for method, name, exact, ratio, error, seconds, source in PEERS:
        cells = [method, name, exact, spread(ratio, "g") if ratio else "–"]
        cells += [power(error), "–", "–", seconds]
        good = exact in ("yes", "–")  # a success as published
        rows.append(dict(cells=cells, ratio=ratio, error=finite(error), exact=good, source=source))
    return rows


def finite(value: float) -> float | None:
    """For JSON, which has no NaN."""
    return float(f"{value:.3g}") if np.isfinite(value) else None


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
        rng = np.random.default_rng([1, seed])  # not the numbers that made the secret
        fitted = fit(method, secret, secret.dim, secret.n_neurons, n, rng)
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


def curves(quick: bool, seeds: range) -> list[dict[str, Any]]:
    """Loss against queries or examples: medians over the seeds."""
    found = []
    for name in CURVES[:1] if quick else CURVES:
        methods = ["queries", "random features"] if quick else ["queries", *METHODS]
        secrets = [network(name, seed) for seed in seeds]
        for method in methods:
            budgets = CUTS if method == "queries" else BUDGETS
            budgets = budgets[::4] if quick else budgets
            losses = [
                loss_curve(secret, budgets, method, np.random.default_rng([1, seed])).losses
                for seed, secret in zip(seeds, secrets, strict=True)
            ]
            found.append(
                dict(
                    network=name,
                    method=method,
                    parameters=parameters(secrets[0]) / secrets[0].n_outputs,
                    budgets=budgets,
                    losses=[finite(loss) for loss in np.median(losses, axis=0)],
                )
            )
        print(f"{name}: curves done", file=sys.stderr, flush=True)
    return found


def measure(names: list[str], seeds: range, quick: bool, slow: bool) -> dict[str, Any]:
    """All that the table and the plots show."""
    peers, rows = peer_rows(), []
    methods = ["random features"] if quick else list(METHODS)
    for name in names:
        records = ours(name, seeds)
        rows.append(row("relu_learn", name, records))
        examples = [max(r.queries, 10) for r in records]
        if not quick:
            rows.append(row("relu_learn, polish", name, ours(name, seeds, polish=True)))
        for method in methods:
            if slow or method not in SLOW.get(name, ()):
                rows.append(row(method, name, passive(method, name, examples)))
        rows += [peer for peer in peers if peer["cells"][1] == name]
        print(f"{name} done", file=sys.stderr, flush=True)
    rows += [peer for peer in peers if peer["cells"][1] not in names]
    for i, peer in enumerate((r for r in rows if r["source"]), 1):
        peer["cells"][0] += f" [{i}]"
        peer["source"] = f"[{i}] {peer['source']}"
    command = "python tests/benchmarks/comparison.py --write FILE"
    return dict(command=command, seeds=len(seeds), head=HEAD, rows=rows)


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--only", metavar="NAME", help="comma-separated: 10-15-1,digits")
    parser.add_argument("--quick", action="store_true", help="one seed, one network, one student")
    parser.add_argument("--slow", action="store_true", help="passive learners everywhere")
    parser.add_argument("--markdown", action="store_true")
    parser.add_argument("--read", type=Path, metavar="FILE", help="show what --write has saved")
    parser.add_argument("--write", type=Path, metavar="FILE")
    parser.add_argument("--plots", type=Path, metavar="FOLDER", help="draw as PNG files")
    options = parser.parse_args()
    only = parse_names(options.only)
    if options.read:
        data = json.loads(options.read.read_text("utf-8"))
    else:
        seeds = range(1 if options.quick else options.seeds)
        names = only or (QUICK if options.quick else NAMES)
        data = measure(names, seeds, options.quick, options.slow)
    rows = [r for r in data["rows"] if r["source"] or not only or r["cells"][1] in only]
    print(table(data["head"], [r["cells"] for r in rows], options.markdown))
    end = "  " if options.markdown else ""  # Markdown's line break
    print("", *(r["source"] + end for r in rows if r["source"]), sep="\n")
    if not options.read and (options.write or options.plots):
        data["curves"] = curves(options.quick, seeds)
    if options.write:
        options.write.write_text(json.dumps(data, ensure_ascii=False, indent=1) + "\n", "utf-8")
    if options.plots:
        save({"comparison_loss": loss_curves(data), "comparison_price": price(data)}, options.plots)


if __name__ == "__main__":
    main()

"""This learner beside others: the programs of other people, and learners that get random examples.

    python tests/benchmarks/comparison.py [--only others,10-15-1] [--markdown] [--quick]
        [--write FILE] [--read FILE] [--plots FOLDER]

One table in six parts (`PARTS`, with their seeds; `--only` names parts or networks): "others", the
same networks asked by us, by programs of other people, and as many random examples given to
students; "alike", neurons that were trained to be alike, which is a published defence; "lean", runs
that ask less; "structure", first layers that are sparse or of low rank; "precision", what the
refit, which asks nothing, and polish, which asks twice as much, are worth; "bits", secrets stored
in float32.

"exact" counts runs with a worst error of at most 1e-8 of the output's scale, queries/D is as in
queries.py, worst and root-mean-square error are over 10,000 fresh Gaussian points, "parameters" is
the worst parameter error, or how many neurons are right bit for bit; "s" is CPU time. Students are
told the number of neurons. Peers' figures were measured or published elsewhere (with D = k(d+1) +
k+1); their rows say so. `--write` saves the table and curves of loss against examples (medians over
three seeds; with `--only` all else stays as it is in the file), `--read` shows such a file without
measuring again, and `--plots` draws it as PNG files (with the system's Chromium). Results and
lesson 04 show the file that ships as relu_learn/data/comparison.json.
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import bits
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
from queries import LEAN

from relu_learn import match_neurons
from relu_learn.baselines import METHODS, fit, loss_curve
from relu_learn.figures.comparison import loss_curves, numbered, price

# Networks of each part, and seeds 0, 1, ... of secret and learner.
PARTS: dict[str, tuple[list[str], int]] = {
    "others": (
        ["10-10-1", "10-15-1", "10-30-1", "32-16-1", "100-16-1", "784-32-1", "784-128-1"]
        + ["near_parallel", "5-100-1", "64-32-10", "digits"],
        20,
    ),
    "alike": ([f"small_digits {alike}" for alike in ("none", "pairs", "all")], 20),
    "lean": (LEAN, 50),
    "structure": (["784-32-1 filters", "784-32-1 sparse", "784-128-1 rank 10"], 10),
    "precision": (["10-15-1", "10-30-1", "5-100-1", "64-32-10", "784-32-1"], 20),
    "bits": (["10-15-1", "64-32-10", "digits, trained, 0", "784-128-1"], 5),
}
QUICK = {
    "others": ["10-15-1"],
    "alike": ["small_digits pairs"],
    "lean": ["10-15-1"],
    "structure": ["784-32-1 filters"],
    "precision": ["10-15-1"],
    "bits": ["10-15-1"],
}
# Students train for seconds, or on the examples of 784 inputs for many minutes (`--slow`).
STUDENTS = {name: list(METHODS) for name in ("10-15-1", "10-30-1", "5-100-1", "64-32-10", "digits")}
STUDENTS |= {"near_parallel": list(METHODS), "784-32-1": ["random features"]}
STUDENT_SEEDS = 3
CURVES = ["10-15-1", "digits", "near_parallel", "hat"]
BUDGETS = [50, 100, 200, 400, 800, 1600]
# The query learner's loss falls in one step: a fine scale shows where.
CUTS = sorted({round(n) for n in np.geomspace(10, BUDGETS[-1], 60)})
HEAD = ["method", "network", "exact", "queries/D", "worst error", "rms error", "parameters", "s"]

EXTRACTION = "Carlini, Jagielski, Mironov (CRYPTO 2020)"
TOOLBOX = "functionally-equivalent attack of a robustness toolbox 1.20"
SIGNS = "code of a EUROCRYPT 2024 paper"
MEASURED = "their code, told k, measured once in 2026-11; not run here"
BESIDE = (
    "their code, told k, in one run with this learner on the same weights in 2026-11: it asked "
)
BESIDE += "{} times as many queries{}; not run here"
PAIRS = " (other networks: near-parallel, cancelling or duplicate pairs)"
PUBLISHED = "as published (2^21.5 queries, worst error 2^-25, not relative); not run here"
GIVEN = "their code, measured once in 2026-11, finds the signs only, of weights that it is given; "
GIVEN += "not run here"
OWN = "this learner on that paper's own trained first layers, one hidden layer read out, measured "
OWN += "once in 2026-11; not run here"
ANOTHER = " (another time 93 to 132 queries/D in 29 to 42 s)"
TIMES = " and took {} times as much CPU time"


def _of(queries: Sequence[int], size: str) -> list[float]:
    """Queries over the D of those who counted them: k(d + 1) + k + 1."""
    d, k, _ = map(int, size.split("-"))
    return [n / (k * (d + 1) + k + 1) for n in queries]


# Part, method, network, exact, queries/D, worst error, seconds, source.
PEERS: list[tuple[str, str, str, str, list[float], float, str, str]] = [
    ("others", EXTRACTION, "10-10-1", "3/3", _of([12_106, 12_306], "10-10-1"), 2e-11, "–")
    + (BESIDE.format(12, TIMES.format(695)),),
    ("others", EXTRACTION, "10-15-1", "3/3", _of([16_864, 18_734], "10-15-1"), 1e-11, "–")
    + (BESIDE.format("36 to 39", TIMES.format(908) + ANOTHER),),
    ("others", EXTRACTION, "32-16-1", "1/1", _of([27_315], "32-16-1"), 1e-11, "–")
    + (BESIDE.format(34, ""),),
    ("others", EXTRACTION, "100-16-1", "1/1", _of([119_502], "100-16-1"), 7e-12, "–")
    + (BESIDE.format(61, TIMES.format("1,607")),),
    ("others", EXTRACTION, "10-30-1", "no", [], np.nan, "–", MEASURED + " (out of memory: k > d)"),
    ("others", EXTRACTION, "784-32-1", "yes", [52], 2e-12, "642")
    + (MEASURED + ", after three repairs",),
    ("others", EXTRACTION, "near_parallel", "2/14", [336, 482], np.nan, "–", MEASURED + PAIRS),
    ("others", EXTRACTION, "784-128-1", "–", [30], 3e-8, "< 3600", PUBLISHED),
    ("others", SIGNS, "784-128-1", "signs", [], np.nan, "–", GIVEN),
    ("others", TOOLBOX, "10-15-1", "no", [315], 0.4, "–", MEASURED),
    ("others", TOOLBOX, "784-32-1", "no", [], np.nan, "–", MEASURED + " (31 of 32 neurons)"),
    ("alike", "relu_learn", "those of arXiv 2509.16546", "10/10", [1.02, 1.3], 2e-10, "–", OWN),
]


def row(
    part: str,
    method: str,
    name: str,
    runs: list[Record],
    error: Sequence[float] = (),
    bits: str = "",
) -> dict[str, Any]:
    """A line of the table: its cells, and the numbers in them that are drawn."""
    worst = float(np.max(error or [x.error for x in runs]))
    exact = sum(e <= 1e-8 for e in error or [x.error for x in runs])
    cells = [
        method,
        name,
        f"{exact}/{len(runs)}",
        spread([x.ratio for x in runs], ".3g"),
        power(worst),
        power(np.nan if error else float(np.max([x.rms for x in runs]))),
        bits or power(np.nan if error else float(np.max([x.parameter_error for x in runs]))),
        spread([x.seconds for x in runs], ".1f"),
    ]
    ratio = [min(x.ratio for x in runs), max(x.ratio for x in runs)]
    good = exact == len(runs)
    return dict(part=part, cells=cells, ratio=ratio, error=finite(worst), exact=good, source="")


def peer_rows() -> Iterator[dict[str, Any]]:
    """Other people's figures."""
    for part, method, name, exact, ratio, error, seconds, source in PEERS:
        cells = [method, name, exact, spread(ratio, ".3g") if ratio else "–"]
        cells += [power(error), "–", "–", seconds]
        good = exact not in ("no", "2/14", "signs")  # a success, as published or measured
        data = dict(ratio=ratio, error=finite(error), exact=good, source=source)
        yield dict(part=part, cells=cells, **data)


def finite(value: float) -> float | None:
    """For JSON, which has no NaN."""
    return float(f"{value:.3g}") if np.isfinite(value) else None


def ours(name: str, seeds: range, **settings: Any) -> list[Record]:
    records = []
    for seed in seeds:
        secret = network(name, seed)
        # Beyond k = m r (r: the rank) the orientation is a hard subset problem: a short try.
        rank = np.linalg.matrix_rank(secret.weights)
        limit = 10.0 if secret.n_neurons <= secret.n_outputs * rank else 1.0
        records.append(run(name, secret, seed, orient_seconds=limit, **settings))
        if not records[-1].exact():
            print(f"{name}, seed {seed}: {records[-1].failure or records[-1].error}", flush=True)
    return records


def passive(method: str, name: str, examples: list[int]) -> list[Record]:
    records = []
    for seed, n in enumerate(examples):
        secret = network(name, seed)
        start = time.process_time()
        rng = np.random.default_rng([1, seed])  # not the numbers that made the secret
        fitted = fit(method, secret, secret.dim, secret.n_neurons, n, rng)
        seconds = time.process_time() - start
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


def others(name: str, seeds: range, methods: Sequence[str]) -> Iterator[dict[str, Any]]:
    """We, and those who get as many random examples as we ask on the first seeds."""
    records = ours(name, seeds)
    yield row("others", "relu_learn", name, records)
    examples = [max(r.queries, 10) for r in records[:STUDENT_SEEDS]]
    for method in methods:
        yield row("others", method, name, passive(method, name, examples))


def lean(name: str, seeds: range) -> dict[str, Any]:
    """The median and the 95 % quantile: some go on with care, and ask as much as others do."""
    records = ours(name, seeds, lean=True)
    median, most = (float(np.quantile([r.ratio for r in records], q)) for q in (0.5, 0.95))
    told = row("lean", "relu_learn, lean", name, records)
    told["cells"][HEAD.index("queries/D")] = f"{median:.3g}, 95 %: {most:.3g}"
    return told | {"ratio": [median, most]}


def last_digits(name: str, seeds: range) -> Iterator[dict[str, Any]]:
    """One run tells of the network before and after the refit."""
    records = ours(name, seeds, unfitted=True)
    yield row("precision", "relu_learn, no refit", name, records, [r.unfitted for r in records])
    yield row("precision", "relu_learn", name, records)
    yield row("precision", "relu_learn, polish", name, ours(name, seeds, polish=True))


def every_bit(name: str, seeds: range) -> Iterator[dict[str, Any]]:
    """Stored in float32, learned, oriented, snapped; and drawn in float64, which may not snap."""
    large = name == "784-128-1"
    cases = [bits.Case(name, 24, polish=large)]
    if not large and "trained" not in name:
        cases.append(bits.Case(name, 53, asked=24))
    for case in cases:
        records, right = [], []
        for seed in seeds[:1] if large or "trained" in name else seeds:
            secret, found = bits.secret_of(case, seed), bits.measured(case, seed)
            if found is None:
                raise SystemExit(f"{case}, seed {seed}: not oriented")
            snapped, wrong, queries, learn, snap = found
            if wrong:
                raise SystemExit(f"{case}, seed {seed}: {wrong} numbers are wrong")
            error, rms = errors(secret, snapped.network, seed)
            k, ratio = secret.n_neurons, per_parameter(queries, secret)
            records.append(
                Record(name, seed, queries, ratio, error, np.nan, k, k, learn + snap, rms)
            )
            right.append(int(snapped.exact.sum()))
        told = f"{spread(right, '.0f')} of {k} bit for bit"
        title = f"{name.replace('digits, trained, 0', 'trained digits')}, {bits.KINDS[case.bits]}"
        yield row("bits", "relu_learn, snap", title, records, (), told)


def measure(parts: dict[str, list[str]], options: argparse.Namespace) -> list[dict[str, Any]]:
    """All rows of these networks, by part."""
    rows = []
    for part, names in parts.items():
        seeds = range(1 if options.quick else options.seeds or PARTS[part][1])
        for name in names:
            if part == "others":
                methods = list(METHODS) if options.slow else STUDENTS.get(name, [])
                rows += others(name, seeds, ["random features"] if options.quick else methods)
            elif part == "precision":
                rows += last_digits(name, seeds)
            elif part == "bits":
                rows += every_bit(name, seeds)
            elif part == "lean":
                rows.append(lean(name, seeds))
            else:
                rows.append(row(part, "relu_learn", name, ours(name, seeds)))
            if part == "structure":
                method = "relu_learn, structure"
                rows.append(row(part, method, name, ours(name, seeds, structure="auto")))
            rows += [r for r in peer_rows() if r["part"] == part and r["cells"][1] == name]
            print(f"{part}, {name} done", file=sys.stderr, flush=True)
        known = PARTS[part][0]  # and those of networks that are not here
        rows += [r for r in peer_rows() if r["part"] == part and r["cells"][1] not in known]
    return rows


def chosen(only: list[str], quick: bool) -> dict[str, list[str]]:
    """Networks by part: all, or those that are named, or whose part is."""
    all_names = QUICK if quick else {part: names for part, (names, _) in PARTS.items()}
    parts = {
        part: [name for name in names if not only or part in only or name in only]
        for part, names in all_names.items()
    }
    return {part: names for part, names in parts.items() if names}


def merged(old: list[dict[str, Any]], new: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """What was measured again, in the place of what it was; in the order of `PARTS`."""
    fresh = {(r["part"], r["cells"][1]) for r in new}
    rows = new + [r for r in old if (r["part"], r["cells"][1]) not in fresh]
    parts = list(PARTS)

    def place(r: dict[str, Any]) -> tuple[int, int]:
        names, name = PARTS[r["part"]][0], r["cells"][1].removesuffix(", float32")
        return parts.index(r["part"]), names.index(name) if name in names else len(names)

    return sorted(rows, key=place)


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--seeds", type=int, help="of every part (default: see PARTS)")
    parser.add_argument("--only", metavar="NAME", help="comma-separated: structure,10-15-1")
    parser.add_argument("--quick", action="store_true", help="one seed and network of each part")
    parser.add_argument("--slow", action="store_true", help="passive learners everywhere")
    parser.add_argument("--markdown", action="store_true")
    parser.add_argument("--read", type=Path, metavar="FILE", help="show what --write has saved")
    parser.add_argument("--write", type=Path, metavar="FILE")
    parser.add_argument("--plots", type=Path, metavar="FOLDER", help="draw as PNG files")
    options = parser.parse_args()
    only = parse_names(options.only)
    data: dict[str, Any] = {"rows": []}
    saved = options.read or (only and options.write)
    if saved and saved.exists():
        data = json.loads(saved.read_text("utf-8"))
    if not options.read:
        data["rows"] = merged(data["rows"], measure(chosen(only, options.quick), options))
        data |= dict(command="python tests/benchmarks/comparison.py --write FILE", head=HEAD)
        seeds = {part: seeds for part, (_, seeds) in PARTS.items()}
        data["seeds"] = {"curves": STUDENT_SEEDS, **seeds}
    rows = [r for r in data["rows"] if not only or r["part"] in only or r["cells"][1] in only]
    cells, notes = numbered(rows)
    print(table(data["head"], cells, options.markdown))
    end = "  " if options.markdown else ""  # Markdown's line break
    print("", *(note + end for note in notes), sep="\n")
    if not options.read and not only and (options.write or options.plots):
        data["curves"] = curves(options.quick, range(1 if options.quick else STUDENT_SEEDS))
    if options.write:
        options.write.write_text(json.dumps(data, ensure_ascii=False, indent=1) + "\n", "utf-8")
    if options.plots:
        save({"comparison_loss": loss_curves(data), "comparison_price": price(data)}, options.plots)


if __name__ == "__main__":
    main()

"""Every road: kinds of answers, with and without a box, an epsilon, a polish, several outputs.

    python tests/benchmarks/roads.py [--seeds 5] [--only 64-32-10] [--kinds noise] [--quick]

One row per kind of answer, space and setting (an epsilon is a share of the variance; only exact
answers are polished), over networks and seeds: runs that ended with a network, of those tried, of
one output and of several; those whose loss is more than epsilon ("over"); the worst
root-mean-square error over 10,000 fresh points, in units of the noise of one answer (of exact
answers: of the output's scale); queries over those that `plan` predicts for exact answers in R^d;
and seconds of this process, on average. Failed runs count in the queries, not in the errors. Noise
and decimals are relative to the output's scale, as in `noise_table.py`. Each failure is printed as
one line.
"""

from __future__ import annotations

import argparse
import dataclasses
import functools
import itertools
import math
import time
import warnings

from common import limited, network, parse_names, spread, table  # isort: skip
import numpy as np
from noise_table import dirty

from relu_learn import Oracle, ReluLearnError, ReluNetwork, learn_from_queries, plan

NAMES = ["2-12-1", "10-15-1", "64-32-10", "digits"]
QUICK = ["2-12-1"]
KINDS = ["exact", "float32 weights", "6 decimals", "3 decimals", "noise 0.001"]
BOX = (-2.0, 2.0)
EPSILON = 1e-4  # of the variance
SECONDS = 120.0
SETTINGS = ["none", "epsilon", "polish", "both"]
HEAD = ["answers", "space", "setting", "m = 1", "m > 1", "over", "rms error", "queries/plan", "s"]


@dataclasses.dataclass(frozen=True)
class Row:
    """One run; the error is NaN if it failed."""

    outputs: int
    rms: float
    over: bool
    ratio: float
    seconds: float


def measure(
    name: str, kind: str, bounds: tuple[float, float] | None, setting: str, seed: int
) -> Row:
    secret = network(name, seed)
    rng = np.random.default_rng(77)
    shape = 10_000, secret.dim
    x = rng.standard_normal(shape) if bounds is None else rng.uniform(*bounds, shape)
    y = secret(x).reshape(len(x), -1)
    scale = y.std(axis=0)
    black_box = secret
    unit = float(np.sqrt((scale**2).mean()))
    if kind != "exact":
        black_box = dirty(secret, kind, scale[0] if secret.is_scalar else scale, seed)
        unit = float(np.sqrt(((black_box(x).reshape(y.shape) - y) ** 2).mean()))
    epsilon = EPSILON * float((scale**2).sum()) if setting in ("epsilon", "both") else None
    settings = {"epsilon": epsilon, "polish": setting in ("polish", "both")}
    oracle = Oracle(black_box, secret.dim)
    start, rms, over = time.process_time(), np.nan, False
    try:
        with limited(SECONDS):
            result = learn_from_queries(oracle, secret.dim, rng=seed, bounds=bounds, **settings)
        square = (result.network(x).reshape(y.shape) - y) ** 2
        rms = math.sqrt(float(square.mean())) / unit
        over = epsilon is not None and float(square.sum(axis=1).mean()) > epsilon
    except ReluLearnError as error:
        told = f"{type(error).__name__}: {error}"
        print(f"{name}, {kind}, {bounds}, {setting}, seed {seed}: {told}", flush=True)
    except Exception as error:  # of `limited`
        print(f"{name}, {kind}, {bounds}, {setting}, seed {seed}: {error!r}", flush=True)
    seconds = time.process_time() - start
    return Row(secret.n_outputs, rms, over, oracle.queries / planned(secret), seconds)


def learned(rows: list[Row]) -> str:
    """Of how many tried."""
    return f"{sum(np.isfinite(row.rms) for row in rows)}/{len(rows)}" if rows else "–"


def worst(rows: list[Row]) -> str:
    rms = [row.rms for row in rows if np.isfinite(row.rms)]
    return f"{max(rms):.1e}" if rms else "–"


def planned(secret: ReluNetwork) -> int:
    return _planned(secret.dim, secret.n_outputs, secret.n_neurons)


@functools.cache
def _planned(*size: int) -> int:
    return plan(*size).queries


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--seeds", type=int, default=5, help="runs for every network")
    parser.add_argument("--only", metavar="NAME", help="networks, comma-separated: 10-15-1,digits")
    parser.add_argument(
        "--kinds", metavar="KIND", help="kinds of answers that contain one of these"
    )
    parser.add_argument("--quick", action="store_true", help="one seed of the smallest network")
    parser.add_argument("--markdown", action="store_true")
    options = parser.parse_args()
    warnings.filterwarnings("ignore", "the answers are random")  # some are
    names = parse_names(options.only) or (QUICK if options.quick else NAMES)
    seeds = range(1 if options.quick else options.seeds)
    words, lines = parse_names(options.kinds) or [""], []
    kinds = [kind for kind in KINDS if any(word in kind for word in words)]
    for kind, bounds, setting in itertools.product(kinds, (None, BOX), SETTINGS):
        if kind != "exact" and setting in ("polish", "both"):
            continue
        rows = [measure(name, kind, bounds, setting, seed) for name in names for seed in seeds]
        lines.append(
            [
                kind,
                "R^d" if bounds is None else f"box {bounds[0]:g}, {bounds[1]:g}",
                setting,
                learned([row for row in rows if row.outputs == 1]),
                learned([row for row in rows if row.outputs > 1]),
                str(sum(row.over for row in rows)) if setting in ("epsilon", "both") else "–",
                worst(rows),
                spread([row.ratio for row in rows], ".2g"),
                f"{np.mean([row.seconds for row in rows]):.1f}",
            ]
        )
        print(*lines[-1], sep="  ", flush=True)
    print()
    print(table(HEAD, lines, options.markdown))


if __name__ == "__main__":
    main()

"""Every road: kinds of answers, with and without a box, with and without an epsilon.

    python tests/benchmarks/roads.py [--seeds 5] [--only 64-32-10] [--quick] [--markdown]

One row per kind of answer, space and epsilon (a share of the variance), over networks and seeds:
runs that ended with a network, of those tried; the worst root-mean-square error over 10,000 fresh
points, in units of the noise of one answer (of exact answers: of the output's scale); queries over
those that `plan` predicts; and seconds of this process, on average. Failed runs count in the
queries, not in the errors. Noise and decimals are relative to the output's scale, as in
`noise_table.py`. Each failure is printed as one line.
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
HEAD = ["answers", "space", "epsilon", "learned", "rms error", "queries/plan", "s"]


@dataclasses.dataclass(frozen=True)
class Row:
    """One run; the error is NaN if it failed."""

    rms: float
    ratio: float
    seconds: float


def measure(
    name: str, kind: str, bounds: tuple[float, float] | None, small: bool, seed: int
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
    epsilon = EPSILON * float((scale**2).sum()) if small else None
    oracle = Oracle(black_box, secret.dim)
    start, rms = time.process_time(), np.nan
    try:
        with limited(SECONDS):
            result = learn_from_queries(
                oracle, secret.dim, rng=seed, bounds=bounds, epsilon=epsilon
            )
        rms = math.sqrt(float(((result.network(x).reshape(y.shape) - y) ** 2).mean())) / unit
    except ReluLearnError as error:
        told = f"{type(error).__name__}: {error}"
        print(f"{name}, {kind}, {bounds}, epsilon {epsilon}, seed {seed}: {told}", flush=True)
    except Exception as error:  # of `limited`
        print(f"{name}, {kind}, {bounds}, epsilon {epsilon}, seed {seed}: {error!r}", flush=True)
    return Row(rms, oracle.queries / planned(secret), time.process_time() - start)


def planned(secret: ReluNetwork) -> int:
    return _planned(secret.dim, secret.n_outputs, secret.n_neurons)


@functools.cache
def _planned(*size: int) -> int:
    return plan(*size).queries


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--seeds", type=int, default=5, help="runs for every network")
    parser.add_argument("--only", metavar="NAME", help="networks, comma-separated: 10-15-1,digits")
    parser.add_argument("--quick", action="store_true", help="one seed of the smallest network")
    parser.add_argument("--markdown", action="store_true")
    options = parser.parse_args()
    warnings.filterwarnings("ignore", "the answers are random")  # some are
    names = parse_names(options.only) or (QUICK if options.quick else NAMES)
    seeds = range(1 if options.quick else options.seeds)
    lines = []
    for kind, bounds, small in itertools.product(KINDS, (None, BOX), (False, True)):
        rows = [measure(name, kind, bounds, small, seed) for name in names for seed in seeds]
        worst = np.array([row.rms for row in rows])
        learned = int(np.isfinite(worst).sum())
        lines.append(
            [
                kind,
                "R^d" if bounds is None else f"box {bounds[0]:g}, {bounds[1]:g}",
                f"{EPSILON:g} var" if small else "none",
                f"{learned}/{len(rows)}",
                f"{np.nanmax(worst):.1e}" if learned else "–",
                spread([row.ratio for row in rows], ".2g"),
                f"{np.mean([row.seconds for row in rows]):.1f}",
            ]
        )
        print(*lines[-1], sep="  ", flush=True)
    print()
    print(table(HEAD, lines, options.markdown))


if __name__ == "__main__":
    main()

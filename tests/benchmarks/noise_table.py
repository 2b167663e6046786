"""What imprecise answers cost: `python tests/benchmarks/noise_table.py [--seeds N] [--quick]`.

One row per kind of dirt and network, over the seeds: how many runs ended with a network, queries,
queries over D (over D / m for m outputs), root-mean-square error of F' in units of the noise of one
answer, worst error over 10,000 Gaussian points in units of the output's scale (the worst of the
seeds each), runs whose certificate does not hold, and seconds (of this process, on average).

Noise in units of the scale; "decimals" are those of the outputs divided by their scale; the three
kinds of float32 are "weights" (everything in float32, as in a model file), "answers" (a float64
network whose answers are cast), and "inputs" (likewise its inputs).
"""

from __future__ import annotations

import argparse
import dataclasses
import time
from collections.abc import Callable

from common import network, parse_names, per_parameter, power, spread, table  # isort: skip
import numpy as np

from relu_learn import Oracle, ReluLearnError, ReluNetwork, learn_from_queries

Ask = Callable[[np.ndarray], np.ndarray]

SINGLE = ["float32 weights", "float32 answers", "float32 inputs"]
NOISE = [f"noise {level:g}" for level in (1e-6, 1e-4, 1e-3, 1e-2, 1e-1)]
DECIMALS = [f"{digits} decimals" for digits in (6, 5, 4, 3, 2)]
EVERYTHING = [*SINGLE, "float16 answers", *DECIMALS, *NOISE]
PLAN = {
    "10-15-1": EVERYTHING,
    "64-32-10": EVERYTHING,
    "digits": EVERYTHING,
    "784-32-1": SINGLE,
    "crater": ["float32 weights", "3 decimals", "noise 0.001", "noise 0.1"],
    "one_dimensional": ["float32 weights", "3 decimals", "noise 0.001", "noise 0.1"],
    "affine": ["float32 weights", "3 decimals", "noise 0.001", "noise 0.1"],
    "duplicates": ["float32 weights", "3 decimals", "noise 0.001", "noise 0.1"],
    "near_parallel": ["float32 weights", "3 decimals", "noise 0.001", "noise 0.1"],
    "sparse_outputs": ["float32 weights", "3 decimals", "noise 0.001", "noise 0.1"],
    "scaled_outputs": ["float32 weights", "3 decimals", "noise 0.001", "noise 0.1"],
}
QUICK = {"10-15-1": [*SINGLE, "3 decimals", "noise 0.001"], "crater": ["noise 0.1"]}


def dirty(net: ReluNetwork, kind: str, scale: np.ndarray, seed: int) -> Ask:
    """The network as an imprecise black box; `scale` of its outputs, (m,) or scalar."""
    first, second = kind.split()
    if first == "noise":
        rng = np.random.default_rng(10**6 + seed)  # not the stream that points are drawn from
        size = float(second) * scale
        return lambda x: (y := net(x)) + size * rng.standard_normal(y.shape)
    if second == "decimals":
        # A power of ten for each output, so that steps are decimals again.
        unit = 10 ** np.round(np.log10(scale))
        return lambda x: np.round(net(x) / unit, int(first)) * unit
    if kind == "float32 inputs":
        return lambda x: net(x.astype(np.float32).astype(float))
    if second == "answers":
        return lambda x: net(x).astype(first)
    w, b, a, u, c = (
        np.asarray(v, np.float32)
        for v in (net.weights, net.biases, net.output_weights.T, net.skip.T, net.offset)
    )

    def single(x: np.ndarray) -> np.ndarray:
        x = x.astype(np.float32)
        return np.asarray(np.maximum(x @ w.T - b, np.float32(0)) @ a + (x @ u + c))

    return single


@dataclasses.dataclass(frozen=True)
class Row:
    """One run; errors are relative (NaN: no network at all)."""

    finished: bool
    queries: int
    ratio: float
    rms: float
    worst: float
    broken: bool
    seconds: float


def measure(name: str, kind: str, seed: int) -> Row:
    secret = network(name, seed)
    x = np.random.default_rng(77).standard_normal((10_000, secret.dim))
    y = secret(x).reshape(len(x), -1)
    spread_of = y.std(axis=0)
    largest = float(spread_of.max() or np.abs(y).max())
    size = np.where(spread_of > 1e-9 * largest, spread_of, largest)
    scale = size[0] if secret.is_scalar else size
    black_box = dirty(secret, kind, scale, seed)
    noise = black_box(x).reshape(y.shape) - y
    oracle = Oracle(black_box, secret.dim)
    start = time.process_time()
    try:
        result = learn_from_queries(oracle, secret.dim, rng=seed)
        finished = True
    except ReluLearnError as error:
        if error.partial is None:
            return Row(False, oracle.queries, np.nan, np.nan, np.nan, False, 0.0)
        result, finished = error.partial, False
    seconds = time.process_time() - start
    errors = np.abs(result.network(x).reshape(y.shape) - y)
    claim = result.certificate
    off = float((errors.max(axis=1) > claim.eta).mean())
    return Row(
        finished,
        oracle.queries,
        per_parameter(oracle.queries, secret),
        float(np.sqrt((errors**2).mean() / (noise**2).mean())),
        float((errors / size.max()).max()),
        off > claim.mass,
        seconds,
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seeds", type=int, default=5, help="runs for every row")
    parser.add_argument("--quick", action="store_true", help="a few small rows, one seed")
    parser.add_argument("--networks", help="only these, separated by commas")
    parser.add_argument("--kinds", help="only kinds of dirt that contain one of these")
    parser.add_argument("--markdown", action="store_true")
    options = parser.parse_args()
    plan, seeds = (QUICK, 1) if options.quick else (PLAN, options.seeds)
    head = ["network", "dirt", "networks", "queries", "queries/D", "rms/noise", "worst error"]
    head += ["claims broken", "s"]
    lines, broken, total = [], 0, 0
    for name in parse_names(options.networks) or plan:
        for kind in plan[name]:
            if options.kinds and not any(word in kind for word in parse_names(options.kinds)):
                continue
            rows = [measure(name, kind, seed) for seed in range(seeds)]
            broken, total = broken + sum(r.broken for r in rows), total + len(rows)
            line = [name, kind, f"{sum(r.finished for r in rows)}/{len(rows)}"]
            line.append(f"{max(r.queries for r in rows):,}")
            line.append(spread([r.ratio for r in rows], ".1f"))
            line.append(f"{max(r.rms for r in rows):.2g}")
            line.append(power(max(r.worst for r in rows)))
            line.append(str(sum(r.broken for r in rows)))
            line.append(f"{np.mean([r.seconds for r in rows]):.1f}")
            lines.append(line)
            print(*line, sep="  ", flush=True)
    print()
    print(table(head, lines, options.markdown))
    print(f"certificates that do not hold: {broken} of {total}")


if __name__ == "__main__":
    main()

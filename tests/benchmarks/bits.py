"""Every weight to the last bit: what `snap` makes of learned networks.

    python tests/benchmarks/bits.py [--seeds 5] [--only 784-128-1] [--quick] [--markdown]

A secret's parameters are rounded to float32 (24 bits), float16 (11) or bfloat16 (8), learned from
float64 or float32 answers, oriented, and snapped; what that leaves open is fitted to the answers.
"factor" counts neurons for which one factor fits, "bit for bit" those of which every number is said
to be right; "unsure" are numbers whose last bits are open, "zero" those taken for zero. "wrong"
counts numbers that are not the secret's (up to a power of two for each neuron) though they were
said to be: neither unsure nor zero. The rows "float64" are controls: their numbers have all 53
bits, and none may snap. "digits, trained" are trained in float32, with the weight decay that is
named: it shrinks the weights of pixels that are always black towards zero, and with none they stay
as they were drawn. Seconds are CPU time.
"""

from __future__ import annotations

import argparse
import dataclasses
import sys
import time
import warnings

import numpy as np
from common import network, parse_names, power, spread, table

from relu_learn import Oracle, OrientationNotFound, ReluNetwork, learn_from_queries, orient, snap
from relu_learn.judging.bits import Snapped
from relu_learn.judging.significands import rounded
from relu_learn.network import normalised


@dataclasses.dataclass(frozen=True)
class Case:
    """A row: secret, bits of its weights (53: as they were drawn), answers, polish, bits asked."""

    name: str
    bits: int
    single: bool = False
    polish: bool = False
    asked: int = 0  # 0: as many as there are

    def __str__(self) -> str:
        return f"{self.name}{', polish' if self.polish else ''}"


CASES = [
    *(Case(name, 24) for name in ("10-10-1", "10-15-1", "64-32-10")),
    *(Case(f"digits, trained, {decay}", 24) for decay in ("0", "1e-4")),
    *(Case(name, 24, polish=p) for name in ("digits", "784-32-1") for p in (False, True)),
    Case("784-128-1", 24, polish=True),
    *(Case(name, bits) for name in ("64-32-10", "784-32-1") for bits in (11, 8)),
    *(Case(name, b, True) for name in ("10-15-1", "64-32-10") for b in (8, 11, 16, 24)),
    *(Case("digits", bits, True) for bits in (8, 11)),
    *(Case(name, 53, asked=b) for name in ("10-15-1", "64-32-10", "digits") for b in (24, 11, 8)),
]
QUICK = [
    Case("10-15-1", 24),
    Case("64-32-10", 24),
    Case("10-15-1", 8, True),
    Case("10-15-1", 53, asked=24),
]
HEAD = ["network", "weights", "answers", "queries", "factor", "bit for bit", "unsure", "zero"]
HEAD += ["wrong", "chance", "learn s", "snap s"]
KINDS = {8: "bfloat16", 11: "float16", 16: "16 bits", 24: "float32", 53: "float64"}


def trained(decay: float) -> ReluNetwork:
    """A 64-32-10 classifier of the digits, trained in float32."""
    from sklearn.datasets import load_digits
    from sklearn.neural_network import MLPClassifier

    images, labels = load_digits(return_X_y=True)
    model = MLPClassifier((32,), alpha=decay, learning_rate_init=3e-3, max_iter=60, random_state=0)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # it has not converged, and need not
        model.fit((images / 16).astype(np.float32), labels)
    (first, second), (b, c) = model.coefs_, model.intercepts_
    assert first.dtype == np.float32
    return ReluNetwork(*(np.asarray(v, float) for v in (first.T, -b, second.T)), None, c)


def secret_of(case: Case, seed: int) -> ReluNetwork:
    name, _, decay = case.name.partition(", trained, ")
    net = trained(float(decay)) if decay else network(name, seed)
    if case.bits == 53:
        return net
    parts = (net.weights, net.biases, net.output_weights)
    return ReluNetwork(*(rounded(p, case.bits) for p in parts), None, rounded(net.offset, 24))


def wrong_numbers(found: Snapped, secret: ReluNetwork) -> int:
    """Numbers that are said to be right and are not, up to a power of two for each neuron."""
    nets = found.network, secret
    (w, b, _), (v, c, _) = (normalised(net.weights, net.biases) for net in nets)
    pairs = np.linalg.norm(w[:, None] - v, axis=2) + np.abs(b[:, None] - c)
    rows, true = (
        np.hstack([n.weights, n.biases[:, None], np.atleast_2d(n.output_weights).T]) for n in nets
    )
    wrong = 0
    for i, j in enumerate(pairs.argmin(axis=1)):
        if found.fits[i] == 1:
            largest = np.abs(true[j, : secret.dim]).argmax()
            shift = np.exp2(np.round(np.log2(rows[i, largest] / true[j, largest])))
            scale = np.where(np.arange(rows.shape[1]) <= secret.dim, shift, 1 / shift)
            off = int(((rows[i] != true[j] * scale) & (rows[i] != 0)).sum())
            wrong += max(0, off - int(found.unsure[i]))
    return wrong


def measured(case: Case, seed: int) -> tuple[Snapped, int, int, float, float] | None:
    """Snapped, wrong numbers, queries, and seconds to learn and to snap; None: not oriented."""
    secret = secret_of(case, seed)

    def answers(x: np.ndarray) -> np.ndarray:
        return secret(x).astype(np.float32 if case.single else float)

    start = time.process_time()
    oracle = Oracle(answers, secret.dim)
    result = learn_from_queries(oracle, rng=seed, polish=case.polish)
    learned = time.process_time()
    try:
        oriented = orient(result.network, rtol=1e-3 if case.single else 1e-8)
    except OrientationNotFound:
        return None
    before = time.process_time()
    found = snap(oriented, case.asked or case.bits, oracle.history())
    seconds = time.process_time() - before
    return found, wrong_numbers(found, secret), result.queries, learned - start, seconds


def row(case: Case, seeds: int) -> list[str]:
    seeds = 1 if "trained" in case.name or case.name == "784-128-1" else seeds
    runs = [run for run in (measured(case, seed) for seed in range(seeds)) if run is not None]
    found = [run[0] for run in runs]
    k = max(len(f.exact) for f in found)
    kind = KINDS[case.bits] + (f" as {KINDS[case.asked]}" if case.asked else "")
    return [
        f"{case} ({len(runs)})",
        kind,
        "float32" if case.single else "float64",
        spread([run[2] for run in runs], ",.0f"),
        f"{spread([int((f.fits == 1).sum()) for f in found], '.0f')} of {k}",
        f"{spread([int(f.exact.sum()) for f in found], '.0f')} of {k}",
        spread([int(f.unsure.sum()) for f in found], ".0f"),
        spread([int(f.zeros.sum()) for f in found], ".0f"),
        str(sum(run[1] for run in runs)),
        power(max(float(f.chance[f.fits == 1].max(initial=0.0)) for f in found)),
        spread([run[3] for run in runs], ".1f"),
        spread([run[4] for run in runs], ".1f"),
    ]


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--seeds", type=int, default=5)
    parser.add_argument("--only", metavar="NAME", help="semicolon-separated: 784-128-1;digits")
    parser.add_argument("--quick", action="store_true", help="one seed, small networks")
    parser.add_argument("--markdown", action="store_true")
    options = parser.parse_args()
    only = parse_names((options.only or "").replace(",", "\0").replace(";", ","))
    names = [name.replace("\0", ",") for name in only]
    rows = []
    for case in QUICK if options.quick else CASES:
        if not names or case.name in names:
            rows.append(row(case, 1 if options.quick else options.seeds))
            print(f"{case} done", file=sys.stderr, flush=True)
    print(table(HEAD, rows, options.markdown))


if __name__ == "__main__":
    main()

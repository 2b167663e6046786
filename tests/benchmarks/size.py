"""Large networks: the learner beside the bare network, in CPU time and in memory.

    python tests/benchmarks/size.py [--only 20000-4-10,...] [--quick]

Each network is learned in a process of its own (seed 0), which reports the peak of its memory. Bare
is the network itself on as many rows as the learner asked, in batches of 64 MB: nothing that asks
so many queries can be faster. The oracle is the network on the learner's own batches; "learner" is
the rest, in units of it. 150528-4-10, an image of 224 x 224 x 3, takes some minutes.
"""

from __future__ import annotations

import argparse
import resource
import subprocess
import sys
import time

import numpy as np
from common import Timed, network, parse_names, per_parameter, table

from relu_learn import learn_from_queries

NAMES = ("150528-4-10", "3072-512-10", "784-1024-10", "5-5000-1")
BATCH = 2**23  # numbers


def bare(name: str, rows: int) -> float:
    """CPU time to evaluate a network on so many rows."""
    net = network(name, 0)
    size = max(1, min(rows, BATCH // net.dim))
    x = np.random.default_rng(0).standard_normal((size, net.dim))
    net(x)
    start = time.process_time()
    for done in range(0, rows, size):
        net(x[: rows - done])
    return time.process_time() - start


def worst_error(secret: Timed, learned: object, points: int = 500) -> float:
    """Of the network at fresh points, one by one, in units of its outputs."""
    rng, net = np.random.default_rng(1), secret.black_box
    x = (rng.standard_normal((1, net.dim)) for _ in range(points))
    pairs = [(net(p), learned(p)) for p in x]  # type: ignore[operator]
    true, found = (np.concatenate(part) for part in zip(*pairs, strict=True))
    return float(np.abs(true - found).max() / true.std())


def one(name: str) -> None:
    box = Timed(network(name, 0))
    start = time.process_time()
    result = learn_from_queries(box, box.black_box.dim, rng=0)
    total = time.process_time() - start
    # Kilobytes on Linux, bytes on macOS.
    unit = 2**20 if sys.platform == "darwin" else 2**10
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / unit
    alone = bare(name, result.queries)
    cells = [f"{result.queries:,}", f"{per_parameter(result.queries, box.black_box):.3f}"]
    cells += [f"{worst_error(box, result.network):.0e}", f"{total:.1f}", f"{total / alone:.2f}"]
    print(*cells, f"{(total - box.cpu) / box.cpu:.2f}", f"{peak:.0f}")


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--quick", action="store_true", help="small networks")
    parser.add_argument("--only", metavar="NAMES", help="other networks: d-k-m,...")
    parser.add_argument("--one", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.one:
        one(options.one)
        return
    rows = []
    for name in parse_names(options.only) or (("3000-4-10",) if options.quick else NAMES):
        command = [sys.executable, __file__, "--one", name]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        cells = done.stdout.strip().splitlines()[-1:] or [f"failed {done.stderr[-200:]}"]
        rows.append([name, *cells[0].split()])
    head = ["network", "queries", "queries/D", "worst error", "CPU s", "/ bare", "learner / oracle"]
    print(table([*head, "peak MB"], rows))


if __name__ == "__main__":
    main()

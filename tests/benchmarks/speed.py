"""Where the time goes: learner against oracle, growth with k, d and m. (Memory: `size.py`.)

    python tests/benchmarks/speed.py [--only growth,adapters] [--quick]
        [--write FILE] [--read FILE] [--plots FOLDER]

The bare network is evaluated on as many rows as the learner asked, in batches of 8192: nothing that
asks so many queries can be faster. "ratio" is the time of the whole run over that: in wall time,
and in CPU time of all threads, which other programs on the machine disturb less; with one BLAS
thread, and with as many as OMP_NUM_THREADS says (two, if it is not set). Growth is in CPU time, and
its powers are fitted to the upper decade; `--write` saves it, `--read` shows such a file without
measuring again, `--plots` draws it as a PNG file. README and lesson 04 show what ships as
relu_learn/data/growth.json. Adapters are compared with the library's own prediction for a batch of
8192 rows, in turn: the median of the ratios of CPU times; where a link reads scores from
probabilities, once without it and once with it.
"""

from __future__ import annotations

import os

os.environ["OMP_NUM_THREADS"] = os.environ.get("OMP_NUM_THREADS", "2")

import argparse
import json
import sys
import time
from collections.abc import Callable, Iterator
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
from common import Timed, network, parse_names, per_parameter, table
from pictures import save
from threadpoolctl import threadpool_limits

from relu_learn import (
    ReluLearnError,
    ReluNetwork,
    blackboxes,
    learn_from_queries,
)
from relu_learn.figures import growth as drawn

Ask = Callable[[np.ndarray], Any]
BATCH = 8192
PARTS = ("ratios", "growth", "adapters")
# Pairs of predictions whose ratios have a median.
PAIRS = 25
# Two decades of each size, the others fixed: (what, sizes, shape of the network of that size).
GROWTH = [
    ("k", (10, 30, 100, 300, 1000), "20-{}-1"),
    ("d", (10, 30, 100, 300, 1000), "{}-20-1"),
    ("m", (1, 3, 10, 30, 100), "50-100-{}"),
]


def bare(net: ReluNetwork, rows: int) -> np.ndarray:
    """Wall and CPU time to evaluate the network on so many rows in large batches."""
    x = np.random.default_rng(0).standard_normal((min(rows, BATCH), net.dim))
    net(x)
    wall, cpu = time.perf_counter(), time.process_time()
    for done in range(0, rows, BATCH):
        net(x[: rows - done])
    return np.array([time.perf_counter() - wall, time.process_time() - cpu])


def timed_run(name: str, seed: int) -> tuple[int, np.ndarray, np.ndarray]:
    """Queries; wall and CPU time in all; the same of the oracle (the black box itself)."""
    secret = network(name, seed)
    box = Timed(secret)
    wall, cpu = time.perf_counter(), time.process_time()
    queries = learn_from_queries(box, secret.dim, rng=seed).queries
    total = np.array([time.perf_counter() - wall, time.process_time() - cpu])
    return queries, total, np.array([box.seconds, box.cpu])


def ratios(names: list[str], repeats: int) -> None:
    rows = []
    for name in names:
        for threads in sorted({1, int(os.environ["OMP_NUM_THREADS"])}):
            times = []
            with threadpool_limits(threads):
                for _ in range(repeats):  # in turn: the machine may be slower now and then
                    queries, *run = timed_run(name, 0)
                    times.append([*run, bare(network(name, 0), queries)])
            total, oracle, alone = np.min(times, axis=0)
            for i, kind in enumerate(("wall", "CPU")):
                cells = [total[i], oracle[i], total[i] - oracle[i], alone[i]]
                seconds, ratio = (f"{c:.3f}" for c in cells), f"{total[i] / alone[i]:.2f}"
                rows.append([name, str(threads), kind, f"{queries:,}", *seconds, ratio])
    print(f"Seconds, best of {repeats}, seed 0:")
    head = ["network", "threads", "", "queries", "in all", "oracle", "learner", "bare", "ratio"]
    print(table(head, rows))


def growth(quick: bool) -> dict[str, Any]:
    """Medians over the seeds, for every size."""
    seeds = range(1 if quick else 3)
    found = []
    for what, sizes, shape in GROWTH:
        curve: dict[str, Any] = dict(what=what, shape=shape, rows=[])
        for size in sizes[:3] if quick else sizes:
            name = shape.format(size)
            try:
                runs = [timed_run(name, seed) for seed in seeds]
            except ReluLearnError as failure:
                print(f"{name}: {failure}", file=sys.stderr)
                continue
            queries = float(np.median([r[0] for r in runs]))
            total = float(np.median([r[1][1] for r in runs]))
            own = float(np.median([r[1][1] - r[2][1] for r in runs]))
            ratio = per_parameter(int(queries), network(name, 0))
            numbers = [queries, round(ratio, 3), round(total, 4), round(own, 4)]
            curve["rows"].append(dict(zip(drawn.COLUMNS, [size, *numbers], strict=True)))
        found.append(curve)
    command = "python tests/benchmarks/speed.py --only growth --write FILE"
    return dict(command=command, seeds=len(seeds), curves=found)


def print_growth(data: dict[str, Any]) -> None:
    for curve in data["curves"]:
        what, rows = curve["what"], []
        for row in curve["rows"]:
            cells = [f"{row['queries']:,.0f}", f"{row['queries/D']:.2f}"]
            cells += [f"{row['seconds']:.3f}", f"{row['learner']:.3f}"]
            rows.append([curve["shape"].format(row["size"]), *cells])
        print(f"\nGrowth with {what} (medians of {data['seeds']}):")
        print(table(["network", "queries", "queries/D", "s in all", "s learner"], rows))
        powers = [drawn.exponent(curve, column) for column in ("queries", "seconds", "learner")]
        print(
            f"queries ~ {what}^{powers[0]:.2f}, seconds in all ~ {what}^{powers[1]:.2f}, "
            f"of the learner ~ {what}^{powers[2]:.2f}"
        )


def adapters(names: list[str]) -> None:
    """What asking through `relu_learn.blackboxes` adds to a library's own predictions."""
    rows = []
    for name in names:
        net = network(name, 0)
        x = np.random.default_rng(0).standard_normal((BATCH, net.dim))
        for title, own, box in _adapted(net):
            pairs = np.array([(_cpu(own, x), _cpu(box, x)) for _ in range(PAIRS)])
            ratio = np.median(pairs[:, 1] / pairs[:, 0])
            rows.append(
                [name, title, *(f"{1e3 * s:.2f}" for s in pairs.min(axis=0)), f"{ratio:.2f}"]
            )
    print(f"\nAdapters, {BATCH} rows:")
    print(table(["network", "library", "own, ms", "asked, ms", "ratio"], rows))


def _adapted(net: ReluNetwork) -> Iterator[tuple[str, Ask, Ask]]:
    """What each library that is installed does with rows in float64, and its adapter."""
    model = blackboxes.to_sklearn(net)
    yield "scikit-learn", model.predict, blackboxes.from_sklearn(model)
    sure = blackboxes.to_sklearn(net, [str(j) for j in range(net.n_outputs)])
    box = blackboxes.from_sklearn(sure, "predict_proba")
    yield "its probabilities", sure.predict_proba, box.answers
    yield "and their scores", sure.predict_proba, box
    if find_spec("onnxruntime"):
        runtime, raw = import_module("onnxruntime"), blackboxes.to_onnx(net, dtype=np.float32)
        session = runtime.InferenceSession(raw, providers=["CPUExecutionProvider"])
        name = session.get_inputs()[0].name
        yield (
            "ONNX",
            lambda x: session.run(None, {name: x.astype(np.float32)}),
            blackboxes.from_onnx(raw),
        )
    if find_spec("torch"):
        torch, module = import_module("torch"), blackboxes.to_torch(net, dtype=np.float32)

        @torch.no_grad()
        def predict(x: np.ndarray) -> Any:
            return module(torch.as_tensor(x, dtype=torch.float32)).numpy()

        yield "PyTorch", predict, blackboxes.from_torch(module, net.dim)


def _cpu(ask: Ask, x: np.ndarray) -> float:
    start = time.process_time()
    ask(x)
    return time.process_time() - start


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--quick", action="store_true", help="small networks")
    parser.add_argument("--only", metavar="PART", help=f"of {', '.join(PARTS)}")
    parser.add_argument("--read", type=Path, metavar="FILE", help="show the growth --write saved")
    parser.add_argument("--write", type=Path, metavar="FILE", help="save the growth")
    parser.add_argument(
        "--plots", type=Path, metavar="FOLDER", help="draw the growth as a PNG file"
    )
    options = parser.parse_args()
    parts = ["growth"] if options.read else parse_names(options.only) or PARTS
    if not options.read:
        timed_run("20-20-1", 0)  # imports
    if "ratios" in parts:
        ratios(["64-32-10", "100-50-1"] if options.quick else ["784-32-1", "784-128-1"], 5)
    if "growth" in parts:
        saved = options.read and json.loads(options.read.read_text("utf-8"))
        data = saved or growth(options.quick)
        print_growth(data)
        if options.write:
            options.write.write_text(json.dumps(data, indent=1) + "\n", "utf-8")
        if options.plots:
            save({"growth": drawn.growth(data)}, options.plots)
    if "adapters" in parts:
        adapters(["64-32-10"] if options.quick else ["64-32-10", "784-128-10"])


if __name__ == "__main__":
    main()

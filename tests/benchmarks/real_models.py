"""Models that were trained on real data, learned through their public predictions.

    python tests/benchmarks/real_models.py [--only iris,digits] [--libraries scikit-learn,ONNX]
                                           [--quick] [--markdown]

Rows: data sets, raw and through a scaler, and libraries with their precision; classifiers answer
with probabilities, regressors and PyTorch's modules with scores. The learner is given the range of
the training rows as its box, cut to where answers carry digits (`find_box`: the share of the box
that is left), and those of the training rows that can be read.

Columns: share of the box; neurons found, and of how many that matter to a real row; queries over
those that `plan` predicts for the answers' kind; seconds; the worst error of a score on rows that
were held out, and in the box (both in units of the scores' spread; of six decimals on rows with all
probabilities above 1e-4, and on how many); and labels that agree on all held-out rows. What could
not be learned is named. A library that is not installed has no rows.
"""

from __future__ import annotations

import argparse
import dataclasses
import importlib.util
import time
import warnings
from collections.abc import Iterator
from typing import Any

from common import limited, parse_names, table  # isort: skip
import numpy as np
from sklearn import datasets
from sklearn.exceptions import ConvergenceWarning
from sklearn.model_selection import train_test_split
from sklearn.neural_network import MLPClassifier, MLPRegressor
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from relu_learn import ReluLearnError, ReluNetwork, blackboxes, learn_from_queries, plan
from relu_learn.blackboxes import Model

DATA = ["iris", "wine", "breast_cancer", "digits", "diabetes"]
LIBRARIES = ["scikit-learn", "float32", "6 decimals", "ONNX", "PyTorch", "Keras"]
QUICK = ["iris"]
NEURONS, FEW = 32, 8
SECONDS, READABLE = 300.0, 1e-4
HEAD = ["data", "input", "library", "box", "neurons", "queries/plan", "s", "held out", "in box"]
HEAD += ["rows", "labels"]
warnings.filterwarnings("ignore", category=ConvergenceWarning)


@dataclasses.dataclass(frozen=True)
class Case:
    """One trained model: its scores as the judge knows them, and training and held-out rows."""

    model: Any
    truth: ReluNetwork
    train: np.ndarray
    test: np.ndarray
    target: np.ndarray


def trained(name: str, scaled: bool, neurons: int) -> Case:
    x, y = getattr(datasets, f"load_{name}")(return_X_y=True)
    train, test, target, _ = train_test_split(x, y, random_state=0)
    make = MLPRegressor if name == "diabetes" else MLPClassifier
    network = make(hidden_layer_sizes=neurons, max_iter=300, random_state=0)
    model = make_pipeline(StandardScaler(), network) if scaled else network
    model.fit(train, target)
    first, second = network.coefs_
    weights, biases = first.T, -network.intercepts_[0]
    if scaled:
        weights = weights / model[0].scale_
        biases = biases + weights @ model[0].mean_
    head, offset = second.T, network.intercepts_[1]
    if len(head) > 1:
        head, offset = head[1:] - head[0], offset[1:] - offset[0]
    else:
        head, offset = head[0], offset[0]
    return Case(model, ReluNetwork(weights, biases, head, None, offset), train, test, target)


def through(case: Case, library: str) -> Model | None:
    """The model as a black box of a library, or None if that is not installed."""
    plain = blackboxes.from_sklearn(case.model, _method(case))
    if library == "scikit-learn":
        return plain
    if library == "float32":
        return dataclasses.replace(plain, ask=lambda x: plain.ask(x).astype(np.float32))
    if library == "6 decimals":
        return dataclasses.replace(plain, ask=lambda x: plain.ask(x).round(6))
    module = {"ONNX": "skl2onnx", "PyTorch": "torch", "Keras": "keras"}[library]
    if importlib.util.find_spec(module) is None:
        return None
    return {"ONNX": _onnx, "PyTorch": _torch, "Keras": _keras}[library](case, plain)


def _method(case: Case) -> str:
    return "predict_proba" if hasattr(case.model, "classes_") else "predict"


def _onnx(case: Case, plain: Model) -> Model:
    import skl2onnx

    options = {"zipmap": False} if hasattr(case.model, "classes_") else None
    kind = case.train[:1].astype(np.float32)
    last = case.model[-1] if hasattr(case.model, "steps") else case.model
    options = {id(last): options} if options else None
    made = skl2onnx.to_onnx(case.model, kind, options=options)
    return blackboxes.from_onnx(made.SerializeToString()).linked(plain.link)


def _torch(case: Case, plain: Model) -> Model:
    """The same network as a module in float32, without the link."""
    return blackboxes.from_torch(blackboxes.to_torch(case.truth, dtype=np.float32), plain.dim)


def _keras(case: Case, plain: Model) -> Model:
    import keras

    net, layers = case.truth, keras.layers
    model = keras.Sequential(
        [
            keras.Input((net.dim,)),
            layers.Dense(net.n_neurons, activation="relu"),
            layers.Dense(net.n_outputs),
        ]
    )
    head = np.atleast_2d(net.output_weights).T
    model.set_weights([net.weights.T, -net.biases, head, np.atleast_1d(net.offset)])
    return blackboxes.from_keras(model)


def measure(case: Case, box: Model, library: str) -> list[str]:
    start = time.perf_counter()
    truth = case.truth(case.test).reshape(len(case.test), -1)
    try:
        with limited(SECONDS):
            found = blackboxes.find_box(box, points=case.train)
            result = learn_from_queries(found.model, rng=0, points=found.points)
    except ReluLearnError as error:
        name = f"{type(error).__name__}: {str(error).split(':')[0]}"
        return ["-"] * 3 + [f"{time.perf_counter() - start:.1f}", name[:70], "-", "-", "-"]
    except Exception as error:
        return ["-"] * 3 + [f"{time.perf_counter() - start:.1f}", str(error)[:70], "-", "-", "-"]
    seconds = time.perf_counter() - start
    spread = float(truth.std(axis=0).max())
    scores = result.network(case.test).reshape(truth.shape)
    errors = np.abs(scores - truth).max(axis=1) / spread
    rows = np.ones(len(truth), bool)
    if library == "6 decimals" and hasattr(case.model, "classes_"):
        rows = (case.model.predict_proba(case.test) > READABLE).all(axis=1)
    pattern = case.truth.activation_pattern(np.concatenate([case.train, case.test]))
    matter = int((pattern.any(axis=0) & ~pattern.all(axis=0)).sum())
    kind = {"6 decimals": "rounded", "scikit-learn": "exact"}.get(library, "float32")
    guess = max(result.network.n_neurons, 1)
    step = {"step": 1e-6} if kind == "rounded" else {}
    predicted = plan(box.dim, truth.shape[1], guess, answers=kind, bounds=(-1, 1), **step).queries
    labels = "-"
    if hasattr(case.model, "classes_"):
        agree = _labels(scores) == _labels(truth)
        labels = f"{agree.sum()}/{len(agree)}"
    worst = f"{errors[rows].max():.1e}" if rows.any() else "no row"
    return [
        f"{found.share:.2g}",
        f"{result.network.n_neurons} of {matter}",
        f"{(result.queries + found.queries) / predicted:.2f}",
        f"{seconds:.1f}",
        worst,
        f"{result.worst_error / result.scale:.1e}",
        f"{rows.sum()}/{len(rows)}",
        labels,
    ]


def _labels(scores: np.ndarray) -> np.ndarray:
    return np.concatenate([np.zeros((len(scores), 1)), scores], axis=1).argmax(axis=1)


def measured(names: list[str], libraries: list[str], neurons: int) -> Iterator[list[str]]:
    for name in names:
        for scaled in (True, False):
            case = trained(name, scaled, neurons)
            for library in libraries:
                box = through(case, library)
                if box is not None:
                    row = [name, "scaled" if scaled else "raw", library]
                    row += measure(case, box, library)
                    print("  ".join(row), flush=True)
                    yield row


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--only", help="data sets, comma-separated")
    parser.add_argument("--libraries", help="libraries, comma-separated")
    parser.add_argument(
        "--quick", action="store_true", help="one data set, the fast libraries, few neurons"
    )
    parser.add_argument("--markdown", action="store_true")
    given = parser.parse_args()
    names = parse_names(given.only) or (QUICK if given.quick else DATA)
    libraries = parse_names(given.libraries) or LIBRARIES[: 3 if given.quick else None]
    done = list(measured(names, libraries, FEW if given.quick else NEURONS))
    print("\n" + table(HEAD, done, given.markdown))


if __name__ == "__main__":
    main()

"""Models that were trained on real data, learned through their public predictions.

    python tests/benchmarks/real_models.py [--only iris,digits] [--libraries scikit-learn,ONNX]
                                           [--quick] [--markdown] [--write REAL_MODELS.md]

Rows: data sets, raw and through a scaler, and libraries with their precision; classifiers answer
with probabilities, regressors and PyTorch's modules with scores. The learner is given the range of
the training rows as its box, cut to where answers carry digits (`find_box`: the share of the box
that is left), and those of the training rows that can be read. A library that is not installed has
no rows.

Columns: share of the box; neurons found, and of how many that matter to a real row; queries, and
over those that `plan` predicts for the answers' kind and the neurons that switch in the box;
seconds of CPU; the worst error of a score in the box, of rows that were held out and lie in it, and
of those that were left out of it (all in units of the scores' spread; of probabilities on rows
where all of them are above 1e-4); labels that agree on all held-out rows.

The last column says what the result says of itself, without a held-out row: "holds" (all of the box
was learned: the certificate, and the error on the user's own points), "left out n %" (of the
training rows, as no digits are there: nothing is claimed of them), "fitted" (`refine`: the copy was
off on the user's rows, and a fit to their probabilities is right to all digits of so many fresh
mixtures of two rows), or the error that it ended with.
If a held-out row in the box is off by much more than was claimed, it is "BROKEN".
"""

from __future__ import annotations

import argparse
import dataclasses
import functools
import importlib.util
import time
import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from common import limited, parse_names, table  # isort: skip
import numpy as np
from sklearn import datasets
from sklearn.exceptions import ConvergenceWarning
from sklearn.model_selection import train_test_split
from sklearn.neural_network import MLPClassifier, MLPRegressor
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from relu_learn import (
    LearningFailed,
    LearnResult,
    ReluNetwork,
    TimeLimitExceeded,
    blackboxes,
    learn_from_queries,
    plan,
)
from relu_learn.blackboxes import Model, Refined

DATA = ["iris", "wine", "breast_cancer", "digits", "diabetes"]
LIBRARIES = ["scikit-learn", "float32", "6 decimals", "ONNX", "PyTorch", "Keras"]
QUICK, FAST = ["iris"], ["scikit-learn", "float32"]
NEURONS = 32
SECONDS, READABLE = 75.0, 1e-4
# What the learner gets where a fit to probabilities may follow, and when that must end.
LEARNER, FITTED = 10.0, 60.0
# A claim is about the rows that were asked: a few others may be off by more, none by so many times.
BROKEN, ROUNDING = 10.0, 1e-6
LEARNED = 0.95  # what a fit to probabilities must explain where the learner failed
HEAD = ["data", "input", "library", "box", "neurons", "queries", "/plan", "s", "in box"]
HEAD += ["held out, in it", "outside", "labels", "says"]
BEGIN = "<!-- made by tests/benchmarks/real_models.py --write .github/REAL_MODELS.md -->"
END = "<!-- end of the table -->"
warnings.filterwarnings("ignore", category=ConvergenceWarning)


@dataclasses.dataclass(frozen=True)
class Case:
    """One trained model: its scores as the judge knows them, and training and held-out rows."""

    model: Any
    truth: ReluNetwork
    train: np.ndarray
    test: np.ndarray
    target: np.ndarray


def trained(name: str, scaled: bool) -> Case:
    x, y = getattr(datasets, f"load_{name}")(return_X_y=True)
    train, test, target, _ = train_test_split(x, y, random_state=0)
    make = MLPRegressor if name == "diabetes" else MLPClassifier
    network = make(hidden_layer_sizes=NEURONS, max_iter=300, random_state=0)
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


@dataclasses.dataclass(frozen=True)
class Row:
    """What was learned of a case in a library, judged by its rows that were held out."""

    case: Case
    library: str
    found: blackboxes.Carrying
    result: LearnResult
    refined: Refined | None
    seconds: float

    def cells(self) -> list[str]:
        matter = _matter(self.case)
        queries = self.result.queries + self.found.queries
        queries += 0 if self.refined is None else self.refined.queries
        held, inside, outside = self.result.worst_error, self.errors(True), self.errors(False)
        return [
            f"{self.found.share:.2g}",
            f"{self.network.n_neurons} of {matter}",
            f"{queries:,}",
            f"{queries / self.planned:.2f}",
            f"{self.seconds:.1f}",
            f"{held / self.result.scale:.1e}" if np.isfinite(held) else "-",
            _worst(inside),
            _worst(outside),
            self.labels(),
            self.says(),
        ]

    @property
    def network(self) -> ReluNetwork:
        return self.result.network if self.refined is None else self.refined.network

    def says(self) -> str:
        if self.refined is not None and self.refined.changed:
            link, x = self.found.model.link, self.case.test
            answers = np.asarray(self.found.model.answers(x))
            off = np.abs(link.answers(self.network(x)) - answers).max()
            if off > BROKEN * max(self.refined.certificate.eta, ROUNDING):
                return "BROKEN"
            return f"fitted: {100 * self.refined.after:.0f} % right to all digits"
        if self.errors(True).max(initial=0.0) > BROKEN * max(self.claimed, ROUNDING):
            return "BROKEN"
        if self.refined is not None and not self.refined.bits:
            return "nothing: the rows' answers hold 0 bits"
        return (
            f"left out {100 * (1 - self.found.inside):.0f} %" if self.found.inside < 1 else "holds"
        )

    @functools.cached_property
    def truth(self) -> np.ndarray:
        return self.case.truth(self.case.test).reshape(len(self.case.test), -1)

    @functools.cached_property
    def scores(self) -> np.ndarray:
        return self.network(self.case.test).reshape(self.truth.shape)

    @property
    def spread(self) -> float:
        return float(self.truth.std(axis=0).max())

    @property
    def claimed(self) -> float:
        """The worst error that the result itself names, in units of the scores' spread."""
        return max(self.result.worst_error, self.result.points_error) / self.spread

    @property
    def planned(self) -> int:
        """For the neurons that switch in the box, however many were found."""
        kind = {"6 decimals": "rounded", "scikit-learn": "exact"}.get(self.library, "float32")
        net, (low, high) = self.case.truth, self.found.model.bounds
        reach = np.abs(net.weights) @ (high - low) / 2
        there = np.abs(net.weights @ (low + high) / 2 - net.biases) < reach
        return _planned(net.dim, net.n_outputs, max(int(there.sum()), 1), kind)

    def errors(self, inside: bool) -> np.ndarray:
        """Of the held-out rows in the box, or of those outside, where they can be read."""
        low, high = self.found.model.bounds
        x = self.case.test
        there = ((x >= low) & (x <= high)).all(axis=1) == inside
        if hasattr(self.case.model, "classes_"):
            there &= (self.case.model.predict_proba(x) > READABLE).all(axis=1)
        return np.abs(self.scores - self.truth).max(axis=1)[there] / self.spread

    def labels(self) -> str:
        if not hasattr(self.case.model, "classes_"):
            return "-"
        agree = _labels(self.scores) == _labels(self.truth)
        return f"{agree.sum()}/{len(agree)}"


def measure(case: Case, box: Model, library: str) -> list[str]:
    start = time.process_time()
    try:
        with limited(SECONDS):
            found = blackboxes.find_box(box, points=case.train)
            failed, refined = None, None
            try:
                limit = LEARNER if library == "6 decimals" and box.link.name != "identity" else None
                result = learn_from_queries(
                    found.model, rng=0, points=found.points, max_seconds=limit
                )
            except (LearningFailed, TimeLimitExceeded) as error:
                failed, result = error, error.partial
            if box.link.name != "identity":
                refined = blackboxes.refine(
                    box, result.network, case.train,
                    hurry=lambda: time.process_time() - start > FITTED,
                )  # fmt: skip
            if failed is not None and (refined is None or refined.after < LEARNED):
                raise failed
    except Exception as error:
        seconds = f"{time.process_time() - start:.1f}"
        return [*["-"] * 4, seconds, *["-"] * 4, _name(error)]
    return Row(case, library, found, result, refined, time.process_time() - start).cells()


@functools.cache  # it rehearses
def _planned(dim: int, outputs: int, neurons: int, kind: str) -> int:
    step = {"step": 1e-6} if kind == "rounded" else {}
    return plan(dim, outputs, neurons, answers=kind, bounds=(-1, 1), **step).queries


def _matter(case: Case) -> int:
    """Neurons that are active on some of the real rows, and not on others."""
    pattern = case.truth.activation_pattern(np.concatenate([case.train, case.test]))
    return int((pattern.any(axis=0) & ~pattern.all(axis=0)).sum())


def _name(error: Exception) -> str:
    """One cell."""
    said = f"{type(error).__name__.strip('_')}: {error}".split(" (")[0].replace("|", "/")
    return said if len(said) < 90 else said[:87].rsplit(" ", 1)[0] + " ..."


def _worst(errors: np.ndarray) -> str:
    return f"{errors.max():.1e} on {len(errors)}" if len(errors) else "-"


def _labels(scores: np.ndarray) -> np.ndarray:
    return np.concatenate([np.zeros((len(scores), 1)), scores], axis=1).argmax(axis=1)


def measured(names: list[str], libraries: list[str]) -> Iterator[list[str]]:
    for name in names:
        for scaled in (True, False):
            case = trained(name, scaled)
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
    parser.add_argument("--quick", action="store_true", help="one data set, the fast libraries")
    parser.add_argument("--markdown", action="store_true")
    parser.add_argument("--write", type=Path, help="a document: its table is replaced by this one")
    given = parser.parse_args()
    names = parse_names(given.only) or (QUICK if given.quick else DATA)
    libraries = parse_names(given.libraries) or (FAST if given.quick else LIBRARIES)
    done = list(measured(names, libraries))
    print("\n" + table(HEAD, done, given.markdown))
    if given.write is not None:
        before, _, rest = given.write.read_text("utf-8").partition(BEGIN)
        made = table(HEAD, done, markdown=True)
        given.write.write_text(
            f"{before}{BEGIN}\n\n{made}\n\n{END}{rest.partition(END)[2]}", "utf-8"
        )


if __name__ == "__main__":
    main()

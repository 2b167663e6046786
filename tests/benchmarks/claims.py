"""Does a result ever promise too much? Its certificate against the truth, over many runs.

    python tests/benchmarks/claims.py --runs 2000

A certificate says: with confidence 1 - delta, the mass of the inputs where |F - F'| > eta is at
most p; and so, given a Lipschitz bound of the secret, the loss is at most `result.loss_bound(...)`.
Every run learns one secret (random, hostile, outside the class; complete, or stopped by its
budget or by an error) and the mass is then measured with the secret in hand. The share of wrong
claims must stay below delta for each delta. Few points of validation and large deltas are among the
settings, as claims that are easy to keep would prove nothing.
"""

from __future__ import annotations

import argparse
import dataclasses
import math
import sys
import time
from collections.abc import Callable
from typing import Any

import numpy as np
from common import limited, spread, table
from hostile import VARIANTS, seeded, title

from relu_learn import LearnResult, ReluLearnError, gaussian_loss, learn_from_queries, zoo
from relu_learn.judging.loss import loss_floor
from relu_learn.network import ReluNetwork, lipschitz_bound

BlackBox = Callable[[np.ndarray], np.ndarray]
DELTAS = (0.05, 0.2)
# The mass p is measured with so many points for each point of the certificate: its standard
# deviation is then sqrt(p / (100 n)) for p of a few times 1 / n, a tenth of p or less.
_TRUTH = 100
_MOST = 400_000
# How often. A rounded secret takes a second, the others some milliseconds.
_KINDS = {"random": 0.3, "hostile": 0.3, "hat": 0.2, "grid": 0.08, "outside": 0.1, "rounded": 0.02}


@dataclasses.dataclass(frozen=True)
class Case:
    """One run: a secret and the settings of its learner."""

    kind: str
    label: str
    black_box: BlackBox
    dim: int
    settings: dict[str, Any]


@dataclasses.dataclass(frozen=True)
class Claim:
    """What a run claimed, and what is true.

    Attributes
    ----------
    ending : str
        "complete", or the name of the error that brought the partial result.
    delta, promised, mass : float
        The claim is wrong with probability delta; mass of the large errors, promised and measured.
    loss, loss_bound : float
        Exact loss and its bound, where the secret is a network and the bound is finite.
    """

    case: Case
    ending: str
    delta: float
    n: int
    promised: float
    mass: float
    loss: float = 0.0
    loss_bound: float = math.inf

    @property
    def violated(self) -> bool:
        return self.mass > self.promised

    @property
    def loss_violated(self) -> bool:
        return self.loss > self.loss_bound


def _hostile(rng: np.random.Generator) -> tuple[str, Any]:
    """A hostile secret that takes milliseconds: dimension at most 6, at most 40 neurons."""
    while True:
        name = rng.choice(list(zoo.hostile))
        options = VARIANTS.get(name, [{}])
        extra = options[rng.integers(len(options))]
        if extra.get("dim", 0) <= 6 and extra.get("neurons", 0) <= 40 and name != "wide":
            seed = int(rng.integers(2**31))
            return title(name, {**extra, "rng": seed}), seeded(name, extra, seed)


def _outside(rng: np.random.Generator) -> tuple[str, int, BlackBox]:
    """What no network with one hidden layer is: every run ends in an error, with a claim."""
    dim = int(rng.integers(2, 5))
    inner, mix = rng.standard_normal((dim, 4)), rng.standard_normal(4)
    middle, shift = rng.standard_normal((4, 4)), rng.standard_normal(4)
    name = str(rng.choice(["two layers", "maximum of three", "one bend in a corner"]))
    functions: dict[str, BlackBox] = {
        "two layers": lambda x: np.maximum(np.maximum(x @ inner, 0) @ middle + shift, 0) @ mix,
        "maximum of three": lambda x: (x @ inner[:, :3]).max(axis=1),
        # Almost everywhere affine: exactly what a validation of few points does not see.
        "one bend in a corner": lambda x: (
            x @ inner[:, 0] + np.minimum(*np.maximum(x[:, :2] - 1.2, 0).T)
        ),
    }
    return name, dim, functions[name]


def draw(seed: int) -> Case:
    """The case of this seed."""
    rng = np.random.default_rng([0xC1A1, seed])
    kind = str(rng.choice(list(_KINDS), p=list(_KINDS.values())))
    settings: dict[str, Any] = {
        "rng": seed,
        "delta": float(rng.choice(DELTAS)),
        "validation": int(rng.choice([5, 10, 20, 50, 200])),
    }
    if rng.random() < 0.1:
        settings["validation"] = None
    if kind == "outside":
        label, dim, black_box = _outside(rng)
        return Case(kind, label, black_box, dim, settings)
    if kind == "hat":  # most lines and few points of a validation meet it
        width, dim = float(rng.choice([0.1, 0.03, 0.01])), int(rng.integers(1, 4))
        secret = zoo.get("hat", dim=dim, width=width, rng=int(rng.integers(2**31)))
        label = f"hat of width {width}"
    elif kind == "hostile":
        label, secret = _hostile(rng)
    else:
        shape = [int(rng.integers(1, 8)), int(rng.integers(0, 13)), int(rng.integers(1, 4))]
        if kind == "grid":
            shape[0] = int(rng.integers(1, 4))
            settings |= {"method": "grid", "r": 0.2}
        secret = zoo.random_network(*shape, rng=rng, skip=bool(rng.integers(2)))
        label = "-".join(map(str, shape))
    if kind == "rounded":
        return Case(kind, label, lambda x: np.round(secret(x), 3), secret.dim, settings)
    if rng.random() < 0.3:  # somewhere between the first query and a run with repairs
        whole = 200 + 3 * secret.n_parameters + (settings["validation"] or 2000)
        settings["max_queries"] = int(rng.integers(20, 2 * whole))
    if rng.random() < 0.1:
        settings["epsilon"] = float(10.0 ** rng.uniform(-8, -2))
    return Case(kind, label, secret, secret.dim, settings)


def check(case: Case, limit: float = 30.0) -> Claim | None:
    """Learn, and measure the claim; None if the run ended before its first query."""
    ending, result = "complete", None
    try:
        with limited(limit):
            result = learn_from_queries(case.black_box, case.dim, **case.settings)
    except ReluLearnError as error:
        ending, result = type(error).__name__, error.partial
    if result is None:
        return None
    claim = result.certificate
    made = Claim(case, ending, claim.delta, claim.n, claim.mass, true_mass(case, result))
    if isinstance(case.black_box, ReluNetwork) and claim.mass < 1:
        # What the exact loss may be off by, rounding, is no broken promise.
        loss = gaussian_loss(case.black_box, result.network)
        loss -= loss_floor(case.black_box, result.network)
        bound = result.loss_bound(lipschitz_bound(case.black_box))
        made = dataclasses.replace(made, loss=loss, loss_bound=bound)
    return made


def true_mass(case: Case, result: LearnResult) -> float:
    """Share of fresh Gaussian points where |F - F'| exceeds what the certificate says."""
    rng = np.random.default_rng([0x7247, case.settings["rng"]])
    n = min(max(20_000, _TRUTH * result.certificate.n), _MOST)
    above = 0
    for _ in range(0, n, 20_000):
        x = rng.standard_normal((20_000, case.dim))
        errors = np.abs(case.black_box(x) - result.network(x)).reshape(len(x), -1).max(axis=1)
        above += int((errors > result.certificate.eta).sum())
    return above / (-(-n // 20_000) * 20_000)


def summary(title: str, claims: list[Claim], delta: float) -> list[str]:
    made = [c for c in claims if c.n]
    wrong = [c for c in made if c.violated]
    worst = max((c.mass / c.promised for c in made), default=0.0)
    return [
        title,
        f"{delta:g}",
        str(len(claims)),
        str(len(made)),
        str(len(wrong)),
        f"{len(wrong) / max(len(made), 1):.4f}",
        f"{worst:.2f}",
        spread([c.n for c in made] or [0], ".0f"),
    ]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--runs", type=int, default=2000)
    parser.add_argument("--first", type=int, default=0, help="seed of the first run")
    parser.add_argument("--quick", action="store_true", help="forty runs")
    parser.add_argument("--show", action="store_true", help="every wrong claim")
    options = parser.parse_args()
    runs = 40 if options.quick else options.runs
    start = time.perf_counter()
    found = [check(draw(seed)) for seed in range(options.first, options.first + runs)]
    claims = [c for c in found if c is not None]
    rows, good = [], True
    for delta in DELTAS:
        these = [c for c in claims if c.delta == delta]
        groups = {
            "complete": [c for c in these if c.ending == "complete"],
            "stopped by an error": [c for c in these if c.ending != "complete"],
        }
        for kind in sorted({c.case.kind for c in these}):
            groups[kind] = [c for c in these if c.case.kind == kind]
        groups["all"] = these
        rows += [summary(title, group, delta) for title, group in groups.items()]
        made = [c for c in these if c.n]
        good &= sum(c.violated for c in made) <= delta * len(made)
        bounded = [c for c in made if c.loss_bound < math.inf]
        good &= sum(c.loss_violated for c in bounded) <= delta * len(bounded)
    head = ["runs", "delta", "runs", "claims", "wrong", "share", "worst excess", "points"]
    print(table(head, rows))
    if options.show:
        for c in claims:
            if c.n and c.violated:
                print(c.case.label, c.case.settings, c.ending, f"{c.promised:.3g} {c.mass:.3g}")
    wrong = sum(c.violated for c in claims if c.n)
    bounded = [c for c in claims if c.loss_bound < math.inf]
    print(
        f"{len(bounded)} bounds of the loss, {sum(c.loss_violated for c in bounded)} of them wrong"
    )
    print(
        f"{runs} runs, {sum(c.n > 0 for c in claims)} claims, {wrong} of them wrong, in "
        f"{time.perf_counter() - start:.0f} s: the share of wrong claims is "
        f"{'below delta' if good else 'ABOVE DELTA'} for every delta"
    )
    sys.exit(not good)


if __name__ == "__main__":
    main()

"""Arbitrary networks and arbitrary misbehaviour: recovered, or a clear error; nothing else.

    python tests/benchmarks/fuzz.py --examples 5000

Prints how many cases were tried, how they ended, and each that broke a property as one line from
which it can be built again. Exits with 1 if there is one.
"""

from __future__ import annotations

import argparse
import dataclasses
import math
import sys
import time
import warnings
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from common import limited
from hypothesis import HealthCheck, Phase, given, seed, settings
from hypothesis import strategies as st

from relu_learn import (
    BlackBoxError,
    LearningFailed,
    LearnResult,
    NotOneHiddenLayer,
    NotPiecewiseLinear,
    Oracle,
    QueryBudgetExceeded,
    ReluLearnError,
    ReluNetwork,
    learn_from_queries,
    worst_error,
)

sys.path.insert(0, str(Path(__file__).parents[1]))
import strategies  # noqa: E402
from dirt import Noise  # noqa: E402
from strategies import Misbehaving, Misbehaviour, Recipe, Road  # noqa: E402

SECONDS = 60.0  # a run that takes longer hangs
MOST = 50_000  # queries for an imprecise network, which may be below its noise
_EPS = float(np.finfo(float).eps)


class Broken(AssertionError):
    """A property does not hold."""


def require(holds: object, what: str) -> None:
    if not holds:
        raise Broken(what)


# -------------------------------------------------------------------------- what must hold


def rounding(secret: ReluNetwork) -> float:
    """Rounding error of one answer at a Gaussian point: see `relu_learn.core.theory`.

    Each product and sum is rounded to a relative eps / 2. What is summed is of size
    |a_i| (|w_i| |x| + |b_i|), whatever cancels in the end; |x| is about sqrt(d).
    """
    d = secret.dim
    hidden = np.linalg.norm(secret.weights, axis=1) * math.sqrt(d) + np.abs(secret.biases)
    a, u = np.abs(np.atleast_2d(secret.output_weights)), np.atleast_2d(secret.skip)
    size = a @ hidden + np.linalg.norm(u, axis=1) * math.sqrt(d) + np.abs(secret.offset)
    return float(_EPS * size.max())


def limit(secret: ReluNetwork, scale: float) -> float:
    """Worst error that counts as recovered: 1e-7 of the scale, unless rounding is larger.

    The learner looks for what is missing down to 1e4 times the rounding of an answer, as small
    steps amplify it by about that much; a validation that finds less claims no more.
    """
    return max(1e-7 * scale, 1e4 * rounding(secret))


def books(oracle: Oracle, black_box: Misbehaving | None, result: LearnResult | None) -> None:
    """What was paid for is all there: counted, recorded, and in the partial result."""
    asked, answers = oracle.history()
    require(len(asked) == len(answers) == oracle.queries, "the history has lost queries")
    if black_box is not None:
        require(black_box.rows >= oracle.queries, "more is counted than was answered")
        known = np.concatenate([*black_box.asked, np.empty((0, oracle.dim))])[: oracle.queries]
        require(np.array_equal(known, asked), "the history differs from what was asked")
    if result is None:
        require(oracle.queries == 0, "what was paid for is lost: no partial result")
        return
    require(result.queries == oracle.queries, "the result counts other queries than the oracle")
    counts = [e.queries for e in result.trace]
    require(counts == sorted(counts), "the trace's counts decrease")
    require(not counts or counts[-1] <= oracle.queries, "the trace counts more than was asked")
    require(result.network.is_scalar == oracle.is_scalar, "wrong shape of the outputs")
    require((result.certificate.n == 0) == math.isinf(result.loss), "a claim without a test")


ROAD = Road("exact", None, None, False)


def claim_holds(
    function: Callable[[np.ndarray], Any], result: LearnResult, slack: float, road: Road = ROAD
) -> bool:
    """Whether the certificate is right, on 20,000 points of other seeds.

    One wrong claim in twenty is promised, so that the bound here is five times looser: that is
    wrong with a probability of delta^5.
    """
    x = road.points(20_000, result.network.dim, 20211108)
    errors = np.abs(np.asarray(function(x)) - result.network(x)).reshape(len(x), -1).max(axis=1)
    return bool((errors > result.certificate.eta + slack).mean() <= 5 * result.certificate.mass)


def learn(oracle: Oracle, rng: int, validation: int | None = None, **settings: Any) -> LearnResult:
    with limited(SECONDS), warnings.catch_warnings():
        warnings.filterwarnings("ignore", "the answers are random")  # some are
        return learn_from_queries(oracle, oracle.dim, rng=rng, validation=validation, **settings)


def check_network(recipe: Recipe, rng: int) -> str:
    """Any network is recovered."""
    secret = recipe.build()
    oracle = Oracle(secret, secret.dim)
    worst, scale = worst_error(secret, 0 * secret, 10_000)
    try:
        result = learn(oracle, rng)
    except ReluLearnError as error:
        books(oracle, None, error.partial)
        if isinstance(error, LearningFailed) and limit(secret, scale) > 1e-7 * scale:
            return "refused: below rounding"
        raise Broken(f"{type(error).__name__}: {error}") from error
    books(oracle, None, result)
    worst, scale = worst_error(secret, result.network, 10_000)
    if worst <= limit(secret, scale):
        return "recovered"
    require(
        claim_holds(secret, result, limit(secret, scale)),
        f"error {worst / scale:.1e} of the scale, and the certificate says {result.certificate}",
    )
    return "recovered but for what its certificate allows"


class Served:
    """A network behind a road: answers imprecisely, and nothing outside the bounds."""

    def __init__(self, secret: ReluNetwork, road: Road) -> None:
        self.secret, self.road = secret, road
        self.noise = Noise()
        y = secret(road.points(2000, secret.dim, 1)).reshape(2000, -1)
        # Constants have the size of their value.
        most = float(np.abs(y).max()) or 1.0
        self.variance = float((y / most).var(axis=0).sum()) * most**2
        size = float(y.std(axis=0).max())
        self.size = size if size > 1e-9 * most else most
        self.factor = 3.3 if road.kind.endswith("units") else 1.0

    def __call__(self, x: np.ndarray) -> np.ndarray:
        if self.road.bounds is not None:
            low, high = self.road.bounds
            require(((low <= x) & (x <= high)).all(), "a query left the box")
        return self.road.answers(x, self.secret(x), self.size, self.noise)

    @property
    def slack(self) -> float:
        """Errors of the answers, beside which a claim is right."""
        x = self.road.points(2000, self.secret.dim, 2)
        return 5 * float(np.abs(self(x) - self.true(x)).max()) + limit(self.secret, self.size)

    def true(self, x: np.ndarray) -> np.ndarray:
        return self.factor * self.secret(x)

    def learn(self, rng: int, epsilon: float | None) -> LearnResult:
        self.noise = Noise()
        oracle = Oracle(self, self.secret.dim, max_queries=MOST)
        settings = {"bounds": self.road.bounds, "polish": self.road.polish, "epsilon": epsilon}
        try:
            return learn(oracle, rng, **settings)
        except ReluLearnError as error:
            books(oracle, None, error.partial)
            raise


def check_road(recipe: Recipe, road: Road, rng: int) -> str:
    """Any network, asked in any way: learned, or a failure that claims nothing."""
    served = Served(recipe.build(), road)
    whole = None
    # A constant has no variance, and no epsilon.
    epsilon = (road.epsilon or 0.0) * served.factor**2 * served.variance or None
    try:
        whole = served.learn(rng, None)
        result = whole if epsilon is None else served.learn(rng, epsilon)
    except (NotPiecewiseLinear, NotOneHiddenLayer) as error:
        raise Broken(f"{type(error).__name__}: {error}") from error
    except ReluLearnError as error:
        if error.partial is not None:
            holds = claim_holds(served.true, error.partial, served.slack, road)
            require(holds, "the partial's claim is wrong")
        require(whole is None, f"fails with an epsilon only: {type(error).__name__}: {error}")
        if road.kind == "exact":
            easy = limit(served.secret, served.size) <= 1e-7 * served.size
            require(not easy, f"{type(error).__name__}: {error}")
            return "exact: refused: below rounding"
        return f"{road.kind}: {type(error).__name__}"
    require(claim_holds(served.true, result, served.slack, road), "the claim is wrong")
    if epsilon is None:
        return f"{road.kind}: learned"
    price = result.queries - whole.queries
    require(price <= 0, f"epsilon costs {price} more than {whole.queries}")
    require(result.loss <= max(epsilon, whole.loss), f"loss {result.loss:.1e} > {epsilon:.1e}")
    return f"{road.kind}: learned to epsilon"


def check_misbehaviour(recipe: Recipe, how: Misbehaviour, rng: int) -> str:
    """A bad interface: learned if every answer is there, otherwise a BlackBoxError."""
    secret = recipe.build()
    black_box = Misbehaving(secret, how)
    oracle = Oracle(black_box, secret.dim, max_queries=200_000)
    try:
        result = learn(oracle, rng)
    except strategies.Interrupted as stop:
        books(oracle, black_box, stop.partial)
        require(how.kind == "interrupt", "an interruption from nowhere")
        return "interrupted"
    except ReluLearnError as error:
        books(oracle, black_box, error.partial)
        if error.partial is not None and how.kind in strategies.BROKEN:
            slack = limit(secret, 1.0)
            require(claim_holds(secret, error.partial, slack), "the partial's claim is wrong")
        return _misbehaved(how, error, oracle)
    books(oracle, black_box, result)
    never = black_box.calls <= how.at
    kind = "never" if never else how.kind
    if how.kind == "other shape" and how.at == 0:
        return "learned"  # it has answered in that shape all the time
    worst, scale = worst_error(secret, result.network, 10_000)
    if kind in (*strategies.HARMLESS, "never"):
        require(worst <= limit(secret, scale), f"error {worst / scale:.1e} of the scale")
        return "learned"
    require(kind not in strategies.BROKEN, "nobody noticed")
    require(kind != "interrupt", "an interruption was swallowed")
    if kind in strategies.COARSE:
        require(claim_holds(secret, result, _coarse(kind, secret)), "the claim is wrong")
        return "learned, coarsely"
    require(claim_holds(black_box, result, limit(secret, scale)), "wrong, with a clean claim")
    return "learned what it answers now"


def _coarse(kind: str, secret: ReluNetwork) -> float:
    """Rounding of the answers, which the certificate's eta does not have to contain."""
    unit = float(np.finfo(np.float32 if kind == "float32" else np.float16).eps)
    return unit * rounding(secret) / _EPS


def _misbehaved(how: Misbehaviour, error: ReluLearnError, oracle: Oracle) -> str:
    message = str(error)
    if how.kind in strategies.BROKEN:
        require(isinstance(error, BlackBoxError), f"{type(error).__name__}: {message}")
        require(message.startswith("black_box"), f"does not name the argument: {message}")
        require(error.query is not None, "does not show the offending query")
        return "BlackBoxError"
    require(how.kind not in strategies.HARMLESS, f"{type(error).__name__}: {message}")
    if how.kind in strategies.CHANGING:
        require(
            isinstance(error, (BlackBoxError, LearningFailed)), f"{type(error).__name__}: {message}"
        )
    return type(error).__name__


def check_budget(recipe: Recipe, share: float, rng: int, validation: int | None = None) -> str:
    """A budget anywhere between nothing and enough."""
    secret = recipe.build()
    try:
        whole = learn(Oracle(secret, secret.dim), rng, validation).queries
    except LearningFailed:
        _, scale = worst_error(secret, secret, 10_000)
        require(limit(secret, scale) > 1e-7 * scale, "refused")
        return "refused: below rounding"
    budget = max(1, round(share * whole))
    black_box = Misbehaving(secret, Misbehaviour("list", 0))
    oracle = Oracle(black_box, secret.dim, max_queries=budget)
    try:
        result = learn(oracle, rng, validation)
    except QueryBudgetExceeded as error:
        require(budget < whole, "the budget was enough")
        require(f"max_queries={budget}" in str(error), "the message does not name the budget")
        books(oracle, black_box, error.partial)
        if error.partial is not None:
            slack = limit(secret, error.partial.scale)
            require(claim_holds(secret, error.partial, slack), "the partial's claim is wrong")
        return "QueryBudgetExceeded"
    require(budget >= whole, "more than the budget was spent")
    books(oracle, black_box, result)
    return "learned"


@dataclasses.dataclass(frozen=True)
class Target:
    """A property, and the arguments that it is tried with."""

    check: Callable[..., str]
    arguments: tuple[st.SearchStrategy[Any], ...]
    share: float  # of all examples


SEEDS = st.integers(0, 2**16)
TARGETS = {
    "roads": Target(check_road, (strategies.recipes(), strategies.roads(), SEEDS), 0.3),
    "networks": Target(check_network, (strategies.recipes(), SEEDS), 0.3),
    "interfaces": Target(
        check_misbehaviour,
        (
            strategies.simple_recipes(),
            strategies.misbehaviours(
                (*strategies.HARMLESS, *strategies.BROKEN, *strategies.COARSE, "interrupt")
            ),
            SEEDS,
        ),
        0.15,
    ),
    "changing": Target(
        check_misbehaviour,
        (strategies.simple_recipes(), strategies.misbehaviours(strategies.CHANGING), SEEDS),
        0.1,
    ),
    "budgets": Target(check_budget, (strategies.recipes(), st.floats(0, 1.1), SEEDS), 0.15),
}


def try_out(target: Target, examples: int, start: int) -> tuple[Counter[str], list[str]]:
    """How the cases ended, and those that broke a property."""
    found, broken = Counter[str](), []

    @seed(start)
    @settings(
        max_examples=examples,
        deadline=None,
        database=None,
        phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    @given(st.tuples(*target.arguments))
    def attempt(arguments: tuple[Any, ...]) -> None:
        try:
            found[target.check(*arguments)] += 1
        except Exception as error:  # whatever it is, it is what is looked for
            found["BROKEN"] += 1
            what = str(error) if isinstance(error, Broken) else repr(error)
            broken.append(f"{target.check.__name__}{arguments!r}\n    {what}")

    attempt()
    return found, broken


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--examples", type=int, default=5000)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--only", choices=list(TARGETS))
    parser.add_argument("--quick", action="store_true", help="twenty examples")
    options = parser.parse_args()
    examples = 20 if options.quick else options.examples
    failures = total = 0
    warnings.simplefilter("error")
    for name, target in TARGETS.items():
        if options.only not in (None, name):
            continue
        n = examples if options.only else max(1, round(target.share * examples))
        start = time.perf_counter()
        found, broken = try_out(target, n, options.seed)
        print(f"{name}: {found.total()} cases in {time.perf_counter() - start:.0f} s")
        for ending, count in found.most_common():
            print(f"    {count:6}  {ending}")
        print(*(f"  {line}" for line in broken), sep="\n", end="\n" if broken else "", flush=True)
        total, failures = total + found.total(), failures + len(broken)
    print(f"{total} cases, {failures} broke a property")
    sys.exit(failures > 0)


if __name__ == "__main__":
    main()

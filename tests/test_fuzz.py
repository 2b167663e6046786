"""Arbitrary networks and misbehaviour, for a bounded time; `benchmarks/fuzz.py` goes on longer."""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

sys.path.insert(0, str(Path(__file__).parent))
sys.path.insert(0, str(Path(__file__).parent / "benchmarks"))
import fuzz  # noqa: E402
import strategies  # noqa: E402
from strategies import Misbehaviour, Recipe, Road  # noqa: E402

pytestmark = pytest.mark.numerical

EXAMPLES = {"roads": 50, "networks": 120, "interfaces": 80, "changing": 40, "budgets": 60}
# The same examples every time: what is new is for the benchmark to find.
bounded = {"deadline": None, "derandomize": True, "suppress_health_check": list(HealthCheck)}


@pytest.mark.slow
@pytest.mark.parametrize("name", fuzz.TARGETS)
def test_no_property_breaks(name):
    target = fuzz.TARGETS[name]

    @settings(max_examples=EXAMPLES[name], **bounded)
    @given(st.tuples(*target.arguments))
    def attempt(arguments):
        target.check(*arguments)

    attempt()


@pytest.mark.parametrize("kind", (*strategies.HARMLESS, *strategies.BROKEN, "interrupt"))
def test_every_misbehaviour_at_the_first_call_and_later(kind):
    recipe = _recipe(dim=3, neurons=4, seed=1)
    endings = [fuzz.check_misbehaviour(recipe, Misbehaviour(kind, at), 0) for at in (0, 1, 4)]
    expected = "learned" if kind in strategies.HARMLESS else "BlackBoxError"
    expected = "interrupted" if kind == "interrupt" else expected
    if kind == "other shape":
        assert endings.pop(0) == "learned"  # no shape to compare with
    assert set(endings) == {expected}


@pytest.mark.slow
def test_the_budget_at_every_number_of_queries():
    recipe = _recipe(dim=2, neurons=3, seed=0)
    whole = fuzz.learn_from_queries(recipe.build(), 2, rng=0, validation=50).queries
    endings = [fuzz.check_budget(recipe, n / whole, 0, validation=50) for n in range(1, whole + 1)]
    assert endings.count("QueryBudgetExceeded") == whole - 1
    assert endings[-1] == "learned"


def test_the_properties_can_break():
    """A learner that lies is caught: the checks are not blind."""
    secret = _recipe(dim=3, neurons=4, seed=1).build()
    oracle = fuzz.Oracle(secret, 3)
    result = fuzz.learn(oracle, 0)
    fuzz.books(oracle, None, result)
    assert fuzz.claim_holds(secret, result, 0.0)
    assert not fuzz.claim_holds(lambda x: secret(x) + 1e-6, result, 0.0)
    oracle(np.zeros((1, 3)))
    with pytest.raises(fuzz.Broken, match="counts other queries"):
        fuzz.books(oracle, None, result)
    with pytest.raises(fuzz.Broken, match="lost"):
        fuzz.books(oracle, None, None)


# What the fuzzer found, each as it was found.
FOUND = {
    # The rounding of float32, beside an output that is 0, was called a jump.
    "float32 beside nothing is no jump": lambda: fuzz.check_road(
        Recipe(8, 8, 3, "far", "zero row", ("tiny", "huge", "tiny"), 0.1, 1.0, False, 0.0, 0),
        Road("float32", None, None, False),
        0,
    ),
    # Two neurons that do nothing were looked at for being one.
    "neurons that do nothing are not near": lambda: fuzz.check_road(
        Recipe(8, 9, 3, "far", "sparse", ("cancel", "needle", "hat"), 1e-3, 1.0, False, 0.0, 34280),
        Road("float32 in other units", None, None, False),
        2055,
    ),
    # A ramp 1e-9 wide on an offset of 1e12 was called a jump.
    "a steep ramp is no jump": lambda: fuzz.check_network(
        Recipe(
            2, 1, 1, "integers", "equal rows", ("near, cancelling",) * 3, 1e-9, 1e9, False, -1e3, 9
        ),
        923,
    ),
    # The rounding of large terms that cancel, a staircase, was called a jump.
    "a staircase of rounding is noise": lambda: [
        fuzz.check_network(
            Recipe(
                2,
                2,
                3,
                "sparse",
                "rank one",
                ("huge", "huge", "near, cancelling"),
                1e-4,
                1e-6,
                False,
                1.0,
                258,
            ),
            rng,
        )
        for rng in (352, *range(10))
    ],
    # Repair after repair of what is hardly there ended worse than it had been.
    "the best of all hypotheses is handed out": lambda: fuzz.check_network(
        Recipe(
            8,
            5,
            3,
            "origin",
            "zero row",
            ("hat", "hat", "near, cancelling"),
            1e-8,
            1e-3,
            False,
            -1e3,
            5,
        ),
        1454,
    ),
    # An output that was all rounding on the first line was taken for one of size 1e-17.
    "an output that is silent on the first line": lambda: [
        fuzz.check_network(
            Recipe(3, 2, 3, "origin", "sparse", ("hat",), 0.1, 1.0, False, 0.0, 0), rng
        )
        for rng in range(20)
    ],
    # A test that passed only because of epsilon asked 700 points more.
    "an epsilon costs nothing where answers are rounded": lambda: fuzz.check_road(
        Recipe(1, 0, 0, "normal", "normal", (), 0.01, 1.0, True, 1.0, 95530905),
        Road("3 decimals", None, 0.1, False),
        324,
    ),
    "answers that are constant near the origin are rounded elsewhere": lambda: fuzz.check_road(
        Recipe(2, 2, 3, "far", "rank one", (), 1e-6, 1000.0, False, -1000.0, 6),
        Road("3 decimals", None, 0.01, False),
        2,
    ),
    "the same in tiny units": lambda: fuzz.check_road(
        Recipe(5, 1, 1, "far", "sparse", ("shift",), 1e-7, 1e-9, False, -1000.0, 5),
        Road("3 decimals", None, 1e-12, False),
        7,
    ),
    # These were called jumping, or deeper.
    "float32 in other units, where all that was heard was constant": lambda: fuzz.check_road(
        Recipe(5, 6, 2, "far", "sparse", (), 0.01, 0.001, False, -1000.0, 4709),
        Road("float32 in other units", (-2.0, 2.0), 1e-4, True),
        18,
    ),
    "a step crossed another hyperplane unnoticed": lambda: fuzz.check_road(
        Recipe(3, 9, 1, "far", "rank one", (), 0.001, 1.0, False, 1.0, 45011),
        Road("float32 in other units", (-2.0, 2.0), 1e-12, False),
        3,
    ),
    "a neuron that is not known made up for a crease": lambda: fuzz.check_road(
        Recipe(6, 7, 0, "integers", "rank one", (), 1e-6, 1.0, True, 1.0, 1081),
        Road("6 decimals", None, 0.1, False),
        2601,
    ),
    "one that is nearly parallel ran along the crease": lambda: fuzz.check_road(
        Recipe(
            2,
            5,
            0,
            "normal",
            "equal rows",
            ("near, cancelling", "copy", "near, cancelling"),
            1e-7,
            1e-6,
            True,
            -1000.0,
            183,
        ),
        Road("float32 in other units", (-2.0, 2.0), 1e-12, True),
        7,
    ),
    "rounded answers less a hypothesis": lambda: fuzz.check_road(
        Recipe(1, 1, 0, "sparse", "normal", (), 1e-9, 1e-6, True, -1000.0, 0),
        Road("float32 in other units", None, 1e-12, True),
        0,
    ),
    "pieces of rounded answers do not meet": lambda: fuzz.check_road(
        Recipe(2, 2, 0, "far", "normal", ("near",), 1e-9, 1000.0, False, -1000.0, 106),
        Road("float32 in other units", (0.0, 1.0), None, False),
        254,
    ),
    "nothing but the rounding of large terms": lambda: fuzz.check_road(
        Recipe(4, 1, 0, "far", "equal rows", ("hat", "cancel"), 0.1, 1e9, False, 0.0, 4),
        Road("exact", None, None, False),
        0,
    ),
    "multiples of 211.2 are multiples of 0.1": lambda: fuzz.check_road(
        Recipe(
            4,
            1,
            2,
            "far",
            "normal",
            ("near, cancelling", "zero weights", "needle"),
            0.001,
            1e6,
            False,
            -1000.0,
            521678,
        ),
        Road("float32 in other units", (-2.0, 2.0), 1e-12, False),
        32149,
    ),
    # Of few neurons, as epsilon wanted no more, narrow bumps were feared: 968 queries for 602.
    "an epsilon does not make it look simple": lambda: fuzz.check_road(
        Recipe(7, 9, 3, "integers", "rank one", (), 0.1, 1.0, False, 0.0, 10365),
        Road("exact", (0.0, 1.0), 0.1, False),
        8343,
    ),
    # One point of 32 that was off by a little more than the root of epsilon failed the test.
    "an epsilon is a mean square": lambda: fuzz.check_road(
        Recipe(6, 2, 1, "sparse", "normal", ("hat",), 0.15, 1e-9, True, 0.0, 10173),
        Road("exact", (-2.0, 2.0), 1e-3, False),
        19518,
    ),
    # A refit without the neurons that epsilon had left out: a loss of 0.2 of the variance.
    "what epsilon left out is not fitted": lambda: fuzz.check_road(
        Recipe(
            8,
            9,
            3,
            "far",
            "normal",
            ("zero weights", "needle", "zero output", "near, opposite"),
            1.195738633583451e-09,
            1e9,
            False,
            0.0,
            10140,
        ),
        Road("exact", (-2.0, 2.0), 1e-3, False),
        55703,
    ),
    # The exact run's last test had stopped at 32 points: 260 queries more.
    "what is handed out is tested to the end": lambda: fuzz.check_road(
        Recipe(1, 9, 2, "integers", "zero row", ("zero output",), 0.1, 1e9, True, 1.0, 779),
        Road("float32 in other units", (0.0, 1.0), 1e-12, True),
        324,
    ),
    # Each of the run's own three tests paid for one that had been hasty: 437 queries more.
    "the certificate pays for hasty tests": lambda: fuzz.check_road(
        Recipe(
            3,
            4,
            1,
            "integers",
            "equal rows",
            ("hat", "twin", "twin"),
            0.01,
            1.0,
            False,
            1.0,
            9066,
        ),
        Road("6 decimals", (0.0, 1.0), 1e-12, False),
        1089,
    ),
    # A neuron that the first line had not reached crossed a crease wherever that was looked at.
    "a steep kink across a crease does not end it": lambda: fuzz.check_network(
        Recipe(
            2,
            8,
            3,
            "normal",
            "rank one",
            ("needle", "huge", "hat"),
            1e-7,
            1e-3,
            False,
            1.0,
            36322376,
        ),
        19365,
    ),
    # The chord from the point where F is not silent to itself.
    "a chord has two ends": lambda: fuzz.check_road(
        Recipe(
            1,
            3,
            3,
            "sparse",
            "sparse",
            ("tiny", "tiny", "hat"),
            1e-5,
            1e-9,
            False,
            0.0,
            272770002,
        ),
        Road("6 decimals", (-2.0, 2.0), 1e-6, False),
        2862,
    ),
    # These ended in exceptions of NumPy.
    "no kink, and an imprecise gradient": lambda: fuzz.check_misbehaviour(
        _recipe(dim=4, neurons=0, seed=0), Misbehaviour("adds a constant", 5, 1072976), 0
    ),
    "all jumps vanish": lambda: fuzz.check_misbehaviour(
        _recipe(dim=1, neurons=2, outputs=3, offset=1.0, seed=4143526),
        Misbehaviour("stuck at one answer", 6, 2097152),
        2,
    ),
    "hyperplanes that coincide are not polished": lambda: fuzz.check_misbehaviour(
        _recipe(dim=2, neurons=2, outputs=1, offset=1.0, seed=571),
        Misbehaviour("random sometimes", 0, 571),
        695,
    ),
    "all answers are zero": lambda: fuzz.check_misbehaviour(
        _recipe(dim=1, neurons=1, seed=816), Misbehaviour("stuck at one answer", 6, 4), 777
    ),
    "the rest of a jump cancels the neuron it is put beside": lambda: fuzz.check_misbehaviour(
        _recipe(dim=1, neurons=1, outputs=3, seed=3), Misbehaviour("random sometimes", 3, 3), 341
    ),
}


def _recipe(dim, neurons, seed, outputs=0, offset=0.0) -> Recipe:
    return Recipe(dim, neurons, outputs, "normal", "normal", (), 0.1, 1.0, False, offset, seed)


@pytest.mark.parametrize("what", FOUND)
def test_what_was_found(what):
    FOUND[what]()

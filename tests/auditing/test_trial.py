"""What defences cost the user, and what they leave the attacker."""

import math
import sys

import numpy as np
import pytest

from relu_learn import zoo
from relu_learn.auditing import trial
from relu_learn.auditing.trial import Spoils, attack, cost, digits_case, why_not_http
from relu_learn.serving.defences import Defences

CASE = digits_case()


def spoils_of(defences, case=CASE):
    steps = attack(case, defences, max_seconds=60)
    events = []
    while True:
        try:
            events.append(next(steps))
        except StopIteration as end:
            assert events
            return end.value


@pytest.mark.parametrize(
    ("defences", "right", "off"),
    [
        (Defences(), 0.985, (0, 1e-12)),
        (Defences(decimals=1), 0.985, (0.004, 0.01)),  # 0.025 on average, of 4.3
        (Defences(labels_only=True), 0.985, (1, 1)),
        (Defences(budget=100), 0.25, (0.75, 0.75)),
        (Defences(bounds=(0, 0.5)), 0, (1, 1)),  # no image is that dark
        (Defences(bounds=(0, 1)), 0.985, (0, 1e-12)),
    ],
)
def test_what_the_user_pays(defences, right, off):
    price = cost(CASE, defences)
    assert price.right == pytest.approx(right, abs=0.01)
    assert off[0] <= price.off <= off[1]
    assert price.lost == max(price.off, CASE.usual - price.right)


def test_a_network_that_reads_worse_costs_something():
    assert cost(digits_case("pairs"), Defences()).lost > 0.01


def test_without_a_defence_everything_goes_over_http(monkeypatch):
    assert why_not_http() == ""
    over = spoils_of(Defences())
    assert over.neurons == 16 and over.digits > 9 and over.ending == "" and over.queries < 1000
    monkeypatch.setattr(trial.sys, "platform", "emscripten")
    assert "no ports" in why_not_http()
    assert spoils_of(Defences()) == over, "the same attack, without HTTP"
    monkeypatch.undo()
    monkeypatch.setitem(sys.modules, "uvicorn", None)
    assert "pip install 'relu-learn[serve,http]'" in why_not_http()


@pytest.mark.slow
def test_defences_that_fail_alone_defend_together():
    rounding, budget = {"decimals": 2}, {"budget": 500}
    assert 3 < spoils_of(Defences(**rounding)).digits < 5
    assert spoils_of(Defences(**budget)).digits > 9
    both = spoils_of(Defences(**rounding, **budget))
    assert both.digits == 0 and both.queries <= 500 and both.ending == "QueryBudgetExceeded"


def test_labels_have_no_slope_and_errors_have_names():
    spoils = spoils_of(Defences(labels_only=True))
    assert spoils.ending == "NotPiecewiseLinear" and spoils.words
    assert spoils.error == math.inf and spoils.digits == 0


def test_digits():
    assert Spoils(1, 1, 1e-3, "", "").digits == pytest.approx(3)
    assert Spoils(1, 1, 7.0, "", "").digits == 0 and Spoils(1, 1, 0.0, "", "").digits == 16


def test_the_attacker_has_no_image_of_the_users():
    images, _ = zoo.held_out_digits()
    assert len(CASE.own) + len(CASE.rows) == len(images)
    assert not (CASE.own[:, None] == CASE.rows).all(axis=2).any()
    assert CASE.spread == pytest.approx(np.std(CASE.model(CASE.rows)))

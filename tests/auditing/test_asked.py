"""The oracle of an audit: every answer is counted and kept, those that have no score, too."""

import numpy as np
import pytest

from relu_learn import BlackBoxError, QueryBudgetExceeded
from relu_learn.auditing.asked import Asked
from relu_learn.auditing.extraction import extract
from relu_learn.auditing.points import Points
from relu_learn.auditing.report import found, report
from relu_learn.auditing.target import Target
from relu_learn.blackboxes.model import Model

ROWS = np.random.default_rng(0).uniform(-2, 2, (50, 2))


class Sure:
    """A classifier that is sure far from the middle, to 6 decimals; it counts."""

    def __init__(self, stop=None):
        self.rows, self.stop = 0, stop

    def __call__(self, x):
        if self.stop is not None and self.rows >= self.stop:
            raise KeyboardInterrupt
        self.rows += len(x)
        z = np.stack([np.maximum(10 * x[:, 0], 0), np.maximum(10 * x[:, 1], 0)], axis=1)
        e = np.exp(z - z.max(axis=1, keepdims=True))
        return np.round(e / e.sum(axis=1, keepdims=True), 6)


def target(model, points=ROWS, link="softmax", **options):
    return Target("box", Model(model, 2, link=link, **options), {}, points=Points(points, None))


def test_probabilities_are_asked_where_they_carry_digits():
    model = Sure()
    with Asked(target(model)) as asked:
        asked.open()
        opened = asked.target
        assert opened.opening == asked.queries == model.rows > 0
        assert "the answers carry digits in a box" in opened.box and asked.bounds is not None
        assert 0 < len(asked.points) < len(ROWS) and asked.seen is None
        z = ROWS[opened.inside()]
        scores = asked(asked.points)
        assert np.allclose(scores, 10 * (np.maximum(z[:, 1], 0) - np.maximum(z[:, 0], 0)), atol=0.1)
        assert asked.is_scalar and np.array_equal(asked.seen, scores)
        assert asked.queries == model.rows == opened.opening + len(z)
        with pytest.raises(BlackBoxError, match="exactly 0 or 1 at 1 of 2 points"):
            asked(np.array([[0.1, 0.2], [50.0, 0.0]]))


def test_what_finding_the_box_cost_is_in_the_ledger_and_not_asked_twice(tmp_path):
    paid, verified, stops = 0, 0, (30, 200, 500, None)
    for stop in stops:
        model = Sure(stop)
        outcome = extract(target(model), tmp_path / "run.ledger")
        new = outcome.queries - outcome.replayed
        paid, verified = paid + new, verified + model.rows - new
    assert outcome.complete and outcome.network.n_neurons == 2
    assert paid == outcome.queries and verified <= 3 * len(stops)
    assert 0 < outcome.target.opening < outcome.queries - outcome.refined.queries
    left = outcome.on_points.compared
    assert left.rows == outcome.on_points.left_out > 0 and left.agree == 1
    # Known to 1e-4 in the box; the rows are ten times as far: 2e-3, were they not fitted.
    assert left.worst < 1e-5 and outcome.refined.changed
    assert outcome.certificate == outcome.refined.certificate and outcome.scale == 1
    assert "fitted to the probabilities" in found(outcome)["between your rows"]
    assert f"{left.rows:,} of your rows" in found(outcome)["left out"]
    assert f'your points, left out</th><td class="number">{left.rows}<' in report(outcome, "again")
    again = extract(target(nothing), tmp_path / "run.ledger")  # out of order
    assert again.complete and again.network == outcome.network


def nothing(x):
    raise OSError("no answer")


def test_a_budget_holds_while_the_box_is_found():
    with Asked(target(Sure()), max_queries=100) as asked:
        with pytest.raises(QueryBudgetExceeded):
            asked.open()
        assert asked.queries <= 100


def test_scores_need_no_box():
    with Asked(target(lambda x: np.maximum(x[:, 0], 0), link="identity")) as asked:
        asked.open()
        assert asked.queries == 0 and asked.bounds is None and not asked.target.box
        assert np.array_equal(asked.points, ROWS)

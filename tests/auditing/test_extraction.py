"""An extraction: complete, stopped and resumed, out of budget, outside the class."""

import json

import numpy as np
import pytest

from relu_learn import InvalidArgument, QueryBudgetExceeded, ReluNetwork, matches, zoo
from relu_learn.auditing import extraction
from relu_learn.auditing.extraction import extract
from relu_learn.auditing.points import Points
from relu_learn.auditing.target import Target
from relu_learn.blackboxes.model import Model

NETWORK = zoo.random_network(6, 8, 2, rng=3)


class Counted:
    """A black box that counts, and stops once it was asked so many rows."""

    def __init__(self, stop: int | None = None, function=NETWORK) -> None:
        self.rows, self.stop, self.function = 0, stop, function

    def __call__(self, x):
        if self.stop is not None and self.rows >= self.stop:
            raise KeyboardInterrupt
        self.rows += len(x)
        return self.function(x)


def target(box, points=None, **said):
    own = None if points is None else Points(points, None)
    return Target("box", Model(box, 6), said, points=own)


@pytest.fixture(scope="module")
def whole(tmp_path_factory):
    """An extraction with points that ran to its end, and what it was."""
    points = np.random.default_rng(1).standard_normal((20, 6))
    box = Counted()
    ledger = tmp_path_factory.mktemp("whole") / "run.ledger"
    return extract(target(box, points), ledger), box, points


def test_the_copy_is_the_target(whole):
    outcome, box, points = whole
    assert outcome.complete and not outcome.outside and outcome.worth_keeping
    assert matches(NETWORK, outcome.network)
    assert outcome.queries == box.rows and outcome.replayed == 0
    assert outcome.on_points.errors.max() < 1e-9 * outcome.on_points.scale
    assert outcome.on_points.agree == 1 and len(outcome.on_points.numbers) == len(points)
    assert 0 < outcome.answering < outcome.seconds


def test_stopped_at_any_moment_it_goes_on_and_pays_for_nothing_twice(whole, tmp_path):
    points, paid, verified = whole[2], 0, 0
    for stop in (3, 60, 150, 300, None):
        box = Counted(stop)
        outcome = extract(target(box, points), tmp_path / "run.ledger")
        paid += outcome.queries - outcome.replayed
        verified += box.rows - (outcome.queries - outcome.replayed)
        assert isinstance(outcome.stopped, KeyboardInterrupt) == (stop is not None)
    assert outcome.complete and outcome.network == whole[0].network
    assert paid == outcome.queries == whole[0].queries and verified <= 3 * 5


def test_saving_goes_on_where_it_was_stopped(tmp_path):
    """With the same settings; and what it is for is lower in the end, and expected beforehand."""
    rng = np.random.default_rng(0)
    weights = rng.standard_normal((8, 2)) @ rng.standard_normal((2, 120)) / 15
    net = ReluNetwork(weights, rng.standard_normal(8) / 2, rng.standard_normal((2, 8)))

    def extracted(box, name, saving):
        return extract(Target("box", Model(box, 120), {}), tmp_path / name, **saving)

    saving, costs = {"lean": True, "structure": "auto"}, []
    for used in ({}, {"lean": True}, saving):
        outcome = extracted(Counted(function=net), f"{len(used)}", used)
        low, high = outcome.check.expected
        assert outcome.complete and matches(net, outcome.network)
        assert used == saving or 0.7 * low < outcome.queries < 1.3 * high + outcome.check.queries
        costs.append(outcome.queries)
    assert costs[2] < 0.8 * costs[1] < 0.7 * costs[0]
    paid = 0
    for stop in (60, 150, None):
        box = Counted(stop, net)
        outcome = extracted(box, "stopped", saving)
        paid += outcome.queries - outcome.replayed
    assert outcome.complete and paid == outcome.queries == costs[2]


def test_a_budget_ends_it_with_what_was_found(tmp_path):
    outcome = extract(target(Counted()), tmp_path / "run.ledger", max_queries=330)
    assert isinstance(outcome.stopped, QueryBudgetExceeded) and not outcome.complete
    assert outcome.queries <= 330 and isinstance(outcome.network, ReluNetwork)


def test_the_default_budget_leaves_the_network_that_was_found(tmp_path, monkeypatch):
    monkeypatch.setattr(extraction.Check, "budget", 250)
    outcome = extract(target(Counted()), tmp_path / "run.ledger")
    assert isinstance(outcome.stopped, QueryBudgetExceeded) and "250" in str(outcome.stopped)
    assert outcome.stopped.partial is not None


def test_what_is_outside_the_class_is_named_and_leaves_no_copy(tmp_path):
    tanh = Counted(function=lambda x: np.tanh(NETWORK(x)))
    outcome = extract(target(tanh), tmp_path / "run.ledger")
    assert outcome.outside and not outcome.worth_keeping


def test_who_said_so_is_kept_in_the_ledger(tmp_path):
    note = {"target": "box", "time": "2026-01-01T00:00:00+00:00", "said": "--i-am-authorized"}
    first = extract(target(Counted(200), **note), tmp_path / "run.ledger")
    assert first.authorised == [note]
    assert json.dumps(note).encode() in (tmp_path / "run.ledger").read_bytes()
    later = {**note, "time": "2026-01-02T00:00:00+00:00"}
    assert extract(target(Counted(), **later), tmp_path / "run.ledger").authorised == [note, later]


def test_another_black_box_is_refused_and_the_ledger_kept(whole, tmp_path):
    extract(target(Counted(200)), tmp_path / "run.ledger")
    before = (tmp_path / "run.ledger").read_bytes()
    other = Counted(function=zoo.random_network(6, 8, 2, rng=4))
    with pytest.raises(InvalidArgument, match="another black box"):
        extract(target(other), tmp_path / "run.ledger")
    assert (tmp_path / "run.ledger").read_bytes() == before

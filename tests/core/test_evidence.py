"""Evidence: what a hypothesis is judged by."""

import math

import numpy as np
import pytest

from relu_learn.core.answers import Answers
from relu_learn.core.evidence import FREE, Evidence, misfit
from relu_learn.core.precision import PRECISE, USEFUL
from relu_learn.network import ReluNetwork


def slope(u, offset=0.0):
    return ReluNetwork(np.zeros((0, 1)), [], np.zeros((1, 0)), [[u]], [offset])


def evidence(scale=1.0, noise=1e-16):
    found = Evidence(Answers(np.array([scale]), np.array([noise]), scale))
    x = np.linspace(-1, 1, 5)[:, None]
    found.add(x[:3], 2 * x[:3])
    found.add(x[3:], 2 * x[3:])
    return found


def test_no_point_is_forgotten():
    points, answers = evidence().all
    np.testing.assert_array_equal(points[:, 0], np.linspace(-1, 1, 5))
    np.testing.assert_array_equal(answers, 2 * points)
    assert Evidence(Answers(np.ones(1), np.ones(1), 1.0)).all is None


def test_worst_is_in_the_units_of_the_answers():
    points, errors = evidence(scale=4.0).worst(slope(1.0))
    np.testing.assert_allclose(errors, 4 * np.abs(points[:, 0]))
    np.testing.assert_allclose(evidence().worst(None)[1], 2 * np.abs(points[:, 0]))


def test_score_is_the_share_of_points_and_the_worst_error():
    assert evidence().score(slope(2.0)) == (0.0, 0.0)
    assert evidence().score(slope(3.0)) == (0.8, 1.0)  # all but x = 0
    assert evidence().score(None) == (math.inf, math.inf)
    empty = Evidence(Answers(np.ones(1), np.ones(1), 1.0))
    assert empty.score(slope(2.0)) == (math.inf, math.inf)


@pytest.mark.filterwarnings("ignore:.*encountered:RuntimeWarning")
def test_what_is_no_number_is_wrong():
    """Terms that overflow with both signs: NaN is not an error below the tolerance."""
    much = ReluNetwork(np.full((2, 1), 1.5e308), np.full(2, -1.5e308), np.array([[1.0, -1.0]]))
    found = evidence()
    assert np.isnan(much(np.ones((1, 1)))).all()
    assert found.score(much) == (0.8, math.inf)  # all but x = 0
    assert not found.enough(found.worst(much)[1])
    assert not found.better(much, found.score(slope(3.0)))
    x = np.ones((3, 1))
    np.testing.assert_array_equal(misfit(much, x, x), np.full((3, 1), np.inf))
    np.testing.assert_array_equal(misfit(None, x, -x), x)


def test_errors_at_own_points_are_compared_with_answers_there():
    found = Evidence(Answers(np.array([4.0]), np.array([1e-16]), 1.0))
    far = np.array([[100.0], [-100.0]])
    found.add_own(far[:0], far[:0])
    assert found.all is None and found.own == 0
    found.add_own(far, 2 * far / 4)
    found.add(far / 100, 2 * far / 400)
    near, error = slope(2.0 / 4 + 1e-3), 4e-3
    np.testing.assert_allclose(found.worst(near)[1], [100 * error / 200] * 2 + [error] * 2)


def test_better_is_clearly_better():
    found = evidence()
    mark = found.score(slope(3.0))
    assert found.better(slope(2.5), mark)  # half the error
    assert not found.better(slope(2.95), mark)  # hardly less
    assert not found.better(slope(3.0), mark) and not found.better(None, mark)
    assert found.better(slope(3.0), (0.9, 1.0))  # fewer points are off
    assert found.better(slope(3.0), (math.inf, math.inf))


def test_tolerance():
    assert evidence().tolerance == PRECISE
    assert evidence(scale=8.0).tolerance == 8 * PRECISE
    assert evidence(noise=1e-11).tolerance == pytest.approx(1e-7)  # rounding, made larger by steps
    assert evidence(noise=1e-3).tolerance == USEFUL


def test_passed():
    found = evidence()
    found.errors = np.array([0.0, PRECISE])
    assert found.passed
    found.errors = np.array([0.0, 1.01 * PRECISE])
    assert not found.passed


def test_what_is_wished_is_a_mean_square():
    found = evidence()
    assert found.enough(np.full(9, PRECISE)) and found.enough(np.full(9, 10 * PRECISE), 10)
    found.errors = np.append(np.zeros(399), 5.1e-3)  # so few that miss it are allowed
    assert not found.passed
    found.wished = 1e-4
    assert found.passed and not found.explained
    found.errors = np.append(np.zeros(3), 2.1e-2)
    assert not found.passed


def test_a_test_that_is_taken_back_never_was():
    found = evidence()
    found.looks = 2
    points, answers = found.withdraw()
    np.testing.assert_array_equal(answers, 2 * points)
    assert len(points) == 2 and found.looks == 1
    np.testing.assert_array_equal(found.all[0][:, 0], np.linspace(-1, 1, 5)[:3])


def test_the_scale_is_not_rounding():
    found = evidence(scale=4.0)
    found.measure_scale(np.array([[-1.0], [1.0]]))
    assert found.scale == 4.0
    found.measure_scale(np.array([[-5.0], [5.0]]))
    assert found.scale == 20.0
    found.measure_scale(np.array([[0.0], [1e-16]]))
    assert found.scale == 4.0


def test_every_look_costs():
    found = evidence()
    found.errors = np.full(1000, 1e-10)
    first = found.certificate(0.1, "here")
    found.looks, found.hasty = 2, 1
    third = found.certificate(0.1, "here")
    assert third.mass - first.mass == pytest.approx(3 * math.log(2) / 1000)
    assert (third.eta, third.measure, third.n) == (1e-10, "here", 1000)


def test_a_claim_of_a_network_that_was_moved():
    """It is wrong where F' was off by more, or was moved by more than on all free points."""
    found = evidence()
    found.errors = np.full(1000, 1e-10)
    before = found.certificate(0.1, "here")
    found.refitted = True
    after = found.certificate(0.1, "here")
    assert after.mass == pytest.approx(before.mass * (1 + 1 / FREE))
    found.errors = found.errors[:1]
    assert found.certificate(0.1, "here").mass == 1.0

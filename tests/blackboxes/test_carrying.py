"""Probabilities are learned where their digits are."""

import numpy as np
import pytest

from relu_learn import (
    BlackBoxError,
    InvalidArgument,
    NotPiecewiseLinear,
    ReluNetwork,
    learn_from_queries,
    zoo,
)
from relu_learn.blackboxes import Model, find_box
from relu_learn.blackboxes.links import LINKS

RNG = np.random.default_rng(0)
SECRET = zoo.random_network(dim=5, neurons=6, outputs=2, rng=0) * 20.0
POINTS = RNG.uniform(-3, 5, (200, 5))


def secret(link="softmax", places=None, dtype=float, network=SECRET):
    def ask(x):
        p = LINKS[link].answers(network(x)).astype(dtype)
        return p if places is None else p.round(places)

    return Model(ask, 5, link=link)


@pytest.mark.parametrize(
    "settings, error",
    [({}, 1e-10), ({"dtype": np.float32}, 1e-5), ({"places": 6}, 1e-3), ({"link": "logits"}, 1e-6)],
)
def test_a_network_is_learned_through_its_probabilities(settings, error):
    found = find_box(secret(**settings), points=POINTS)
    low, high = found.model.bounds
    result = learn_from_queries(found.model, rng=0)
    x = RNG.uniform(low, high, (500, 5))
    off = np.abs(result.network(x) - SECRET(x)).max()
    assert off < error * SECRET(x).std()


def test_the_box_is_where_answers_can_be_told_from_0_and_1():
    found = find_box(secret(places=6), (-100, 100))
    low, high = found.model.bounds
    x = RNG.uniform(low, high, (2000, 5))
    p = found.model.answers(x)
    assert (p > 0).all() and (p < 1).all()
    # and a box of 16 times the size is not
    x = 16 * RNG.uniform(low, high, (2000, 5))
    assert (found.model.answers(x) == 0).any()
    assert f"{found.share:.2g} times the size" in str(found) and found.queries < 5000


def test_a_box_that_can_be_read_is_kept():
    found = find_box(secret().within((-0.1, 0.1)))
    assert found.share == 1 and found.inside == 1 and found.queries == 64
    assert "in the whole box (asked 64 times)" in str(found)


def test_scores_need_no_box_of_their_own():
    found = find_box(Model(SECRET, 5), (-1e6, 1e6))
    assert found.share == 1


def test_a_centre_is_looked_for():
    """Sure at the median of the points, but not where the classes meet."""
    steep = ReluNetwork(np.eye(5), np.zeros(5), 100 * np.ones(5), None, -150.0)
    model = secret("logit", 6, network=steep)
    points = np.concatenate([np.full((60, 5), 3.0), np.zeros((30, 5))]) + RNG.normal(
        0, 0.1, (90, 5)
    )
    found = find_box(model, points=points)
    middle = np.mean(found.model.bounds, axis=0)
    assert abs(steep(middle)) < 10


def test_inputs_that_never_change_get_a_width():
    points = POINTS.copy()
    points[:, 2] = 7.0
    low, high = find_box(Model(SECRET, 5), points=points).model.bounds
    assert low[2] < 7 < high[2]


def test_what_is_sure_everywhere_is_said():
    sure = Model(lambda x: np.stack([x[:, 0] > 0, x[:, 0] <= 0], 1) * 1.0, 5, link="softmax")
    with pytest.raises(
        BlackBoxError, match="exactly 0 or 1 at all of .* 1 bits each: these are labels"
    ):
        find_box(sure, points=POINTS)


def test_steps_are_named():
    def tree(x):
        p = np.where(x[:, :1] > 0, [1.0, 0.0, 0.0], [0.2, 0.8, 0.0])
        return np.where(x[:, 1:2] > 1, [0.0, 0.9, 0.1], p)

    with pytest.raises(NotPiecewiseLinear, match="only 2 different probabilities at .* a tree"):
        find_box(Model(tree, 5, link="softmax"), points=POINTS)


def test_arguments():
    with pytest.raises(InvalidArgument, match="bounds or points must be given"):
        find_box(secret())
    with pytest.raises(InvalidArgument, match=r"points must have shape \(n, 5\), got \(3, 4\)"):
        find_box(secret(), points=np.ones((3, 4)))


def test_points_that_can_be_read_are_handed_on():
    found = find_box(secret(places=6), points=POINTS)
    low, high = found.model.bounds
    inside = ((low <= POINTS) & (high >= POINTS)).all(axis=1)
    assert found.inside == inside.mean()
    if found.points is not None:
        assert len(found.points) <= inside.sum()
    everywhere = find_box(Model(SECRET, 5), points=POINTS)
    assert len(everywhere.points) == len(POINTS)
    steep = find_box(secret("logits"), points=POINTS).points
    assert steep is None or np.abs(SECRET(steep)).max() < 30

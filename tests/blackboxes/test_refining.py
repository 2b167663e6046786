"""A copy that is right in a box only is fitted to the probabilities of the user's rows."""

import numpy as np
import pytest

from relu_learn import InvalidArgument, ReluNetwork
from relu_learn.blackboxes import Model, refine
from relu_learn.blackboxes.links import LINKS
from relu_learn.blackboxes.refining import is_right
from relu_learn.imprecise import descent

RNG = np.random.default_rng(0)
ROWS = RNG.standard_normal((150, 3)) @ np.diag([1.0, 5.0, 0.2]) + [3.0, 0.0, 100.0]
# In units of the rows; the last neuron is on for one row in six.
HIDDEN = np.array([[1.0, 0.5, 0.3], [-0.4, 1.0, 0.2], [0.7, -0.8, 0.9]]) / [1.0, 5.0, 0.2]
BIASES = HIDDEN @ [3.0, 0.0, 100.0] + [0.1, -0.3, 1.4]
OUTPUTS = np.array([[2.0, -3.0, 4.0], [-3.0, 1.5, 5.0]])
SECRETS = {
    "softmax": ReluNetwork(HIDDEN, BIASES, OUTPUTS, None, [0.5, -0.5]),
    "logits": ReluNetwork(HIDDEN, BIASES, OUTPUTS, None, [0.5, -0.5]),
    "logit": ReluNetwork(HIDDEN, BIASES, OUTPUTS[0], None, 0.5),
}


def classifier(link="softmax", places=6, secret=None):
    secret = SECRETS[link] if secret is None else secret
    return Model(lambda x: LINKS[link].answers(secret(x)).round(places), 3, link=link)


def known(secret):
    """What is learned where the last neuron is off."""
    outputs = secret.output_weights[..., :2]
    return ReluNetwork(HIDDEN[:2], BIASES[:2], outputs, None, secret.offset)


@pytest.mark.parametrize("link", SECRETS)
def test_what_the_box_left_out_is_found(link):
    model, secret = classifier(link), SECRETS[link]
    found = refine(model, known(secret), ROWS)
    assert found.changed and found.before < 0.95 < found.after and found.queries < 4000
    assert found.network.is_scalar == secret.is_scalar
    p = LINKS[link].answers(secret(ROWS))
    assert np.abs(LINKS[link].answers(found.network(ROWS)) - p).max() < 1e-5
    assert found.certificate.n == 300 and found.certificate.eta < 1e-3
    assert "fitted to the probabilities of your rows" in str(found)


def test_a_copy_that_is_right_is_left_alone():
    secret = SECRETS["softmax"]
    for places in (6, 17):
        found = refine(classifier(places=places), secret, ROWS)
        assert not found.changed and found.network is secret
        assert found.queries == len(ROWS) and found.certificate is None
    assert "right on 100 % of your rows" in str(found)
    told = classifier().answers(ROWS)
    assert is_right(classifier(), secret, ROWS, told)
    assert not is_right(classifier(), known(secret), ROWS, told)


def test_one_class_to_all_digits_says_nothing():
    sure = ReluNetwork(HIDDEN, BIASES, 0 * OUTPUTS, None, [40.0, 0.0])
    found = refine(classifier(secret=sure), known(SECRETS["softmax"]), ROWS)
    assert found.bits == 0 and not found.changed and "0 bits" in str(found)


def test_a_start_that_explains_nothing_is_left_for_a_fit_from_nothing(monkeypatch):
    monkeypatch.setattr(descent, "_STEPS", 4000)
    monkeypatch.setattr(descent, "_TRIAL", 400)
    wrong = ReluNetwork(-HIDDEN[:1], -BIASES[:1], -OUTPUTS[:, :1], None, [2.0, 1.0])
    found = refine(classifier(), wrong, ROWS)
    assert found.changed and found.before < 0.1 and found.after > 0.95
    assert 3 <= found.network.n_neurons < 6


@pytest.mark.parametrize("kind", ["tree", "one-vs-rest"])
def test_what_has_no_such_scores_is_not_called_learned(kind, monkeypatch):
    monkeypatch.setattr(descent, "_STEPS", 2000)  # more is not better here

    def ask(x):
        z = np.column_stack([SECRETS["softmax"](x), 3 * np.sin(x[:, 0])])
        if kind == "tree":
            z = np.floor(z)
        p = 1 / (1 + np.exp(-np.clip(z, -6, 6)))
        return (p / p.sum(axis=1, keepdims=True)).round(6)

    found = refine(Model(ask, 3, link="softmax"), known(SECRETS["softmax"]), ROWS, max_queries=4000)
    assert found.after < 0.5


def test_a_class_that_is_hardly_told_is_rounded_as_the_others_are():
    """Its few values, 0 and 1e-6, would fit any lattice."""
    rare = ReluNetwork(HIDDEN, BIASES, OUTPUTS, None, [0.5, -14.5 - OUTPUTS[1].sum()])
    assert len(np.unique(classifier(secret=rare).answers(ROWS)[:, 2])) < 4
    told = classifier(secret=rare).answers(ROWS)
    assert is_right(classifier(secret=rare), rare, ROWS, told)


def test_a_budget_and_no_time():
    model, start = classifier(), known(SECRETS["softmax"])
    assert refine(model, start, ROWS, max_queries=100).queries == 0
    few = refine(model, start, ROWS, max_queries=400)
    assert few.queries == len(ROWS) and not few.changed
    assert refine(model, start, ROWS, max_queries=1000).queries <= 1000
    late = refine(model, start, ROWS, hurry=lambda: True)
    assert late.queries == len(ROWS) + 500 + 300


def test_scores_need_no_fit_and_points_a_shape():
    secret = SECRETS["softmax"]
    assert refine(Model(secret, 3), secret, ROWS).queries == 0
    with pytest.raises(InvalidArgument, match=r"points must have shape \(n, 3\)"):
        refine(classifier(), secret, np.ones((4, 2)))

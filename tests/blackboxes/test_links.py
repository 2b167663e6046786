"""Scores behind probabilities."""

import numpy as np
import pytest
from scipy.special import expit, softmax

from relu_learn import InvalidArgument
from relu_learn.blackboxes.links import LINKS, link_of

Z = np.random.default_rng(0).uniform(-30, 5, (200, 3))


@pytest.mark.parametrize(
    "name, scores, answers",
    [
        ("identity", Z, Z),
        ("logit", Z[:, 0], expit(Z[:, 0])),
        ("logits", Z, expit(Z)),
        ("softmax", Z, softmax(np.column_stack([np.zeros(200), Z]), axis=1)),
        ("softmax", Z[:, 0], np.column_stack([expit(-Z[:, 0]), expit(Z[:, 0])])),
    ],
)
def test_a_link_and_its_inverse(name, scores, answers):
    link = link_of(name)
    assert np.allclose(link.answers(scores), answers, rtol=1e-12, atol=0)
    assert np.abs(link.scores(answers) - scores).max() < 1e-12
    # A probability that is off by e moves a score by e over it, and parts are these probabilities.
    parts = link.parts(answers)
    if parts.size:
        assert np.allclose(parts.sum(axis=2), 1)
        off = 1e-9 * answers.min()
        moved = np.abs(link.scores(answers + off * (answers < 0.5)) - scores).reshape(200, -1)
        assert (moved.max(axis=1) <= 2 * off / parts.min(axis=(1, 2)) + 1e-13).all()


def test_large_scores_do_not_overflow():
    z = np.array([-800.0, 800.0])
    assert LINKS["logit"].answers(z).tolist() == [0.0, 1.0]
    assert LINKS["softmax"].answers(z).tolist() == [[1.0, 0.0], [0.0, 1.0]]


def test_a_saturated_probability_has_an_infinite_score():
    assert LINKS["logit"].scores(np.array([0.0, 1.0])).tolist() == [-np.inf, np.inf]
    assert LINKS["softmax"].scores(np.array([[1.0, 0.0]])).tolist() == [-np.inf]
    assert LINKS["logit"].parts(np.array([1.0])).tolist() == [[[1.0, 0.0]]]


@pytest.mark.parametrize(
    "name, answers, words",
    [
        ("logit", [0.5, 1.5], "probabilities must be between 0 and 1, got answers from 0.5 to 1.5"),
        ("softmax", [0.5, 0.5], "a single probability has link='logit'"),
        ("softmax", [[0.5, 0.9]], "got a row that sums to 1.4: several yes-or-no questions"),
    ],
)
def test_what_is_no_probability(name, answers, words):
    with pytest.raises(InvalidArgument, match=words):
        LINKS[name].scores(np.array(answers))


def test_names_of_links():
    with pytest.raises(InvalidArgument, match="link must be one of identity, logit, softmax"):
        link_of("probit")

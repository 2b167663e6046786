"""Any model as one kind of black box."""

import dataclasses
import re
import sys
from pathlib import Path

import numpy as np
import pytest

from relu_learn import (
    BlackBoxError,
    InvalidArgument,
    Oracle,
    ReluNetwork,
    blackboxes,
    get_neurons,
    learn_from_queries,
    match_neurons,
    zoo,
)
from relu_learn.blackboxes import MissingExtra, Model
from relu_learn.blackboxes.links import LINKS
from relu_learn.blackboxes.model import need

ROOT = Path(__file__).parents[2]

SECRET = zoo.random_network(dim=3, neurons=4, outputs=2, rng=0)


def test_dim_bounds_and_link_come_from_the_model():
    link, low, high = LINKS["softmax"], np.zeros(3), np.array([1.0, 2.0, 3.0])
    seen = []

    def ask(x):
        seen.append(x)
        return link.answers(SECRET(x))

    model = Model(ask, 3, link="softmax").within((0, high))
    oracle = Oracle(model)
    result = learn_from_queries(oracle, rng=0)
    x = np.random.default_rng(0).uniform(low, high, (100, 3))
    assert np.abs(result.network(x) - SECRET(x)).max() < 1e-10
    asked = np.concatenate(seen)
    assert (asked >= 0).all() and (asked <= high).all() and len(asked) == oracle.queries
    assert result.certificate.measure == "uniform-on-the-box"


def test_bounds_that_are_given_come_first():
    seen = []
    model = Model(lambda x: seen.append(x) or SECRET(x), 3, bounds=(-1, 1))
    learn_from_queries(model, rng=0, bounds=(0, 0.5))
    assert np.concatenate(seen).min() >= 0


@pytest.mark.parametrize("bounds", [None, ([1.0, 2.0, 3.0], [2.0, 4.0, 6.0])])
def test_neurons_of_one_line_are_in_the_users_coordinates(bounds):
    low, high = bounds or (-np.ones(3), np.ones(3))
    kinks = np.linspace(0, 1, 6)[1:5, None] * (np.array(high) - low) + low
    secret = ReluNetwork(np.eye(3)[[0, 1, 2, 0]], kinks[range(4), [0, 1, 2, 0]], np.ones(4))
    found = get_neurons(Model(secret, 3, bounds=bounds), rng=0)
    match = match_neurons(found, secret)
    assert len(match.pairs) == 4 == len(match.found.biases)
    assert match.angle_error.max() < 1e-9 and match.bias_error.max() < 1e-9


def test_a_network_is_a_model_of_itself():
    assert learn_from_queries(SECRET, rng=0).network.dim == 3
    with pytest.raises(InvalidArgument, match="dim must be a positive integer, got None"):
        learn_from_queries(lambda x: x[:, 0])


def test_what_cannot_be_read_is_said():
    model = Model(lambda x: np.clip(x[:, 0], 0, 1), 3, link="logit")
    with pytest.raises(BlackBoxError, match="probability of exactly 0 or 1 at 2 of 3 points"):
        model(np.array([[0.5, 0, 0], [2, 0, 0], [-1, 0, 0]]))
    with pytest.raises(BlackBoxError, match="black_box answers with a probability of exactly"):
        learn_from_queries(model, rng=0)


def test_what_is_no_probability_is_said():
    model = Model(lambda x: SECRET(x) * 5, 3, link="softmax")
    with pytest.raises(BlackBoxError, match="does not answer as its link says: link='softmax' is"):
        learn_from_queries(model, rng=0)
    model = Model(lambda x: np.full(len(x), np.nan), 3, link="logit")
    with pytest.raises(BlackBoxError, match="must return finite numbers, got nan"):
        learn_from_queries(model, rng=0)


def test_inputs_are_cast_and_checked():
    model = Model(lambda x: x, 3, dtype=np.float32)
    assert model.answers(np.ones((2, 3))).dtype == np.float32
    with pytest.raises(InvalidArgument, match=r"x must have shape \(n, 3\), got \(3,\)"):
        model(np.ones(3))


def test_it_is_frozen_and_copied():
    model = Model(SECRET, 3)
    with pytest.raises(dataclasses.FrozenInstanceError):
        model.dim = 4
    named = model.named(["age", "mass", "size"], ["no", "yes"]).linked("logits")
    assert (named.names, named.labels) == (("age", "mass", "size"), ("no", "yes"))
    assert model.names is None and named.link.name == "logits"
    assert repr(named.within((0, 1))) == (
        "Model(a function, dim=3, dtype=float64, link=logits, asked in a box)"
    )


@pytest.mark.parametrize(
    "settings, words",
    [
        ({"dim": 0}, "dim must be a positive integer"),
        ({"names": ["a"]}, "names must be 3 names"),
        ({"bounds": 7}, r"bounds must be a pair \(low, high\)"),
        ({"bounds": ([0, 0], 1)}, r"bounds must be a pair .* shape \(3,\)"),
        ({"link": "tanh"}, "link must be one of"),
    ],
)
def test_arguments(settings, words):
    with pytest.raises(InvalidArgument, match=words):
        Model(SECRET, **{"dim": 3, **settings})


@pytest.mark.parametrize(
    "name, library, install",
    [
        ("from_torch", "torch", "torch"),
        ("from_keras", "keras", "keras"),
        ("from_onnx", "onnxruntime", r"relu-learn\[onnx\]"),
        ("from_http", "httpx", r"relu-learn\[http\]"),
        ("to_torch", "torch", "torch"),
        ("to_onnx", "onnx", r"relu-learn\[onnx\]"),
        ("to_sklearn", "sklearn.neural_network", r"relu-learn\[models\]"),
    ],
)
def test_every_adapter_says_what_to_install(name, library, install, monkeypatch):
    monkeypatch.setitem(sys.modules, library, None)
    with pytest.raises(MissingExtra, match=f"{library} .*: pip install '{install}'"):
        getattr(blackboxes, name)(SECRET)


def test_a_missing_library_says_what_to_install():
    with pytest.raises(MissingExtra, match=r"no_such.*: pip install 'relu-learn\[http\]'"):
        need("no_such_library", "relu-learn[http]")


def test_every_extra_that_is_named_exists():
    extras = set(re.findall(r"^(\w+) = \[", (ROOT / "pyproject.toml").read_text("utf-8"), re.M))
    files = (ROOT / "relu_learn").rglob("*.py")
    named = {
        name for f in files for name in re.findall(r"relu-learn\[(\w+)\]", f.read_text("utf-8"))
    }
    assert named >= {"models", "frames", "onnx", "http", "serve"} and named <= extras

"""A prediction service, in a process of its own."""

import json
import os
import re
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest

from relu_learn import BlackBoxError, InvalidArgument, Oracle, learn_from_queries, zoo
from relu_learn.blackboxes import Service, from_http

SECRET = zoo.random_network(dim=3, neurons=4, outputs=2, rng=0)
SERVER = Path(__file__).with_name("service.py")


@pytest.fixture(scope="module")
def url(tmp_path_factory):
    """A service that serves `SECRET`, and is naughty on request."""
    path = tmp_path_factory.mktemp("service") / "secret.npz"
    SECRET.save(path)
    process = subprocess.Popen(
        [sys.executable, str(SERVER), str(path)], stdout=subprocess.PIPE, text=True
    )
    try:
        yield process.stdout.readline().strip()
    finally:
        process.terminate()
        process.wait(10)
        process.stdout.close()


def test_a_service_is_learned(url):
    model = from_http(url + "/plain", 3, batch_size=100, concurrency=3)
    assert model.dim == 3 and model.ask.is_local
    result = learn_from_queries(model, rng=0)
    x = np.random.default_rng(1).standard_normal((50, 3))
    assert np.abs(result.network(x) - SECRET(x)).max() < 1e-10


X = np.random.default_rng(2).standard_normal((7, 3))


@pytest.mark.parametrize(
    "way, settings",
    [
        ("plain", {"batch_size": 2, "concurrency": 4}),
        ("records", {"names": "abc", "reply": "result.*.scores"}),
        ("split", {"request": "dataframe_split", "names": "abc"}),
        ("bare", {"request": "", "reply": ""}),
        ("nested", {"request": "data.rows", "fixed": {"version": 2}}),
        ("busy", {}),
        ("cut", {"retries": 1}),
        ("zip", {}),
    ],
)
def test_forms_and_moods(url, way, settings):
    answers = from_http(f"{url}/{way}", 3, **settings)(X)
    assert np.abs(answers - SECRET(X)).max() < 1e-14  # JSON keeps every digit


def test_authentication_comes_from_the_environment(url, monkeypatch):
    with pytest.raises(InvalidArgument, match="auth_env='MY_KEY': there is no such variable"):
        Service(url, auth_env="MY_KEY")
    monkeypatch.setenv("MY_KEY", "Bearer sesame")
    service = Service(url + "/locked", auth_env="MY_KEY")
    assert np.array_equal(service(X), SECRET(X))
    assert "sesame" not in repr(service)
    with pytest.raises(BlackBoxError, match="answered HTTP 401 Unauthorized: 'who are you"):
        from_http(url + "/locked", 3)(X)


def test_requests_keep_their_distance(url):
    service = Service(url + "/plain", batch_size=1, concurrency=4, per_second=40)
    start = time.perf_counter()
    service(X)
    assert time.perf_counter() - start >= 6 / 40


@pytest.mark.parametrize(
    "way, words",
    [
        ("nan", r"must return finite numbers, got \[nan"),
        ("broken", r"answered with what is no JSON \(.*\): '\{\"predictions\": \[\[0\.1'"),
        ("words", r"answered with no numbers at reply='predictions' .*ValueError"),
        ("missing", r"answered with no numbers at reply='predictions' \(KeyError: 'predictions'\)"),
        ("list", r"a list has no field predictions; reply='' takes the whole"),
        ("short", r"answered 7 rows with an array of shape \(6, 2\)"),
        ("error", r"answered HTTP 500 Internal Server Error: .* \(2 tries\)"),
        ("nowhere", r"answered HTTP 404 Not Found: 'no such way'"),
        ("away", r"answered HTTP 302"),
        ("slow", r"cannot be reached \(ReadTimeout: timed out\) \(2 tries\)"),
    ],
)
def test_what_is_wrong_is_said_in_one_line(url, way, words):
    model = from_http(f"{url}/{way}", 3, retries=1, timeout=0.3)
    with pytest.raises(BlackBoxError) as caught:
        Oracle(model)(X)
    assert re.search(words, str(caught.value)) and "\n" not in str(caught.value)
    assert len(caught.value.query) == (1 if way == "nan" else 7)


def test_a_width_that_changes_is_an_error(url):
    with pytest.raises(BlackBoxError, match="changed the width of its answers"):
        from_http(url + "/wider", 3, batch_size=3)(X)


def test_what_was_answered_before_it_broke_is_in_the_ledger(url, tmp_path):
    path = tmp_path / "run.ledger"
    with Oracle(from_http(url + "/plain", 3), batch_size=20, ledger=path) as oracle:
        oracle(np.tile(X, (10, 1)))
    gone = from_http("http://127.0.0.1:9/", 3, retries=0)
    with Oracle(gone, batch_size=20, ledger=path) as oracle:
        oracle(np.tile(X, (10, 1)))
        assert oracle.replayed == 70
        with pytest.raises(BlackBoxError, match="cannot be reached .ConnectError"):
            oracle(X)


@pytest.mark.parametrize(
    "settings, words",
    [
        ({"url": "ftp://x"}, "url must be http"),
        ({"url": "http://me:secret@x/"}, "auth_env names a variable"),
        ({"url": "http://x", "batch_size": 0}, "batch_size must be"),
        ({"url": "http://x", "per_second": 0}, "per_second must be"),
        ({"url": "http://x", "timeout": -1}, "timeout must be"),
        ({"url": "http://x", "retries": -1}, "retries must be"),
    ],
)
def test_arguments(settings, words):
    with pytest.raises(InvalidArgument, match=words):
        Service(**settings)


def test_dim_comes_from_the_names_or_is_asked_for(url):
    assert from_http(Service(url), names=["a", "b"]).dim == 2
    with pytest.raises(InvalidArgument, match="dim must be given"):
        from_http(url)


def test_what_is_sent():
    rows = np.array([[1.5, 2.0]])
    assert json.loads(json.dumps(Service("http://x").body(rows))) == {"instances": [[1.5, 2.0]]}
    assert not Service("http://example.org/").is_local
    assert "HOME" in os.environ

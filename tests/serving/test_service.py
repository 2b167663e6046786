"""The service itself, over real connections."""

import httpx
import numpy as np
import pytest

from relu_learn import InvalidArgument, blackboxes, zoo
from relu_learn.serving import service
from relu_learn.serving.defences import Defences, Defended
from relu_learn.serving.service import listening, running

NETWORK = zoo.random_network(3, 4, 2, rng=0)
X = np.random.default_rng(0).standard_normal((5, 3))


@pytest.fixture(scope="module")
def url():
    with running(Defended(NETWORK, 3, Defences(budget=1000))) as address:
        yield address


@pytest.fixture(scope="module")
def client():
    with httpx.Client(trust_env=False) as one:
        yield one


@pytest.mark.parametrize("path", ["/invocations", "/v1/models/model:predict"])
def test_both_paths_answer_to_the_last_digit(url, client, path):
    reply = client.post(url.replace("/invocations", path), json={"instances": X.tolist()})
    assert reply.status_code == 200 and reply.headers["content-type"] == "application/json"
    assert np.array_equal(reply.json()["predictions"], NETWORK(X))
    assert client.get(url.replace("/invocations", "/ping")).status_code == 200


def test_an_adapter_asks_it(url):
    assert np.array_equal(blackboxes.from_http(url, 3)(X), NETWORK(X))


def test_what_is_refused(url, client, monkeypatch):
    rows = {"instances": X.tolist()}
    assert client.post(url, json={"instances": [[1]]}).json() == {
        "error": "a row must have 3 numbers, not 1"
    }
    assert client.get(url).status_code == 405
    assert client.post(url, content=b"{}").status_code == 415
    assert client.post(url, json=rows, headers={"Host": "evil.example"}).status_code == 400
    assert client.post(url, json={"instances": np.ones((1001, 3)).tolist()}).status_code == 429
    monkeypatch.setattr(service, "_MOST", 100)
    assert client.post(url, json=rows).status_code == 413


def test_a_model_that_raises_tells_nothing_of_itself(client):
    def broken(x):
        raise RuntimeError("the weights are 0.123")

    with running(Defended(broken, 3)) as address:
        reply = client.post(address, json={"instances": X.tolist()})
    assert reply.status_code == 500
    assert reply.json() == {"error": "the model raised RuntimeError"}
    with pytest.raises(httpx.TransportError):
        client.post(address, json={})


def test_a_port_that_is_taken(url):
    with (
        pytest.raises(InvalidArgument, match="cannot be listened at"),
        listening(int(url.split(":")[2].split("/")[0])),
    ):
        pass

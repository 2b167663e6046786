"""What a command line names."""

import numpy as np
import pytest

from relu_learn import InvalidArgument, blackboxes, zoo
from relu_learn.blackboxes.opening import adapt

SECRET = zoo.random_network(dim=3, neurons=4, rng=0)
X = np.eye(3)


def test_a_saved_network(tmp_path):
    SECRET.save(tmp_path / "net.npz")
    model = blackboxes.open(tmp_path / "net.npz")
    assert model.dim == 3 and np.array_equal(model(X), SECRET(X))


def test_an_import_path(tmp_path, monkeypatch):
    (tmp_path / "my_models.py").write_text(
        "from relu_learn import zoo, blackboxes\n"
        "class Shop:\n    secret = zoo.random_network(dim=3, neurons=4, rng=0)\n"
        "def f(x):\n    return Shop.secret(x)\n"
        "ready = blackboxes.from_function(f, 3)\n"
    )
    monkeypatch.chdir(tmp_path)
    for name, settings in ("Shop.secret", {}), ("f", {"dim": 3}), ("ready", {}):
        model = blackboxes.open(f"my_models:{name}", **settings)
        assert np.array_equal(model(X), SECRET(X))
    with pytest.raises(InvalidArgument, match="cannot be imported: .*no attribute 'g'"):
        blackboxes.open("my_models:g")
    with pytest.raises(InvalidArgument, match="cannot be imported: No module named"):
        blackboxes.open("no_models:g")


def test_a_pickle_is_opened_only_if_it_is_trusted(tmp_path):
    joblib = pytest.importorskip("joblib", reason="scikit-learn is not installed")
    from sklearn.linear_model import LinearRegression

    model = LinearRegression().fit(X, SECRET(X))
    joblib.dump(model, tmp_path / "model.joblib")
    with pytest.raises(InvalidArgument, match="can run any code when it is opened"):
        blackboxes.open(tmp_path / "model.joblib")
    box = blackboxes.open(tmp_path / "model.joblib", trust=True)
    assert np.array_equal(box(X), model.predict(X))


def test_a_service():
    model = blackboxes.open("http://127.0.0.1:9/", dim=3, batch_size=10)
    assert model.ask.batch_size == 10
    with pytest.raises(InvalidArgument, match="dim must be given"):
        blackboxes.open("http://127.0.0.1:9/")


def test_what_is_a_model_already():
    model = adapt(SECRET)
    assert adapt(model) is model


@pytest.mark.parametrize("target", ["model.txt", "no file", "."])
def test_what_names_nothing(target):
    with pytest.raises(InvalidArgument, match="target must be a URL, a file"):
        blackboxes.open(target)
    with pytest.raises(InvalidArgument, match="there is no such file"):
        blackboxes.open("nothing.onnx")

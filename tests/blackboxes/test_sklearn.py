"""scikit-learn's models."""

import warnings

import numpy as np
import pytest

from relu_learn import InvalidArgument, learn_from_queries
from relu_learn.blackboxes import find_box, from_sklearn

datasets = pytest.importorskip("sklearn.datasets", reason="scikit-learn is not installed")
from sklearn.exceptions import ConvergenceWarning  # noqa: E402
from sklearn.linear_model import LinearRegression  # noqa: E402
from sklearn.neural_network import MLPClassifier, MLPRegressor  # noqa: E402
from sklearn.pipeline import make_pipeline  # noqa: E402
from sklearn.preprocessing import StandardScaler  # noqa: E402

PUBLIC = {"predict_proba", "n_features_in_", "classes_"}


class Opaque:
    """A model whose weights cannot be looked at."""

    def __init__(self, model):
        self._secret = model

    def __getattribute__(self, name):
        if name in PUBLIC or name.startswith("__"):
            model = object.__getattribute__(self, "_secret")
            return type(self) if name == "__class__" else getattr(model, name)
        if name in ("predict", "decision_function", "feature_names_in_"):
            raise AttributeError(name)
        raise AssertionError(f"{name} was looked at")


def fitted(model, load=datasets.load_iris, **settings):
    return model.fit(*load(return_X_y=True, **settings))


@pytest.fixture(scope="module")
def iris():
    return fitted(MLPClassifier((5,), max_iter=20, tol=1.0, random_state=0))


def test_only_predictions_are_looked_at(iris):
    model = from_sklearn(Opaque(iris))
    assert (model.dim, model.labels, model.link.name) == (4, ("0", "1", "2"), "softmax")
    result = learn_from_queries(model, rng=0, bounds=(0, 8))
    x = np.random.default_rng(0).uniform(0, 8, (100, 4))
    p = iris.predict_proba(x)
    assert np.abs(model.link.answers(result.network(x)) - p).max() < 1e-12


def test_a_regressor_in_a_pipeline():
    model = make_pipeline(
        StandardScaler(), MLPRegressor(hidden_layer_sizes=6, max_iter=30, tol=10.0)
    )
    model = fitted(model, datasets.load_diabetes)
    box = from_sklearn(model)
    assert box.link.name == "identity"
    result = learn_from_queries(box, rng=0)
    x = np.random.default_rng(0).standard_normal((50, 10))
    assert np.abs(result.network(x) - model.predict(x)).max() < 1e-8 * np.abs(result.scale)


def test_named_columns_are_given_by_name():
    pandas = pytest.importorskip("pandas", reason="pandas is not installed")
    frame, target = datasets.load_diabetes(return_X_y=True, as_frame=True)
    model = LinearRegression().fit(frame, target)  # it warns of arrays without names
    box = from_sklearn(model)
    assert box.names == tuple(frame.columns)
    assert np.allclose(box(frame.to_numpy()), model.predict(frame), rtol=1e-12)
    assert pandas is not None


@pytest.mark.parametrize(
    "model, method, words",
    [
        (MLPRegressor(), None, "dim must be given: MLPRegressor has no n_features_in_"),
        ("iris", "decision_function", "must be one of predict_proba, predict"),
        ("iris", "predict", "answers with labels, which have no slopes: predict_proba"),
        ("scaler", None, "must be a method, but it has none to ask"),
    ],
)
def test_arguments(model, method, words, iris):
    model = {"iris": iris, "scaler": fitted(StandardScaler())}.get(model, model)
    with pytest.raises(InvalidArgument, match=words):
        from_sklearn(model, method)


@pytest.mark.parametrize("scaled", [True, False])
@pytest.mark.parametrize("name", ["iris", "wine", "breast_cancer", "digits"])
def test_classifiers_of_real_data_are_learned_through_predict_proba(name, scaled):
    x, y = getattr(datasets, f"load_{name}")(return_X_y=True)
    classifier = MLPClassifier((16,), max_iter=60, tol=0.01, random_state=0)
    model = make_pipeline(StandardScaler(), classifier) if scaled else classifier
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        model.fit(x[::2], y[::2])
    found = find_box(from_sklearn(model), points=x[::2])
    result = learn_from_queries(found.model, rng=0, points=found.points)
    z = (model[0].transform(x[1::2]) if scaled else x[1::2]) @ classifier.coefs_[0]
    z = np.maximum(z + classifier.intercepts_[0], 0) @ classifier.coefs_[1]
    z = z + classifier.intercepts_[1]
    right = z if z.shape[1] == 1 else z[:, 1:] - z[:, :1]
    scores = result.network(x[1::2]).reshape(right.shape)
    assert np.abs(scores - right).max() <= 1e-6 * right.std(axis=0).max()
    p = found.model.link.answers(result.network(x[1::2]))
    assert (p.argmax(axis=1) == model.predict_proba(x[1::2]).argmax(axis=1)).all()

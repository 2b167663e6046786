"""Keras models, where it is installed."""

import importlib.util

import numpy as np
import pytest

from relu_learn import InvalidArgument, learn_from_queries
from relu_learn.blackboxes import from_keras
from relu_learn.blackboxes import open as open_model

BACKEND = next((b for b in ("torch", "jax", "tensorflow") if importlib.util.find_spec(b)), None)
if BACKEND is None:
    pytest.skip("Keras has no backend here", allow_module_level=True)
# PyTorch's tensors, NumPy 2, and Keras between them.
pytestmark = pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning")
X = np.random.default_rng(0).standard_normal((40, 4))


@pytest.fixture(scope="module")
def keras():
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("KERAS_BACKEND", BACKEND)
        yield pytest.importorskip("keras", reason="Keras is not installed")


def network(keras, shape=(4,)):
    keras.utils.set_random_seed(0)
    layers = keras.layers
    hidden = layers.Dense(6, "relu", bias_initializer="normal")
    parts = keras.Input(shape), layers.Flatten(), hidden, layers.Dropout(0.5), layers.Dense(2)
    return keras.Sequential(parts)


def test_a_model_is_learned(keras):
    net = network(keras, (2, 2))
    model = from_keras(net)
    assert (model.dim, model.dtype) == (4, np.float32)
    result = learn_from_queries(model, rng=0)
    assert np.abs(result.network(X) - model(X)).max() < 1e-5
    assert np.abs(model(X) - net.predict(X.reshape(-1, 2, 2), verbose=0)).max() < 1e-6


def test_files(keras, tmp_path):
    net = network(keras)
    net.save(tmp_path / "net.keras")
    assert np.array_equal(open_model(tmp_path / "net.keras")(X), from_keras(net)(X))


def test_shapes_that_are_not_known(keras):
    layers = keras.layers
    net = keras.Sequential([keras.Input((None, 2)), layers.GlobalAveragePooling1D()])
    with pytest.raises(InvalidArgument, match="input_shape must be given: Sequential"):
        from_keras(net)

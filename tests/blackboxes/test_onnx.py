"""ONNX models, run by onnxruntime."""

import numpy as np
import pytest

from relu_learn import InvalidArgument, learn_from_queries, zoo
from relu_learn.blackboxes import from_onnx
from relu_learn.blackboxes import open as open_model

onnx = pytest.importorskip("onnx", reason="onnx is not installed")
pytest.importorskip("onnxruntime", reason="onnxruntime is not installed")
from onnx import TensorProto, helper, numpy_helper  # noqa: E402

SECRET = zoo.random_network(dim=4, neurons=5, outputs=2, rng=0)
X = np.random.default_rng(1).standard_normal((50, 4))


def model_of(shape, dtype="float64", extra=()):
    """SECRET as an ONNX model whose input has this shape."""
    kind = {"float64": TensorProto.DOUBLE, "float32": TensorProto.FLOAT}[dtype]
    constants = {
        "w": SECRET.weights.T,
        "b": -SECRET.biases,
        "a": SECRET.output_weights.T,
        "c": SECRET.offset,
    }
    nodes = [
        helper.make_node("Flatten", ["x"], ["flat"]),
        helper.make_node("Gemm", ["flat", "w", "b"], ["z"]),
        helper.make_node("Relu", ["z"], ["h"]),
        helper.make_node("Gemm", ["h", "a", "c"], ["y"]),
    ]
    graph = helper.make_graph(
        nodes,
        "secret",
        [helper.make_tensor_value_info(name, kind, shape) for name in ("x", *extra)],
        [helper.make_tensor_value_info("y", kind, [shape[0], 2])],
        [numpy_helper.from_array(v.astype(dtype), name) for name, v in constants.items()],
    )
    opset = [helper.make_opsetid("", 18)]
    return helper.make_model(graph, opset_imports=opset, ir_version=9).SerializeToString()


@pytest.mark.parametrize("shape", [["n", 4], [7, 4], ["n", 2, 2]])
def test_a_model_is_learned(shape):
    """Of any batch, of a fixed one, and of images."""
    model = from_onnx(model_of(shape))
    assert (model.dim, model.dtype) == (4, np.float64)
    result = learn_from_queries(model, rng=0)
    assert np.abs(result.network(X) - SECRET(X)).max() < 1e-10


def test_a_file_in_float32(tmp_path):
    path = tmp_path / "secret.onnx"
    path.write_bytes(model_of(["n", 4], "float32"))
    model = open_model(path)
    assert model.dtype == np.float32 and "secret.onnx, output y" in repr(model)
    assert np.abs(model(X) - SECRET(X)).max() < 1e-5


def test_classifiers_with_and_without_a_zip_map():
    skl2onnx = pytest.importorskip("skl2onnx", reason="skl2onnx is not installed")
    from sklearn.datasets import load_iris
    from sklearn.neural_network import MLPClassifier

    x, y = load_iris(return_X_y=True)
    classifier = MLPClassifier((3,), max_iter=20, tol=1.0, random_state=0).fit(x, y)
    for zipped in (False, True):
        made = skl2onnx.to_onnx(classifier, x[:1].astype(np.float32), options={"zipmap": zipped})
        model = from_onnx(made.SerializeToString()).linked("softmax")
        assert np.abs(model.answers(x) - classifier.predict_proba(x)).max() < 1e-6
        assert model(x).shape == (150, 2)


def test_columns_that_are_inputs_of_their_own():
    kind = TensorProto.DOUBLE
    inputs = [helper.make_tensor_value_info(name, kind, ["n", 1]) for name in ("age", "mass")]
    outputs = [helper.make_tensor_value_info("y", kind, ["n", 1])]
    graph = helper.make_graph(
        [helper.make_node("Sub", ["age", "mass"], ["y"])], "g", inputs, outputs
    )
    made = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)], ir_version=9)
    model = from_onnx(made.SerializeToString())
    assert model.names == ("age", "mass")
    assert model(X[:, :2]).tolist() == (X[:, 0] - X[:, 1]).tolist()


def test_what_is_wrong_is_said(tmp_path):
    (tmp_path / "bad.onnx").write_bytes(b"no model")
    with pytest.raises(InvalidArgument, match="model='bad.onnx' cannot be loaded"):
        from_onnx(tmp_path / "bad.onnx")
    with pytest.raises(InvalidArgument, match=r"output must be one of \['y'\]"):
        from_onnx(model_of(["n", 4]), output="z")
    with pytest.raises(InvalidArgument, match="must have one input of real numbers, has x: tensor"):
        from_onnx(model_of(["n", 4], extra=["mask"]))
    with pytest.raises(InvalidArgument, match="input_shape must be given"):
        from_onnx(model_of(["n", "d"]))
    assert from_onnx(model_of(["n", "d"]), input_shape=(4,)).dim == 4

"""What was learned, as a model of another library."""

import numpy as np
import pytest
from scipy.special import softmax

from relu_learn import ReluNetwork, zoo
from relu_learn.blackboxes import copies as copying
from relu_learn.blackboxes import from_onnx, from_sklearn, from_torch, to_onnx, to_sklearn, to_torch

X = np.random.default_rng(1).standard_normal((50, 4))


def networks():
    plain = zoo.random_network(dim=4, neurons=5, outputs=1, rng=0)
    skip = zoo.random_network(dim=4, neurons=6, outputs=3, skip=True, rng=1)
    affine = ReluNetwork(np.empty((0, 4)), [], [], np.arange(4.0), 2.0)
    return {"scalar": plain, "several": skip, "one of (n, 1)": column(plain), "affine": affine}


def column(net):
    outputs = net.output_weights[None], net.skip[None], net.offset[None]
    return ReluNetwork(net.weights, net.biases, *outputs)


@pytest.mark.parametrize("kind", networks())
def test_onnx(kind, tmp_path):
    pytest.importorskip("onnxruntime", reason="onnxruntime is not installed")
    net = networks()[kind]
    raw = to_onnx(net, tmp_path / "copy.onnx")
    assert raw == (tmp_path / "copy.onnx").read_bytes()
    copy = from_onnx(raw, output="y")
    assert np.abs(copy(X) - net(X).reshape(copy(X).shape)).max() < 1e-12
    single = from_onnx(to_onnx(net, dtype=np.float32))
    assert (
        single.dtype == np.float32
        and np.abs(single(X) - net(X).reshape(copy(X).shape)).max() < 1e-4
    )


@pytest.mark.parametrize("link", ["logit", "softmax", "logits"])
def test_onnx_with_probabilities(link):
    pytest.importorskip("onnxruntime", reason="onnxruntime is not installed")
    net = networks()["scalar" if link == "logit" else "several"]
    copy = from_onnx(to_onnx(net, link=link), output="p").linked(link)
    assert np.abs(copy(X) - net(X)).max() < 1e-10


@pytest.mark.parametrize("kind", networks())
def test_torch(kind):
    torch = pytest.importorskip("torch", reason="PyTorch is not installed")
    net = networks()[kind]
    copy = to_torch(net)
    assert np.abs(from_torch(copy, 4)(X) - net(X)).max() < 1e-12
    x = torch.tensor(X[:1], requires_grad=True)
    copy(x).sum().backward()
    right = net.gradient(X[0]).reshape(-1, 4).sum(axis=0)
    assert np.abs(x.grad.numpy()[0] - right).max() < 1e-12


@pytest.mark.parametrize("kind", ["scalar", "several", "affine"])
def test_sklearn(kind):
    pytest.importorskip("sklearn", reason="scikit-learn is not installed")
    net = networks()[kind]
    assert np.abs(from_sklearn(to_sklearn(net))(X) - net(X)).max() < 1e-12
    if kind == "affine":
        return
    labels = np.array(["a", "b", "c", "d"][: net.n_outputs + 1])
    copy = to_sklearn(net, labels)
    scores = np.column_stack([np.zeros(50), net(X)])
    assert np.abs(copy.predict_proba(X) - softmax(scores, axis=1)).max() < 1e-12
    assert (copy.predict(X) == labels[scores.argmax(axis=1)]).all()


def test_a_bad_copy_is_not_handed_out():
    net = networks()["several"]
    copying._compare(net, net, np.float64, "a library")
    for bad in (net * 1.001, lambda x: net(x)[:, :2], lambda x: net(x) * np.nan):
        with pytest.raises(copying.BadCopy, match="the copy in a library is not"):
            copying._compare(net, bad, np.float64, "a library")

"""The copy as a model of another library: what was learned, ready to be used.

Every one of these runs its copy beside the network on a few points before it hands it out.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from relu_learn.asking.errors import ReluLearnError
from relu_learn.blackboxes.links import Link, link_of
from relu_learn.blackboxes.model import need
from relu_learn.network import ReluNetwork

Array = NDArray[np.float64]
# A copy may differ by the rounding of its own sums: so many units of the largest term.
_ROUNDING = 64
_PROBES = 32


class BadCopy(ReluLearnError):
    """The copy does not compute what the network does."""


def to_onnx(
    network: ReluNetwork,
    path: str | os.PathLike[str] | None = None,
    *,
    link: str | Link = "identity",
    dtype: Any = np.float64,
) -> bytes:
    """The network as an ONNX model: input "x" (n, d), output "y" (n,) or (n, m), before the link.

    Parameters
    ----------
    network : ReluNetwork
    path : path-like, optional
        File to write.
    link : {"identity", "logit", "softmax", "logits"}
        Answers with probabilities, as the black box did: an output "p" besides "y".
    dtype : {numpy.float64, numpy.float32}

    Returns
    -------
    bytes
        What is in the file.

    Raises
    ------
    BadCopy, MissingExtra
    """
    onnx, runtime = need("onnx", "relu-learn[onnx]"), need("onnxruntime", "relu-learn[onnx]")
    chosen, kind = link_of(link), onnx.helper.np_dtype_to_tensor_dtype(np.dtype(dtype))
    nodes, numbers, outputs = _graph(network, chosen.name)
    tensor, info = onnx.numpy_helper.from_array, onnx.helper.make_tensor_value_info
    graph = onnx.helper.make_graph(
        [onnx.helper.make_node(kind, *ends) for kind, *ends in nodes],
        "relu_learn",
        [info("x", kind, ["n", network.dim])],
        [info(name, kind, shape) for name, shape in outputs.items()],
        [
            tensor(value.astype(dtype if value.dtype == float else int), name)
            for name, value in numbers
        ],
    )
    # Of 2023: what runs models in service reads these.
    opset = [onnx.helper.make_opsetid("", 18)]
    model = onnx.helper.make_model(graph, opset_imports=opset, ir_version=9)
    onnx.checker.check_model(model, full_check=True)
    raw: bytes = model.SerializeToString()
    session = runtime.InferenceSession(raw, providers=["CPUExecutionProvider"])
    _compare(network, lambda x: session.run(["y"], {"x": x})[0], dtype, "ONNX")
    if "p" in outputs:
        ask = lambda x: session.run(["p"], {"x": x})[0]  # noqa: E731
        _compare(network, ask, dtype, "ONNX", lambda x: chosen.answers(network(x)))
    if path is not None:
        with open(path, "wb") as file:
            file.write(raw)
    return raw


def _graph(
    network: ReluNetwork, link: str
) -> tuple[list[tuple[Any, ...]], list[tuple[str, NDArray[Any]]], dict[str, list[Any]]]:
    """Nodes (operator, inputs, outputs), constants, and the outputs' shapes."""
    rows = "rows" if network.is_scalar else "y"
    width = [] if network.is_scalar else [network.n_outputs]
    numbers: list[tuple[str, NDArray[Any]]] = [
        ("W", network.weights.T.copy()),
        ("b", -network.biases),
        ("A", np.atleast_2d(network.output_weights).T.copy()),
        ("u", np.atleast_2d(network.skip).T.copy()),
        ("c", np.atleast_1d(network.offset)),
    ]
    nodes: list[tuple[Any, ...]] = [
        ("Gemm", ["x", "W", "b"], ["z"]),
        ("Relu", ["z"], ["h"]),
        ("MatMul", ["h", "A"], ["kinked"]),
        ("Gemm", ["x", "u", "c"], ["affine"]),
        ("Add", ["kinked", "affine"], [rows]),
    ]
    outputs: dict[str, list[Any]] = {"y": ["n", *width]}
    if network.is_scalar:
        numbers.append(("flat", np.array([-1])))
        nodes.append(("Reshape", ["rows", "flat"], ["y"]))
    if link in ("logit", "logits"):
        nodes.append(("Sigmoid", ["y"], ["p"]))
        outputs["p"] = outputs["y"]
    if link == "softmax":
        numbers.append(("first", np.array([0, 1, 0, 0])))  # a column of zeros
        nodes += [("Pad", [rows, "first"], ["all"]), ("Softmax", ["all"], ["p"])]
        outputs["p"] = ["n", network.n_outputs + 1]
    return nodes, numbers, outputs


def to_torch(network: ReluNetwork, *, dtype: Any = np.float64) -> Any:
    """The network as a `torch.nn.Module` with `hidden`, `head` and `skip`, in evaluation mode.

    Parameters
    ----------
    network : ReluNetwork
    dtype : {numpy.float64, numpy.float32}

    Returns
    -------
    torch.nn.Module

    Raises
    ------
    BadCopy, MissingExtra
    """
    torch = need("torch", "torch")
    nn, d, k, m = torch.nn, network.dim, network.n_neurons, network.n_outputs
    scalar = network.is_scalar

    class Copy(nn.Module):  # type: ignore[name-defined]
        def __init__(self) -> None:
            super().__init__()
            self.scalar = scalar
            made = nn.utils.skip_init
            self.hidden = made(nn.Linear, d, k)
            self.head = made(nn.Linear, k, m, bias=False)
            self.skip = made(nn.Linear, d, m)

        def forward(self, x: Any) -> Any:
            y = self.head(torch.relu(self.hidden(x))) + self.skip(x)
            return y[..., 0] if self.scalar else y

    kind = getattr(torch, np.dtype(dtype).name)
    copy = Copy().to(kind).eval()
    pairs = (
        (copy.hidden.weight, network.weights),
        (copy.hidden.bias, -network.biases),
        (copy.head.weight, np.atleast_2d(network.output_weights)),
        (copy.skip.weight, np.atleast_2d(network.skip)),
        (copy.skip.bias, np.atleast_1d(network.offset)),
    )
    with torch.no_grad():
        for parameter, value in pairs:
            parameter.copy_(torch.as_tensor(value.copy(), dtype=kind))
        _compare(network, lambda x: copy(torch.as_tensor(x)).numpy(), dtype, "PyTorch")
    return copy


def to_sklearn(network: ReluNetwork, labels: ArrayLike | None = None) -> Any:
    """The network as a fitted `MLPRegressor`, or with labels as an `MLPClassifier`.

    scikit-learn's networks have no affine part: each output that has one costs two neurons more
    (`ReluNetwork.to_pure_relu`).

    Parameters
    ----------
    network : ReluNetwork
        For a classifier of two classes a scalar one, of log-odds; of q classes one of q - 1
        outputs, of log-ratios to the first (link="softmax").
    labels : array_like of shape (q,), optional
        The classes.

    Returns
    -------
    MLPRegressor or MLPClassifier

    Raises
    ------
    BadCopy, MissingExtra
    """
    neural = need("sklearn.neural_network", "relu-learn[models]")
    net, classes = network.to_pure_relu(), None if labels is None else np.asarray(labels)
    head = np.atleast_2d(net.output_weights)
    wanted: Callable[[Array], Array] = network
    if classes is None:
        model = neural.MLPRegressor((net.n_neurons,))
        model.out_activation_ = "identity"
    else:
        softmax = link_of("softmax")
        model = neural.MLPClassifier((net.n_neurons,))
        model.out_activation_ = "logistic" if len(classes) == 2 else "softmax"
        if len(classes) > 2:
            head = np.concatenate([np.zeros((1, net.n_neurons)), head])
        wanted = lambda x: softmax.answers(network(x))  # noqa: E731
        binarizer = need("sklearn.preprocessing", "relu-learn[models]").LabelBinarizer()
        model._label_binarizer = binarizer.fit(classes)
        model.classes_ = binarizer.classes_
    model.coefs_ = [net.weights.T.copy(), head.T.copy()]
    model.intercepts_ = [-net.biases, np.zeros(len(head))]
    model.n_layers_, model.n_outputs_, model.n_features_in_ = 3, len(head), net.dim
    ask = model.predict if classes is None else model.predict_proba
    _compare(network, ask, np.float64, "scikit-learn", wanted)
    return model


def _compare(
    network: ReluNetwork,
    copy: Callable[[Array], Array],
    dtype: Any,
    library: str,
    wanted: Callable[[Array], Array] | None = None,
) -> None:
    """Run both on a few points.

    Raises
    ------
    BadCopy
    """
    rng = np.random.default_rng(0)
    x = rng.standard_normal((_PROBES, network.dim)).astype(dtype)
    given, right = np.asarray(copy(x)), (wanted or network)(x.astype(float))
    z = np.abs(x) @ np.abs(network.weights.T) + np.abs(network.biases)
    terms = z @ np.abs(np.atleast_2d(network.output_weights).T)
    terms = terms + np.abs(x) @ np.abs(np.atleast_2d(network.skip).T) + np.abs(network.offset)
    limit = _ROUNDING * float(np.finfo(dtype).eps) * (1 + float(terms.max()))
    if given.shape != right.shape or not np.abs(given - right).max(initial=0.0) <= limit:
        raise BadCopy(f"the copy in {library} is not what the network is: shape {given.shape}")

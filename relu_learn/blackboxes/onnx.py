"""Models in the ONNX format, run by onnxruntime."""

from __future__ import annotations

import os
from typing import Any

import numpy as np
from numpy.typing import NDArray

from relu_learn.asking.errors import InvalidArgument
from relu_learn.blackboxes.function import filled_up, from_function, unzipped
from relu_learn.blackboxes.model import Model, need

Array = NDArray[np.float64]
_TYPES = {"tensor(float)": "float32", "tensor(double)": "float64", "tensor(float16)": "float16"}
_MAPS = ("seq(map(int64,tensor(float)))", "seq(map(string,tensor(float)))")


def from_onnx(
    model: str | os.PathLike[str] | bytes,
    *,
    output: str | None = None,
    input_shape: tuple[int, ...] | None = None,
) -> Model:
    """An ONNX model as a black box.

    Parameters
    ----------
    model : path or bytes
        The file, or what is in it.
    output : str, optional
        Name of the output to learn (default: the last one that holds real numbers: classifiers
        give labels first). Lists of {label: probability}, "ZipMap", become columns.
    input_shape : tuple of int, optional
        Shape of one sample (default: the model's, if it says so).

    Returns
    -------
    Model
        With the model's own type of numbers; a fixed batch is filled up. A model that takes every
        column as an input of its own has their names.

    Raises
    ------
    InvalidArgument
        It cannot be loaded, or has no such inputs and outputs.
    MissingExtra
    """
    runtime = need("onnxruntime", "relu-learn[onnx]")
    named = "an ONNX model" if isinstance(model, bytes) else os.path.basename(os.fspath(model))
    options = runtime.SessionOptions()
    options.log_severity_level = 3  # errors are raised
    try:
        source = model if isinstance(model, bytes) else os.fspath(model)
        session = runtime.InferenceSession(source, options, providers=["CPUExecutionProvider"])
    except Exception as error:
        raise InvalidArgument(f"model={named!r} cannot be loaded: {error}") from error
    inputs = session.get_inputs()
    first = inputs[0]
    dtype = _TYPES.get(first.type)
    columns = len(inputs) > 1 and all(one.shape[1:] == [1] for one in inputs)
    if dtype is None or (len(inputs) > 1 and not columns) or len({i.type for i in inputs}) > 1:
        there = ", ".join(f"{one.name}: {one.type} {one.shape}" for one in inputs)
        raise InvalidArgument(f"model={named!r} must have one input of real numbers, has {there}")
    wanted = _output(session, output, named)
    shape = (len(inputs),) if columns else tuple(input_shape or first.shape[1:])
    if not shape or not all(isinstance(side, int) for side in shape):
        raise InvalidArgument(
            f"input_shape must be given: model={named!r} says {first.shape} of its input"
        )

    def ask(samples: Array) -> Any:
        given = {first.name: samples}
        if columns:
            given = {one.name: samples[:, i : i + 1] for i, one in enumerate(inputs)}
        told = np.asarray(unzipped(session.run([wanted], given)[0]))
        # One output is a vector, for every other library and for a link.
        return told[:, 0] if told.ndim == 2 and told.shape[1] == 1 else told

    fixed = first.shape[0] if isinstance(first.shape[0], int) else None
    asked = ask if fixed is None else filled_up(ask, fixed)
    box = from_function(asked, input_shape=shape, dtype=dtype)
    names = [one.name for one in inputs] if columns else None
    return box.named(names).entitled(f"{named}, output {wanted}, in onnxruntime and {dtype}")


def _output(session: Any, output: str | None, named: str) -> str:
    there = {one.name: one.type for one in session.get_outputs()}
    real = [name for name, kind in there.items() if kind in _TYPES or kind in _MAPS]
    if output is None and real:
        return real[-1]
    if output in real:
        return str(output)
    raise InvalidArgument(f"output must be one of {real} of model={named!r}, got {output!r}")

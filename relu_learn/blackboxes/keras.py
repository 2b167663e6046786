"""Keras models, on any of its backends."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from relu_learn.asking.errors import InvalidArgument
from relu_learn.blackboxes.function import from_function
from relu_learn.blackboxes.model import Model, need

Array = NDArray[np.float64]


def from_keras(model: Any, *, input_shape: tuple[int, ...] | None = None) -> Model:
    """A Keras model as a black box, asked with training=False.

    Parameters
    ----------
    model : keras.Model
        Of one input and one output.
    input_shape : tuple of int, optional
        Shape of one sample (default: the model's, if it says so).

    Returns
    -------
    Model

    Raises
    ------
    InvalidArgument
        It has several inputs, or does not say of which shape.
    MissingExtra
    """
    keras = need("keras", "keras")
    if input_shape is None:
        said: Any = getattr(model, "input_shape", None) or (None, None)
        input_shape = tuple(said[1:])
    if not input_shape or not all(isinstance(side, int) for side in input_shape):
        raise InvalidArgument(
            f"input_shape must be given: {type(model).__name__} does not say the shape of one "
            f"input, got {input_shape}"
        )
    dtype = getattr(model, "compute_dtype", "float32")

    def ask(samples: Array) -> Any:
        told = model(samples, training=False)
        if hasattr(told, "detach"):  # PyTorch's: it knows a gradient, and NumPy warns of it
            told = told.detach().cpu().double().numpy()
        return np.asarray(keras.ops.convert_to_numpy(told), dtype=float)

    seen = dtype if dtype in ("float16", "float64") else "float32"
    name = f"{type(model).__name__} of Keras on {keras.backend.backend()} in {dtype}"
    return from_function(ask, input_shape=input_shape, dtype=seen).entitled(name)

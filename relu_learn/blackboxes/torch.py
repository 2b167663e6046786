"""PyTorch's modules, TorchScript included."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from relu_learn.asking.errors import InvalidArgument
from relu_learn.blackboxes.function import from_function
from relu_learn.blackboxes.model import Model, need

Array = NDArray[np.float64]


def from_torch(
    module: Any,
    dim: int | None = None,
    *,
    input_shape: tuple[int, ...] | None = None,
    output: int | str | None = None,
    dtype: Any = None,
    device: Any = None,
) -> Model:
    """A PyTorch module as a black box, asked without gradients.

    It is called, and nothing else. (What its parameters are is not looked at, only of which type
    they are, and where.)

    Parameters
    ----------
    module : torch.nn.Module or callable
        In evaluation mode: `module.eval()`.
    dim : int, optional
        The input dimension d (default: that of `input_shape`).
    input_shape : tuple of int, optional
        Shape of one sample, of d numbers in all (default: (d,)).
    output : int or str, optional
        Which of several outputs: of a tuple, of a dict, or an attribute, "logits" say.
    dtype, device : optional
        What it is asked with (default: those of its first parameter, or float32 and the CPU).

    Returns
    -------
    Model

    Raises
    ------
    InvalidArgument
        A part of it is in training mode: it is named.
    MissingExtra
    """
    torch = need("torch", "torch")
    if isinstance(module, torch.nn.Module):
        parts = [(name, part) for name, part in module.named_modules() if part.training]
        # What contains others is in training mode with them, and tells less.
        leaves = [(name, part) for name, part in parts if not any(part.children())]
        if parts:
            some = ", ".join(
                f"{name or 'itself'} ({_kind(part)})" for name, part in leaves or parts
            )
            raise InvalidArgument(
                f"module must be in evaluation mode, but {some} is in training mode: module.eval()"
            )
        first = next(module.parameters(), None)
        if first is not None:
            dtype = first.dtype if dtype is None else dtype
            device = first.device if device is None else device
    kind = dtype if isinstance(dtype, torch.dtype) else torch.float32
    kind = kind if dtype is None or dtype is kind else getattr(torch, np.dtype(dtype).name)

    known = torch.float16, torch.float32, torch.float64  # to NumPy

    @torch.no_grad()
    def ask(samples: Array) -> Any:
        told = module(torch.as_tensor(samples, dtype=kind, device=device))
        heard = _chosen(told, output).cpu()
        return (heard if heard.dtype in known else heard.double()).numpy()

    # NumPy has no bfloat16: the cast is the module's.
    name = str(kind).removeprefix("torch.")
    seen = name if name in ("float16", "float32", "float64") else "float64"
    model = from_function(ask, dim, input_shape=input_shape, dtype=seen)
    return model.entitled(f"{_kind(module)} of PyTorch in {name}")


def _chosen(told: Any, output: int | str | None) -> Any:
    if output is not None:
        is_attribute = isinstance(output, str) and hasattr(told, output)
        told = getattr(told, str(output)) if is_attribute else told[output]
    if not hasattr(told, "to"):
        kinds = list(told) if isinstance(told, dict) else f"{len(told)} of them"
        raise TypeError(f"output= must say which output to learn, there are {kinds}")
    return told


def _kind(module: Any) -> str:
    return str(getattr(module, "original_name", type(module).__name__))

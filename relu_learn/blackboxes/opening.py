"""Open what a command line names: a file, an import path, a URL."""

from __future__ import annotations

import importlib
import os
import sys
from collections.abc import Callable
from typing import Any

from relu_learn.asking.errors import InvalidArgument
from relu_learn.blackboxes.model import Model, need
from relu_learn.network import ReluNetwork

_FORMS = (
    "target must be a URL, a file (.npz, .onnx, .keras; .joblib, .pkl, .pt with trust=True) or an "
    "import path package.module:name"
)


def open(target: str | os.PathLike[str], *, trust: bool = False, **options: Any) -> Model:
    """The model that a target names.

    Parameters
    ----------
    target : str or path
        A URL; a file: .npz (a saved `ReluNetwork`), .onnx, .keras, .joblib or .pkl (a scikit-learn
        model), .pt (TorchScript); or an import path `package.module:name` of a model, an estimator,
        a module or a function.
    trust : bool
        A pickle runs any code that its author put into it, and so may other files: .joblib, .pkl
        and .pt are opened only if you say that you trust who made them.
    **options
        Of the adapter: `from_http`, `from_onnx`, ...

    Returns
    -------
    Model

    Raises
    ------
    InvalidArgument
        The target names nothing of the kind, or is not trusted.
    MissingExtra
    """
    name = os.fspath(target)
    if name.startswith(("http://", "https://")):
        from relu_learn.blackboxes.http import from_http

        return from_http(name, **options)
    ending = os.path.splitext(name)[1].lower()
    if ending in _FILES:
        if not os.path.isfile(name):
            raise InvalidArgument(f"target={name!r}: there is no such file")
        if ending in _CODE and not trust:
            raise InvalidArgument(
                f"target={name!r}: such a file can run any code when it is opened; if you trust "
                "who made it, say so (trust=True, or --trust)"
            )
        return adapt(_FILES[ending](name), **options)
    if ":" in name and not os.path.exists(name):
        return adapt(_imported(name), **options)
    raise InvalidArgument(f"{_FORMS}, got {name!r}")


def adapt(value: Any, **options: Any) -> Model:
    """Any model as a black box, by what it can be asked.

    Parameters
    ----------
    value : Model, ReluNetwork, estimator, module or callable
    **options
        Of the adapter.

    Returns
    -------
    Model
    """
    loaded = sys.modules.get
    if isinstance(value, Model):
        return value
    if isinstance(value, ReluNetwork):
        return Model(value, value.dim, repr(value))
    if isinstance(value, (str, bytes)):
        from relu_learn.blackboxes.onnx import from_onnx

        return from_onnx(value, **options)
    torch, keras = loaded("torch"), loaded("keras")
    if keras is not None and isinstance(value, keras.Model):  # which may be PyTorch's, too
        from relu_learn.blackboxes.keras import from_keras

        return from_keras(value, **options)
    if torch is not None and isinstance(value, torch.nn.Module):
        from relu_learn.blackboxes.torch import from_torch

        return from_torch(value, **options)
    if hasattr(value, "predict"):
        from relu_learn.blackboxes.sklearn import from_sklearn

        return from_sklearn(value, **options)
    from relu_learn.blackboxes.function import from_function

    return from_function(value, **options)


def _imported(name: str) -> Any:
    module, _, attribute = name.partition(":")
    sys.path.insert(0, os.getcwd())  # as `python -m` does
    try:
        value = importlib.import_module(module)
        for part in attribute.split("."):
            value = getattr(value, part)
    except (ImportError, AttributeError, ValueError) as error:
        raise InvalidArgument(f"target={name!r} cannot be imported: {error}") from error
    finally:
        sys.path.remove(os.getcwd())
    return value


def _joblib(name: str) -> Any:
    return need("joblib", "relu-learn[models]").load(name)


def _torchscript(name: str) -> Any:
    return need("torch", "torch").jit.load(name, map_location="cpu").eval()


def _keras(name: str) -> Any:
    return need("keras", "keras").saving.load_model(name, compile=False, safe_mode=True)


_CODE = {".joblib", ".pkl", ".pickle", ".pt"}
_FILES: dict[str, Callable[[str], Any]] = {
    ".npz": ReluNetwork.load,
    ".onnx": str,  # opened by the adapter
    ".keras": _keras,
    ".joblib": _joblib,
    ".pkl": _joblib,
    ".pickle": _joblib,
    ".pt": _torchscript,
}

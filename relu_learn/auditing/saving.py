"""The copy as a file: the kinds of files, and whether one can be written, before it is paid for."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

from relu_learn.asking.errors import InvalidArgument
from relu_learn.blackboxes.copies import to_onnx, to_sklearn, to_torch
from relu_learn.blackboxes.links import Link, link_of
from relu_learn.blackboxes.model import need
from relu_learn.network import ReluNetwork


class _Kind(NamedTuple):
    """How a kind of file is written, and what that needs: modules, and what installs them."""

    write: Callable[[ReluNetwork, str, Link], object]
    modules: tuple[str, ...] = ()
    install: str = ""


def _torchscript(network: ReluNetwork, path: str, _: Link) -> None:
    torch = need("torch", "torch")
    example = torch.zeros((2, network.dim), dtype=torch.float64)
    torch.jit.trace(to_torch(network), example).save(path)


def _joblib(network: ReluNetwork, path: str, _: Link) -> None:
    need("joblib", "relu-learn[models]").dump(to_sklearn(network), path)


_KINDS = {
    ".npz": _Kind(lambda network, path, _: network.save(path)),
    ".onnx": _Kind(
        lambda network, path, link: to_onnx(network, path, link=link),
        ("onnx", "onnxruntime"),
        "relu-learn[onnx]",
    ),
    ".pt": _Kind(_torchscript, ("torch",), "torch"),
    ".joblib": _Kind(_joblib, ("joblib", "sklearn"), "relu-learn[models]"),
}


def check_kind(path: str | os.PathLike[str]) -> None:
    """Raise unless a copy can be written to a file of this name.

    Raises
    ------
    InvalidArgument
        No such kind, or the file cannot be written.
    MissingExtra
    """
    kind = _KINDS.get(Path(path).suffix.lower())
    if kind is None:
        raise InvalidArgument(f"out must end in {', '.join(_KINDS)}, got {os.fspath(path)!r}")
    for module in kind.modules:
        need(module, kind.install)
    check_writable("out", path)


def check_writable(name: str, path: str | os.PathLike[str]) -> None:
    """Raise unless a file of this name can be written. What it holds stays as it is.

    Raises
    ------
    InvalidArgument
    """
    there = os.path.lexists(path)
    try:
        with open(path, "ab"):
            pass
        if not there:
            os.remove(path)
    except (OSError, ValueError) as error:
        why = getattr(error, "strerror", None) or error
        raise InvalidArgument(f"{name}={os.fspath(path)!r} cannot be written: {why}") from None


def save_copy(
    network: ReluNetwork, path: str | os.PathLike[str], link: Link | str = "identity"
) -> None:
    """Write a copy in the form that the file's name asks for.

    Parameters
    ----------
    network : ReluNetwork
        Of the scores.
    path : path-like
        .npz (for `ReluNetwork.load`), .onnx, .pt (TorchScript) or .joblib (scikit-learn).
    link : Link or str
        Between scores and answers: an .onnx file gives both.

    Raises
    ------
    BadCopy, MissingExtra
    """
    _KINDS[Path(path).suffix.lower()].write(network, os.fspath(path), link_of(link))

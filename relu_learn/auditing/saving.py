"""The copy as a file: the kinds of files, and whether one can be written, before it is paid for."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

from relu_learn.asking.errors import InvalidArgument
from relu_learn.blackboxes.model import need
from relu_learn.network import ReluNetwork


def _npz(network: ReluNetwork, path: Path) -> None:
    network.save(path)


def _onnx(network: ReluNetwork, path: Path) -> None:
    from relu_learn.blackboxes.copies import to_onnx

    to_onnx(network, path)


def _torch(network: ReluNetwork, path: Path) -> None:
    from relu_learn.blackboxes.copies import to_torch

    need("torch", "torch").jit.script(to_torch(network)).save(str(path))


def _joblib(network: ReluNetwork, path: Path) -> None:
    from relu_learn.blackboxes.copies import to_sklearn

    need("joblib", "relu-learn[models]").dump(to_sklearn(network), path)


# How to write each kind of file, and what is needed for it: module, and what installs it.
_KINDS: dict[str, tuple[Any, tuple[str, str] | None]] = {
    ".npz": (_npz, None),
    ".onnx": (_onnx, ("onnx", "relu-learn[onnx]")),
    ".pt": (_torch, ("torch", "torch")),
    ".joblib": (_joblib, ("sklearn", "relu-learn[models]")),
}


def check_kind(path: str | os.PathLike[str]) -> None:
    """Raise unless a copy can be written to a file of this name.

    Raises
    ------
    InvalidArgument
        No such kind, or the file cannot be written.
    MissingExtra
    """
    ending = Path(path).suffix.lower()
    if ending not in _KINDS:
        raise InvalidArgument(f"out must end in {', '.join(_KINDS)}, got {os.fspath(path)!r}")
    wanted = _KINDS[ending][1]
    if wanted is not None:
        need(*wanted)
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


def save_copy(network: ReluNetwork, path: str | os.PathLike[str]) -> None:
    """Write a copy in the form that the file's name asks for.

    Parameters
    ----------
    network : ReluNetwork
    path : path-like
        .npz (for `ReluNetwork.load`), .onnx, .pt (TorchScript) or .joblib (scikit-learn).
    """
    write, _ = _KINDS[Path(path).suffix.lower()]
    write(network, Path(path))

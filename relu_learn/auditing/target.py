"""What is audited: the model behind a name, where it may be asked, and who said so."""

from __future__ import annotations

import dataclasses
import datetime
import os
from typing import Any
from urllib.parse import urlsplit

import numpy as np
from numpy.typing import NDArray

from relu_learn.asking.errors import InvalidArgument
from relu_learn.auditing.points import Points, read_points
from relu_learn.blackboxes.http import is_loopback
from relu_learn.blackboxes.model import Model
from relu_learn.blackboxes.opening import open as open_model

# Said by command line, report and README alike.
PURPOSE = (
    "For models of your own, and those that you were asked to test: learning somebody else's can "
    "break a contract or the law."
)


@dataclasses.dataclass(frozen=True)
class Target:
    """A model that is audited.

    Attributes
    ----------
    name : str
        As it was given: a file, an import path, a URL.
    model : Model
    authorised : dict
        Who may do this, as it was said: "target", "time" (UTC) and "said"; empty for what runs on
        this machine. It goes into the ledger and into the report.
    box : str
        How the box was found that probabilities are asked in; empty before, and if none is needed.
    opening : int
        Queries that this took.
    points : Points or None
        The user's own inputs.
    """

    name: str
    model: Model
    authorised: dict[str, str]
    box: str = ""
    opening: int = 0
    points: Points | None = None

    def inside(self) -> NDArray[np.intp]:
        """Which of the user's own inputs may be asked: those in the box."""
        if self.points is None:
            return np.empty(0, int)
        rows, bounds = self.points.rows, self.model.bounds
        if bounds is None:
            return np.arange(len(rows))
        return np.flatnonzero(((rows >= bounds[0]) & (rows <= bounds[1])).all(axis=1))

    def rows(self) -> NDArray[np.float64] | None:
        """These inputs (n, d), or None if there are none."""
        inside = self.inside()
        return None if self.points is None or not len(inside) else self.points.rows[inside]


def is_remote(name: str) -> bool:
    """Whether a target is asked over a network, and not on this machine.

    Examples
    --------
    >>> is_remote("http://127.0.0.1:8080/invocations"), is_remote("model.onnx")
    (False, False)
    >>> is_remote("http://127.0.0.1.example.org/")
    True
    """
    if not name.startswith(("http://", "https://")):
        return False
    return not is_loopback(urlsplit(name).hostname or "")


def open_target(
    name: str,
    *,
    authorised: bool = False,
    bounds: Any = None,
    points: str | os.PathLike[str] | None = None,
    link: str | None = None,
    **options: Any,
) -> Target:
    """Open what a name stands for; nothing is asked yet.

    Parameters
    ----------
    name : str
        See `blackboxes.open`.
    authorised : bool
        Whether whoever runs this says that he is entitled to. Needed for what is asked over a
        network.
    bounds : (low, high), optional
    points : path-like, optional
        A file with the user's own inputs, for `read_points`. A service has as many inputs as it has
        columns.
    link : str, optional
        What lies between scores and answers: "softmax", "logit", "logits" (default: what the
        adapter says).
    **options
        Of `blackboxes.open`.

    Returns
    -------
    Target

    Raises
    ------
    InvalidArgument
    MissingExtra
    """
    remote = is_remote(name)
    if remote and not authorised:
        raise InvalidArgument(
            f"{urlsplit(name).hostname} is not this machine: --i-am-authorized says that you are "
            f"entitled to test it, and is kept in ledger and report. {PURPOSE}"
        )
    service = name.startswith(("http://", "https://"))
    own = None
    if service and points is not None:
        own = read_points(points, options.get("dim"))
        options["dim"] = own.rows.shape[1]
        if options.get("request") == "dataframe_split":
            options["names"] = own.names
    if service and options.get("dim") is None:
        raise InvalidArgument(
            "a service does not say how many inputs it takes: give dim, or points"
        )
    model = open_model(name, **options)
    if not service and points is not None:
        own = read_points(points, model.dim, model.names)
    model = model if link is None else model.linked(link)
    model = model if bounds is None else model.within(bounds)
    now = datetime.datetime.now(datetime.timezone.utc).isoformat(timespec="seconds")
    said = {"target": name, "time": now, "said": "--i-am-authorized"} if remote else {}
    return Target(name, model, said, points=own)

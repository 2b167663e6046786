"""A service behind defences, attacked: what they cost its user, and what they leave the attacker.

Both are told in one unit, the spread of the undefended answers, and on the same rows: how far off
what the user is told is, and how far off what the attacker's copy says.
"""

from __future__ import annotations

import contextlib
import dataclasses
import math
import sys
from collections.abc import Generator, Iterator

import numpy as np
from numpy.typing import NDArray

from relu_learn import zoo
from relu_learn.asking.errors import InvalidArgument, ReluLearnError
from relu_learn.blackboxes.http import from_http
from relu_learn.blackboxes.model import MissingExtra, Model, need
from relu_learn.judging.matching import match_neurons
from relu_learn.learn import learn_steps
from relu_learn.network import ReluNetwork
from relu_learn.serving.defences import Defences, Defended, Refusal
from relu_learn.serving.service import listening, running
from relu_learn.telling.events import Event, Finished

Array = NDArray[np.float64]

# Without a budget of the service's: four times what float64 takes with six decimals rounded off.
MOST_QUERIES = 10_000
# Images of the attacker's own: they tell where in the box of all inputs images are.
_OWN = 50


@dataclasses.dataclass(frozen=True, eq=False)
class Case:
    """A model, somebody who uses it honestly, and somebody who wants it.

    Parameters
    ----------
    model : ReluNetwork
    rows, labels : ndarray of shape (n, d), (n,)
        What the honest user asks about, and what would be right.
    own : ndarray of shape (p, d)
        Rows of the attacker's own.
    usual : float
        Share of right answers that a user has a claim to.
    """

    model: ReluNetwork
    rows: Array
    labels: NDArray[np.intp]
    own: Array
    usual: float

    @property
    def spread(self) -> float:
        """Standard deviation of the undefended answers: the unit of errors."""
        return float(self.model(self.rows).std())


def digits_case(alike: str = "none") -> Case:
    """The small digits network, trained as usual or to be alike; see `zoo.small_digits`.

    Of the 450 held-out images the attacker has 50, the user asks about 400.
    """
    images, labels = zoo.held_out_digits()
    rows, labels = images[_OWN:], labels[_OWN:]
    usual = float((zoo.small_digits()(rows).argmax(axis=1) == labels).mean())
    return Case(zoo.small_digits(alike), rows, labels, images[:_OWN], usual)


@dataclasses.dataclass(frozen=True)
class Cost:
    """What the honest user has of a defended service.

    Attributes
    ----------
    right : float
        Share of rows whose class is told, and right.
    off : float
        Mean change of the scores, in units of their spread; 1 for a row without scores.
    lost : float
        The larger of `off` and of the right answers that are missing.
    """

    right: float
    off: float
    lost: float


def cost(case: Case, defences: Defences) -> Cost:
    """Ask about every row, one after the other, as its honest user."""
    service = Defended(case.model, case.model.dim, defences, rng=1)
    true, spread = case.model(case.rows), case.spread
    right, off = 0, []
    for x, label, y in zip(case.rows, case.labels, true, strict=True):
        try:
            (told,) = service.answer(x[None], "user")
        except Refusal:
            off.append(1.0)
            continue
        scores = told.ndim == 1
        right += int((told.argmax() if scores else told) == label)
        off.append(min(1.0, float(np.abs(told - y).mean()) / spread) if scores else 1.0)
    share, mean = right / len(true), float(np.mean(off))
    return Cost(share, mean, max(mean, case.usual - share))


@dataclasses.dataclass(frozen=True)
class Spoils:
    """What an attacker has in the end.

    Attributes
    ----------
    queries, neurons : int
        Rows asked; neurons of the model that the copy has.
    error : float
        Worst error of the copy on the user's rows, in units of the spread; infinite without one.
    ending : str
        Name of the error that ended the run, "" if it ended well.
    words : str
        What that error, or the certificate, says.
    """

    queries: int
    neurons: int
    error: float
    ending: str
    words: str

    @property
    def digits(self) -> float:
        """Digits of the answers that the copy has right on every row, from 0 up."""
        return max(0.0, -math.log10(self.error)) if self.error else 16.0


def why_not_http() -> str:
    """Why a service cannot be run beside this code, and asked; "" if it can."""
    if sys.platform == "emscripten":
        return "a page has no ports to listen at"
    try:
        need("uvicorn", "relu-learn[serve]"), need("starlette", "relu-learn[serve]")
        need("httpx", "relu-learn[http]")
        with listening():
            return ""
    except MissingExtra:
        return "uvicorn or httpx is missing (pip install 'relu-learn[serve,http]')"
    except (InvalidArgument, OSError) as error:
        return str(error)


@contextlib.contextmanager
def reached(service: Defended) -> Iterator[Model]:
    """The service as its clients have it: over HTTP on this machine, or else in this process."""
    if why_not_http():
        yield Model(service.answer, service.dim, "the service, in this process")
        return
    with running(service) as url:
        yield from_http(url, service.dim, retries=0)


def attack(
    case: Case, defences: Defences, max_seconds: float = 15.0
) -> Generator[Event, None, Spoils]:
    """Attack the service as its documentation invites to: inside its box, within its budget.

    Parameters
    ----------
    case : Case
    defences : Defences
    max_seconds : float

    Yields
    ------
    Event

    Returns
    -------
    Spoils
    """
    service = Defended(case.model, case.model.dim, defences, rng=0)
    network, ending, words = None, "", ""
    with reached(service) as box:
        steps = learn_steps(
            box,
            rng=0,
            bounds=defences.bounds,
            points=case.own,
            max_queries=defences.budget or MOST_QUERIES,
            lean=defences.budget is not None,
            max_seconds=max_seconds,
        )
        try:
            for event in steps:
                if isinstance(event, Finished):
                    network, words = event.network, str(event.certificate)
                yield event
        except ReluLearnError as error:
            ending, words = type(error).__name__, str(error)
            network = None if error.partial is None else error.partial.network
    queries = sum(service.spent.values())
    if network is None or network.n_outputs != case.model.n_outputs:
        return Spoils(queries, 0, math.inf, ending, words)
    off = float(np.abs(network(case.rows) - case.model(case.rows)).max()) / case.spread
    pairs = match_neurons(network, case.model).pairs
    return Spoils(queries, len(pairs), off, ending, words)

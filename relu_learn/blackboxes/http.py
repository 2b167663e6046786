"""A prediction service: JSON in, JSON out."""

from __future__ import annotations

import dataclasses
import ipaddress
import json
import os
import threading
import time
import weakref
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import cached_property
from typing import Any
from urllib.parse import urlsplit

import numpy as np
from numpy.typing import NDArray

from relu_learn.asking.arguments import non_negative, positive_int, positive_number
from relu_learn.asking.errors import BlackBoxError, InvalidArgument
from relu_learn.blackboxes.function import unzipped
from relu_learn.blackboxes.model import Model, need

Array = NDArray[np.float64]
# What a service says when it is busy or restarting, and another try may help.
_BUSY = {408, 425, 429, 500, 502, 503, 504}
# The first pause before another try, in seconds; each is twice as long as the one before.
_PAUSE = 0.25
_LONGEST = 60.0
# So much of a service's own words is repeated in an error.
_WORDS = 200


@dataclasses.dataclass(frozen=True)
class Service:
    """A prediction service, how it is asked, and how fast.

    Parameters
    ----------
    url : str
    request : str
        Field of the request that holds the rows, with dots for fields of fields; "" for a bare
        list. "dataframe_split" gets columns and data, as MLflow takes them.
    reply : str
        Field of the reply that holds one answer per row, with dots, and * for every row:
        "predictions", "result.*.score". A row may be a number, a list, or {label: number}.
    names : sequence of str, optional
        Names of the inputs: rows are sent as {name: number}.
    fixed : mapping, optional
        Fields that every request has.
    batch_size : int
        Most rows of a request.
    concurrency : int
        Requests at a time.
    per_second : float
        Most requests in a second.
    retries : int
        How often a request is tried again if the service is busy or the connection breaks, after
        0.25 s, 0.5 s, 1 s, ..., or as the service says (Retry-After).
    timeout : float
        Seconds for one request.
    auth_env, auth_header : str
        Name of the environment variable whose value is sent, as it is, in this header. (The value
        itself is kept nowhere.)
    """

    url: str
    request: str = "instances"
    reply: str = "predictions"
    names: Sequence[str] | None = None
    fixed: Mapping[str, Any] | None = None
    batch_size: int = 1000
    concurrency: int = 1
    per_second: float = float("inf")
    retries: int = 5
    timeout: float = 30.0
    auth_env: str = ""
    auth_header: str = "Authorization"

    def __post_init__(self) -> None:
        parts = urlsplit(self.url)
        if parts.scheme not in ("http", "https") or not parts.hostname:
            raise InvalidArgument(f"url must be http://... or https://..., got {self.url!r}")
        if parts.username or parts.password:
            raise InvalidArgument("url must hold no password: auth_env names a variable with it")
        for name in ("batch_size", "concurrency"):
            positive_int(name, getattr(self, name))
        non_negative("retries", self.retries)
        positive_number("timeout", self.timeout)
        if not self.per_second > 0:
            raise InvalidArgument(f"per_second must be positive, got {self.per_second!r}")
        if self.auth_env and self.auth_env not in os.environ:
            raise InvalidArgument(f"auth_env={self.auth_env!r}: there is no such variable")

    @property
    def is_local(self) -> bool:
        """Whether it runs on this machine."""
        return is_loopback(urlsplit(self.url).hostname or "")

    # ------------------------------------------------------------------------------- asking

    def __call__(self, x: Array) -> Any:
        """The answers at the rows of x (n, d).

        Raises
        ------
        BlackBoxError
            With the service's own words.
        """
        starts = range(0, max(len(x), 1), self.batch_size)
        batches = [x[start : start + self.batch_size] for start in starts]
        if self.concurrency == 1 or len(batches) == 1:
            parts = [self._ask(batch) for batch in batches]
        else:
            pool, _ = ThreadPoolExecutor(self.concurrency), self._client
            try:
                parts = list(pool.map(self._ask, batches))
            finally:
                pool.shutdown(wait=False, cancel_futures=True)
        widths = {np.shape(part)[1:] for part in parts}
        if len(widths) > 1:
            raise BlackBoxError(f"at {self.url} changed the width of its answers: {widths}")
        return np.concatenate(parts)

    def _ask(self, rows: Array) -> Array:
        raw = self._answer(json.dumps(self.body(rows)).encode())
        try:
            reply = json.loads(raw)
        except ValueError as error:
            raise self._refused(f"answered with what is no JSON ({error}): {_cut(raw)}") from None
        try:
            answers = np.array(unzipped(_field(reply, self.reply)), dtype=float)
        except (LookupError, TypeError, ValueError) as error:
            kind = f"{type(error).__name__}: {error}"
            words = f"answered with no numbers at reply={self.reply!r} ({kind}): {_cut(raw)}"
            raise self._refused(words) from None
        if answers.ndim not in (1, 2) or len(answers) != len(rows):
            words = f"answered {len(rows)} rows with an array of shape {answers.shape}: {_cut(raw)}"
            raise self._refused(words)
        return answers

    def body(self, rows: Array) -> Any:
        """What is sent for some rows."""
        data: Any = rows.tolist()
        if self.request.endswith("dataframe_split"):
            columns = list(self.names or map(str, range(rows.shape[1])))
            data = {"columns": columns, "data": data}
        elif self.names is not None:
            data = [dict(zip(self.names, row, strict=True)) for row in data]
        for name in reversed(self.request.split(".")) if self.request else ():
            data = {name: data}
        return {**self.fixed, **data} if self.fixed else data

    def _answer(self, body: bytes) -> bytes:
        """The raw answer to one request; tried again where that may help."""
        httpx = need("httpx", "relu-learn[http]")
        headers = {"Content-Type": "application/json"}
        if self.auth_env:
            headers[self.auth_header] = os.environ[self.auth_env]
        pause, wrong = _PAUSE, ""
        for attempt in range(int(self.retries) + 1):
            if attempt:
                time.sleep(min(pause, _LONGEST))
            self._pace.wait()
            pause *= 2
            try:
                reply = self._client.post(self.url, content=body, headers=headers)
            except httpx.TransportError as error:
                wrong = f"cannot be reached ({type(error).__name__}: {error})"
                continue
            if reply.status_code == 200:
                return bytes(reply.content)
            wrong = (
                f"answered HTTP {reply.status_code} {reply.reason_phrase}: {_cut(reply.content)}"
            )
            if reply.status_code not in _BUSY:
                raise self._refused(wrong)
            wait = reply.headers.get("Retry-After", "")
            pause = float(wait) if wait.isdecimal() else pause
        raise self._refused(f"{wrong} ({int(self.retries) + 1} tries)")

    def _refused(self, what: str) -> BlackBoxError:
        return BlackBoxError(f"at {self.url} {what}")

    @cached_property
    def _client(self) -> Any:
        httpx = need("httpx", "relu-learn[http]")
        limits = httpx.Limits(max_connections=self.concurrency)
        # A proxy that the environment names is not asked for what runs here.
        client = httpx.Client(timeout=self.timeout, limits=limits, trust_env=not self.is_local)
        weakref.finalize(self, client.close)  # connections are kept for the next request
        return client

    @cached_property
    def _pace(self) -> _Pace:
        return _Pace(1 / self.per_second)


def is_loopback(host: str) -> bool:
    """Whether a host's name is this machine's own for itself. (127.0.0.1.example.org is not.)"""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


class _Pace:
    """Lets one request pass after another, with so many seconds between them."""

    def __init__(self, seconds: float) -> None:
        self._seconds, self._lock, self._next = seconds, threading.Lock(), 0.0

    def wait(self) -> None:
        with self._lock:
            now = time.monotonic()
            due = max(now, self._next)
            self._next = due + self._seconds
        time.sleep(due - now)


def from_http(service: str | Service, dim: int | None = None, **settings: Any) -> Model:
    """A prediction service as a black box.

    Parameters
    ----------
    service : str or Service
        Its URL, or how it is asked in full.
    dim : int, optional
        The input dimension (default: the number of names).
    **settings
        Fields of `Service`.

    Returns
    -------
    Model

    Raises
    ------
    InvalidArgument
    MissingExtra
        httpx is needed.
    """
    need("httpx", "relu-learn[http]")
    if isinstance(service, str):
        service = Service(service, **settings)
    elif settings:
        service = dataclasses.replace(service, **settings)
    if dim is None and service.names is None:
        raise InvalidArgument("dim must be given: a service does not say how many inputs it takes")
    size = len(service.names or ()) if dim is None else dim
    return Model(service, size, f"the service at {service.url}", names=service.names)


def _field(value: Any, path: str) -> Any:
    """What lies at a path of a JSON value; * stands for every item of a list."""
    name, _, rest = path.partition(".")
    if not path:
        return value
    if name == "*":
        return [_field(item, rest) for item in value]
    if isinstance(value, list) and not name.removeprefix("-").isdecimal():
        raise LookupError(f"a list has no field {name}; reply='' takes the whole, '*' each item")
    return _field(value[int(name) if isinstance(value, list) else name], rest)


def _cut(raw: bytes) -> str:
    words = " ".join(raw.decode("utf-8", "replace").split())
    return repr(words[:_WORDS] + "..." * (len(words) > _WORDS))

"""The service: an ASGI application on Starlette, and uvicorn to run it."""

from __future__ import annotations

import contextlib
import json
import socket
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from typing import Any

from relu_learn.asking.errors import InvalidArgument
from relu_learn.blackboxes.model import need
from relu_learn.serving.defences import Defended, Refusal
from relu_learn.serving.forms import reply_to, rows_of

LOOPBACK = "127.0.0.1"
# Bytes of a request: a thousand rows of a thousand numbers with all digits take 20 MB.
_MOST = 64 * 2**20
_INSTALL = "relu-learn[serve]"
# Seconds that a service in a thread has to start: it takes about 0.1.
_START = 10.0


def application(
    defended: Defended,
    names: Sequence[str] | None = None,
    hosts: Sequence[str] = (LOOPBACK, "localhost"),
) -> Callable[..., Any]:
    """The service as an ASGI application, for any server of the kind.

    It answers POST `/invocations` (MLflow's path) and `/v1/models/model:predict` (TensorFlow
    Serving's) in all forms of `rows_of`, and GET `/ping`.

    Parameters
    ----------
    defended : Defended
    names : sequence of str, optional
        Of the inputs.
    hosts : sequence of str
        By what names it may be asked ("*": by any). With this machine's own alone no page in
        somebody's browser can ask it under a name of the page's.

    Returns
    -------
    starlette.applications.Starlette
    """
    starlette = need("starlette.applications", _INSTALL)
    concurrency = need("starlette.concurrency", _INSTALL)
    trusted = need("starlette.middleware.trustedhost", _INSTALL).TrustedHostMiddleware
    middleware = need("starlette.middleware", _INSTALL).Middleware
    responses, routing = need("starlette.responses", _INSTALL), need("starlette.routing", _INSTALL)
    one_at_a_time = threading.Lock()

    def answer(body: bytes, client: str) -> tuple[int, bytes]:
        try:
            rows = rows_of(body, defended.dim, names)
            with one_at_a_time:  # no library says that its models may be asked by two threads
                return 200, reply_to(defended.answer(rows, client))
        except Refusal as refusal:
            return refusal.status, _error(str(refusal))
        except Exception as error:  # the model's own: its words may tell too much
            return 500, _error(f"the model raised {type(error).__name__}")

    async def predict(request: Any) -> Any:
        status, body = 415, _error("Content-Type must be application/json")
        if request.headers.get("content-type", "").split(";")[0].strip() == "application/json":
            status, body = 413, _error(f"a request may have {_MOST:,} bytes")
            raw = await _body(request)
            if raw is not None:
                client = request.client.host if request.client else ""
                status, body = await concurrency.run_in_threadpool(answer, raw, client)
        return responses.Response(body, status, media_type="application/json")

    async def ping(_: Any) -> Any:
        return responses.Response(b"{}", media_type="application/json")

    return starlette.Starlette(
        routes=[
            routing.Route("/invocations", predict, methods=["POST"]),
            routing.Route("/v1/models/model:predict", predict, methods=["POST"]),
            routing.Route("/ping", ping),
        ],
        middleware=[middleware(trusted, allowed_hosts=list(hosts))],
    )


def _error(why: str) -> bytes:
    return json.dumps({"error": why}).encode()


async def _body(request: Any) -> bytes | None:
    """The request's body, or None if it is too long to be read."""
    parts, size = [], 0
    async for part in request.stream():
        parts.append(part)
        size += len(part)
        if size > _MOST:
            return None
    return b"".join(parts)


@contextlib.contextmanager
def listening(port: int = 0, host: str = LOOPBACK) -> Iterator[tuple[socket.socket, str]]:
    """A socket, and the service's address there; port 0: any that is free.

    Raises
    ------
    InvalidArgument
        The port is taken, or not for everybody, or the address is not this machine's.
    """
    sock = socket.socket()
    with contextlib.closing(sock):
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            sock.bind((host, port))
        except OSError as error:
            where = f"host={host!r}, port={port}"
            raise InvalidArgument(f"{where} cannot be listened at: {error.strerror}") from None
        yield sock, f"http://{host}:{sock.getsockname()[1]}/invocations"


def server(application: Callable[..., Any]) -> Any:
    """A uvicorn server; `server.run(sockets=[socket])` runs it until it is interrupted."""
    uvicorn = need("uvicorn", _INSTALL)
    config = uvicorn.Config(
        application,
        log_level="error",
        lifespan="off",
        ws="none",
        server_header=False,
        timeout_graceful_shutdown=1,
    )
    return uvicorn.Server(config)


@contextlib.contextmanager
def running(defended: Defended, names: Sequence[str] | None = None) -> Iterator[str]:
    """A service in a thread of this process, for a notebook or a test; its address.

    Examples
    --------
    >>> from relu_learn import blackboxes, zoo
    >>> with running(Defended(zoo.get("tent"), 2)) as url:  # doctest: +SKIP
    ...     model = blackboxes.from_http(url, 2)
    """
    with listening() as (sock, url):
        service = server(application(defended, names))
        thread = threading.Thread(target=service.run, args=([sock],), daemon=True)
        thread.start()
        try:
            deadline = time.monotonic() + _START
            while not service.started and thread.is_alive() and time.monotonic() < deadline:
                time.sleep(0.01)
            yield url
        finally:
            service.should_exit = True
            thread.join(_START)

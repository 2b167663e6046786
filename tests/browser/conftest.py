"""One JupyterLab for all browser tests, and a Chromium for each file."""

from __future__ import annotations

import contextlib
import os
import pathlib
from collections.abc import Iterator
from typing import Any

import pytest

from . import lab
from .lessons import open_lesson


@pytest.fixture(scope="session")
def lab_server() -> Iterator[lab.Server]:
    with lab.lab_server() as server:
        yield server


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    """A Chromium of the file's own: an open Playwright leaves an event loop running in the thread
    of the tests, which is in the way of all others."""
    path = lab.chromium()
    if path is None:
        reason = "no Chromium found: install the package `chromium` or set CHROMIUM to its path"
        if os.environ.get("CI"):
            pytest.fail(reason)
        pytest.skip(reason)
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        chromium = playwright.chromium.launch(
            executable_path=path, headless=True, args=lab.CHROMIUM_FLAGS
        )
        yield chromium
        chromium.close()


@pytest.fixture(scope="module")
def context(browser: Any) -> Iterator[Any]:
    """What pages of a file share: the scripts of JupyterLab, read once."""
    context = browser.new_context(viewport=lab.WINDOW)
    yield context
    context.close()


@contextlib.contextmanager
def new_page(context: Any, server: lab.Server) -> Iterator[lab.LabPage]:
    """A tab, closed afterwards together with its kernel."""
    page = lab.LabPage(context.new_page(), server)
    yield page
    page.close()
    page.page.close()


@pytest.fixture
def lab_page(context: Any, lab_server: lab.Server) -> Iterator[lab.LabPage]:
    with new_page(context, lab_server) as page:
        yield page


@pytest.fixture(scope="module")
def tab(context: Any, lab_server: lab.Server) -> Iterator[lab.LabPage]:
    """The page in which the lessons of a file are opened, one after the other."""
    with new_page(context, lab_server) as page:
        yield page


@pytest.fixture(scope="module")
def lesson(request: pytest.FixtureRequest, tab: lab.LabPage) -> lab.LabPage:
    """A lesson that was opened and run, for all tests of a file: that takes ten seconds."""
    return open_lesson(tab, *request.param)


@pytest.fixture(scope="session")
def screenshots(tmp_path_factory: pytest.TempPathFactory) -> pathlib.Path:
    """Directory for pictures: RELU_LEARN_SCREENSHOTS, or one that is thrown away."""
    chosen = os.environ.get("RELU_LEARN_SCREENSHOTS")
    return pathlib.Path(chosen).resolve() if chosen else tmp_path_factory.mktemp("screenshots")

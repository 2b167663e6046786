"""Settings that every test file shares."""

import os
from typing import Any

import hypothesis
import numpy as np
import pytest

# Examples cost what a learner's run costs, so no deadline per example; CI must not depend on luck.
hypothesis.settings.register_profile("local", deadline=None)
hypothesis.settings.register_profile("ci", deadline=None, derandomize=True, print_blob=True)
hypothesis.settings.load_profile("ci" if os.environ.get("CI") else "local")


@pytest.fixture
def rng() -> np.random.Generator:
    """A generator with a fixed seed."""
    return np.random.default_rng(20211108)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Browser tests first: they mostly wait, and other tests run beside them (`pytest -n 2`)."""
    items.sort(key=lambda item: item.get_closest_marker("browser") is None)  # stable


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> Any:
    """Files stay whole: the cells of a notebook belong together. Those with a browser are one, so
    that one Chromium runs at a time."""
    from xdist.scheduler import LoadScopeScheduling

    class Files(LoadScopeScheduling):
        def _split_scope(self, nodeid: str) -> str:
            path = nodeid.split("::")[0]
            return "browser" if path.startswith("tests/browser/") else path

    return Files(config, log)

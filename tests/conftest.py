"""Settings that every test file shares."""

import os
import sys
from collections.abc import Iterator

# Two processes with a thread each, not with two: on two cores they take a fifth less time. Set
# before numpy is loaded here or in the kernels and workers that inherit it.
os.environ.setdefault("OMP_NUM_THREADS", "1")

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


@pytest.fixture(autouse=True)
def same_look() -> Iterator[None]:
    """A look is chosen for all widgets of a process: not by one test for the next."""
    yield
    look = sys.modules.get("relu_learn.widgets.look")
    if look and look.chosen() != look.AUTO:
        look.choose(look.AUTO)


@pytest.fixture(scope="module", autouse=True)
def undressed() -> Iterator[None]:
    """Widgets that a file leaves alive are not drawn anew with those of the next files.

    That took up to a second whenever a test chose a look.
    """
    yield
    if look := sys.modules.get("relu_learn.widgets.look"):
        look._wearers.clear()


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Browser tests first: they mostly wait, and other tests run beside them (`pytest -n 2`)."""
    items.sort(key=lambda item: item.get_closest_marker("browser") is None)  # stable

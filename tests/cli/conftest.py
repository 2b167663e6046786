"""What the tests of several commands share."""

import pytest

from relu_learn.cli import lessons


@pytest.fixture
def started(monkeypatch):
    """The command that `lab` would have become."""
    commands: list[list[str]] = []
    monkeypatch.setattr(lessons, "_hand_over", commands.append)
    return commands

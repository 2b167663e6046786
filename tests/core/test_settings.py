"""Settings: every rule names the argument and what was given."""

import dataclasses
import re

import numpy as np
import pytest

from relu_learn.asking.errors import InvalidArgument
from relu_learn.core.settings import Settings

POSITIVE = "{} must be a positive number, got {!r}"
RULES = {
    "method": ("method must be 'adaptive' or 'grid', got {1!r}", ["magic", None]),
    "validation": ("{} must be a positive integer, got {!r}", [0, 2.5, "3", np.inf]),
    "polish": ("{} must be True or False, got {!r}", ["no", 1, None]),
    "lean": ("{} must be True or False, got {!r}", ["no", 1, None]),
    "structure": ("structure must be 'auto' or None, got {1!r}", ["sparse", True, 0]),
    "epsilon": (POSITIVE, [0.0, -1.0, "x", np.inf, True]),
    "delta": ("{} must be a number in (0, 1), got {!r}", [0, 1, None, np.nan]),
    "r": (POSITIVE, [0, None, [1.0]]),
    "tau": (POSITIVE, [-1.0, np.inf]),
    "alpha": (POSITIVE, [0.0, "small"]),
    "repeats": ("{} must be a positive integer, got {!r}", [0, -1, 1.5, None]),
    "patience": (POSITIVE, [0, -1.0, None, np.nan]),
    "max_seconds": (POSITIVE, [0, -1.0, "x", np.inf]),
}


def test_every_setting_has_a_rule():
    assert RULES.keys() == {field.name for field in dataclasses.fields(Settings)}


@pytest.mark.parametrize("name", RULES)
def test_every_rule_names_the_argument_and_what_was_given(name):
    rule, values = RULES[name]
    for value in values:
        with pytest.raises(InvalidArgument, match=re.escape(rule.format(name, value))):
            Settings(**{name: value})


def test_intervals_fit_on_the_line():
    with pytest.raises(InvalidArgument, match=re.escape("r must be at most 2 tau = 2.0, got 3.0")):
        Settings(r=3, tau=1)
    assert Settings(r=2, tau=1).r == 2.0


def test_numbers_are_stored_as_python_has_them():
    settings = Settings(epsilon=np.float32(0.5), validation=20.0, r=np.int64(1))
    assert [type(v) for v in (settings.epsilon, settings.validation, settings.r)] == [
        float,
        int,
        float,
    ]
    with pytest.raises(dataclasses.FrozenInstanceError):
        settings.r = 3

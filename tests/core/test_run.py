"""One run: what is known, tested, kept and handed out."""

from __future__ import annotations

import pytest

from relu_learn import learn_from_queries, worst_error, zoo
from relu_learn.core.events import Validated

pytestmark = pytest.mark.numerical


def test_kinks_of_rounding_do_not_shorten_the_last_test():
    """With three real neurons and some of rounding a hat still has to be looked for thoroughly."""
    secret = zoo.hat(width=0.01, rng=42)
    result = learn_from_queries(secret, 2, rng=42)
    worst, scale = worst_error(secret, result.network)
    assert worst <= 1e-7 * scale
    tests = [event for event in result.trace if isinstance(event, Validated)]
    assert len(tests[-1].points) == 2000

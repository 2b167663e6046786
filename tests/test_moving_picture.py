"""The README's moving picture shows what a run did, and is the one that its command writes."""

from __future__ import annotations

import re
import sys
from pathlib import Path

import numpy as np
import pytest

from relu_learn.telling import events as ev

ROOT = Path(__file__).parents[1]
sys.path.insert(0, str(ROOT / "tests" / "benchmarks"))
import folded  # noqa: E402
import moving_picture  # noqa: E402
from film import Film, number  # noqa: E402

SHIPPED = (ROOT / ".github" / "screenshots" / "learning.svg").read_text(encoding="utf-8")


@pytest.fixture(scope="module")
def run() -> moving_picture.Run:
    return moving_picture.record()


def words(svg: str) -> list[str]:
    return re.findall(r">([^<>]+)</(?:text|title)>", svg)


def numbers(svg: str) -> tuple[list[str], list[float]]:
    """What is between the numbers, and the numbers; of a colour one for each of its channels."""

    def channels(found: re.Match[str]) -> str:
        return " ".join(str(level / 4) for level in bytes.fromhex(found[1]))

    parts = re.split(r"(-?\d*\.?\d+)", re.sub(r"#([0-9a-f]{6})\b", channels, svg))
    return parts[::2], [float(part) for part in parts[1::2]]


def test_it_is_what_its_command_writes(run):
    written = moving_picture.svg(run)
    hint = "python tests/benchmarks/moving_picture.py --write .github/screenshots/learning.svg"
    assert words(written) == words(SHIPPED), hint
    (between, values), (shipped_between, shipped_values) = numbers(written), numbers(SHIPPED)
    assert between == shipped_between, hint
    np.testing.assert_allclose(values, shipped_values, rtol=0, atol=0.3, err_msg=hint)


def test_a_facet_is_coloured_when_the_hypothesis_is_right_there_and_not_before(run):
    ends = [i for i, event in enumerate(run.trace) if isinstance(event, ev.ResidualFitted)][:1]
    ends += [i for i, event in enumerate(run.trace) if isinstance(event, ev.NeuronFound)]
    facets = folded.facets(run.secret.weights, run.secret.biases, moving_picture.REACH)
    assert len(facets) == 2 * run.secret.n_neurons  # all creases meet in the plane's nose
    for facet in facets:
        # Corners, drawn in a little: a network that is right on three of these is right between.
        inside = 0.9 * facet + 0.1 * facet.mean(axis=0)
        needed = moving_picture.learned_after(run, facet)
        for n, end in enumerate(ends):
            off = np.abs(run.trace.network_at(end)(inside) - run.secret(inside)).max()
            if n >= needed:
                assert off < 1e-6
            elif n == needed - 1:
                assert off > 0.01


def test_every_query_in_the_window_is_a_dot(run):
    seen = int((np.abs(run.asked) <= moving_picture.REACH).all(axis=1).sum())
    plane = SHIPPED.split("<svg ")[2]
    assert len(run.asked) == run.trace[-1].queries
    assert len(re.findall(r"h0", plane)) == seen


def test_it_plays_wherever_a_picture_is_shown_and_only_for_those_who_want_motion():
    assert len(SHIPPED.encode()) < 150_000
    assert "<script" not in SHIPPED and "@import" not in SHIPPED and "href" not in SHIPPED
    assert SHIPPED.count("http") == SHIPPED.count('xmlns="http://www.w3.org/2000/svg"') == 1
    still, moving = SHIPPED.split("@media (prefers-reduced-motion:no-preference)")
    assert "animation:" not in still and "animation:" in moving


def test_a_film_writes_equal_movements_once_and_coordinates_short():
    film = Film(10)
    assert film.come(1) == film.come(1) != film.come(2)
    assert film.style().count("@keyframes") == 2
    assert [number(x) for x in (-0.3, -0.04, 12.0, 1234.56)] == ["-0.3", "0", "12", "1234.6"]

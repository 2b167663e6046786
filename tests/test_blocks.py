"""The steps of the multi-output trick say what the learner did, and its equation holds."""

from __future__ import annotations

import math
from collections.abc import Iterator

import numpy as np
import pytest

from relu_learn.figures.blocks import BlockEquation, BlockLine, blocks_of
from relu_learn.judging.matching import match_neurons
from relu_learn.telling import events as ev
from relu_learn.widgets.blocks import OUTPUTS, BlockSteps, gradients


@pytest.fixture
def steps() -> Iterator[BlockSteps]:
    made = BlockSteps("3")
    yield made
    made.dispose()


@pytest.mark.parametrize("outputs", OUTPUTS)
def test_one_gradient_for_each_block(steps: BlockSteps, outputs: str) -> None:
    steps.outputs_menu.value = outputs
    k, m = steps.secret.n_neurons, int(outputs)
    assert gradients(steps.run.events) == math.ceil(k / m) + 1
    found = steps.run[-1].hypothesis.network
    assert len(match_neurons(found, steps.secret).pairs) == k
    assert not any(isinstance(event, ev.Validated) for event in steps.run.events)


@pytest.mark.parametrize("outputs", OUTPUTS)
def test_difference_of_jacobians_is_known_directions_times_found_weights(
    steps: BlockSteps, outputs: str
) -> None:
    steps.outputs_menu.value = outputs
    checked = set()
    for state in steps.run:
        events = steps.run.events[: state.index]
        blocks = blocks_of(events, steps.secret.dim, int(outputs))
        rows = blocks.found[blocks.current]
        if blocks.difference is None or np.isnan(rows).any():
            continue
        assert len(blocks.current) <= int(outputs)
        product = blocks.directions[:, blocks.current] @ rows
        np.testing.assert_allclose(product, blocks.difference, atol=1e-9)
        inverse = np.linalg.pinv(blocks.directions[:, blocks.current])
        np.testing.assert_allclose(inverse @ blocks.difference, rows, atol=1e-9)
        checked |= set(blocks.current.tolist())
    assert checked == set(range(steps.secret.n_neurons))


def test_directions_come_from_the_line_alone(steps: BlockSteps) -> None:
    first = next(s for s in steps.run if isinstance(s.event, ev.GradientMeasured))
    blocks = blocks_of(steps.run.events[: first.index - 1], 16, 3)
    assert blocks.difference is None and np.isnan(blocks.found).all()
    outputs = steps.secret.output_weights / np.linalg.norm(steps.secret.output_weights, axis=0)
    cosines = np.abs(outputs.T @ blocks.directions)
    assert sorted(cosines.argmax(axis=0)) == list(range(6))
    np.testing.assert_allclose(cosines.max(axis=0), 1)


def test_stepping_draws_and_tells(steps: BlockSteps) -> None:
    titles, sentences = set(), set()
    while not steps.transport.step_button.disabled:
        steps.transport.step_button.click()
        titles.add(steps.panels[0].figure["layout"]["title"]["text"])
        sentences.add(steps.narration.sentence)
    assert "Along the line: 3 outputs, 6 kinks, 3 gradients" in titles
    text = " ".join(sentences)
    assert "one more column of A" in text and "3 neurons switch" in text
    assert "a row of A⁺ (J′ − J)" in text and "3 of 3 gradients" in steps.narration.facts
    assert steps.messages.value == steps.transport.messages.value == ""


def test_share_string_and_themes(steps: BlockSteps) -> None:
    steps.transport.seek(15)
    steps.inputs["theme"].value = "dark"
    share = steps.share
    other = BlockSteps("6", theme="projector")
    other.share_text.value = share
    assert other.share == share and other.state.index == 15
    for mine, theirs in zip(steps.panels, other.panels, strict=True):
        assert mine.figure == theirs.figure
    before = other.share
    other.share_text.value = share.replace("outputs=3", "outputs=4")
    assert "must be one of 1, 2, 3, 6" in other.share_messages.value and other.share == before
    other.share_text.value = share.replace("step=15", "step=99").replace("dark", "light")
    assert "this run has 23 events, got 99" in other.share_messages.value and other.share == before
    other.dispose()


def test_pictures_before_the_first_event(steps: BlockSteps) -> None:
    blocks = blocks_of([], 16, 3)
    line = BlockLine().patch(steps.run[0], blocks)
    assert line.layout["title.text"] == "Along the line: 3 outputs, 0 kinks, 0 gradients"
    equation = BlockEquation().patch(blocks, 16, 3)
    assert all(np.isnan(equation.traces[i]["z"]).all() for i in range(3))
    assert equation.layout["xaxis.range"] == [0.5, 16.5]  # frames that will hold 3 × 16 numbers
    assert equation.layout["yaxis.range"] == [3.5, 0.5]

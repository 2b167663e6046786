"""Saved runs in the player: a good file replays, any other is a sentence and changes nothing."""

from __future__ import annotations

import datetime
import json
import pathlib
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest

from relu_learn import learn_from_queries, zoo
from relu_learn.asking.errors import InvalidArgument
from relu_learn.telling.events import Finished
from relu_learn.telling.trace import Trace
from relu_learn.widgets import Player
from relu_learn.widgets.narration import readable
from relu_learn.widgets.recording import read_trace, replay


@pytest.fixture(scope="module")
def trace() -> Trace:
    return learn_from_queries(zoo.get("tent"), dim=2, rng=3).trace


@pytest.fixture(scope="module")
def saved(trace: Trace, tmp_path_factory: pytest.TempPathFactory) -> bytes:
    path: pathlib.Path = tmp_path_factory.mktemp("traces") / "tent.npz"
    trace.save(path)
    return path.read_bytes()


@pytest.fixture
def player() -> Iterator[Player]:
    made = Player("valley", seed=1)
    made.transport.seek(4)
    yield made
    made.dispose()


def upload(player: Player, content: bytes, name: str = "run.npz") -> None:
    """What the page sends when a file has been chosen."""
    file = {"name": name, "type": "", "size": len(content), "content": memoryview(content)}
    player.upload.value = ({**file, "last_modified": datetime.datetime.now(datetime.timezone.utc)},)


def changed(content: bytes, tmp_path: pathlib.Path, **arrays: Any) -> bytes:
    """The file with some of its arrays replaced."""
    source, path = tmp_path / "source.npz", tmp_path / "changed.npz"
    source.write_bytes(content)
    with np.load(source) as file:
        np.savez(path, **({name: file[name] for name in file.files} | arrays))
    return path.read_bytes()


def titles(player: Player) -> list[str]:
    return [panel.figure["layout"]["title"]["text"] for panel in player._panels]


def test_file_replays_and_the_menu_brings_back_live_runs(
    player: Player, saved: bytes, trace: Trace
) -> None:
    upload(player, saved)
    assert player.secret is None and player.state.index == 0
    assert player.secret_menu.value == "loaded run" and player.share_messages.value == ""
    assert player.upload.value == (), "the same file can be chosen again"
    controls = (player.method_menu, player.seed_text, player.transport.reveal_button)
    assert all(control.disabled for control in controls)
    player.transport.seek(10**6)
    assert isinstance(player.state.event, Finished) and player.state.index == len(trace)
    assert player.narration.sentence == readable(trace[-1].narration)
    assert player.state.hypothesis.network == trace[-1].network
    assert "learner's own test" in titles(player)[2], "nobody knows the secret of a file"
    share = player.share
    player.secret_menu.value = "tent"
    assert player.secret == zoo.get("tent") and not any(control.disabled for control in controls)
    player.share_text.value = share
    assert player.secret is None and player.state.index == len(trace)


def test_files_that_are_none(player: Player, saved: bytes, tmp_path: pathlib.Path) -> None:
    heads = np.frombuffer(json.dumps([{"type": "Nonsense"}]).encode(), np.uint8)
    wrong = {
        "run.npz must be an undamaged saved trace": [
            b"",
            b"not a file of ours",
            saved[: len(saved) // 2],
            saved[:200] + b"!" + saved[201:],
            changed(saved, tmp_path, events=heads),
        ],
        "run.npz is a trace of version 99, need": [changed(saved, tmp_path, version=np.array(99))],
    }
    before = player.share, player.run, player.state, player.secret_menu.options, titles(player)
    for sentence, contents in wrong.items():
        for content in contents:
            upload(player, content)
            assert sentence in player.share_messages.value
            now = player.share, player.run, player.state, player.secret_menu.options
            assert (*now, titles(player)) == before
    player.transport.step_button.click()
    assert player.state.index == 5, "the live run goes on"
    upload(player, saved)
    assert player.share_messages.value == "" and player.secret is None
    upload(player, b"broken")
    assert player.secret is None and "undamaged" in player.share_messages.value


@pytest.mark.parametrize("part", ["direction", "point", "t_range", "jump", "weights"])
def test_arrays_of_another_shape_change_nothing(
    player: Player, saved: bytes, tmp_path: pathlib.Path, part: str
) -> None:
    """A file that reads well, and would break a picture in the middle of the lesson."""
    (tmp_path / "whole.npz").write_bytes(saved)
    with np.load(tmp_path / "whole.npz") as file:
        name = next(name for name in file.files if name.endswith(f".{part}"))
        short = file[name].ravel()[:-1]
    before = player.share, player.run, titles(player)
    upload(player, changed(saved, tmp_path, **{name: short}))
    assert "trace must fit together" in player.share_messages.value
    assert (player.share, player.run, titles(player)) == before


def test_traces_with_nothing_to_show(player: Player, trace: Trace, saved: bytes) -> None:
    for empty in (Trace(), trace[:1]):
        with pytest.raises(InvalidArgument, match="must reach its first line"):
            player.load(empty)
        with pytest.raises(InvalidArgument, match="first line"):
            Player(empty)
    other = learn_from_queries(zoo.random_network(3, 2, rng=0), dim=3, rng=0).trace
    with pytest.raises(InvalidArgument, match="must fit together"):
        replay(Trace([*trace, *other]))
    assert player.share.startswith("player?secret=valley") and player.state.index == 4
    assert len(read_trace("a name", saved)) == len(trace)


def test_part_of_a_run(trace: Trace) -> None:
    player = Player(trace[:12], theme="dark")
    player.transport.play_button.disabled = True
    player.transport.seek(10**6)
    assert player.state.index == 12 and "secret=loaded+run" in player.share
    player.dispose()


def test_output_menu() -> None:
    two = zoo.random_network(2, 3, 2, rng=0)
    player = Player(two, secrets=["tent"])
    assert player.output_menu.layout.display is None
    player.transport.seek(10**6)
    player.transport.revealed = True
    for output in (0, 1):
        player.output_menu.value = str(output + 1)
        plane, along = player._views[:2]
        z = np.frombuffer(player._panels[0].figure["data"][0]["z"]["data"], "<f4")
        x, y = np.meshgrid(plane.axis, plane.axis)
        expected = two(np.stack([x.ravel(), y.ravel()], axis=1))[:, output]
        np.testing.assert_allclose(z, expected, rtol=1e-5, atol=1e-5)
        assert (plane.output, along.output) == (output, output)
        assert f"output={output + 1}" in player.share
    share, index = player.share, player.state.index
    assert index > 0, "another output is no reason to lose the place"
    player.share_text.value = share.replace("output=2", "output=3")
    assert "output must be at most 2, got 3" in player.share_messages.value
    player.secret_menu.value = "tent"
    assert player.output_menu.layout.display == "none" and "output" not in player.share
    player.share_text.value = share
    assert player.share == share
    player.dispose()

"""The README's picture of each lesson: a view that shows its one idea."""

from __future__ import annotations

import os
import pathlib
from collections.abc import Callable
from typing import Any

from .lab import LabPage

MOST_BYTES = 300_000


def press(name: str) -> Callable[[LabPage, Any], None]:
    """Press a button of the view."""

    def act(lab: LabPage, root: Any) -> None:
        root.locator("button", has_text=name).first.click()
        lab.settle()

    return act


def choose(menu: str, option: str) -> Callable[[LabPage, Any], None]:
    """Choose from a menu of the view."""

    def act(lab: LabPage, root: Any) -> None:
        root.locator(".widget-dropdown", has_text=menu).locator("select").select_option(option)
        lab.settle()

    return act


def to_the_end(lab: LabPage, root: Any) -> None:
    """Step the transport of the view to its last event."""
    step = root.locator("button", has_text="Step")
    while step.is_enabled():
        step.click()
        lab.settle()


def until_trained(lab: LabPage, root: Any) -> None:
    """Wait until the passive learners have run, or stop them if nobody will see the picture."""
    if not os.environ.get("RELU_LEARN_SCREENSHOTS"):
        root.locator("button", has_text="Stop").click()
    root.locator("button", has_text="Start training").wait_for(timeout=120_000)  # not "Stop"
    lab.settle()


def until_attacked(lab: LabPage, root: Any) -> None:
    """Attack behind every defence, if somebody will see the picture."""
    if os.environ.get("RELU_LEARN_SCREENSHOTS"):
        every = root.locator("button", has_text="Attack each")
        every.click()
        root.locator("button", has_text="Stop").wait_for()
        root.locator("button", has_text="Stop").wait_for(state="detached", timeout=120_000)
        lab.settle()


# For each lesson: which view, and what to do in it first.
PICTURES: dict[str, tuple[int, list[Callable[[LabPage, Any], None]]]] = {
    "01_creased_paper": (0, []),
    "02_hyperplane_discovery": (1, [choose("Method", "adaptive"), to_the_end]),
    "03_neuron_clustering": (0, [choose("Pair", "close")]),
    "04_loss_convergence": (0, [press("Start training"), until_trained]),
    "05_high_dimensions": (2, []),
    "06_black_boxes_in_the_wild": (0, [until_attacked]),
    "07_be_the_algorithm": (0, []),
    "08_why_it_works": (0, []),
    "09_after_the_theft": (1, []),
}


def readme_picture(lab: LabPage, name: str, folder: pathlib.Path) -> None:
    """Write the README's picture of a lesson, and see that it is small enough for a README."""
    index, actions = PICTURES[name]
    root = lab.page.locator(".rl-root").nth(index)
    root.scroll_into_view_if_needed()
    for act in actions:
        act(lab, root)
    seen_at_once(lab, root, folder / f"{name}.png")


def seen_at_once(lab: LabPage, root: Any, path: pathlib.Path) -> None:
    """Write the picture of an explorer without its share string, for which one scrolls."""
    path.parent.mkdir(parents=True, exist_ok=True)
    root.evaluate("root => root.scrollIntoView()")
    box = root.bounding_box()
    views = root.locator(".rl-views, .rl-row").first.bounding_box()
    clip = {key: box[key] for key in ("x", "y", "width")}
    clip["height"] = views["y"] + views["height"] - box["y"]
    lab.page.screenshot(path=str(path), clip=clip)
    assert path.stat().st_size < MOST_BYTES

"""Plotly figures as PNG files, drawn by the system's Chromium."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from pathlib import Path

import plotly.graph_objects as go

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT))

from tests.browser import lab  # noqa: E402  (a script's path starts at its own directory)

WIDTH, SCALE = 960, 1.5  # two pictures of a README's column, sharp on most screens
MOST_BYTES = 200_000


def save(figures: Mapping[str, go.Figure], folder: Path) -> None:
    """Write `name`.png for each figure, as wide as a README's column."""
    from playwright.sync_api import sync_playwright

    folder.mkdir(parents=True, exist_ok=True)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=lab.chromium(), headless=True, args=lab.CHROMIUM_FLAGS
        )
        page = browser.new_page(device_scale_factor=SCALE)
        for name, figure in figures.items():
            height = int(figure.layout.height)
            page.set_viewport_size({"width": WIDTH, "height": height})
            page.set_content(figure.to_html(include_plotlyjs=True, config={"staticPlot": True}))
            page.add_style_tag(content="body { margin: 0 }")
            page.wait_for_selector(".main-svg")
            path = folder / f"{name}.png"
            page.locator(".js-plotly-plot").screenshot(path=str(path))
            if path.stat().st_size >= MOST_BYTES:
                raise SystemExit(f"{path} has {path.stat().st_size:,} bytes")
        browser.close()

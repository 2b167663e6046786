"""Seconds and milliseconds of the lessons, in a real JupyterLab in a real Chromium.

    python tests/benchmarks/lessons.py [--only 01_creased_paper] [--moves 20] [--quick] [--markdown]

Per notebook: "ready" is the time from the address to an idle kernel, "first figure" from the same
to the first figure drawn, by way of "Run all cells", and "all" from there to the last cell done and
all figures drawn. A fresh browser without a debugger opens it, as for a reader (Playwright listens
to every script and message of the page, which then needs a second longer).
Per slider move or step, from the key press or click: "redrawn" is when the last figure that changes
has been drawn (median and 95th percentile over all moves of all sliders and all steps); "kernel" is
the part of it between the message's arrival in the kernel and the end of its handler, "drawing" the
part spent in plotly.js. The rest is the way through the notebook server and waiting. The last row
is all moves and steps of the 2D lessons together. Other processes on the machine count: the load
average is printed with every row.
"""

from __future__ import annotations

import argparse
import os
import shutil
import statistics
import sys
from pathlib import Path
from typing import Any

from common import parse_names, table
from opening import opening

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT))

from tests.browser import lab  # noqa: E402  (a script's path starts at its own directory)

NAMES = sorted(path.stem for path in (ROOT / "notebooks").glob("*.ipynb"))
QUICK = ["02_hyperplane_discovery"]
PLANE = ("00", "01", "02", "03", "07")  # lessons with two inputs
HEAD = ["notebook", "ready s", "first figure s", "all s", "moves", "redrawn p50 ms", "p95 ms"]
HEAD += ["kernel p50 ms", "drawing p50 ms", "load"]

# Kernel messages carry the kernel's own clock: busy and idle enclose one handler.
INSTRUMENT = """async () => {
  const stats = window.__stats = {kernel: 0, drawing: 0};
  const busy = {};
  jupyterapp.shell.currentWidget.sessionContext.iopubMessage.connect((_, message) => {
    if (message.header.msg_type !== 'status') return;
    const parent = message.parent_header.msg_id, now = Date.parse(message.header.date);
    if (message.content.execution_state === 'busy') busy[parent] = now;
    else if (parent in busy) stats.kernel += now - busy[parent];
  });
  for (const {ready} of Object.values(globalThis.__reluLearn.plotly)) {
    const plotly = await ready, update = plotly.update;
    plotly.update = (...args) => {
      const start = performance.now(), result = update.apply(plotly, args);
      stats.drawing += performance.now() - start;
      return result;
    };
  }
}"""
ACT = """async (handle, key) => {
  let last = 0;
  const plots = handle.closest('.rl-root').querySelectorAll('.js-plotly-plot');
  const watch = () => { last = performance.now(); };
  for (const plot of plots) plot.on('plotly_afterplot', watch);
  Object.assign(window.__stats, {kernel: 0, drawing: 0});
  const start = performance.now();
  const event = new KeyboardEvent('keydown', {key, bubbles: true, cancelable: true});
  if (key) handle.dispatchEvent(event);
  else handle.click();
  for (let i = 0; i < 60 && (!last || performance.now() - last < 300); i++)
    await new Promise(resolve => setTimeout(resolve, 50));
  for (const plot of plots) plot.removeListener('plotly_afterplot', watch);
  return last ? [last - start, window.__stats.kernel, window.__stats.drawing] : null;
}"""
STEP = ".rl-root button[title='One event forward']:visible"


def moves(page: Any, count: int) -> list[list[float]]:
    """So many moves of every visible slider of every explorer, right and left; so many steps."""
    sliders = page.locator(".rl-root .noUi-handle:visible").all()
    steps = page.locator(STEP).all()
    controls = [(one, ("ArrowRight", "ArrowLeft")) for one in sliders]
    found = []
    for control, keys in [*controls, *((one, ("", "")) for one in steps)]:
        control.scroll_into_view_if_needed()
        for i in range(count):
            if control.is_enabled():  # a run that is at its end has no further step
                found.append(control.evaluate(ACT, keys[i % 2]))
    return [took for took in found if took is not None]


def summary(times: list[list[float]]) -> list[str]:
    """Medians, and the 95th percentile of what was redrawn."""
    if not times:
        return ["0", "-", "-", "-", "-"]
    redrawn, kernel, drawing = zip(*times, strict=True)
    late = sorted(redrawn)[int(0.95 * (len(redrawn) - 1))]
    cells = [
        statistics.median(redrawn),
        late,
        statistics.median(kernel),
        statistics.median(drawing),
    ]
    return [str(len(times)), *(f"{cell:.0f}" for cell in cells)]


def row(
    browser: Any, server: lab.Server, name: str, count: int
) -> tuple[list[str], list[list[float]]]:
    """One notebook: its line of the table, and its moves."""
    shutil.copy(ROOT / "notebooks" / f"{name}.ipynb", server.root)
    ready, first, everything = opening(server, f"{name}.ipynb")
    seconds = [f"{t:.1f}" for t in (ready, ready + first, everything)]
    context = browser.new_context(viewport={"width": 1400, "height": 1000})
    page = lab.LabPage(context.new_page(), server)
    page.open(f"{name}.ipynb")
    page.run_all()
    page.page.evaluate(INSTRUMENT)
    times = moves(page.page, count)
    page.assert_clean()
    page.close()
    context.close()
    return [name, *seconds, *summary(times), f"{os.getloadavg()[0]:.1f}"], times


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--only", help="comma-separated notebooks, without .ipynb")
    parser.add_argument("--moves", type=int, default=20, help="moves of each slider, and steps")
    parser.add_argument("--quick", action="store_true", help="one notebook, one move")
    parser.add_argument("--markdown", action="store_true")
    chosen = parser.parse_args()
    names = parse_names(chosen.only) or (QUICK if chosen.quick else NAMES)
    count = 1 if chosen.quick else chosen.moves
    from playwright.sync_api import sync_playwright

    unknown = [name for name in names if name not in NAMES]
    if unknown:
        parser.error(
            f"argument --only: no notebook {unknown[0]!r} (choose from {', '.join(NAMES)})"
        )
    rows, plane = [], []
    with lab.lab_server() as server, sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=lab.chromium(), headless=True, args=lab.CHROMIUM_FLAGS
        )
        for name in names:
            cells, times = row(browser, server, name, count)
            rows.append(cells)
            plane += times if name.startswith(PLANE) else []
            print(" | ".join(rows[-1]), file=sys.stderr, flush=True)
        browser.close()
    rows.append(["2D lessons", "-", "-", "-", *summary(plane), f"{os.getloadavg()[0]:.1f}"])
    print(table(HEAD, rows, chosen.markdown))


if __name__ == "__main__":
    main()

"""Seconds and milliseconds of the lessons, in a real JupyterLab in a real Chromium.

    python tests/benchmarks/lessons.py [--only 01_creased_paper] [--moves 20] [--quick] [--markdown]

Per notebook: "ready" is the time from the address to an idle kernel, "first figure" from the same
to the first figure drawn, by way of "Run all cells", and "all" from there to the last cell done and
all figures drawn. A fresh browser without a debugger opens it, as for a reader (Playwright listens
to every script and message of the page, which then needs a second longer).
Per slider move or step, from the key press or click: "redrawn" is when the last figure that changes
has been drawn (median and 95th percentile over all moves of all sliders and all steps); "kernel" is
the part of it between the message's arrival in the kernel and the end of its handler, "drawing" the
part spent in plotly.js. The rest is the way through the notebook server and waiting. "hand" is
another thing: what can be dragged on the picture is drawn by the page itself, and the time is from
the pointer's move to the frame painted (median over all moves of all handles). "kernel trip" is an
empty request to the kernel and back: the other times as multiples of it compare machines. The last
row is all moves and steps of the 2D lessons together. Other processes on the machine count: the
load average is printed with every row.
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
HEAD += ["kernel p50 ms", "drawing p50 ms", "hand p50 ms", "kernel trip ms", "load"]

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
  const layers = new MutationObserver(watch);  // what the page draws over the figures by itself
  for (const plot of plots) {
    plot.on('plotly_afterplot', watch);
    const layer = plot.parentElement.querySelector('.rl-layer');
    layers.observe(layer, {subtree: true, childList: true, attributes: true});
  }
  Object.assign(window.__stats, {kernel: 0, drawing: 0});
  const start = performance.now();
  const event = new KeyboardEvent('keydown', {key, bubbles: true, cancelable: true});
  if (key) handle.dispatchEvent(event);
  else handle.click();
  for (let i = 0; i < 60 && (!last || performance.now() - last < 300); i++)
    await new Promise(resolve => setTimeout(resolve, 50));
  layers.disconnect();
  for (const plot of plots) plot.removeListener('plotly_afterplot', watch);
  return last ? [last - start, window.__stats.kernel, window.__stats.drawing] : null;
}"""
# After a frame was painted the page comes to its next message.
WATCH_HAND = """() => {
  window.__hand = [];
  addEventListener('pointermove', () => {
    const start = performance.now();
    requestAnimationFrame(() => {
      const {port1, port2} = new MessageChannel();
      port1.onmessage = () => window.__hand.push(performance.now() - start);
      port2.postMessage(0);
    });
  }, {capture: true});
}"""
TRIP = """async () => {
  const kernel = jupyterapp.shell.currentWidget.sessionContext.session.kernel, times = [];
  for (let i = 0; i < 9; i++) {
    const start = performance.now();
    await kernel.requestExecute({code: '', silent: true, store_history: false}).done;
    times.push(performance.now() - start);
  }
  return times.sort((a, b) => a - b)[4];
}"""
HANDLES = ".rl-root .rl-hit:visible, .rl-root .rl-sheet canvas:visible"
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


def drags(page: Any, count: int) -> list[float]:
    """Milliseconds from move to frame, so many moves of every handle that a hand can take."""
    page.evaluate(WATCH_HAND)
    for handle in page.locator(HANDLES).all():
        if not handle.is_visible():  # the drag before this one has moved it out of the picture
            continue
        handle.scroll_into_view_if_needed()
        box = handle.bounding_box()
        x, y = box["x"] + box["width"] / 2, box["y"] + box["height"] / 2
        page.mouse.move(x, y)
        page.mouse.down()
        for i in range(max(count, 2)):
            page.mouse.move(x + 2 * (i % 7), y + 1 + i % 5)
            page.wait_for_timeout(20)
        page.mouse.up()
    return list(page.evaluate("() => window.__hand"))


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


def median(times: list[float]) -> str:
    """Of milliseconds, "-" if there are none."""
    return f"{statistics.median(times):.0f}" if times else "-"


def row(
    browser: Any, server: lab.Server, name: str, count: int
) -> tuple[list[str], list[list[float]], list[float]]:
    """One notebook: its line of the table, its moves, and its drags on the picture."""
    shutil.copy(ROOT / "notebooks" / f"{name}.ipynb", server.root)
    ready, first, everything = opening(server, f"{name}.ipynb")
    seconds = [f"{t:.1f}" for t in (ready, ready + first, everything)]
    context = browser.new_context(viewport={"width": 1400, "height": 1000})
    page = lab.LabPage(context.new_page(), server)
    page.open(f"{name}.ipynb")
    page.run_all()
    page.page.evaluate(INSTRUMENT)
    times, hand = moves(page.page, count), drags(page.page, count)
    trip = page.page.evaluate(TRIP)
    page.assert_clean()
    page.close()
    context.close()
    cells = [name, *seconds, *summary(times), median(hand), f"{trip:.0f}"]
    return [*cells, f"{os.getloadavg()[0]:.1f}"], times, hand


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
    rows, plane, hands = [], [], []
    with lab.lab_server() as server, sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=lab.chromium(), headless=True, args=lab.CHROMIUM_FLAGS
        )
        for name in names:
            cells, times, hand = row(browser, server, name, count)
            rows.append(cells)
            plane += times if name.startswith(PLANE) else []
            hands += hand
            print(" | ".join(rows[-1]), file=sys.stderr, flush=True)
        browser.close()
    last = [*summary(plane), median(hands), "-", f"{os.getloadavg()[0]:.1f}"]
    rows.append(["2D lessons", "-", "-", "-", *last])
    print(table(HEAD, rows, chosen.markdown))


if __name__ == "__main__":
    main()

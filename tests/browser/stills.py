"""Make the stills of all lessons: the picture of each explorer, late, in 128 colours.

    python -m tests.browser.stills            # the pictures, into relu_learn/widgets/stills
    python -m tests.browser.stills --bake     # and then into the notebooks; lessons can be named
    python -m tests.browser.stills --heads    # the picture below each title, into the notebook

Needs Chromium and Pillow. The first explorer of its kind, in the order of the lessons, is the one
that is pictured.
"""

from __future__ import annotations

import base64
import io
import sys
from typing import Any

import nbclient
import nbformat

from relu_learn.widgets import still

from . import lab
from .lessons import open_lesson

WINDOW = {"width": 1180, "height": 860}
COLOURS = 128
# What is done with an explorer `w` before its picture is taken; for the others the start is best.
LATE = {
    "Activations": "w.learn_button.click()",
    "BlockSteps": "w.transport.seek(10**6)",
    "Game": "w.ask(-2, 1); w.ask(2, 0.5); w.questions.ask_between(); w.questions.ask_between();"
    " w.refresh()",
    "HyperplaneLab": "w.method_menu.value = 'adaptive'; w.transport.seek(10**6)",
    "KinkBench": "w.a.value = 1.4; w.reveal.value = True",
    "ManyOutputs": "[setattr(w.outputs_slider, 'value', m) for m in (2, 4, 8, 16, 32)]",
    "PairLab": "w.preset_menu.value = 'close'",
    "Player": "w.run.finish(); w.transport.seek(len(w.run) - 4)",
    "Race": "w.start()",
    "SameSlice": "w.dim_slider.value = 784",
    "Softmax": "w.kind_menu.value = w.kinds[2]; w.learn_button.click()",
    "UnderAttack": "from relu_learn.widgets.under_attack import ALL; w.attack(*ALL)",
}
# Below the title: one figure that shows what the lesson is about and answers no question of it.
HEADS = {
    "00_start_here": ("Player", ".rl-plot"),
    "01_creased_paper": ("CreasedPaper", ".rl-sheet canvas"),
    "02_hyperplane_discovery": ("KinkBench", ".rl-plot"),
    "03_neuron_clustering": ("PairLab", ".rl-plot"),
    "04_loss_convergence": ("Race", ".rl-plot"),
    "05_high_dimensions": ("DigitsWeights", ".rl-plot"),
    "06_black_boxes_in_the_wild": ("UnderAttack", ".rl-plot"),
    "07_be_the_algorithm": ("Game", ".rl-plot"),
    "08_why_it_works": ("HiddenPlane", ".rl-plot"),
    "09_after_the_theft": ("Attacked", ".rl-plot"),
}
HEAD_WINDOW = {"width": 940, "height": 640}
AS_IT_OPENS = {"Race", "PairLab"}
FIND = """
import gc
from relu_learn.widgets.style import Styled
found = {w.still_name: w for w in reversed(gc.get_objects())
         if isinstance(w, Styled) and w.comm is not None and w._dom_classes}
"""


def picture(page: lab.LabPage, name: str) -> bytes:
    """Sentence and figures of the explorer of that name: controls would be dead in a picture."""
    root = page.page.locator(f".still-{name}")
    root.evaluate("root => root.scrollIntoView()")
    page.settle()
    page.page.wait_for_timeout(600)
    views = root.locator(".rl-views, .rl-row").first.bounding_box()
    clip = {key: views[key] for key in ("x", "width")}
    clip["y"] = root.locator(".rl-facts").first.bounding_box()["y"]
    clip["height"] = views["y"] + views["height"] - clip["y"]
    return small(page.page.screenshot(clip=clip))


def small(png: bytes) -> bytes:
    """A screenshot in few colours."""
    from PIL import Image

    shot = Image.open(io.BytesIO(png)).convert("RGB")
    # The colours that are farthest apart: the most frequent ones are all greys and blues.
    few = shot.quantize(COLOURS, method=Image.Quantize.MAXCOVERAGE, dither=Image.Dither.NONE)
    out = io.BytesIO()
    few.save(out, "PNG", optimize=True)
    return out.getvalue()


def make(page: Any, server: lab.Server, lesson: str, done: set[str]) -> None:
    """Pictures of all explorers of a lesson that are not done yet."""
    page.set_viewport_size(WINDOW)
    here = open_lesson(lab.LabPage(page, server), lesson)
    names = here.python(FIND + "print(*found)").split()
    for name in names:
        if name in done:
            continue
        here.python(FIND + f"w = found[{name!r}]; w.add_class('still-{name}')")
        told = here.python(FIND + f"w = found[{name!r}]; {LATE.get(name, '')}")
        if name == "Race":
            root = page.locator(".still-Race")
            root.locator("button", has_text="Start training").wait_for(timeout=240_000)
        here.settle()
        # An explorer dresses itself anew now and then, and loses our mark.
        here.python(FIND + f"found[{name!r}].add_class('still-{name}')")
        here.settle()
        data = picture(here, name)
        (still._FOLDER / f"{name}.png").write_bytes(data)
        print(f"{name:18} {len(data):7,} bytes {told[-200:]}", flush=True)
        done.add(name)
    here.close()


def head(page: Any, server: lab.Server, path: Any) -> int:
    """Put the picture below a lesson's title into its notebook; the bytes of the picture."""
    name, figure = HEADS[path.stem]
    page.set_viewport_size(HEAD_WINDOW)
    here = open_lesson(lab.LabPage(page, server), path.stem)
    late = "" if name in AS_IT_OPENS else LATE.get(name, "")
    here.python(FIND + f"w = found[{name!r}]; {late}")
    here.settle()
    here.python(FIND + f"found[{name!r}].add_class('still-head')")
    root = page.locator(".still-head")
    root.evaluate("root => root.scrollIntoView()")
    here.settle()
    page.wait_for_timeout(600)
    png = small(root.locator(figure).first.screenshot())
    here.close()
    notebook = nbformat.read(path, as_version=4)
    notebook.cells[0].attachments = {"head.png": {"image/png": base64.b64encode(png).decode()}}
    nbformat.write(notebook, path)
    return len(png)


def bake(path: Any) -> int:
    """Run a notebook, and keep what can be seen without a kernel; the bytes of the file."""
    before = nbformat.read(path, as_version=4)
    ran = nbformat.read(path, as_version=4)
    place = {"metadata": {"path": path.parent}}
    nbclient.NotebookClient(ran, store_widget_state=False, resources=place).execute()
    for cell, new in zip(before.cells, ran.cells, strict=True):
        if cell.cell_type == "code":
            claims = "nbval-check-output" in cell.metadata.get("tags", ())
            cell.outputs = [out for out in new.outputs if stays(out, claims)]
            # nbval refuses outputs of a cell that seems not to have been run.
            cell.execution_count = 1 if cell.outputs else None
            for out in cell.outputs:
                if "execution_count" in out:
                    out["execution_count"] = 1
    nbformat.write(before, path)
    return int(path.stat().st_size)


def stays(output: Any, claims: bool) -> bool:
    """Whether an output is seen without a kernel; of what is printed, only claims are kept."""
    if output.output_type == "stream":
        return claims and output.name == "stdout"
    return bool({"text/html", "image/png"} & set(output.get("data", {})))


def main() -> None:
    """All lessons."""
    from playwright.sync_api import sync_playwright

    paths = sorted((lab.ROOT / "notebooks").glob("*.ipynb"))
    named = [name for name in sys.argv[1:] if not name.startswith("--")]
    chosen = [p for p in paths if not named or p.stem in named]
    if "--bake" not in sys.argv:
        done: set[str] = set()
        with lab.lab_server() as server, sync_playwright() as playwright:
            chromium = playwright.chromium.launch(
                executable_path=lab.chromium(), args=lab.CHROMIUM_FLAGS
            )
            for path in chosen:
                if "--heads" not in sys.argv:
                    make(chromium.new_page(), server, path.stem, done)
                elif path.stem in HEADS:
                    print(path.stem, head(chromium.new_page(), server, path), "bytes", flush=True)
        return
    for path in chosen:
        print(f"{path.name:36} {bake(path):9,} bytes", flush=True)


if __name__ == "__main__":
    main()

"""Build the site: `python .github/build_site.py [--lite] FOLDER`, with the `test` extra installed.

README and documents, every lesson with its picture and a run that plays, the teacher's page among
them, and the reference of the public modules from their docstrings. With `--lite` also JupyterLite,
in which the lessons run in the browser (needs jupyterlite-core, jupyterlite-pyodide-kernel, build).
"""

from __future__ import annotations

import argparse
import html
import json
import pathlib
import posixpath
import re
import shutil
import string
import subprocess
import sys
import tempfile

import pdoc
from latex2mathml.converter import convert
from nbconvert.filters import markdown2html
from owner import ROOT, owner

from relu_learn import __version__, learn_from_queries, zoo
from relu_learn.figures import export_html

# What has a page of its own beside the lessons: where it is in the repository, and on the site.
DOCUMENTS = {
    "README.md": "index.html",
    "tests/benchmarks/RESULTS.md": "results.html",
    "tests/benchmarks/RELIABILITY.md": "reliability.html",
    ".github/CONTRIBUTING.md": "contributing.html",
    ".github/CHANGELOG.md": "changes.html",
    ".github/PUBLISHING.md": "publishing.html",
}
LESSONS = {
    f"notebooks/{path.name}": f"lessons/{path.stem}.html"
    for path in sorted((ROOT / "notebooks").glob("*.ipynb"))
}
PAGES = {**DOCUMENTS, **LESSONS}
# The run that plays on a lesson's page: the secret that it is about.
RUNS = {
    "00_start_here": "paper_plane",
    "01_creased_paper": "tent",
    "02_hyperplane_discovery": "paper_plane",
    "03_neuron_clustering": "near_parallel",
    "05_high_dimensions": "digits",
    "09_after_the_theft": "digits",
    "99_for_teachers": "paper_plane",
}
PUBLIC = ["", ".figures", ".widgets", ".telling.events", ".judging.theory", ".baselines"]
FORMULA = re.compile(r"\$\$(.+?)\$\$|\$(.+?)\$", re.DOTALL)
NO_FORMULA = re.compile(r"(<pre.*?</pre>|<code.*?</code>|<[^>]*>)", re.DOTALL)
NAVIGATION = {
    "relu_learn": "index.html",
    "First lesson": "lessons/00_start_here.html",
    "For teachers": "lessons/99_for_teachers.html",
    "Reference": "api/relu_learn.html",
    "Results": "results.html",
    "Reliability": "reliability.html",
}


class Site:
    """The folder that is written, and how its pages find each other."""

    def __init__(self, folder: pathlib.Path, lite: bool) -> None:
        self.folder = folder
        self.lite = lite
        self.shell = string.Template((ROOT / ".github" / "site.html").read_text("utf-8"))
        self.repository = f"https://github.com/{owner()}/relu_learn/blob/HEAD"

    def link(self, target: str, source: str) -> str:
        """Where a link of a document leads on the site; pictures are copied on the way."""
        if re.match(r"[a-z]+:|#", target):
            return target
        path, hash_, fragment = target.partition("#")
        place = posixpath.normpath(posixpath.join(posixpath.dirname(source), path))
        if place in PAGES:
            there = PAGES[place]
        elif pathlib.Path(place).suffix in (".png", ".svg", ".gif"):
            there = f"pictures/{posixpath.basename(place)}"
            copy = self.folder / there
            copy.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(ROOT / place, copy)
        else:
            return f"{self.repository}/{place}{hash_}{fragment}"
        return posixpath.relpath(there, posixpath.dirname(PAGES[source])) + hash_ + fragment

    def markdown(self, text: str, source: str) -> str:
        """HTML of a document of the repository, its links made to lead to the site's pages."""

        def relink(found: re.Match[str]) -> str:
            target = self.link(html.unescape(found[2]), source)
            return f'{found[1]}="{html.escape(target)}"'

        linked = re.sub(r'(?<= )(href|src)="([^"]*)"', relink, markdown2html(text))
        parts = NO_FORMULA.split(linked)  # code and tags are every other one
        parts[::2] = [FORMULA.sub(_mathml, part) for part in parts[::2]]
        return "".join(parts)

    def write(self, source: str, title: str, body: str) -> None:
        """A page with the site's frame around its body."""
        place = PAGES[source]
        up = posixpath.dirname(place)
        nav = " ".join(
            f'<a href="{posixpath.relpath(there, up)}">{name}</a>'
            for name, there in NAVIGATION.items()
        )
        path = self.folder / place
        path.parent.mkdir(parents=True, exist_ok=True)
        parts = {"title": html.escape(title), "nav": nav, "body": body, "version": __version__}
        path.write_text(self.shell.substitute(parts), encoding="utf-8")


def _mathml(found: re.Match[str]) -> str:
    """A formula as browsers themselves draw it: nothing is fetched for it."""
    wide, narrow = found.groups()
    return convert(html.unescape(wide or narrow), display="block" if wide else "inline")


def write_documents(site: Site) -> None:
    """README and what it leads to."""
    for source in DOCUMENTS:
        text = (ROOT / source).read_text(encoding="utf-8")
        site.write(source, text.splitlines()[0].lstrip("# "), site.markdown(text, source))


def write_lessons(site: Site) -> None:
    """Each lesson as it reads, with its picture and a run instead of what needs a kernel."""
    for source in LESSONS:
        name = pathlib.Path(source).stem
        cells = json.loads((ROOT / source).read_text(encoding="utf-8"))["cells"]
        title = "".join(cells[0]["source"]).splitlines()[0].lstrip("# ")
        parts = [_cell(site, cell, source) for cell in cells]
        parts.insert(1, _live(site, name))
        site.write(source, title, "\n".join(parts))


def _cell(site: Site, cell: dict, source: str) -> str:
    text = "".join(cell["source"])
    if cell["cell_type"] == "markdown":
        # How to run it, and a picture: a run that plays stands below the title here.
        text = re.sub(r"^(\*To run this page .*\*|!\[.*\]\(attachment:.*\))$", "", text, flags=re.M)
        return site.markdown(text, source)
    if "hide-input" in cell["metadata"].get("tags", ()):
        return ""  # a task, a guess: nothing to read without a kernel
    printed = "".join("".join(output.get("text", "")) for output in cell["outputs"])
    shown = f"<pre>{html.escape(printed)}</pre>" if printed else ""
    code = f"<details><summary>Code</summary><pre>{html.escape(text)}</pre></details>"
    return code + shown


def _live(site: Site, name: str) -> str:
    """The lesson's picture, its run, and where it can be opened to be touched."""
    where = f"{owner()}/relu_learn"
    places = {
        "Binder": f"https://mybinder.org/v2/gh/{where}/HEAD?urlpath=lab/tree/notebooks/{name}.ipynb",
        "Colab": f"https://colab.research.google.com/github/{where}/blob/HEAD/notebooks/{name}.ipynb",
    }
    if site.lite:
        places = {"this browser alone": f"../lite/lab/index.html?path={name}.ipynb", **places}
    links = " or ".join(f'<a href="{address}">{place}</a>' for place, address in places.items())
    words = f"This page is to be read. To drag, step and answer, open it in {links}."
    parts = [f'<p class="live">{words}</p>']
    picture = ROOT / ".github" / "screenshots" / f"{name}.png"
    if picture.is_file():
        target = site.link(f"../.github/screenshots/{name}.png", f"notebooks/{name}.ipynb")
        parts.append(f'<p><img src="{target}" alt="The main figure of this lesson"></p>')
    if name in RUNS:
        secret = zoo.get(RUNS[name])
        trace = learn_from_queries(secret, secret.dim, rng=0).trace
        run = site.folder / "runs" / f"{RUNS[name]}.html"
        run.parent.mkdir(parents=True, exist_ok=True)
        if not run.exists():
            export_html(trace, run, secret=secret, title=RUNS[name])
        address = f"../runs/{run.name}"
        parts.append(
            f'<div class="run"><iframe src="{address}" title="A run that plays"></iframe></div>'
            f'<p><a href="{address}">The run in a window of its own</a></p>'
        )
    return "\n".join(parts)


def write_reference(site: Site) -> None:
    """The public modules, from their docstrings."""
    pdoc.render.configure(docformat="numpy", footer_text=f"relu_learn {__version__}")
    modules = [f"relu_learn{name}" for name in PUBLIC]
    pdoc.pdoc(*modules, output_directory=site.folder / "api")


def write_lite(site: Site) -> None:
    """JupyterLite with the lessons, each of which first installs the wheel that lies beside it."""
    with tempfile.TemporaryDirectory() as temporary:
        work = pathlib.Path(temporary)
        build = [sys.executable, "-m", "build", "--wheel", "--outdir", str(work), str(ROOT)]
        subprocess.run(build, check=True, stdout=subprocess.DEVNULL)
        contents = work / "contents"
        contents.mkdir()
        for source in LESSONS:
            notebook = json.loads((ROOT / source).read_text(encoding="utf-8"))
            install = {
                **next(cell for cell in notebook["cells"] if cell["cell_type"] == "code"),
                "id": "install",
                "source": ['%pip install -q "relu-learn[widgets]"'],
            }
            notebook["cells"].insert(1, install)
            text = json.dumps(notebook, ensure_ascii=False)
            (contents / pathlib.Path(source).name).write_text(text, encoding="utf-8")
        (wheel,) = work.glob("*.whl")
        command = [sys.executable, "-m", "jupyter", "lite", "build", "--lite-dir", str(work)]
        command += ["--contents", str(contents), "--piplite-wheels", str(wheel)]
        command += ["--output-dir", str(site.folder.resolve() / "lite")]
        subprocess.run(command, check=True, cwd=work, stdout=subprocess.DEVNULL)


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("folder", type=pathlib.Path, help="new, or empty")
    parser.add_argument("--lite", action="store_true", help="with JupyterLite in FOLDER/lite")
    options = parser.parse_args()
    if options.folder.exists() and any(options.folder.iterdir()):
        parser.error(f"{options.folder} is not empty")
    site = Site(options.folder, options.lite)
    write_lessons(site)
    write_documents(site)
    write_reference(site)
    if options.lite:
        write_lite(site)
    print(options.folder / "index.html")


if __name__ == "__main__":
    main()

"""`relu-learn play`, and pages that cannot be made."""

import importlib.util

import numpy as np
from command_line import NEEDS_FULL, run

from relu_learn import Trace, learn_steps, zoo


def test_play_makes_the_page_of_a_saved_run(tmp_path):
    trace, file = tmp_path / "monday.trace", tmp_path / "monday.html"
    assert run("demo", "tent", "--save-trace", str(trace))[0] == 0
    code, out, err = run("play", str(trace), "--html", str(file))
    assert code == 0 and out == "" and "plays the run in any browser" in err
    text = file.read_text(encoding="utf-8")
    assert "monday: learned from its answers" in text and "3 neurons found" in text
    assert "reveals the secret" not in text  # a trace does not know it


def test_export_writes_the_lessons_as_pages(tmp_path):
    code, out, err = run("export", str(tmp_path / "pages"))
    assert code == 0 and out == "" and "pages, " in err
    assert (tmp_path / "pages" / "00_start_here.html").is_file()
    (tmp_path / "file").write_text("")
    code, _, err = run("export", str(tmp_path / "file"))
    assert code == 2
    code, _, err = run("export", str(tmp_path / "file" / "pages"))
    assert code == 1 and "cannot write into" in err.splitlines()[-1]


def test_play_of_a_damaged_or_foreign_file_is_one_line(tmp_path):
    good, page = tmp_path / "run.trace", tmp_path / "page.html"
    Trace(learn_steps(zoo.get("tent"), 2, rng=0)).save(good)
    damaged, newer, text = (tmp_path / name for name in ("damaged", "newer", "text"))
    damaged.write_bytes(good.read_bytes()[:3000])
    with np.load(good) as file:
        arrays = {**file, "version": np.array(99)}
    with newer.open("wb") as file:
        np.savez(file, **arrays)
    text.write_text("not a trace")
    empty = tmp_path / "empty"
    Trace().save(empty)
    for path, message in (
        (damaged, "path must be an undamaged saved trace"),
        (text, "path must be an undamaged saved trace"),
        (newer, "path is a trace of version 99, need 1"),
        (empty, "trace must be a run from its first line on"),
    ):
        code, out, err = run("play", str(path), "--html", str(page))
        (line,) = err.splitlines()
        assert code == 1 and out == "" and message in line
        assert not page.exists()


@NEEDS_FULL
def test_a_page_that_cannot_be_written_is_one_line():
    code, out, err = run("demo", "tent", "--html", "/dev/full")
    assert code == 1 and "Learned: tent" in out  # the result is not lost
    assert err.splitlines()[-1].startswith("relu-learn: --html: cannot write '/dev/full'")


def test_html_without_plotly_says_what_to_install(monkeypatch, tmp_path):
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    code, out, err = run("demo", "tent", "--html", str(tmp_path / "tent.html"))
    assert code == 1 and out == ""  # said before the run, not after it
    assert len(err.splitlines()) == 1 and "plotly>=" in err

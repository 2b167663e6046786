"""The comparison's figures and tables: what they draw is what was measured."""

from __future__ import annotations

import html
import math
import re
from pathlib import Path

import numpy as np
import pytest

from relu_learn.figures.comparison import (
    METHODS,
    POINTS,
    loss_curves,
    measured,
    price,
    table_html,
)
from relu_learn.figures.growth import exponent, growth
from relu_learn.figures.theme import THEMES
from relu_learn.widgets.measured import KINDS, Measured, best_passive, cliff

RESULTS = (Path(__file__).parent / "benchmarks" / "RESULTS.md").read_text(encoding="utf-8")


@pytest.fixture(scope="module")
def comparison():
    return measured("comparison")


@pytest.fixture(scope="module")
def growing():
    return measured("growth")


def drawn(figure):
    return [t for t in figure.data if t.x is not None and t.x[0] is not None]


def test_every_curve_is_drawn_once_and_named_in_the_legend(comparison):
    figure = loss_curves(comparison)
    curves = [t for t in drawn(figure) if t.legendgroup in METHODS.values()]
    assert len(curves) == len(comparison["curves"])
    for trace, curve in zip(curves, comparison["curves"], strict=True):
        assert trace.name == METHODS[curve["method"]]
        np.testing.assert_array_equal(trace.x, curve["budgets"])
        np.testing.assert_allclose(trace.y, curve["losses"])
    shown = [t.name for t in figure.data if t.showlegend]
    assert len(shown) == len(set(shown)) == len(METHODS) + 1
    # Told apart without colours.
    looks = {(t.line.dash, t.marker.symbol) for t in curves}
    assert len(looks) == len(METHODS)


def test_curves_cover_random_digits_and_hostile_networks(comparison):
    found = {(curve["network"], curve["method"]) for curve in comparison["curves"]}
    networks = ("10-15-1", "digits", "near_parallel", "hat")
    assert found == {(name, method) for name in networks for method in METHODS}
    for name in networks:
        assert cliff(comparison, name) < 2000


def test_prices_are_those_of_the_table(comparison):
    """A marker for each row of ours and others', hollow if it was not run here; no students."""
    figure = price(comparison)
    lines = dict(zip(figure.layout.yaxis.tickvals, figure.layout.yaxis.ticktext, strict=True))
    rows = {" · ".join(row["cells"]): row for row in comparison["rows"]}
    dots = [t for t in drawn(figure) if t.hovertemplate]
    shown = [rows[dot.hovertemplate.removesuffix("<extra></extra>")] for dot in dots]
    for dot, row in zip(dots, shown, strict=True):
        assert dot.x[0] == pytest.approx(math.sqrt(row["ratio"][0] * row["ratio"][-1]))
        assert (dot.marker.symbol == "x") == (not row["exact"])
        assert not row["exact"] or (dot.marker.symbol == "diamond-open") == bool(row["source"])
        assert row["cells"][1].split()[0] in lines[dot.y[0]] or " " in lines[dot.y[0]]
    told = [row for row in comparison["rows"] if row["source"] and row["ratio"]]
    assert [row for row in shown if row["source"]] == told
    assert {row["cells"][0] for row in shown if not row["source"]} == {
        "relu_learn", "relu_learn, structure",
    }  # fmt: skip
    times = [t for t in figure.data if t.mode == "text" and "×" in t.text[0]]
    assert len(times) == sum(row["exact"] and row["part"] == "others" for row in told)
    for text in times:
        ours, others = sorted(dot.x[0] for dot in dots if dot.y[0] == text.y[0])[:2]
        assert float(text.text[0].split()[0]) == pytest.approx(others / ours, rel=0.05)


def test_no_run_of_ours_has_failed_and_the_goals_are_met(comparison):
    def ours(part, method="relu_learn"):
        return [r for r in comparison["rows"] if r["cells"][0] == method and r["part"] == part]

    rows = [row for row in comparison["rows"] if row["cells"][0].startswith("relu_learn")]
    assert {row["part"] for row in rows} == set(POINTS)
    for row in rows:
        good, of_all = row["cells"][2].split("/")
        assert row["exact"] and good == of_all
    assert max(row["ratio"][1] for row in ours("structure", "relu_learn, structure")) <= 0.2
    for before, after in zip(
        ours("precision", "relu_learn, no refit"), ours("precision"), strict=True
    ):
        assert after["error"] <= before["error"] and after["ratio"] == before["ratio"]
    for row in ours("bits", "relu_learn, snap"):
        name, told = row["cells"][1], row["cells"][6]
        assert told.startswith("0 of") == name.endswith("float64")


def test_html_table_has_every_row_but_students_and_every_source(comparison):
    page = table_html(comparison)
    rows = [r for r in comparison["rows"] if r["source"] or "relu_learn" in r["cells"][0]]
    assert page.count("<tr>") == len(rows) + len(POINTS)
    assert page.count("</td>") == 8 * len(rows) and "boosting" not in page
    assert page.count(", not run here</td>") == sum(bool(r["source"]) for r in rows)
    for point in POINTS.values():
        assert f"<summary>{point(comparison)}.</summary>" in page
    for row in rows:
        assert row["source"] in html.unescape(page)


def test_growth_draws_what_was_measured(growing):
    figure = growth(growing)
    marks = [t for t in figure.data if t.mode == "markers"]
    assert len(marks) == 6
    for mark, (curve, name) in zip(
        marks, [(c, n) for c in growing["curves"] for n in ("queries", "seconds")], strict=True
    ):
        np.testing.assert_allclose(mark.y, [row[name] for row in curve["rows"]])
        sizes = [row["size"] for row in curve["rows"]]
        assert max(sizes) / min(sizes) == 100  # two decades
    texts = " ".join(a.text for a in figure.layout.annotations)
    for curve in growing["curves"]:
        assert f"{exponent(curve, 'queries'):.2f}".replace("-", "−") in texts


def test_exponent_of_a_power_law():
    rows = [dict(size=n, queries=3 * n**-0.5) for n in (10, 30, 100)] + [dict(size=1, queries=9e9)]
    assert exponent({"rows": rows}, "queries") == pytest.approx(-0.5)


@pytest.mark.parametrize("theme", list(THEMES))
@pytest.mark.parametrize("kind", list(KINDS))
def test_boards_wear_every_theme(kind, theme):
    board = Measured(kind)
    board.theme_menu.value = theme
    layout = board.panels[0].figure["layout"]
    assert layout["template"]["layout"]["paper_bgcolor"] == THEMES[theme].paper
    assert board.messages.value == "" and board.narration.sentence
    board.dispose()


def test_best_passive_is_the_smallest_loss():
    data = dict(
        curves=[
            dict(network="n", method="queries", budgets=[9], losses=[1e-30]),
            dict(network="n", method="student", budgets=[50, 90], losses=[1e-9, 0.2]),
            dict(network="n", method="boosting", budgets=[50, 90], losses=[0.5, 0.3]),
        ]
    )
    assert best_passive(data, "n") == (90, 0.2)
    assert cliff(data, "n") == 9


def test_the_results_shows_the_table_that_ships(comparison):
    """All of its lines are in the file, and every source."""
    start = RESULTS.index("| method ")
    lines = RESULTS[start:].split("\n\n")[0].splitlines()[2:]
    cells = [[cell.strip() for cell in line.strip("| ").split(" | ")] for line in lines]
    shipped = [row["cells"] for row in comparison["rows"]]
    assert len(cells) > 20
    for method, *others in cells:
        assert [re.sub(r" \[\d+\]$", "", method), *others] in shipped
    for row in comparison["rows"]:
        if row["source"]:
            assert row["source"] in RESULTS


def test_the_results_states_the_growth_that_ships(growing):
    for curve in growing["curves"]:
        found = re.search(rf"{curve['what']}\^(−?[\d.]+)", RESULTS)
        assert found, curve["what"]
        stated = float(found[1].replace("−", "-"))
        assert stated == pytest.approx(exponent(curve, "queries"), abs=0.006)

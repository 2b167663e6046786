"""The house: who may import whom, how large its rooms are, and that lessons teach what runs."""

from __future__ import annotations

import ast
import graphlib
import re
import sys
from pathlib import Path

import numpy as np
import pytest

import relu_learn
from relu_learn import get_bias, get_gradient, get_neurons, learn_from_queries, zoo
from relu_learn.core.gradients import measure_rates
from relu_learn.core.lines import Line
from relu_learn.core.neurons import solve_line
from relu_learn.core.paper import get_neurons_on_grid
from relu_learn.core.pieces import solve_block
from relu_learn.telling import events as ev

ROOT = Path(relu_learn.__file__).parent
WINGS = {"precise", "imprecise", "bounded", "diagnosis", "structured"}
# Each package may import from itself and from these.
BELOW = {"asking", "archive", "network", "telling"}
CORE = {*BELOW, "core"}
MAY: dict[str, set[str]] = {
    "asking": set(),
    "archive": {"asking"},
    "network": {"asking", "archive"},
    "telling": {"asking", "archive", "network"},
    "core": BELOW,
    **{wing: CORE for wing in WINGS},
}
MAY["zoo"] = MAY["early"] = CORE
# (A copy is fitted to probabilities by the least squares that imprecise answers have.)
MAY["blackboxes"] = {*CORE, "imprecise"}
MAY["data"] = {*CORE, "zoo"}
MAY["learn"] = {*CORE, *WINGS, "early"}
MAY["judging"] = {*CORE, "learn", "zoo"}
MAY["serving"] = {*MAY["blackboxes"], "blackboxes"}
MAY["auditing"] = {*MAY["judging"], *WINGS, "blackboxes", "judging", "serving"}
MAY["copies"] = {*MAY["judging"], "judging"}
MAY["baselines"] = {*MAY["judging"], "judging"}
MAY["figures"] = {*MAY["baselines"], "baselines", "copies", "data", "blackboxes"}
MAY["environment"] = set()
MAY["widgets"] = {*MAY["figures"], "figures", "environment", "serving", "auditing"}
MAY["cli"] = {*MAY["widgets"], "widgets"}
MAY["__main__"] = {"cli"}


def modules() -> dict[str, Path]:
    """Every module by its dotted name below relu_learn ("" for the package itself)."""
    found = {}
    for path in sorted(ROOT.rglob("*.py")):
        parts = path.relative_to(ROOT).with_suffix("").parts
        found[".".join(parts[:-1] if parts[-1] == "__init__" else parts)] = path
    return found


def imports(path: Path, known: set[str]) -> set[str]:
    """What a file imports of relu_learn, wherever in the file: for types only and lazily, too."""
    names: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}: relative import"
            names |= {f"{node.module}.{alias.name}" for alias in node.names}
    found = set()
    for name in names:
        if name.startswith("relu_learn."):
            below = name.removeprefix("relu_learn.")
            while below not in known and "." in below:
                below = below.rsplit(".", 1)[0]
            found.add(below)
    return found & known


GRAPH = {name: imports(path, set(modules())) for name, path in modules().items() if name}


def test_no_module_imports_itself_in_a_circle():
    order = [*graphlib.TopologicalSorter(GRAPH).static_order()]  # CycleError names the circle
    assert {"core.run", "learn", "widgets.player"} <= set(order)


@pytest.mark.parametrize("package", sorted({name.split(".")[0] for name in GRAPH}))
def test_no_arrow_points_upwards(package):
    for name, targets in GRAPH.items():
        if name.split(".")[0] == package:
            tops = {target.split(".")[0] for target in targets} - {package}
            assert tops <= MAY[package], f"{name} imports {sorted(tops - MAY[package])}"


def lines_of(paths):
    return sum(len(path.read_text(encoding="utf-8").splitlines()) for path in paths)


def test_the_core_is_read_in_one_sitting():
    """The spine, which is the reading order of CONTRIBUTING.md, docstrings included."""
    core, guide = ROOT / "core", Path(__file__).parents[1] / ".github" / "CONTRIBUTING.md"
    spine = re.findall(r"^\d+\. `core/(\w+)\.py`", guide.read_text(encoding="utf-8"), re.MULTILINE)
    assert len(spine) == 11
    assert lines_of(core / f"{name}.py" for name in spine) <= 1900
    assert lines_of(core.glob("*.py")) <= 4000


def nodes(kind):
    """Every class or function by its dotted name."""
    for name, path in modules().items():
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, kind):
                yield f"{name}.{node.name}", node


# A keyword each, so that Shift-Tab names it; and `get_neurons` has those of one line.
MANY_KEYWORDS = {
    *(f"learn.{name}" for name in ("learn_steps", "learn_from_queries", "get_neurons")),
    "judging.planning.plan",
}


def test_functions_are_short_and_take_little():
    long, greedy = set(), set()
    for name, node in nodes(ast.FunctionDef):
        body = node.body[1:] if ast.get_docstring(node) is not None else node.body
        if body and body[-1].end_lineno - body[0].lineno >= 70:
            long.add(name)
        parts = node.args
        names = {a.arg for a in (*parts.posonlyargs, *parts.args, *parts.kwonlyargs)}
        if len(names - {"self", "cls"}) > 7 and not name.startswith("cli."):  # those are options
            greedy.add(name)
    assert long == set() and greedy == MANY_KEYWORDS


def test_classes_have_few_methods():
    for name, node in nodes(ast.ClassDef):
        assert sum(isinstance(part, ast.FunctionDef) for part in node.body) <= 20, name


@pytest.mark.parametrize("package", sorted({"core", *WINGS}))
def test_every_constant_has_a_comment_of_its_own(package):
    """Its reason, or what `benchmarks/constants.py` shows; those of a tuple share one."""
    bare = []
    for path in (ROOT / package).glob("*.py"):
        text = path.read_text(encoding="utf-8")
        lines = text.splitlines()
        for node in ast.parse(text).body:
            parts = ast.walk(node.value) if isinstance(node, ast.Assign) else ()
            values = [part.value for part in parts if isinstance(part, ast.Constant)]
            if any(isinstance(value, (int, float)) for value in values):
                above, line = lines[node.lineno - 2 : node.lineno]
                if not above.startswith("# ") and "  # " not in line:
                    bare.append(f"{path.name}: {line}")
    assert bare == []


def count_calls(monkeypatch, function):
    """Replace a function wherever in the package it is known, and count its calls."""
    calls = []

    def counted(*args, **kwargs):
        calls.append(args)
        return function(*args, **kwargs)

    for name in GRAPH:
        module = sys.modules.get(f"relu_learn.{name}")
        for key, value in list(vars(module).items()) if module else ():
            if value is function:
                monkeypatch.setattr(module, key, counted)
    return calls


SHARED = {
    "GetNeurons": (solve_line, lambda box: get_neurons(box, 3, rng=0)),
    "GetGradient": (measure_rates, lambda box: get_gradient(box, np.ones(3), rng=0)),
    "GetBias": (
        solve_block,
        lambda box: get_bias(box, Line(np.zeros(3), np.ones(3)), -1.0, 1.0, rng=0),
    ),
}
ROADS = {
    "adaptive": {},
    "grid": {"method": "grid", "r": 0.5},
    "box": {"bounds": (-1.0, 2.0)},
    "float32": {},
}


@pytest.mark.parametrize("road", ROADS)
@pytest.mark.parametrize("procedure", SHARED)
def test_lessons_call_what_runs(monkeypatch, procedure, road):
    function, public = SHARED[procedure]
    if road == "grid" and procedure == "GetNeurons":
        function, public = (
            get_neurons_on_grid,
            lambda box: get_neurons(box, 3, method="grid", rng=0, r=0.5),
        )
    network = zoo.random_network(3, 5, rng=1)
    calls = count_calls(monkeypatch, function)
    public(network)
    assert len(calls) >= 1
    calls.clear()
    single = road == "float32"
    box = (lambda x: network(x).astype(np.float32)) if single else network
    events = learn_from_queries(box, 3, rng=0, **ROADS[road]).trace
    measured = sum(isinstance(event, ev.GradientMeasured) for event in events)
    lines = sum(isinstance(event, ev.LineDrawn) for event in events)
    expected = {"GetNeurons": (1, lines), "GetGradient": (measured, 99), "GetBias": (1, 99)}
    least, most = expected[procedure]
    assert least <= len(calls) <= most


def test_the_graph_sees_lazy_and_type_only_imports(tmp_path):
    file = tmp_path / "module.py"
    file.write_text(
        "from typing import TYPE_CHECKING\n"
        "if TYPE_CHECKING:\n    from relu_learn.core.run import Run\n"
        "def f():\n    from relu_learn import learn\n    import relu_learn.core.lines\n"
    )
    assert imports(file, set(modules())) == {"core.run", "learn", "core.lines"}


# What is drawn and what ships as data is tested by lesson, not by module.
UNMIRRORED = {"figures", "widgets", "data"}


def test_every_module_has_its_test_file():
    tests = Path(__file__).parent
    wanted = {
        path.relative_to(ROOT).with_name(f"test_{path.name}")
        for path in ROOT.rglob("*.py")
        if path.stem not in ("__init__", "__main__")
        and path.relative_to(ROOT).parts[0] not in UNMIRRORED
    }
    folders = {path.parts[0] for path in wanted if len(path.parts) > 1}
    mirrored = {p.relative_to(tests) for name in folders for p in (tests / name).glob("test_*.py")}
    there = {path.relative_to(tests) for path in tests.glob("test_*.py")} | mirrored
    assert wanted - there == set(), "modules without a test file"
    assert mirrored - wanted == set(), "test files without a module"

"""The package as a whole: a core that stands by itself, import cost, layout, metadata."""

import ast
import importlib
import importlib.metadata
import pkgutil
import re
import subprocess
import sys
from pathlib import Path

import pytest

import relu_learn

PACKAGE = Path(relu_learn.__file__).parent
ROOT = PACKAGE.parent
HEAVY = ["plotly", "ipywidgets", "anywidget", "IPython", "sklearn", "typer", "rich", "torch"]

# Every top-level part of the package.
PARTS = {info.name for info in pkgutil.iter_modules([str(PACKAGE)])}
# The algorithm: the core, and what it stands on.
ALGORITHM = ["asking", "archive", "network", "telling", "core"]
# What these may use besides the standard library.
NEEDS = {"numpy", "scipy", "relu_learn"}


def run_python(code: str) -> str:
    """Standard output of `code` in a fresh interpreter."""
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", code], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def imported_by(path: Path) -> set[str]:
    """Full names of the modules that a file imports, type-checking blocks included."""
    names: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path.name}: imports are written in full"
            names |= {node.module} | {f"{node.module}.{alias.name}" for alias in node.names}
    return names


def sources(layer: str) -> list[Path]:
    single = PACKAGE / f"{layer}.py"
    return [single] if single.is_file() else sorted((PACKAGE / layer).rglob("*.py"))


# ------------------------------------------------------- the core stands by itself


@pytest.mark.parametrize(
    "path", [path for part in ALGORITHM for path in sources(part)], ids=lambda path: path.name
)
def test_core_is_written_with_numpy_and_scipy(path):
    roots = {name.split(".")[0] for name in imported_by(path)}
    assert roots <= NEEDS | set(sys.stdlib_module_names)


def test_core_runs_when_nothing_above_it_can_be_imported():
    modules = [
        f"relu_learn.core.{info.name}" for info in pkgutil.iter_modules([str(PACKAGE / "core")])
    ]
    above = [f"relu_learn.{part}" for part in sorted(PARTS - {*ALGORITHM})]
    out = run_python(
        f"""
import importlib, sys

class Wall:
    def find_spec(self, name, path=None, target=None):
        if name.split(".")[0] in {HEAVY} or name in {above}:
            raise AssertionError("core imports " + name)

sys.meta_path.insert(0, Wall())
for name in {modules}:
    importlib.import_module(name)
import numpy as np
from relu_learn.core.evidence import Evidence
from relu_learn.core.hearing import hear
from relu_learn.core.learning import adaptive
from relu_learn.network import ReluNetwork
from relu_learn.asking.oracle import Oracle
from relu_learn.core.looks import Looks
from relu_learn.core.run import Run
from relu_learn.core.settings import Settings
from relu_learn.core.space import Space
secret = ReluNetwork([[1.0, 2.0], [1.0, -1.0]], [0.5, -0.2], [1.0, -2.0])
run = Run(Oracle(secret, 2), Space(2), Settings(), np.random.default_rng(0), Looks())
run.evidence = Evidence(hear(run.oracle, run.space, run.line, run.rng).answers)
list(adaptive(run))
x = run.rng.standard_normal((100, 2))
result = run.result()
assert np.abs(result.network(x) - secret(x)).max() < 1e-9
print(result.network.n_neurons)
"""
    )
    assert out.strip() == "2"


# ------------------------------------------------------------------ import cost


def test_importing_the_package_is_light():
    out = run_python("import sys, relu_learn; print(*sorted(sys.modules))")
    loaded = set(out.split())
    assert not loaded & {*HEAVY, "scipy.optimize", "tqdm"}
    # Nothing of our own but the package itself: each name is loaded on first use.
    assert {name for name in loaded if name.startswith("relu_learn")} == {"relu_learn"}


def test_using_the_learner_loads_no_view():
    names = [name for name in relu_learn.__all__ if name != "__version__"]
    out = run_python(
        f"import sys, relu_learn\nfor name in {names}: getattr(relu_learn, name)\n"
        "print(*sorted(sys.modules))"
    )
    assert not set(out.split()) & set(HEAVY)


# ----------------------------------------------------------------- public names


@pytest.mark.parametrize("name", relu_learn.__all__)
def test_every_public_name_is_there(name):
    assert getattr(relu_learn, name) is not None
    assert name in dir(relu_learn)


def test_public_functions_and_classes_are_documented():
    for name in relu_learn.__all__:
        if name != "__version__":
            assert (getattr(relu_learn, name).__doc__ or "").strip(), name


def test_type_checkers_see_the_same_names():
    tree = ast.parse((PACKAGE / "__init__.pyi").read_text(encoding="utf-8"))
    imports = [node for node in tree.body if isinstance(node, ast.ImportFrom)]
    # Only names that a stub imports "as" themselves are public.
    seen = {alias.asname: node.module for node in imports for alias in node.names}
    assert seen == relu_learn._WHERE
    for name, module in seen.items():
        assert getattr(importlib.import_module(module), name) is getattr(relu_learn, name)


def test_unknown_names_are_attribute_errors():
    assert not hasattr(relu_learn, "learn_from_thin_air")
    with pytest.raises(AttributeError, match="learn_from_thin_air"):
        _ = relu_learn.learn_from_thin_air


def test_modules_of_the_package_can_be_imported():
    for info in pkgutil.walk_packages([str(PACKAGE)], "relu_learn."):
        if "_notebooks" not in info.name:
            assert importlib.import_module(info.name).__doc__, f"{info.name} has no docstring"


# ------------------------------------------------------- layout and installation


def tracked_files() -> list[str]:
    listing = subprocess.run(
        ["git", "-C", str(ROOT), "ls-files"], capture_output=True, text=True, check=True
    )
    return listing.stdout.splitlines()


def test_top_level_holds_nothing_else():
    allowed = {
        "pyproject.toml",
        "README.md",
        "LICENSE",
        "relu_learn",
        "notebooks",
        "tests",
        "binder",
    }
    top = {path.split("/")[0] for path in tracked_files()}
    assert {name for name in top if not name.startswith(".")} <= allowed


def test_core_never_prints_or_reads_the_environment():
    for path in sources("core"):
        text = path.read_text(encoding="utf-8")
        found = re.search(r"\bprint\(|\bos\.environ|\bgetenv|time\.sleep|np\.random\.seed", text)
        assert found is None, f"{path.name}: {found}"


def test_version_and_typing_marker():
    assert importlib.metadata.version("relu-learn") == relu_learn.__version__
    assert (PACKAGE / "py.typed").is_file()


def requirements(extra: str = "") -> set[str]:
    """Normalised names of what one extra ("" for the base) needs."""
    from packaging.requirements import Requirement
    from packaging.utils import canonicalize_name

    names = set()
    for line in importlib.metadata.requires("relu-learn"):
        need = Requirement(line)
        base = need.marker is None or need.marker.evaluate({"extra": ""})
        if base if not extra else (not base and need.marker.evaluate({"extra": extra})):
            names.add(canonicalize_name(need.name))
    return names


@pytest.mark.parametrize(
    ("layers", "extras"),
    [
        (sorted(PARTS - {"baselines", "data", "figures", "widgets"}), ["", "lab"]),
        (["figures", "widgets"], ["", "widgets"]),
        (["baselines", "data"], ["", "models"]),
    ],
)
def test_everything_imported_is_declared(layers, extras):
    distribution = {"sklearn": "scikit-learn", "markdown_it": "markdown-it-py"}
    declared = set().union(*(requirements(extra) for extra in extras))
    for layer in layers:
        for path in sources(layer):
            roots = {name.split(".")[0] for name in imported_by(path)} - {"relu_learn"}
            for root in roots - set(sys.stdlib_module_names):
                name = distribution.get(root, root.lower().replace("_", "-"))
                assert name in declared, f"{path.name} imports {root}"


def test_extras_hold_each_other():
    assert requirements("lab") > requirements("widgets")
    assert requirements("test") >= requirements("lab") | requirements("models")


def test_widgets_need_nothing_that_pyodide_lacks():
    """In a browser everything is pure Python or built for it; a kernel is the front end's own."""
    built = {"numpy", "scipy"}
    for name in (requirements() | requirements("widgets")) - built:
        wheel = importlib.metadata.distribution(name).read_text("WHEEL")
        assert "Root-Is-Purelib: true" in wheel, name


# ----------------------------------------------------------------------- binder


def pins() -> dict[str, str]:
    """Version by normalised name, as Binder installs them."""
    from packaging.utils import canonicalize_name

    lines = (ROOT / "binder" / "requirements.txt").read_text(encoding="utf-8").splitlines()
    pairs = [line.split("==") for line in lines if not line.startswith("#")]
    assert all(len(pair) == 2 for pair in pairs), "every line is an exact pin"
    return {canonicalize_name(name): version for name, version in pairs}


def unmet(distribution: str, extra: str, pinned: dict[str, str]) -> list[str]:
    """Requirements of an installed distribution that the pins do not satisfy (Linux, 3.11)."""
    from packaging.requirements import Requirement
    from packaging.utils import canonicalize_name

    place = {"python_version": "3.11", "python_full_version": "3.11.0", "extra": extra}
    place |= {"sys_platform": "linux", "platform_system": "Linux", "os_name": "posix"}
    needs = [Requirement(line) for line in importlib.metadata.requires(distribution) or []]
    return [
        str(need)
        for need in needs
        if need.marker is None or need.marker.evaluate(place)
        if not need.specifier.contains(pinned.get(canonicalize_name(need.name), "0"))
    ]


def test_binder_pins_fit_pyproject():
    assert unmet("relu-learn", "lab", pins()) == []


def test_binder_pins_fit_each_other():
    pinned = pins()
    checked = 0
    for name, version in pinned.items():
        try:
            same = importlib.metadata.version(name) == version
        except importlib.metadata.PackageNotFoundError:
            continue  # needed only where Binder runs
        if same:  # only then does the installed metadata speak for the pin
            checked += 1
            assert unmet(name, "", pinned) == [], name
    assert checked > 0


def test_binder_runs_the_pinned_python():
    assert (ROOT / "binder" / "runtime.txt").read_text(encoding="utf-8").strip() == "python-3.11"
    assert (ROOT / "binder" / "postBuild").stat().st_mode & 0o111


def test_ci_builds_what_binder_builds():
    script = (ROOT / ".ci" / "run").read_text(encoding="utf-8")
    for command in (
        'repo2docker" --no-build --debug .',
        "pip install --quiet -r binder/requirements.txt",
        "\n  binder/postBuild\n",
        "nbconvert --execute",
    ):
        assert command in script

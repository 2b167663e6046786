"""What a constant of the package is worth: some 60 runs with other values of it.

    python tests/benchmarks/constants.py core.pieces.GOAL imprecise.fit._SLACK [--by 10]
    python tests/benchmarks/constants.py --list core

Each constant is divided and multiplied by so much, each time in a new process whose source is
changed before it is imported: so defaults and classes that were made from the constant change, too.
"changed" counts the runs that ask or answer anything else than with the constant as it is, "wrong"
those that are off by more than their black box allows, or take what is outside the class for a
network (or a network for that); the worst error is that of exact answers, on all of R^d and in a
box, in units of the outputs' size.
"""

from __future__ import annotations

import argparse
import ast
import hashlib
import importlib.abc
import importlib.machinery
import importlib.util
import json
import os
import subprocess
import sys
import types
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[2]
PACKAGE = ROOT / "relu_learn"


def constants(prefix: str) -> list[str]:
    """The numbers with a name in capitals in the modules whose names begin so."""
    found = []
    for path in sorted(PACKAGE.rglob("*.py")):
        module = ".".join(path.relative_to(PACKAGE).with_suffix("").parts)
        if module.startswith(prefix):
            for node in ast.parse(path.read_text(encoding="utf-8")).body:
                found += [f"{module}.{name}" for name, _ in numbers(node)]
    return found


def numbers(node: ast.stmt) -> Iterator[tuple[str, ast.expr]]:
    """Names and values of the constants that a statement defines."""
    if not isinstance(node, ast.Assign) or len(node.targets) != 1:
        return
    target, value = node.targets[0], node.value
    several = isinstance(target, ast.Tuple) and isinstance(value, ast.Tuple)
    pairs = zip(target.elts, value.elts, strict=True) if several else [(target, value)]
    for name, expression in pairs:
        if isinstance(name, ast.Name) and name.id.strip("_").isupper():
            literals = [n.value for n in ast.walk(expression) if isinstance(n, ast.Constant)]
            if literals and all(isinstance(value, (int, float)) for value in literals):
                yield name.id, expression


class Changed(importlib.abc.SourceLoader, importlib.abc.MetaPathFinder):
    """Imports one module of the package with one of its constants multiplied by a factor."""

    def __init__(self, constant: str, factor: float) -> None:
        self.module, self.name = f"relu_learn.{constant}".rsplit(".", 1)
        self.path = PACKAGE.parent.joinpath(*self.module.split(".")).with_suffix(".py")
        self.factor, self.value = factor, ""

    def find_spec(
        self, name: str, path: Any = None, target: types.ModuleType | None = None
    ) -> importlib.machinery.ModuleSpec | None:
        return importlib.util.spec_from_loader(name, self) if name == self.module else None

    def get_filename(self, fullname: str) -> str:
        return str(self.path)

    def get_data(self, path: str | os.PathLike[str]) -> bytes:
        return Path(path).read_bytes()

    def source_to_code(self, data: Any, path: Any = "", **options: Any) -> types.CodeType:
        tree = ast.parse(data)
        for node in tree.body:
            for name, expression in numbers(node):
                if name == self.name:
                    self.value = ast.unparse(expression)
                    self._multiply(node, expression)
        if not self.value:
            raise SystemExit(f"no constant {self.name} in {self.module}")
        return compile(ast.fix_missing_locations(tree), path, "exec")

    def _multiply(self, node: ast.stmt, expression: ast.expr) -> None:
        """A number that counts something stays one that does: not 0."""
        text = ast.unparse(expression)
        changed = f"{text} * {self.factor!r}"
        try:
            whole = isinstance(ast.literal_eval(text), int)
        except ValueError:  # an expression
            whole = False
        if whole:
            changed = f"max(1, round({changed}))"
        new = ast.parse(f"{changed}", mode="eval").body
        for parent in ast.walk(node):
            for field, value in ast.iter_fields(parent):
                if value is expression:
                    setattr(parent, field, new)
                elif isinstance(value, list) and expression in value:
                    value[value.index(expression)] = new


# ------------------------------------------------------------------------------- in the new process


def cases(group: str) -> Iterator[tuple[str, Callable[..., Any], int, dict[str, Any], float]]:
    """Name, black box, d, settings, and the error that is allowed (0: it is outside the class)."""
    import numpy as np
    from hostile import seeded

    from relu_learn import zoo

    def random(d: int, k: int, m: int = 1) -> Any:
        return zoo.random_network(d, k, m, rng=7)

    if group == "exact":
        shapes = [(1, 3, 1), (3, 8, 1), (10, 15, 1), (5, 60, 1), (20, 20, 5), (30, 40, 10)]
        secrets = {f"{d}-{k}-{m}": random(d, k, m) for d, k, m in shapes}
        hostile: dict[str, dict[str, Any]] = {
            "near_parallel": {"gap": 1e-5},
            "clump": {"gap": 1e-4},
            "hat": {"width": 0.01},
            "staircase": {"dim": 5, "steps": 10, "width": 1e-3},
            "lattice": {},
            "tiny_and_huge": {"ratio": 1e6, "balanced": True},
            "far_hyperplanes": {"distance": 4.0},
            "rank_one_outputs": {},
            "sparse_outputs": {},
        }
        secrets |= {name: seeded(name, extra, 0) for name, extra in hostile.items()}
        for name, net in secrets.items():
            yield name, net, net.dim, {}, 1e-7
        yield "with polish", secrets["10-15-1"], 10, {"polish": True}, 1e-7
        yield "lean", secrets["10-15-1"], 10, {"lean": True}, 1e-7
        # The paper's method makes one neuron of those that are closer than an interval.
        grid = {"method": "grid", "r": 0.1, "tau": 20.0, "validation": 32}
        yield "grid", random(3, 3), 3, grid, np.inf
    if group == "hard":  # those that are repaired, measured again, or have many outputs
        several = {"width": 0.01, "hats": 4, "dim": 5}
        wide = {"dim": 30, "neurons": 40, "outputs": 10}
        hard: list[tuple[str, dict[str, Any], list[int]]] = [
            ("near_parallel", {"gap": 1e-4}, [2]),
            ("near_parallel", {"gap": 1e-6, "cancelling": True}, [0]),
            ("near_parallel", {"gap": 1e-6, "opposite": True}, [2]),
            ("clump", {"gap": 1e-4}, [2]),
            ("clump", {"gap": 1e-6}, [0]),
            ("hat", several, [0, 1, 2]),
            ("hat", {"width": 0.01}, [1]),
            ("hat", {"width": 1e-3}, [2]),
            ("staircase", {"dim": 5, "steps": 10, "width": 1e-3}, [1, 2]),
            ("staircase", {"dim": 20, "steps": 20}, [0]),
            ("lattice", {"dim": 5, "neurons": 40}, [2]),
            ("rank_one_outputs", wide, [0]),
            ("sparse_outputs", wide, [0]),
        ]
        for name, extra, seeds in hard:
            for seed in seeds:
                net = seeded(name, extra, seed)
                yield f"{name} {extra} {seed}", net, net.dim, {"rng": seed}, 1e-7
        yield "64-32-10", random(64, 32, 10), 64, {}, 1e-7
    if group == "box":
        for name in ("3-8-1", "10-15-1", "6-10-3"):
            d, k, m = map(int, name.split("-"))
            yield f"{name} in a box", random(d, k, m), d, {"bounds": (-1.0, 2.0)}, 1e-7
        net = seeded("staircase", {"dim": 3, "steps": 4}, 0)
        yield "staircase in a box", net, 3, {"bounds": (-1.0, 1.0)}, 1e-7
    if group == "imprecise":
        net, wide, dice = random(4, 6), random(6, 5, 3), np.random.default_rng(5)
        yield "float32", lambda x: net(x).astype(np.float32), 4, {}, 1e-5
        yield "float32, 3 outputs", lambda x: wide(x).astype(np.float32), 6, {}, 1e-5
        yield "float16", lambda x: net(x).astype(np.float16), 4, {}, 0.02
        yield "2 decimals", lambda x: net(x).round(2), 4, {}, 0.05
        yield "6 decimals", lambda x: wide(x).round(6), 6, {}, 1e-5
        noisy = lambda x: net(x) + 1e-3 * dice.standard_normal(len(x))  # noqa: E731
        yield "noise", noisy, 4, {}, 0.02
        many, hat = random(8, 16), seeded("hat", {"width": 0.1}, 0)
        loud = lambda x: many(x) + 0.1 * dice.standard_normal(len(x))  # noqa: E731
        yield "loud noise", loud, 8, {}, 1.0
        yield "16 neurons, float32", lambda x: many(x).astype(np.float32), 8, {}, 1e-5
        yield "hat, 4 decimals", lambda x: hat(x).round(4), hat.dim, {}, 0.05
        bounds = {"bounds": (0.0, 1.0)}
        yield "float32 in a box", lambda x: net(x).astype(np.float32), 4, bounds, 1e-4
        yield "4 decimals in a box", lambda x: net(x).round(4), 4, bounds, 0.01
        flat = random(2, 12)
        wall = {"bounds": (-2.0, 2.0)}
        yield "12 neurons, 5 decimals in a box", lambda x: flat(x).round(5), 2, wall, 0.01
    if group == "outside":
        a, b, c = (np.random.default_rng(s).standard_normal(n) for s, n in enumerate([24, 48, 6]))
        a, b, dice = a.reshape(6, 4), b.reshape(6, 8)[:, :6], np.random.default_rng(1)
        foreign = {
            "tanh": lambda x: np.tanh(x @ a.T) @ c,
            "sine": lambda x: np.sin(x @ a.T) @ c,
            "two layers": lambda x: np.maximum(np.maximum(x @ a.T, 0) @ b.T, 0) @ c,
            "steps": lambda x: (x @ a.T > 0) @ c,
            "random": lambda x: dice.standard_normal(len(x)),
            "a small step": lambda x: np.maximum(x @ a.T, 0) @ c + 1e-3 * (x[:, 0] > 0.3),
            "median of three": lambda x: np.median((x @ a.T)[:, :3], axis=1),
            "softplus": lambda x: np.logaddexp(0, 30 * x @ a.T) @ c,
        }
        for name, box in foreign.items():
            yield name, box, 4, {}, 0.0
        yield "two layers, float32", lambda x: foreign["two layers"](x).astype("f4"), 4, {}, 0.0
        yield "tanh in a box", foreign["tanh"], 4, {"bounds": (-1.0, 1.0)}, 0.0


def measured(groups: list[str], limit: float) -> dict[str, list[Any]]:
    """By run: its queries, what it did in one number, whether it is wrong, and its error."""
    import numpy as np
    from common import limited

    from relu_learn import Oracle, ReluLearnError, ReluNetwork, learn_from_queries

    found: dict[str, list[Any]] = {}
    for name, box, dim, settings, allowed in (c for group in groups for c in cases(group)):
        oracle, error = Oracle(box, dim, max_queries=100_000), np.nan
        try:
            with limited(limit):
                result = learn_from_queries(oracle, dim, **{"rng": 0, **settings})
            rng, bounds = np.random.default_rng(1), settings.get("bounds")
            x = rng.uniform(*bounds, (2000, dim)) if bounds else rng.standard_normal((2000, dim))
            truth = box(x).reshape(2000, -1)
            error = np.abs(result.network(x).reshape(2000, -1) - truth).max() / truth.std()
            what = result.network.weights.tobytes() + result.network.biases.tobytes()
        except ReluLearnError as failure:
            what = f"{type(failure).__name__}".encode()
        except Exception as crash:  # _Timeout, or the package's own fault
            what = f"crash: {type(crash).__name__}".encode()
        wrong = not error <= allowed if allowed else what.startswith(b"crash") or error == error
        mark = hashlib.blake2b(what + oracle.history()[0].tobytes(), digest_size=8).hexdigest()
        exact = isinstance(box, ReluNetwork) and allowed < np.inf and error == error
        found[name] = [oracle.queries, mark, bool(wrong), float(error) if exact else 0.0]
    return found


def child(constant: str, factor: float, groups: list[str], limit: float) -> None:
    changed = Changed(constant, factor)
    sys.meta_path.insert(0, changed)
    sys.path[:0] = [str(ROOT), str(Path(__file__).parent)]
    import warnings

    import numpy as np

    import relu_learn
    from relu_learn.judging import planning  # so that it was imported, wherever it is

    assert relu_learn and planning
    warnings.simplefilter("ignore")
    with np.errstate(all="ignore"):
        runs = measured(groups, limit)
    print(json.dumps({"value": changed.value, "runs": runs}))


# ------------------------------------------------------------------------------- in this process

# What a constant of a wing is for: the other runs do not meet it.
ALL = ["exact", "hard", "box", "imprecise", "outside"]
GROUPS = {
    "core": ALL,
    "precise": ["exact", "hard", "box"],
    "bounded": ["box"],
    "imprecise": ["imprecise", "outside"],
    "diagnosis": ["outside", "exact", "box"],
}


def ask(constant: str, factor: float, groups: list[str], limit: float) -> dict[str, Any]:
    command = [sys.executable, __file__, "--child", constant, repr(factor), *groups]
    done = subprocess.run([*command, "--limit", str(limit)], capture_output=True, text=True)
    if done.returncode:
        raise SystemExit(done.stderr)
    return dict(json.loads(done.stdout))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("names", nargs="*", metavar="NAME", help="such as core.pieces.GOAL")
    parser.add_argument("--by", type=float, default=10.0, help="divide and multiply by this")
    parser.add_argument("--only", help="exact,hard,box,imprecise,outside (default: of its wing)")
    parser.add_argument("--quick", action="store_true", help="only those in a box")
    parser.add_argument("--limit", type=float, default=30.0, help="seconds for one run")
    parser.add_argument("--list", metavar="PREFIX", help="the constants that there are")
    parser.add_argument("--which", action="store_true", help="name the runs that are wrong")
    parser.add_argument("--child", nargs="+", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.child:
        name, factor, *groups = options.child
        child(name, float(factor), groups, options.limit)
        return
    options.only = "box" if options.quick else options.only
    if options.list is not None:
        print("\n".join(constants(options.list)))
    usual: dict[str, dict[str, Any]] = {}
    for name in options.names:
        wing = name.split(".")[0]
        groups = options.only.split(",") if options.only else GROUPS.get(wing, ALL)
        usual[wing] = usual.get(wing) or ask(name, 1.0, groups, options.limit)["runs"]
        before = usual[wing]
        for factor in (1 / options.by, 1.0, options.by):
            answer = ask(name, factor, groups, options.limit) if factor != 1 else {"runs": before}
            runs = answer["runs"]
            changed = sum(run[1] != before[key][1] for key, run in runs.items())
            wrong = [key for key, run in runs.items() if run[2]]
            queries = sum(run[0] for run in runs.values())
            sign = f"÷ {options.by:g}" if factor < 1 else f"× {factor:g}"
            print(
                f"{name} {sign:>5}: {len(runs)} runs, {changed:2} changed, {len(wrong)} wrong, "
                f"{queries:,} queries, worst error {max(run[3] for run in runs.values()):.0e}",
                f"({', '.join(wrong)})" if options.which and wrong else "",
                flush=True,
            )


if __name__ == "__main__":
    main()

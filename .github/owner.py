"""Write the account's name into every link that needs it: `python .github/owner.py NAME`.

The name is kept in pyproject.toml, as part of the repository's address; as long as nobody has
published this copy it is OWNER. README, lessons and metadata repeat it, since links must be whole.
"""

from __future__ import annotations

import argparse
import pathlib
import re
import subprocess

ROOT = pathlib.Path(__file__).resolve().parents[1]
# What GitHub allows: letters, digits and single hyphens between them, at most 39.
NAME = re.compile(r"(?!.*--)[A-Za-z0-9](?:[A-Za-z0-9-]{0,37}[A-Za-z0-9])?")


def owner(root: pathlib.Path = ROOT) -> str:
    """The account's name as pyproject.toml has it."""
    text = (root / "pyproject.toml").read_text(encoding="utf-8")
    found = re.search(r'^Repository = "https://github\.com/([^/"]+)/relu_learn"$', text, re.M)
    if found is None:
        raise SystemExit("pyproject.toml: no address of the repository among [project.urls]")
    return found[1]


def linking(root: pathlib.Path = ROOT) -> dict[pathlib.Path, str]:
    """Every tracked file with a link to the account, and its text."""
    pattern = f"/{owner(root)}(/relu_learn|\\.github\\.io)"
    command = ["git", "-C", str(root), "grep", "-lIE", "-e", pattern, "--"]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    paths = [root / line for line in done.stdout.splitlines()]
    # Bytes are kept as they are, line ends included.
    return {path: path.read_bytes().decode("utf-8") for path in paths}


def rename(new: str, root: pathlib.Path = ROOT) -> list[pathlib.Path]:
    """Change the name in all links; the files that were changed."""
    if not NAME.fullmatch(new):
        raise SystemExit(f"{new!r} is no name of an account: letters, digits and single hyphens")
    old, texts = owner(root), linking(root)
    for path, text in texts.items():
        there = re.sub(f"/{old}(?=/relu_learn|\\.github\\.io)", f"/{new}", text)
        path.write_bytes(there.encode("utf-8"))
    return list(texts)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("name", help="of the account at GitHub that the repository is under")
    for changed in rename(parser.parse_args().name):
        print(changed.relative_to(ROOT))

"""How this package is installed here, and the command that installs it again."""

from __future__ import annotations

import sys
from pathlib import Path


def pip(extra: str) -> str:
    """The command that installs this package (again) with an extra."""
    checkout = Path(__file__).resolve().parents[2]
    editable = (checkout / "pyproject.toml").is_file()
    what = f'-e "{checkout}[{extra}]"' if editable else f'"relu-learn[{extra}]"'
    return f"{sys.executable} -m pip install {what}"

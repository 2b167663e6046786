"""What this package needs, and what is installed here: read off the metadata of both."""

from __future__ import annotations

import importlib.metadata
import importlib.util
import json
import shlex
import shutil
import subprocess
import sys
from typing import NamedTuple

from packaging.requirements import Requirement

NAME = "relu-learn"


class Need(NamedTuple):
    """A declared requirement, and the version that is installed ("" if it is missing)."""

    requirement: Requirement
    found: str

    @property
    def name(self) -> str:
        """What the distribution is called."""
        return self.requirement.name

    @property
    def fits(self) -> bool:
        """Whether it is there, in a version that was declared to do."""
        specifier = self.requirement.specifier
        return bool(self.found) and specifier.contains(self.found, prereleases=True)

    def __str__(self) -> str:
        """The requirement as pip takes it."""
        return f"{self.name}{self.requirement.specifier}"


def version(distribution: str) -> str:
    """The installed version of a distribution, or ""."""
    try:
        return importlib.metadata.version(distribution)
    except importlib.metadata.PackageNotFoundError:
        return ""


def needs(extra: str = "") -> list[Need]:
    """What the package needs here, by itself ("") or for one of its extras, in order of names.

    Raises
    ------
    importlib.metadata.PackageNotFoundError
        It runs without being installed, from its source.
    """
    found = []
    for line in importlib.metadata.requires(NAME) or []:
        need = Requirement(line)
        base, wanted = (
            need.marker is None or need.marker.evaluate({"extra": name}) for name in ("", extra)
        )
        if wanted and base != bool(extra):
            found.append(Need(need, version(need.name)))
    return sorted(found, key=lambda need: need.name)


def lacking(extra: str) -> list[str]:
    """What the package and an extra of it need that is not here in such a version."""
    try:
        return [str(need) for need in (*needs(), *needs(extra)) if not need.fits]
    except importlib.metadata.PackageNotFoundError:
        return [NAME]


def pip(*requirements: object) -> str:
    """The command that installs something into this environment.

    It names what is missing and not this package with an extra: no index need carry the package,
    which may have come from a checkout, a repository or a file.
    """
    if importlib.util.find_spec("pip") is None and shutil.which("uv"):
        return command("uv", "pip", "install", "--python", sys.executable, *requirements)
    return command(sys.executable, "-m", "pip", "install", *requirements)


def command(*parts: object) -> str:
    """A command as it is typed here, with quotes where a part needs them."""
    words = [str(part) for part in parts]
    return subprocess.list2cmdline(words) if sys.platform == "win32" else shlex.join(words)


def origin() -> str:
    """Where this installation came from, as pip takes it (PEP 610), or "" if that is not known."""
    try:
        text = importlib.metadata.distribution(NAME).read_text("direct_url.json")
        source = json.loads(text or "{}")
        if "vcs_info" in source:
            return f"{source['vcs_info']['vcs']}+{source['url']}@{source['vcs_info']['commit_id']}"
        return str(source.get("url", ""))
    except (importlib.metadata.PackageNotFoundError, ValueError, KeyError):
        return ""


def again() -> str:
    """How to install this package once more."""
    source = origin()
    return (
        f"install it again: {pip('--force-reinstall', '--no-deps', source)}"
        if source
        else ("install relu-learn again from where it came")
    )


def remedy(extra: str, name: str) -> str:
    """The command that brings what an extra lacks, of which `name` is known to be missing."""
    try:
        return pip(*(need for need in needs(extra) if need.name == name or not need.fits))
    except importlib.metadata.PackageNotFoundError:
        return again()

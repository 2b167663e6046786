"""Links for a class: the account is typed once, and each lesson opens where there is a kernel."""

from __future__ import annotations

import html
import pathlib
import re
from urllib.parse import quote, urlencode

import ipywidgets

from relu_learn.widgets.frames import Framed
from relu_learn.widgets.lifecycle import Messages, close_tree, live_and_die_with_cell

PACKAGE = pathlib.Path(__file__).resolve().parents[1]
# What GitHub allows: letters, digits and single hyphens between them, at most 39.
ACCOUNT = re.compile(r"(?!.*--)[A-Za-z0-9](?:[A-Za-z0-9-]{0,37}[A-Za-z0-9])?")
HUB = re.compile(r"https?://[^\s/?#@\"<>]+(?:/[^\s?#\"<>]*)?")


def lessons() -> list[str]:
    """File names of the lessons, in a checkout or in an installed package."""
    folders = (PACKAGE / "_notebooks", PACKAGE.parent / "notebooks")
    return sorted({path.name for folder in folders for path in folder.glob("*.ipynb")})


def links(account: str, lesson: str, hub: str = "", branch: str = "main") -> dict[str, str]:
    """Addresses that open a lesson, by the place where it then runs.

    Parameters
    ----------
    account : str
        At GitHub, with a repository relu_learn.
    lesson : str
        File name of the notebook.
    hub : str
        Address of a JupyterHub that has nbgitpuller and relu_learn; without one there is no link
        to it. Its link copies the lessons into the student's own folder, and later brings what has
        changed without touching what the student has written.
    branch : str

    Returns
    -------
    dict of str to str
    """
    path = f"notebooks/{quote(lesson)}"
    found = {
        "Binder": f"https://mybinder.org/v2/gh/{account}/relu_learn/HEAD?urlpath=lab/tree/{path}",
        "Colab": f"https://colab.research.google.com/github/{account}/relu_learn/blob/HEAD/{path}",
    }
    if hub:
        asked = {
            "repo": f"https://github.com/{account}/relu_learn",
            "urlpath": f"lab/tree/relu_learn/{path}",
            "branch": branch,
        }
        place = f"{hub.rstrip('/')}/hub/user-redirect/git-pull"
        found = {"your JupyterHub (nbgitpuller)": f"{place}?{urlencode(asked)}", **found}
    return found


class ClassLinks(Framed, ipywidgets.VBox):
    """A form that makes the links of a class.

    Parameters
    ----------
    account, hub : str
        What stands in the fields at first: see `links`.
    """

    def __init__(self, account: str = "", hub: str = "") -> None:
        style = {"description_width": "8em"}
        wide = {"width": "36em", "max_width": "100%"}
        self.account = ipywidgets.Text(
            account, description="GitHub account", continuous_update=False, style=style, layout=wide
        )
        self.hub = ipywidgets.Text(
            hub,
            description="JupyterHub",
            placeholder="https://hub.example.edu (if you have one)",
            continuous_update=False,
            style=style,
            layout=wide,
        )
        self.lesson = ipywidgets.Dropdown(
            options=lessons(), description="Lesson", style=style, layout=wide
        )
        self.messages = Messages()
        self.shown = ipywidgets.HTML()
        fields = [self.account, self.hub, self.lesson]
        super().__init__([*fields, self.messages, self.shown])
        for field in fields:
            field.observe(self.messages.guard(lambda _: self.refresh()), "value")
        live_and_die_with_cell(self)
        self.refresh()

    def refresh(self) -> None:
        """Show the links for what the fields say, or what is wrong with it."""
        account, hub = self.account.value.strip(), self.hub.value.strip()
        self.messages.clear()
        self.shown.value = ""
        if not account:
            self.shown.value = "Type the account that has the repository, and press Enter."
        elif not ACCOUNT.fullmatch(account):
            self.messages.say("An account has letters, digits and single hyphens, at most 39.")
        elif hub and not HUB.fullmatch(hub):
            self.messages.say("The hub's address begins with https:// and has no spaces.")
        else:
            rows = "".join(
                f'<li>{html.escape(place)}: <a href="{html.escape(address)}" target="_blank"'
                f' rel="noopener">{html.escape(address)}</a></li>'
                for place, address in links(account, self.lesson.value, hub).items()
            )
            self.shown.value = f'<ul style="overflow-wrap:anywhere;line-height:1.5">{rows}</ul>'

    def dispose(self) -> None:
        """Close it with everything in it."""
        close_tree(self)

"""Share strings: a line of text that reopens exactly one view.

It looks like the query part of a web address, ``player?secret=tent&seed=0&step=12``, so that a
teacher can read it and change it by hand. Reading one is all or nothing.
"""

from __future__ import annotations

import urllib.parse
from collections.abc import Callable, Mapping
from typing import Any, Protocol

from relu_learn.asking.errors import InvalidArgument

Rule = Callable[[str], Any]


class Run(Protocol):
    """What `check_step` needs to know of a run."""

    def __len__(self) -> int: ...

    def reach(self, index: int) -> Any: ...


def write(kind: str, values: Mapping[str, Any]) -> str:
    """The share string of a view of this kind."""
    texts = {
        key: str(int(value)) if isinstance(value, bool) else value for key, value in values.items()
    }
    return f"{kind}?{urllib.parse.urlencode(texts)}"


def read(
    kind: str, text: str, rules: Mapping[str, Rule], defaults: Mapping[str, Any] | None = None
) -> dict[str, Any]:
    """The values in a share string.

    Parameters
    ----------
    kind : str
        What is being reopened: "player", or the name of an explorer.
    text : str
    rules : mapping of str to callable
        For each key how to read its value; raises ValueError with the rule as its message.
    defaults : mapping of str to object, optional
        Values of keys that may be left out.

    Raises
    ------
    InvalidArgument
        In one sentence: another kind, a key missing, twice or unknown, or a value against its rule.
    """
    found, mark, query = text.strip().partition("?")
    if not mark or found != kind:
        raise InvalidArgument(
            f"a share string for this view starts with '{kind}?', got {_cut(text)}"
        )
    try:
        pairs = urllib.parse.parse_qsl(query, keep_blank_values=True, strict_parsing=True)
    except ValueError:
        raise InvalidArgument(
            f"a share string is made of name=value parts joined by &, got {_cut(query)}"
        ) from None
    names = [name for name, _ in pairs]
    for name in names:
        if name not in rules:
            raise InvalidArgument(f"this view has no setting {_cut(name)}: {', '.join(rules)}")
        if names.count(name) > 1:
            raise InvalidArgument(f"the share string sets {name!r} twice")
    values = dict(defaults or {})
    for name in rules:
        if name not in names and name not in values:
            raise InvalidArgument(f"the share string does not say what {name!r} is")
    for name, value in pairs:
        try:
            values[name] = rules[name](value)
        except ValueError as error:
            raise InvalidArgument(f"{name} in the share string: {error}") from None
    return values


def _cut(text: str, most: int = 40) -> str:
    return repr(text if len(text) <= most else text[:most] + "…")


def whole_number(low: int = 0, high: int = 10**9) -> Rule:
    """Rule: an integer from low to high."""

    def rule(text: str) -> int:
        digits = text.strip()
        if not (digits.isascii() and digits.isdigit() and low <= int(digits[:20]) <= high):
            raise ValueError(f"must be a whole number from {low:,} to {high:,}, got {_cut(text)}")
        return int(digits)

    return rule


def one_of(*allowed: str) -> Rule:
    """Rule: one of some words."""

    def rule(text: str) -> str:
        if text not in allowed:
            raise ValueError(f"must be one of {', '.join(allowed)}, got {_cut(text)}")
        return text

    return rule


def check_step(run: Run, step: int) -> None:
    """Refuse a step that a run does not reach: it cannot be the view that somebody shared.

    Raises
    ------
    InvalidArgument
    """
    run.reach(step)
    if step >= len(run):
        raise InvalidArgument(
            f"step in the share string: this run has {len(run) - 1} events, got {step}"
        )


def switch(text: str) -> bool:
    """Rule: 0 or 1."""
    return bool(whole_number(0, 1)(text))

"""Answers that survive a restart of the kernel, in a small file beside the notebooks."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

from relu_learn.asking.errors import InvalidArgument

FILE = "relu_learn_answers.json"
Record = dict[str, Any]


def answers(folder: str | os.PathLike[str] = ".") -> dict[str, dict[str, Record]]:
    """What was answered in the lessons of a folder: ready for `json.dumps`, and to be collected.

    Parameters
    ----------
    folder : path
        Where the notebooks are; in a notebook, its own folder.

    Returns
    -------
    dict
        ``{lesson: {task: {"answer": ..., "correct": ..., "tries": ...}}}``, such as
        ``{"00_start_here": {"1": {"answer": "5", "correct": True, "tries": 2}}}``. A right answer
        is kept whatever is tried after it; `tries` counts up to it.

    Raises
    ------
    InvalidArgument
        The file is not one of ours.
    """
    path = Path(folder) / FILE
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
        kept: dict[str, dict[str, Record]] = found["answers"]
        for tasks in kept.values():
            for record in tasks.values():
                record["answer"], record["correct"], record["tries"]
    except FileNotFoundError:
        return {}
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise InvalidArgument(f"{path} must be a file of answers ({error!r})") from None
    return kept


def note(lesson: str, task: str, answer: str, correct: bool) -> None:
    """Write an answer down in the working directory."""
    kept = answers()
    before = kept.setdefault(lesson, {}).get(task)
    if before is not None and before["correct"]:
        return
    tries = 1 + (0 if before is None else before["tries"])
    kept[lesson][task] = {"answer": answer, "correct": correct, "tries": tries}
    text = json.dumps({"version": 1, "answers": kept}, indent=1, ensure_ascii=False)
    # Never half a file, even if the kernel dies meanwhile.
    new = Path(f"{FILE}.new")
    new.write_text(text, encoding="utf-8")
    os.replace(new, FILE)

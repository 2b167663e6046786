"""`relu-learn check`: what a model is, and what it would cost to learn."""

from __future__ import annotations

from typing import Annotated

from rich.text import Text
from typer import Option

from relu_learn.asking.errors import InvalidArgument, ReluLearnError
from relu_learn.cli import options as given
from relu_learn.cli.terminal import print_table, say, stop


@given.about_target
def check(
    named: given.Named,
    price: Annotated[float | None, Option(min=0, help="Of one query.")] = None,
    seed: given.Seed = 0,
) -> None:
    """Look at a model you are entitled to test: some 70 to 130 queries, before paying for more.

    Exit codes: 0 done, 1 no answer, 2 bad arguments, 4 it does not look like a ReLU network.
    """
    from relu_learn.auditing import checking
    from relu_learn.auditing.asked import Asked

    saving, asked = named.saving(), Asked(named.open())
    try:
        asked.open()
        seen = checking.check(asked, points=asked.points, rng=seed, **saving)
    except InvalidArgument as error:
        stop(str(error), 2)
    except ReluLearnError as error:
        stop(f"{type(error).__name__}: {error}", 1)
    found = asked.target
    rows = {"target": found.model.title, **({"box": found.box} if found.box else {})}
    rows |= seen.rows(price)
    print_table(
        [(Text(label, "cyan"), value) for label, value in rows.items()],
        title=f"Check: {named.target}",
    )
    say(f"this took {asked.queries:,} queries")
    if not seen.learnable:
        stop("it does not look like a one-hidden-layer ReLU network", 4)

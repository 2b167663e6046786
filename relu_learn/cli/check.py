"""`relu-learn check`: what a model is, and what it would cost to learn, for some 100 queries."""

from __future__ import annotations

from typing import Annotated

from rich.text import Text
from typer import Option

from relu_learn.asking.errors import InvalidArgument, ReluLearnError
from relu_learn.cli import options as given
from relu_learn.cli.terminal import print_table, say, stop


def check(
    target: given.TargetName,
    dim: given.Dim = None,
    bounds: given.Bounds = None,
    points: given.PointsFile = None,
    link: given.Link = None,
    price: Annotated[float | None, Option(min=0, help="Of one query.")] = None,
    request: given.Request = "instances",
    reply: given.Reply = "predictions",
    auth_env: given.AuthEnv = "",
    per_second: given.PerSecond = None,
    trust: given.Trust = False,
    seed: given.Seed = 0,
    i_am_authorized: given.Authorised = False,
) -> None:
    """Look at a model you are entitled to test: some 100 queries, before paying for more.

    Exit codes: 0 done, 1 no answer, 2 bad arguments, 4 it does not look like a ReLU network.
    """
    from relu_learn.auditing import checking
    from relu_learn.auditing.asked import Asked

    service = {"request": request, "reply": reply, "auth_env": auth_env, "per_second": per_second}
    found = given.opened(
        target, dim, trust, service,
        bounds=bounds, points=points, link=link, authorised=i_am_authorized,
    )  # fmt: skip
    asked = Asked(found)
    try:
        asked.open()
        seen = checking.check(asked, points=asked.points, rng=seed)
    except InvalidArgument as error:
        stop(str(error), 2)
    except ReluLearnError as error:
        stop(f"{type(error).__name__}: {error}", 1)
    found = asked.target
    rows = {"target": found.model.title, **({"box": found.box} if found.box else {})}
    rows |= seen.rows(price)
    print_table(
        [(Text(label, "cyan"), value) for label, value in rows.items()], title=f"Check: {target}"
    )
    say(f"this took {asked.queries:,} queries")
    if not seen.learnable:
        stop("it does not look like a one-hidden-layer ReLU network", 4)

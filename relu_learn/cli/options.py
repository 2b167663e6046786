"""Options that the commands for real models share."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

from typer import Argument, Option

from relu_learn.asking.errors import InvalidArgument
from relu_learn.cli.terminal import stop

if TYPE_CHECKING:
    from relu_learn.auditing.target import Target

TargetName = Annotated[
    str, Argument(metavar="TARGET", help="A file, an import path package.module:name, or a URL.")
]
Dim = Annotated[int | None, Option(min=1, help="Inputs of a service. (default: --points' columns)")]
Bounds = Annotated[
    tuple[float, float] | None, Option(help="Not one query leaves LOW HIGH, in every coordinate.")
]
PointsFile = Annotated[
    Path | None, Option(dir_okay=False, help="Your own inputs: numbers separated by commas.")
]
Link = Annotated[
    str | None, Option(help="Learn the scores behind probabilities: softmax, logit or logits.")
]
Request = Annotated[
    str, Option(help="Field of a request that holds the rows; dataframe_split names them, too.")
]
Reply = Annotated[str, Option(help="Field of a reply that holds the answers.")]
AuthEnv = Annotated[
    str, Option(help="Environment variable with the value of the header Authorization.")
]
PerSecond = Annotated[float | None, Option(min=0.001, help="Most requests in a second.")]
TRUST_HELP = "Open a .joblib, .pkl or .pt, which can run any code: you trust who made it."
Trust = Annotated[bool, Option("--trust", help=TRUST_HELP)]
Authorised = Annotated[
    bool,
    Option("--i-am-authorized", help="You are entitled to test a target that is not this machine."),
]
Seed = Annotated[int, Option(min=0, help="Same seed, same queries.")]
_URL = ("http://", "https://")


def opened(
    name: str, dim: int | None, trust: bool, service: dict[str, Any], **known: Any
) -> Target:
    """The target, or one line that says why there is none; `service` is for URLs alone."""
    from relu_learn.asking.errors import ReluLearnError
    from relu_learn.auditing.target import open_target

    options: dict[str, Any] = {"trust": True} if trust else {}
    if name.startswith(_URL):
        options |= {key: value for key, value in service.items() if value is not None}
    if dim is not None:
        options["dim"] = dim
    try:
        return open_target(name, **known, **options)
    except InvalidArgument as error:
        stop(str(error), 2)
    except ReluLearnError as error:  # an extra is missing; no answer
        stop(str(error), 1)

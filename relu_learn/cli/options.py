"""Options that the commands for real models share."""

from __future__ import annotations

import dataclasses
import hashlib
import inspect
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

from typer import Argument, Option

from relu_learn.asking.errors import InvalidArgument
from relu_learn.cli.terminal import stop

if TYPE_CHECKING:
    from relu_learn.auditing.target import Target

TRUST_HELP = "Open a .joblib, .pkl or .pt, which can run any code: you trust who made it."
Trust = Annotated[bool, Option("--trust", help=TRUST_HELP)]
Seed = Annotated[int, Option(min=0, help="Same seed, same queries.")]
_URL = ("http://", "https://")
_TARGET_HELP = "A file, an import path package.module:name, or a URL."
_REQUEST_HELP = "Field of a request that holds the rows; dataframe_split names them, too."
_LEAN_HELP = "Ask less of exact answers, test briefly, and go on with care where that fails."
_STRUCTURE_HELP = "auto: notice sparse and low-rank first layers, which take fewer queries."
_AUTH_HELP = "Environment variable with the value of the header Authorization."
_ENTITLED_HELP = "You are entitled to test a target that is not this machine."


@dataclasses.dataclass(frozen=True)
class Named:
    """A target as the command line names it."""

    target: Annotated[str, Argument(metavar="TARGET", help=_TARGET_HELP)]
    dim: Annotated[
        int | None, Option(min=1, help="Inputs of a service. (default: --points' columns)")
    ] = None
    bounds: Annotated[
        tuple[float, float] | None,
        Option(help="Not one query leaves LOW HIGH, in every coordinate."),
    ] = None
    points: Annotated[
        Path | None, Option(dir_okay=False, help="Your own inputs: numbers separated by commas.")
    ] = None
    link: Annotated[
        str | None, Option(help="Learn the scores behind probabilities: softmax, logit or logits.")
    ] = None
    request: Annotated[str, Option(help=_REQUEST_HELP)] = "instances"
    reply: Annotated[str, Option(help="Field of a reply that holds the answers.")] = "predictions"
    auth_env: Annotated[str, Option(help=_AUTH_HELP)] = ""
    per_second: Annotated[float | None, Option(min=0.001, help="Most requests in a second.")] = None
    lean: Annotated[bool, Option("--lean", help=_LEAN_HELP)] = False
    structure: Annotated[str | None, Option(help=_STRUCTURE_HELP)] = None
    trust: Trust = False
    i_am_authorized: Annotated[bool, Option("--i-am-authorized", help=_ENTITLED_HELP)] = False

    def open(self) -> Target:
        """The target, or one line that says why there is none."""
        from relu_learn.asking.errors import ReluLearnError
        from relu_learn.auditing.target import open_target

        options: dict[str, Any] = {"trust": True} if self.trust else {}
        if self.target.startswith(_URL):
            options |= {"request": self.request, "reply": self.reply, "auth_env": self.auth_env}
            if self.per_second is not None:
                options["per_second"] = self.per_second
        if self.dim is not None:
            options["dim"] = self.dim
        try:
            return open_target(
                self.target,
                authorised=self.i_am_authorized,
                bounds=self.bounds,
                points=self.points,
                link=self.link,
                **options,
            )
        except InvalidArgument as error:
            stop(str(error), 2)
        except ReluLearnError as error:  # an extra is missing; no answer
            stop(str(error), 1)

    def saving(self) -> dict[str, Any]:
        """How it is asked less, or one line that says what is wrong with that."""
        from relu_learn.core.settings import Settings

        saving: dict[str, Any] = {"lean": self.lean, "structure": self.structure}
        try:
            Settings(**saving)
        except InvalidArgument as error:
            stop(str(error), 2)
        return saving

    def key(self, seed: int) -> str:
        """What tells its ledger from others: all that its queries depend on."""
        points = self.points and self.points.absolute()
        asked = (self.target, self.dim, self.bounds, points, self.link, self.request, self.reply)
        saving = [(self.lean, self.structure)] * (self.lean or self.structure is not None)
        return hashlib.sha256(repr((*asked, seed, *saving)).encode()).hexdigest()[:6]


def about_target(command: Callable[..., None]) -> Callable[..., None]:
    """A command whose first argument is a `Named`, with the options of that and its own."""
    shared = inspect.signature(Named, eval_str=True).parameters
    own = list(inspect.signature(command, eval_str=True).parameters.values())[1:]

    def run(**given: Any) -> None:
        command(Named(**{name: given.pop(name) for name in shared}), **given)

    told = [*shared.values(), *own]
    run.__name__, run.__doc__ = command.__name__, command.__doc__
    run.__signature__ = inspect.Signature(told)  # type: ignore[attr-defined]
    run.__annotations__ = {one.name: one.annotation for one in told}
    return run

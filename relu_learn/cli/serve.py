"""`relu-learn serve`: a model as a prediction service, to be attacked on this machine."""

from __future__ import annotations

from typing import Annotated

from typer import Argument, Option

from relu_learn.asking.errors import InvalidArgument, ReluLearnError
from relu_learn.cli.options import Trust
from relu_learn.cli.terminal import say, stop


def serve(
    model: Annotated[
        str,
        Argument(help="A file, an import path package.module:name, or a secret of the zoo."),
    ],
    port: Annotated[int, Option(min=0, max=65535, help="0: any that is free.")] = 8080,
    host: Annotated[str, Option(help="Any other address lets other machines ask.")] = "127.0.0.1",
    decimals: Annotated[
        int | None, Option(min=0, max=15, help="Defence: answers are rounded to so many.")
    ] = None,
    noise: Annotated[
        float, Option(min=0, help="Defence: standard deviation of what is added to answers.")
    ] = 0.0,
    labels: Annotated[bool, Option("--labels", help="Defence: the largest one's place.")] = False,
    int8: Annotated[bool, Option("--int8", help="Defence: answers of 8 bits.")] = False,
    budget: Annotated[
        int | None, Option(min=1, help="Defence: rows that one client is answered.")
    ] = None,
    box: Annotated[
        tuple[float, float] | None, Option(help="Defence: rows must lie between these.")
    ] = None,
    trust: Trust = False,
) -> None:
    """Serve a model in the forms of MLflow and TensorFlow Serving, on this machine alone.

    It is there to be attacked (relu-learn check, relu-learn extract) and to see which defence
    helps; it is no server for the open network.
    """
    from relu_learn import zoo
    from relu_learn.blackboxes.opening import adapt
    from relu_learn.blackboxes.opening import open as open_model
    from relu_learn.serving.defences import Defences, Defended
    from relu_learn.serving.service import LOOPBACK, application, listening, server

    try:
        secret = model in zoo.names()
        opened = adapt(zoo.get(model)) if secret else open_model(model, trust=trust)
        defences = Defences(decimals, noise, labels, int8, budget, box)
        defended = Defended(opened.answers, opened.dim, defences)
        known = {} if host == LOOPBACK else {"hosts": ["*"]}
        service = server(application(defended, opened.names, **known))
        with listening(port, host) as (socket, url):
            print(f"{url} answers for {opened.title}: {opened.dim} inputs, {defences}", flush=True)
            if host != LOOPBACK:
                say(f"whoever reaches {host} can ask: there is no password")
            service.run(sockets=[socket])
    except InvalidArgument as error:
        stop(str(error), 2)
    except ReluLearnError as error:  # an extra is missing; the model raises
        stop(str(error), 1)

"""Real models as black boxes: a function, a model of a library, a file, a service.

Every adapter makes a `Model` and uses public predictions only, never weights. A `Model` is the
black box of `learn_from_queries(model)`, which takes dim and bounds from it. Libraries are loaded
when they are needed.

    from relu_learn import blackboxes, learn_from_queries
    model = blackboxes.from_sklearn(classifier, "predict_proba")
    model = blackboxes.find_link(model.within((X.min(axis=0), X.max(axis=0))))  # or it is named
    found = blackboxes.find_box(model, points=X)  # where probabilities carry digits
    result = learn_from_queries(found.model, points=found.points)
    copy = blackboxes.refine(model, result.network, X).network  # right outside that box, too
    model.link.answers(copy(X))  # its probabilities

(The names are loaded on first use, as those of `relu_learn`.)
"""

import importlib

_WHERE = {
    "Model": "model",
    "MissingExtra": "model",
    "Link": "links",
    "LINKS": "links",
    "find_link": "naming",
    "find_box": "carrying",
    "Carrying": "carrying",
    "refine": "refining",
    "Refined": "refining",
    "open": "opening",
    "from_function": "function",
    "from_sklearn": "sklearn",
    "from_torch": "torch",
    "from_onnx": "onnx",
    "from_keras": "keras",
    "from_http": "http",
    "Service": "http",
    "to_onnx": "copies",
    "to_torch": "copies",
    "to_sklearn": "copies",
}

__all__ = list(_WHERE)  # noqa: PLE0604


def __getattr__(name: str) -> object:
    if name not in _WHERE:
        raise AttributeError(f"module 'relu_learn.blackboxes' has no attribute {name!r}")
    value = getattr(importlib.import_module(f"relu_learn.blackboxes.{_WHERE[name]}"), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *_WHERE})

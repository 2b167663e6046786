"""relu_learn: learn any one-hidden-layer ReLU network from its answers, and see how.

Names are loaded on first use, so that `import relu_learn` stays fast.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

__version__ = "0.1.0"

_WHERE = {
    "ReluNetwork": "core.network",
    "Oracle": "core.oracle",
    "Trace": "core.events",
    "LearnResult": "core.learning",
    "learn_steps": "core.learning",
    "learn_from_queries": "core.learning",
    "get_gradient": "core.gradients",
    "get_bias": "core.neurons",
    "get_neurons": "core.neurons",
    "gaussian_loss": "core.loss",
    "sampled_loss": "core.loss",
    "worst_error": "core.loss",
    "certificate": "core.loss",
    "Certificate": "core.loss",
    "match_neurons": "core.loss",
    "paper_parameters": "core.theory",
    "ReluLearnError": "core.errors",
    "InvalidArgument": "core.errors",
    "QueryBudgetExceeded": "core.errors",
    "BlackBoxError": "core.errors",
    "NotPiecewiseLinear": "core.errors",
    "NotOneHiddenLayer": "core.errors",
    "LearningFailed": "core.errors",
    "OrientationNotFound": "core.errors",
}
_MODULES = {"zoo", "baselines", "figures", "widgets", "blackboxes", "core"}

__all__ = [*_WHERE, "zoo", "__version__"]


def __getattr__(name: str) -> Any:
    if name in _WHERE:
        value = getattr(importlib.import_module(f"relu_learn.{_WHERE[name]}"), name)
    elif name in _MODULES:
        value = importlib.import_module(f"relu_learn.{name}")
    else:
        raise AttributeError(f"module 'relu_learn' has no attribute {name!r}")
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted([*globals(), *_WHERE, *_MODULES])


if TYPE_CHECKING:
    from relu_learn import zoo as zoo
    from relu_learn.core.errors import (
        BlackBoxError as BlackBoxError,
    )

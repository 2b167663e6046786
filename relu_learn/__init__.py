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
    "LearnResult": "core.run",
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
    "LedgerError": "core.errors",
    "plan": "core.planning",
}
_MODULES = {"zoo", "baselines", "figures", "widgets", "core"}

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


# For type checkers and editors, which do not run `__getattr__`: the same names as in _WHERE.
if TYPE_CHECKING:
    from relu_learn import zoo as zoo
    from relu_learn.core.errors import BlackBoxError as BlackBoxError
    from relu_learn.core.errors import InvalidArgument as InvalidArgument
    from relu_learn.core.errors import LearningFailed as LearningFailed
    from relu_learn.core.errors import LedgerError as LedgerError
    from relu_learn.core.errors import NotOneHiddenLayer as NotOneHiddenLayer
    from relu_learn.core.errors import NotPiecewiseLinear as NotPiecewiseLinear
    from relu_learn.core.errors import OrientationNotFound as OrientationNotFound
    from relu_learn.core.errors import QueryBudgetExceeded as QueryBudgetExceeded
    from relu_learn.core.errors import ReluLearnError as ReluLearnError
    from relu_learn.core.events import Trace as Trace
    from relu_learn.core.gradients import get_gradient as get_gradient
    from relu_learn.core.learning import learn_from_queries as learn_from_queries
    from relu_learn.core.learning import learn_steps as learn_steps
    from relu_learn.core.loss import Certificate as Certificate
    from relu_learn.core.loss import certificate as certificate
    from relu_learn.core.loss import gaussian_loss as gaussian_loss
    from relu_learn.core.loss import match_neurons as match_neurons
    from relu_learn.core.loss import sampled_loss as sampled_loss
    from relu_learn.core.loss import worst_error as worst_error
    from relu_learn.core.network import ReluNetwork as ReluNetwork
    from relu_learn.core.neurons import get_bias as get_bias
    from relu_learn.core.neurons import get_neurons as get_neurons
    from relu_learn.core.oracle import Oracle as Oracle
    from relu_learn.core.planning import plan as plan
    from relu_learn.core.run import LearnResult as LearnResult
    from relu_learn.core.theory import paper_parameters as paper_parameters

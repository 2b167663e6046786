"""scikit-learn's models, and whatever else has `predict`: pipelines and data frames included."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from relu_learn.asking.errors import InvalidArgument
from relu_learn.blackboxes.links import IDENTITY, LINKS
from relu_learn.blackboxes.model import Model, need

Array = NDArray[np.float64]
# What has scores to be learned, the most telling first; labels have none.
_METHODS = ("decision_function", "predict_proba", "predict")


def from_sklearn(
    model: Any,
    method: str | None = None,
    *,
    dim: int | None = None,
    data_frame: bool | None = None,
    dtype: Any = np.float64,
) -> Model:
    """A fitted estimator or pipeline as a black box.

    Only the method is called. Of the estimator's attributes `n_features_in_`, `feature_names_in_`
    and `classes_` are read, which its users are told anyway.

    Parameters
    ----------
    model : estimator
    method : {"decision_function", "predict_proba", "predict"}, optional
        Default: the first of these that it has. Probabilities get link="softmax".
    dim : int, optional
        The input dimension (default: the model's `n_features_in_`).
    data_frame : bool, optional
        Ask with a pandas.DataFrame (default: if it was fitted with named columns).
    dtype : dtype
        Type of the numbers that it is asked with.

    Returns
    -------
    Model

    Raises
    ------
    InvalidArgument
        There is no such method, or it answers with labels.
    MissingExtra
        pandas is needed.
    """
    names = getattr(model, "feature_names_in_", None)
    dim = getattr(model, "n_features_in_", None) if dim is None else dim
    kind = type(model).__name__
    if dim is None:
        raise InvalidArgument(f"dim must be given: {kind} has no n_features_in_ (is it fitted?)")
    there = [name for name in _METHODS if callable(getattr(model, name, None))]
    if method is None and there:
        method = there[0]
    if method not in there:
        offer = f"one of {', '.join(there)}" if there else "a method, but it has none to ask"
        raise InvalidArgument(f"method of {kind} must be {offer}, got {method!r}")
    labels = getattr(model, "classes_", None)
    if method == "predict" and labels is not None:
        raise InvalidArgument(
            f"method='predict' of {kind} answers with labels, which have no slopes: "
            f"{' or '.join(there[:-1]) or 'nothing else is there to be asked'}"
        )
    function = getattr(model, method)
    framed = names is not None if data_frame is None else data_frame
    pandas = need("pandas", "relu-learn[frames]") if framed else None

    def ask(x: Array) -> Any:
        return function(x if pandas is None else pandas.DataFrame(x, columns=names))

    link = LINKS["softmax"] if method == "predict_proba" else IDENTITY
    title = f"{kind}.{method} of scikit-learn"
    return Model(ask, dim, title, dtype, link, None, names, labels)

"""Any dimension: the neurons found, one row of weights each."""

from __future__ import annotations

import dataclasses

import numpy as np
import plotly.graph_objects as go

from relu_learn.figures.patch import Patch
from relu_learn.figures.run_view import State
from relu_learn.figures.theme import THEMES, Theme
from relu_learn.judging.matching import match_neurons
from relu_learn.network import ReluNetwork


@dataclasses.dataclass(frozen=True)
class NeuronsView:
    """Rows of normalised weights and bias, (w, b) / ||w||, of the neurons found so far.

    A plane cannot show d > 2 inputs, and a section through it shows creases that nobody looked for.
    The rows are what the learner has; revealed, they are the secret's, in the order of their match
    and with the same orientation: nothing should move.

    Parameters
    ----------
    theme : Theme
    most : int
        Rows that are drawn; the title counts the rest.
    """

    theme: Theme = THEMES["light"]
    most: int = 64

    label = "Weights of the neurons found so far, one row each"

    def figure(self) -> go.Figure:
        """The empty table."""
        th = self.theme
        figure = go.Figure(
            go.Heatmap(
                z=[[None]],
                zmin=-1,
                zmax=1,
                colorscale=[[0, "#0072B2"], [0.5, th.paper], [1, "#D55E00"]],
                xgap=0.5,
                ygap=0.5,
                colorbar={"thickness": 12, "len": 0.5, "y": 0, "yanchor": "bottom"}
                | {"outlinewidth": 0, "tickvals": [-1, 0, 1]},
                hovertemplate="neuron %{y}, %{x}: %{z:.4f}<extra></extra>",
            )
        )
        figure.update_layout(
            template=th.template,
            height=th.height,
            plot_bgcolor=th.unknown,
            title={"text": "Neurons found: none yet"},
            xaxis={"title": {"text": "weights w / ‖w‖, and bias b / ‖w‖ at the right"}}
            | {"type": "category", "nticks": 9, "showgrid": False},
            yaxis={"title": {"text": "neuron"}, "autorange": "reversed", "showgrid": False}
            | {"tickformat": "d"},
        )
        return figure

    def patch(self, state: State, truth: ReluNetwork | None = None) -> Patch:
        """The rows in this state; with `truth`, those of the secret's neurons that match them."""
        known = state.hypothesis.network
        rows = _rows(known)
        title = f"Neurons found: {len(rows) or 'none yet'}"
        if truth is not None:
            rows, title = self._true_rows(known, truth)
        shown = rows[: self.most]
        if len(rows) > self.most:
            title += f", the first {self.most} shown"
        d = known.dim
        z = np.full((max(len(shown), 1), d + 2), np.nan)
        z[: len(shown), :d] = shown[:, :d]
        z[: len(shown), d + 1] = shown[:, d]  # after a gap: it is not one more coordinate
        limit = float(np.abs(shown[:, :d]).max(initial=0.0)) or 1.0
        names = [f"w{i + 1}" for i in range(d)] + [" ", "bias"]
        return Patch(
            {
                0: {
                    "z": z.astype("f4"),
                    "x": names,
                    "y": np.arange(1, len(z) + 1),
                    "zmin": -limit,
                    "zmax": limit,
                    "colorbar.tickvals": [-limit, 0, limit],
                    "colorbar.ticktext": [f"−{limit:.2g}", "0", f"{limit:.2g}"],
                }
            },
            {"title.text": title},
        )

    @staticmethod
    def _true_rows(known: ReluNetwork, truth: ReluNetwork) -> tuple[np.ndarray, str]:
        match = match_neurons(known, truth)
        found, true = _rows(match.found), _rows(match.true)
        order = list(range(len(true)))
        if len(match.pairs):
            mine, theirs = np.asarray(match.pairs).T
            # The sign of a neuron is a convention: show the secret's row the way ours points.
            signs = np.sign(np.sum(found[mine] * true[theirs], axis=1))
            true[theirs] *= np.where(signs == 0, 1.0, signs)[:, None]
            order = [*theirs[np.argsort(mine)], *match.unmatched_true]
        missing = len(match.unmatched_true)
        title = f"<b>The secret</b>, revealed: {len(true)} neurons"
        return true[order], title + (f", {missing} not found yet" if missing else ", all found")


def _rows(network: ReluNetwork) -> np.ndarray:
    """(w, b) / ||w|| for every neuron, (k, d + 1)."""
    norms = np.linalg.norm(network.weights, axis=1)
    rows = np.concatenate([network.weights, network.biases[:, None]], axis=1)
    return np.asarray(rows / np.where(norms > 0, norms, 1.0)[:, None])

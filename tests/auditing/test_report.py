"""The report: one page, safe whatever a target says, and with all that was found."""

import base64
import hashlib
import html.parser
import re

import numpy as np
import pytest

from relu_learn import zoo
from relu_learn.auditing.extraction import extract
from relu_learn.auditing.points import Points
from relu_learn.auditing.report import report, verdict
from relu_learn.auditing.target import Target
from relu_learn.blackboxes.model import Model

EVIL = "<script>alert('x')</script>&\"'>"
NOTE = {"target": EVIL, "time": "2026-01-01T00:00:00+00:00", "said": "--i-am-authorized"}


@pytest.fixture(scope="module")
def outcome(tmp_path_factory):
    """A network with images for inputs, under a name that wants to be a program."""
    points = np.random.default_rng(1).standard_normal((30, 16))
    model = Model(zoo.random_network(16, 5, 2, rng=3), 16)
    target = Target(EVIL, model, NOTE, points=Points(points, None))
    return extract(target, tmp_path_factory.mktemp("report") / "run.ledger")


class Page(html.parser.HTMLParser):
    """Tags with their attributes, and the text."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.tags: list = []
        self.text = ""
        self.feed(page)

    def handle_starttag(self, tag, attrs):
        self.tags.append((tag, dict(attrs)))

    def handle_data(self, data):
        self.text += data


def test_all_is_there(outcome):
    page = Page(report(outcome, f"relu-learn extract {EVIL}", {"ledger": "run.ledger"}))
    for said in (
        "gave the model away: a network of 5 neurons",
        "With confidence 0.95",
        "the same label on 100 %",
        "Your own points, worst first",
        "line search",
        "validation",
        "exact to float64 rounding",
        "For models of your own",
        NOTE["time"],
        "relu-learn extract",
        "run.ledger",
    ):
        assert said in page.text
    assert EVIL in page.text and page.text.count("alert") >= 3


def test_the_queries_add_up(outcome):
    page = report(outcome, "x")
    spent = [int(n.replace(",", "")) for n in re.findall(r"([\d,]+)</td><td><meter", page)]
    assert sum(spent) == outcome.queries and min(spent) > 0


def test_nothing_is_loaded_and_nothing_runs(outcome):
    page = report(outcome, EVIL)
    tags = Page(page).tags
    assert {tag for tag, _ in tags}.isdisjoint({"script", "link", "iframe", "object", "form", "a"})
    links = [attrs[name] for _, attrs in tags for name in ("src", "href") if name in attrs]
    assert len(links) == 1 and links[0].startswith("data:image/png;base64,")
    assert not any(name.startswith("on") or name == "style" for _, a in tags for name in a)
    policy = next(a["content"] for t, a in tags if a.get("http-equiv"))
    style = re.search("<style>(.*?)</style>", page, re.DOTALL).group(1)
    digest = base64.b64encode(hashlib.sha256(style.encode()).digest()).decode()
    assert policy == f"default-src 'none'; img-src data:; style-src 'sha256-{digest}'"


def test_what_was_not_learned_says_why(tmp_path):
    tanh = Model(lambda x: np.tanh(x[:, 0]) + x[:, 1], 2)
    failed = extract(Target("tanh", tanh, {}), tmp_path / "run.ledger")
    assert verdict(failed).startswith("Not learned: it is no one-hidden-layer ReLU network")
    page = Page(report(failed, "x")).text
    assert "the black box is curved" in page and "the copy" not in page

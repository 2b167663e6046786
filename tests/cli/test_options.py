"""What the commands for real models share: a target, or one line that says why there is none."""

import re

import pytest
from command_line import run

from relu_learn import zoo


@pytest.mark.parametrize(
    ("arguments", "code", "said"),
    [
        (["nothing.npz"], 2, "there is no such file"),
        (["model.txt"], 2, "target must be a URL, a file"),
        (["no_such_module:f"], 2, "cannot be imported"),
        (["http://192.0.2.1/x", "--dim", "2"], 2, "--i-am-authorized"),
        (["http://127.0.0.1:9/x"], 2, "how many inputs it takes"),
        (["http://127.0.0.1:9/x", "--dim", "2", "--auth-env", "NO_SUCH"], 2, "no such variable"),
        (["tent.npz", "--points", "text.csv"], 2, "line 2, column 1: 'cat' is no finite number"),
        (["tent.npz", "--bounds", "1", "0"], 2, "low must be less than high"),
        (["tent.npz", "--link", "exp"], 2, "link must be one of"),
        (["tent.npz", "--structure", "sparse"], 2, "structure must be 'auto' or None"),
        (["tree.joblib"], 2, "can run any code"),
    ],
)
@pytest.mark.parametrize("command", ["check", "extract"])
def test_bad_arguments_are_one_line(tmp_path, monkeypatch, command, arguments, code, said):
    monkeypatch.chdir(tmp_path)
    zoo.get("tent").save("tent.npz")
    (tmp_path / "text.csv").write_text("1,2\ncat,3\n")
    (tmp_path / "tree.joblib").write_text("")
    got, out, err = run(command, *arguments)
    assert (got, out) == (code, "") and err.startswith("relu-learn: ")
    assert said in err and err.count("\n") == 1


def test_what_is_asked_less_has_a_ledger_of_its_own(tmp_path, monkeypatch):
    """And the settings reach the learner."""
    monkeypatch.chdir(tmp_path)
    zoo.random_network(6, 8, rng=3).save("net.npz")
    spent = []
    for options in ([], ["--lean"], ["--lean", "--structure", "auto"]):
        code, out, _ = run("extract", "net.npz", *options)
        assert code == 0 and "from the ledger" not in out
        spent.append(int(re.search(r"queries +([\d,]+)", out)[1].replace(",", "")))
    assert spent[0] > 1.5 * spent[1] and spent[1] == spent[2]  # six inputs leave no room for more
    assert len(list(tmp_path.glob("*.ledger"))) == 3
    code, out, _ = run("check", "net.npz", "--structure", "auto")
    assert code == 0 and "sparse or of low rank" in " ".join(out.split())


def test_a_missing_extra_says_what_to_install(tmp_path, monkeypatch):
    import sys

    monkeypatch.setitem(sys.modules, "httpx", None)
    code, out, err = run("check", "http://127.0.0.1:9/x", "--dim", "2")
    assert (code, out) == (1, "") and "pip install 'relu-learn[http]'" in err

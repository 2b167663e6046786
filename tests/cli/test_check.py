"""`relu-learn check`."""

from command_line import run

from relu_learn import zoo


def test_a_network_and_its_price(tmp_path):
    zoo.get("digits").save(tmp_path / "digits.npz")
    code, out, err = run("check", str(tmp_path / "digits.npz"), "--price", "0.01")
    assert code == 0 and "this took" in err
    for said in ("64, 10", "exact to float64", "as ReLUs make", "if it has about", "at 0.01 each"):
        assert said in " ".join(out.split())


def test_what_is_no_network_has_its_own_exit_code(tmp_path, monkeypatch):
    (tmp_path / "smooth_target.py").write_text("import numpy\ntanh = lambda x: numpy.tanh(x[:, 0])")
    monkeypatch.chdir(tmp_path)
    code, out, err = run("check", "smooth_target:tanh", "--dim", "3")
    assert code == 4 and "bends everywhere" in out.replace("\n", " ")
    assert "does not look like a one-hidden-layer ReLU network" in err


def test_no_answer_is_one_line(tmp_path, monkeypatch):
    (tmp_path / "broken_target.py").write_text("def f(x):\n    raise OSError('down')\n")
    monkeypatch.chdir(tmp_path)
    code, out, err = run("check", "broken_target:f", "--dim", "3")
    assert (code, out) == (1, "") and "BlackBoxError" in err and "down" in err
    assert err.count("\n") == 1

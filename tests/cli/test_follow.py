"""A run that is followed: what is kept of it, however it ends."""

import pytest
from command_line import NEEDS_FULL, run, shell, table
from subset import mostly_slow

from relu_learn import Trace
from relu_learn.cli import main
from relu_learn.cli.follow import Following


def test_trace_is_saved(tmp_path):
    file = tmp_path / "run.trace"
    code, out, err = run("demo", "tent", "--save-trace", str(file))
    assert code == 0 and f"events saved to {file}" in err.replace("\n", "")
    trace = Trace.load(file)
    assert trace[-1].network.n_neurons == 3
    assert f"{trace[-1].queries:,}" == table(out)["queries"]


def test_stopped_by_hand(monkeypatch):
    from relu_learn import learn

    steps = learn.learn_steps

    def interrupted(*arguments, **options):
        for number, event in enumerate(steps(*arguments, **options)):
            if number == 5:
                raise KeyboardInterrupt
            yield event

    monkeypatch.setattr(learn, "learn_steps", interrupted)
    code, out, err = run("demo", "crystal")
    assert code == 130
    assert "Partial result" in out and "stopped by hand after" in err


@NEEDS_FULL
@pytest.mark.parametrize(
    "end", mostly_slow(["2> /dev/full", ">&- 2>&-", "2>&-", "2> /dev/full >&-"], 2)
)
def test_a_run_goes_on_without_its_progress(end):
    done = shell(f"demo tent {end}")
    assert (done.returncode, done.stderr) == (0, "")
    assert ("Learned: tent" in done.stdout) == (">&-" not in end.replace("2>&-", ""))
    assert shell(f"demo nothing {end}").returncode == 2


def test_a_run_that_needs_too_much_memory_is_one_line(monkeypatch, capsys):
    def full(*_, **__):
        raise MemoryError

    monkeypatch.setattr(Following, "follow", full)
    assert main(["demo", "tent"]) == 1
    assert capsys.readouterr().err == "relu-learn: there is not enough memory for that\n"

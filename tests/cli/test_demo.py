"""`relu-learn demo`: the table, the exit codes, and what is kept of a run."""

import re

from command_line import NEEDS_FULL, ROWS, run, shell, table

from relu_learn import Trace, zoo


def test_demo_of_a_named_secret():
    code, out, err = run("demo", "tent", "--seed", "1")
    rows = table(out)
    assert code == 0
    assert "Learned: tent" in out
    assert list(rows) == ROWS
    assert rows["secret"] == "2 inputs, 1 output"
    assert rows["neurons"] == "3 found, 3 in the secret"
    assert rows["matched"].startswith("3 of 3")
    assert float(rows["worst error"].split()[0]) < 1e-8
    assert float(rows["exact loss"].split()[0]) < 1e-16
    assert "With confidence 0.95" in rows["certificate"]
    assert re.fullmatch(r"\d+\.\d\d s, \d+\.\d\d s of it for the secret's answers", rows["time"])
    assert "queries" in err  # progress does not mix with the result


def test_demo_of_a_random_secret_is_the_network_of_that_seed():
    sizes = ["--dim", "3", "--neurons", "4", "--outputs", "2"]
    code, out, _ = run("demo", *sizes, "--seed", "7", "--max-queries", "5000")
    rows = table(out)
    assert code == 0
    assert "Learned: random 3-4-2, seed 7" in out
    assert rows["secret"] == "3 inputs, 2 outputs"
    assert rows["neurons"] == "4 found, 4 in the secret"
    parameters = zoo.random_network(3, 4, 2, rng=7).n_parameters
    queries = int(rows["queries"].replace(",", ""))
    find, sure = (int(part.split()[0].replace(",", "")) for part in rows["of them"].split(", "))
    assert find + sure == queries and sure >= 369  # the certificate leaves 1 % open
    assert rows["queries per parameter"] == (
        f"{queries / parameters:.2f} (of {parameters} parameters)"
    )


def test_demo_counts_what_a_degenerate_secret_has():
    code, out, _ = run("demo", "duplicates")
    assert code == 0
    expected = "5 found, 9 in the secret (5 after merging equal and dead ones)"
    assert table(out)["neurons"] == expected


def test_demo_with_sizes_left_out_takes_the_defaults():
    code, out, _ = run("demo", "--neurons", "0")
    assert code == 0 and "random 10-0-1, seed 0" in out
    assert table(out)["matched"] == "0 of 0"


def test_same_seed_same_queries():
    first, again, other = (
        table(run("demo", "crease", "--seed", seed)[1])["queries"] for seed in ("5", "5", "6")
    )
    assert first == again
    assert other


def test_grid_method():
    code, out, _ = run("demo", "crease", "--method", "grid")
    assert code == 0 and "Learned: crease" in out
    # Its output has the paper's form: the affine part is two more ReLUs, which are no finds.
    assert re.match(r"1 found( \(written with 3 ReLUs\))?, 1 in", table(out)["neurons"])


def test_an_inexact_result_is_not_called_learned():
    # Intervals of the grid's default width hold more than one kink here.
    code, out, _ = run("demo", "wide", "--method", "grid")
    assert code == 0 and "Finished, but not exact: wide" in out


def test_an_exhausted_budget_ends_with_what_was_found(tmp_path):
    file = tmp_path / "run.trace"
    code, out, err = run(
        "demo", "--dim", "20", "--neurons", "10", "--max-queries", "150", "--save-trace", str(file)
    )
    assert code == 1
    assert "Partial result" in out
    rows = table(out)
    assert int(rows["queries"]) <= 150
    assert rows["certificate"] == "none: the run did not end"
    last = err.strip().splitlines()[-1]
    assert last.startswith("relu-learn: QueryBudgetExceeded: ") and "max_queries" in last
    assert len(Trace.load(file)) > 0


def test_html_is_a_page_that_plays_the_run(tmp_path):
    file = tmp_path / "tent.html"
    code, out, err = run("demo", "tent", "--seed", "1", "--html", str(file), "--theme", "dark")
    assert code == 0 and "Learned: tent" in out
    assert re.search(r"plays the run in any browser \(\d\.\d MB\)", err)
    text = file.read_text(encoding="utf-8")
    assert "<title>tent: learned from its answers</title>" in text
    assert f"{table(out)['queries']} queries · 3 neurons found" in text
    assert "The last step reveals the secret." in text and "background: #16191d" in text


def test_html_of_an_exhausted_budget(tmp_path):
    file = tmp_path / "part.html"
    sizes = ["--dim", "20", "--neurons", "10", "--max-queries", "150"]
    code, out, err = run("demo", *sizes, "--html", str(file))
    assert code == 1 and "Partial result" in out and "QueryBudgetExceeded" in err
    text = file.read_text(encoding="utf-8")
    assert "This run was stopped before its end." in text
    assert f"{table(out)['queries']} queries" in text


def test_list_describes_every_secret():
    code, out, _ = run("demo", "--list")
    assert code == 0
    assert [line.split()[0] for line in out.splitlines() if line[0] != " "] == zoo.names()


@NEEDS_FULL
def test_a_full_disk_does_not_cost_the_table():
    done = shell("demo tent --save-trace /dev/full")
    assert done.returncode == 1 and "Learned: tent" in done.stdout
    assert "--save-trace: cannot write '/dev/full'" in done.stderr.splitlines()[-1]


@NEEDS_FULL
def test_a_result_that_cannot_be_written():
    done = shell("demo tent > /dev/full")
    assert done.returncode == 1
    assert done.stderr.splitlines()[-1].startswith("relu-learn: cannot write: ")

"""The objects of ``import parabounds``: their numbers are those of the commands, their texts are short."""

import subprocess
import sys
from fractions import Fraction
from itertools import permutations
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

import parabounds as pb
from synthetic import make_task
from theory import (
    InputError,
    JointPMF,
    output_distribution,
    parse_policy,
    subset_entropies,
    total_correlation,
)
from theory import decode as theory_decode
from theory.commands.bounds import bounds_answer, schedule_answer
from theory.commands.decode import decode_answer
from theory.commands.frontier import frontier_answer
from theory.commands.policy import policy_answer
from theory.commands.rules import realised_answer

ROOT = Path(__file__).parents[2]
CITIES = [("New", "York"), ("New", "Orleans"), ("Mexico", "City"), ("Panama", "City")]


@pytest.fixture(scope="module")
def shuffle():
    return pb.task("shuffle", n=4)


@pytest.fixture(scope="module")
def results(shuffle):
    return {
        "bounds": shuffle.bounds(adaptive=True, count=True),
        "compare": shuffle.compare(["topk:k=1", "topk:k=2", parse_policy("threshold:gamma=0.9")]),
        "decode": shuffle.decode("topk:k=2"),
        "frontier": shuffle.frontier(),
        "policy": shuffle.policy(steps=2),
        "schedule": shuffle.schedule(),
    }


def test_numbers_are_those_of_the_commands(results):
    task = make_task("shuffle", 4)
    known = {
        "bounds": bounds_answer(task, adaptive=True, count=True),
        "decode": decode_answer(task, parse_policy("topk:k=2")),
        "frontier": frontier_answer(task),
        "policy": policy_answer(task, 2),
        "schedule": schedule_answer(task),
    }
    for kind, answer in known.items():
        assert {key: results[kind].answer[key] for key in answer} == answer


def test_entries_are_attributes(results):
    decode = results["decode"]
    assert decode.accuracy == decode["accuracy"] == Fraction(3, 8)
    assert str(decode.kl) == "3 log2(2) - log2(3)"
    assert "tokens_per_step" in dir(decode)
    with pytest.raises(AttributeError, match="decode has no 'accurracy'; it has task, n, policy"):
        _ = decode.accurracy
    assert str(results["bounds"].at(2)) == "3 log2(2) - log2(3)"
    with pytest.raises(InputError, match="steps must be between 1 and 4"):
        results["bounds"].at(5)


def test_comparisons_know_the_distance_to_the_optimum(results):
    rows = {row["policy"]: row for row in results["compare"].policies}
    assert rows["topk:k=2"]["bits_above"] == 0  # exact: Shuffle's best two blocks
    assert rows["topk:k=1"]["steps_above"] == 0
    other = pb.task("replace_random", n=4).compare(["topk:k=2,by=left_to_right"], temperature=[0, 1]).policies
    assert [row["temperature"] for row in other] == [0, 1]
    hull = frontier_answer(make_task("replace_random", 4))["vertices"]
    assert other[1]["bits_above"] == other[1]["kl"] - next(v["kl"] for v in hull if v["steps"] == 2)


def test_texts_are_short(results):
    for result in results.values():
        assert "\n" not in repr(result)
        assert len(repr(result)) < 260
        assert result._repr_html_().count("<tr>") <= 13
    pmf = make_task("shuffle", 6).contexts()[0].distribution.pmf()
    for value in (pmf, subset_entropies(pmf), theory_decode(pmf, "topk:k=2")):
        assert "\n" not in repr(value)
        assert len(repr(value)) < 120
    large = pb.task("shuffle", n=40).bounds()
    assert large._repr_html_().count("<tr>") == 13
    assert "... of 40" in large._repr_html_()
    assert len(repr(pb.task("shuffle", n=6).decode("topk:k=2"))) < 120


def test_exact_numbers_are_latex(results):
    assert r"L^*_{2} &= 3 - \log_2 3" in results["bounds"]._repr_latex_()
    assert pb.pmf({"ab": 0.5, "ba": 0.5}).decode("topk:k=1")._repr_latex_() is None


@pytest.mark.grid(every=2)
@pytest.mark.parametrize("kind", ["bounds", "compare", "decode", "frontier", "policy", "schedule"])
def test_plots_return_their_axes(results, kind):
    from matplotlib.figure import Figure

    axes = results[kind].plot()
    assert axes.get_xlabel()
    assert axes.get_title().startswith("shuffle, n = 4")
    mine = Figure().subplots()
    assert results[kind].plot(ax=mine) is mine


def test_an_outlier_does_not_stretch_the_axis():
    far = pb.pmf(CITIES).compare(["topk:k=2,by=random", "topk:k=1"], temperature=[0, 1])
    assert any(row["kl"] == np.inf for row in far.policies)
    assert far.plot().get_ylim()[1] < 2


def test_wrong_answers_are_listed():
    wrong = pb.pmf(CITIES).decode("topk:k=2,by=random").wrong(2)
    assert wrong == [(("New", "City"), Fraction(1, 4)), (("Mexico", "Orleans"), Fraction(1, 16))]
    several = pb.task("remove_index", n=3).decode("topk:k=2")
    assert several.wrong() == []


def test_marginals_are_drawn():
    axes = pb.pmf(CITIES).plot_marginals({0: "New"})
    assert axes.get_title() == "pmf, n = 2, given 0: New"
    assert {text.get_text() for text in axes.texts} == {"1", "0.5"}


def test_ways_in(tmp_path):
    rows = list(permutations(range(3)))
    known = pb.task("shuffle", n=3).bounds().optimal_bound
    file = tmp_path / "rows.json"
    file.write_text('{"outcomes": [[0,1,2],[0,2,1],[1,0,2],[1,2,0],[2,0,1],[2,1,0]]}')
    ways = [
        pb.pmf(rows),
        pb.pmf(dict.fromkeys(rows, "1/6")),
        pb.pmf(np.array(rows), np.ones(6, dtype=int)),
        pb.pmf(rows, [2] * 6),
        pb.load(file),
        pb.task(SimpleNamespace(contexts=make_task("shuffle", 3).contexts)),
    ]
    assert [way.bounds().optimal_bound for way in ways] == [known] * len(ways)
    assert repr(ways[-1]) == "Task(SimpleNamespace, n = 3)"
    assert pb.pmf(rows, [0.5] * 6).bounds().at(1) == pytest.approx(float(known[0]))
    with pytest.raises(InputError, match="weights belong to rows"):
        pb.pmf({"ab": 1}, [1])
    with pytest.raises(InputError, match="n belongs to a task that is given by its name"):
        pb.task(ways[-1].task, n=3)


def test_samples(tmp_path):
    rows = [("a", "b")] * 5 + [("b", "a")] * 3
    seen = pb.samples(rows)
    assert repr(seen) == "Samples(8 sequences, 2 distinct, n = 2)"
    assert 0.5 < seen.bounds().total_correlation["estimate"] < 1.5
    assert pb.samples([(str(j), "a") for j in range(4)]).bounds().total_correlation is None
    assert seen.decode("topk:k=1").accuracy == 1
    assert seen.observed.pmf.probability(("a", "b")) == Fraction(5, 8)
    assert pb.samples(np.array([[0, 1], [1, 0]])).n == 2
    file = tmp_path / "seen.csv"
    file.write_text("y0,y1,x\na,b,one\na,b,two\n")
    assert pb.samples(file).decode("topk:k=1").accuracy == 1  # each context has its own distribution
    with pytest.raises(InputError, match="at least 2 samples"):
        pb.samples([("a",)])
    with pytest.raises(AttributeError):
        _ = seen.nothing


@pytest.mark.extras("pandas")
def test_data_frames(results):
    import pandas

    frame = results["bounds"].to_dataframe()
    assert list(frame.columns[:2]) == ["steps", "optimal_bound"]
    assert len(frame) == 4
    assert set(results["compare"].to_dataframe()["policy"]) == {
        "topk:k=1",
        "topk:k=2",
        "threshold:gamma=9/10",
    }
    assert pb.samples(pandas.DataFrame({"y0": ["a", "b"], "y1": ["b", "a"]})).n == 2


def test_without_pandas_one_line_names_the_extra(results, monkeypatch):
    monkeypatch.setitem(sys.modules, "pandas", None)
    with pytest.raises(InputError, match=r"parabounds\[notebook\]"):
        results["bounds"].to_dataframe()


@pytest.mark.deep
def test_the_import_is_light_and_the_help_fits_a_screen():
    script = (
        "import sys, io, contextlib, parabounds as pb\n"
        "heavy = {'torch', 'matplotlib', 'sympy', 'numba', 'numpy', 'theory'} & set(sys.modules)\n"
        "pb.pmf({'ab': '1/2', 'ba': '1/2'}).bounds()\n"
        "late = {'torch', 'matplotlib', 'sympy', 'pandas'} & set(sys.modules)\n"
        "out = io.StringIO()\n"
        "with contextlib.redirect_stdout(out):\n"
        "    help(pb)\n"
        "print(heavy, late, out.getvalue().count(chr(10)) <= 45, pb.__version__ > '')\n"
    )
    run = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, cwd=ROOT, check=True)
    assert run.stdout.split("\n")[-2] == "set() set() True True"


def test_floats_are_those_of_jointpmf():
    assert pb.pmf(JointPMF.uniform(["ab", "ba"])).pmf.n == 2


def test_audits_are_those_of_the_command():
    one = pb.audit("dream", masked=10, steps=10, task="shuffle")
    assert one.answer == realised_answer("dream:steps=10", 10, task=lambda n: make_task("shuffle", n))
    assert (one.accuracy, one.tokens_per_call) == (Fraction(1, 2), [0, 1, 1, 1, 1, 1, 1, 1, 1, 2])
    two = pb.audit("llada:steps=4", "dream:steps=4", masked=10)
    assert [row["tokens_per_call"] for row in two.settings] == [[3, 3, 2, 2], [2, 2, 2, 4]]
    assert [row["rule"] for row in two.view.values] == [
        "llada:steps=4",
        "dream:steps=4",
    ]
    with pytest.raises(InputError, match="audit takes at least one rule"):
        pb.audit(masked=4)
    with pytest.raises(InputError, match="masked must be"):
        pb.audit("llada:steps=4", masked=0)


def test_marginals_are_conditional_probabilities():
    cities = pb.pmf({("New", "York"): "1/2", ("New", "Delhi"): "1/8", ("Mexico", "City"): "3/8"})
    assert cities.marginals()[0] == {"New": Fraction(5, 8), "Mexico": Fraction(3, 8)}
    assert cities.marginals({0: "New"}) == {
        0: {"New": 1},
        1: {"York": Fraction(4, 5), "Delhi": Fraction(1, 5)},
    }
    with pytest.raises(InputError):
        cities.marginals({0: "Old"})


def test_functions_of_theory_take_what_the_doors_return(shuffle):
    assert total_correlation(shuffle, [0, 1]) == total_correlation(make_task("shuffle", 4), [0, 1])
    assert sum(output_distribution(shuffle, "topk:k=2").values()) == 1

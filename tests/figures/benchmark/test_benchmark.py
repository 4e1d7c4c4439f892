"""Figures of the benchmark: a rule for every published point, and the scores that decoding alone explains."""

from fractions import Fraction

import pytest

from figures.benchmark.figure import perfect_scores, short_scores
from figures.benchmark.lines import lines_of
from figures.benchmark.scatter import FIGURE as SCATTER
from figures.benchmark.scatter import mean_tokens, slope
from figures.benchmark.settings import LISTS, PUZZLES, TASKS, TEXTS, policies_of
from figures.benchmark.verdicts import VERDICTS, share_of_loss, verdict_page, verdict_row
from figures.engine.data import published_rows
from figures.engine.figure import RunSettings, known_figures
from synthetic.parallelbench import TASKS as BENCH
from synthetic.task import list_task
from theory import decode_contexts
from theory.policies import parse_policy

LINES = (3, 4, 5, *range(8, 26))


def test_the_panels_are_the_tasks_of_the_benchmark() -> None:
    assert {f"waiting_line/{task}" for task in LISTS} == {t.name for t in BENCH.values() if t.kind == "list"}
    assert {f"puzzles/{task}" for task in PUZZLES} == {t.name for t in BENCH.values() if t.kind == "puzzle"}
    assert len(TASKS) == len(BENCH) == 17


@pytest.mark.parametrize("number", LINES)
def test_every_published_point_is_on_a_line_with_its_rule(number: int) -> None:
    lines = lines_of(number)
    published = [row for row in published_rows("benchmark_figures") if row["figure"] == str(number)]
    assert sum(percent is not None for line in lines for _, percent in line.points) == len(published)
    for line in lines:
        if line.short:
            assert all(percent is None for _, percent in line.points)
        elif line.task:
            assert len(line.policies) == len(line.points)
            assert line.task not in TEXTS
            if line.x_name == "tokens_per_step" and line.policies[0].startswith("topk"):
                assert [parse_policy(spec).k for spec in line.policies] == [x for x, _ in line.points]
            if line.x_name == "tokens_per_step" and line.policies[0].startswith("dream"):
                assert line.model in ("Dream 7B", "DiffuCoder")
                length = 64 if line.task in PUZZLES else 32
                assert [length / parse_policy(spec).steps for spec in line.policies] == [
                    x for x, _ in line.points
                ]
        else:
            assert line.policies == ()


def test_which_lines_have_no_perfect_model() -> None:
    without = {
        number: {line.label for line in lines_of(number) if line.task is None and line.panel not in TEXTS}
        for number in LINES
    }
    rules = {
        "random",
        "confidence",
        "left to right",
        "threshold",
    }  # panels of Figure 16 that are not identified
    some = {4: {"Mercury"}, 8: {"RCR", "ReMDM", "chain of thought"}, 16: rules, 17: rules}
    some |= {18: {"RCR"}, 19: {"ReMDM"}, 20: {"absorb", "uniform"}}
    assert without == {number: some.get(number, set()) for number in LINES}


def test_panels_of_figure_16_equal_lines_of_other_figures() -> None:
    def points(number: int, panel: str, label: str) -> list[tuple[float, float]]:
        return next(line.points for line in lines_of(number) if (line.panel, line.label) == (panel, label))

    for printed, task in (
        ("reverse", "shuffle"),
        ("replace_index", "replace_random"),
        ("remove_random", "replace_index"),
    ):
        assert points(16, printed, "confidence") == points(8, task, "fine-tuned")
    assert points(16, "sort", "random") == points(22, "sort", "random")
    for task in ("shuffle", "replace_random", "replace_index"):  # the caption of Figure 8 says random
        assert points(8, task, "plain") == points(22, task, "confidence") != points(22, task, "random")


@pytest.mark.parametrize("number", range(3, 26))
def test_figures_are_known_and_small_when_fast(number: int) -> None:
    figure = known_figures()[f"figure{number}"]
    assert len(figure.cells(figure.resolve(RunSettings(fast=True)))) <= 10
    assert "Source: arXiv 2510.04767" in figure.about
    assert "Protocol: v1" in figure.about


def test_the_tables_have_a_source_and_a_verdict_for_each_column() -> None:
    figure = known_figures()["tables5-7"]
    assert "Source: arXiv 2510.04767 (ParallelBench), Tables 5, 6 and 7. Protocol: v1" in figure.about
    settings = figure.resolve(RunSettings())
    rows = figure.compute(settings, [])
    assert figure.pages is not None
    page = figure.pages(rows, settings)["tables5-7_verdicts.md"]
    assert "| Table 5, copy | 6 | 6 | 0 | 0 | nothing is lost |" in page
    assert page.count("no perfect model") == 11
    assert len(page.splitlines()) == 23 + 6


def test_left_to_right_scores_of_replace_random_are_those_of_a_fine_tuned_model() -> None:
    policies = list(policies_of("left_to_right_topk", "tokens_per_step"))
    found = perfect_scores(task="replace_random", policies=policies, sizes=[3, 4, 5, 6])
    # published for LLaDA 1.5, fine-tuned: 100, 100, 47, 37, 27, 0
    assert [Fraction(accuracy) for accuracy, _ in found] == [
        1,
        1,
        Fraction(1, 2),
        Fraction(9, 16),
        Fraction(9, 32),
        0,
    ]
    assert [Fraction(rate) for _, rate in found] == [1, 2, 4, 8, 16, 32]


def test_rules_that_mask_again_on_four_people() -> None:
    found = short_scores(task="replace_random", policies=["rcr:steps=4", "rcr:steps=2", "rcr:steps=1"])
    assert found == [["1", "1"], ["1/2", "2"], ["0", "4"]]
    assert short_scores(task="copy", policies=["remdm_llada:steps=4,extra=1"]) == [["1", "4/5"]]


def test_dream_has_its_own_schedule() -> None:
    # published for Dream, two tokens per step by confidence: 99 and 100; in steps of two a perfect model has 42 and 73
    ruled = {(line.panel, line.label): line.policies for line in lines_of(23)}
    for task, label in (("shuffle", "confidence"), ("replace_random", "confidence")):
        ((accuracy, _),) = perfect_scores(task=task, policies=list(ruled[task, label][1:2]), sizes=[3, 4])
        assert accuracy == "1"
    assert ruled["shuffle", "left to right"][1] == "topk:k=2,by=random,block=2"  # a step for each block
    assert all(spec.startswith("threshold") for spec in ruled["shuffle", "threshold"])


def test_verdicts() -> None:
    assert verdict_row(50, Fraction(11, 20), "shuffle")["verdict"] == VERDICTS[0]
    assert verdict_row(50, Fraction(9, 10), "shuffle")["verdict"] == VERDICTS[1]
    above = verdict_row(50, Fraction(1, 10), "shuffle")
    assert (above["verdict"], above["decoding_share"], above["lost_by_the_model"]) == (VERDICTS[2], 1, -40)
    assert verdict_row(100, Fraction(1), "sudoku")["samples"] == 108
    assert verdict_row(50, None, None)["verdict"] == "no perfect model"
    assert verdict_row(39.4, None, None, counts=False)["low_percent"] is None  # ROUGE-L times grammar
    rows = [{"panel": "shuffle", "published_percent": 50.0} | verdict_row(50, Fraction(3, 4), "shuffle")]
    rows += [{"panel": "paraphrasing", "published_percent": 50.0} | verdict_row(50, None, None)]
    page = verdict_page("Title", rows, {})
    assert "| shuffle | 1 | 0 | 1 | 0 | 50 % |" in page
    assert "| paraphrasing | 1 | no perfect model | | | |" in page
    assert share_of_loss(rows) == 0.5
    assert share_of_loss(rows[1:]) is None


def test_panels_show_the_share_of_the_loss_that_is_decoding() -> None:
    figure = known_figures()["figure5"]
    settings = figure.resolve(RunSettings()) | {"panels": ["shuffle", "w2s_easy"], "sizes": [3]}
    results = [one.function(**one.kwargs) for one in figure.cells(settings)]
    rows = figure.compute(settings, results)
    drawing = figure.draw(rows, settings)
    texts = [[text.get_text() for text in panel.texts] for panel in drawing.axes]
    share = share_of_loss([row for row in rows if row["panel"] == "shuffle"])
    assert share is not None
    assert texts == [[f"{100 * share:.0f} % of the loss is decoding"], []]


def test_the_axes_of_figure_6() -> None:
    assert mean_tokens([(1, 100.0), (2, 100.0), (4, 100.0)]) == pytest.approx(7 / 3)
    assert mean_tokens([(1, 0.0)]) == 0
    assert slope([(1, 5.0), (2, 3.0), (3, 1.0)]) == -2


def test_figure_6_orders_the_list_tasks_as_the_paper_does() -> None:
    settings = SCATTER.resolve(RunSettings()) | {"tasks": []}
    rows = SCATTER.compute(settings, [])
    checks = {check.name.partition(": ")[2]: float(check.value) for check in SCATTER.checks(rows, settings)}
    assert checks["hard to decode in parallel, list tasks"] == 1
    assert checks["hard to decode in parallel, all tasks"] > 0.98
    assert checks["prefers small blocks"] > 0.85


def test_samplers_of_sedd_beside_the_published_points() -> None:
    lines = {(line.panel, line.label): line for line in lines_of(20)}
    for kind, noise in (("absorb", "masking"), ("uniform", "uniform")):
        line = lines["shuffle", f"{kind}, perfect, 4 people as tokens"]
        assert line.short
        assert [x for x, _ in line.points] == [x for x, _ in lines["shuffle", kind].points]
        assert line.policies[:2] == (f"{noise}:steps=1", f"{noise}:steps=2")
    found = short_scores(task="shuffle", policies=["masking:steps=1", "uniform:steps=1", "masking:steps=4"])
    product = Fraction(0)  # every position has the input's item with 5/23, the others with 6/23
    for order in list_task("shuffle_strict", 4).contexts()[0].distribution.pmf().outcomes:
        chance = Fraction(1)
        for place, item in enumerate(order):
            chance *= Fraction(5 if item == place else 6, 23)
        product += chance
    for (accuracy, _), value in zip(found[:2], (product, product), strict=True):
        assert float(accuracy) == pytest.approx(float(value), abs=1e-12)
    rule = parse_policy("ancestral:steps=4,eps=0")
    exact = decode_contexts(list_task("shuffle_strict", 4), rule, temperature=1).accuracy
    assert float(found[2][0]) == pytest.approx(float(exact), abs=1e-12)
    assert short_scores(task="replace_index", policies=["uniform:steps=2"])[0][0] == "1"

"""The engine of the page, in the page: equal to ``theory`` as text, on random distributions from a seed."""

import random
from fractions import Fraction
from typing import Any

import pytest

from parabounds.trace import trace
from tests.parabounds.explorer.cases import disagreements, random_case
from theory.decoding.output import output_distribution
from theory.distributions.pmf import JointPMF

ANSWERS = """cases => cases.map(({rows, shares, rule, temperature}) => {
  const found = decode(makePmf(rows, shares.map(readRatio)), rule, temperature);
  return {
    spec: specification(rule), q: found.q.map(text), accuracy: text(found.accuracy), steps: text(found.steps),
    dataSteps: text(found.dataSteps), kl: String(found.kl.value).replace("Infinity", "inf"), form: found.kl.form,
    pathKl: String(found.pathKl.value).replace("Infinity", "inf"),
  };
})"""
WRONG = """cases => cases.map(({rows, shares, rule, temperature}) =>
  impossible(makePmf(rows, shares.map(readRatio)), rule, temperature).map(([tokens, q]) => [tokens, text(q)]))"""
REPLAY = """({rows, shares, rule, temperature, choices}) => {
  const run = oneRun(makePmf(rows, shares.map(readRatio)), rule, temperature, {kind: "decode", choices});
  return run.steps.map((step) => ({
    chosen: step.chosen, tokens: step.tokens, sets: step.sets.length, drawn: text(step.drawn),
    ties: step.tied.length + step.above.length > step.take ? step.tied : [],
    cost: step.cost && String(step.cost.value).replace("Infinity", "inf"), form: step.cost && step.cost.form,
  }));
}"""
# a fault in the rules or in the decode, which the comparison must notice
FAULTS = {
    "equal passes": ("side > 0n : side >= 0n", "side >= 0n : side >= 0n"),
    "no floor": ("return Math.max(number, 1);", "return Math.max(number, Math.min(2, left));"),
    "ties forget one": ("parts = subsets(tied, need)", "parts = subsets(tied, need).slice(0, 2)"),
    "blocks forgotten": ("countTaken(rule, ranked, size - able.length,", "countTaken(rule, ranked, 0,"),
    "lost runs stop": ("steps = add(steps, mass);", ""),
    "powers": ("c ** power", "c"),
}
needs_browser = pytest.mark.extras("playwright")


def drawn(count: int, seed: int) -> list[dict[str, Any]]:
    rng = random.Random(seed)
    return [random_case(rng) for _ in range(count)]


def pmf_of(case: dict[str, Any]) -> JointPMF:
    return JointPMF.from_pairs([tuple(row) for row in case["rows"]], case["shares"])


@needs_browser
@pytest.mark.parametrize(
    "count", [100, pytest.param(2000, marks=pytest.mark.deep), pytest.param(20_000, marks=pytest.mark.slow)]
)
def test_every_number_is_that_of_theory(opened, small_page, count):
    cases = drawn(count, seed=count)
    answers = opened(small_page).evaluate(ANSWERS, cases)
    assert not disagreements(cases, answers)
    assert sum(answer["form"] is not None for answer in answers) > 0.99 * count


@needs_browser
@pytest.mark.deep
def test_planted_faults_are_noticed(opened, small_page):
    cases = drawn(2000, seed=2000)
    sound = opened(small_page).evaluate(ANSWERS, cases)
    for fault, (before, after) in FAULTS.items():
        assert small_page.count(before) == 1, fault
        # the policy of the page refuses scripts that were changed
        broken = opened(small_page.replace(before, after), bypass_csp=True)
        answers = broken.evaluate(ANSWERS, cases)
        different = [j for j, answer in enumerate(answers) if answer != sound[j]]
        assert len(different) > 5, fault
        few = different[:50]
        assert disagreements([cases[j] for j in few], [answers[j] for j in few]), fault


@needs_browser
def test_impossible_answers_are_those_of_theory(opened, small_page):
    cases = drawn(60, seed=5)
    tab = opened(small_page)
    specs = [answer["spec"] for answer in tab.evaluate(ANSWERS, cases)]
    for case, spec, answer in zip(cases, specs, tab.evaluate(WRONG, cases), strict=True):
        pmf = pmf_of(case)
        whole = output_distribution(pmf, spec, temperature=Fraction(case["temperature"]))
        right = {y: str(q) for y, q in whole.items() if y not in set(pmf.outcomes) and q}
        assert {tuple(tokens): q for tokens, q in answer} == right
        assert [Fraction(q) for _, q in answer] == sorted((Fraction(q) for _, q in answer), reverse=True)


@needs_browser
def test_a_run_is_that_of_trace(opened, small_page):
    """Steps, ties and costs, with the choices of a run of ``trace``; every other run follows a true answer."""
    tab, cases = opened(small_page), drawn(80, seed=9)
    specs = [answer["spec"] for answer in tab.evaluate(ANSWERS, cases)]
    seen = set()
    for number, (case, spec) in enumerate(zip(cases, specs, strict=True)):
        along = tuple(case["rows"][0]) if number % 2 else None
        run = trace(pmf_of(case), spec, along=along, seed=number, temperature=Fraction(case["temperature"]))
        choices = [[list(step.chosen), [step.tokens[i] for i in step.chosen]] for step in run]
        for step, mine in zip(run, tab.evaluate(REPLAY, {**case, "choices": choices}), strict=True):
            assert mine["chosen"] == list(step.chosen)
            assert mine["ties"] == list(step.ties)
            assert (mine["sets"], mine["drawn"]) == (step.sets, str(step.drawn))
            if step.cost is None:
                assert mine["cost"] is None
            else:
                assert float(mine["cost"]) == pytest.approx(float(step.cost), abs=1e-11)
                assert mine["form"] == str(step.cost)
            seen.add(type(step.cost).__name__)
    assert seen == {"LogNumber", "float", "NoneType"}  # also minus infinity, and what follows it


@needs_browser
def test_costs_of_followed_answers_average_to_the_divergence(opened, small_page):
    """Over all answers, for a rule without chance: the mean of log2 P/Q is D(P||Q), as an exact form."""
    script = """() => {
      const rows = ["aab", "abc", "bac", "ccc"].map((word) => [...word]);
      const pmf = makePmf(rows, ["1/2", "1/4", "1/8", "1/8"].map(readRatio));
      const rule = {name: "topk", k: "2", by: "confidence", ties: "lowest", block: ""};
      const terms = pmf.rows.map((row, j) => {
        const choices = [];
        let run;
        for (let mask = 0; mask < 7;) {
          const known = pmf.codes[j].map((v, i) => (mask >> i & 1 ? v : -1));
          const { weight, counts } = marginals(pmf, everyRow(pmf).filter((r) => agrees(pmf, r, known)));
          const set = plan(pmf, rule, mask, counts, weight).sets[0][0];
          choices.push([positionsOf(set, 3), positionsOf(set, 3).map((i) => row[i])]);
          mask |= set;
        }
        run = oneRun(pmf, rule, "1", {kind: "follow", choices});
        const product = run.steps.reduce((p, step) => times(p, step.cost.ratio), ONE);
        return [probability(pmf, j), product];
      });
      return [logSum(terms).form, decode(pmf, rule, "1").kl.form];
    }"""
    mean, kl = opened(small_page).evaluate(script)
    assert mean == kl != "0"


@needs_browser
def test_close_entropies_are_decided_by_integers(opened, small_page):
    """Counts 1, 1 and 4 and counts 2, 2 and 2 tie at a common factor; equal floats are no proof."""
    tab = opened(small_page)
    order = "([a, b]) => compareEntropy(a.map(BigInt), b.map(BigInt))"
    assert tab.evaluate(order, [[2, 2, 2], [2, 2, 2]]) == 0
    assert tab.evaluate(order, [[1, 1, 4], [2, 2, 2]]) == -1
    assert tab.evaluate(order, [[3, 3, 6], [4, 4, 4]]) == -1
    assert tab.evaluate(order, [[4, 4, 4], [3, 3, 6]]) == 1
    # 2^2 2^2 2^2 2^2 = 4^4 1^1 ...: different counts, one entropy
    assert tab.evaluate(order, [[2, 2, 2, 2, 1, 1, 1, 1], [4, 1, 1, 1, 1, 1, 1, 1, 1]]) == 0


@needs_browser
def test_too_many_states_are_refused(opened, small_page):
    script = """([limit]) => {
      const rows = [0, 1, 2, 3, 4, 5, 6, 7].map((j) => [j >> 2 & 1, j >> 1 & 1, j & 1].map(String));
      const pmf = makePmf(rows, rows.map(() => ratio(1n, 8n)));
      const rule = {name: "topk", k: "1", by: "random", ties: "random", block: ""};
      try { return decode(pmf, rule, "1", limit).states; } catch (error) { return error.message; }
    }"""
    tab = opened(small_page)
    assert tab.evaluate(script, [1000]) == 1 + 3 * 2 + 3 * 4
    assert tab.evaluate(script, [10]) == "more than 10 states"

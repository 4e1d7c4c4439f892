"""Tasks of several contexts: weights, lengths, and contexts that never occur."""

import json
from contextlib import redirect_stdout
from dataclasses import dataclass
from fractions import Fraction
from io import StringIO
from math import inf

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.helpers.comparison import same
from tests.helpers.strategies import targets
from tests.reference import definitions as ref
from theory.__main__ import main
from theory.bounds.partitions.contexts import bounds_by_context
from theory.decoding.decoder import decode
from theory.decoding.tasks import decode as expectation_module
from theory.decoding.tasks.best_setting import best_setting
from theory.decoding.tasks.decode import decode_contexts
from theory.decoding.tasks.realised import realised_on
from theory.distributions.contexts import expectation
from theory.distributions.distribution import Context, ListedDistribution, context_pmfs, occurring
from theory.distributions.pmf import JointPMF
from theory.information.subsets.builder import subset_entropies
from theory.optima.adaptive.contexts import average_bounds, average_depth, average_frontier
from theory.policies import parse_policy

PAIR = [["a", "a", "c"], ["b", "b", "c"]]
SURE = [["a", "b", "c"]]
ORDERS = [
    ["a", "b", "c"],
    ["a", "c", "b"],
    ["b", "a", "c"],
    ["b", "c", "a"],
    ["c", "a", "b"],
    ["c", "b", "a"],
]
LONG = [["a", "a", "a", "a"], ["b", "b", "b", "b"]]


@dataclass(frozen=True)
class Task:
    """A task of given contexts."""

    parts: tuple[Context, ...]
    name: str = "made"
    n: int = 3

    def contexts(self) -> tuple[Context, ...]:
        return self.parts

    def chain(self) -> None:
        return None


def context(weight, rows) -> Context:
    distribution = rows if isinstance(rows, JointPMF) else JointPMF.uniform(map(tuple, rows))
    return Context(weight=Fraction(weight), distribution=ListedDistribution(distribution))


def answer_of(path, command, *options):
    out = StringIO()
    with redirect_stdout(out):
        assert main([command, str(path), *options, "--json"]) == 0
    found = json.loads(out.getvalue())
    return {key: value for key, value in found.items() if key != "task"}


COMMANDS = [
    ("bounds", "--adaptive", "--randomized", "--count", "--partition", "0|1,2"),
    ("schedule",),
    ("frontier",),
    ("policy",),
    ("decode", "--policy", "threshold:gamma=0.6", "--temperature", "0"),
    ("decode", "--policy", "topk:k=2,by=random"),
]


@pytest.mark.grid(every=3)
@pytest.mark.parametrize("never", [ORDERS, SURE, LONG])
@pytest.mark.parametrize("command", COMMANDS, ids=" ".join)
def test_a_context_of_weight_zero_changes_no_answer(command, never, tmp_path):
    parts = [{"weight": "1/3", "outcomes": PAIR}, {"weight": "2/3", "outcomes": SURE}]
    without, beside = tmp_path / "without.json", tmp_path / "beside.json"
    without.write_text(json.dumps({"contexts": parts}))
    beside.write_text(json.dumps({"contexts": [*parts, {"weight": 0, "outcomes": never}]}))
    name, *options = command
    assert answer_of(without, name, *options) == answer_of(beside, name, *options)


def test_only_contexts_that_occur_count():
    parts = (context(0, ORDERS), context(1, SURE))
    task, alone = Task(parts), Task(parts[1:])
    greedy = parse_policy("threshold:gamma=0.9")
    assert expectation([(Fraction(0), inf), (Fraction(1), Fraction(2))]) == 2
    assert expectation([(Fraction(0), None), (Fraction(1), Fraction(2))]) == 2
    assert occurring(parts) == parts[1:]
    assert decode_contexts(task, greedy, temperature=0) == decode_contexts(alone, greedy, temperature=0)
    assert decode_contexts(task, greedy, temperature=0).kl == 0  # infinite for the orders
    assert decode_contexts(task, greedy).step_distribution == decode_contexts(alone, greedy).step_distribution
    assert realised_on(task, greedy) == realised_on(alone, greedy)
    assert best_setting(task, [greedy]) == best_setting(alone, [greedy])
    assert bounds_by_context(parts) == bounds_by_context(parts[1:])


def test_adaptive_optima_of_contexts_that_occur():
    pmfs = [
        (Fraction(0), JointPMF.uniform(map(tuple, ORDERS))),
        (Fraction(1), JointPMF.uniform(map(tuple, PAIR))),
    ]
    assert average_depth(pmfs) == average_depth(pmfs[1:])
    assert average_depth(pmfs).worst_case == 2  # three for the orders
    assert average_bounds(pmfs) == average_bounds(pmfs[1:])
    corners = [(v.steps_under_data, v.kl) for v in average_frontier(pmfs).vertices]
    assert corners == [(v.steps_under_data, v.kl) for v in average_frontier(pmfs[1:]).vertices]
    assert len(set(corners)) == len(corners)


def test_a_float_context_that_never_occurs_leaves_the_table_exact():
    floats = JointPMF.from_mapping({("a", "a"): 0.3, ("b", "b"): 0.7})
    exact = JointPMF.uniform([("a", "a"), ("b", "b")])
    table = subset_entropies([(Fraction(0), floats), (Fraction(1), exact)])
    assert table.is_exact
    assert table.exact(3) == 1
    assert context_pmfs([context(0, floats), context(1, exact)]) == [(Fraction(1), exact)]


@given(
    parts=st.lists(
        st.tuples(st.integers(0, 5), targets([(3,), (1, 2), (2, 2), (2, 1, 2), (2, 2, 2)])),
        min_size=1,
        max_size=3,
    ).filter(lambda parts: any(w for w, _ in parts))
)
def test_theorem_3_for_contexts_of_any_length(parts):
    """``sum_x P(x) min over partitions into at most T blocks``, each context with its own positions."""
    total = sum(w for w, _ in parts)
    found = bounds_by_context([context(Fraction(w, total), t.exact) for w, t in parts])
    longest = max(t.n for w, t in parts if w)
    assert len(found) == longest
    for steps, value in enumerate(found, start=1):
        least = [
            ref.scale(ref.optimal_bound(t.distribution, min(steps, t.n))[0], Fraction(w, total))
            for w, t in parts
            if w
        ]
        assert same(value, ref.add(*least))


@pytest.mark.parametrize(("spec", "decodes"), [("topk:k=2", 2), ("pc:k=2", 4), ("klass:tau=0.6,eps=0.01", 4)])
def test_contexts_that_differ_in_names_alone_are_decoded_once(spec, decodes, monkeypatch):
    """Not for rules that may see names."""
    parts = [
        context("1/4", rows) for rows in (PAIR, [["c", "c", "d"], ["d", "d", "d"]], SURE, [["c", "d", "b"]])
    ]
    counted = list[JointPMF]()
    together = expectation_module.decode_together
    monkeypatch.setattr(
        expectation_module,
        "decode_together",
        lambda pmfs, *args, **kw: counted.extend(pmfs) or together(pmfs, *args, **kw),
    )
    found = decode_contexts(Task(tuple(parts)), parse_policy(spec))
    alone = [decode(part.distribution.pmf(), parse_policy(spec)) for part in parts]
    assert found.accuracy == sum(Fraction(1, 4) * result.accuracy for result in alone)
    assert found.steps == sum(Fraction(1, 4) * result.steps for result in alone)
    assert len(counted) == decodes

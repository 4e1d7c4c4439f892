"""The work of the graph of classes is estimated from a few states, and counted on the way."""

from __future__ import annotations

import json
from fractions import Fraction

import pytest

from synthetic import make_task
from theory.__main__ import main
from theory.distributions.pmf import JointPMF
from theory.limits import CostError, allowing
from theory.numbers.unseen import Foreseen, look_ahead
from theory.optima.adaptive import graph_forecast as ahead
from theory.optima.adaptive import state_graph as graph
from theory.optima.adaptive.actions import BLOCK_SECONDS
from theory.optima.adaptive.graph_forecast import forecast
from theory.optima.adaptive.state_graph import state_graph
from theory.optima.adaptive.states import graph_budget, list_states, most_moves, reading_seconds


def distribution_of(name: str, n: int) -> JointPMF:
    return make_task(name, n).contexts()[0].distribution.pmf()


def work_done(pmf: JointPMF) -> float:
    """Listing the states, then every block of the sets where classes were met first."""
    states = list_states(pmf)
    blocks = sum(2 ** (pmf.n - mask.bit_count()) for mask in {mask for mask, _ in states.where})
    return states.classes.budget.spent + blocks * BLOCK_SECONDS


def foreseen(pmf: JointPMF) -> float:
    """Seconds, after a look."""
    with allowing(Fraction(1, 10**6)):
        budget = graph_budget([pmf])
    return forecast(pmf, budget).seconds


@pytest.mark.grid(1)
@pytest.mark.parametrize(
    ("task", "n"),
    [
        ("shuffle", 6),
        ("tree", 8),
        ("affine_subspace", 10),
        ("balanced", 10),
        ("bernoulli_walk", 8),
        ("hmm", 7),
    ],
)
def test_forecasts_and_what_was_done_are_of_one_size(task, n):
    pmf = distribution_of(task, n)
    assert work_done(pmf) / 3 < foreseen(pmf) < 3 * work_done(pmf)


@pytest.mark.parametrize(("task", "n"), [("balanced", 14), ("affine_subspace", 14), ("hmm", 11)])
def test_a_long_search_is_refused_before_it_starts(task, n, monkeypatch):
    monkeypatch.setattr(graph, "list_states", None)
    with pytest.raises(
        CostError, match=rf"the adaptive optimum of {n} positions and \d+ outcomes would take about"
    ):
        state_graph(distribution_of(task, n))


def test_moves_are_foreseen(monkeypatch):
    monkeypatch.setattr(graph, "list_states", None)
    with pytest.raises(
        CostError, match=r"the moves between the states of 12 positions and 4096 outcomes would need"
    ):
        state_graph(distribution_of("bernoulli_walk", 12))


def test_sets_are_counted_before_any_is_read():
    pmf = distribution_of("parity", 16)
    assert reading_seconds(pmf) > 2**16 * 2**15 * 16 * 2e-8
    with pytest.raises(CostError, match="the adaptive optimum of 16 positions and 32768 outcomes"):
        state_graph(pmf)


def test_a_small_distribution_is_not_looked_at(monkeypatch):
    monkeypatch.setattr(ahead, "Reader", None)
    assert state_graph(distribution_of("shuffle", 5)).classes == 6


@pytest.mark.parametrize("part", ["states", "blocks"])
def test_a_search_that_turns_out_long_ends_on_the_way(part, monkeypatch):
    pmf = distribution_of("hmm", 5)
    done = list_states(pmf).classes.budget.spent
    monkeypatch.setattr(graph, "forecast", lambda *_: Foreseen(seconds=0))
    # what starts on an estimate may take three times as long
    limit = Fraction(done / 4 if part == "states" else done * 1.01 / 3) / 60
    assert reading_seconds(pmf) < limit * 60
    with (
        allowing(limit),
        pytest.raises(CostError, match="the adaptive optimum of 5 positions and 32 outcomes") as refused,
    ):
        state_graph(pmf)
    assert refused.value.factor > limit


def test_a_look_ahead_goes_on_while_more_states_could_tell_more(monkeypatch):
    seen: list[int] = []

    def noted(look, budget, **rounds):
        return look_ahead(lambda count: seen.append(count) or look(count), budget, **rounds)

    monkeypatch.setattr(ahead, "look_ahead", noted)
    pmf = distribution_of("markov_chain", 9)
    with allowing(Fraction(1, 100)):
        forecast(pmf, graph_budget([pmf]))
    assert seen == [24, 96]


def test_several_distributions_count_together_and_the_limit_can_be_moved():
    pmf = distribution_of("parity", 6)
    limit = Fraction(2.1 * foreseen(pmf)) / 60
    with allowing(limit):
        graph.state_graphs([pmf] * 2)
        with pytest.raises(CostError, match="the adaptive optimum of 3 contexts would take about") as refused:
            graph.state_graphs([pmf] * 3)
    with allowing(refused.value.factor):
        graph.state_graphs([pmf] * 3)


def test_bounds_on_moves_hold():
    graphs = state_graph(distribution_of("tree", 6))
    states = graphs.states
    sizes = [len(alphabet) for alphabet in graphs.pmf.alphabets]
    for state_class, (mask, state) in enumerate(states.where, start=2):
        outcomes = int((states.layers[mask].inverse == state).sum())
        start, stop = graphs.spans[state_class].tolist()
        moves = int(graphs.starts[stop] - graphs.starts[start])
        assert 0 < moves <= most_moves(outcomes, [sizes[i] for i in states.core(mask, state)])


def test_the_order_of_the_outcomes_tells_nothing():
    pmf = distribution_of("tree", 6)
    turned = JointPMF(pmf.alphabets, pmf.codes[::-1], pmf.weights[::-1], pmf.total)
    assert foreseen(turned) == foreseen(pmf)


@pytest.mark.parametrize("command", [["policy"], ["frontier"], ["bounds", "--adaptive"]])
def test_a_command_looks_at_each_distribution_once(command, monkeypatch, capsys):
    looks = list[JointPMF]()
    monkeypatch.setattr(graph, "forecast", lambda pmf, budget: looks.append(pmf) or forecast(pmf, budget))
    assert main([command[0], "parity", "-n", "4", *command[1:], "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["n"] == 4
    assert len(looks) == 1

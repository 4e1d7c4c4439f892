"""Realised numbers of tokens, the best threshold, truncation, user-defined rules, and the page of rules."""

import json
import re
from dataclasses import dataclass
from fractions import Fraction
from itertools import product
from math import prod
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from synthetic import make_task
from theory.__main__ import main
from theory.commands.rules import realised_answer, rules_answer, rules_table
from theory.decoding.decoder import decode
from theory.decoding.tasks.best_setting import best_of_ends, best_setting
from theory.decoding.tasks.decode import decode_contexts
from theory.decoding.tasks.realised import loop_calls, lumped_form, realised, realised_on
from theory.distributions.tempering import Transform
from theory.numbers.arithmetic import EXACT, FLOAT64
from theory.numbers.rationals import to_fmpq
from theory.policies import RankedPolicy, parse_policy, registered_policies
from theory.validation import InputError

HALF = Fraction(1, 2)


def shuffle(n):
    return make_task("shuffle", n)


# -- realised sizes ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("spec", "masked", "sizes"),
    [
        ("topk:k=3", 10, (3, 3, 3, 1)),
        ("topk:k=3,remainder=first", 10, (3, 3, 2, 2)),
        ("topk:k=3,block=5", 10, (3, 2, 3, 2)),
        ("sizes:sizes=3+2+1", 8, (3, 2, 1, 1, 1)),
        ("llada:steps=6", 4, (1, 1, 1, 1)),
        ("llada:steps=3,block=2", 4, (1, 1, 0, 1, 1)),
        ("maskgit:steps=6", 4, (1, 1, 0, 1, 1)),
        ("llada:steps=2,block=2", 4, (1, 1, 1, 1)),
        ("dream:steps=10", 10, (0, 1, 1, 1, 1, 1, 1, 1, 1, 2)),
        ("dus:base=2", 8, (2, 2, 4)),
        ("bisection:order=1", 7, (1, 2, 4)),
        ("topk:k=1000", 500, (500,)),
    ],
)
def test_sizes_that_follow_from_the_settings(spec, masked, sizes):
    found = realised(parse_policy(spec), masked)
    assert (found.sizes, found.calls) == (sizes, len(sizes))


LOOPS = [  # (rule, calls of its released loop for four masks)
    ("llada:steps=6", 6),
    ("llada:steps=6,block=2", 12),
    ("llada:steps=6,by=confidence,confidence=sampled", 6),
    ("dream:steps=6", 6),
    ("dream:steps=3,block=2", 6),
    ("dllm:steps=6", 4),
    ("maskgit:steps=6", 6),
    ("maskgit:steps=6,block=2", 12),
    ("ancestral:steps=3", 3),
    ("ancestral:steps=3,block=2", 6),
    ("rcr:steps=6", 6),
    ("remdm_llada:steps=6,extra=1", 7),
    ("topk:k=3", None),
    ("threshold:gamma=0.6", None),
]


@pytest.mark.grid(6)
@pytest.mark.parametrize(("spec", "loop"), LOOPS)
@pytest.mark.parametrize("task", ["shuffle", "replace_random"])
def test_realised_and_decode_count_the_same_calls(spec, loop, task):
    """Calls up to the last token, idle ones included; those of the released loop after it are counted separately."""
    policy = parse_policy(spec)
    answer = realised_answer(spec, 4, task=lambda n: make_task(task, n))
    steps = decode_contexts(make_task(task, 4), policy).steps
    assert answer["model_calls"] == steps
    alone = realised(policy, 4)
    if alone is not None:
        assert alone.calls == steps
        assert realised_answer(spec, 4)["model_calls"] == steps
    assert loop_calls(policy, 4) == loop
    assert answer.get("calls_after") == (None if loop is None else loop - steps)


def test_calls_of_ancestral_sampling_by_hand():
    """Two positions pick one of two steps each: both in the first with probability 1/4, and no second call is made."""
    found = realised(parse_policy("ancestral:steps=2,eps=0"), 2)
    assert (found.sizes, found.calls) == ((1, 1), Fraction(7, 4))
    assert realised_answer("ancestral:steps=2,eps=0", 2)["calls_after"] == Fraction(1, 4)
    # ten positions, four steps: sum over j of 1 - (j/4)^10
    found = realised(parse_policy("ancestral:steps=4,eps=0"), 10)
    assert found.sizes == (Fraction(5, 2),) * 4
    assert found.calls == 4 - sum(Fraction(j, 4) ** 10 for j in range(4))
    # beyond a hundred thousand bits a float with its error
    found = realised(parse_policy("ancestral:steps=4,eps=0"), 10**5)
    assert abs(Fraction(found.calls) - (4 - Fraction(3, 4) ** 10**5)) <= found.errors["model_calls"] < 1e-14
    answer = realised_answer("ancestral:steps=4096", 10**5)
    assert answer["errors"]["calls_after"] == answer["errors"]["model_calls"] < 1e-9
    assert 4095 < answer["model_calls"] <= 4096


@pytest.mark.parametrize(
    "spec", ["topk:k=3", "llada:steps=3", "dream:steps=4", "dus:base=2", "ancestral:steps=3,eps=0"]
)
def test_on_a_task_the_same_sizes_are_found_by_running(spec):
    policy = parse_policy(spec)
    alone, run = realised(policy, 4), realised_on(shuffle(4), policy)
    assert run.sizes == tuple(map(Fraction, alone.sizes[: len(run.sizes)]))
    assert sum(run.sizes) == 4
    assert run.calls == decode_contexts(shuffle(4), policy).steps


def test_sizes_that_depend_on_the_task():
    policy = parse_policy("threshold:gamma=0.6")
    assert realised(policy, 4) is None
    assert realised_on(shuffle(4), policy).sizes == (1, 1, 1, 1)
    # all four have confidence 3/4 at first
    assert realised_on(make_task("replace_random", 4), policy).sizes == (4,)


@pytest.mark.parametrize(
    "spec", ["dream:steps=5", "llada:steps=3,by=left_to_right", "maskgit:steps=4,ties=lowest"]
)
def test_the_lumped_form_has_the_same_distribution(spec):
    policy = parse_policy(spec)
    short = make_task("replace_random", 5)
    plain, other = decode_contexts(short, policy), decode_contexts(short, lumped_form(policy, 5))
    assert (plain.accuracy, plain.kl, plain.path_kl) == (other.accuracy, other.kl, other.path_kl)
    assert decode_contexts(shuffle(40), lumped_form(policy, 40)).accuracy < 1


def test_a_lumped_decode_says_what_it_does_not_know():
    for spec, switches, message in (
        ("dus:base=2", {}, "does not support policy dus"),
        ("topk:k=2,confidence=sampled", {}, "confidence=sampled"),
        ("topk:k=2", {"top_k": 2}, "truncation"),
        ("topk:k=2", {"off_support": "uniform"}, "off_support=uniform"),
    ):
        with pytest.raises(InputError, match=message):
            decode_contexts(shuffle(4), parse_policy(spec), lumped=True, **switches)


def test_the_answer_finds_the_size_of_the_task():
    # insert_random of n items has n + 1 positions
    answer = realised_answer("topk:k=5", 5, task=lambda n: make_task("insert_random", n))
    assert answer["tokens_per_call"] == [5]
    assert (
        answer["accuracy"]
        == decode_contexts(make_task("insert_random", 4), parse_policy("topk:k=5")).accuracy
    )
    with pytest.raises(InputError, match="no size at which 7 positions"):
        realised_answer("topk:k=5", 7, task=lambda n: make_task("latin_square", 2) if n else None)


def test_commands(capsys):
    command = ["realised", "--rule", "dream:eps=1e-3", "--masked", "10", "--steps", "10", "--task", "shuffle"]
    assert main([*command, "--json"]) == 0
    answer = json.loads(capsys.readouterr().out)
    assert answer["tokens_per_call"] == [0, 1, 1, 1, 1, 1, 1, 1, 1, 2]
    assert (answer["accuracy"], answer["model_calls"], answer["idle_calls"]) == (0.5, 10, 1)
    assert main(command) == 0
    assert "call=10" in capsys.readouterr().out
    assert main(["rules"]) == 0
    assert "dream:steps=2" in capsys.readouterr().out
    assert main(["decode", "shuffle", "-n", "3", "--policy", "topk:k=2", "--top-p", "0.5", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["path_kl"] == "inf"
    assert main(["decode", "shuffle", "-n", "3", "--policy", "wino", "--off-support", "stop", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["steps_under_data"] is None


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--rule", "threshold:gamma=0.9", "--masked", "4"], "depends on the task; name one with --task"),
        (["--rule", "topk:k=2", "--masked", "4", "--steps", "2"], "takes no number of steps"),
        (["--rule", "llada:steps=6", "--masked", "4", "--steps", "2"], "has its own number of steps"),
        (
            ["--rule", "llada:by=entropy, steps=2", "--masked", "4", "--steps", "2"],
            "has its own number of steps",
        ),
        (
            ["--rule", "tests.decoding.tasks.test_realised:Half", "--masked", "4", "--steps", "2"],
            "has no key 'steps'",
        ),
        (
            ["--rule", "tests.decoding.tasks.test_realised:HALVES", "--masked", "4", "--steps", "2"],
            "it takes no keys",
        ),
        (
            ["--rule", "theory.policies.rules.scheduled:LLaDA:steps=3", "--masked", "4", "--steps", "2"],
            "has its own",
        ),
        (
            ["--rule", "threshold:gamma=2", "--masked", "4"],
            "policy 'threshold': gamma must be between 0 and 1, got 2",
        ),
        (["--rule", "topk:k=2", "--masked", "0"], "masked must be a whole number of at least 1"),
        (["--rule", "nothing", "--masked", "4"], "unknown policy 'nothing'"),
        (["--rule", "a.b:C", "--masked", "4"], "cannot load policy 'a.b:C'"),
        (["--rule", "os:sep", "--masked", "4"], "'os:sep' is no policy"),
        (
            ["--rule", "topk:k=2", "--masked", "4", "--task", "shuffle", "--top-p", "2"],
            "top_p must lie above 0",
        ),
    ],
)
def test_wrong_settings_are_one_line(arguments, message, capsys):
    assert main(["realised", *arguments]) == 2
    error = capsys.readouterr().err
    assert message in error
    assert error.count("\n") == 1


def test_expected_sizes_and_calls_have_their_exact_forms():
    """Until the new item has come one token goes at a time: after 1, 2 or 3 calls, each with probability 1/3."""
    answer = realised_answer("threshold:gamma=0.9", 3, task=lambda n: make_task("replace_random", n))
    assert answer["exact"]["tokens_per_call"] == ["1", "4/3", "2/3"]
    assert answer["exact"]["model_calls"] == "8/3"
    assert "exact" not in realised_answer("llada:steps=2", 4)  # whole numbers


# -- user-defined rules --------------------------------------------------------------------------------------------


@dataclass(frozen=True, kw_only=True)
class Half(RankedPolicy):
    share: int = 2

    def count(self, view, scores):  # noqa: ARG002
        return -(-view.left // self.share)


HALVES = Half(by="random")


class NoRule:
    pass


def test_steps_are_those_of_a_rule_of_ones_own_too():
    answers = [
        realised_answer("theory.policies.rules.scheduled:LLaDA", 4, 2),
        realised_answer("theory.policies.rules.scheduled:LLaDA:by=entropy", 4, 2),
    ]
    assert [answer["tokens_per_call"] for answer in answers] == [[2, 2], [2, 2]]


def test_a_rule_of_ones_own_by_its_name():
    for spec in (
        "tests.decoding.tasks.test_realised:Half:by=random",
        "tests.decoding.tasks.test_realised:HALVES",
    ):
        result = decode(shuffle(4).contexts()[0].distribution.pmf(), parse_policy(spec))
        assert (result.accuracy, result.steps) == (Fraction(3, 4), 3)
    assert parse_policy("tests.decoding.tasks.test_realised:Half:share=3,block=2").share == 3
    for spec, message in (
        ("tests.decoding.tasks.test_realised:Half:size=3", "has no key 'size'; known: block, by"),
        ("tests.decoding.tasks.test_realised:HALVES:by=random", "is an object; it takes no keys, got 'by'"),
        ("tests.decoding.tasks.test_realised:NoRule", "must be a dataclass"),
        ("tests.decoding.tasks.test_realised:HALF", "is no policy: it has no method plan"),
        (
            "tests.decoding.tasks.test_realised:Nothing",
            "cannot load policy 'tests.decoding.tasks.test_realised:Nothing'",
        ),
    ):
        with pytest.raises(InputError, match=message):
            parse_policy(spec)


def test_a_rule_that_takes_a_revealed_position_is_an_error():
    class Wrong(Half):
        def plan(self, view):
            from theory.optima.adaptive.policy_table import Choice

            return Choice(np.ones(len(view.masked), dtype=np.int64), view.masked.shape[1])

    with pytest.raises(InputError, match="takes a position that is not masked"):
        decode(shuffle(3).contexts()[0].distribution.pmf(), Wrong())


# -- the best setting --------------------------------------------------------------------------------------------


def by_listing(runs):
    """The best setting's accuracy and steps, over all combinations of independent results."""
    accuracy = steps = Fraction(0)
    for ends in product(*(run.items() for run in runs)):
        p = prod((weight for _, weight in ends), start=Fraction(1))
        right = [calls for (calls, correct), _ in ends if correct]
        accuracy += p * bool(right)
        steps += p * (min(right) if right else ends[-1][0][0])
    return accuracy, steps


@given(
    st.lists(
        st.dictionaries(st.tuples(st.integers(1, 4), st.booleans()), st.integers(1, 3), min_size=1),
        min_size=1,
        max_size=3,
    )
)
def test_the_best_setting_is_that_of_independent_runs(weights):
    runs = [{end: Fraction(w, sum(run.values())) for end, w in run.items()} for run in weights]
    assert best_of_ends(runs) == by_listing(runs)


def test_the_best_setting_is_at_least_as_good_as_every_setting():
    task = make_task("insert_random", 3)
    rules = [parse_policy(f"threshold:gamma={gamma}") for gamma in ("0.3", "0.6", "0.8")]
    best = best_setting(task, rules)
    for rule in rules:
        assert best.accuracy >= decode_contexts(task, rule).accuracy
    assert best.steps <= decode_contexts(task, rules[-1]).steps
    with pytest.raises(InputError, match="at least one setting"):
        best_setting(task, [])


# -- truncation --------------------------------------------------------------------------------------------------


def truncated(row, top_p, top_k, nucleus):
    """Slow definition: go down the sorted tokens, then keep those at least as probable as the k-th of the rest."""
    order = sorted(range(len(row)), key=lambda v: (-row[v], v))
    if top_p is not None:
        kept, total = [], Fraction(0)
        for v in order:
            inside = total <= top_p if nucleus == "keep" else total + row[v] <= top_p
            if kept and not inside:
                break
            kept.append(v)
            total += row[v]
        row = [p if v in kept else Fraction(0) for v, p in enumerate(row)]
        row = [p / sum(row) for p in row]
    if top_k is not None and top_k < len(row):
        least = sorted(row, reverse=True)[top_k - 1]
        row = [p if p >= least else Fraction(0) for p in row]
        row = [p / sum(row) for p in row]
    return row


@given(
    weights=st.lists(st.integers(0, 4), min_size=1, max_size=5).filter(any),
    top_p=st.sampled_from([None, Fraction(1, 3), HALF, Fraction(3, 4), Fraction(1)]),
    top_k=st.sampled_from([None, 1, 2, 3]),
    nucleus=st.sampled_from(["keep", "drop"]),
)
def test_truncation(weights, top_p, top_k, nucleus):
    row = [Fraction(w, sum(weights)) for w in weights]
    exact = np.array([[to_fmpq(p) for p in row]], dtype=object)
    transform = Transform(top_p=top_p, top_k=top_k, nucleus=nucleus, scored="after")
    truth = truncated(row, top_p, top_k, nucleus)
    for read in (transform.draw, transform.scores_read):
        assert [Fraction(int(p.p), int(p.q)) for p in map(to_fmpq, read(exact, EXACT)[0])] == truth
        floats = read(np.array([row], dtype=float), FLOAT64)[0]
        assert np.allclose(floats, [float(p) for p in truth], rtol=0, atol=1e-12)


def test_equal_tokens_at_the_border_stay_in_order():
    """0.1 + 0.2 is above 0.3 by rounding alone: the lower token is kept, as for exact numbers."""
    row = [Fraction(3, 10), Fraction(4, 10), Fraction(3, 10)]
    truth = [float(p) for p in truncated(row, HALF, None, "keep")]
    found = Transform(top_p=HALF).draw(np.array([[0.3, 0.4, 0.1 + 0.2]]), FLOAT64)[0]
    assert np.allclose(found, truth, rtol=0, atol=1e-12)
    assert truth[0] > 0 == truth[2]


# -- the page -----------------------------------------------------------------------------------------------------


def test_the_page_lists_every_rule(capsys):
    page = (Path(__file__).parents[3] / "docs" / "rules.md").read_text()
    assert rules_table() in page
    assert main(["rules", "--markdown"]) == 0
    assert capsys.readouterr().out == rules_table()
    for row in rules_answer():
        assert row["formula"], row["name"]
        assert row["source"], row["name"]
        released = re.search(r"\b[0-9a-f]{7,8}\b|no code|none", row["release"])
        assert released, row["name"]  # a commit, or that there is none
        assert registered_policies()[row["name"]].__doc__

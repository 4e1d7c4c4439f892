"""The gap of one-by-one and parallel decoding: against its definition, the exact path KL, and enumeration."""

from __future__ import annotations

import json
from dataclasses import replace
from fractions import Fraction
from functools import cache
from itertools import combinations, permutations, product
from math import log2

import numpy as np
import pytest
import torch

from models.__main__ import main
from models.evaluation.gap import gap_records, gap_rules
from models.evaluation.gap_run import GapSpec, run_gap, run_share
from models.evaluation.gap_summary import mean_interval, summary
from models.inputs.sources import SourceSpec, build_source
from models.predictors.ideal import IdealPredictor
from models.runs.halving_batches import batch_size, halving_batches, out_of_memory
from models.runs.row_streams import Streams
from models.sampling.one_by_one import draw_one_by_one
from synthetic import make_task
from tests.helpers.gap_tables import ROUNDING, Table, log_ratio
from tests.helpers.intervals import assert_frequencies, assert_mean
from theory.decoding import decoder
from theory.decoding.tasks.decode import decode_contexts
from theory.policies import parse_policy
from theory.validation import InputError


def records_of(predictor, tokens: torch.Tensor, policy: str, **options) -> list[dict]:
    return gap_records(predictor, tokens, range(len(tokens)), gap_rules(policy, **options))


# --- the ideal model: the definition in Fractions, and the exact decoder -------------------------------------


TASKS = [("shuffle", 4), ("replace_random", 4), ("insert_random", 3), ("city_names", None), ("hmm", 3)]


POLICIES = [
    "topk:k=2,by=random",
    "topk:k=3,by=confidence",
    "topk:k=2,by=left_to_right,block=3",
    "threshold:gamma=0.4",
    "factor:f=1.5",
    "dream:steps=2",
    "ancestral:steps=3",  # some of its steps take nothing
]


@pytest.mark.grid(every=18, deep=3)
@pytest.mark.parametrize("spec", POLICIES)
@pytest.mark.parametrize(("task", "n"), TASKS)
def test_the_gap_of_the_ideal_model_is_its_path_kl(task, n, spec):
    context = make_task(task, n).contexts()[0]
    pmf, ideal, size = context.distribution.pmf(), IdealPredictor(context.distribution), 800
    ids = {token: j for j, token in enumerate(context.distribution.tokens)}
    distribution = {tuple(ids[token] for token in y): Fraction(p) for y, p in pmf}
    records = records_of(ideal, ideal.masked(size), spec, order="random", extra=1)
    known = cache(lambda x, steps: log_ratio(distribution, x, list(steps)))
    ratios = []
    for record in records:
        x, steps = tuple(record["tokens"]), tuple(record["step"])
        ratios.append(record["chain"] - record["parallel"])
        assert ratios[-1] == pytest.approx(known(x, steps), abs=ROUNDING)
        assert sum(record["cost"]) == pytest.approx(ratios[-1], abs=ROUNDING)
        # the chain rule holds: every order gives log2 P(x)
        for bits in (record["chain"], record["one_by_one"], *record["orders"]):
            assert bits == pytest.approx(log2(distribution[x]), abs=ROUNDING)
    drawn = [tuple(record["tokens"]) for record in records]
    assert_frequencies(
        [drawn.count(y) for y in distribution], [float(p) for p in distribution.values()], size, (task, spec)
    )
    exact = decoder.decode(pmf, parse_policy(spec))
    reachable = {tuple(record["step"]) for record in records}  # the range of the values, over all outcomes
    values = [known(y, steps) for y in distribution for steps in reachable]
    span = max(values) - min(values) + ROUNDING
    assert_mean(ratios, float(exact.path_kl), span=span, label=(task, spec))
    steps = [max(record["step"]) + 1 for record in records]
    assert_mean(steps, float(exact.steps_under_data), span=max(1, pmf.n - 1), label=(task, spec))


@pytest.mark.parametrize("order", ["left_to_right", "confidence", "margin", "entropy"])
def test_the_order_within_a_set_does_not_matter_for_a_consistent_model(order):
    (context,) = make_task("replace_random", 5).contexts()
    ideal = IdealPredictor(context.distribution)
    records = records_of(ideal, ideal.masked(200), "topk:k=3,by=random", order=order)
    for record in records:
        assert record["chain"] == pytest.approx(record["one_by_one"], abs=ROUNDING)


def test_a_temperature_of_the_parallel_decoder_enters_its_distribution_alone():
    (context,) = make_task("replace_random", 4).contexts()
    ideal, spec = IdealPredictor(context.distribution), "topk:k=2,by=left_to_right"
    records = records_of(ideal, ideal.masked(1000), spec, temperature="1/2", order="left_to_right")
    exact = decoder.decode(context.distribution.pmf(), parse_policy(spec), temperature=Fraction(1, 2))
    ratios = [record["chain"] - record["parallel"] for record in records]
    by_outcome = {tuple(r["tokens"]): x for r, x in zip(records, ratios, strict=True)}
    assert len(by_outcome) == len(
        context.distribution.pmf()
    )  # a fixed schedule: a ratio per outcome, all of them seen
    mean = sum(float(p) * by_outcome[y] for y, p in _ids(context).items())
    assert mean == pytest.approx(float(exact.path_kl), abs=ROUNDING)


def _ids(context) -> dict[tuple, Fraction]:
    ids = {token: j for j, token in enumerate(context.distribution.tokens)}
    return {tuple(ids[token] for token in y): Fraction(p) for y, p in context.distribution.pmf()}


# --- an inconsistent model: enumeration of the three distributions ----------------------------------------------------


def divergence(p: dict, q: dict) -> float:
    return sum(float(p[x]) * log2(p[x] / q[x]) for x in p)


def mixture(distributions: list[dict]) -> dict:
    return {
        x: sum((distribution[x] for distribution in distributions), Fraction(0)) / len(distributions)
        for x in distributions[0]
    }


def schedules(n: int, k: int):
    """The equally likely runs of topk:k, by=random, with a random order within each set."""

    def go(left: tuple):
        if not left:
            yield []
            return
        for part in combinations(left, min(k, len(left))):
            for rest in go(tuple(i for i in left if i not in part)):
                yield [part, *rest]

    for sets in go(tuple(range(n))):
        yield from (
            (sets, [i for part in inner for i in part]) for inner in product(*(permutations(s) for s in sets))
        )


@pytest.mark.grid(1)
@pytest.mark.parametrize("seed", [0, 1])
def test_an_inconsistent_model_has_the_stated_means_and_bracket(seed):
    model = Table(3, seed)
    orders = [model.distribution(order) for order in permutations(range(3))]
    one_by_one = mixture(orders)
    runs = [(model.distribution(order), model.parallel(sets)) for sets, order in schedules(3, 2)]
    weight = 1 / len(runs)
    gap = weight * sum(divergence(one_by_one, q) - divergence(one_by_one, r) for r, q in runs)
    between = weight * sum(divergence(p, r) for r, _ in runs for p in orders) / len(orders)
    path_kl = weight * sum(divergence(one_by_one, q) for _, q in runs)
    assert between > 0.05  # a nearly consistent model would make this test useless
    assert gap <= path_kl <= gap + between

    records = records_of(model, torch.full((2000, 3), 2), "topk:k=2,by=random", order="random")
    everything = [
        float(np.ptp([log2(distribution[x]) for distribution in [*orders, *(q for _, q in runs)]]))
        for x in one_by_one
    ]
    span = 2 * max(everything)  # differences of two logarithms of the distributions of one sequence
    assert_mean([r["chain"] - r["parallel"] for r in records], gap, span=span, label="gap")
    assert_mean([r["one_by_one"] - r["chain"] for r in records], between, span=span, label="inconsistency")
    drawn = [tuple(r["tokens"]) for r in records]
    assert_frequencies([drawn.count(x) for x in one_by_one], [float(p) for p in one_by_one.values()], 2000)


def test_one_token_at_a_time_costs_nothing():
    records = records_of(Table(3, 0), torch.full((100, 3), 2), "topk:k=1,by=random")
    assert all(record["chain"] == record["parallel"] for record in records)
    assert all(record["cost"] == [0.0] * 3 for record in records)


def test_prompts_stay_and_positions_count_from_the_first_mask():
    model = Table(4, 0)
    tokens = torch.tensor([[1, 2, 0, 2]]).repeat(20, 1)
    records = records_of(model, tokens, "topk:k=2,by=random")
    assert all(record["positions"] == [1, 3] for record in records)
    assert all(record["step"] == [0, 0] for record in records)
    rows = tokens.clone()
    drawn = draw_one_by_one(model, rows, gap_rules("topk:k=1").order, Streams(0, range(20), purpose=0))
    assert torch.equal(drawn.tokens[:, [0, 2]], rows[:, [0, 2]])


def test_rules_out_of_range_are_refused():
    with pytest.raises(InputError, match="temperature must be above 0"):
        gap_rules("topk:k=1", temperature=0)
    with pytest.raises(InputError, match="unknown order 'best'"):
        gap_rules("topk:k=1", order="best")
    with pytest.raises(InputError, match="seed must be at least 0"):
        gap_rules("topk:k=1", seed=-1)


# --- the summary ---------------------------------------------------------------------------------------------


def record(row: int, cost: list[float], step: list[int], **rest) -> dict:
    chain = -float(len(cost))
    base = {
        "row": row,
        "chain": chain,
        "parallel": chain - sum(cost),
        "one_by_one": chain + 0.5,
        "orders": [],
        "calls": max(step) + 1,
    }
    return {
        **base,
        "positions": list(range(len(cost))),
        "tokens": [0] * len(cost),
        "cost": cost,
        "step": step,
    } | rest


def test_the_summary_adds_up():
    records = [
        record(0, [0, 2, 1], [0, 0, 1]),
        record(1, [0, 0, 0], [0, 1, 2]),
        record(2, [1, 0, 2], [0, 0, 0]),
    ]
    said = summary(records, samples=1)
    assert said["gap"]["mean"] == 2
    assert said["gap_per_token"]["mean"] == pytest.approx(2 / 3)
    assert (said["inconsistency"]["mean"], said["total"]["mean"]) == (0.5, 2.5)
    assert said["steps"] == 2
    assert [(r["step"], r["sequences"], r["mean"]) for r in said["by_step"]] == [
        (0, 3, 5 / 3),
        (1, 2, 0.5),
        (2, 1, 0.0),
    ]
    assert [r["mean"] for r in said["by_position"]] == pytest.approx([1 / 3, 2 / 3, 1])
    assert said["by_step"][2]["interval"] is None
    assert said["order_spread"] is None


def test_sequences_of_a_prompt_are_one_unit():
    records = [record(r, [float(r // 2)], [0]) for r in range(6)]  # three prompts, two equal sequences each
    assert summary(records, samples=2)["gap"] == mean_interval([0.0, 1.0, 2.0])
    assert summary(records, samples=6)["gap"] == mean_interval([0.0, 0.0, 1.0, 1.0, 2.0, 2.0])


def test_the_t_interval_covers_as_often_as_it_says():
    rng = np.random.default_rng(0)
    ends = [mean_interval(rng.normal(size=8).tolist())["interval"] for _ in range(2000)]
    assert_frequencies([sum(low <= 0 <= high for low, high in ends)], [0.95], 2000)


def test_the_spread_over_orders():
    records = [record(0, [0.0], [0], orders=[-1.0, -3.0]), record(1, [0.0], [0], orders=[-2.0, -2.0])]
    assert summary(records, samples=1)["order_spread"] == 1.0


# --- runs: batches, memory, files, processes -----------------------------------------------------------------


SHUFFLE = GapSpec(
    source=SourceSpec(model="ideal", task="shuffle", n=4, samples=40), policy="topk:k=2,by=random", extra=2
)


def lines(path) -> list[dict]:
    return [json.loads(line) for line in path.read_text().splitlines()]


@pytest.mark.deep
def test_batches_do_not_change_the_records(tmp_path):
    said = run_gap(SHUFFLE)
    assert run_gap(replace(SHUFFLE, batch=7)) == said
    out = tmp_path / "a.jsonl"
    assert run_gap(replace(SHUFFLE, batch=1, out=out)) == said
    assert [record["row"] for record in lines(out)[1:]] == list(range(40))


def test_a_killed_run_continues(tmp_path, monkeypatch):
    whole, out = tmp_path / "whole.jsonl", tmp_path / "cut.jsonl"
    said = run_gap(replace(SHUFFLE, out=whole, batch=8))
    data = whole.read_bytes()
    for length in (0, 30, len(data) // 3, len(data) - 1):  # nothing, a torn header, torn records
        out.write_bytes(data[:length])
        assert run_gap(replace(SHUFFLE, out=out, batch=8)) == said
        assert sorted(map(json.dumps, lines(out))) == sorted(map(json.dumps, lines(whole)))
    monkeypatch.setattr("models.evaluation.gap_run.gap_records", None)  # what is done is not done again
    assert run_gap(replace(SHUFFLE, out=whole)) == said


def test_shares_of_several_processes_make_the_whole(tmp_path):
    out = tmp_path / "shared.jsonl"
    for rank in (1, 0):
        run_share(replace(SHUFFLE, out=out), build_source(SHUFFLE.source), rank, 2)
    assert len(lines(out)) == len(lines(tmp_path / "shared.rank1.jsonl")) == 21
    assert run_gap(replace(SHUFFLE, out=out)) == run_gap(SHUFFLE)
    assert len(lines(out)) == 21  # all rows were there


@pytest.mark.slow
def test_jobs_and_torchrun_give_the_same_answer(tmp_path):
    import subprocess
    import sys

    said = run_gap(SHUFFLE)
    assert run_gap(SHUFFLE, jobs=2) == said
    out = tmp_path / "run.jsonl"
    command = [sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc-per-node", "2"]
    command += ["-m", "models", "gap", "--model", "ideal", "--task", "shuffle", "-n", "4", "--samples", "40"]
    command += ["--policy", "topk:k=2,by=random", "--orders", "2", "--json", "--out", str(out)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=240)
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["gap"] == said["gap"]


def test_files_of_other_runs_are_refused(tmp_path):
    out = tmp_path / "a.jsonl"
    run_gap(replace(SHUFFLE, out=out))
    with pytest.raises(InputError, match="run with other settings"):
        run_gap(replace(SHUFFLE, out=out, policy="topk:k=3"))
    out.write_text("something else\n")
    with pytest.raises(InputError, match="no file of records"):
        run_gap(replace(SHUFFLE, out=out))
    out.write_text("[1]\n")
    with pytest.raises(InputError, match="no file of records"):
        run_gap(replace(SHUFFLE, out=out))
    assert out.read_text() == "[1]\n"


class Small(IdealPredictor):
    """An ideal model on a device that holds ``most`` rows."""

    most, sizes = 3, None

    def marginals(self, tokens: torch.Tensor) -> torch.Tensor:
        Small.sizes = [*(Small.sizes or []), len(tokens)]
        if len(tokens) > self.most:
            raise torch.cuda.OutOfMemoryError("CUDA out of memory. Tried to allocate more than there is")
        return super().marginals(tokens)


@pytest.mark.deep
def test_memory_that_runs_out_halves_the_batch(monkeypatch):
    said = run_gap(SHUFFLE)
    monkeypatch.setattr("models.inputs.sources.IdealPredictor", Small)
    assert run_gap(replace(SHUFFLE, batch=40)) == said
    assert Small.sizes is not None
    assert Small.sizes[:5] == [40, 20, 10, 5, 2]
    assert max(Small.sizes[5:]) <= 2
    monkeypatch.setattr(Small, "most", 0)
    with pytest.raises(InputError, match="one sequence alone does not fit"):
        run_gap(replace(SHUFFLE, batch=40))


def test_only_memory_errors_are_retried():
    def fail(_):
        raise RuntimeError("a size is wrong")

    with pytest.raises(RuntimeError, match="a size is wrong"):
        list(halving_batches([1, 2], fail, 2))
    assert out_of_memory(RuntimeError("[enforce fail] DefaultCPUAllocator: can't allocate memory: you tried"))
    assert out_of_memory(MemoryError())
    assert not out_of_memory(ValueError("out of memory"))


def test_sizes_follow_the_entries_of_a_row():
    cpu = torch.device("cpu")
    sizes = [batch_size(cpu, entries) for entries in (1, 10**4, 10**6, 10**9)]
    assert sizes == [4096, 512, 8, 1]


# --- the command ---------------------------------------------------------------------------------------------


def test_the_command_on_a_list_task(capsys):
    arguments = ["gap", "--task", "replace_random", "-n", "6", "--samples", "200", "--json"]
    for model in ("ideal", "shipped"):
        assert main([*arguments, "--model", model, "--policy", "topk:k=2,by=random"]) == 0
        answer = json.loads(capsys.readouterr().out)
        exact = decode_contexts(make_task("replace_random", 6), parse_policy("topk:k=2,by=random"))
        assert answer["exact_path_kl"] == pytest.approx(float(exact.path_kl))
        assert (answer["sequences"], answer["tokens"], answer["steps"]) == (200, 6, 3)
        assert len(answer["by_position"]) == 6
        assert answer["total"]["mean"] == pytest.approx(
            answer["gap"]["mean"] + answer["inconsistency"]["mean"]
        )
    assert main(["gap", "--model", "ideal", "--task", "city_names", "--samples", "20"]) == 0
    assert "exact path KL of the ideal model" in capsys.readouterr().out


def test_contexts_of_a_task_get_their_share():
    rows = build_source(SourceSpec(model="ideal", task="replace_index", n=4, samples=100)).rows
    assert len(rows) == 100
    assert len({id(predictor) for predictor, _ in rows}) == 4


BAD = [
    (["--model", "ideal"], "give either --prompts FILE or --task NAME"),
    (["--model", "ideal", "--task", "shuffle", "--prompts", "p.txt"], "give either"),
    (["--model", "shipped", "--prompts", "p.txt"], "knows list tasks only"),
    (["--model", "shipped", "--task", "shuffle"], "give -n"),
    (["--model", "no.safetensors", "--task", "shuffle", "-n", "4"], "no.safetensors"),
    (["--model", "ideal", "--task", "shuffle", "-n", "4", "--policy", "best"], "unknown policy 'best'"),
    (
        ["--model", "ideal", "--task", "shuffle", "-n", "4", "--temperature", "0"],
        "temperature must be above 0",
    ),
    (
        ["--model", "ideal", "--task", "shuffle", "-n", "4", "--orders", "x"],
        "--orders must be a whole number",
    ),
    (["--model", "ideal", "--task", "shuffle", "-n", "4", "--out", "a.txt"], "--out must end with .jsonl"),
    (["--model", "nowhere", "--prompts", "missing.txt"], "cannot read the prompts missing.txt"),
    (["--model", "ideal", "--task", "shuffle", "-n", "4", "--suppress", "a"], "--suppress must be a whole"),
]


@pytest.mark.parametrize(("arguments", "message"), BAD)
def test_bad_input_is_one_line_and_status_two(capsys, arguments, message):
    assert main(["gap", *arguments]) == 2
    error = capsys.readouterr().err
    assert message in error
    assert error.count("\n") == 1

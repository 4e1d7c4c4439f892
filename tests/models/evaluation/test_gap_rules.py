"""The gap of every rule: with memory, with questions to the model, and rules that have no gap."""

from __future__ import annotations

import json
from dataclasses import dataclass, fields, replace
from functools import cache
from itertools import product
from math import log2

import pytest
import torch

from models.__main__ import main
from models.evaluation.gap import gap_records, gap_rules
from models.evaluation.gap_run import GapSpec, run_gap, run_share
from models.inputs.sources import Source, SourceSpec
from models.predictors.ideal import IdealPredictor
from models.runs.row_streams import Streams
from models.sampling.decode import decode
from models.sampling.parallel_score import score
from synthetic import make_task
from tests.helpers.gap_tables import ROUNDING, Table, log_ratio
from tests.helpers.intervals import assert_mean
from tests.helpers.memory_rules import EXAMPLES as REFERENCE
from tests.reference.processes import Run
from theory.decoding import decoder
from theory.distributions.distribution import Context, ListedDistribution
from theory.distributions.pmf import JointPMF
from theory.policies import parse_policy, registered_policies
from theory.policies.as_process import unmasked
from theory.policies.ranked import Ranked
from theory.policies.rules.klass import KLASS
from theory.validation import InputError

# these look at drawn tokens, or mask positions again
REFUSED = {"editing", "info_gain", "lopa", "p2", "rcr", "remdm", "remdm_llada", "saber", "wino"}
RANDOM_SETS = {"ancestral", "plackett_luce"}  # even without ties
VARIANTS = (
    "klass:tau=0.4,eps=0.2,history=1,block=2",
    "klass:tau=0.3,eps=3",
    "klass:tau=0.6,eps=0.1,history=1",
    "slowfast:form=released,low=0.4,high=0.6,explore=2,block=2",
    "slowfast:explore=2,high=0.6",
    "slowfast:explore=1,low=0.6,high=0.7,variance=0",
    "credit:gamma=0.6,top=lowest,block=2",
    "pc:k=3,lam=0,block=4",
    "demask:budget=0.3,per=position,block=3",
    "hierarchy:gamma=0.6,low=0.3,ties=all,block=2",
)
EVERY = tuple(cls.example for cls in registered_policies().values()) + VARIANTS
ACCEPTED = tuple(spec for spec in EVERY if spec.partition(":")[0] not in REFUSED)
VARYING = ("klass:tau=0.6,eps=0.1,history=1", *VARIANTS[4:6])  # their steps differ between sequences
MEMORY = [spec for spec in ACCEPTED if spec.startswith(("klass", "slowfast", "credit"))]


def skewed() -> Context:
    """Three values at four positions, every probability another: scores tie nowhere but where one value is left."""
    outcomes = [y for y in product("abc", repeat=4) if (ord(y[0]) + 2 * ord(y[1]) + ord(y[3])) % 3]
    weights = [(7 * i * i + 3 * i + 1) % 101 + (40 if y[0] == y[2] else 0) for i, y in enumerate(outcomes)]
    return Context(weight=1, distribution=ListedDistribution(JointPMF.from_weights(outcomes, weights)))


CONTEXTS = {
    "replace_random": make_task("replace_random", 4).contexts()[0],
    "hmm": make_task("hmm", 4).contexts()[0],
    "skewed": skewed(),
}


def ids_of(context: Context) -> torch.Tensor:
    ids = {token: j for j, token in enumerate(context.distribution.tokens)}
    return torch.tensor([[ids[token] for token in y] for y in context.distribution.pmf().outcomes])


def lowest(spec: str) -> str:
    """The same rule with ties that fall the same way always."""
    cls = registered_policies()[spec.partition(":")[0]]
    fixed = {f.name for f in fields(cls)} >= {"ties"} and cls.name not in ("dus", "bisection")
    if "ties=" in spec or not fixed:
        return spec
    return f"{spec}{',' if ':' in spec else ':'}ties=lowest"


# -- which rules ------------------------------------------------------------------------------------------------


@pytest.mark.grid(every=2)
@pytest.mark.parametrize("spec", [*EVERY, "topk:k=2,confidence=sampled", "factor:f=1,confidence=sampled"])
def test_a_rule_is_refused_where_theorem_1_gives_no_path_kl(spec):
    known = (
        decoder.decode(CONTEXTS["replace_random"].distribution.pmf(), parse_policy(spec)).path_kl is not None
    )
    assert known == (spec.partition(":")[0] not in REFUSED and "sampled" not in spec)
    if known:
        assert str(gap_rules(spec).policy) == str(parse_policy(spec))
    else:
        with pytest.raises(
            InputError, match=r"products given their sets; .* or masks positions again"
        ) as got:
            gap_rules(spec)
        assert "\n" not in str(got.value)


# -- the value --------------------------------------------------------------------------------------------------


@pytest.mark.grid(every=14)
@pytest.mark.parametrize("spec", ACCEPTED)
def test_the_mean_gap_is_the_exact_path_kl(spec):
    context, size = CONTEXTS["replace_random"], 800
    pmf, ideal = context.distribution.pmf(), IdealPredictor(context.distribution)
    distribution = dict(zip(map(tuple, ids_of(context).tolist()), pmf.probabilities, strict=True))
    records = gap_records(ideal, ideal.masked(size), range(size), gap_rules(spec))
    exact = decoder.decode(pmf, parse_policy(spec))
    known = cache(lambda x, steps: log_ratio(distribution, x, list(steps)))
    gaps = [record["chain"] - record["parallel"] for record in records]
    if spec.startswith("credit"):  # its tokens are not drawn from the marginals; one gap per sequence
        values = gaps
        assert {tuple(record["tokens"]) for record in records} == set(distribution)
    else:
        values = [
            known(x, steps) for x in distribution for steps in {tuple(record["step"]) for record in records}
        ]
        for record, gap in zip(records, gaps, strict=True):
            assert gap == pytest.approx(known(tuple(record["tokens"]), tuple(record["step"])), abs=ROUNDING)
    span = max(values) - min(values) + ROUNDING
    assert_mean(gaps, float(exact.path_kl), span=span, label=spec)
    steps = [record["calls"] for record in records]
    assert_mean(steps, float(exact.steps_under_data), span=max(1, max(steps) - 1), label=spec)
    for record in records:
        assert record["chain"] == pytest.approx(record["one_by_one"], abs=ROUNDING)


@pytest.mark.deep
@pytest.mark.parametrize("temperature", ["1", "1/2"])
@pytest.mark.parametrize("name", CONTEXTS)
def test_over_all_sequences_the_mean_is_exact(name, temperature):
    """With lowest ties a sequence has one gap: weighted with P they give the path KL to rounding."""
    context = CONTEXTS[name]
    pmf, ideal, every = context.distribution.pmf(), IdealPredictor(context.distribution), ids_of(context)
    weights = torch.tensor([float(p) for p in pmf.probabilities], dtype=torch.float64)
    positive = 0
    for spec in map(lowest, ACCEPTED):
        if spec.partition(":")[0] in RANDOM_SETS:
            continue
        rules = gap_rules(spec, temperature=temperature)
        streams = Streams(0, range(len(every)), purpose=1)
        found = score(
            ideal, ideal.masked(len(every)), every, rules.policy, rules.order, streams, rules.temperature
        )
        exact = decoder.decode(pmf, rules.policy, temperature=rules.temperature)
        gap = (found.chain - found.parallel).sum(dim=1)
        assert float(weights @ gap) == pytest.approx(float(exact.path_kl), abs=ROUNDING), spec
        calls = float(weights @ found.calls.double())
        assert calls == pytest.approx(float(exact.steps_under_data), abs=ROUNDING), spec
        positive += float(exact.path_kl) > 0.01
    assert positive >= 9  # otherwise the comparison is empty


@pytest.mark.parametrize("spec", [*MEMORY, "demask:budget=0.3", "pc:k=2"])
def test_single_precision_keeps_the_value(spec, monkeypatch):
    # what a device without float64 computes with
    monkeypatch.setattr("models.sampling.one_by_one.float_dtype", lambda _: torch.float32)
    context = CONTEXTS["skewed"]
    pmf, ideal, every = context.distribution.pmf(), IdealPredictor(context.distribution), ids_of(context)
    streams = Streams(0, range(len(every)), purpose=1, dtype=torch.float32)
    rule, order = parse_policy(lowest(spec)), gap_rules("topk:k=1").order
    found = score(ideal, ideal.masked(len(every)), every, rule, order, streams)
    weights = torch.tensor([float(p) for p in pmf.probabilities], dtype=torch.float64)
    mean = float(weights @ (found.chain - found.parallel).sum(dim=1))
    assert mean == pytest.approx(float(decoder.decode(pmf, rule).path_kl), abs=1e-5)


def followed(pmf: dict, rule, y: tuple) -> tuple[float, int, tuple]:
    """log2 [P(y) / Q(y)], the steps and the steps' sets along y, by the plain recursion; one way only."""
    run, tokens, memory = Run(pmf), (None,) * len(y), rule.start(len(y))
    bits, sets, calls = 0.0, [], 0
    while not rule.done(tokens, memory):
        ways = [
            (q, after, kept)
            for q, after, kept in rule.step(run, tokens, memory)
            if all(t is None or t == v for t, v in zip(after, y, strict=True))
        ]
        ((q, after, memory),) = ways
        sets.append(tuple(i for i, t in enumerate(after) if t is not None and tokens[i] is None))
        bits, tokens, calls = bits + log2(q), after, calls + 1
    return log2(pmf[y]) - bits, calls, tuple(sets)


@pytest.mark.grid(every=6)
@pytest.mark.parametrize("spec", [spec for spec in REFERENCE if not spec.startswith("lopa")])
def test_every_sequence_has_the_gap_of_the_plain_recursion(spec):
    context = CONTEXTS["skewed"]
    target = dict(
        zip(context.distribution.pmf().outcomes, context.distribution.pmf().probabilities, strict=True)
    )
    ideal, every, rules = IdealPredictor(context.distribution), ids_of(context), gap_rules(spec)
    streams = Streams(0, range(len(every)), purpose=1)
    found = score(ideal, ideal.masked(len(every)), every, rules.policy, rules.order, streams)
    checked = 0
    for b, y in enumerate(target):
        try:
            gap, calls, sets = followed(target, REFERENCE[spec], y)
        except ValueError:  # a tie after all: several ways
            continue
        steps = found.step[b].tolist()
        assert [tuple(i for i, s in enumerate(steps) if s == t) for t in range(calls)] == list(sets)
        assert float((found.chain - found.parallel)[b].sum()) == pytest.approx(gap, abs=ROUNDING)
        assert int(found.calls[b]) == calls
        checked += 1
    assert checked > len(target) / 2


@pytest.mark.grid(every=2)
@pytest.mark.parametrize("spec", MEMORY)
def test_the_memory_is_that_of_a_decode(spec):
    """Following what a rule has decoded, off the support too, takes the steps that the decoder took."""
    context = CONTEXTS["replace_random"]
    ideal, rule = IdealPredictor(context.distribution), parse_policy(lowest(spec))
    generator = torch.Generator().manual_seed(0)
    done = decode(ideal, ideal.masked(300), rule, generator=generator)
    order = gap_rules("topk:k=1").order
    found = score(ideal, ideal.masked(300), done.tokens, rule, order, Streams(0, range(300), purpose=1))
    assert torch.equal(found.calls, done.steps)
    assert len(done.steps.unique()) > 1 or spec not in VARYING


def test_credit_is_scored_with_what_it_draws_from():
    # two fair coins that agree: 1 bit is lost in one step, and none of it to the credit of equal tokens
    context = Context(
        weight=1, distribution=ListedDistribution(JointPMF.from_weights([("a", "a"), ("b", "b")], [3, 1]))
    )
    ideal = IdealPredictor(context.distribution)
    rules = gap_rules("credit:gamma=0.1")
    found = score(ideal, ideal.masked(1), torch.tensor([[1, 1]]), rules.policy, rules.order, _streams(1))
    raised = 0.75 * (1 + 0.75**0.2) ** 0.7
    assert found.parallel[0].exp2().tolist() == pytest.approx([0.25 / (raised + 0.25)] * 2)
    assert found.chain[0].exp2().sort().values.tolist() == pytest.approx([0.25, 1.0])


def _streams(rows: int) -> Streams:
    return Streams(0, range(rows), purpose=1)


# -- batches, order, resumption ---------------------------------------------------------------------------------


@pytest.mark.grid(every=8)
@pytest.mark.parametrize("spec", [*MEMORY, "demask:budget=0.3", "pc:k=2", "ancestral:steps=3,block=2"])
def test_a_row_does_not_depend_on_the_others(spec):
    """Rows of several prompts, at different steps of a rule, in any order and in batches of any size."""
    model = Table(5, 1)
    tokens = torch.tensor([[i % 2, 2, 2, 2, 2] for i in range(40)])
    rules = gap_rules(spec, extra=1)
    whole = gap_records(model, tokens, range(40), rules)
    assert len({record["calls"] for record in whole}) > 1 or spec not in VARYING
    order = torch.randperm(40, generator=torch.Generator().manual_seed(0)).tolist()
    parts = [order[:1], order[1:8], order[8:]]
    again = [record for rows in parts for record in gap_records(model, tokens[rows], rows, rules)]
    assert sorted(again, key=lambda record: record["row"]) == whole


@pytest.mark.deep
def test_rows_whose_masks_stand_elsewhere_do_not_share_a_batch(tmp_path):
    model = Table(5, 1)
    prompts = [[2, 2, 0, 2, 1], [0, 2, 1, 2, 2], [2, 0, 2, 2, 1]]
    rows = [(model, torch.tensor(prompts[i % 3])) for i in range(30)]
    source = Source(rows=rows, per_prompt=1, facts={})
    found = []
    for batch in (None, 1, 4):
        spec = GapSpec(
            source=SourceSpec(model="m"),
            policy="topk:k=2,by=left_to_right",
            batch=batch,
            out=tmp_path / "a.jsonl",
        )
        run_share(spec, source, 0, 1)
        lines = map(json.loads, spec.out.read_text().splitlines()[1:])
        found.append(sorted(lines, key=lambda record: record["row"]))
        spec.out.unlink()
    assert found[0] == found[1] == found[2]
    with pytest.raises(InputError, match="must be in the same columns"):
        gap_records(model, torch.tensor(prompts), range(3), gap_rules("topk:k=2"))


@pytest.mark.deep
@pytest.mark.parametrize("policy", ["klass:tau=0.3,eps=3", "credit:gamma=0.6", "demask:budget=0.3"])
def test_a_killed_run_of_such_a_rule_continues(tmp_path, policy):
    spec = GapSpec(
        source=SourceSpec(model="ideal", task="replace_random", n=5, samples=30), policy=policy, extra=1
    )
    whole, out = tmp_path / "whole.jsonl", tmp_path / "cut.jsonl"
    said = run_gap(replace(spec, out=whole, batch=7))
    data = whole.read_bytes()
    for length in (30, len(data) // 3, len(data) - 1):
        out.write_bytes(data[:length])
        assert run_gap(replace(spec, out=out, batch=5)) == said
        assert sorted(out.read_bytes().splitlines()) == sorted(data.splitlines())


# -- user-defined rules -----------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Alternating:
    """One position, then all but one, then one, ...: the memory alone decides."""

    def start(self, batch):
        return batch.remember(turn=batch.numbers.xp.zeros_like(batch.tokens[:, 0]))

    def step(self, batch, chance):
        view, turn = batch.view(), batch.memory["turn"]
        take = batch.numbers.xp.where((turn == 0) | (view.left < 2), 1, view.left - 1)
        batch, chosen = chance.choose(batch, Ranked(view, view.probs.amax(dim=2), take, "random"))
        return chance.reveal(batch, chosen).remember(turn=1 - turn)

    def finished(self, batch):
        return unmasked(batch)


class Twice(Alternating):
    """Looks at what it has revealed before it reveals more."""

    def step(self, batch, chance):
        batch = super().step(batch, chance)
        return chance.reveal(batch, batch.masked)


class Argmax(Alternating):
    """Writes tokens that were not drawn."""

    def step(self, batch, chance):
        return super().step(batch.write(batch.masked, batch.probs.argmax(dim=2)), chance)


class Again(Alternating):
    """Masks a position again."""

    def step(self, batch, chance):
        after = super().step(batch, chance)
        return after.remask(after.tokens == 0)


class Growing(Alternating):
    """Remembers more than at the start."""

    def step(self, batch, chance):
        return super().step(batch, chance).remember(more=batch.tokens)


class Idle(Alternating):
    """Does nothing."""

    def step(self, batch, chance):  # noqa: ARG002
        return batch


def test_rules_of_ones_own_are_followed_or_refused():
    context = CONTEXTS["replace_random"]
    ideal = IdealPredictor(context.distribution)
    rules = gap_rules("tests.models.evaluation.test_gap_rules:Alternating")
    records = gap_records(ideal, ideal.masked(100), range(100), rules)
    assert {tuple(sorted(record["step"])) for record in records} == {(0, 1, 1, 2)}
    for name in ("Twice", "Argmax", "Again"):
        with pytest.raises(InputError, match="looks at drawn tokens or masks positions again"):
            gap_rules(f"tests.models.evaluation.test_gap_rules:{name}")
    for name, message in (("Growing", "must remember all of it"), ("Idle", "makes no progress")):
        rules = gap_rules(f"tests.models.evaluation.test_gap_rules:{name}")  # found out on the prompts
        with pytest.raises(InputError, match=message):
            gap_records(ideal, ideal.masked(2), range(2), rules)


def test_a_rule_that_refuses_coins_is_tried_on_the_prompts():
    class Picky(KLASS):
        def start(self, batch):
            if batch.tokens.shape[1] == 4:
                raise InputError("not four positions.")
            return super().start(batch)

    import tests.models.evaluation.test_gap_rules as here

    here.Picky = Picky  # type: ignore[attr-defined]
    try:
        assert isinstance(gap_rules("tests.models.evaluation.test_gap_rules:Picky").policy, Picky)
    finally:
        del here.Picky


# -- the command ------------------------------------------------------------------------------------------------


def test_the_command_takes_rules_with_a_memory(capsys):
    arguments = [
        "gap",
        "--model",
        "ideal",
        "--task",
        "replace_random",
        "-n",
        "4",
        "--samples",
        "200",
        "--json",
    ]
    spec = "klass:tau=0.3,eps=3"
    assert main([*arguments, "--policy", spec]) == 0
    answer = json.loads(capsys.readouterr().out)
    exact = decoder.decode(CONTEXTS["replace_random"].distribution.pmf(), parse_policy(spec))
    assert answer["exact_path_kl"] == pytest.approx(float(exact.path_kl))
    low, high = answer["gap"]["interval"]
    assert low <= answer["exact_path_kl"] <= high
    large = ["gap", "--model", "ideal", "--task", "shuffle", "-n", "8", "--samples", "2", "--json"]
    assert main([*large, "--policy", spec]) == 0
    assert json.loads(capsys.readouterr().out)["exact_path_kl"] is None  # it would take hours
    assert main([*arguments, "--policy", "wino"]) == 2
    error = capsys.readouterr().err
    assert "'wino' looks at drawn tokens or masks positions again" in error
    assert error.count("\n") == 1

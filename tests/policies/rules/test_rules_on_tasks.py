"""Every registered rule on every registered task: 10,000 decodes of the ideal model against the exact distribution."""

from __future__ import annotations

from dataclasses import dataclass, fields
from functools import cache

import numpy as np
import pytest
import torch

from models.predictors.ideal import IdealPredictor
from models.sampling.decode import decode
from synthetic.task import known_tasks, make_task
from synthetic.tasks.sudoku import Sudoku
from tests.helpers.asked import Asked, counted
from tests.helpers.intervals import assert_frequencies, assert_mean
from theory.decoding import decoder
from theory.decoding.process import ProcessRun
from theory.decoding.result import Decode
from theory.distributions.distribution import Context, ListedDistribution
from theory.distributions.pmf import JointPMF
from theory.distributions.tempering import Transform
from theory.policies import parse_policy, registered_policies
from theory.policies.as_process import Factorised, as_process
from theory.validation import InputError

DECODES = 10_000
FEW_TOKENS = 20
POSITIONS = 5  # remasking visits (V + 1)^n states with a memory each
FREE = {
    8,
    10,
    12,
    14,
    15,
}  # cells of a Sudoku that the other eleven leave to two fillings: two symbols may be swapped
EXAMPLES = tuple(cls.example for cls in registered_policies().values())
# switches and variants that change what is drawn; the others are covered rule by rule
VARIANTS = (
    "topk:k=2,confidence=sampled",
    "topk:k=2,by=left_to_right",
    "topk:k=2,remainder=first,block=2",
    "threshold:gamma=0.6,confidence=sampled,strict=false",
    "threshold:gamma=0.6,floor=2",
    "factor:f=1.0,variant=released",
    "factor:f=1.5,confidence=sampled",
    "dream:steps=3,by=confidence,confidence=sampled",
    "llada:steps=2,block=2,by=entropy",
    "ancestral:steps=3,eps=0,block=2",
    "eb:gamma=1,by=left_to_right",
    "eb:gamma=1,by=confidence",
    "entropy_sum:eta=1.5,crossing=keep",
    "dus:base=2,block=4",
    "dus:order=binary,merge=true",
    "eb:gamma=2,spaced=2",
    "threshold:gamma=0.3,strict=false,spaced=8",
    "threshold:by=entropy,gamma=-1.3706",
    "prophet:steps=4,mid=0.5,late=0.3,first=1",
    "mean_field:tau=0.4",
    "info_gain:k=2,candidates=3,temp=1",
    "p2:steps=2,eta=2,ties=all",
    "editing:gamma=0.3,edit=0.6,post=2",
)
# at temperature 0, with truncation, and with scores read after it
SWITCHES = ({"temperature": 0}, {"top_p": "0.7"}, {"top_k": 2, "scored": "after"}, {"temperature": "1/2"})


@cache
def smallest(name: str) -> Context | None:
    """The first context of a task at a size of at most five positions, three if there is one."""
    if name == "sudoku":
        return Sudoku(clues=tuple(set(range(16)) - FREE)).contexts()[0]
    if not known_tasks()[name].sizes:
        context = make_task(name).contexts()[0]
        return context if context.distribution.n <= POSITIONS else None
    for n in (3, 4, 2, 5, 1, 6):
        try:
            context = make_task(name, n).contexts()[0]
        except InputError:
            continue
        if context.distribution.n <= POSITIONS:
            return context
    return None


TASKS = tuple(name for name in known_tasks() if smallest(name) is not None)


def test_no_task_is_left_out():
    assert set(TASKS) == set(known_tasks())
    assert len(smallest("sudoku").distribution.pmf()) == 2


@dataclass(frozen=True, eq=False)
class Target:
    """A context's distribution as the exact decoder and as the sampler read it."""

    pmf: JointPMF
    ideal: IdealPredictor

    @classmethod
    def of(cls, context: Context) -> Target:
        pmf = context.distribution.pmf()
        # the conditionals of structured distributions are compared with the listed ones elsewhere; here they cost too
        # much
        distribution = (
            context.distribution if len(context.distribution.tokens) < FEW_TOKENS else ListedDistribution(pmf)
        )
        return cls(pmf, Asked(distribution))


@cache
def target(name: str) -> Target:
    """The smallest target of a task."""
    return Target.of(smallest(name))


@cache
def decoded(name: str, spec: str) -> Decode:
    """The exact result of a rule on the smallest target of a task."""
    return decoder.decode(target(name).pmf, parse_policy(spec))


def check(at: Target, spec: str, size: int, exact: Decode | None = None, **switches: object) -> None:
    policy, ideal = parse_policy(spec), at.ideal
    exact = exact or decoder.decode(at.pmf, policy, **switches)
    generator = torch.Generator().manual_seed(0)
    done = decode(ideal, ideal.masked(size), policy, generator=generator, batch_size=size, **switches)
    assert (done.tokens != ideal.mask_id).all()
    ids = {token: j for j, token in enumerate(ideal.distribution.tokens)}
    found = counted(done.tokens.numpy(), ideal.mask_id)
    counts = [found.get(tuple(ids[token] for token in outcome), 0) for outcome in exact.distribution]
    valid = sum(
        n
        for n, sure in zip(found.values(), ideal.distribution.contains(np.array([*found])), strict=True)
        if sure
    )
    shares = [float(q) for q in exact.distribution.values()]
    label = (spec, switches)
    assert_frequencies([*counts, valid], [*shares, float(exact.accuracy)], size, label)
    steps = done.steps.numpy()
    assert_mean(steps, float(exact.steps), span=max(1, int(steps.max()) - 1), label=label)


@pytest.mark.grid(1, deep=5)
@pytest.mark.parametrize("part", range(4))
@pytest.mark.parametrize("name", TASKS)
def test_samples_follow_the_exact_distribution(name, part):
    sure = len(target(name).pmf) == 1  # one answer: only the steps can be random
    for spec in (*EXAMPLES, *VARIANTS)[part::4]:
        check(target(name), spec, 100 if sure else DECODES, decoded(name, spec))


# Rules that draw at every mask and keep what was drawn as part of their state have too many states on the grid with six
# fillings. These take the one with three, some in blocks of four cells.
SECOND_GRID = {
    "p2": "p2:steps=3,ties=lowest",
    "editing": "editing:ties=lowest",
    "rcr": "rcr:steps=2,ties=lowest",
    "remdm": "remdm:steps=2,eta=1/2,variant=rescale,block=4",
    "remdm_llada": "remdm_llada:steps=2,extra=1,ties=lowest",
    "saber": "saber:ties=lowest",
    "wino": "wino:ties=lowest",
}
IN_BLOCKS = {"plackett_luce": ",block=4"}  # irrational chances of every pair of cells


@cache
def grid(index: int) -> Target:
    """A grid of eleven cells: the first has six fillings, the second three."""
    return Target.of(make_task("sudoku").contexts()[index])


def test_the_grids_are_what_they_are_called():
    assert [(grid(i).pmf.n, len(grid(i).pmf)) for i in (0, 1)] == [(11, 6), (11, 3)]


@pytest.mark.deep
@pytest.mark.parametrize(
    "name",
    [
        pytest.param(name, marks=pytest.mark.slow) if name == "info_gain" else name
        for name in [*sorted(registered_policies()), "topk:k=2"]
    ],
)
def test_samples_follow_the_exact_distribution_on_a_grid_of_eleven_cells(name):
    if name in SECOND_GRID:
        check(grid(1), SECOND_GRID[name], DECODES // 4)
        return
    if name not in registered_policies():
        check(grid(0), name, DECODES)
        return
    cls = registered_policies()[name]
    fixed = {f.name for f in fields(cls)} >= {"ties"} and name not in ("dus", "bisection")
    separator = "," if ":" in cls.example else ":"
    spec = f"{cls.example}{separator}ties=lowest" if fixed else cls.example
    check(grid(0), spec + IN_BLOCKS.get(name, ""), DECODES)


@pytest.mark.grid(every=6)
@pytest.mark.parametrize("name", sorted(registered_policies()))
def test_samples_follow_the_exact_distribution_in_blocks(name):
    """Semi-autoregressive decoding composes with every rule: a block of two, then one of one."""
    example = registered_policies()[name].example
    assert target("hmm").pmf.n == 3
    check(target("hmm"), f"{example}{',' if ':' in example else ':'}block=2", DECODES)


@pytest.mark.grid(0, deep=3)
@pytest.mark.parametrize("name", ["city_names", "replace_random", "shuffle_strict", "hmm"])
@pytest.mark.parametrize("switches", SWITCHES, ids=str)
def test_samples_follow_the_exact_distribution_under_every_transform(name, switches):
    for spec in (*EXAMPLES, *VARIANTS):
        check(target(name), spec, 4000, **switches)


@pytest.mark.grid(1)
@pytest.mark.parametrize("name", TASKS)
def test_both_exact_engines_agree(name):
    # set by set, and as a chain over (tokens, memory): they share the rules alone
    pmf = target(name).pmf
    for spec in (*EXAMPLES, *VARIANTS):
        policy, transform = parse_policy(spec), Transform()
        if as_process(policy, transform) is not None:
            continue
        by_sets = decoded(name, spec)
        run = ProcessRun(pmf, Factorised(policy), transform, "marginal")
        run.run()
        by_states = run.result(None)
        for field in ("accuracy", "kl", "path_kl", "steps", "steps_under_data"):
            here, there = getattr(by_sets, field), getattr(by_states, field)
            if isinstance(here, float) or isinstance(there, float):
                assert float(here) == pytest.approx(float(there), abs=1e-12), (spec, field)
            else:
                assert here == there, (spec, field)

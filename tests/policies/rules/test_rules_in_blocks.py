"""Rules in blocks, from the left: exact distributions and steps against the recursion, and values by hand."""

from fractions import Fraction

import numpy as np
import pytest

from tests.reference import positions
from tests.reference import processes as rp
from tests.reference import released as rel
from theory.decoding.decoder import decode
from theory.decoding.output import output_distribution
from theory.distributions.listed_model import ListedModel
from theory.distributions.pmf import JointPMF
from theory.numbers.arithmetic import EXACT
from theory.policies import parse_policy
from theory.policies.view import View

TARGET = {
    (0, 0, 1, 0): Fraction(6, 20),
    (0, 1, 1, 2): Fraction(5, 20),
    (1, 1, 0, 0): Fraction(4, 20),
    (1, 0, 0, 2): Fraction(3, 20),
    (1, 1, 1, 1): Fraction(2, 20),
}
RULES = {
    "hierarchy:gamma=0.6,low=0.3": lambda block: positions.Hierarchy("0.6", "0.3", block=block),
    "klass:tau=0.4,eps=0.2,history=1": lambda block: rp.KLASS("0.4", "0.2", 1, block=block),
    "klass:tau=0.4,eps=0.2": lambda block: rp.KLASS("0.4", "0.2", 2, block=block),
    "pc:k=1,lam=1": lambda block: positions.PC(1, "1", block=block),
    "demask:budget=0.3": lambda block: positions.DEMASK("0.3", block=block),
    "slowfast:explore=3": lambda block: rp.SlowFast(explore=3, block=block),
    "lopa:gamma=0.6,k=2": lambda block: rp.LoPA("0.6", 2, block=block),
    "lopa:gamma=1,k=2": lambda block: rp.LoPA("1", 2, block=block),
    "prophet:steps=2,early=1,mid=1/2,late=0.1": lambda block: rel.Prophet(
        steps=2, early="1", mid="1/2", late="0.1", first=0, length=None, committed="left_out", block=block
    ),
    "dus:floor=0.3": lambda block: rel.DUS(order="dilated", base=2, floor="0.3", merge=False, block=block),
}


@pytest.mark.parametrize("block", [2, 3])
@pytest.mark.parametrize("text", RULES)
def test_blocks_follow_the_recursion(text, block):
    truth, steps = rp.distribution_and_steps(TARGET, RULES[text](block))
    policy, pmf = parse_policy(f"{text},block={block}"), JointPMF.from_mapping(TARGET)
    assert output_distribution(pmf, policy) == truth
    assert decode(pmf, policy).steps == steps


@pytest.mark.parametrize(("block", "steps"), [(2, 6), (3, 4), (4, 5), (5, 4), (6, 4), (10**20, 4)])
def test_lopa_pays_a_call_for_each_block_that_a_branch_fills(block, steps):
    # two positions a step; a branch that fills the block of its anchor costs one more call: blocks of 2 all of them
    six = JointPMF.uniform([tuple(range(6))])
    assert decode(six, parse_policy(f"lopa:gamma=1,k=2,ties=lowest,block={block}")).steps == steps


@pytest.mark.parametrize("block", [2, 3, 4, 8])
def test_pc_takes_the_earliest_position_of_each_block(block):
    # all tokens are certain and occur once, so that the place alone decides
    pmf, policy = JointPMF.uniform([tuple(range(8))]), parse_policy(f"pc:k=1,lam=1/4,block={block}")
    for known in range(8):
        state = np.array([[*range(known), *[-1] * (8 - known)]])
        model = ListedModel.by_code(pmf)
        view = View(model.marginals(state), state == -1, EXACT, tokens=state, model=model)
        assert policy.plan(view).distribution()[1] == [((1 << known, 1),)]

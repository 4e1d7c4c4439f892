"""Exact values of items of several tokens, against an enumeration of every reveal and every draw."""

from __future__ import annotations

from fractions import Fraction
from itertools import combinations, product

import numpy as np
import pytest

from models.evaluation.exact_reference import exact_means
from models.inputs.token_blocks import BlockTask, block_tasks
from synthetic import make_task
from synthetic.encoding import Encoding
from theory.policies import parse_policy


def enumerated(outcomes: list[tuple[int, ...]], k: int) -> Fraction:
    """The probability that a decoder of k random positions a step ends in the support, outcomes equally likely."""
    length = len(outcomes[0])

    def ends_well(revealed: dict[int, int]) -> Fraction:
        agreeing = [y for y in outcomes if all(y[i] == t for i, t in revealed.items())]
        if not agreeing:
            return Fraction(0)
        free = [i for i in range(length) if i not in revealed]
        if not free:
            return Fraction(1)
        sets = list(combinations(free, min(k, len(free))))
        total = Fraction(0)
        for chosen in sets:
            for drawn in product(*({y[i] for y in agreeing} for i in chosen)):
                chance = Fraction(1, len(sets))
                for i, token in zip(chosen, drawn, strict=True):
                    chance *= Fraction(sum(y[i] == token for y in agreeing), len(agreeing))
                total += chance * ends_well(revealed | dict(zip(chosen, drawn, strict=True)))
        return total

    return ends_well({})


PATTERNS = [((0, 0), (1, 1)), ((0, 0), (0, 1)), ((0, 0), (1, 0)), ((0, 0), (1, 1), (2, 1))]


@pytest.mark.grid(every=2)
@pytest.mark.parametrize("k", [1, 2, 3, 4])
@pytest.mark.parametrize("pattern", PATTERNS)
def test_blocks_are_the_distribution_of_their_tokens(pattern, k):
    task = make_task("shuffle", len(pattern))
    if len(pattern) * 2 < k or (len(pattern) == 3 and k == 2):
        pytest.skip("many draws")
    orders = [y for y, _ in task.contexts()[0].distribution.pmf()]
    outcomes = [tuple(token for role in order for token in pattern[role]) for order in orders]
    block = BlockTask(task=task, pattern=pattern)
    found = exact_means([(Fraction(1), block)], parse_policy(f"topk:k={k},by=random"), Fraction(1))
    assert found is not None
    assert found.accuracy == enumerated(outcomes, k)
    assert found.steps == -(-2 * len(pattern) // k)


def test_instances_weigh_their_patterns():
    batch = Encoding(items=4).sample_batch(make_task("shuffle", 2), 200, np.random.default_rng(0))
    words = np.array([[5, 6], [5, 7], [8, 6], [9, 9]])
    parts = block_tasks(batch, words)
    counts: dict[tuple[bool, bool], int] = {}
    for a, b in batch.roles:
        key = (words[a, 0] == words[b, 0], words[a, 1] == words[b, 1])
        counts[key] = counts.get(key, 0) + 1
    found = {
        (t.pattern[0][0] == t.pattern[1][0], t.pattern[0][1] == t.pattern[1][1]): share for share, t in parts
    }
    assert found == {key: Fraction(count, 200) for key, count in counts.items()}
    policy = parse_policy("topk:k=2,by=random")
    mean = sum(
        share
        * enumerated([tuple(t for r in order for t in task.pattern[r]) for order in ((0, 1), (1, 0))], 2)
        for share, task in parts
    )
    assert exact_means(parts, policy, Fraction(1)).accuracy == mean


def test_items_of_one_token_are_the_task_itself():
    task = make_task("copy", 2)
    batch = Encoding(items=3).sample_batch(task, 5, np.random.default_rng(0))
    assert block_tasks(batch, np.array([[4], [5], [6]])) == [(Fraction(1), task)]

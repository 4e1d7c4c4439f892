"""What a refusal suggests is enough: the same command then succeeds."""

from __future__ import annotations

from collections.abc import Callable
from fractions import Fraction
from functools import partial

import pytest

from synthetic import make_task
from theory.commands.bounds import bounds_answer
from theory.commands.decode import decode_answer
from theory.commands.frontier import frontier_answer
from theory.limits import CostError, allowing
from theory.policies import parse_policy

RULES = (
    *("topk:k=2", "topk:k=2,by=random", "threshold:gamma=0.9", "eb:gamma=0.5", "hierarchy:gamma=0.9"),
    *("dllm:steps=3", "ancestral:steps=3", "topk:k=2,confidence=sampled", "wino"),
)
TASKS = (("insert_index", 4), ("tree", 5), ("parity", 7), ("affine_subspace", 7), ("balanced", 6))
COMMANDS: dict[str, Callable[[], object]] = {
    f"decode {name} {n} {spec}": partial(decode_answer, make_task(name, n), parse_policy(spec), samples=5)
    for name, n in TASKS
    for spec in RULES
}
COMMANDS |= {
    f"{command} {name} {n}": partial(answer, make_task(name, n))
    for name, n in TASKS
    for command, answer in (
        ("bounds", bounds_answer),
        ("bounds --adaptive --count", partial(bounds_answer, adaptive=True, count=True)),
        ("bounds --randomized", partial(bounds_answer, randomized=True)),
        ("frontier", frontier_answer),
    )
    if command != "bounds --randomized" or n < 6
}
DEFAULT = {
    "decode parity 7 topk:k=2,by=random",
    "decode parity 7 ancestral:steps=3",
    "decode tree 5 wino",
    "decode insert_index 4 topk:k=2,confidence=sampled",
    "bounds --randomized tree 5",
    "bounds --adaptive --count parity 7",
    "frontier tree 5",
}


def check(command: str, small: Fraction) -> None:
    try:
        with allowing(small):
            COMMANDS[command]()
    except CostError as refused:
        if refused.factor is None:  # a list of outcomes: what would follow is not known
            return
        factor = refused.factor
    else:
        return
    assert factor > small
    with allowing(factor):
        COMMANDS[command]()


@pytest.mark.grid(every=2)
@pytest.mark.parametrize("small", [Fraction(1, 10**3), Fraction(1, 10**4)])
@pytest.mark.parametrize("command", sorted(DEFAULT))
def test_what_a_refusal_suggests_is_enough(command, small):
    check(command, small)


@pytest.mark.grid(0, deep=3)
@pytest.mark.parametrize("small", [Fraction(1, 10**k) for k in (2, 3, 4)])
@pytest.mark.parametrize("command", sorted(COMMANDS.keys() - DEFAULT))
def test_what_a_refusal_suggests_is_enough_everywhere(command, small):
    check(command, small)

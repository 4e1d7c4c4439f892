"""Lumped chains give exactly what the unlumped decoder gives, wherever both can be computed."""

import pytest

from synthetic import known_tasks, make_task
from theory.decoding.decoder import decode
from theory.decoding.lumped import decode_lumped, tie_interval_lumped
from theory.decoding.tie_breaks import tie_interval
from theory.policies import parse_policy

SPECS = (
    "topk:k=1,by=random",
    "topk:k=2,by=random",
    "topk:k=2,by=confidence,block=3",
    "topk:k=3,remainder=first,by=entropy",
    "topk:k=1,ties=all",
    "topk:k=2,by=left_to_right",
    "topk:k=2,ties=lowest",
    "threshold:gamma=0.5",
    "threshold:gamma=1/2,strict=false",
    "threshold:gamma=0.3,by=margin",
    "factor:f=1",
    "factor:f=1/2,strict=false",
)
FIELDS = ("accuracy", "kl", "path_kl", "steps", "steps_under_data")


def _with_chain(n: int):
    for name, cls in known_tasks().items():
        if cls.sizes and n >= cls.smallest:
            try:
                task = make_task(name, n)
                if task.chain() is not None:
                    yield name
            except ValueError:  # a size that the task does not have
                continue


@pytest.mark.grid(1)
@pytest.mark.parametrize("greedy_ties", ["random", "lowest"])
@pytest.mark.parametrize("temperature", [0, 1])
@pytest.mark.parametrize("n", [3, 2, 4, 5])
def test_lumped_equals_unlumped(n, temperature, greedy_ties):
    compared = 0
    for name in _with_chain(n):
        task = make_task(name, n)
        pmf = task.contexts()[0].distribution.pmf()
        for spec in SPECS:
            switches = {"temperature": temperature, "greedy_ties": greedy_ties}
            listed = decode(pmf, parse_policy(spec), **switches)
            lumped = decode_lumped(task.chain(), parse_policy(spec), **switches)
            for field in FIELDS:
                value = getattr(lumped, field)
                if value is not None:  # kl, where the symmetry argument does not apply
                    assert value == getattr(listed, field), (name, spec, field)
                    compared += 1
    assert compared > 100


@pytest.mark.grid(every=5)
@pytest.mark.parametrize("name", ["shuffle", "replace_random", "parity", "copy"])
@pytest.mark.parametrize("spec", SPECS)
def test_tie_interval_lumped_equals_unlumped(name, spec):
    task = make_task(name, 4)
    listed = tie_interval(task.contexts()[0].distribution.pmf(), parse_policy(spec))
    assert tie_interval_lumped(task.chain(), parse_policy(spec)) == listed


@pytest.mark.grid(every=8)
@pytest.mark.parametrize(
    "name", ["shuffle", "replace_random", "city_names", "insert_random", "remove_random"]
)
@pytest.mark.parametrize("spec", SPECS)
def test_every_tie_rule_lies_in_the_interval(name, spec):
    pmf = make_task(name, None if name == "city_names" else 4).contexts()[0].distribution.pmf()
    low, high = tie_interval(pmf, parse_policy(spec))
    assert 0 <= low <= high <= 1
    for rule in ("random", "lowest"):
        assert low <= decode(pmf, parse_policy(spec), temperature=0, greedy_ties=rule).accuracy <= high


def test_lumped_at_a_length_that_cannot_be_listed():
    """(n-1)!!/n!! for pairs (arXiv 2510.04767, Section 4.2)."""
    result = decode_lumped(make_task("shuffle", 40).chain(), parse_policy("topk:k=2,by=random"))
    expected = 1
    for m in range(40, 0, -2):
        expected = expected * (m - 1) / m
    assert float(result.accuracy) == pytest.approx(expected, rel=1e-12)
    assert result.steps == 20

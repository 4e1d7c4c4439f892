"""The cells of work behind the figures, each one call of ``theory`` or ``models``."""

from __future__ import annotations

from typing import Any

__all__ = ["exact_decode", "ideal_samples", "model_samples", "threshold_curve", "tie_range"]


def exact_decode(
    *, task: str, n: int, policy: str, temperature: int, greedy_ties: str = "random"
) -> dict[str, str]:
    """Return the exact accuracy and expected steps of a policy with the ideal model, as ratios."""
    from synthetic import make_task
    from theory.decoding.tasks.decode import decode_contexts
    from theory.policies import parse_policy

    result = decode_contexts(
        make_task(task, n), parse_policy(policy), temperature=temperature, greedy_ties=greedy_ties
    )
    return {"accuracy": str(result.accuracy), "steps": str(result.steps)}


def tie_range(*, task: str, n: int, policy: str) -> list[str]:
    """Return the least and greatest greedy accuracy over all deterministic tie-breaks, as ratios."""
    from synthetic import make_task
    from theory.decoding.lumped import tie_interval_lumped
    from theory.policies import parse_policy

    chain = make_task(task, n).chain()
    assert chain is not None, f"{task} has no lumped chain"
    return [str(end) for end in tie_interval_lumped(chain, parse_policy(policy))]


def threshold_curve(*, task: str, n: int, strict: bool, steps: int) -> list[list[str]]:
    """Return (gamma, exact greedy accuracy) of the threshold rule, as ratios, for gamma from 1/2 to 1."""
    from fractions import Fraction

    from synthetic import make_task
    from theory.decoding.tasks.decode import decode_contexts
    from theory.policies.rules.threshold import Threshold

    gammas = [Fraction(1, 2) + Fraction(j, 2 * steps) for j in range(steps + 1)]
    made = make_task(task, n)
    return [
        [str(g), str(decode_contexts(made, Threshold(gamma=g, strict=strict), temperature=0).accuracy)]
        for g in gammas
    ]


def ideal_samples(
    *, task: str, n: int, policy: str, temperature: int, samples: int, seed: int, device: str
) -> dict[str, Any]:
    """Return how many decodes of the ideal model are valid."""
    from models.evaluation.trials import ideal_trials

    trials = ideal_trials(task, n, policy, temperature=temperature, samples=samples, seed=seed, device=device)
    return {"successes": trials.successes, "trials": trials.samples}


def model_samples(
    *,
    weights: str | None,
    task: str,
    n: int,
    policy: str,
    temperature: int,
    samples: int,
    seed: int,
    device: str,
) -> dict[str, Any]:
    """Return how many decodes of the trained model are valid."""
    from models import load
    from models.evaluation.trials import model_trials

    model = load(weights, device=device)
    trials = model_trials(model, task, n, policy, temperature=temperature, samples=samples, seed=seed)
    return {"successes": trials.successes, "trials": trials.samples}

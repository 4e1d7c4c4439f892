"""A trained model beside the exact values of the ideal one."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path
from typing import Any

from models.checkpoint import SHIPPED, load_model, read_card
from models.evaluation import list_task, marginal_tv
from models.presets import Recipe
from models.transformer import MaskedTransformer
from models.trials import model_trials
from synthetic import ListTask
from theory._checks import InputError, choice
from theory.expectation import decode_contexts
from theory.policies import RankedPolicy

__all__ = ["MARGIN", "binomial_interval", "verify"]

MARGIN = 0.03  # accuracy: errors of 0.01 total variation a state add up over the steps of a decode
LEVEL = 0.95
STATES = 1000
LISTED_LIMIT = 8  # longest answer decoded without a lumped chain: the 2^n revealed sets take seconds
NOTE = (
    "exact: of the ideal model, - where it would take too long. mean TV: distance of the marginals. "
    f"ok: exact accuracy within {MARGIN} of the interval; at temperature 1 only, since ties decide others."
)


def verify(
    weights: Path | None,
    *,
    task: str | None,
    n: int | None,
    policy: RankedPolicy,
    temperature: Fraction,
    samples: int,
    seed: int,
    device: str,
) -> dict[str, Any]:
    """Decode with a model, grade, and compare with the exact values.

    Args:
        weights: A weights file; the shipped one if ``None``.
        task: One task; all that the model knows if ``None``.
        n: The length of the list; the shortest, middle and longest trained if ``None``.
        policy: The unmasking policy.
        temperature: tau >= 0.
        samples: Decodes a row.
        seed: Of instances and draws.
        device: cpu, cuda or mps.

    Returns:
        JSON values and exact numbers; one of ``rows`` for each task and n.
    """
    file = SHIPPED if weights is None else weights
    model = load_model(file, device)
    recipe = Recipe.from_json(read_card(file)["recipe"])
    names = list(recipe.tasks) if task is None else [choice(task, "task of this model", recipe.tasks)]
    middle = (recipe.shortest + recipe.longest) // 2
    sizes = sorted({recipe.shortest, middle, recipe.longest}) if n is None else [n]
    if n is not None and not recipe.shortest <= n <= recipe.longest:
        raise InputError(f"n must be in {recipe.shortest}..{recipe.longest}, the lengths trained; got {n}.")
    rows = [
        _row(model, list_task(name, size), policy, temperature, samples, seed)
        for name in names
        for size in sizes
    ]
    return {
        "weights": str(file) if weights is not None else "shipped",
        "policy": str(policy),
        "temperature": float(temperature),
        "samples": samples,
        "seed": seed,
        "rows": rows,
        "note": NOTE,
    }


def binomial_interval(successes: int, samples: int, level: float = LEVEL) -> tuple[float, float]:
    """Return the exact (Clopper-Pearson) interval of a success probability.

    Example:
        >>> low, high = binomial_interval(5, 10)
        >>> round(low, 3), round(high, 3)
        (0.187, 0.813)
    """
    from scipy.stats import binomtest

    interval = binomtest(successes, samples).proportion_ci(level, method="exact")
    return float(interval.low), float(interval.high)


def _row(
    model: MaskedTransformer,
    task: ListTask,
    policy: RankedPolicy,
    temperature: Fraction,
    samples: int,
    seed: int,
) -> dict[str, Any]:
    trials = model_trials(
        model, task.name, task.n, str(policy), samples=samples, seed=seed, temperature=temperature
    )
    low, high = binomial_interval(trials.successes, samples)
    exact = _exact(task, policy, temperature)
    agrees = None
    if exact is not None and temperature == 1:
        agrees = low - MARGIN <= exact[0] <= high + MARGIN
    return {
        "task": task.name,
        "n": task.n,
        "successes": trials.successes,
        "accuracy": trials.successes / samples,
        "interval": [low, high],
        "exact_accuracy": None if exact is None else exact[0],
        "steps": trials.steps,
        "exact_steps": None if exact is None else exact[1],
        "mean_tv": marginal_tv(model, model.encoding, task, states=STATES, seed=seed),
        "agrees": agrees,
    }


def _exact(task: ListTask, policy: RankedPolicy, temperature: Fraction) -> tuple[Any, Any] | None:
    """Return accuracy and expected steps of the ideal model, or ``None`` where they take too long."""
    if task.chain() is None and task.n > LISTED_LIMIT:
        return None
    result = decode_contexts(task, policy, temperature=temperature)
    return result.accuracy, result.steps

"""One run of a policy with the exact ideal model, step by step.

A step that reveals the tokens y_S given y_C costs ``log2 P(y_S | y_C) / prod_{i in S} q_i(y_i | y_C)`` bits, q the
distributions that tokens are drawn from. The costs of a run along an answer y add up to ``log2 P(y) / Q_w(y)``, with
Q_w(y) the probability of drawing y on this path; their mean over answers and paths is ``path_kl``.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from math import inf, log2
from typing import Any

import numpy as np
from flint import fmpq

from parabounds.explain import Step, sentence
from parabounds.notebook import frame, table
from parabounds.numbers import number, with_unit
from parabounds.views import Sheet
from theory.distributions.listed_model import ListedModel
from theory.distributions.outcomes import outcome_of_key
from theory.distributions.pmf import JointPMF
from theory.distributions.tempering import Transform
from theory.numbers.lognumber import LogNumber
from theory.numbers.rationals import to_fraction
from theory.policies.as_process import as_process
from theory.policies.checked_calls import checked_plan
from theory.policies.given import PolicyLike, as_policy
from theory.policies.policy import RankedPolicy
from theory.policies.ranked import Ranked
from theory.policies.view import View
from theory.validation import InputError, shown

__all__ = ["Trace", "trace"]


@dataclass(frozen=True, eq=False)
class Trace(Sequence[Step]):
    """A run.

    Attributes:
        policy: Its specification.
        by: The score that the policy ranks by, if it says.
        steps: One after the other.
    """

    policy: str
    by: str
    steps: tuple[Step, ...] = field(repr=False)

    def __len__(self) -> int:
        """Return the number of steps."""
        return len(self.steps)

    def __getitem__(self, index: Any) -> Any:
        """Return step ``index``, from 0."""
        return self.steps[index]

    def __iter__(self) -> Iterator[Step]:
        """Yield the steps."""
        return iter(self.steps)

    @property
    def answer(self) -> tuple[Any, ...]:
        """The tokens of the run."""
        found = {i: token for step in self.steps for i, token in step.tokens.items()}
        return tuple(found[i] for i in sorted(found))

    @property
    def cost(self) -> Any:
        """The sum of the costs, ``log2 P(y) / Q_w(y)``; minus infinity for an impossible answer."""
        costs = [step.cost for step in self.steps]
        if any(cost is None or (isinstance(cost, float) and cost == -inf) for cost in costs):
            return -inf
        return sum(costs[1:], costs[0])

    def explain(self, t: int) -> str:
        """Return in a sentence why step t, from 1, takes its positions.

        Example:
            >>> from parabounds import pmf
            >>> pmf(["ab", "ac"]).trace("topk:k=1", along="ab").explain(1)
            'Step 1 takes position 0: its confidence of 1 is the highest of 2 masked positions, the next is 0.5. ...'
        """
        if not 1 <= t <= len(self.steps):
            raise InputError(f"t must be between 1 and {len(self.steps)}, the number of steps, got {t}.")
        return sentence(self.steps[t - 1], t, self.by, self.policy)

    def __repr__(self) -> str:
        """Return one line."""
        return f"Trace({self.view.title}, {self.view.headline})"

    def _repr_html_(self) -> str:
        return table(self.view, 12)

    @property
    def view(self) -> Sheet:
        """The run as rows."""
        impossible = isinstance(self.cost, float) and self.cost == -inf
        lost = (
            "the answer is impossible"
            if impossible
            else f"{with_unit(self.cost, 'bits')} lost along this answer"
        )
        return Sheet(
            title=f"{self.policy}: {' '.join(map(str, self.answer))}",
            headline=f"{with_unit(len(self.steps), 'steps')}, {lost}.",
            columns=("step", "takes", "tokens", "ties", "cost, bits"),
            rows=[
                (
                    str(t),
                    ",".join(map(str, step.chosen)) or "none",
                    " ".join(map(str, step.tokens.values())),
                    ",".join(map(str, step.ties)) or "-",
                    number(step.cost),
                )
                for t, step in enumerate(self.steps, start=1)
            ],
        )

    def to_dataframe(self) -> Any:
        """Return a row a step as a pandas data frame."""
        return frame(
            [{key: getattr(step, key) for key in ("chosen", "tokens", "ties", "cost")} for step in self]
        )

    def plot(self, ax: Any = None) -> Any:
        """Draw which step reveals which position and what it costs; return the Axes."""
        from parabounds.plots import plot_trace

        return plot_trace(self, ax)


def trace(
    pmf: JointPMF,
    policy: PolicyLike,
    *,
    along: Any = None,
    seed: int = 0,
    off_support: str = "marginal",
    **switches: Any,
) -> Trace:
    """Return one run of a policy that reads the marginals.

    Args:
        pmf: The target.
        policy: A specification or an object.
        along: A possible answer whose tokens are revealed; without it tokens are drawn with ``seed``.
        seed: Of ties, and of the tokens.
        off_support: What the model says after an impossible token.
        **switches: As of :func:`theory.decoding.decoder.decode`.

    Raises:
        InputError: For a rule with a memory or one that masks again, or an impossible answer.
    """
    rule, transform = as_policy(policy), Transform(**switches)
    if as_process(rule, transform) is not None:
        raise InputError(
            f"a trace is known for policies that read the marginals; {rule} looks at drawn tokens."
        )
    target = None if along is None else _codes(pmf, outcome_of_key(along))
    rng = np.random.default_rng(seed)
    model = ListedModel.by_code(pmf, off_support)
    row, steps = np.full(pmf.n, -1), list[Step]()
    while (row == -1).any():
        if len(steps) > 1000:
            raise InputError(f"{rule} has not ended after 1,000 steps; give it a number of steps.")
        step = _step(pmf, model, rule, transform, row, target, rng, len(steps))
        steps.append(step)
        for i, token in step.tokens.items():
            row[i] = pmf.alphabets[i].index(token)
        if off_support == "stop" and step.cost == -inf:
            break
    return Trace(str(rule), str(getattr(rule, "by", "")), tuple(steps))


def _codes(pmf: JointPMF, answer: tuple[Any, ...]) -> list[int]:
    if not pmf.probability(answer):
        raise InputError(f"along must be a possible answer, got {shown(answer)}.")
    return [alphabet.index(token) for alphabet, token in zip(pmf.alphabets, answer, strict=True)]


def _step(
    pmf: JointPMF,
    model: ListedModel,
    rule: Any,
    transform: Transform,
    row: Any,
    target: list[int] | None,
    rng: np.random.Generator,
    count: int,
) -> Step:
    numbers, masked = model.numbers, row == -1
    probs = model.marginals(row[None])
    view = View(
        transform.scores_read(probs, numbers), masked[None], numbers, revealed=row[None].copy(), step=count,
        tokens=row[None].copy(), model=model,
    )  # fmt: skip
    plan = checked_plan(rule, view)
    sets = plan.distribution()[1][0]
    chances = np.array([float(_plain(p)) for _, p in sets])
    chosen_set = sets[int(rng.choice(len(sets), p=chances / chances.sum()))][0]
    chosen = tuple(i for i in range(pmf.n) if chosen_set >> i & 1)
    q = transform.draw(probs, numbers)
    before = _plain_mass(model, row)
    after, drawn, tokens = row.copy(), _plain(fmpq(1) if probs.dtype == object else 1.0), dict[int, Any]()
    for i in chosen:
        if target is None:
            floats = np.array([float(_plain(p)) for p in q[0, i, : len(pmf.alphabets[i])]])
            code = int(rng.choice(len(floats), p=floats / floats.sum()))
        else:
            code = target[i]
        after[i], tokens[i] = code, pmf.alphabets[i][code]
        drawn = drawn * _plain(q[0, i, code])
    # prefix rules rank by codes of their scores: a reader wants the scores
    own = rule.score(view) if isinstance(rule, RankedPolicy) else None
    scores, ties = _ranking(plan, masked, own)
    return Step(
        revealed={i: pmf.alphabets[i][row[i]] for i in range(pmf.n) if not masked[i]},
        marginals={
            i: {token: p for token, p in zip(pmf.alphabets[i], map(_plain, probs[0, i]), strict=False) if p}
            for i in range(pmf.n)
            if masked[i]
        },
        scores=scores,
        ties=ties,
        sets=len(sets),
        chosen=chosen,
        tokens=tokens,
        cost=_cost(before, _plain_mass(model, after), drawn),
        drawn=drawn,
    )


def _cost(before: Any, after: Any, drawn: Any) -> Any:
    """Return ``log2 (after / before) / drawn``."""
    if not before:
        return None
    if not after:
        return -inf
    if not drawn:
        return inf
    if isinstance(drawn, Fraction) and not isinstance(before, float):
        return LogNumber.log2(Fraction(after) / Fraction(before) / drawn)
    return log2(float(after) / float(before)) - log2(float(drawn))


def _plain_mass(model: ListedModel, row: Any) -> Any:
    mass = model.mass(row[None])[0]
    return int(mass) if model.numbers.tolerance == 0 else float(mass)


def _plain(value: Any) -> Any:
    return to_fraction(value) if isinstance(value, fmpq) else float(value)


def _ranking(plan: Any, masked: Any, own: Any) -> tuple[dict[int, Any], tuple[int, ...]]:
    """Return the scores of the competing positions, and those that tie with the last one taken if some are left."""
    if not isinstance(plan, Ranked):
        return {}, ()
    levels, take = plan.levels()[0].tolist(), int(plan.take[0])
    scores = np.broadcast_to(plan.scores if own is None else own, (1, len(masked)))[0]
    competing = [i for i, level in enumerate(levels) if level < len(masked)]
    found = {i: scores[i] if isinstance(scores[i], LogNumber) else _plain(scores[i]) for i in competing}
    if not 0 < take < len(competing):
        return found, ()
    last = sorted(levels[i] for i in competing)[take - 1]
    tied = tuple(i for i in competing if levels[i] == last)
    within = sum(levels[i] < last for i in competing) + len(tied) == take
    return found, () if within else tied

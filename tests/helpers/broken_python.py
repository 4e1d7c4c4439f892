"""Wrong tasks and rules of a user, for tests/test_hostile_input.py."""

import sys
from fractions import Fraction

from theory.distributions.distribution import Context, ListedDistribution
from theory.distributions.pmf import JointPMF
from theory.policies.policy import RankedPolicy

LAW = ListedDistribution(JointPMF.uniform([(0, 0), (0, 1), (1, 1)]))


class Good:
    name, n = "good", 2

    def contexts(self):
        return (Context(weight=Fraction(1), distribution=LAW),)

    def chain(self):
        return None


class Half(Good):
    def contexts(self):
        return (Context(weight=Fraction(1, 2), distribution=LAW),)


class Negative(Good):
    def contexts(self):
        return (Context(weight=Fraction(-1), distribution=LAW), Context(weight=Fraction(2), distribution=LAW))


class FloatWeight(Good):
    def contexts(self):
        return (Context(weight=1.0, distribution=LAW),)  # type: ignore[arg-type]


class Longer(Good):
    n = 3


class Raises(Good):
    def contexts(self):
        return (1 // 0,)


class Exits(Good):
    def contexts(self):
        sys.exit(0)


class ExitsWhenMade(Good):
    def __init__(self):
        sys.exit(0)


class ExitsOnSize(Good):
    @property
    def n(self):
        sys.exit(0)


class Empty(Good):
    def contexts(self):
        return ()


class Five(Good):
    def contexts(self):
        return 5


class Generated(Good):
    def contexts(self):
        yield Context(weight=Fraction(1), distribution=LAW)


class Pmf(Good):
    def contexts(self):
        return (Context(weight=Fraction(1), distribution=LAW.source),)


class NoContext(Good):
    def contexts(self):
        return (LAW,)


class NoSize(Good):
    n = 0


class NoNumber(Good):
    n = "two"


class BadChain(Good):
    def chain(self):
        return 5


def made():
    return Good()


class Boom:
    def plan(self, view):  # noqa: ARG002
        raise RuntimeError("no plan today")


class PlansFive:
    def plan(self, view):  # noqa: ARG002
        return 5


class StepsFive:
    def start(self, batch):
        return batch

    def step(self, batch, chance):  # noqa: ARG002
        return 5

    def finished(self, batch):
        return (batch.tokens >= 0).all(axis=1)


class FinishesThree(StepsFive):
    def finished(self, batch):  # noqa: ARG002
        return 3


class StartsFive(StepsFive):
    def start(self, batch):  # noqa: ARG002
        return 5


boom, plans_five, steps_five, finishes_three, starts_five = (
    Boom(),
    PlansFive(),
    StepsFive(),
    FinishesThree(),
    StartsFive(),
)


class Never(RankedPolicy):
    """Waits for ever, by the clock."""

    clocked = True

    def count(self, view, scores):  # noqa: ARG002
        return 0 * view.left


class Swings:
    """Reveals the first position and masks it again, for ever."""

    def start(self, batch):
        return batch

    def step(self, batch, chance):
        first = batch.tokens * 0 == 0
        first[:, 1:] = False
        if (batch.tokens[:, 0] >= 0).any():
            return batch.remask(first)
        return chance.reveal(batch, first)

    def finished(self, batch):
        return (batch.tokens >= 0).all(axis=1)


never, swings = Never(), Swings()

"""Random pmfs, partitions, policies and temperatures. Weights are integers, so zeros and ties occur."""

from dataclasses import dataclass
from fractions import Fraction
from itertools import product
from math import prod

from hypothesis import strategies as st

from tests.reference import definitions as ref
from theory.distributions.pmf import JointPMF

SHAPES = [(1,), (3,), (1, 2), (2, 2), (3, 2), (3, 3), (2, 2, 2), (3, 1, 2), (2, 3, 3)]
FOUR = [(2, 2, 2, 2), (3, 2, 1, 2), (2, 3, 2, 2)]

WEIGHTS = {
    "dense": st.integers(0, 3),  # zeros and many ties
    "skewed": st.sampled_from([0, 1, 1, 2, 97, 10**6]),
    "sparse": st.sampled_from([0, 0, 0, 0, 1, 2]),
    "generic": st.integers(1, 2**18),  # few ties, large primes
}
NAMES = [[0, 1, 2], ["b", "a", "c"], [2, "x", 1]]  # tokens: plain, unsorted, of mixed kinds


@dataclass(frozen=True)
class Target:
    """One random pmf in its three forms: for the reference, exact and float."""

    distribution: ref.PMF

    @property
    def n(self) -> int:
        return ref.length(self.distribution)

    @property
    def exact(self) -> JointPMF:
        return JointPMF.from_mapping(self.distribution)

    @property
    def floats(self) -> JointPMF:
        return JointPMF.from_mapping({y: float(p) for y, p in self.distribution.items()})

    def __repr__(self) -> str:
        return f"Target({ {y: str(p) for y, p in self.distribution.items()} })"


@st.composite
def targets(draw, shapes=(*SHAPES, *FOUR), kinds=("dense", "skewed", "sparse", "generic")):
    """A random pmf; outcomes are in no particular order."""
    shape = draw(st.sampled_from(shapes))
    names = draw(st.sampled_from(NAMES))
    size = prod(shape)
    weight = WEIGHTS[draw(st.sampled_from(kinds))]
    weights = draw(st.lists(weight, min_size=size, max_size=size).filter(any))
    words = [tuple(names[j] for j in word) for word in product(*map(range, shape))]
    pairs = [(word, w) for word, w in zip(words, weights, strict=True) if w]
    if draw(st.booleans()):
        pairs.reverse()
    return Target({word: Fraction(w, sum(weights)) for word, w in pairs})


# any character; hypothesis' own, by categories, take two seconds to make on a fresh clone
CHARACTERS = st.integers(0, 0x10FFFF).filter(lambda code: not 0xD800 <= code < 0xE000).map(chr)


def subsets(n: int, *, smallest: int = 0):
    """A set of positions, in any order."""
    return st.permutations(range(n)).flatmap(
        lambda order: st.integers(smallest, n).map(lambda size: tuple(order[:size]))
    )


@st.composite
def ordered_partitions(draw, n: int):
    """An ordered partition of 0..n-1 into any number of blocks."""
    order = draw(st.permutations(range(n)))
    cuts = draw(st.lists(st.booleans(), min_size=n - 1, max_size=n - 1))
    blocks = [[order[0]]]
    for position, cut in zip(order[1:], cuts, strict=True):
        if cut:
            blocks.append([])
        blocks[-1].append(position)
    return tuple(map(tuple, blocks))


@dataclass(frozen=True)
class Rule:
    """A policy as the program reads it and as the reference applies it."""

    spec: str
    select: ref.Select

    def __repr__(self) -> str:
        return self.spec


BY = ("confidence", "margin", "entropy", "left_to_right", "random")
TIES = ("random", "lowest", "all")
LEVELS = ("-2", "-3/2", "-1", "-0.5", "0", "1/3", "0.4", "1/2", "0.5", "2/3", "3/4", "0.9", "1")
FACTORS = ("1/3", "0.5", "2/3", "1.0", "4/3", "3/2", "2", "2.5", "4")


DEFAULTS = {"by": "confidence", "ties": "random", "block": None, "remainder": "last", "strict": True}


def _rule(name: str, select, required: dict, options: dict, explicit: bool) -> Rule:
    given = {key: value for key, value in options.items() if explicit or value != DEFAULTS[key]}
    given = {key: value for key, value in {**required, **given}.items() if value is not None}
    text = ",".join(f"{key}={str(value).lower()}" for key, value in given.items())
    return Rule(f"{name}:{text}", select)


@st.composite
def rules(draw, names=("topk", "threshold", "factor"), by=BY, ties=TIES, blocks=(None, 1, 2, 3)):
    """A random policy of every registered kind with every switch; defaults are written or left out."""
    name, explicit = draw(st.sampled_from(names)), draw(st.booleans())
    chosen = {
        "by": draw(st.sampled_from(by)),
        "ties": draw(st.sampled_from(ties)),
        "block": draw(st.sampled_from(blocks)),
    }
    if name == "topk":
        k, remainder = draw(st.integers(1, 5)), draw(st.sampled_from(["last", "first"]))
        select = ref.topk(k, chosen["by"], chosen["ties"], remainder, chosen["block"])
        return _rule(name, select, {"k": k}, {**chosen, "remainder": remainder}, explicit)
    strict = draw(st.booleans())
    options = {**chosen, "strict": strict}
    if name == "threshold":
        shares = options["by"] in ("confidence", "margin")  # others are at most 0
        gamma = draw(st.sampled_from([g for g in LEVELS if Fraction(g) >= 0 or not shares]))
        return _rule(name, ref.threshold(gamma, **options), {"gamma": gamma}, options, explicit)
    f = draw(st.sampled_from(FACTORS))
    return _rule(name, ref.factor(f, **options), {"f": f}, options, explicit)

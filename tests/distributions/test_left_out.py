"""Marginals of each position given all others: one pass against n questions and against Fractions."""

from fractions import Fraction
from itertools import product
from types import SimpleNamespace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.reference.remasking import World
from theory.distributions.distribution import ListedDistribution
from theory.distributions.outcomes import MASK
from theory.distributions.parametric.batched_model import DistributionModel
from theory.distributions.parametric.grammar import GrammarDistribution
from theory.distributions.parametric.hmm import HMMDistribution
from theory.distributions.parametric.leave_one_out import LeavesOut
from theory.distributions.parametric.markov import MarkovDistribution
from theory.distributions.pmf import JointPMF
from theory.distributions.tempering import Transform
from theory.numbers.arithmetic import FLOAT64
from theory.policies import parse_policy
from theory.policies.run_batch import RunBatch
from theory.sampling.runs import sample_runs

HALF_UNIT = 2.0**-53
CONVENTIONS = ("marginal", "uniform", "stop")

STUCK = [[1, 0], [0, 1]]
CYCLE = [[0, "1/2", "1/2"], ["1/4", 0, "3/4"], ["1/3", "2/3", 0]]
SKEW = [["7/8", "1/8", 0], [0, "1/5", "4/5"], [1, 0, 0]]
HALF_BLIND = [["1/2", "1/2", 0], [0, "1/3", "2/3"], [0, 0, 1]]
BIRDS = {"S": {"NP VP": 1}, "NP": {"birds": "1/2", "A NP": "1/2"}, "VP": {"sing": "2/3", "VP Adv": "1/3"}}
WORDS = {"A": {"small": "3/4", "birds": "1/4"}, "Adv": {"well": 1}}
LAWS = {
    "one position": MarkovDistribution(n=1, initial=["1/4", 0, "3/4"], transition=CYCLE),
    "copies": MarkovDistribution(n=4, initial=["1/4", "3/4"], transition=STUCK),
    "copies of one token": MarkovDistribution(n=3, initial=[0, 1], transition=STUCK),
    "cycle": MarkovDistribution(n=4, initial=["1/2", "1/2", 0], transition=CYCLE),
    "changing": MarkovDistribution(n=4, initial=["1/6", "1/3", "1/2"], transition=[CYCLE, SKEW, CYCLE]),
    "hidden": HMMDistribution(n=4, initial=["1/2", "1/2", 0], transition=SKEW, emission=HALF_BLIND),
    "hidden, changing": HMMDistribution(
        n=3, initial=[0, 1], transition=[STUCK, STUCK], emission=[[1, 0], ["1/2", "1/2"]]
    ),
    "sentences": GrammarDistribution(n=4, rules={**BIRDS, **WORDS}, start="S"),
    "sentences with a word": GrammarDistribution(n=3, rules={**BIRDS, **WORDS}, start="S", words=("well",)),
}


def states(distribution) -> np.ndarray:
    """Every state: each position masked or any token, possible or not."""
    return np.array(list(product(range(MASK, len(distribution.tokens)), repeat=distribution.n)))


def tolerance(distribution) -> float:
    """How far two float64 routes may lie apart, and either from the truth with factor one half.

    A message or chart entry of w positions is a sum of products of non-negative numbers, each of at most K + P + n
    factors or summands a position, and so off by less than w (K + P + n + 4) half units of itself (K states or
    symbols, P right-hand sides; parameters and the division by the sum included). Two such entries are multiplied and
    summed over V tokens; a share is off by twice that. Scaling by powers of two is exact.
    """
    states = len(distribution.tokens) + (
        len(distribution.initial) if isinstance(distribution, (MarkovDistribution, HMMDistribution)) else 0
    )
    if isinstance(distribution, GrammarDistribution):
        states += len(distribution.rules.symbols) * 2 ** (len(distribution.words)) + len(
            distribution.rules.binary
        ) * 4 ** len(distribution.words)
    return 2 * 2 * 2 * distribution.n * (states + distribution.n + 4) * HALF_UNIT


def by_questions(model: DistributionModel, tokens: np.ndarray) -> np.ndarray:
    """The route of every model that can be asked: n questions per state, through the batch."""
    asker = SimpleNamespace(ask=model.ask, background=model.background)
    return _batch(asker, tokens).left_out()


def _batch(model, tokens: np.ndarray) -> RunBatch:
    return RunBatch(
        tokens=tokens,
        probs=np.zeros((*tokens.shape, 1)),
        memory={},
        weights={},
        numbers=FLOAT64,
        transform=Transform(),
        model=model,
        step=0,
    )


def by_definition(distribution, tokens: np.ndarray, off_support: str) -> np.ndarray:
    """The same in Fractions from the listed outcomes."""
    pmf = distribution.pmf()
    world = World(dict(zip(pmf.outcomes, pmf.probabilities, strict=True)), off_support)
    out = np.zeros((*tokens.shape, len(distribution.tokens)))
    for row, ids in enumerate(tokens.tolist()):
        state = tuple(None if v == MASK else distribution.tokens[v] for v in ids)
        for i in range(distribution.n):
            given_others = world.left_out(state, i)
            out[row, i] = [float(given_others.get(token, Fraction(0))) for token in distribution.tokens]
    return out


@pytest.mark.grid(every=2)
@pytest.mark.parametrize("off_support", CONVENTIONS)
@pytest.mark.parametrize("name", LAWS)
def test_all_states_agree_with_the_definition_and_with_n_questions(name, off_support):
    distribution = LAWS[name]
    model, tokens = DistributionModel(distribution, off_support), states(distribution)
    assert isinstance(distribution, LeavesOut)
    found = _batch(model, tokens).left_out()
    assert found.shape == (*tokens.shape, len(distribution.tokens))
    assert np.abs(found - by_definition(distribution, tokens, off_support)).max() <= tolerance(distribution)
    asked = by_questions(model, tokens)
    assert np.abs(found - asked).max() <= tolerance(distribution)
    assert ((found > 0) == (asked > 0)).all()  # zeros are exact on both routes


@pytest.mark.parametrize("name", LAWS)
def test_the_convention_holds_for_each_left_out_state_by_itself(name):
    """The rows of zeros of a distribution are those whose other tokens no outcome has."""
    distribution, tokens = LAWS[name], states(LAWS[name])
    outcomes = ListedDistribution(distribution.pmf())
    place = [distribution.tokens.index(token) for token in outcomes.tokens]
    ids = np.array(place)[outcomes.ids]
    agree = (tokens[:, None, :] == MASK) | (tokens[:, None, :] == ids)  # (B, N, n)
    others = (agree.sum(axis=2, keepdims=True) - agree) == distribution.n - 1  # all but i agree
    assert ((distribution.left_out(tokens) > 0).any(axis=2) == others.any(axis=1)).all()


def test_some_left_out_states_are_possible_where_the_whole_state_is_not():
    model = DistributionModel(LAWS["copies"])
    found = model.left_out(np.array([[0, 0, 1, 0]]))[0]
    assert found[2].tolist() == [1.0, 0.0]  # without its token all others say 0
    assert found[0].tolist() == [0.25, 0.75]  # 0 and 1 exclude each other: the convention
    assert DistributionModel(LAWS["copies"], "uniform").left_out(np.array([[0, 0, 1, 0]]))[0, 0].tolist() == [
        0.5,
        0.5,
    ]


@st.composite
def chains(draw):
    n, hidden, width = draw(st.integers(1, 4)), draw(st.integers(1, 3)), draw(st.integers(1, 3))

    def rows(count, size):
        weights = st.lists(st.sampled_from([0, 0, 1, 2, 97]), min_size=size, max_size=size).filter(any)
        return [
            [Fraction(w, sum(line)) for w in line]
            for line in draw(st.lists(weights, min_size=count, max_size=count))
        ]

    moves = [rows(hidden, hidden) for _ in range(draw(st.sampled_from([1, max(1, n - 1)])))]
    emission = rows(hidden, width)
    return HMMDistribution(n=n, initial=rows(1, hidden)[0], transition=moves, emission=emission)


@given(distribution=chains(), off_support=st.sampled_from(CONVENTIONS))
def test_random_chains_agree_with_the_definition(distribution, off_support):
    tokens = states(distribution)
    found = DistributionModel(distribution, off_support).left_out(tokens)
    assert np.abs(found - by_definition(distribution, tokens, off_support)).max() <= tolerance(distribution)


@pytest.mark.parametrize("off_support", CONVENTIONS)
def test_distributions_that_cannot_are_asked_n_questions(off_support):
    pmf = JointPMF.from_pairs([(0, 0, 1), (1, 0, 1), (1, 1, 0)], ["1/2", "1/4", "1/4"])
    distribution = ListedDistribution(pmf)
    assert not isinstance(distribution, LeavesOut)
    model, tokens = DistributionModel(distribution, off_support), states(distribution)
    found = model.left_out(tokens)
    assert (found == by_questions(DistributionModel(distribution, off_support), tokens)).all()
    assert np.abs(found - by_definition(distribution, tokens, off_support)).max() <= 8 * 3 * HALF_UNIT
    assert model.asked == len(tokens) + (tokens != MASK).sum()


def test_one_pass_counts_as_one_question_a_row():
    model = DistributionModel(LAWS["hidden"])
    model.left_out(states(LAWS["hidden"]))
    assert model.asked == 4**4
    assert model.left_out(np.zeros((0, 4), dtype=np.int64)).shape == (0, 4, 3)


@pytest.mark.parametrize("name", ["chain", "hidden"])
def test_long_chains_do_not_underflow(name):
    n, rare = 600, Fraction(1, 10**6)
    stay = [[1 - rare, rare], [rare, 1 - rare]]
    shows = stay if name == "hidden" else STUCK
    distribution = HMMDistribution(n=n, initial=["1/2", "1/2"], transition=stay, emission=shows)
    tokens = np.random.default_rng(0).integers(
        0, 2, (2, n)
    )  # log2 P of some -6000: far below the least float
    assert (distribution.log_prob(tokens) < -2000).all()
    found = distribution.left_out(tokens)
    for i in (0, 1, 299, 598, 599):
        state = tokens.copy()
        state[:, i] = MASK
        assert np.abs(found[:, i] - distribution.conditional(state)[:, i]).max() <= tolerance(distribution)
    assert np.abs(found.sum(axis=2) - 1).max() <= 8 * HALF_UNIT


def test_a_wrong_word_in_a_long_sentence_is_doubted_alone():
    distribution = GrammarDistribution(n=40, rules={**BIRDS, **WORDS}, start="S")
    good = distribution.sample(np.random.default_rng(1), 1)
    bad = good.copy()
    bad[0, 0] = distribution.tokens.index("well")
    found = distribution.left_out(np.concatenate([good, bad]))
    assert np.abs(found[0, 0] - found[1, 0]).max() <= tolerance(
        distribution
    )  # the others determine position 0
    assert (found[1, 1:] == 0).all()
    assert found[1, 0, distribution.tokens.index("well")] == 0


@pytest.mark.parametrize("name", ["cycle", "hidden", "sentences"])
@pytest.mark.parametrize("spec", ["wino", "wino:tau2=1/2,confidence=max", "saber", "saber:variant=dream"])
def test_runs_are_the_same_as_with_n_questions(name, spec, monkeypatch):
    def runs():
        return sample_runs(LAWS[name], parse_policy(spec), samples=40, rng=np.random.default_rng(3))

    quick = runs()
    monkeypatch.delattr(DistributionModel, "left_out")  # the batch then asks n questions
    slow = runs()
    assert (quick.tokens == slow.tokens).all()
    assert quick.steps.tolist() == slow.steps.tolist()


@pytest.mark.parametrize("name", ["hidden", "sentences"])
def test_tensors_are_answered_like_arrays(name):
    torch = pytest.importorskip("torch")
    distribution, tokens = LAWS[name], states(LAWS[name])[:300]
    found = distribution.left_out(torch.from_numpy(tokens))
    assert isinstance(found, torch.Tensor)
    assert np.abs(found.numpy() - distribution.left_out(tokens)).max() <= tolerance(distribution)

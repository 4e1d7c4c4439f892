"""The decode loop: policies on torch tensors, and samples of the ideal model against the exact distribution."""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction
from itertools import product

import array_api_compat.torch
import numpy as np
import pytest
import torch

from models.evaluation.trials import ideal_trials
from models.predictors.ideal import IdealPredictor
from models.sampling.decode import decode
from synthetic import Arrangements, make_task
from tests.helpers.intervals import assert_frequencies, assert_mean
from tests.helpers.small_tasks import NAMES, small_contexts
from theory.decoding import decoder
from theory.distributions.distribution import Context
from theory.numbers.arithmetic import EXACT, FLOAT64, FloatNumbers
from theory.numbers.rationals import to_fmpq
from theory.policies import SCORES, View, parse_policy
from theory.validation import InputError

TORCH = FloatNumbers(xp=array_api_compat.torch)
TIES = ("random", "lowest", "all")

# the policies of the paper by every score; a few with the other switches
PAPER = ("topk:k=2", "threshold:gamma=0.9", "factor:f=1.0")
SPECS = tuple(f"{spec},by={score}" for spec in PAPER for score in SCORES)
SWITCHED = tuple(
    f"{spec},{switch}"
    for spec in PAPER
    for switch in ("ties=lowest", "ties=all", "by=random,block=2", "by=left_to_right,block=3")
)
# for the loop the scores matter less; with an order, long answers have few states
LOOP = (
    *(f"{spec}{end}" for spec in PAPER for end in ("", ",by=random,block=2", ",by=margin")),
    "topk:k=1,by=random",
    "topk:k=3,by=entropy,ties=lowest",
)
ORDERED = tuple(f"{spec},by=left_to_right" for spec in PAPER)
EXTRA = ("topk:k=1", "topk:k=3,by=random", "topk:k=2,remainder=first,by=random", "factor:f=2.5,strict=false")
TEMPERATURES = (0, 1, Fraction(1, 2))


def seeded(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


# -- policies on torch ----------------------------------------------------------------------------------------


def random_view(rows: int, n: int = 5, v: int = 3) -> View:
    """States whose probabilities are ratios of small integers, so that ties are common and exact numbers exist."""
    rng = np.random.default_rng(0)
    weights = rng.integers(1, 4, size=(rows, n, v)) * (rng.random((rows, n, v)) < 0.7)
    weights[..., 0] += weights.sum(axis=2) == 0
    masked = rng.random((rows, n)) < 0.6
    masked[np.arange(rows), rng.integers(0, n, rows)] = True
    return View(weights / weights.sum(axis=2, keepdims=True), masked, FLOAT64)


def on_torch(view: View) -> View:
    return View(torch.from_numpy(view.probs), torch.from_numpy(view.masked), TORCH)


@pytest.mark.parametrize("spec", [*SPECS, *SWITCHED, *EXTRA])
def test_torch_and_numpy_choose_the_same_from_the_same_uniforms(spec):
    policy, view = parse_policy(spec), random_view(300)
    uniforms = np.random.default_rng(1).random(view.masked.shape)
    for ties in TIES:
        by_numpy = replace(policy, ties=ties).plan(view).sample(uniforms)
        by_torch = replace(policy, ties=ties).plan(on_torch(view)).sample(torch.from_numpy(uniforms))
        assert (by_torch.numpy() == by_numpy).all(), ties
        assert (by_numpy <= view.masked).all()
        assert by_numpy.any(axis=1).all()


@pytest.mark.grid(every=3)
@pytest.mark.parametrize("spec", [*SPECS, *SWITCHED, *EXTRA])
def test_chosen_sets_have_the_exact_distribution(spec):
    policy, view, repeats = parse_policy(spec), random_view(12), 2000
    exact = np.vectorize(lambda p: to_fmpq(Fraction(p).limit_denominator(100)), otypes=[object])(view.probs)
    index, distributions = policy.plan(View(exact, view.masked, EXACT)).distribution()
    wide = View(view.probs.repeat(repeats, axis=0), view.masked.repeat(repeats, axis=0), FLOAT64)
    uniforms = torch.rand(wide.masked.shape, dtype=torch.float64, generator=seeded())
    chosen = policy.plan(on_torch(wide)).sample(uniforms).numpy()
    sets = (chosen * (1 << np.arange(chosen.shape[1]))).sum(axis=1).reshape(len(view.masked), repeats)
    for row, drawn in enumerate(sets):
        distribution = dict(distributions[index[row]])
        assert set(drawn.tolist()) <= set(distribution)
        counts = [int((drawn == chosen_set).sum()) for chosen_set in distribution]
        assert_frequencies(counts, [int(p.p) / int(p.q) for p in distribution.values()], repeats, (spec, row))


# -- the loop against the exact decoder -----------------------------------------------------------------------


def check_against_exact(
    context: Context, spec: str, temperature: object, greedy_ties: str = "random"
) -> None:
    label = (spec, temperature, greedy_ties)
    policy, pmf = parse_policy(spec), context.distribution.pmf()
    switches = {"temperature": temperature, "greedy_ties": greedy_ties}
    exact = decoder.decode(pmf, policy, **switches)
    ideal = IdealPredictor(context.distribution)
    size = 4000 if len(pmf) > 1 else 50
    done = decode(ideal, ideal.masked(size), policy, generator=seeded(), **switches)
    assert (done.tokens != ideal.mask_id).all()
    ids = {token: j for j, token in enumerate(context.distribution.tokens)}
    rows = torch.tensor([[ids[token] for token in outcome] for outcome in exact.distribution])
    counts = (done.tokens[:, None] == rows).all(dim=2).sum(dim=0).numpy()
    shares = [float(q) for q in exact.distribution.values()]
    valid = context.distribution.contains(done.tokens.numpy()).sum()
    assert valid == counts.sum()
    assert_frequencies([*counts, valid], [*shares, float(exact.accuracy)], size, label)
    assert_mean(done.steps.numpy(), float(exact.steps), span=max(1, pmf.n - 1), label=label)


@pytest.mark.grid(every=48)
@pytest.mark.parametrize("temperature", TEMPERATURES)
@pytest.mark.parametrize("name", NAMES)
def test_samples_of_the_ideal_model_follow_the_exact_distribution(name, temperature):
    contexts = small_contexts(name)
    specs = LOOP if contexts[0].distribution.n <= 6 else ORDERED
    # the contexts of a deterministic task differ by names alone: one of them is enough
    for context in contexts if len(contexts[0].distribution.pmf()) > 1 else contexts[:1]:
        for spec in specs:
            check_against_exact(context, spec, temperature)
        if temperature == 0:
            check_against_exact(context, specs[0], 0, "lowest")


@pytest.mark.grid(1)
@pytest.mark.parametrize("name", ["shuffle", "shuffle_strict", "replace_random", "insert_random"])
def test_longer_answers_follow_the_exact_distribution(name):
    (context,) = make_task(name, 4).contexts()
    for spec, temperature in product(("topk:k=2,by=random", "threshold:gamma=0.6"), TEMPERATURES):
        check_against_exact(context, spec, temperature)


@pytest.mark.parametrize("name", ["replace_index", "insert_index", "remove_index"])
def test_every_context_of_a_deterministic_task_is_decoded_correctly(name):
    trials = ideal_trials(name, 4, "topk:k=5,by=random", samples=40, seed=0)
    assert (trials.successes, trials.steps) == (40, 1.0)


@pytest.mark.deep
@pytest.mark.parametrize("name", ["shuffle", "replace_random", "hmm"])
def test_single_precision_keeps_the_distribution_and_its_ties(name, monkeypatch):
    # what a device without float64 computes with
    monkeypatch.setattr("models.sampling.decode_state.float_dtype", lambda _: torch.float32)
    for spec, temperature in product(LOOP, TEMPERATURES):
        check_against_exact(small_contexts(name)[0], spec, temperature)


@pytest.mark.deep
def test_sixteen_items_follow_the_closed_form():
    # (n - 1)!! / n!! at n = 16
    trials = ideal_trials("shuffle", 16, "topk:k=2,by=random", samples=10_000, seed=0)
    assert trials.steps == 8
    assert_frequencies([trials.successes], [6435 / 32768], trials.samples)


# -- the loop itself ------------------------------------------------------------------------------------------


class Fixed:
    """A predictor of the same logits everywhere, which notes what it is asked."""

    def __init__(self, logits: list[float], mask_id: int):
        self.logits, self.mask_id = torch.tensor(logits), mask_id
        self.vocab_size, self.device = len(logits), torch.device("cpu")
        self.sizes: list[int] = []

    def __call__(self, tokens: torch.Tensor) -> torch.Tensor:
        self.sizes.append(len(tokens))
        return self.logits.expand(*tokens.shape, -1)


ANY = parse_policy("topk:k=1,by=random")


def test_the_same_generator_state_gives_the_same_result():
    ideal = IdealPredictor(Arrangements(5))
    first, again, other = (
        decode(ideal, ideal.masked(300), ANY, generator=seeded(seed)).tokens for seed in (3, 3, 4)
    )
    assert (first == again).all()
    assert (first != other).any()


def test_input_is_left_alone_and_so_is_everything_but_the_masks():
    tokens = torch.tensor([[7, 9, 1, 9], [9, 9, 2, 5]])
    before = tokens.clone()
    done = decode(Fixed([0.0] * 10, 9), tokens, ANY, generator=seeded())
    assert (tokens == before).all()
    assert (done.tokens[tokens != 9] == tokens[tokens != 9]).all()
    assert (done.tokens != 9).all()
    assert done.steps.tolist() == [2, 2]


def test_finished_rows_leave_the_batch_and_full_rows_take_no_step():
    predictor = Fixed([0.0, 0.0], 2)
    tokens = torch.tensor([[0, 1, 0], [2, 0, 0], [2, 2, 2]])
    done = decode(predictor, tokens, ANY, generator=seeded())
    assert done.steps.tolist() == [0, 1, 3]
    assert predictor.sizes == [2, 1, 1]
    full = decode(predictor, torch.zeros(2, 3, dtype=torch.int64), ANY, generator=seeded())
    assert full.steps.tolist() == [0, 0]


def test_chunks_split_the_batch():
    predictor = Fixed([0.0, 0.0], 2)
    decode(predictor, torch.full((7, 1), 2), ANY, generator=seeded(), batch_size=3)
    assert predictor.sizes == [3, 3, 1]


def test_an_empty_batch_is_no_error():
    done = decode(Fixed([0.0], 1), torch.zeros(0, 4, dtype=torch.int64), ANY, generator=seeded())
    assert done.tokens.shape == (0, 4)


def test_the_mask_and_forbidden_tokens_are_never_drawn():
    # the mask is by far the most probable token
    predictor = Fixed([0.0, 0.0, 9.0, 0.0], 2)
    tokens = torch.full((500, 2), 2)
    drawn = decode(predictor, tokens, ANY, generator=seeded()).tokens.unique().tolist()
    assert drawn == [0, 1, 3]
    drawn = decode(predictor, tokens, ANY, generator=seeded(), allowed=[3, 1, 2]).tokens.unique().tolist()
    assert drawn == [1, 3]


def test_the_policy_sees_the_allowed_tokens_alone():
    # over all tokens nothing is certain; over the allowed one everything is
    done = decode(
        Fixed([0.0, 0.0, 0.0], 3),
        torch.full((4, 3), 3),
        parse_policy("threshold:gamma=0.9"),
        generator=seeded(),
        allowed=[1],
    )
    assert done.steps.tolist() == [1] * 4


def test_blocks_and_order_count_from_the_first_mask_on():
    seen: list[list[bool]] = []

    class Noting(Fixed):
        def __call__(self, tokens: torch.Tensor) -> torch.Tensor:
            seen.append((tokens[0] == self.mask_id).tolist())
            return super().__call__(tokens)

    # a prompt of three tokens, then four masks: blocks of two cover the answer, not the prompt
    tokens = torch.tensor([[0, 0, 0, 2, 2, 2, 2]])
    policy = parse_policy("topk:k=2,by=left_to_right,block=2")
    decode(Noting([0.0, 0.0], 2), tokens, policy, generator=seeded())
    assert [sum(row[3:5]) for row in seen] == [2, 0]
    assert [sum(row[5:]) for row in seen] == [2, 2]


def test_tokens_follow_the_tempered_marginal():
    probs = np.array([0.5, 0.3, 0.2])
    predictor = Fixed(np.log(probs).tolist(), 3)
    for temperature, expected in ((1, probs), (Fraction(1, 2), probs**2 / (probs**2).sum()), (0, [1, 0, 0])):
        done = decode(predictor, torch.full((4000, 1), 3), ANY, generator=seeded(), temperature=temperature)
        counts = torch.bincount(done.tokens[:, 0], minlength=3).numpy()
        assert_frequencies(counts, expected, 4000, temperature)


def test_greedy_ties_are_random_or_the_lowest_token():
    predictor, masks = Fixed([0.0, 1.0, 1.0], 3), torch.full((4000, 1), 3)
    random = decode(predictor, masks, ANY, generator=seeded(), temperature=0).tokens
    assert_frequencies(torch.bincount(random[:, 0], minlength=3).numpy(), [0, 0.5, 0.5], 4000)
    lowest = decode(predictor, masks, ANY, generator=seeded(), temperature=0, greedy_ties="lowest").tokens
    assert (lowest == 1).all()


class Prompted:
    """Answers of three tokens; the prompt says which token is the common one. Notes what it is asked."""

    vocab_size, mask_id, device = 3, 2, torch.device("cpu")
    answers = torch.tensor([[0, 0, 1], [0, 1, 1]])

    def __init__(self):
        self.asked = []

    def __call__(self, tokens):
        self.asked += tokens.tolist()
        probs = torch.full((*tokens.shape, 3), 0.1, dtype=torch.float64)
        probs[:, 1:].scatter_(2, self.answers[tokens[:, 0]][:, :, None], 0.8)
        return probs.log()


def test_each_prompt_has_its_own_background():
    """With one background for both, position 2 of the second answer would go first: its token is rare elsewhere."""
    rows, policy = torch.tensor([[0, 2, 2, 2], [1, 2, 2, 2]]), parse_policy("pc:k=1,lam=0,ties=lowest")
    together = Prompted()
    decode(together, rows, policy, generator=seeded())
    for row, rare in ((0, 3), (1, 1)):
        alone = Prompted()
        decode(alone, rows[[row]], policy, generator=seeded())
        for model in (alone, together):
            second = next(a for a in model.asked if a[0] == row and a.count(2) == 2)
            assert second[rare] != 2


class Lazy:
    """A policy that takes nothing."""

    def plan(self, view: View) -> Lazy:
        self.masked = view.masked
        return self

    def distribution(self) -> None:
        raise AssertionError("a sampler has no use for it")

    sizes = distribution

    def sample(self, uniforms: torch.Tensor) -> torch.Tensor:
        return torch.zeros_like(uniforms, dtype=torch.bool)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"policy": Lazy()}, "makes no progress: a step left a state as it was"),
        ({"temperature": -1}, "temperature must be at least 0"),
        ({"greedy_ties": "highest"}, "unknown greedy_ties 'highest'"),
        ({"batch_size": -2}, "batch_size must be a whole number of at least 1"),
        ({"batch_size": 0}, "batch_size must be a whole number of at least 1"),
        ({"allowed": [2]}, "allowed must name at least one token besides the mask"),
        ({"allowed": [0, 5]}, r"allowed must lie in 0\.\.1"),
    ],
)
def test_wrong_input_is_named(change, message):
    arguments = {"policy": ANY, "generator": seeded(), **change}
    with pytest.raises(InputError, match=message):
        decode(Fixed([0.0, 0.0], 2), torch.full((2, 2), 2), **arguments)

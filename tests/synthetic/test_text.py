"""Text sources: the grammar of the task words_to_sentence, and word counts that a package ships."""

from collections import Counter
from fractions import Fraction

import numpy as np
import pytest

from synthetic import make_task
from synthetic.tasks.words_to_sentence import RULES
from synthetic.text import WordBigrams, _bigrams, bigram_distribution, shipped_bigrams
from theory import InputError
from theory.distributions.parametric.markov import MarkovDistribution


def test_the_grammar_has_sixty_words_and_agrees_in_number():
    words = {side for sides in RULES.values() for side in sides if side not in RULES and " " not in side}
    assert len(words) == 60
    assert all(sum(map(Fraction, sides.values())) == 1 for sides in RULES.values())
    task = make_task("words_to_sentence", 5)
    good = [
        "the dogs see a cat",
        "Anna and Ben sleep today",
        "every red fox sees Dora",
        "Ben that sleeps likes Carla",
    ]
    assert all(task.is_sentence(sentence.split()) for sentence in good)
    bad = [
        "the dogs sees a cat",
        "Anna and Ben sleeps today",
        "dogs the see a cat",
        "the dogs see a unicorn",
        "the dogs see",
    ]
    assert not any(task.is_sentence(sentence.split()) for sentence in bad)


def test_long_sentences_are_grammatical():
    distribution = make_task("words_to_sentence", 25).contexts()[0].distribution
    drawn = distribution.sample(np.random.default_rng(0), 20)
    assert distribution.contains(drawn).all()
    shuffled = drawn.copy()
    shuffled[:, [0, 1]] = drawn[:, [1, 0]]
    assert not distribution.contains(shuffled).all()


COUNTS = {("a", "b"): 3, ("b", "a"): 2, ("b", "b"): 1, ("b", "c"): 1, ("c", "d"): 1, ("d", "a"): 0}


def test_bigrams_are_ratios_of_counts():
    distribution = bigram_distribution(COUNTS, n=3, words=4)
    assert distribution.tokens == ("a", "b")  # d follows c, but nothing follows d
    assert distribution.initial == (Fraction(1, 2), Fraction(1, 2))
    assert distribution.pmf().probability(("b", "b", "a")) == Fraction(1, 2) * Fraction(1, 3) * Fraction(2, 3)
    assert distribution.pmf().probability(("a", "a", "b")) == 0
    assert bigram_distribution(COUNTS, n=1, words=2).tokens == ("a", "b")
    with pytest.raises(InputError, match="use more words"):
        bigram_distribution({("a", "b"): 1}, n=2, words=1)
    with pytest.raises(InputError, match="words must be a whole number"):
        bigram_distribution(COUNTS, n=2, words=0)


def test_counts_are_read_from_shares():
    entries = [
        {"left": "x", "right": "The", "total": 3, "transitions": ["dog", "42nd"], "weights": [2 / 3, 1 / 3]},
        {"left": "y", "right": "the", "total": 1, "transitions": ["Dog"], "weights": [1.0]},
        {"left": "y", "right": "end.", "total": 1, "transitions": ["Dog"], "weights": [1.0]},
    ]
    assert _bigrams(entries) == Counter({("the", "dog"): 3})


def test_without_the_package_the_extra_is_named(monkeypatch):
    monkeypatch.setattr(
        "synthetic.text.resources.files", lambda name: (_ for _ in ()).throw(ImportError(name))
    )
    shipped_bigrams.cache_clear()
    with pytest.raises(InputError, match=r"parabounds\[text\]"):
        WordBigrams(n=3).contexts()


@pytest.mark.slow
@pytest.mark.extras("essential_generators")
def test_shipped_counts():
    shipped_bigrams.cache_clear()
    assert shipped_bigrams()["of", "the"] > 1000
    task = WordBigrams(n=40)
    distribution = task.contexts()[0].distribution
    assert isinstance(distribution, MarkovDistribution)
    assert len(distribution.tokens) == 60
    assert distribution.contains(distribution.sample(np.random.default_rng(0), 10)).all()

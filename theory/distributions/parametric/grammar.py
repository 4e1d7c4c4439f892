"""Probabilistic context-free grammars, conditioned on the length of the sentence.

``P(y) = sum over parses of y of prod of rule probabilities / Z_n`` for sentences of n words, ``Z_n`` the probability
that the start symbol yields n words. Revealed words are evidence for the inside-outside charts, and at a masked
position ``P(y_i = v | revealed) ~ sum_A outside(i, A) P(A -> v)``. A row costs about
``n^3 P / 3`` for P right-hand sides.
"""

from __future__ import annotations

from bisect import bisect_right
from dataclasses import dataclass
from fractions import Fraction
from functools import cached_property
from itertools import accumulate
from math import inf
from typing import Any

import numpy as np
from array_api_compat import array_namespace
from numpy.typing import NDArray

from theory.distributions.distribution import like, normalised
from theory.distributions.outcomes import MASK
from theory.distributions.parametric.derivations import Derivations
from theory.distributions.parametric.forward_backward import one_hot
from theory.distributions.parametric.grammar_rules import Rules, containing, read_rules
from theory.distributions.parametric.hmm import require_listable
from theory.distributions.parametric.inside_outside import (
    Charts,
    RuleArrays,
    inside,
    log_totals,
    outside,
    outsides,
)
from theory.distributions.parametric.leave_one_out import shares
from theory.distributions.pmf import JointPMF
from theory.numbers.arithmetic import Array
from theory.validation import InputError, positive_int

__all__ = ["GrammarDistribution"]

_Choice = tuple[list[float], list[Any]]


@dataclass(frozen=True, kw_only=True, eq=False)
class GrammarDistribution:
    """The sentences of n words of a probabilistic grammar.

    Attributes:
        n: The number of words.
        rules: Symbol to right-hand side to probability, such as ``{"S": {"NP VP": 1}, "N": {"dog": "1/2", ...}}``. A
            right-hand side is two symbols or one word; symbols are the left-hand sides of rules.
        start: The start symbol.
        words: Words that the sentence must contain, anywhere.

    Example:
        >>> rules = {"S": {"N V": 1}, "N": {"dogs": "1/2", "cats": "1/2"}, "V": {"run": "2/3", "V Adv": "1/3"}}
        >>> distribution = GrammarDistribution(n=3, rules={**rules, "Adv": {"fast": 1}}, start="S")
        >>> distribution.tokens
        ('cats', 'dogs', 'fast', 'run')
        >>> distribution.conditional(np.array([[MASK, 3, MASK]]))[0, 0].tolist()
        [0.5, 0.5, 0.0, 0.0]
    """

    n: int
    rules: Any
    start: str = "S"
    words: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        object.__setattr__(self, "n", positive_int(self.n, "n"))
        if not isinstance(self.rules, Rules):
            object.__setattr__(self, "rules", read_rules(self.rules))
        if self.start not in self.rules.symbols:
            raise InputError(f"the start symbol {self.start!r} has no rules.")
        object.__setattr__(self, "words", tuple(self.words))
        if not self.support_size():
            held = f" with {', '.join(self.words)}" if self.words else ""
            raise InputError(f"the grammar has no sentence of {self.n} words{held}; choose another length.")

    # -- counts and arrays ------------------------------------------------------------------------------------

    @cached_property
    def split(self) -> tuple[Rules, str]:
        """The rules with the start symbol, split by the required words if there are any."""
        if not self.words:
            return self.rules, self.start
        rules, starts = containing(self.rules, self.words)
        return rules, starts[self.start]

    @property
    def _split(self) -> Rules:
        return self.split[0]

    @property
    def _top(self) -> str:
        return self.split[1]

    @cached_property
    def _derivations(self) -> Derivations:
        return Derivations(self._split, self.n)

    @cached_property
    def _words_of(self) -> dict[str, dict[str, Fraction]]:
        return self._split.words

    def support_size(self) -> int:
        """Return the number of derivations: the number of sentences, or more if some are ambiguous."""
        return self._derivations.number(self._top, self.n)

    @cached_property
    def _arrays(self) -> RuleArrays:
        place = {symbol: k for k, symbol in enumerate(self._split.symbols)}
        pairs = list(dict.fromkeys((rule.left, rule.right) for rule in self._split.binary))
        shape = (len(place), len(pairs))
        left, right, weight = np.zeros(shape), np.zeros(shape), np.zeros(shape[::-1])
        for p, (b, c) in enumerate(pairs):
            left[place[b], p] = right[place[c], p] = 1.0
        for rule in self._split.binary:
            weight[pairs.index((rule.left, rule.right)), place[rule.head]] += float(rule.probability)
        return RuleArrays(left, right, weight)

    @cached_property
    def _all_words(self) -> tuple[str, ...]:
        return tuple(sorted({word for words in self._words_of.values() for word in words}))

    @cached_property
    def _all_shows(self) -> NDArray[np.float64]:
        rows = [[float(self._words_of[a].get(w, 0)) for w in self._all_words] for a in self._split.symbols]
        return np.array(rows)

    @cached_property
    def _start(self) -> NDArray[np.float64]:
        return np.array([float(symbol == self._top) for symbol in self._split.symbols])

    @cached_property
    def _free(self) -> Charts:
        """The inside charts of a fully masked sentence."""
        return inside(self._arrays, self._free_words)

    @cached_property
    def _free_words(self) -> NDArray[np.float64]:
        return np.broadcast_to(self._all_shows.sum(axis=1), (1, self.n, len(self._split.symbols)))

    @cached_property
    def _free_marginals(self) -> NDArray[np.float64]:
        """``P(y_i = v)`` over all words of the grammar, shape (n, V)."""
        sums = outside(self._arrays, self._free, self._start)[0][0] @ self._all_shows
        return sums / sums.sum(axis=1, keepdims=True)

    @cached_property
    def _used(self) -> NDArray[np.int64]:
        return np.flatnonzero(self._free_marginals.sum(axis=0) > 0)

    @property
    def tokens(self) -> tuple[str, ...]:
        """The words that occur in sentences of this length, sorted."""
        return self._tokens

    @cached_property
    def _tokens(self) -> tuple[str, ...]:
        return tuple(self._all_words[j] for j in self._used.tolist())

    @cached_property
    def _shows(self) -> NDArray[np.float64]:
        """``P(A -> v)`` for the tokens, shape (K, V)."""
        return self._all_shows[:, self._used]

    # -- the protocol of distributions ---------------------------------------------------------------------------------

    def conditional(self, revealed: Array) -> Array:
        """Return the ideal marginals, shape (B, n, V); see :class:`theory.distributions.distribution.Distribution`."""
        xp = array_namespace(revealed)
        shows, masked = like(self._shows, revealed), (revealed == MASK)[:, :, None]
        lexical, rest = self._words_and_rest(revealed)
        mass = xp.sum(rest * lexical, axis=-1, keepdims=True)
        sums = xp.where(masked, rest @ shows, one_hot(revealed, len(self.tokens), shows.dtype) * mass)
        return normalised(sums, like(self._free_marginals[:, self._used], revealed))

    def left_out(self, revealed: Array) -> Array:
        """Return ``P(y_i = v | all revealed positions but i)``; see ``LeavesOut``."""
        return shares(self._words_and_rest(revealed)[1] @ like(self._shows, revealed))

    def _words_and_rest(self, revealed: Array) -> tuple[Array, Array]:
        """Return the probabilities that symbols agree with the word at i, and the outside ones; shape (B, n, K)."""
        xp = array_namespace(revealed)
        shows, start = like(self._shows, revealed), like(self._start, revealed)
        rules = RuleArrays(*(like(a, revealed) for a in self._arrays.parts()))
        shown = one_hot(revealed, len(self.tokens), shows.dtype) @ xp.permute_dims(shows, (1, 0))
        lexical = xp.where((revealed == MASK)[:, :, None], xp.sum(shows, axis=1), shown)
        return lexical, outsides(rules, lexical, start)

    def log_prob(self, answers: NDArray[np.int64]) -> NDArray[np.float64]:
        """Return ``log2 P(y)`` of each row of token ids, shape (B,); ``-inf`` where it is ungrammatical."""
        lexical = one_hot(np.asarray(answers), len(self.tokens), np.float64) @ self._shows.T
        return log_totals(self._arrays, lexical, self._start) - self._log_free

    @cached_property
    def _log_free(self) -> float:
        """``log2`` of the probability that a word sequence of this length comes from the grammar."""
        return float(log_totals(self._arrays, self._free_words, self._start)[0])

    def contains(self, answers: NDArray[np.int64]) -> NDArray[np.bool_]:
        """Return whether each row of token ids is a sentence of the grammar, decided exactly."""
        return self.log_prob(answers) > -inf

    def sample(self, rng: np.random.Generator, size: int) -> NDArray[np.int64]:
        """Return independent sentences as token ids, shape (size, n), drawn from the top down."""
        out = np.empty((size, self.n), dtype=np.int64)
        place = {word: j for j, word in enumerate(self.tokens)}
        uniforms = rng.random((size, 2 * self.n))  # n - 1 rules and n words a sentence
        for row, numbers in zip(out, uniforms.tolist(), strict=True):
            open_, at, used = [(self._top, self.n)], 0, 0
            while open_:
                symbol, width = open_.pop()
                edges, choices = self._choice(symbol, width)
                chosen = choices[bisect_right(edges, numbers[used] * edges[-1])]
                used += 1
                if width == 1:
                    row[at] = place[chosen]
                    at += 1
                else:
                    rule, u = chosen
                    open_ += [(rule.right, width - u), (rule.left, u)]
        return out

    def _choice(self, symbol: str, width: int) -> _Choice:
        """Return the expansions of a symbol of ``width`` words with cumulative probabilities."""
        if (symbol, width) not in self._known_choices:
            place = {a: k for k, a in enumerate(self._split.symbols)}
            values, powers = self._free.values, self._free.exponents

            def weight(a: str, w: int) -> float:  # relative to the common exponent of a width
                return float(values[w - 1][0, 0, place[a]])

            options: list[Any]
            if width == 1:
                options = list(self._words_of[symbol])
                masses = [float(p) for p in self._words_of[symbol].values()]
            else:
                options = self._derivations.splits(symbol, width)
                scale = [float(powers[u - 1][0, 0] + powers[width - u - 1][0, 0]) for _, u in options]
                masses = [
                    float(rule.probability)
                    * weight(rule.left, u)
                    * weight(rule.right, width - u)
                    * 2 ** (s - max(scale))
                    for (rule, u), s in zip(options, scale, strict=True)
                ]
            self._known_choices[symbol, width] = list(accumulate(masses)), options
        return self._known_choices[symbol, width]

    @cached_property
    def _known_choices(self) -> dict[tuple[str, int], _Choice]:
        return {}

    def pmf(self) -> JointPMF:
        """Return the exact pmf as a list of sentences; raises ``CostError`` when there are too many."""
        require_listable(self.support_size(), self.n)
        listed = self._derivations.sentences(self._top, self.n)
        return JointPMF.from_weights(list(listed), list(listed.values()))

    def largest_surprise(self) -> float:
        """Return an upper bound of ``-log2 P(y)`` over the sentences: the least likely derivation, in bits."""
        return self._derivations.largest_cost(self._top) + self._log_free

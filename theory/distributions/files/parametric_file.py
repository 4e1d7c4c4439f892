"""Markov chains, hidden Markov models and grammars in task files.

    {"markov": {"length": 200, "tokens": ["a", "b"], "initial": ["1/2", "1/2"], "transition": [[0.9, 0.1], [0.2, 0.8]]}}
    {"hmm": {"length": 200, "initial": [...], "transition": [[...], ...], "emission": [[...], ...], "tokens": [...]}}
    {"grammar": {"length": 6, "start": "S", "rules": {"S": {"NP VP": 1}, "NP": {"Det N": "1/2", "they": "1/2"}, ...}}}

The optional ``words`` of a grammar are words that the sentence must contain. ``-n`` on the command line
replaces ``length``. ``transition`` may be a list of n - 1 matrices, one for each step.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from theory.distributions.distribution import Distribution
from theory.distributions.parametric.grammar import GrammarDistribution
from theory.distributions.parametric.grammar_rules import read_rules
from theory.distributions.parametric.hmm import HMMDistribution
from theory.distributions.parametric.markov import MarkovDistribution
from theory.distributions.parametric.parameters import matrix, row
from theory.distributions.written_numbers import as_written, misses
from theory.validation import InputError, positive_int, shown

__all__ = ["PARAMETRIC", "read_parametric", "rounding", "write_parametric"]

PARAMETRIC = ("markov", "hmm", "grammar")

_KEYS = {
    "markov": {"length", "tokens", "initial", "transition"},
    "hmm": {"length", "tokens", "initial", "transition", "emission"},
    "grammar": {"length", "start", "rules", "words"},
}
_OPTIONAL = {"length", "tokens", "words"}


def read_parametric(
    kind: str, data: Any, n: int | None, normalise: bool, exact: bool = False
) -> Distribution:
    """Return the distribution of one entry of a task file.

    Args:
        kind: One of :data:`PARAMETRIC`.
        data: Its parameters.
        n: The number of positions; by default its ``length``.
        normalise: Divide rows of probabilities by their sums.
        exact: Read probabilities of over 12 digits exactly, not as floats whose sums miss one by rounding.

    Raises:
        InputError: If a key is missing or unknown, or numbers are not probabilities.
    """
    try:
        if not isinstance(data, dict):
            raise InputError("must be an object.")
        for key in data:
            if key not in _KEYS[kind]:
                raise InputError(f"unknown key {key!r}; known: {', '.join(sorted(_KEYS[kind]))}.")
        for key in sorted(_KEYS[kind] - _OPTIONAL):
            if key not in data:
                raise InputError(f"needs {key!r}.")
        length = positive_int(data["length"], "length") if n is None and "length" in data else n
        if length is None:
            raise InputError('needs a "length", or give one with -n.')
        if exact:
            found = as_written(_probabilities(data))
            data = data | found | ({"rules": data["rules"] | found["rules"]} if "rules" in found else {})
        if kind == "grammar":
            return _grammar(data, length, normalise)
        return _chain(kind, data, length, normalise)
    except InputError as error:
        raise InputError(f"{kind}: {error}") from None


def rounding(data: dict[str, Any]) -> float | None:
    """Return the largest distance from one of a row of floats in an entry of a task file; ``None`` without floats.

    Example:
        >>> rounding({"initial": ["1/2", "1/2"], "transition": [[0.25, 0.75], [0.25, 0.75]]}) is None
        True
        >>> rounding({"rules": {"S": {"A A": 1}, "A": {"x": 1 / 3, "y": 2 / 3}}})
        1e-16
    """
    return max(map(float, misses(_probabilities(data))), default=None)


def _probabilities(data: dict[str, Any]) -> dict[str, Any]:
    """Return the entries that hold probabilities; lists in a grammar hold words."""
    found = {key: data[key] for key in ("initial", "transition", "emission") if key in data}
    rules = data.get("rules")
    if isinstance(rules, dict):
        found |= {"rules": {symbol: sides for symbol, sides in rules.items() if isinstance(sides, dict)}}
    return found


def _chain(kind: str, data: dict[str, Any], length: int, normalise: bool) -> Distribution:
    initial = row(data["initial"], "initial", normalise=normalise)
    states = len(initial)
    transition = data["transition"]
    if normalise and isinstance(transition, list) and transition:
        nested = (
            isinstance(transition[0], list) and bool(transition[0]) and isinstance(transition[0][0], list)
        )
        each = transition if nested else [transition]
        transition = [
            matrix(m, f"transition[{i}]" if nested else "transition", states, states, normalise=True)
            for i, m in enumerate(each)
        ]
    tokens = data.get("tokens", ())
    if not isinstance(tokens, (list, tuple)) or not all(isinstance(t, (str, int)) for t in tokens):
        raise InputError(f"tokens must be a list of texts or whole numbers, got {shown(tokens)}.")
    common: dict[str, Any] = {
        "n": length,
        "initial": initial,
        "transition": transition,
        "tokens": tuple(tokens),
    }
    if kind == "markov":
        return MarkovDistribution(**common)
    emission = data["emission"]
    if normalise:
        emission = matrix(emission, "emission", states, normalise=True)
    return HMMDistribution(**common, emission=emission)


def _grammar(data: dict[str, Any], length: int, normalise: bool) -> Distribution:
    start = data["start"]
    if not isinstance(start, str):
        raise InputError(f"start must be a symbol, got {shown(start)}.")
    words = data.get("words", [])
    if not isinstance(words, list) or not all(isinstance(word, str) for word in words):
        raise InputError(f"words must be a list of words, got {shown(words)}.")
    rules = read_rules(data["rules"], normalise=normalise)
    return GrammarDistribution(n=length, rules=rules, start=start, words=tuple(words))


def write_parametric(
    distribution: MarkovDistribution | HMMDistribution | GrammarDistribution,
) -> dict[str, Any]:
    """Return the distribution as one entry of a task file, JSON values with exact probabilities as texts.

    Example:
        >>> rows = [[1, 0], ["1/3", "2/3"]]
        >>> distribution = MarkovDistribution(n=3, initial=["1/2", "1/2"], transition=rows, tokens=("a", "b"))
        >>> entry = write_parametric(distribution)
        >>> entry["markov"]["transition"]
        [[['1', '0'], ['1/3', '2/3']]]
        >>> read = read_parametric("markov", entry["markov"], None, normalise=False)
        >>> read.pmf().outcomes == distribution.pmf().outcomes
        True
    """
    if isinstance(distribution, GrammarDistribution):
        rules: dict[str, dict[str, str]] = {symbol: {} for symbol in distribution.rules.symbols}
        for rule in distribution.rules.binary:
            rules[rule.head][f"{rule.left} {rule.right}"] = str(rule.probability)
        for symbol, words in distribution.rules.words.items():
            rules[symbol] |= {word: str(p) for word, p in words.items()}
        kept = {symbol: sides for symbol, sides in rules.items() if sides}
        return {
            "grammar": {
                "length": distribution.n,
                "start": distribution.start,
                "rules": kept,
                "words": list(distribution.words),
            }
        }
    data: dict[str, Any] = {
        "length": distribution.n,
        "tokens": list(distribution.tokens),
        "initial": _texts(distribution.initial),
    }
    data["transition"] = [[_texts(line) for line in step] for step in distribution.transition]
    if isinstance(distribution, MarkovDistribution):
        return {"markov": data}
    emission = (
        distribution.emission
        if distribution.emission is not None
        else np.eye(len(distribution.initial), dtype=int).tolist()
    )
    return {"hmm": data | {"emission": [_texts(line) for line in emission]}}


def _texts(values: Any) -> list[str]:
    return [str(value) for value in values]

"""Metrics of the text tasks, equal to those of the release.

- ROUGE-1, -2, -L: ``rouge-score`` with its stemmer, F-measure.
- 1 - BLEU: ``sacrebleu`` with the tokenizer 13a, order 4, no smoothing, per sentence, against the source text: without
  a common four-gram BLEU is 0, even for an identical text of under four tokens.
- BERTScore: ``bert-score`` with roberta-large from a local folder, F1, no rescaling, no idf.
- Grammar: LanguageTool (en-US) reports nothing. Other checkers are refused by name: their scores are not comparable.

A missing package is named with its install line; nothing is scored without it.
"""

from __future__ import annotations

import os
import re
from collections import Counter
from collections.abc import Callable, Sequence
from functools import cache
from importlib import import_module
from math import exp, log
from pathlib import Path
from typing import Any

from theory.validation import InputError

__all__ = ["bertscore", "grammar_checker", "included", "inverse_bleu", "rouge", "whole_words"]

ROUGES = ("rouge1", "rouge2", "rougeL")
ORDER = 4  # of BLEU
LAYERS = 17  # of roberta-large, whose output BERTScore compares
OTHER_CHECKERS = ("harper", "link-grammar")


def included(output: str, words: Sequence[str]) -> bool:
    """Return whether every word is a part of the output, as released: case matters, and "cat" is in "category".

    Example:
        >>> included("A category of dogs.", ["cat", "dog"])
        True
    """
    return all(word in output for word in words)


def whole_words(output: str, words: Sequence[str]) -> bool:
    """Return whether every word occurs in the output as a whole word, in any case.

    Example:
        >>> whole_words("A category of dogs.", ["cat"]), whole_words("Dogs like the CAT.", ["cat"])
        (False, True)
    """
    return all(re.search(rf"(?<!\w){re.escape(word)}(?!\w)", output, re.IGNORECASE) for word in words)


def rouge(output: str, reference: str) -> dict[str, float]:
    """Return the F-measures of ROUGE-1, ROUGE-2 and ROUGE-L of a summary."""
    scored = _rouge_scorer().score(reference.strip(), output.strip())
    return {name: float(scored[name].fmeasure) for name in ROUGES}


@cache
def _rouge_scorer() -> Any:
    scorer = _needed("rouge_score.rouge_scorer", "rouge-score", "ROUGE")
    return scorer.RougeScorer(list(ROUGES), use_stemmer=True)


def inverse_bleu(output: str, source: str) -> float:
    """Return 1 - BLEU of a paraphrase against its source; 0 for an empty output, as released.

    ``BLEU = min(1, exp(1 - |source| / |output|)) (p_1 p_2 p_3 p_4)^(1/4)`` with the share p_n of the n-grams of the
    output that the source has, too, each as often as there.
    """
    if not output.strip():
        return 0.0
    split = _needed("sacrebleu.tokenizers.tokenizer_13a", "sacrebleu", "BLEU").Tokenizer13a()
    own, reference = split(output.strip()).split(), split(source).split()
    shares: list[float] = []
    for n in range(1, ORDER + 1):
        ours, theirs = (
            Counter(zip(*(words[i:] for i in range(n)), strict=False)) for words in (own, reference)
        )
        shares.append((ours & theirs).total() / max(ours.total(), 1))
    if 0 in shares:
        return 1.0
    mean = exp(sum(log(share) / ORDER for share in shares))
    return 1 - mean * exp(min(0, 1 - len(reference) / len(own)))


def bertscore(output: str, source: str) -> float:
    """Return the F1 of BERTScore with roberta-large from the folder named by ``PARABOUNDS_ROBERTA``."""
    if not output.strip():
        return 0.0
    folder = os.environ.get("PARABOUNDS_ROBERTA", "")
    if not Path(folder, "config.json").is_file():
        raise InputError(
            "BERTScore needs roberta-large on disk: set PARABOUNDS_ROBERTA to a folder that has its config.json."
        )
    return float(_bert_scorer(folder).score([output.strip()], [source])[2][0])


@cache
def _bert_scorer(folder: str) -> Any:
    package = _needed("bert_score", "bert-score", "BERTScore")
    try:
        found = package.BERTScorer(model_type=folder, num_layers=LAYERS)
        config, tokenizer = found._model.config, found._tokenizer
    except Exception as error:  # of torch, transformers or an assertion: no common class
        why = (str(error) or type(error).__name__).partition("\n")[0]
        raise InputError(f"BERTScore needs roberta-large in {folder}, which does not load: {why}.") from None
    # a tokenizer without a limit has 10^30, which its own code cannot take; two positions are padding
    longest = config.max_position_embeddings - 2
    tokenizer.model_max_length = min(tokenizer.model_max_length, longest)
    return found


def grammar_checker(name: str = "languagetool") -> Callable[[str], bool]:
    """Return a function that says whether a text is free of errors; empty texts are not.

    Args:
        name: ``languagetool``, the released metric, or the name of a function of your own, ``module:function``.

    Raises:
        InputError: If the package is missing, or for a checker whose scores are not comparable.
    """
    if name in OTHER_CHECKERS:
        raise InputError(
            f"{name} finds other errors than LanguageTool, so its scores are not comparable with published ones; "
            "to use it anyway, give it as module:function."
        )
    if name == "languagetool":
        tool = _language_tool()
        return lambda text: bool(text.strip()) and _said(name, lambda: not tool.check(text.strip()))
    module, _, attribute = name.partition(":")
    try:
        own = getattr(import_module(module), attribute)
    except (ImportError, AttributeError, ValueError):
        own = None
    if not callable(own):
        raise InputError(f"grammar must be languagetool or module:function, got {name!r}.")
    return lambda text: bool(text.strip()) and _said(name, lambda: own(text.strip()))


def _said(name: str, check: Callable[[], Any]) -> bool:
    try:
        return bool(check())
    except Exception as error:  # of a user's own function, or of the server of LanguageTool
        why = (str(error) or type(error).__name__).partition("\n")[0]
        raise InputError(f"the grammar checker {name} failed: {why}.") from None


@cache
def _language_tool() -> Any:
    package = _needed("language_tool_python", "language-tool-python", "grammar")
    try:
        return package.LanguageTool("en-US")
    except Exception as error:  # no Java, or no jar and no network: its own errors have no common class
        why = (str(error) or type(error).__name__).partition("\n")[0]
        raise InputError(
            f"LanguageTool does not start ({why}); it needs Java 17 and its own files."
        ) from None


def _needed(module: str, package: str, what: str) -> Any:
    try:
        return import_module(module)
    except ImportError:
        raise InputError(
            f"{what} needs {package}; install it with: python -m pip install 'parabounds[metrics]'."
        ) from None

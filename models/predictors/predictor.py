"""The interface that a decoder needs of a model."""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol, runtime_checkable

import torch

from models.predictors.device import rows_at_once
from models.predictors.first_wrong import Describe, FirstWrong
from theory.validation import InputError

__all__ = [
    "MarginalPredictor",
    "MaskedPredictor",
    "checked_probabilities",
    "chosen_probabilities",
    "probabilities",
]

_SUM = 1e-2  # largest distance from one of a sum of probabilities in half precision


class MaskedPredictor(Protocol):
    """A model of masked sequences: a trained network, or the ideal one."""

    @property
    def mask_id(self) -> int:
        """The token of a masked position; it may be outside ``0 .. V-1``."""
        ...

    @property
    def vocab_size(self) -> int:
        """V: the tokens that can be proposed are ``0 .. V-1``."""
        ...

    @property
    def device(self) -> torch.device:
        """The device of the batches."""
        ...

    def __call__(self, tokens: torch.Tensor) -> torch.Tensor:
        """Return a prediction for every position.

        Args:
            tokens: Token ids with ``mask_id`` at masked positions, int64, shape (B, L).

        Returns:
            Logits or log-probabilities, shape (B, L, V), each defined up to a constant per position; minus
            infinity for what is impossible, but not for every token of a masked position.
        """
        ...


@runtime_checkable
class MarginalPredictor(MaskedPredictor, Protocol):
    """A predictor that also returns probabilities."""

    def marginals(self, tokens: torch.Tensor) -> torch.Tensor:
        """Return probabilities of every position, shape (B, L, V)."""
        ...


def probabilities(
    logits: torch.Tensor,
    masked: torch.Tensor,
    *,
    tokens: torch.Tensor | None = None,
    dtype: torch.dtype = torch.float64,
    first: FirstWrong | None = None,
) -> torch.Tensor:
    """Return the softmax of a model's logits.

    Minus infinity means probability zero. A revealed position may have nothing else; its row is then zeros.

    Args:
        logits: At the m positions of the answers of a batch, shape (B, m, V).
        masked: Which of them are masked, bool, shape (B, m).
        tokens: The tokens of the logits, shape (V,); ``0 .. V-1`` by default.
        dtype: The dtype of the result.
        first: Notes what is wrong, instead of an error here, which would wait for the device.

    Raises:
        InputError: If a logit is NaN or plus infinity, or those of a masked position are all minus infinity; the
            row of the batch and the position of the answer are named, both counted from 0.

    Example:
        >>> half = torch.tensor([[[0.0, 0.0, -torch.inf]]])
        >>> probabilities(half, torch.tensor([[True]])).tolist()
        [[[0.5, 0.5, 0.0]]]
        >>> probabilities(half - half, torch.tensor([[True]]))
        Traceback (most recent call last):
        ...
        theory.validation.InputError: the model gives the logit nan for token 2 at position 0 of the answer in row 0...
    """
    probs = torch.softmax(logits, dim=-1, dtype=dtype)
    bad = probs[..., 0].isnan()  # one such logit makes all probabilities of the position NaN
    if first is None and not bool(bad.any()):
        return probs
    wrong = bad & (masked | (logits.amax(dim=-1) != -torch.inf))
    _note(first, wrong, logits, lambda found, where: _wrong_logits(found, where, tokens))
    return probs.masked_fill_(bad[..., None], 0)


def chosen_probabilities(
    logits: torch.Tensor,
    rows: torch.Tensor,
    positions: torch.Tensor,
    *,
    tokens: torch.Tensor | None = None,
    left_out: int | None = None,
    dtype: torch.dtype = torch.float64,
    first: FirstWrong | None = None,
    into: tuple[torch.Tensor, torch.Tensor] | None = None,
) -> torch.Tensor:
    """Return the softmax of the logits of N masked positions, shape (N, V').

    Args:
        logits: Shape (N, V).
        rows: The row of each in its batch, for errors, shape (N,).
        positions: The position of each in the answer, shape (N,).
        tokens: The tokens of the result, ascending, shape (V',); all by default.
        left_out: The only other token, if there is one; it saves time.
        dtype: As in :func:`probabilities`.
        first: As there.
        into: A table of V' columns and the N rows of it that are filled; it is returned.

    Raises:
        InputError: As there.

    Example:
        >>> one = torch.tensor([0])
        >>> chosen_probabilities(torch.tensor([[0.0, 0.0, -torch.inf]]), one, one).tolist()
        [[0.5, 0.5, 0.0]]
    """
    width = logits.shape[1] if tokens is None else len(tokens)
    if into is None:
        into = (
            logits.new_empty(len(logits), width, dtype=dtype),
            torch.arange(len(logits), device=logits.device),
        )
    table, places = into
    choose = _chooser(tokens, left_out)
    size = min(rows_at_once(logits.device, width), max(1, len(logits)))
    for start in range(0, len(logits), size):
        part = torch.softmax(choose(logits[start : start + size]), dim=-1, dtype=dtype)
        table.index_copy_(0, places[start : start + size], part)
    wrong = table[places, 0].isnan()
    _note(
        first,
        wrong,
        logits,
        lambda found, where: _wrong_logits(choose(found), where, tokens),
        (rows, positions),
    )
    return table


def _chooser(tokens: torch.Tensor | None, left_out: int | None) -> Callable[[torch.Tensor], torch.Tensor]:
    """Return the function from logits (..., V) to those of some tokens."""
    if tokens is None:
        return lambda logits: logits
    if left_out is None:
        return lambda logits: logits[..., tokens]
    # two slices are far faster than an index
    return lambda logits: torch.cat([logits[..., :left_out], logits[..., left_out + 1 :]], dim=-1)


def _wrong_logits(logits: torch.Tensor, where: str, tokens: torch.Tensor | None) -> InputError:
    """Return the error for the logits of a position, shape (V,)."""
    places = (logits.isnan() | (logits == torch.inf)).nonzero()[:, 0].tolist()
    if not places:
        return InputError(
            f"the model gives the logit -inf for every token that may be drawn at {where}; at least "
            "one must be possible."
        )
    token = places[0] if tokens is None else int(tokens[places[0]])
    return InputError(
        f"the model gives the logit {logits[places[0]].item():g} for token {token} at "
        f"{where}; logits must be finite, or -inf for what is impossible: its weights have diverged, "
        "or its numbers overflow (try a wider dtype)."
    )


def checked_probabilities(
    probs: torch.Tensor, masked: torch.Tensor, *, first: FirstWrong | None = None
) -> torch.Tensor:
    """Return a model's probabilities, checked.

    Args:
        probs: At the m positions of the answers of a batch, shape (B, m, V).
        masked: Which of them are masked, bool, shape (B, m).
        first: As in :func:`probabilities`.

    Raises:
        InputError: If one at a masked position is NaN, infinite or negative, or their sum is not 1 within a hundredth,
            for half precision.

    Example:
        >>> checked_probabilities(torch.tensor([[[0.5, 0.5], [0.0, 0.0]]]), torch.tensor([[True, True]]))
        Traceback (most recent call last):
        ...
        theory.validation.InputError: the model gives probabilities that sum to 0 at position 1 of the answer in...
    """
    if not probs.numel():
        return probs
    fine = (probs.amin(dim=-1) >= 0) & ((probs.sum(dim=-1) - 1).abs() <= _SUM)  # false for NaN and infinity
    _note(first, ~fine & masked, probs, _wrong_probabilities)
    return probs


def _note(
    first: FirstWrong | None,
    wrong: torch.Tensor,
    values: torch.Tensor,
    describe: Describe,
    places: tuple[torch.Tensor, torch.Tensor] | None = None,
) -> None:
    """Note wrong positions, or raise if ``first`` is ``None``; the arguments are those of ``FirstWrong.note``."""
    noted = first or FirstWrong()
    noted.note(wrong, values, describe, places)
    if first is None:
        noted.check()


def _wrong_probabilities(values: torch.Tensor, where: str) -> InputError:
    """Return the error for the probabilities of a position, shape (V,)."""
    wrong = (~((values >= 0) & values.isfinite())).nonzero()[:, 0].tolist()
    found = (
        f"the probability {values[wrong[0]].item():g} for token {wrong[0]}"
        if wrong
        else f"probabilities that sum to {values.sum().item():g}"
    )
    return InputError(f"the model gives {found} at {where}; they must be at least 0 and sum to 1.")

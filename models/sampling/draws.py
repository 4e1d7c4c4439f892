"""Random draws and model calls of rules with memory in a sampler."""

from __future__ import annotations

from collections.abc import Callable

import torch

from models.runs.distinct_rows import distinct_rows
from theory.distributions.distribution import MASK
from theory.policies.board import Board
from theory.policies.foreign import chances_of
from theory.policies.policy import Plan

__all__ = ["PredictorOracle", "TorchChance", "draw"]


def draw(probs: torch.Tensor, generator: torch.Generator) -> torch.Tensor:
    """Return one token per row of ``probs``, shape (K, V), never one of probability zero; shape (K,).

    Example:
        >>> draw(torch.tensor([[0.0, 1.0, 0.0]]), torch.Generator().manual_seed(0)).tolist()
        [1]
    """
    uniform = torch.rand(len(probs), 1, dtype=probs.dtype, device=probs.device, generator=generator)
    # a parallel sum may round differently after a zero, so tokens of probability zero are excluded
    cumulative = torch.where(probs > 0, probs.cumsum(dim=1), -1)
    reached = cumulative > uniform * cumulative.amax(dim=1, keepdim=True)
    return reached.to(torch.uint8).argmax(dim=1)


class TorchChance:
    """Draw one result per row; rows never split.

    Args:
        generator: Source of all randomness, on the device of the boards.
    """

    def __init__(self, generator: torch.Generator) -> None:
        self.generator = generator

    def choose(self, board: Board, plan: Plan) -> tuple[Board, torch.Tensor]:
        """Return one set per row."""
        return board, plan.sample(self._uniforms(board)) & board.masked

    def reveal(self, board: Board, chosen: torch.Tensor) -> Board:
        """Return the board with a token at each chosen position."""
        return board.write(chosen, self._drawn(board, chosen))

    def propose(self, board: Board, where: torch.Tensor) -> tuple[Board, torch.Tensor]:
        """Return a token at each position of ``where``."""
        return board, self._drawn(board, where)

    def flip(self, board: Board, probability: torch.Tensor) -> tuple[Board, torch.Tensor]:
        """Return independent random choices."""
        return board, self._uniforms(board) < chances_of(probability)

    def _uniforms(self, board: Board) -> torch.Tensor:
        probs = board.probs
        return torch.rand(
            board.tokens.shape, dtype=probs.dtype, device=probs.device, generator=self.generator
        )

    def _drawn(self, board: Board, where: torch.Tensor) -> torch.Tensor:
        tokens = torch.full_like(board.tokens, MASK)
        index = where.nonzero(as_tuple=True)
        q = board.transform.draw(board.probs[index], board.numbers)
        tokens[index] = draw(q, self.generator)
        return tokens


class PredictorOracle:
    """A predictor as the model of policies that ask about other states of the same prompts.

    Args:
        marginals: From answers (K, m) with -1 where masked, and the prompt of each (K,), to (K, m, V).
        rows: The number of the prompt of each row, shape (B,), so that equal states of one prompt are computed once.
        width: m, the number of answer positions.
    """

    def __init__(
        self, marginals: Callable[[torch.Tensor, torch.Tensor], torch.Tensor], rows: torch.Tensor, width: int
    ) -> None:
        self._marginals, self._rows, self._width = marginals, rows, width

    def ask(self, tokens: torch.Tensor) -> torch.Tensor:
        """Return the marginals of K states of every row, from (B, K, m) to (B, K, m, V)."""
        size, states, m = tokens.shape
        rows = self._rows.repeat_interleave(states)[:, None]
        asked = torch.cat([rows, tokens.reshape(-1, m)], dim=1)
        distinct, index = distinct_rows(asked)  # many runs ask about the same states
        answers = self._marginals(distinct[:, 1:], distinct[:, 0])[index]
        return answers.reshape(size, states, m, -1)

    def background(self) -> torch.Tensor:
        """Return the mean over positions of the fully masked marginals of each row's prompt, shape (B, m, V)."""
        prompts, index = self._rows.unique(return_inverse=True)
        empty = torch.full((len(prompts), self._width), MASK, device=prompts.device)
        probs = self._marginals(empty, prompts)
        return probs.mean(dim=1, keepdim=True).expand_as(probs)[index]

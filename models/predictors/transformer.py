"""A small bidirectional transformer that predicts masked tokens.

Pre-LayerNorm, learned positions, no dropout, no time input, output head tied to the embedding. Three switches make
it learn list tasks within a minute:

- ``alignment``: initially W_k = a W_q + sqrt(1 - a^2) W_k' in every layer, so that equal tokens attend to each other
from the first step and "is x_j used already" need not be discovered. It changes the initial weights only.
- ``paired``: x_i and y_i share a learned position and differ by a segment embedding.
- ``copy_scores``: a score per prompt item, ``q(h_i) . k(h_j) / sqrt(d) + c``, is added to the logit of that item.
  The softmax still covers the whole vocabulary.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import sqrt

import torch
from torch import nn
from torch.nn import functional

from synthetic.encoding import Encoding
from theory.validation import InputError, choice, positive_int

__all__ = ["MaskedTransformer", "ModelConfig"]

NOISES = ("mask", "uniform")
FIRST_ITEM = 3  # the column of x_1
POSITION_SCALE = (
    0.5  # at equal scale positions hide the match of equal tokens, at a tenth they are learned late
)


@dataclass(frozen=True, kw_only=True)
class ModelConfig:
    """The shape of a model.

    Attributes:
        width: Width d of the residual stream.
        layers: Number of blocks.
        heads: Attention heads; a divisor of ``width``.
        ratio: Width of the MLP in units of ``width``.
        alignment: Share a of the queries in the keys at the start, in [0, 1); 0 for none.
        paired: Whether x_i and y_i share a learned position.
        copy_scores: Whether the output has a score per prompt item beside the tied head.
        noise: ``mask``, or ``uniform`` for a model without a mask (:mod:`models.predictors.uniform_transformer`).
    """

    width: int = 32
    layers: int = 2
    heads: int = 4
    ratio: int = 4
    alignment: float = 0.7
    paired: bool = True
    copy_scores: bool = True
    noise: str = "mask"

    def __post_init__(self) -> None:
        for name in ("width", "layers", "heads", "ratio"):
            object.__setattr__(self, name, positive_int(getattr(self, name), name))
        if self.width % self.heads:
            raise InputError(f"width must be a multiple of heads, got {self.width} and {self.heads}.")
        if not 0 <= self.alignment < 1:
            raise InputError(f"alignment must be in [0, 1), got {self.alignment}.")
        choice(self.noise, "noise", NOISES)


class MaskedTransformer(nn.Module):
    """A predictor of the masked tokens of list-task sequences.

    Args:
        config: Its shape.
        encoding: The token ids it reads.

    Example:
        >>> model = MaskedTransformer(ModelConfig(), Encoding(names=("copy",)))
        >>> model(torch.zeros(2, 9, dtype=torch.int64)).shape
        torch.Size([2, 9, 53])
    """

    def __init__(self, config: ModelConfig, encoding: Encoding) -> None:
        super().__init__()
        self.config, self.encoding = config, encoding
        self.embedding = nn.Embedding(encoding.vocab_size, config.width)
        self.position = nn.Embedding(encoding.longest_sequence, config.width)
        self.segment = nn.Embedding(2, config.width) if config.paired else None
        self.blocks = nn.ModuleList(_Block(config) for _ in range(config.layers))
        self.norm = nn.LayerNorm(config.width)
        self.scale = nn.Parameter(torch.ones(()))
        self.bias = nn.Parameter(torch.zeros(encoding.vocab_size))
        self.copy = _CopyScores(config.width, encoding) if config.copy_scores else None
        self._init_weights()

    @property
    def mask_id(self) -> int:
        """The token of a masked position."""
        return self.encoding.mask

    @property
    def vocab_size(self) -> int:
        """The number of tokens."""
        return self.encoding.vocab_size

    @property
    def device(self) -> torch.device:
        """The device of the weights."""
        return self.scale.device

    @property
    def parameter_count(self) -> int:
        """The number of trained parameters."""
        return sum(parameter.numel() for parameter in self.parameters())

    def forward(
        self, tokens: torch.Tensor, first: int = 0, added: torch.Tensor | None = None
    ) -> torch.Tensor:
        """Return logits.

        Args:
            tokens: Token ids, int64, shape (B, L).
            first: Column to start from; training needs only the answer.
            added: A vector for each row that is added to all its positions, shape (B, d); none by default.

        Returns:
            Shape (B, L - first, V), float32 also under autocast.
        """
        h = (self.embedding(tokens) + self._places(tokens)) * sqrt(self.config.width)
        if added is not None:
            h = h + added[:, None, :]
        for block in self.blocks:
            h = block(h)
        h = self.norm(h)
        logits = self.scale * functional.linear(h[:, first:], self.embedding.weight, self.bias)
        if self.copy is not None:
            logits = logits + self.copy(h, tokens, first)
        return logits.float()

    def _places(self, tokens: torch.Tensor) -> torch.Tensor:
        """Return the embedding of every place: of its column, or of its place in the list and its segment."""
        column = torch.arange(tokens.shape[1], device=tokens.device)
        if self.segment is None:
            return self.position(column)
        at_sep = tokens == self.encoding.sep
        # the first separator ends the prompt, even if a sampled answer contains another
        after = (at_sep.cumsum(dim=1) - at_sep.long()).clamp(max=1)
        start = at_sep.long().argmax(dim=1, keepdim=True) + 1
        return self.position(column - after * (start - FIRST_ITEM)) + self.segment(after)

    @torch.no_grad()
    def _init_weights(self) -> None:
        if self.scale.is_meta:  # only shapes
            return
        self.apply(_init)
        for name, parameter in self.named_parameters():
            if name.endswith("bias"):
                parameter.zero_()
        for embedding in filter(None, (self.position, self.segment)):
            embedding.weight *= POSITION_SCALE
        if self.copy is not None:
            _align(self.copy.query.weight, self.copy.key.weight, self.config.alignment)
        for block in self.blocks:
            assert isinstance(block, _Block)
            query, key, _ = block.qkv.weight.chunk(3)
            _align(query, key, self.config.alignment)
            for output in (block.out, block.down):
                # the variance of the residual stream then does not depend on the depth
                output.weight /= sqrt(2 * self.config.layers)


class _Block(nn.Module):
    """Attention to every position, then an MLP."""

    def __init__(self, config: ModelConfig) -> None:
        super().__init__()
        d = config.width
        self.heads = config.heads
        self.norm1, self.norm2 = nn.LayerNorm(d), nn.LayerNorm(d)
        self.qkv, self.out = nn.Linear(d, 3 * d), nn.Linear(d, d)
        self.up, self.down = nn.Linear(d, config.ratio * d), nn.Linear(config.ratio * d, d)

    def forward(self, h: torch.Tensor) -> torch.Tensor:
        b, length, d = h.shape
        qkv = self.qkv(self.norm1(h)).view(b, length, 3, self.heads, d // self.heads)
        q, k, v = qkv.permute(2, 0, 3, 1, 4)
        mixed = functional.scaled_dot_product_attention(q, k, v)
        h = h + self.out(mixed.transpose(1, 2).reshape(b, length, d))
        return h + self.down(functional.gelu(self.up(self.norm2(h)), approximate="tanh"))


class _CopyScores(nn.Module):
    """A score for every item of the prompt, summed onto the logit of its token."""

    def __init__(self, width: int, encoding: Encoding) -> None:
        super().__init__()
        self.items, self.sep, self.vocab_size = encoding.items, encoding.sep, encoding.vocab_size
        self.query, self.key = nn.Linear(width, width, bias=False), nn.Linear(width, width, bias=False)
        self.offset = nn.Parameter(torch.zeros(()))

    def forward(self, h: torch.Tensor, tokens: torch.Tensor, first: int) -> torch.Tensor:
        scores = self.query(h[:, first:]) @ self.key(h).transpose(1, 2) / sqrt(h.shape[-1]) + self.offset
        prompt = ((tokens == self.sep).cumsum(dim=1) == 0) & (tokens < self.items)
        # a product with one-hot rows adds in the same order on every device; scatter_add does not
        one_hot = functional.one_hot(tokens, self.vocab_size).to(scores.dtype) * prompt[..., None]
        return scores @ one_hot


def _init(module: nn.Module) -> None:
    """Draw weights N(0, 1 / fan_in), so that embeddings too have a mean squared length of one."""
    if isinstance(module, nn.Linear):
        nn.init.normal_(module.weight, std=module.in_features**-0.5)
    elif isinstance(module, nn.Embedding):
        nn.init.normal_(module.weight, std=module.embedding_dim**-0.5)


def _align(query: torch.Tensor, key: torch.Tensor, share: float) -> None:
    """Mix the queries into the keys, which keep their variance."""
    key.copy_(share * query + sqrt(1 - share * share) * key)

"""Key-value caches of Fast-dLLM (arXiv 2505.22618) as predictors.

A cached decoder calls the model in full when a block begins. Until the block is filled, the keys and values outside a
window are those of that call: with ``prefix`` the window is the block and what follows, with ``dual`` the block alone.
Attention there sees stale tokens, so the answer changes.

Keys and values of a layer are functions of what the layer reads, position by position. So here the outputs of every
layer are put back outside the window to those of the call at the start of the block: inside the window the logits are
those of the cached decoder, for every architecture. The state at the start of the block follows from the current
tokens: all that was masked at first in this block and later ones is masked. A cached model is therefore a function of
tokens, as every other predictor. It computes what a cache changes and saves no time.

Source: NVlabs/Fast-dLLM 24cc59e, ``generate_with_prefix_cache`` and ``generate_with_dual_cache``.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import ExitStack
from typing import Any

import torch

from models.predictors.chosen_logits import logits_at
from models.predictors.predictor import MaskedPredictor
from theory.validation import InputError, choice

__all__ = ["CACHES", "KVCache", "layers_of"]

CACHES = ("none", "prefix", "dual")


class KVCache:
    """A network with a key-value cache.

    Args:
        predictor: The network, or a predictor with it as ``model``.
        cache: ``prefix`` or ``dual``.
        block: Positions per block, as the policy counts them; ``None`` for one block.

    Raises:
        InputError: If the predictor has no layers, as the ideal model.

    Example:
        >>> from models.predictors.transformer import MaskedTransformer, ModelConfig
        >>> from synthetic.encoding import Encoding
        >>> network = MaskedTransformer(ModelConfig(), Encoding(names=("copy",))).eval()
        >>> cached = KVCache(network, "dual", block=1).started(torch.ones(3, dtype=torch.bool), torch.arange(3))
        >>> tokens = torch.full((1, 3), network.mask_id)
        >>> bool((cached(tokens) == network(tokens)).all())
        True
    """

    def __init__(self, predictor: MaskedPredictor, cache: str, *, block: int | None = None) -> None:
        self._predictor, self._cache, self._block = predictor, choice(cache, "cache", CACHES[1:]), block
        self._layers = layers_of(predictor)

    @property
    def mask_id(self) -> int:
        """That of the network."""
        return self._predictor.mask_id

    @property
    def vocab_size(self) -> int:
        """That of the network."""
        return self._predictor.vocab_size

    @property
    def device(self) -> torch.device:
        """That of the network."""
        return self._predictor.device

    def started(self, free: torch.Tensor, position: torch.Tensor) -> MaskedPredictor:
        """Return the predictor of a decode, see :class:`models.predictors.answer_columns.AnswerAware`."""
        blocks = torch.where(position < 0, -1, position // (self._block or len(position)))
        return _Started(self._predictor, self._layers, self._cache == "dual", free, blocks)

    def __call__(self, tokens: torch.Tensor) -> torch.Tensor:  # noqa: ARG002
        """Refuse a call without the start of a decode."""
        raise InputError(
            "a key-value cache is part of a decode: give it the masks at the start, started(...)."
        )


class _Started:
    """The cached network in one decode; ``blocks`` is -1 outside the answer."""

    def __init__(
        self,
        predictor: MaskedPredictor,
        layers: list[torch.nn.Module],
        dual: bool,
        free: torch.Tensor,
        blocks: torch.Tensor,
    ) -> None:
        self._predictor, self._layers, self._dual, self._free, self._blocks = (
            predictor,
            layers,
            dual,
            free,
            blocks,
        )
        self.mask_id, self.vocab_size, self.device = predictor.mask_id, predictor.vocab_size, predictor.device
        self._kept: tuple[torch.Tensor, list[torch.Tensor]] | None = None

    def __call__(self, tokens: torch.Tensor) -> torch.Tensor:
        return self._read(tokens, self._predictor, self._predictor)

    def at(self, tokens: torch.Tensor, rows: torch.Tensor, columns: torch.Tensor) -> torch.Tensor:
        """Return the logits of some places, see :class:`models.predictors.chosen_logits.ChoosesPlaces`."""
        none = torch.zeros_like(rows[:1])  # the states of the layers are kept, and no logits

        def few(whole: torch.Tensor) -> torch.Tensor:
            return logits_at(self._predictor, whole, none, none)

        return self._read(tokens, lambda whole: logits_at(self._predictor, whole, rows, columns), few)

    def _read(
        self,
        tokens: torch.Tensor,
        read: Callable[[torch.Tensor], torch.Tensor],
        begin: Callable[[torch.Tensor], Any],
    ) -> torch.Tensor:
        """Return what ``read`` gives of the cached network; ``begin`` calls it where the states alone are wanted."""
        begun, outside = self._begun(tokens)
        kept = self._kept if self._kept is not None and self._kept[0].shape == begun.shape else None
        before = tokens if kept is None else kept[0]
        # all that a call waits for
        at_start, same = torch.stack([(begun == tokens).all(), (begun == before).all()]).tolist()
        if at_start or kept is None or not same:
            kept = self._kept = None  # frees it first
            states: list[torch.Tensor] = []
            logits = self._hooked(begun, states.append, read if at_start else begin)
            kept = self._kept = begun, states
            if at_start:
                return logits
        left = iter(kept[1])

        def put_back(state: torch.Tensor) -> torch.Tensor:
            return torch.where(outside[..., None], next(left), state)

        return self._hooked(torch.where(outside, begun, tokens), put_back, read)

    def _begun(self, tokens: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """Return the tokens when the block of each row began, and what lies outside its window, both (B, L)."""
        column = torch.arange(tokens.shape[1], device=tokens.device)
        last = torch.where(self._free, self._blocks, -1).max()
        masked = (tokens == self.mask_id) & self._free
        block = torch.where(masked, self._blocks, last).amin(dim=1, keepdim=True)
        inside = self._blocks == block
        first = torch.where(inside, column, len(column)).amin(dim=1, keepdim=True)
        outside = column < first
        if self._dual:
            outside = outside | (column > torch.where(inside, column, -1).amax(dim=1, keepdim=True))
        return torch.where(self._free & (self._blocks >= block), self.mask_id, tokens), outside

    def _hooked(
        self,
        tokens: torch.Tensor,
        change: Callable[[torch.Tensor], Any],
        read: Callable[[torch.Tensor], torch.Tensor],
    ) -> torch.Tensor:
        """Return what ``read`` gives, after ``change`` of the output of every layer, in the order of the calls."""

        def hook(_module: Any, _inputs: Any, output: Any) -> Any:
            state = output[0] if isinstance(output, tuple) else output
            if not isinstance(state, torch.Tensor) or state.shape[:2] != tokens.shape:
                raise InputError(
                    "a cache needs layers with states of shape (rows, columns, width); run without one."
                )
            changed = change(state)
            if changed is None:
                return output
            return (changed, *output[1:]) if isinstance(output, tuple) else changed

        with ExitStack() as stack:
            for layer in self._layers:
                stack.callback(layer.register_forward_hook(hook).remove)
            return read(tokens)


def layers_of(predictor: Any) -> list[torch.nn.Module]:
    """Return the layers of a network: its longest list of modules that is in no other list.

    Raises:
        InputError: If there is none.
    """
    module = predictor if isinstance(predictor, torch.nn.Module) else getattr(predictor, "model", None)
    if not isinstance(module, torch.nn.Module):
        raise InputError("a key-value cache needs a network; the ideal model has none.")
    if hasattr(module, "_orig_mod"):
        raise InputError("a key-value cache needs a network that is not compiled; leave out --compile.")
    found: dict[str, torch.nn.ModuleList] = {}
    for name, part in module.named_modules():
        if isinstance(part, torch.nn.ModuleList) and not any(name.startswith(f"{outer}.") for outer in found):
            found[name] = part
    if not found:
        raise InputError(f"{type(module).__name__} has no list of layers, which a key-value cache needs.")
    return list(max(found.values(), key=len))

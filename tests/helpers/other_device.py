"""A device that is not there: tensors on the CPU that say otherwise, and refuse to meet those that do not.

Numbers are those of the CPU. As on a GPU, an operation on tensors of both devices is an error, except for single
numbers of the CPU, for indices and for copies, and ``numpy`` needs ``cpu`` first. So a forgotten ``device=`` fails here
as it does there.
"""

from __future__ import annotations

from typing import Any

import torch
from torch.overrides import TorchFunctionMode
from torch.utils._pytree import tree_leaves, tree_map

NAME = "xpu"  # a device that torch knows, and that this project says nothing of
METHODS = torch.Tensor
ANYWHERE = (METHODS.__getitem__, METHODS.__setitem__, METHODS.copy_)


class There(torch.Tensor):
    """A tensor of the other device; ``held`` has its numbers."""

    held: torch.Tensor

    @staticmethod
    def __new__(cls, held: torch.Tensor) -> There:
        device = torch.device(NAME)
        made = METHODS._make_wrapper_subclass(
            cls, held.shape, strides=held.stride(), dtype=held.dtype, device=device
        )
        made.held = held
        return made

    @classmethod
    def __torch_dispatch__(cls, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        raise RuntimeError(f"{func} on the other device, outside of Elsewhere()")


class Elsewhere(TorchFunctionMode):
    """Runs what is asked of the other device on the CPU, and notes where it was."""

    def __torch_function__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        kwargs = kwargs or {}
        if func is torch.device:
            return func(*args, **kwargs)
        values = tree_leaves((args, kwargs))
        tensors = [value for value in values if isinstance(value, torch.Tensor)]
        there = [value for value in tensors if isinstance(value, There)]
        if getattr(func, "__name__", "") == "__get__" and there:  # an attribute
            found = func(*args, **kwargs)
            return found if not isinstance(found, torch.Tensor) else There(func(there[0].held))
        if func is METHODS.numpy and there:
            raise TypeError("can't convert a tensor of the other device to numpy; use cpu() first")
        here = [value for value in tensors if value.dim() and not isinstance(value, There)]
        if there and here and func not in ANYWHERE:
            raise RuntimeError(
                f"{func}: tensors of two devices, {there[0].shape} there and {here[0].shape} here"
            )
        if func in ANYWHERE[:2] and there and not isinstance(args[0], There):
            raise RuntimeError(f"{func}: the indices are there, the tensor is here")
        asked = [torch.device(v).type for v in values if isinstance(v, torch.device) or _names_device(v)]
        if func is METHODS.cpu:
            asked = ["cpu"]
        on = asked[0] == NAME if asked else bool(there)
        out = func(*tree_map(_inner, args), **tree_map(_inner, kwargs))
        if tensors and isinstance(out, torch.Tensor) and out is _inner(tensors[0]):  # in place, or unchanged
            return (
                tensors[0]
                if on == isinstance(tensors[0], There)
                else There(out.clone())
                if on
                else out.clone()
            )
        return tree_map(lambda value: There(value) if on and type(value) is torch.Tensor else value, out)


class Chance(torch.Generator):
    """A generator of the other device."""

    device = torch.device(NAME)  # type: ignore[assignment]


def moved(module: torch.nn.Module) -> torch.nn.Module:
    """Put the weights of a module on the other device."""
    for part in module.modules():
        for kept in (part._parameters, part._buffers):
            for name, values in kept.items():
                kept[name] = None if values is None else There(values.detach().clone())  # type: ignore[assignment]
    return module


def _inner(value: Any) -> Any:
    """Return what stands for a value on the CPU."""
    if isinstance(value, There):
        return value.held
    if isinstance(value, torch.device) or _names_device(value):
        return torch.device("cpu") if torch.device(value).type == NAME else value
    return value


def _names_device(value: Any) -> bool:
    return isinstance(value, str) and value.partition(":")[0] in ("cpu", NAME)

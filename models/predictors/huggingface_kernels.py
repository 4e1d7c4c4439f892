"""Plain torch for GPU kernels that published code imports and that are not installed.

SDAR's code imports ``flash_attn`` for its norms and for attention without a mask, and ``triton`` for a loss of its own
training. Neither exists for a CPU. Where such code cannot be imported without them, what it calls is put in their
place while it is imported, and named in the facts of the model:

- ``flash_attn in torch``: ``rms_norm_fn``, ``x w / sqrt(mean(x^2) + eps)`` in float32, rounded once at the end as in
  the kernel, and ``flash_attn_func``, ``softmax(q k^T scale) v`` by ``scaled_dot_product_attention``.
- ``triton left out``: kernels that say so when they are called; no command here calls them.
"""

from __future__ import annotations

import builtins
from collections.abc import Callable, Generator
from contextlib import contextmanager
from importlib.util import find_spec
from types import ModuleType
from typing import Any, TypeVar

import torch

from models.predictors.huggingface_versions import OWN_CODE, transformers
from theory.validation import InputError

__all__ = ["importing", "plain_kernels"]

NAMES = {"flash_attn": "flash_attn in torch", "triton": "triton left out"}


Loaded = TypeVar("Loaded")


def importing(load: Callable[[], Loaded]) -> tuple[Loaded, list[str]]:
    """Return what ``load`` returns, and the names of what replaced kernels that its code cannot be imported without."""
    try:
        return load(), []
    except ImportError as error:
        if not _wants_kernels(error):
            raise
    with plain_kernels() as used:
        return load(), used


def _wants_kernels(error: ImportError) -> bool:
    return any(name in str(error) and find_spec(name) is None for name in NAMES)


@contextmanager
def plain_kernels() -> Generator[list[str]]:
    """Give plain torch to the code of a checkpoint that imports these packages; yield the names of what was used.

    Only that code sees it: torch itself looks for triton too, and must not find it.
    """
    used = list[str]()
    modules = {name: m for name, m in _modules(used).items() if find_spec(name.partition(".")[0]) is None}
    whole, dynamic = builtins.__import__, transformers().dynamic_module_utils
    check = dynamic.check_imports

    def imported(
        name: str, globals: Any = None, locals: Any = None, fromlist: Any = (), level: int = 0
    ) -> Any:
        root = name.partition(".")[0]
        if level or root not in modules or not str((globals or {}).get("__name__", "")).startswith(OWN_CODE):
            return whole(name, globals, locals, fromlist, level)
        if name not in modules:
            raise ModuleNotFoundError(
                f"{name} has no counterpart in plain torch; python -m pip install {root}"
            )
        return modules[name if fromlist else root]

    def checked(file: Any) -> list[str]:
        try:
            return check(file)
        except ImportError as error:
            roots = (name.partition(".")[0] for name in dynamic.get_imports(file))
            missing = sorted({root for root in roots if root not in modules and find_spec(root) is None})
            if missing or not _wants_kernels(error):
                packages = " ".join(missing)
                raise ImportError(f"its code imports {packages}; python -m pip install {packages}") from error
            return dynamic.get_relative_imports(file)

    builtins.__import__, dynamic.check_imports = imported, checked
    try:
        yield used
    finally:
        builtins.__import__, dynamic.check_imports = whole, check


def rms_norm_fn(x: torch.Tensor, weight: torch.Tensor, bias: None = None, eps: float = 1e-6) -> torch.Tensor:  # noqa: ARG001
    """Return ``x weight / sqrt(mean(x^2) + eps)`` over the last dimension, rounded once.

    Example:
        >>> rms_norm_fn(torch.tensor([2.0, -2.0]), torch.tensor([3.0, 1.0]), eps=0.0).tolist()
        [3.0, -1.0]
    """
    wide = x.float()
    scale = torch.rsqrt(wide.square().mean(dim=-1, keepdim=True) + eps)
    return (wide * scale * weight.float()).to(x.dtype)


def flash_attn_func(
    q: torch.Tensor,
    k: torch.Tensor,
    v: torch.Tensor,
    *,
    softmax_scale: float | None = None,
    causal: bool = False,
) -> torch.Tensor:
    """Return attention, from queries (B, L, heads, width) and keys and values with as many or fewer heads."""
    q, k, v = q.transpose(1, 2), k.transpose(1, 2), v.transpose(1, 2)
    mixed = torch.nn.functional.scaled_dot_product_attention(
        q, k, v, scale=softmax_scale, is_causal=causal, enable_gqa=True
    )
    return mixed.transpose(1, 2)


class _Kernel:
    """A kernel that is not there."""

    def __init__(self, function: Callable[..., Any]) -> None:
        self._name = function.__name__

    def __call__(self, *_: Any, **__: Any) -> Any:
        raise InputError(
            f"the model's code calls {self._name}, which needs triton: python -m pip install triton."
        )

    def __getitem__(self, _: Any) -> Any:
        return self


class _Module(ModuleType):
    """A module of given values that notes when one is used; ``rest`` stands for values that are not given."""

    def __init__(self, name: str, note: Callable[[], None], values: dict[str, Any], rest: Any = None) -> None:
        super().__init__(name)
        self._note, self._values, self._rest = note, values, rest

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__") or (name not in self._values and self._rest is None):
            raise AttributeError(f"{self.__name__} in plain torch has no {name}")
        self._note()
        return self._values.get(name, self._rest)


def _modules(used: list[str]) -> dict[str, ModuleType]:
    """Return the modules by name."""

    def noted(package: str) -> Callable[[], None]:
        return lambda: None if NAMES[package] in used else used.append(NAMES[package])

    def unchanged(*_: Any, **__: Any) -> Callable[[Any], Any]:
        return lambda function: function

    flash, triton = noted("flash_attn"), noted("triton")
    language = _Module("triton.language", triton, {}, rest=object())
    decorators = {"heuristics": unchanged, "autotune": unchanged, "Config": unchanged, "jit": _Kernel}
    return {
        "flash_attn": _Module("flash_attn", flash, {"flash_attn_func": flash_attn_func}),
        "flash_attn.ops.triton.layer_norm": _Module("layer_norm", flash, {"rms_norm_fn": rms_norm_fn}),
        "triton": _Module("triton", triton, {**decorators, "language": language}),
        "triton.language": language,
    }

"""Published model code on newer transformers, and messages that name versions.

transformers 5 removed things that code published with checkpoints of 2025 imports. What takes a few lines is put back
while such code is imported, and named in the facts of the model:

- ``rope default``: the frequencies ``base ** (-2 j / d)`` of rotary positions without scaling, which
  ``ROPE_INIT_FUNCTIONS`` had under ``"default"`` until version 4.57.
- ``loss keywords``: the name ``transformers.utils.LossKwargs`` for annotations, gone with version 4.54 (SDAR).
- ``tied keys``: a list of tied weights in a class, which became a mapping; it is emptied, since embeddings and head are
  shared here as the configuration says.

For anything else an error names the version installed, the one the checkpoint was written with, and the line of pip.
"""

from __future__ import annotations

from collections.abc import Generator, Iterable
from contextlib import contextmanager, redirect_stdout
from io import StringIO
from json import JSONDecodeError
from typing import Any, TypedDict
from warnings import catch_warnings, simplefilter
from weakref import WeakKeyDictionary

import torch

from theory.validation import InputError

__all__ = [
    "OWN_CODE",
    "empty_tied_keys",
    "one_line",
    "put_back",
    "quiet",
    "remembered",
    "transformers",
    "version_advice",
]

OLDEST = (4, 46)  # of the extra `hf`
OWN_CODE = "transformers_modules"  # where transformers puts the code of checkpoints
_PUT_BACK: WeakKeyDictionary[Any, set[str]] = WeakKeyDictionary()  # names, by class


def transformers() -> Any:
    """Return the transformers package.

    Raises:
        InputError: If it is not installed.
    """
    try:
        import transformers as package
    except ImportError:
        raise InputError("transformers is not installed; python -m pip install 'parabounds[hf]'.") from None
    return package


@contextmanager
def one_line(what: str, written_for: str | None = None) -> Generator[None]:
    """Turn any error of other code into one line.

    Args:
        what: What could not be loaded, for the line.
        written_for: The version of transformers the checkpoint names, if its own code or a newer architecture may
            be at odds with the version installed.
    """
    try:
        yield
    except InputError:
        raise
    except Exception as error:
        lines = [line.strip() for line in str(error).splitlines() if line.strip()]
        text = lines[0] if lines else type(error).__name__
        if text.endswith(":"):
            text = " ".join(lines[:2])
        if isinstance(error, KeyError):
            text = f"the key {text} is missing."
        # a package or a file is missing, or a file is damaged: no version helps
        other = "pip install" in text or isinstance(error, OSError | SyntaxError | JSONDecodeError)
        advice = "" if other else version_advice(written_for)
        raise InputError(f"cannot load {what}: {text.rstrip('.')}.{advice}") from None


def version_advice(written_for: str | None, installed: str | None = None) -> str:
    """Return the sentence on versions of transformers, empty if there is nothing to advise.

    Args:
        written_for: The version that a checkpoint names.
        installed: The version here; by default that of the package.

    Example:
        >>> version_advice("4.46.2", "4.46.3")
        ''
        >>> version_advice("4.52.3", "5.24.0").partition("; ")[2]
        "python -m pip install 'transformers>=4.52.3,<5'."
    """
    installed = installed or str(transformers().__version__)
    if written_for is None or _release(written_for)[:2] == _release(installed)[:2]:
        return ""
    wanted = max(_release(written_for)[:2], OLDEST)
    exact = _release(written_for)[:2] >= OLDEST and "dev" not in written_for
    version = written_for if exact else f"{wanted[0]}.{wanted[1]}"
    # a newer one of the same major version already fails: only the one named is a safe guess
    same = wanted[0] == _release(installed)[0] and wanted < _release(installed)[:2]
    range_ = f"=={version}" if same else f">={version},<{wanted[0] + 1}"
    return (
        f" The checkpoint was written with transformers {written_for}, installed is {installed}; "
        f"python -m pip install 'transformers{range_}'."
    )


def _release(version: str) -> tuple[int, ...]:
    """Return the leading numbers of a version."""
    numbers: list[int] = []
    for part in version.split("."):
        if not part.isdecimal():
            break
        numbers.append(int(part))
    return tuple(numbers)


@contextmanager
def put_back() -> Generator[list[str]]:
    """Put back what published code needs, while it is imported and built; yield the names of what it used."""
    used = list[str]()

    def noted(name: str, value: Any) -> Any:
        used.extend(() if name in used else (name,))
        return value

    def default_frequencies(*given: Any, **named: Any) -> tuple[torch.Tensor, float]:
        return noted("rope default", _default_frequencies(*given, **named))

    def missing(name: str) -> Any:
        if name != "LossKwargs":
            raise AttributeError(f"module 'transformers.utils' has no attribute {name!r}")
        return noted("loss keywords", _LossKeywords)

    functions, names = transformers().modeling_rope_utils.ROPE_INIT_FUNCTIONS, vars(transformers().utils)
    added: list[tuple[dict[str, Any], str]] = []
    for place, name, value in ((functions, "default", default_frequencies), (names, "__getattr__", missing)):
        if name not in place:
            place[name] = value
            added.append((place, name))
    try:
        yield used
    finally:
        for place, name in added:
            del place[name]


class _LossKeywords(TypedDict, total=False):
    """The keywords of a loss, which published code names in annotations alone."""

    num_items_in_batch: int


def empty_tied_keys(kind: Any) -> list[str]:
    """Empty the list of tied weights of a class where transformers reads a mapping; return the name of that."""
    if _release(transformers().__version__)[0] < 5 or not isinstance(kind._tied_weights_keys, list):
        return []
    kind._tied_weights_keys = None
    return ["tied keys"]


def remembered(kind: Any, used: Iterable[str]) -> list[str]:
    """Return what was put back for a class, now or when its code was imported, which happens once a process."""
    _PUT_BACK.setdefault(kind, set()).update(used)
    return sorted(_PUT_BACK[kind])


def _default_frequencies(config: Any = None, device: Any = None, **given: Any) -> tuple[torch.Tensor, float]:
    """Return ``base ** (-2 j / d)`` for ``j < d / 2``, float32, and the scale 1 of attention.

    ``base`` and ``d`` are those of the configuration (``rope_theta``; ``head_dim`` times ``partial_rotary_factor``),
    or given as ``base`` and ``dim``.
    """
    base, width = given.get("base"), given.get("dim")
    if config is not None:
        base = config.rope_theta
        head = getattr(config, "head_dim", None) or config.hidden_size // config.num_attention_heads
        width = int(head * getattr(config, "partial_rotary_factor", 1.0))
    assert base is not None
    assert width is not None
    exponents = torch.arange(0, width, 2, dtype=torch.int64).to(device=device, dtype=torch.float) / width
    return 1.0 / (base**exponents), 1.0


@contextmanager
def quiet() -> Generator[None]:
    """Silence progress bars, advice and prints of transformers and of a model's code; errors are still raised."""
    logging = transformers().utils.logging
    level, bars = logging.get_verbosity(), logging.is_progress_bar_enabled()
    logging.set_verbosity(logging.CRITICAL)
    logging.disable_progress_bar()
    try:
        with redirect_stdout(StringIO()), catch_warnings():  # results go there
            simplefilter("ignore")
            yield
    finally:
        logging.set_verbosity(level)
        if bars:
            logging.enable_progress_bar()

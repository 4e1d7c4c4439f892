"""Every path of the project on one device: ``python benchmarks/device.py``, meant for four minutes of a GPU.

It decodes with the ideal and the trained sampler at n = 16, saves a random bidirectional transformer of a billion
parameters with LLaDA's vocabulary (2 GB of temporary files), loads it and takes it through ``verify`` and ``gap`` (with
and without a cache) and steps of ``finetune``, trains the shipped model again, draws Figure 2 on the device, and
compares logits with the CPU. The table names the device; ``--out FILE`` also writes it as Markdown, after every part.
A part that fails is a line, and the others follow. ``--tiny`` is the same in seconds on a CPU. The exit status is 1 if
a check fails. It needs the extra ``finetune``.
"""

from __future__ import annotations

import argparse
import platform
import sys
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from time import perf_counter
from typing import Any

import numpy as np
import torch

from models.evaluation.exact_reference import exact_means
from models.evaluation.gap import gap_records, gap_rules
from models.evaluation.trials import Trials, ideal_trials, model_trials
from models.evaluation.verify import verify
from models.inputs.task_models import load_subject
from models.inputs.text_model import TextSubject
from models.predictors.checkpoint import load_model, read_card
from models.predictors.device import check_device
from models.predictors.huggingface_options import HFOptions
from models.predictors.recipes import recipe
from models.runs.binomial import binomial_interval
from models.sampling.decoding_settings import Decoding
from models.training.finetune import FinetuneRecipe, finetune
from models.training.shipped_weights import make_weights
from synthetic import make_task
from synthetic.encoding import WORDS
from synthetic.task import list_task
from theory.policies import parse_policy
from theory.validation import InputError

TOLERANCE = 1e-3  # of logits in float32 of up to 30: matrix products on a GPU are summed in another order
LLADA_VOCABULARY = 126_464
MARGIN = 0.03  # of the accuracy of a trained model


@dataclass(frozen=True, kw_only=True)
class Sizes:
    """How much of everything; the defaults are those of a GPU."""

    samples: int = 20_000
    width: int = 2048
    layers: int = 16
    vocabulary: int = LLADA_VOCABULARY
    texts: int = 64
    steps: int = 20
    retrained: int | None = None


TINY = Sizes(samples=200, width=16, layers=2, vocabulary=400, texts=8, steps=2, retrained=3)


@dataclass(frozen=True, kw_only=True)
class Line:
    """A line of the table; ``good`` is ``None`` for what is measured and not judged."""

    what: str
    value: str
    good: bool | None = None


Part = Callable[[str, Sizes], Iterator[Line]]


def samplers(device: str, sizes: Sizes) -> Iterator[Line]:
    """Shuffle with 16 items in 8 steps: the ideal model against its exact accuracy, the shipped one beside it."""
    policy = parse_policy("topk:k=2,by=random")
    exact = exact_means([(Fraction(1), make_task("shuffle", 16))], policy, Fraction(1))
    assert exact is not None
    shipped = load_model(device=device)

    given = ("shuffle", 16, str(policy))
    runs: dict[str, tuple[Callable[[], Trials], float]] = {
        "ideal": (lambda: ideal_trials(*given, samples=sizes.samples, seed=0, device=device), 0.0),
        "trained": (lambda: model_trials(shipped, *given, samples=sizes.samples, seed=0), MARGIN),
    }
    for name, (run, margin) in runs.items():
        began = now(device)
        found = run()
        taken = now(device) - began
        low, high = binomial_interval(found.successes, found.samples, level=0.9999)
        yield Line(
            what=f"shuffle n = 16, k = 2, {name}: accuracy (exact {float(exact.accuracy):.5f})",
            value=f"{found.successes / found.samples:.5f}, {found.samples / taken:.0f} decodes a second",
            good=low - margin <= exact.accuracy <= high + margin,
        )


def large_model(device: str, sizes: Sizes) -> Iterator[Line]:
    """A random transformer of LLaDA's vocabulary: loaded, then through verify, gap and finetune."""
    with tempfile.TemporaryDirectory() as folder:
        _save_random(Path(folder) / "random", device, sizes)
        began = now(device)
        subject = load_subject(str(Path(folder) / "random"), HFOptions(device=device), tasks=["copy"])
        assert isinstance(subject, TextSubject)
        count = sum(p.numel() for p in subject.predictor.model.parameters())
        yield Line(
            what=f"random transformer of {count:,} parameters: loaded", value=f"{now(device) - began:.1f} s"
        )
        if device.startswith("cuda"):
            torch.cuda.reset_peak_memory_stats(device)
        yield from _read(subject, device, sizes)
        steps, losses = sizes.steps, list[float]()
        wanted = FinetuneRecipe(
            tasks=("copy",), sizes=(4,), examples=8 * (steps + 1), epochs=1, rank=4, batch=8
        )
        began, tuned = now(device), Path(folder) / "tuned"
        finetune(
            subject, wanted, Path(folder), tuned, limit=steps, report=lambda *step: losses.append(step[1])
        )
        yield Line(
            what="finetune: steps of 8 examples",
            value=f"{steps / (now(device) - began):.2f} a second",
            good=len(losses) == steps and bool(np.isfinite(losses).all()),
        )
        if device.startswith("cuda"):
            most = torch.cuda.max_memory_allocated(device) / 2**30
            yield Line(what="random transformer: largest memory of it all", value=f"{most:.1f} GiB")


def _read(subject: TextSubject, device: str, sizes: Sizes) -> Iterator[Line]:
    """Decode and score with the random transformer, without a cache and with one."""
    policy = parse_policy("topk:k=2,by=confidence,block=2")
    tokens = torch.tensor(subject.tokenizer("apple bell")["input_ids"] + [subject.predictor.mask_id] * 8)
    rows = tokens.repeat(sizes.texts, 1).to(device)
    for decoding in (Decoding(), Decoding(cache="dual")):
        given: dict[str, Any] = {
            "policy": policy,
            "temperature": Fraction(1),
            "decoding": decoding,
            "seed": 0,
        }
        (row,) = verify(subject, [("copy", 4)], samples=sizes.texts, states=sizes.texts, **given)["rows"]
        yield Line(
            what=f"verify, cache {decoding.cache}: decodes",
            value=f"{row['samples_per_second']:.2f} a second",
            good=row["steps"] == 2,
        )
        began = now(device)
        records = gap_records(
            subject.predictor, rows, range(sizes.texts), gap_rules(str(policy), seed=0, decoding=decoding)
        )
        taken = now(device) - began
        mean = np.mean([record["chain"] - record["parallel"] for record in records])
        yield Line(
            what=f"gap, cache {decoding.cache}: bits per sequence",
            value=f"{mean:.4f}, {sizes.texts / taken:.2f} sequences a second",
            good=bool(np.isfinite(mean)),
        )


def retrained(device: str, sizes: Sizes) -> Iterator[Line]:
    """The shipped model, trained again on the device."""
    with tempfile.TemporaryDirectory() as folder:
        began = perf_counter()
        path = make_weights(recipe("small", steps=sizes.retrained), Path(folder), device=device)
        worst = read_card(path)["measured"]["worst_tv"]
    full = sizes.retrained is None
    yield Line(
        what="shipped model trained again: largest distance to the ideal marginals",
        value=f"{worst:.4f}, {perf_counter() - began:.0f} s with its measurement",
        good=worst < MARGIN if full else None,
    )


def figure2(device: str, sizes: Sizes) -> Iterator[Line]:  # noqa: ARG001
    """Figure 2 with its small settings; its own checks decide."""
    from figures.command import main

    with tempfile.TemporaryDirectory() as folder:
        began = perf_counter()
        status = main(["figure2", "--fast", "--jobs", "1", "--device", device, "--out", folder])
        yield Line(what="Figure 2, --fast", value=f"{perf_counter() - began:.0f} s", good=status == 0)


def equality(device: str, sizes: Sizes) -> Iterator[Line]:  # noqa: ARG001
    """Logits of the shipped model on the device and on the CPU."""
    here, there = load_model(), load_model(device=device)
    task = list_task("shuffle", 16)
    batch = here.encoding.sample_batch(task, 64, np.random.default_rng(0))
    tokens = torch.from_numpy(batch.tokens.copy())
    tokens[:, batch.answer] = here.mask_id
    with torch.no_grad():
        distance = float((here(tokens) - there(tokens.to(device)).cpu()).abs().max())
    yield Line(
        what=f"logits of the shipped model against the CPU (tolerance {TOLERANCE:g})",
        value=f"{distance:.2e}",
        good=distance <= TOLERANCE,
    )


PARTS: dict[str, Part] = {
    "equality": equality,
    "samplers": samplers,
    "large_model": large_model,
    "retrained": retrained,
    "figure2": figure2,
}


def _save_random(folder: Path, device: str, sizes: Sizes) -> None:
    """Save a random BERT of the given width, in bfloat16 unless it is for a CPU, with a tokenizer of whole words."""
    import transformers
    from tokenizers import Tokenizer, models, pre_tokenizers

    names = dict.fromkeys(("[PAD]", "[UNK]", "[MASK]", *'[]",:().', *"abcdefghijklmnopqrstuvwxyz", *WORDS))
    inner = Tokenizer(models.WordLevel({name: j for j, name in enumerate(names)}, unk_token="[UNK]"))
    inner.pre_tokenizer = pre_tokenizers.Whitespace()
    special = {"unk_token": "[UNK]", "mask_token": "[MASK]"}
    transformers.PreTrainedTokenizerFast(tokenizer_object=inner, **special).save_pretrained(folder)
    config = transformers.BertConfig(
        vocab_size=sizes.vocabulary,
        hidden_size=sizes.width,
        num_hidden_layers=sizes.layers,
        num_attention_heads=max(2, sizes.width // 128),
        intermediate_size=4 * sizes.width,
        max_position_embeddings=128,
    )
    torch.manual_seed(0)
    dtype = torch.float32 if device == "cpu" else torch.bfloat16
    with torch.device(device):  # random numbers are drawn faster there
        model: Any = transformers.BertForMaskedLM(config)
    model.to(dtype).save_pretrained(folder)


def now(device: str) -> float:
    """Return the time once the device has done what it was asked for."""
    if device.startswith("cuda"):
        torch.cuda.synchronize(device)
    return perf_counter()


def device_name(device: str) -> str:
    """Return what the device is called."""
    if device.startswith("cuda"):
        return torch.cuda.get_device_name(device)
    return f"{device} ({platform.machine()})"


def main(given: list[str] | None = None) -> int:
    """Run the parts, print the table, and return 1 if a check failed."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--device", default="cuda", help="cuda, cuda:K, mps or cpu (%(default)s)")
    parser.add_argument("--tiny", action="store_true", help="the smallest sizes, for a CPU")
    parser.add_argument("--only", choices=tuple(PARTS), action="append", help="one part; may be repeated")
    parser.add_argument("--out", type=Path, metavar="FILE", help="also write the table as Markdown")
    arguments = parser.parse_args(given)
    try:
        check_device(arguments.device)
    except InputError as error:
        parser.error(str(error))
    title = f"{device_name(arguments.device)}, torch {torch.__version__}{', --tiny' * arguments.tiny}"
    rows: list[tuple[str, str, str]] = []
    table, failed, began = "", False, perf_counter()
    for name in arguments.only or PARTS:
        print(f"{perf_counter() - began:.0f} s: {name}", file=sys.stderr, flush=True)
        for line in _lines(name, arguments.device, TINY if arguments.tiny else Sizes()):
            failed |= line.good is False
            rows.append((line.what, line.value, {True: "yes", False: "NO", None: "-"}[line.good]))
        table = _markdown(title, [*rows, ("all of it", f"{perf_counter() - began:.0f} s", "-")])
        if arguments.out is not None:
            arguments.out.write_text(table, encoding="utf-8")
    print(table, end="")
    return int(failed)


def _lines(name: str, device: str, sizes: Sizes) -> Iterator[Line]:
    """Yield the lines of a part; an error is a line too, since a device may not be at hand again."""
    try:
        yield from PARTS[name](device, sizes)
    except Exception as error:
        text = (str(error).splitlines() or [""])[0].replace("|", "/")
        yield Line(what=f"{name} stopped", value=f"{type(error).__name__}: {text}", good=False)


def _markdown(title: str, rows: list[tuple[str, str, str]]) -> str:
    lines = [(title, "value", "as it must be"), ("---", "---", "---"), *rows]
    return "".join(f"| {' | '.join(cells)} |\n" for cells in lines)


if __name__ == "__main__":
    sys.exit(main())

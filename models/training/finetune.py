"""Fine-tuning of a language model on list tasks with the recipe of arXiv 2510.04767.

LoRA of rank 128 and alpha 256 on q, k and v; AdamW at 1e-5; 10 epochs of 20,000 examples; cosine to zero after a
warm-up of 0.05. The batch size of 32 is our choice. Loss: cross-entropy of the masked items, a uniform number masked at
random places, mean over the masked ones of an example, then over examples (the any-order evidence bound). There is no
dropout, so that a resumed run gives the same weights.

Several workers (``torchrun``, ``accelerate launch``) each take a share of every batch. The gradients of the adapters
are averaged after the backward passes, so that a worker may split its share when its memory runs out.
"""

from __future__ import annotations

import json
import time
from collections import deque
from collections.abc import Sequence
from contextlib import nullcontext
from dataclasses import asdict, dataclass
from math import cos, pi
from pathlib import Path
from typing import Any

import torch
from torch import distributed, nn
from torch.nn import functional

from models.inputs.text_model import TextSubject
from models.predictors.chosen_logits import logits_at
from models.predictors.huggingface_predictor import HFPredictor
from models.predictors.lora import add_adapters, save_adapted
from models.runs.distributed import Workers
from models.runs.halving_batches import batch_size, halving_batches
from models.runs.output_lock import locked
from models.runs.progress import Report
from models.runs.records import digest
from models.runs.stop_signals import StopSignals
from models.training.finetune_data import Examples, Step, make_examples
from models.training.finetune_state import restore_state, save_state
from models.training.recomputed_layers import recomputed_layers
from theory.files import write_atomically
from theory.validation import InputError, positive_int

__all__ = ["SAVE_MINUTES", "FinetuneRecipe", "finetune", "finished", "run_settings"]

SAVE_MINUTES = 5.0


@dataclass(frozen=True, kw_only=True)
class FinetuneRecipe:
    """The recipe of a fine-tuning run; defaults are the paper's where it names them.

    Attributes:
        tasks: List tasks, in equal shares.
        sizes: Lengths of the lists, in equal shares.
        examples: Examples of an epoch.
        epochs: Passes over them.
        rank: The rank of the adapters.
        alpha: The scale of the adapters times ``rank``.
        rate: Peak learning rate.
        warmup: Share of the steps with a rising rate.
        decay: Weight decay.
        clip: Largest norm of the gradient.
        batch: Examples per step, over all workers.
        targets: Linear layers; q, k and v by default.
        seed: The seed of examples, masks and initial weights.
    """

    tasks: tuple[str, ...] = ("copy", "replace_index", "replace_random", "shuffle")
    sizes: tuple[int, ...] = (4, 5, 6, 7, 8, 9, 10)
    examples: int = 20_000
    epochs: int = 10
    rank: int = 128
    alpha: int = 256
    rate: float = 1e-5
    warmup: float = 0.05
    decay: float = 0.01
    clip: float = 1.0
    batch: int = 32
    targets: tuple[str, ...] = ()
    seed: int = 0

    def __post_init__(self) -> None:
        for name in ("examples", "epochs", "rank", "alpha", "batch"):
            object.__setattr__(self, name, positive_int(getattr(self, name), name))
        if not self.tasks or not self.sizes:
            raise InputError("fine-tuning needs at least one task and one size.")
        if not (self.rate > 0 and 0 <= self.warmup < 1):
            raise InputError(f"rate must be above 0 and warmup in [0, 1), got {self.rate} and {self.warmup}.")


def finetune(
    subject: TextSubject,
    recipe: FinetuneRecipe,
    source: Path,
    out: Path,
    *,
    resume: bool = False,
    limit: int | None = None,
    save_every: float = SAVE_MINUTES,
    recompute: bool = False,
    report: Report | None = None,
) -> Path | None:
    """Fine-tune, and write adapters, the merged model and a card into ``out``.

    Args:
        subject: The model with its tokenizer; it is changed.
        recipe: The recipe.
        source: Directory of the model.
        out: The output folder, also for the state of an unfinished run.
        resume: Continue from that state.
        limit: Stop after this many steps, keeping the state.
        save_every: Minutes between two saved states; a signal to stop saves one too, and the run ends.
        recompute: Compute the inside of layers again in the backward pass, see
            :mod:`models.training.recomputed_layers`; the result is the same.
        report: Called after every step with its number, loss and floor.

    Returns:
        The folder of the merged model; ``None`` if the run is not finished, or another worker writes it.

    Raises:
        InputError: For settings out of range, or an existing state without ``resume``.
    """
    model = subject.predictor.model
    with locked(out), recomputed_layers(model) if recompute else nullcontext():
        return _finetune(subject, recipe, source, out, resume, limit, save_every, report)


def finished(settings: dict[str, Any], out: Path) -> bool:
    """Return whether a folder holds the finished run of these settings.

    Raises:
        InputError: If it holds the finished run of others.
    """
    card = out / "finetune.json"
    if not card.exists() or not (out / "merged").is_dir():
        return False
    try:
        kept = json.loads(card.read_bytes())
        same = digest({name: kept[name] for name in settings}) == digest(settings)
    except (ValueError, KeyError, TypeError):
        raise InputError(f"{card} is no card of a fine-tuning; name another folder, or remove it.") from None
    if not same:
        raise InputError(
            f"{out} holds a finished run with other settings; name another folder, or remove it."
        )
    return True


def run_settings(subject: TextSubject, recipe: FinetuneRecipe) -> dict[str, Any]:
    """Return the JSON values that decide the result of a run."""
    made = {"recipe": asdict(recipe), "facts": subject.facts, "words": list(subject.words)}
    return json.loads(json.dumps(made))


def _finetune(
    subject: TextSubject,
    recipe: FinetuneRecipe,
    source: Path,
    out: Path,
    resume: bool,
    limit: int | None,
    save_every: float,
    report: Report | None,
) -> Path | None:
    settings, state = run_settings(subject, recipe), out / "finetune.state.safetensors"
    if state.exists() and not resume:
        raise InputError(f"{state} is of an unfinished run; continue it with --resume, or remove it.")
    if resume and not state.exists() and finished(settings, out):
        return out / "merged"
    predictor = subject.predictor
    examples = make_examples(
        subject, recipe.tasks, recipe.sizes, examples=recipe.examples, batch=recipe.batch, seed=recipe.seed
    )
    total = recipe.epochs * examples.steps
    predictor.model = add_adapters(
        predictor.model, rank=recipe.rank, alpha=recipe.alpha, targets=recipe.targets, seed=recipe.seed
    )
    adapters = {name: p for name, p in predictor.model.named_parameters() if p.requires_grad}
    optimizer = torch.optim.AdamW(list(adapters.values()), lr=recipe.rate, weight_decay=recipe.decay)
    losses: deque[float] = deque(maxlen=examples.steps)  # of an epoch
    with Workers.from_environment(predictor.device.type) as workers, StopSignals() as stop:
        begin = 0
        if state.exists():
            begin, before = restore_state(state, settings, adapters, optimizer)
            losses.extend(before)
        end = total if limit is None else min(total, begin + limit)
        if workers.world > 1:
            for p in adapters.values():
                distributed.broadcast(p.data, 0)
        saved, micro, done = time.monotonic(), recipe.batch, begin
        for step in range(begin, end):
            for group in optimizer.param_groups:
                group["lr"] = recipe.rate * _schedule(step, total, recipe.warmup)
            data = examples.step(step, rank=workers.rank, world=workers.world)
            loss, micro = _backward(predictor, list(adapters.values()), data, micro)
            _average(adapters.values(), workers.world)
            nn.utils.clip_grad_norm_(adapters.values(), recipe.clip)
            optimizer.step()
            losses.append(loss)
            done, stopped = step + 1, workers.any(stop.name is not None)
            if workers.rank == 0:
                if report is not None:
                    report(done, loss, data.floor)
                if time.monotonic() - saved >= 60 * save_every or done == end or stopped:
                    save_state(state, settings, adapters, optimizer, list(losses), done)
                    saved = time.monotonic()
            if stopped:
                break
        if workers.rank or done < total:
            return None
        _finish(subject, examples, settings, source, out, list(losses))
    state.unlink(missing_ok=True)
    return out / "merged"


def _backward(
    predictor: HFPredictor, parameters: Sequence[nn.Parameter], data: Step, micro: int
) -> tuple[float, int]:
    """Compute the gradient of one step in the adapters; return the loss and the next batch size to try."""
    size = min(micro, batch_size(predictor.device, data.tokens.shape[1] * predictor.vocab_size))
    wanted, largest = min(size, len(data.tokens)), 1

    def part(rows: Sequence[int]) -> float:
        nonlocal largest
        loss = _loss(predictor, data, rows)
        # all gradients or none, if a pass runs out of memory
        gradients = torch.autograd.grad(loss, parameters)
        for p, gradient in zip(parameters, gradients, strict=True):
            p.grad = gradient if p.grad is None else p.grad + gradient
        largest = max(largest, len(rows))
        return float(loss.detach())

    for p in parameters:
        p.grad = None
    loss = sum(halving_batches(range(len(data.tokens)), part, size))
    return loss, micro if largest == wanted else largest


def _loss(predictor: HFPredictor, data: Step, rows: Sequence[int]) -> torch.Tensor:
    device, index = predictor.device, list(rows)
    weights = data.weights[index]
    row, column = weights.nonzero(as_tuple=True)  # on the CPU: nothing waits for a GPU
    where = weights[row, column].to(device)
    targets = data.targets[index][row, column].to(device)
    half = device.type == "cuda"
    with torch.autocast("cuda", dtype=torch.bfloat16) if half else nullcontext():
        logits = logits_at(predictor, data.tokens[index].to(device), row.to(device), column.to(device))
    return functional.cross_entropy(logits.float(), targets, reduction="none") @ where


def _average(parameters: Any, world: int) -> None:
    """Average the gradients over the workers."""
    if world > 1:
        for p in parameters:
            distributed.all_reduce(p.grad)
            p.grad /= world


def _schedule(step: int, total: int, warmup: float) -> float:
    """Return the share of the peak rate, a linear rise, then a cosine to zero."""
    rise = max(1, round(warmup * total))
    if step < rise:
        return (step + 1) / rise
    return 0.5 * (1 + cos(pi * (step - rise) / max(1, total - rise)))


def _finish(
    subject: TextSubject,
    examples: Examples,
    settings: dict[str, Any],
    source: Path,
    out: Path,
    losses: list[float],
) -> None:
    model = subject.predictor.model.eval()
    save_adapted(model, subject.tokenizer, source, out)
    card = {
        "format": "parabounds fine-tuning 1",
        **settings,
        "steps_per_epoch": examples.steps,
        "last_loss": sum(losses) / len(losses),
        "mean_floor": sum(examples.floors) / len(examples.floors),
        "torch": torch.__version__,
    }
    write_atomically(out / "finetune.json", json.dumps(card, indent=2) + "\n")

"""Training a diffusion model of the list tasks from scratch.

Each step draws one n and a fresh batch of instances of all tasks, masks a uniform number of answer positions, and
minimises the cross-entropy of the masked tokens: its mean over the masked ones of a sequence, then over sequences. A
model of uniform noise instead gets answers with noise at a signal uniform in [0, 1), and all positions count. The
data of step t follow from (seed, t) alone and nothing else is random after the initial weights, so a checkpoint needs
weights, optimiser and step, and a resumed run gives bitwise equal weights.
"""

from __future__ import annotations

import json
import time
from collections.abc import Generator, Mapping, Sequence
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass
from functools import lru_cache
from math import cos, pi
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from safetensors.torch import save
from torch import nn
from torch.nn import functional

from models.predictors.checkpoint import Network, network, read_tensors
from models.predictors.distance_to_ideal import loss_floor, random_masks
from models.predictors.recipes import Recipe
from models.predictors.uniform import add_noise, ideal_posteriors
from models.runs.distributed import Workers
from models.runs.progress import Report
from synthetic.encoding import Batch, context_distributions
from synthetic.task import list_task
from theory.files import write_atomically
from theory.validation import InputError

__all__ = ["Sample", "build_model", "sample", "state_path", "train"]

FORMAT = "parabounds training state 1"


@dataclass(frozen=True, kw_only=True, eq=False)
class Sample:
    """The data of one step.

    Attributes:
        tokens: Sequences with masks or noise, shape (B, L).
        targets: True answers, shape (B, m).
        weights: Weight of every position in the loss, zero where nothing is masked, sum 1; shape (B, m).
        first: The column where answers begin.
        floor: The loss of the ideal model, nats: its expectation for masks; for uniform noise the mean entropy of its
            posteriors in this very batch.
        signal: Of each row, for a model of uniform noise; shape (B,).
    """

    tokens: torch.Tensor
    targets: torch.Tensor
    weights: torch.Tensor
    first: int
    floor: float
    signal: torch.Tensor | None = None

    def inputs(self, device: torch.device | str = "cpu") -> tuple[torch.Tensor, ...]:
        """Return what the model reads: the tokens, and the signal if there is one."""
        given = (self.tokens,) if self.signal is None else (self.tokens, self.signal)
        return tuple(tensor.to(device) for tensor in given)


def train(
    recipe: Recipe,
    out: Path,
    *,
    device: str = "cpu",
    threads: int = 1,
    compiled: bool = False,
    resume: bool = False,
    save_seconds: float = 30.0,
    report: Report | None = None,
) -> Network:
    """Return the trained model; its state is kept in ``out`` while it trains.

    Args:
        recipe: What to train and how.
        out: Folder of the checkpoint.
        device: cpu, cuda or mps. Under ``torchrun`` every worker trains on its share of each batch.
        threads: Threads of a CPU.
        compiled: Use ``torch.compile``.
        resume: Continue from the checkpoint in ``out``, if there is one.
        save_seconds: Time between checkpoints.
        report: Called after every step.

    Raises:
        InputError: If ``out`` has an unfinished run and ``resume`` is false, or one of another recipe.
    """
    with Workers.from_environment(device) as workers, _threads(threads):
        model = build_model(recipe).to(workers.device)
        optimizer = _optimizer(model, recipe)
        done = _restore(recipe, out, model, optimizer) if resume else _require_unused(recipe, out)
        trained = workers.wrap(model)
        if compiled:
            trained.compile(dynamic=True)
        saved = time.monotonic()
        for step in range(done, recipe.steps):
            data = sample(recipe, step, rank=workers.rank, world=workers.world)
            loss = _step(trained, optimizer, recipe, step, data, workers.device)
            if workers.rank == 0:
                if report is not None:
                    report(step + 1, float(loss), data.floor)
                if time.monotonic() - saved > save_seconds:
                    _save(recipe, out, model, optimizer, step + 1)
                    saved = time.monotonic()
    state_path(recipe, out).unlink(missing_ok=True)
    return model.eval()


def build_model(recipe: Recipe) -> Network:
    """Return the untrained model; its weights follow from the seed."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(recipe.seed)
        return network(recipe)


def sample(recipe: Recipe, step: int, *, rank: int = 0, world: int = 1) -> Sample:
    """Return the data of a step, with one n for all workers and this worker's share of the batch.

    Tasks whose answers differ in length take turns: a step draws one length, by the shares of its tasks.
    """
    shared = np.random.default_rng([recipe.seed, step])
    n = int(shared.integers(recipe.shortest, recipe.longest + 1))
    tasks = _tasks_of_one_length(recipe.tasks, n, shared)
    # the longer seed differs from the shorter one only by its non-zero end
    rng = np.random.default_rng([recipe.seed, step, rank + 1])
    size, rest = divmod(recipe.batch, world)
    if rest:
        raise InputError(f"batch must be a multiple of the {world} workers, got {recipe.batch}.")
    shares = np.array(list(tasks.values()))
    counts = rng.multinomial(size, shares / shares.sum()).tolist()
    encoding = recipe.encoding
    batches = [
        encoding.sample_batch(list_task(name, n), count, rng)
        for name, count in zip(tasks, counts, strict=True)
    ]
    if recipe.model.noise == "uniform":
        return _with_noise(batches, rng, encoding.items)
    tokens = np.concatenate([batch.tokens for batch in batches])
    first = encoding.answer_start(n)
    targets = tokens[:, first:].copy()
    masked = random_masks(rng, size, targets.shape[1])
    tokens[:, first:][masked] = encoding.mask
    weights = masked / masked.sum(axis=1, keepdims=True) / size
    floors = sum(count * _floor(name, n) for name, count in zip(tasks, counts, strict=True))
    return Sample(
        tokens=torch.from_numpy(tokens),
        targets=torch.from_numpy(targets),
        weights=torch.from_numpy(weights.astype(np.float32)),
        first=first,
        floor=floors / size,
    )


def _with_noise(batches: Sequence[Batch], rng: np.random.Generator, vocabulary: int) -> Sample:
    """Return the data of a step with uniform noise in the answers."""
    noisy: list[NDArray[np.int64]] = []
    signals: list[torch.Tensor] = []
    floor = 0.0
    for batch in batches:
        signal = torch.from_numpy(rng.random(len(batch)).astype(np.float32))
        tokens = batch.tokens.copy()
        tokens[:, batch.answer] = add_noise(batch.tokens[:, batch.answer], signal.numpy(), vocabulary, rng)
        ideal = ideal_posteriors(batch, tokens, signal.double(), vocabulary)
        floor += float(torch.special.entr(ideal).sum(dim=2).mean(dim=1).sum())
        noisy.append(tokens)
        signals.append(signal)
    clean = np.concatenate([batch.tokens[:, batch.answer] for batch in batches])
    return Sample(
        tokens=torch.from_numpy(np.concatenate(noisy)),
        targets=torch.from_numpy(clean),
        weights=torch.full(clean.shape, 1 / clean.size),
        first=batches[0].answer.start,
        floor=floor / len(clean),
        signal=torch.cat(signals),
    )


def state_path(recipe: Recipe, out: Path) -> Path:
    """Return the file of the checkpoint."""
    return out / f"{recipe.name}.state.safetensors"


def _tasks_of_one_length(tasks: Mapping[str, float], n: int, rng: np.random.Generator) -> Mapping[str, float]:
    """Return the tasks of a step with their shares; nothing is drawn if all answers have one length."""
    groups: dict[int, dict[str, float]] = {}
    for name, share in tasks.items():
        length = context_distributions(list_task(name, n))[0].n
        groups.setdefault(length, {})[name] = share
    if len(groups) == 1:
        return tasks
    shares = np.array([sum(group.values()) for group in groups.values()])
    return list(groups.values())[int(rng.choice(len(groups), p=shares / shares.sum()))]


_floor = lru_cache(maxsize=1024)(loss_floor)


def _step(
    model: nn.Module,
    optimizer: torch.optim.Optimizer,
    recipe: Recipe,
    step: int,
    data: Sample,
    device: torch.device,
) -> torch.Tensor:
    """Make one optimiser step and return the loss before it."""
    for group in optimizer.param_groups:
        group["lr"] = recipe.rate * _schedule(step, recipe)
    half = recipe.half and device.type == "cuda"
    with torch.autocast("cuda", dtype=torch.bfloat16) if half else nullcontext():
        logits = model(*data.inputs(device), first=data.first)
    losses = functional.cross_entropy(
        logits.flatten(0, 1), data.targets.to(device).flatten(), reduction="none"
    )
    loss = losses @ data.weights.to(device).flatten()
    optimizer.zero_grad(set_to_none=True)
    loss.backward()
    nn.utils.clip_grad_norm_(model.parameters(), recipe.clip)
    optimizer.step()
    return loss.detach()


def _schedule(step: int, recipe: Recipe) -> float:
    """Return the share of the peak rate, a linear rise, then a cosine to zero."""
    rise = max(1, round(recipe.warmup * recipe.steps))
    if step < rise:
        return (step + 1) / rise
    return 0.5 * (1 + cos(pi * (step - rise) / max(1, recipe.steps - rise)))


def _optimizer(model: nn.Module, recipe: Recipe) -> torch.optim.AdamW:
    parameters = list(model.parameters())
    groups = [
        {"params": [p for p in parameters if p.ndim >= 2], "weight_decay": recipe.decay},
        {"params": [p for p in parameters if p.ndim < 2], "weight_decay": 0.0},
    ]
    return torch.optim.AdamW(groups, lr=recipe.rate, betas=(0.9, 0.99), fused=True)


def _save(recipe: Recipe, out: Path, model: nn.Module, optimizer: torch.optim.Optimizer, step: int) -> None:
    tensors = {f"model.{name}": t.contiguous() for name, t in model.state_dict().items()}
    for j, values in optimizer.state_dict()["state"].items():
        tensors |= {f"optimizer.{j}.{key}": value.contiguous() for key, value in values.items()}
    facts = {"format": FORMAT, "step": str(step), "recipe": json.dumps(recipe.to_json())}
    write_atomically(state_path(recipe, out), save(tensors, facts))


def _require_unused(recipe: Recipe, out: Path) -> int:
    if (path := state_path(recipe, out)).exists():
        raise InputError(f"{path} is of an unfinished run; continue it with --resume, or remove it.")
    return 0


def _restore(recipe: Recipe, out: Path, model: nn.Module, optimizer: torch.optim.Optimizer) -> int:
    """Load a checkpoint, if there is one, and return the number of steps done."""
    path = state_path(recipe, out)
    if not path.exists():
        return 0
    tensors, facts = read_tensors(path)
    if facts.get("format") != FORMAT:
        raise InputError(f"{path} is no training state; remove it.")
    if json.loads(facts["recipe"]) != json.loads(json.dumps(recipe.to_json())):
        raise InputError(f"{path} is of a run with other settings; use another folder, or remove it.")
    model.load_state_dict(_part(tensors, "model."))
    states: dict[int, dict[str, Any]] = {}
    for name, tensor in _part(tensors, "optimizer.").items():
        j, _, key = name.partition(".")
        states.setdefault(int(j), {})[key] = tensor
    optimizer.load_state_dict({"state": states, "param_groups": optimizer.state_dict()["param_groups"]})
    return int(facts["step"])


def _part(tensors: dict[str, torch.Tensor], prefix: str) -> dict[str, torch.Tensor]:
    return {name[len(prefix) :]: t for name, t in tensors.items() if name.startswith(prefix)}


@contextmanager
def _threads(count: int) -> Generator[None]:
    before = torch.get_num_threads()
    torch.set_num_threads(count)
    try:
        yield
    finally:
        torch.set_num_threads(before)

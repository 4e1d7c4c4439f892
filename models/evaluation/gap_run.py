"""A resumable run of the gap over batches and workers."""

from __future__ import annotations

import tempfile
from collections import defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import torch

from models.evaluation.exact_reference import exact_means
from models.evaluation.gap import GAP_KEYS, GapRules, gap_records, gap_rules
from models.evaluation.gap_summary import summary
from models.inputs.sources import Source, SourceSpec, build_source
from models.runs.halving_batches import batch_size, halving_batches
from models.runs.output_folder import check_folder
from models.runs.output_lock import locked
from models.runs.progress import say
from models.runs.records import Records
from models.runs.shares import local_device, run_shares
from models.sampling.decoding_settings import Decoding
from theory.validation import InputError

__all__ = ["GapSpec", "run_gap", "run_share"]

Report = Callable[[int, int], None]  # (rows done, rows in all)


@dataclass(frozen=True, kw_only=True)
class GapSpec:
    """The settings of a run.

    Attributes:
        source: Model and prompts.
        policy: The parallel decoder.
        order: The one-by-one decoder.
        temperature: Of the parallel decoder, as text.
        extra: Further random orders per sequence.
        batch: First batch size; chosen by memory if ``None``.
        out: File of the records, ``None`` for none.
        decoding: How the parallel decoder reads the model: cache or guidance.
    """

    source: SourceSpec
    policy: str
    order: str = "random"
    temperature: str = "1"
    extra: int = 0
    batch: int | None = None
    out: Path | None = None
    decoding: Decoding = field(default_factory=Decoding)

    def rules(self) -> GapRules:
        """Return the checked rules."""
        return gap_rules(
            self.policy,
            order=self.order,
            temperature=self.temperature,
            extra=self.extra,
            seed=self.source.seed,
            decoding=self.decoding,
        )

    def settings(self, facts: dict[str, Any]) -> dict[str, Any]:
        """Return JSON values that decide the records."""
        rules = self.rules()
        return {
            "run": "gap",
            "source": self.source.settings(),
            "policy": str(rules.policy),
            "order": self.order,
            "temperature": str(rules.temperature),
            "extra": self.extra,
            "facts": facts,
            **self.decoding.differences(),
        }


def run_gap(spec: GapSpec, *, jobs: int = 1, report: Report | None = None) -> dict[str, Any]:
    """Draw and score all rows that ``spec.out`` does not have yet, and return the summary.

    Under ``torchrun`` every worker takes its share of the rows; rank 0 waits for all and returns the summary, the
    others an empty one.

    Args:
        spec: The run.
        jobs: Workers on a CPU.
        report: Called after every batch of a single worker.

    Raises:
        InputError: For anything wrong with the settings or files.
    """
    spec.rules()  # before a model is loaded
    if spec.out is not None:
        check_folder(spec.out.parent)
    with locked(spec.out), tempfile.TemporaryDirectory() as folder:
        kept = spec if spec.out is not None else replace(spec, out=Path(folder) / "gap.jsonl")
        work = _Work(kept, report if jobs == 1 else None)
        device = spec.source.options.device
        chief = run_shares(work, jobs=jobs, device=device, on_disk=spec.out is not None)
        return _summary(kept, work.source()) if chief else {}


class _Work:
    """The work of one worker; the model is loaded once."""

    def __init__(self, spec: GapSpec, report: Report | None) -> None:
        self._spec, self._report = spec, report
        self._source: Source | None = None

    def __call__(self, rank: int, world: int) -> None:
        run_share(self._spec, self.source(), rank, world, self._report)

    def source(self) -> Source:
        if self._source is None:
            options = self._spec.source.options
            options = replace(options, device=local_device(options.device))
            self._source = build_source(replace(self._spec.source, options=options))
        return self._source


def run_share(spec: GapSpec, source: Source, rank: int, world: int, report: Report | None = None) -> None:
    """Work on the rows of one worker, those with ``row % world == rank`` that have no record yet."""
    rules = spec.rules()
    records = Records(spec.out, spec.settings(source.facts), rank=rank, kinds=(GAP_KEYS,))
    say(records.dropped if rank == 0 else ())
    todo = [r for r in range(len(source.rows)) if r % world == rank and r not in records.rows]
    groups: dict[tuple[int, ...], list[int]] = defaultdict(list)
    for row in todo:  # rows of one model, one length and one span of masks share batches
        predictor, tokens = source.rows[row]
        masks = (tokens == predictor.mask_id).nonzero()[:, 0].tolist()
        columns = masks if spec.decoding.differences() else (*masks[:1], *masks[-1:])
        groups[id(predictor), len(tokens), *columns].append(row)
    done = len(source.rows) - len(todo)
    with records:
        for rows in groups.values():
            predictor, tokens = source.rows[rows[0]]
            size = spec.batch or batch_size(predictor.device, len(tokens) * predictor.vocab_size)

            def work(batch: Sequence[int], predictor: Any = predictor) -> list[dict[str, Any]]:
                stacked = torch.stack([source.rows[row][1] for row in batch])
                return gap_records(predictor, stacked, batch, rules)

            for found in halving_batches(rows, work, size):
                records.append(found)
                done += len(found)
                if report is not None:
                    report(done, len(source.rows))


def _summary(spec: GapSpec, source: Source) -> dict[str, Any]:
    records = Records(spec.out, spec.settings(source.facts), kinds=(GAP_KEYS,))
    if missing := len(source.rows) - len(records.rows):
        raise InputError(f"{missing} rows of {spec.out} are missing; run the command again.")
    return {
        "model": source.facts,
        "policy": str(spec.rules().policy),
        "order": spec.order,
        "temperature": float(spec.rules().temperature),
        **spec.decoding.differences(),
        "seed": spec.source.seed,
        **summary(records.rows.values(), source.per_prompt),
        "exact_path_kl": _exact(spec, source),
    }


def _exact(spec: GapSpec, source: Source) -> Any:
    """Return the path KL of the ideal model; ``None`` without a task, or if it would take too long."""
    rules = spec.rules()
    if not source.exact:
        return None
    exact = exact_means(source.exact, rules.policy, rules.temperature)
    return None if exact is None else exact.path_kl

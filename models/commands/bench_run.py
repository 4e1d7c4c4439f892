"""The command ``parabounds bench run``, a model or an endpoint on the benchmark."""

from __future__ import annotations

import argparse
import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

from models.benchmark.layouts import NAMED
from models.commands.common import (
    add_decoding,
    add_device,
    add_huggingface,
    decoding_settings,
    huggingface_options,
    non_negative,
    optional_int,
    set_threads,
)
from synthetic.parallelbench.command_parts import matching, sizes_of
from synthetic.parallelbench.make import PAPER_SIZES
from synthetic.parallelbench.protocol import PROTOCOLS, protocol
from theory.commands.command_line import worker_count
from theory.commands.progress import working
from theory.validation import InputError, bounded, positive_int

if TYPE_CHECKING:
    from models.benchmark.questions import Asked, Model

__all__ = ["add", "answer"]

KINDS = ("auto", "diffusion", "autoregressive")
STREAMS = ("no", "auto", "incremental", "cumulative")


def add(parser: argparse.ArgumentParser) -> None:
    """Add the arguments."""
    parser.add_argument(
        "--tasks", nargs="+", required=True, metavar="TASK", help="names or patterns such as 'waiting_line/*'"
    )
    parser.add_argument(
        "--model",
        default="shipped",
        metavar="M",
        help="shipped, a .safetensors file, a directory, or a name that the endpoint knows (shipped)",
    )
    parser.add_argument(
        "--policy", action="append", default=[], metavar="SPEC", help="rule of a diffusion model; repeat it"
    )
    parser.add_argument(
        "--runs", type=Path, default=Path("runs"), metavar="DIR", help="answers, to continue from (runs)"
    )
    parser.add_argument("--protocol", choices=tuple(PROTOCOLS), default="v1", help="v1 is the paper's (v1)")
    parser.add_argument("--count", default="100", metavar="N", help="samples per task (100)")
    parser.add_argument(
        "--sizes", default=",".join(map(str, PAPER_SIZES)), help="people in a line (%(default)s)"
    )
    parser.add_argument(
        "--samples", type=Path, metavar="DIR", help="samples as bench make writes them, or released ones"
    )
    parser.add_argument(
        "--from", dest="texts", type=Path, metavar="FILE", help="texts for paraphrase or summary, JSONL"
    )
    parser.add_argument("--seed", default="0", metavar="S", help="of samples and draws (0)")
    parser.add_argument("--temperature", default="0", metavar="T", help="0 is greedy, as in the paper (0)")
    parser.add_argument(
        "--length",
        metavar="N",
        help="positions of an answer (32, 64 or 128 as in the paper; 1024 new tokens)",
    )
    parser.add_argument("--end-token", metavar="ID", help="end token, if the tokenizer names none")
    parser.add_argument(
        "--layout",
        default="auto",
        metavar="NAME|PATH",
        help="token layout of the perfect model: released, none, a JSON file with length and places, or a directory "
        "with a tokenizer; auto: released if the tokenizer writes it; the shipped model has items (%(default)s)",
    )
    parser.add_argument(
        "--kind", choices=KINDS, default="auto", help="of a directory; auto: by its configuration (auto)"
    )
    parser.add_argument("--batch", metavar="N", help="answers at once (by memory)")
    parser.add_argument("--jobs", default="1", metavar="N", help="workers on a CPU (1)")
    parser.add_argument(
        "--grammar", default="languagetool", metavar="NAME", help="of texts, or module:function of your own"
    )
    _add_endpoint(parser)
    add_decoding(parser)
    add_device(parser)
    add_huggingface(parser)


def _add_endpoint(parser: argparse.ArgumentParser) -> None:
    group = parser.add_argument_group("endpoints (OpenAI-compatible)")
    group.add_argument("--endpoint", metavar="URL", help="base URL, such as http://localhost:8000/v1")
    group.add_argument(
        "--key", default="OPENAI_API_KEY", metavar="VAR", help="environment variable of the key (%(default)s)"
    )
    group.add_argument(
        "--stream", choices=STREAMS, default="no", help="count events as steps; auto tells the two kinds (no)"
    )
    group.add_argument(
        "--body", default="{}", metavar="JSON", help="""more of the request, as '{"diffusing": true}'"""
    )
    group.add_argument("--timeout", default="60", metavar="S", help="seconds to wait for an answer (60)")
    group.add_argument("--retries", default="4", metavar="N", help="of requests that are refused (4)")
    group.add_argument("--rate", metavar="N", help="most requests per minute")
    group.add_argument("--concurrency", default="4", metavar="N", help="requests at once (4)")


def answer(arguments: argparse.Namespace) -> dict[str, Any]:
    """Run, and return the report; empty if another worker of ``torchrun`` reports."""
    from models.benchmark.questions import Asked
    from models.benchmark.report import bench_report
    from models.benchmark.results import Defaults
    from models.benchmark.run import BenchRun, run_bench
    from models.runs.progress import work_progress

    set_threads(arguments)
    asked = Asked(
        tasks=tuple(matching(arguments.tasks)),
        protocol=protocol(arguments.protocol),
        count=positive_int(arguments.count, "--count"),
        sizes=tuple(sizes_of(arguments.sizes)),
        seed=non_negative(arguments.seed, "--seed"),
        folder=arguments.samples,
        texts=arguments.texts,
    )
    model = _model(arguments)
    own = None if arguments.layout in ("auto", *NAMED) else arguments.layout
    if own is not None:
        _check_layout(own, asked, model)
    run = BenchRun(asked=asked, model=model, folder=arguments.runs, grammar=arguments.grammar)
    with work_progress("bench") as report:
        files = run_bench(run, jobs=worker_count(arguments.jobs, "--jobs"), report=report)
    if not files:
        return {}
    with working("parabounds bench run, its report") as work:
        return bench_report(files, Defaults(layout=own), grammar=arguments.grammar, report=work.parts)


def _check_layout(path: str, asked: Asked, model: Model) -> None:
    """Raise if a layout of one's own does not fit, before anything is computed."""
    from models.benchmark.chat import answer_length
    from models.benchmark.diffusion import DiffusionModel
    from models.benchmark.layouts import own_layout

    if not isinstance(model, DiffusionModel) or not model.writes_text:
        raise InputError(f"--layout {path} is for diffusion models with a tokenizer; leave it out.")
    for task in asked.tasks:
        if task.kind != "text":
            asking = asked.questions(task)
            own_layout(path, task, [(one.sample, model.length or answer_length(one)) for one in asking])


def _model(arguments: argparse.Namespace) -> Model:
    if arguments.endpoint is not None:
        return _endpoint(arguments)
    given: dict[str, Any] = {
        "model": arguments.model,
        "temperature": arguments.temperature,
        "seed": non_negative(arguments.seed, "--seed"),
        "batch": optional_int(arguments.batch, "--batch"),
        "length": optional_int(arguments.length, "--length"),
        "end": None if arguments.end_token is None else non_negative(arguments.end_token, "--end-token"),
        "options": huggingface_options(arguments),
    }
    kind = arguments.kind
    if kind == "auto":
        kind = "diffusion"
        if arguments.model != "shipped" and not arguments.model.lower().endswith(".safetensors"):
            from models.benchmark.autoregressive import is_autoregressive

            named = arguments.mask_id is not None or arguments.revision is not None
            kind = "diffusion" if named or not is_autoregressive(arguments.model) else "autoregressive"
    if kind == "autoregressive":
        from models.benchmark.autoregressive import AutoregressiveModel

        if arguments.policy:
            raise InputError(f"{arguments.model} is autoregressive and has no --policy; leave it out.")
        return AutoregressiveModel(**given)
    from models.benchmark.diffusion import DiffusionModel

    policies = tuple(arguments.policy)
    layout = arguments.layout if arguments.layout in NAMED else "auto"
    return DiffusionModel(policies=policies, layout=layout, decoding=decoding_settings(arguments), **given)


def _endpoint(arguments: argparse.Namespace) -> Model:
    from models.benchmark.endpoint import EndpointModel

    if arguments.policy:
        raise InputError("an endpoint has its own decoder; leave out --policy.")
    try:
        body = json.loads(arguments.body)
    except ValueError:
        body = None
    if not isinstance(body, dict):
        raise InputError(f"--body must be a JSON object, got {arguments.body!r}.")
    return EndpointModel(
        url=arguments.endpoint,
        model=arguments.model,
        key=arguments.key,
        length=optional_int(arguments.length, "--length") or 1024,
        temperature=str(bounded(arguments.temperature, "--temperature", 0)),
        stream=arguments.stream,
        body=body,
        timeout=float(bounded(arguments.timeout, "--timeout", 0)),
        retries=non_negative(arguments.retries, "--retries"),
        rate=None if arguments.rate is None else float(bounded(arguments.rate, "--rate", 0)),
        concurrency=positive_int(arguments.concurrency, "--concurrency"),
    )

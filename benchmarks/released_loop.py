"""Time of a greedy decode here over that of LLaDA's own loop, in one run on one machine.

The loop is that of ``generate.py`` (ML-GSAI/LLaDA b7e6c35) in a few lines: logits of all positions, softmax of all, one
transfer a step. The model is a random bidirectional transformer with LLaDA's vocabulary; both sides call the same
module, must give the same tokens, and take turns. The least of ``--repeat`` times counts, on a CPU of its time on one
thread. Ratios below 1 mean faster here. Needs the extra ``hf``.

    python benchmarks/released_loop.py
"""

from __future__ import annotations

import argparse
from collections.abc import Callable
from time import perf_counter, process_time
from typing import Any

import torch

from models.predictors.chosen_logits import proven_head
from models.predictors.huggingface_predictor import HFPredictor, call
from models.sampling.decode import decode
from theory.policies import parse_policy

VOCABULARY, MASK = 126_464, 126_336
PROMPT, STEPS = 64, 16


def network(width: int, layers: int, device: str) -> torch.nn.Module:
    """Return a random BERT with LLaDA's vocabulary."""
    import transformers

    torch.manual_seed(0)
    config = transformers.BertConfig(
        vocab_size=VOCABULARY,
        hidden_size=width,
        num_hidden_layers=layers,
        num_attention_heads=max(1, width // 64),
        intermediate_size=4 * width,
        max_position_embeddings=256,
    )
    model: Any = transformers.BertForMaskedLM(config).requires_grad_(False).eval()
    model.bert.embeddings.word_embeddings.weight.mul_(10)  # far from uniform, so that no two positions tie
    return model.to(device)


@torch.no_grad()
def released(model: torch.nn.Module, x: torch.Tensor, steps: int) -> torch.Tensor:
    """LLaDA's loop at temperature 0, one block, low-confidence remasking."""
    x = x.clone()
    left = int((x[0] == MASK).sum())
    for step in range(steps):
        k = left // steps + (step < left % steps)
        masked = x == MASK
        logits = model(input_ids=x).logits
        logits[..., MASK] = -torch.inf
        x0 = logits.argmax(dim=-1)
        score = torch.softmax(logits, dim=-1).gather(-1, x0[..., None])[..., 0]
        score = torch.where(masked, score, -torch.inf)
        for row in range(len(x)):
            chosen = score[row].topk(k).indices
            x[row, chosen] = x0[row, chosen]
    return x


def ours(model: torch.nn.Module, x: torch.Tensor, steps: int, head: torch.nn.Linear | None) -> torch.Tensor:
    """Return the same decode here."""
    predictor = HFPredictor(model, mask_id=MASK, vocab_size=VOCABULARY, head=head)
    generator = torch.Generator(x.device).manual_seed(0)
    rule = parse_policy(f"llada:steps={steps},by=confidence,ties=lowest")
    done = decode(
        predictor, x, rule, generator=generator, temperature=0, greedy_ties="lowest",
        confidence_dtype=torch.float32,
    )  # fmt: skip
    return done.tokens


def least(
    works: list[Callable[[], torch.Tensor]], repeat: int, clock: Callable[[], float]
) -> tuple[list[float], list[torch.Tensor]]:
    """Return the least time of each of some works that take turns, and their results."""
    times, results = [float("inf")] * len(works), [work() for work in works]
    for _ in range(repeat):
        for j, work in enumerate(works):
            began = clock()
            results[j] = work().cpu()
            times[j] = min(times[j], clock() - began)
    return times, results


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--device", default="cpu", help="(%(default)s)")
    parser.add_argument("--width", type=int, default=256, help="(%(default)s)")
    parser.add_argument("--layers", type=int, default=4, help="(%(default)s)")
    parser.add_argument("--repeat", type=int, default=3, help="(%(default)s)")
    given = parser.parse_args()
    torch.set_num_threads(1)
    model = network(given.width, given.layers, given.device)
    generator = torch.Generator().manual_seed(1)
    print("| masks | released, batch 1 | here, batch 1 | without the head cut | here, a row of 8 |")
    print("| --- | --- | --- | --- | --- |")
    for masks in (16, 64):
        x = torch.randint(1000, 100_000, (8, PROMPT + masks), generator=generator)
        x[:, PROMPT:] = MASK
        x = x.to(given.device)
        head = proven_head(model, lambda tokens: call(model, tokens, None), x[:2, :6])
        assert head is not None, "the head of this network can be cut"
        times, found = least(
            [
                lambda x=x: released(model, x[:1], STEPS),
                lambda x=x, head=head: ours(model, x[:1], STEPS, head),
                lambda x=x: ours(model, x[:1], STEPS, None),
                lambda x=x, head=head: ours(model, x, STEPS, head),
            ],
            given.repeat,
            process_time if given.device == "cpu" else perf_counter,
        )
        assert all(torch.equal(found[0], tokens[:1]) for tokens in found[1:])
        whole, one, without, eight = times
        ratios = (one / whole, without / whole, eight / 8 / whole)
        print(
            f"| {masks} | {whole:.2f} s, 1 | {' | '.join(f'{ratio:.2f}' for ratio in ratios)} |", flush=True
        )


if __name__ == "__main__":
    main()

"""Language models from directories, diffusion and autoregressive, tiny and with random weights."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

os.environ.setdefault("HF_HUB_OFFLINE", "1")

import pytest
import torch

pytest.importorskip("transformers")

import transformers

from models.benchmark.chat import layout_problem, prompt_ids
from models.benchmark.questions import Question
from models.benchmark.tokenizer_layout import tokenizer_layout
from models.predictors.huggingface import load_hf
from models.sampling.decode import decode
from parabounds.command import main
from synthetic.parallelbench import PROTOCOLS, bench_task, make_samples
from synthetic.parallelbench.ceilings import ceiling
from synthetic.parallelbench.list_ceilings import list_layout
from synthetic.parallelbench.people import FIRST_NAMES, LAST_NAMES
from synthetic.parallelbench.puzzle_ceilings import puzzle_layout
from tests.helpers import hf_models
from theory.decoding.structured.layout import Layout
from theory.policies import parse_policy

pytestmark = pytest.mark.extras("transformers")
TEMPLATE = "{% for m in messages %}{{ m['role'] }} : {{ m['content'] }}\n{% endfor %}assistant :"


GAPS = ('["', '",', '"]', '"')


def names_tokenizer(
    *, ends: bool = True, split: str = "", template: str | None = TEMPLATE, gaps: tuple[str, ...] = GAPS
) -> Any:
    """A byte-level tokenizer that writes lists as Dream's does: every name, and every gap between them, one token."""
    names = (*FIRST_NAMES, *(name for name in LAST_NAMES if name != split))
    plain = hf_models.byte_level(whole=(*names, *gaps))
    made = transformers.PreTrainedTokenizerFast(
        tokenizer_object=plain.backend_tokenizer,
        mask_token="[MASK]",
        unk_token="[UNK]",
        **({"eos_token": "<end>"} if ends else {}),
    )
    made.chat_template = template
    return made


def masked_model(folder: Path, made: Any, *, context: int = 1024) -> Path:
    config = hf_models.small_config(len(made), context)
    torch.manual_seed(1)
    model = transformers.BertForMaskedLM(config)
    with torch.no_grad():
        model.cls.predictions.bias[made.eos_token_id or 0] = 4.5  # so that some rows end
    model.save_pretrained(folder)
    made.save_pretrained(folder)
    return folder


def causal_model(folder: Path, made: Any, *, context: int = 1024) -> Path:
    config = transformers.GPT2Config(
        vocab_size=len(made), n_embd=16, n_layer=1, n_head=2, n_positions=context,
        bos_token_id=made.eos_token_id, eos_token_id=made.eos_token_id,
    )  # fmt: skip
    torch.manual_seed(2)
    transformers.GPT2LMHeadModel(config).save_pretrained(folder)
    made.save_pretrained(folder)
    return folder


def bench(folder: Path, model: Path, *arguments: object) -> int:
    given = ("bench", "run", "--tasks", "shuffle", "--count", 4, "--model", model, "--runs", folder, "--json")
    return main([*map(str, given), *map(str, arguments)])


def row_of(capsys: pytest.CaptureFixture[str]) -> dict[str, Any]:
    (row,) = json.loads(capsys.readouterr().out)["tasks"]
    return row


def lines_of(folder: Path, name: str) -> list[dict[str, Any]]:
    path = folder / name / "waiting_line_shuffle.jsonl"
    return [json.loads(line) for line in path.read_text("utf-8").splitlines()[1:]]


def questions() -> list[Question]:
    task, rules = bench_task("shuffle"), PROTOCOLS["v1"]
    made = make_samples(task, rules, count=4)
    return [Question(row=j, task=task, sample=sample, protocol=rules) for j, sample in enumerate(made)]


def test_a_diffusion_model_is_decoded_in_its_chat_template(tmp_path, capsys):
    made = names_tokenizer()
    model = masked_model(tmp_path / "model", made)
    assert bench(tmp_path / "runs", model, "--policy", "topk:k=4,by=left_to_right") == 0
    row = row_of(capsys)
    assert (row["samples"], row["failed"], row["steps"], row["tokens_per_step"]) == (4, 0, 8, 4)
    assert row["ceiling"] is not None  # the tokenizer writes the layout of Dream
    loaded = load_hf(model)
    for question, line in zip(
        questions(), lines_of(tmp_path / "runs", "topk_k=4_by=left_to_right"), strict=True
    ):
        prompt = made.apply_chat_template(
            [{"role": r, "content": c} for r, c in _chat(question)],
            add_generation_prompt=True,
            tokenize=False,
        )
        ids = made(prompt, add_special_tokens=False)["input_ids"]
        assert ids == prompt_ids(made, question)
        tokens, calls_to_end = torch.tensor([[*ids, *[made.mask_token_id] * 32]]), None
        for call in range(1, 9):  # the definition: the most probable tokens, four at a time
            best = loaded.predictor(tokens)[0].argmax(dim=-1)
            free = (tokens[0] == made.mask_token_id).nonzero()[:4, 0]
            tokens[0, free] = best[free]
            answer = tokens[0, len(ids) :].tolist()
            if calls_to_end is None and made.eos_token_id in answer[: 4 * call]:
                calls_to_end = call
        used = answer.index(made.eos_token_id) if made.eos_token_id in answer else 32
        assert line["output"] == made.decode(answer[:used], skip_special_tokens=True)
        assert line["tokens"] == min(used + 1, 32)
        assert (line["steps"], line["positions"]) == (8, 32)
        assert line["steps_to_end"] == (calls_to_end or 8)


def _chat(question: Question) -> list[tuple[str, str]]:
    from synthetic.parallelbench import messages

    return [(m["role"], m["content"]) for m in messages(question.task, question.sample)]


def test_calls_to_the_end_are_those_of_a_row_that_stops_there(tmp_path):
    made = names_tokenizer()
    loaded = load_hf(masked_model(tmp_path / "model", made))
    end = made.eos_token_id
    tokens = torch.full((16, 12), made.mask_token_id)
    tokens[:, 0] = torch.arange(16) + 5
    for spec in ("topk:k=1,by=left_to_right", "topk:k=3,by=random", "threshold:gamma=0.02,block=4"):
        given = {"temperature": 1, "batch_size": 1}
        found = [
            [
                decode(
                    *(loaded.predictor, row[None], parse_policy(spec)),
                    generator=torch.Generator().manual_seed(j),
                    **given,
                    **{key: end},
                )
                for key in ("end", "stop")
            ]
            for j, row in enumerate(tokens)
        ]
        noted = [int(both[0].steps_to_end[0]) for both in found]
        assert noted == [int(both[1].steps[0]) for both in found], spec
        assert any(a < int(both[0].steps[0]) for a, both in zip(noted, found, strict=True)), spec


def test_an_early_stop_counts_the_tokens_up_to_the_end(tmp_path, capsys):
    model = masked_model(tmp_path / "model", names_tokenizer())
    end = names_tokenizer().eos_token_id
    assert bench(tmp_path / "runs", model, "--policy", "topk:k=1,by=left_to_right", "--stop", end) == 0
    row = row_of(capsys)
    assert row["steps"] == row["steps_to_end"]
    assert row["tokens_per_step"] == row["tokens_per_step_to_end"] == pytest.approx(1)
    assert row["ceiling"] is None  # another way of decoding


def test_a_tokenizer_that_writes_lists_otherwise_has_its_own_ceiling(tmp_path, capsys):
    """A gap between names is four tokens, so six people need 36 of them."""
    made = names_tokenizer(gaps=())
    model, rule = masked_model(tmp_path / "model", made), ("--policy", "topk:k=4,by=random", "--layout")
    assert bench(tmp_path / "runs", model, *rule, model) == 2
    said = capsys.readouterr().err
    assert "waiting_line/shuffle: the layout has a token at position 33, but only 0..31 are decoded" in said
    assert not (tmp_path / "runs").exists()
    longer = (*rule[:2], "--sizes", 3, "--length", 64)
    assert bench(tmp_path / "runs", model, *longer) == 0
    assert row_of(capsys)["ceiling"] is None  # it is not the released layout
    assert bench(tmp_path / "runs", model, *longer, "--layout", model) == 0  # nothing is asked again
    row, task = row_of(capsys), bench_task("shuffle")
    whole = tokenizer_layout(model, task, 3)
    assert whole.places[:2] == ((2, 3), (8, 9))
    layout = Layout(places=whole.places, length=64)
    assert row["ceiling"] == float(ceiling(task, parse_policy(rule[1]), layout=layout, sizes=(3,)).accuracy)
    assert main(["bench", "report", str(tmp_path / "runs"), "--layout", str(model), "--json"]) == 0
    assert row_of(capsys)["ceiling"] == row["ceiling"]


def test_an_autoregressive_model_writes_token_by_token(tmp_path, capsys):
    made = names_tokenizer()
    model = causal_model(tmp_path / "model", made)
    assert bench(tmp_path / "runs", model, "--length", 12) == 0
    row = row_of(capsys)
    assert (row["tokens_per_step"], row["ceiling"]) == (1, 1)
    weights = transformers.AutoModelForCausalLM.from_pretrained(model)
    for question, line in zip(questions(), lines_of(tmp_path / "runs", "answers"), strict=True):
        ids = prompt_ids(made, question)
        new: list[int] = []
        while len(new) < 12 and made.eos_token_id not in new:
            new.append(int(weights(torch.tensor([[*ids, *new]])).logits[0, -1].argmax()))
        assert line["output"] == made.decode(
            [i for i in new if i != made.eos_token_id], skip_special_tokens=True
        )
        assert line["steps"] == line["tokens"] == len(new)
    assert bench(tmp_path / "warm", model, "--length", 12, "--temperature", "1", "--batch", 1) == 0
    first = row_of(capsys)
    assert bench(tmp_path / "warm2", model, "--length", 12, "--temperature", "1", "--batch", 1) == 0
    assert row_of(capsys) == first


def test_layouts_of_a_tokenizer():
    answer = '["Ada Klein", "Otto Frost"]'
    assert layout_problem(names_tokenizer(), answer) == ""
    assert layout_problem(names_tokenizer(split="Klein"), answer).startswith("'Klein' is ")
    gaps = hf_models.byte_level(whole=(*FIRST_NAMES, *LAST_NAMES))
    assert layout_problem(gaps, answer) == "'Ada' is token 2 of the answer, not 1"
    for grid in ("1234\n3412\n2143\n4321", "A,B,C,D\nB,A,D,C\nC,D,A,B\nD,C,B,A"):
        assert layout_problem(gaps, grid) == ""
    assert layout_problem(gaps, "1 2 3 4\n3 4 1 2\n2 1 4 3\n4 3 2 1") == "'2' is token 2 of the answer, not 1"


def test_a_tokenizer_is_a_layout_of_ceilings(tmp_path, capsys):
    names_tokenizer().save_pretrained(tmp_path / "whole")
    names_tokenizer(split="Klein").save_pretrained(tmp_path / "split")
    for task, people in (("shuffle", 7), ("latin_square", 0), ("sudoku", 0)):
        found = tokenizer_layout(tmp_path / "whole", bench_task(task), people)
        if people:
            assert found == list_layout("released", people)
        else:
            assert found == puzzle_layout("released", commas=task == "latin_square")
    rule = ("bench", "ceiling", "shuffle", "--policy", "topk:k=2", "--sizes", "3", "--layout")
    assert main([*rule, str(tmp_path / "whole"), "--json"]) == 0
    (row,) = json.loads(capsys.readouterr().out)["ceilings"]
    assert row["places"][1] == [5, 6]
    assert main([*rule, str(tmp_path / "split")]) == 2
    said = capsys.readouterr().err
    assert "splits 'Nadia Klein' into 6 tokens, while 'Ada Abbott' is 2." in said
    names = tmp_path / "names"
    names.write_text("Ada Frost\nUma Weber\nIda Drake\nZoe Falk\n")
    assert main([*rule, str(tmp_path / "split"), "--names", str(names)]) == 0
    assert main([*rule, str(tmp_path / "split"), "--names", str(names), "--sizes", "4"]) == 2
    assert "has 4 names, a list has up to 5 people" in capsys.readouterr().err


def test_a_model_without_a_template_gets_plain_text(tmp_path, capsys):
    made = names_tokenizer(template=None)
    assert bench(tmp_path / "runs", masked_model(tmp_path / "model", made), "--policy", "topk:k=32") == 0
    assert row_of(capsys)["steps"] == 1
    asked = made.decode(prompt_ids(made, questions()[0]))
    assert asked == "".join(f"{content}\n\n" for _, content in _chat(questions()[0]))


@pytest.mark.parametrize(
    ("make", "kind", "arguments", "message"),
    [
        (masked_model, {"ends": False}, ["--policy", "topk:k=4"], "names no end token; give --end-token ID"),
        (causal_model, {"ends": False}, [], "names no end token; give --end-token ID"),
        (
            masked_model,
            {},
            ["--policy", "topk:k=4", "--end-token", "99999"],
            "--end-token must be a token of the model",
        ),
        (causal_model, {}, ["--end-token", "99999"], "--end-token must be a token of the model, 0.."),
        (masked_model, {"context": 90}, ["--policy", "topk:k=4"], "over the context length of 90"),
        (causal_model, {"context": 90}, ["--length", "5"], "over the context length of 90"),
        (masked_model, {"split": "Ashby"}, ["--policy", "topk:k=4", "--layout", "released"], "'Ashby' is "),
        (causal_model, {}, ["--policy", "topk:k=4"], "is autoregressive and has no --policy"),
        (masked_model, {}, [], "give a rule with --policy"),
    ],
)
def test_what_does_not_fit_is_one_line(make, kind, arguments, message, tmp_path, capsys):
    context = {key: kind.pop(key) for key in [*kind] if key == "context"}
    made = names_tokenizer(**kind)
    model = make(tmp_path / "model", made, **context)
    capsys.readouterr()
    assert bench(tmp_path / "runs", model, *arguments) == 2
    said = capsys.readouterr().err.splitlines()
    assert message in said[-1]
    assert not (tmp_path / "runs").exists()

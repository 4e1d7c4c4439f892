"""Metrics of texts against their packages called directly, and both variants of the scores."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import Any

import pytest

from parabounds.command import main
from synthetic.parallelbench import PROTOCOLS, Sample, bench_task, grade
from synthetic.parallelbench.text_metrics import bertscore, grammar_checker, inverse_bleu, rouge
from theory.validation import InputError

PAIRS = (
    ("The cats were running to the old house.", "A cat ran to the old house quickly."),
    ("It rains, doesn't it?", "It's raining; isn't it?"),
    ("Ada meets Otto at 3:30 p.m. in Room 2.5", "At 3:30 p.m. Ada will meet Otto in room 2.5."),
    ("We met at noon in the park by the lake.", "We met at noon in the park by the lake."),
    ("one two", "one two three four five six"),
)


@pytest.mark.extras("rouge_score")
def test_rouge_is_that_of_its_package() -> None:
    from rouge_score.rouge_scorer import RougeScorer

    scorer = RougeScorer(["rouge1", "rouge2", "rougeL"], use_stemmer=True)
    for output, reference in PAIRS:
        given = {name: score.fmeasure for name, score in scorer.score(reference, output).items()}
        assert rouge(output, reference) == given
    assert rouge("", "a text") == {"rouge1": 0, "rouge2": 0, "rougeL": 0}


@pytest.mark.extras("sacrebleu")
def test_bleu_is_that_of_its_package() -> None:
    import sacrebleu

    for output, source in PAIRS:
        given = sacrebleu.corpus_bleu(
            [output], [[source]], smooth_method="none", tokenize="13a", use_effective_order=False
        )
        assert inverse_bleu(output, source) == pytest.approx(1 - given.score / 100)
    assert [inverse_bleu(*pair) for pair in PAIRS[3:]] == [0, 1]  # exactly, in place of -4e-16


@pytest.mark.extras("sacrebleu")
def test_bleu_reads_a_source_as_released() -> None:
    # a hyphen at the end of a line joins two lines there, also at the end of the text
    assert inverse_bleu("one two three four five", "one two three four five-\n") == 0
    assert inverse_bleu("one", "-\n") == 1  # nothing is left of the source


@pytest.fixture
def roberta(tmp_path: Path) -> Path:
    """A tiny model with the name and the layers of the real one, and a tokenizer without a limit."""
    transformers: Any = pytest.importorskip("transformers")
    import torch

    from tests.helpers import hf_models

    tokenizer = hf_models.tokenizer(words=("a", "cat", "dog", "sat", "ran", "the"))
    tokenizer.model_max_length = int(1e30)
    config = transformers.RobertaConfig(
        vocab_size=len(tokenizer), hidden_size=8, num_hidden_layers=18, num_attention_heads=2,
        intermediate_size=8, max_position_embeddings=80, pad_token_id=0, bos_token_id=2, eos_token_id=3,
    )  # fmt: skip
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        transformers.RobertaModel(config).save_pretrained(tmp_path / "roberta")
    tokenizer.save_pretrained(tmp_path / "roberta")
    return tmp_path / "roberta"


@pytest.mark.deep
@pytest.mark.extras("bert_score", "transformers", "sacrebleu")
def test_bertscore_is_that_of_its_package(roberta: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    import bert_score

    monkeypatch.setenv("PARABOUNDS_ROBERTA", str(roberta))
    output, source = "the cat sat", "a dog ran the cat"
    own = bert_score.BERTScorer(
        model_type=str(roberta), num_layers=17, idf=False, rescale_with_baseline=False, lang="en"
    )
    own._tokenizer.model_max_length = 512
    assert bertscore(output, source) == float(own.score([output], [source])[2][0])
    assert bertscore(source, source) == pytest.approx(1)
    assert bertscore(" ", source) == 0
    asked = Sample(input={"text": source}, answer={"text": source}, metadata={})
    for protocol, combined in (("v1", True), ("v2", False)):
        given = {"grammar": lambda text: bool(text)}
        found = grade(bench_task("paraphrase"), asked, output, PROTOCOLS[protocol], **given)
        product = found.metrics["inverse_bleu"] * found.metrics["bertscore"]
        assert found.score == (product if combined else 1)
        assert found.metrics["bertscore"] == bertscore(output, source)


@pytest.mark.extras("bert_score", "transformers")
def test_a_folder_that_is_no_roberta_is_one_line(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "config.json").write_text("{}")
    monkeypatch.setenv("PARABOUNDS_ROBERTA", str(tmp_path))
    with pytest.raises(InputError, match=r"needs roberta-large in .* which does not load: .") as caught:
        bertscore("a", "a")
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("module", "call"),
    [
        ("rouge_score.rouge_scorer", lambda: rouge("a", "a")),
        ("sacrebleu.tokenizers.tokenizer_13a", lambda: inverse_bleu("a", "a")),
        ("language_tool_python", grammar_checker),
    ],
)
def test_a_missing_package_is_named_with_its_install_line(module: str, call: Any, monkeypatch) -> None:
    from synthetic.parallelbench import text_metrics

    for cached in (text_metrics._rouge_scorer, text_metrics._language_tool):
        cached.cache_clear()
    monkeypatch.setitem(sys.modules, module, None)
    with pytest.raises(InputError, match=r"python -m pip install 'parabounds\[metrics\]'"):
        call()


def test_a_text_without_its_metric_is_not_scored(tmp_path: Path, monkeypatch, capsys) -> None:
    monkeypatch.delenv("PARABOUNDS_ROBERTA", raising=False)
    (tmp_path / "texts").write_text('{"text": "A cat sat there."}\n')
    (tmp_path / "out").write_text('{"output": "There sat a cat."}\n')
    made = ["bench", "make", "paraphrase", "--from", str(tmp_path / "texts"), "--out", str(tmp_path / "made")]
    assert main(made) == 0
    capsys.readouterr()
    asked = ["bench", "grade", "--task", "paraphrase", "--outputs", str(tmp_path / "out")]
    asked += ["--samples", str(tmp_path / "made" / "text" / "paraphrase.jsonl"), "--grammar", "builtins:bool"]
    assert main(asked) == 2
    said = capsys.readouterr()
    assert (said.out, said.err.count("\n")) == ("", 1)
    assert "BLEU needs" in said.err or "PARABOUNDS_ROBERTA" in said.err
    assert "PARABOUNDS_ROBERTA" not in os.environ

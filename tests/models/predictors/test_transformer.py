"""The transformer: presets, precision, places, copying, first weights, wrong settings."""

from __future__ import annotations

import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest
import torch

from models.predictors.recipes import PRESETS, recipe
from models.predictors.transformer import ModelConfig
from models.training.from_scratch import build_model, sample
from synthetic.task import list_task
from theory.validation import InputError

PROJECT = Path(__file__).parents[3]


TINY = replace(recipe("smoke"), steps=12, batch=8, shortest=3, longest=4, items=6)


# --- the transformer -----------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", PRESETS)
def test_every_preset_builds_and_predicts_every_position(name):
    preset = PRESETS[name]
    model = build_model(replace(preset, model=replace(preset.model, layers=1)))
    data = sample(replace(preset, batch=4), 0)
    logits = model(*data.inputs())
    size = model.vocab_size if data.signal is None else preset.items
    assert logits.shape == (*data.tokens.shape, size)
    assert logits.dtype == torch.float32
    torch.testing.assert_close(model(*data.inputs(), first=data.first), logits[:, data.first :])


@pytest.mark.parametrize("name", ["small", "large"])
def test_half_precision_gives_float32_logits_near_the_full_ones(name):
    preset = PRESETS[name]
    model = build_model(replace(preset, model=replace(preset.model, layers=2)))
    data = sample(replace(preset, batch=4), 0)
    with torch.autocast("cpu", dtype=torch.bfloat16):
        half = model(data.tokens)
    assert half.dtype == torch.float32
    torch.testing.assert_close(half, model(data.tokens), atol=0.2, rtol=0.1)  # 8 bits of mantissa


def test_the_small_model_has_thirty_thousand_parameters():
    assert build_model(recipe("small")).parameter_count == 30618


def test_the_plain_model_is_a_tied_head_alone():
    plain = build_model(recipe("plain"))
    assert plain.copy is None
    assert not any(name.startswith("copy") for name in plain.state_dict())


def test_absolute_places_need_no_segment():
    model = build_model(replace(TINY, model=ModelConfig(paired=False)))
    assert model.segment is None
    assert torch.equal(model._places(torch.zeros(2, 5, dtype=torch.int64)), model.position.weight[:5])


def test_shared_places_tell_prompt_from_answer():
    model = build_model(recipe("small"))
    e = model.encoding
    tokens = torch.tensor([[e.task_token("copy"), e.none, e.none, 1, 2, 3, e.sep, 1, 2, 3]])
    places = model._places(tokens)[0]
    segment = model.segment.weight
    for i in range(3):  # x_i and y_i
        torch.testing.assert_close(places[7 + i] - segment[1], places[3 + i] - segment[0])
    assert len(places.unique(dim=0)) == 10


def test_a_separator_in_a_sampled_answer_is_a_token_like_others():
    model = build_model(recipe("small"))
    sep = model.encoding.sep
    tokens = torch.tensor([[40, 34, 34, 1, 2, 3, sep, 1, sep, 3]])
    plain = torch.tensor([[40, 34, 34, 1, 2, 3, sep, 1, 5, 3]])
    assert torch.equal(model._places(tokens), model._places(plain))
    assert model(tokens).isfinite().all()


def test_copy_scores_reach_the_items_of_the_prompt_alone():
    model = build_model(recipe("small"))
    e = model.encoding
    tokens = torch.tensor([[e.task_token("copy"), e.none, e.none, 1, 2, 3, e.sep, 4, e.mask, e.mask]])
    added = model.copy(torch.randn(1, 10, 32), tokens, 7)
    assert added[0].any(dim=0).nonzero()[:, 0].tolist() == [1, 2, 3]


def test_alignment_changes_the_first_weights_alone():
    aligned, free = (
        build_model(replace(TINY, model=ModelConfig(alignment=alignment))) for alignment in (0.7, 0.0)
    )
    changed = [
        name
        for name, weight in aligned.state_dict().items()
        if not torch.equal(weight, free.state_dict()[name])
    ]
    assert changed == ["blocks.0.qkv.weight", "blocks.1.qkv.weight", "copy.key.weight"]
    query, key, _ = aligned.blocks[0].qkv.weight.detach().chunk(3)
    overlap = float((query * key).mean() / (query.std() * key.std()))
    assert overlap == pytest.approx(0.7, abs=0.1)


@pytest.mark.deep
def test_loading_imports_no_compiler():
    """Drawing weights on the meta device would import torch's, for two seconds."""
    code = "import sys, models; models.load(); sys.exit('torch._dynamo' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], cwd=PROJECT, check=False).returncode == 0


def test_building_leaves_the_global_generator_alone():
    torch.manual_seed(5)
    before = torch.random.get_rng_state()
    build_model(TINY)
    assert torch.equal(torch.random.get_rng_state(), before)


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: ModelConfig(width=0), "width must be a whole number of at least 1"),
        (lambda: ModelConfig(width=30), "width must be a multiple of heads, got 30 and 4"),
        (lambda: ModelConfig(alignment=1.0), r"alignment must be in \[0, 1\), got 1.0"),
        (lambda: recipe("tiny"), "unknown preset 'tiny'"),
        (lambda: recipe("small", steps=0), "steps must be a whole number of at least 1"),
        (lambda: recipe("small", seed=-1), "seed must be at least 0, got -1"),
        (lambda: replace(TINY, shortest=9), "shortest must be at most longest, got 9 and 4"),
        (lambda: replace(TINY, tasks={}), "tasks must name at least one task"),
        (lambda: list_task("city_names", 2), "task 'city_names' is no list task"),
    ],
)
def test_wrong_settings_are_named(make, message):
    with pytest.raises(InputError, match=message):
        make()

"""PBx and the oracle against their definitions."""

from itertools import product

import numpy as np
import pytest

from models.benchmark.questions import Answer
from models.benchmark.scores import Graded
from models.benchmark.summaries import oracle_rows, pbx, pbx_rows, setting_rows
from synthetic.parallelbench.samples import Sample


def crossing(points: list[tuple[float, float]], level: float) -> float | None:
    """The last speed at which straight lines between the points are at the level, on a fine grid."""
    ordered = sorted(points)
    speeds = np.linspace(ordered[0][0], ordered[-1][0], 200_001)
    scores = np.interp(speeds, [s for s, _ in ordered], [v for _, v in ordered])
    good = np.flatnonzero(scores >= level - 1e-9)
    return float(speeds[good[-1]]) if len(good) else None


@pytest.mark.parametrize("seed", range(10))
def test_pbx_is_the_last_crossing(seed):
    rng = np.random.default_rng(seed)
    points = [
        (float(s), float(v))
        for s, v in zip(np.cumsum(rng.random(5) + 0.2), rng.integers(40, 100, 5), strict=True)
    ]
    for level in (90, 80, 70, 60):
        wanted = crossing(points, level)
        found = pbx(points, level, whole=False)
        # a peak between two points is no crossing, but a point itself is one
        assert (found is None) == (wanted is None)
        if wanted is not None:
            assert found == pytest.approx(wanted, abs=1e-3)


def test_pbx_of_whole_numbers_and_at_the_ends():
    points = [(1, 95), (2, 85), (4, 60), (8, 10)]
    assert [pbx(points, level, whole=True) for level in (90, 80, 70, 60, 5, 99)] == [1, 2, 2, 4, 8, None]
    assert pbx(points, 5, whole=False) == 8  # never below: the largest
    assert pbx(points, 99, whole=False) is None


def test_pbx_of_published_settings():
    """Dream by confidence threshold (means over the tasks in the results of the 2026 package): 5.625 and 6.417."""
    points = [
        (1.398, 89.82),
        (4.1205, 87.412),
        (5.504, 80.765),
        (6.8079, 72.529),
        (8.0239, 64.706),
        (9.8148, 56.235),
    ]
    found = [pbx(points, level, whole=False) for level in (80, 75)]
    assert found == pytest.approx([5.625, 6.417], abs=5e-4)


def row(setting: str, task: str, score: float, speed: float, policy: str) -> dict:
    return {
        "model": "m", "setting": setting, "policy": policy, "task": task, "protocol": "v2", "score": score,
        "tokens_per_step": speed, "tokens_per_step_to_end": None, "ceiling": None,
    }  # fmt: skip


def test_settings_of_one_rule_are_put_together():
    rows = [
        row(f"topk:k={k},by=random", task, score, k, f"topk:k={k},by=random")
        for (k, score), task in product([(1, 1.0), (2, 0.8), (4, 0.5)], ["copy", "sort"])
    ]
    rows += [
        row(f"threshold:gamma={g}", "copy", s, v, f"threshold:gamma={g}")
        for g, s, v in [("9/10", 1.0, 2), ("1/2", 0.5, 6)]
    ]
    settings = setting_rows(rows)
    assert [(one["tasks"], one["score"]) for one in settings[:3]] == [(2, 1.0), (2, 0.8), (2, 0.5)]
    first, second = pbx_rows(settings)
    assert (first["rule"], first["settings"], first["PB80"], first["PB60"]) == ("topk:by=random", 3, 2, 2)
    assert (second["rule"], second["PB90"], second["PB70"]) == (
        "threshold",
        pytest.approx(2.8),
        pytest.approx(4.4),
    )


def graded(score: float, steps: int, positions: int = 8) -> Graded:
    return Graded(
        sample=Sample(input={}, answer="x", metadata={}),
        answer=Answer(output="x", steps=steps, positions=positions),
        score=score, strict=score, sound=None, logged=None,
    )  # fmt: skip


def test_the_oracle_takes_the_fewest_steps_at_the_best_score():
    rng = np.random.default_rng(3)
    runs = [{i: graded(float(rng.integers(2)), int(rng.integers(1, 9))) for i in range(40)} for _ in range(4)]
    rows = [row(f"s{j}", "copy", 0.5, 1, "topk:k=1") for j in range(4)]
    (found,) = oracle_rows([*zip(rows, runs, strict=True)])
    best = []
    for i in range(40):
        top = max(run[i].score for run in runs)
        best.append((top, min(run[i].answer.steps for run in runs if run[i].score == top)))
    assert found["samples"] == 40
    assert found["score"] == pytest.approx(sum(score for score, _ in best) / 40)
    assert found["steps"] == pytest.approx(sum(steps for _, steps in best) / 40)
    assert found["tokens_per_step"] == pytest.approx(sum(8 / steps for _, steps in best) / 40)
    assert oracle_rows([(rows[0], runs[0])]) == []  # one setting has no choice

"""The gap that ``python -m models gap`` samples is the pseudo-cost of the sequence and its blocks."""

from fractions import Fraction

import pytest
import torch

from models.evaluation.gap import gap_records, gap_rules
from models.predictors.ideal import IdealPredictor
from synthetic import make_task
from tests.helpers.gap_tables import ROUNDING, Table
from theory.bounds.partitions.path_costs import pseudo_cost
from theory.distributions.pmf import JointPMF


@pytest.mark.grid(every=2)
@pytest.mark.parametrize("order", ["random", "left_to_right"])
@pytest.mark.parametrize("spec", ["topk:k=2,by=random", "threshold:gamma=0.4", "factor:f=1.5"])
@pytest.mark.parametrize(("task", "n"), [("shuffle", 4), ("replace_random", 4), ("hmm", 3)])
def test_gap_is_the_pseudo_cost(task, n, spec, order):
    distribution = make_task(task, n).contexts()[0].distribution
    ids = {token: j for j, token in enumerate(distribution.tokens)}
    pmf = JointPMF.from_mapping({tuple(ids[t] for t in y): Fraction(p) for y, p in distribution.pmf()})
    ideal = IdealPredictor(distribution)
    records = gap_records(ideal, ideal.masked(20), range(20), gap_rules(spec, order=order))
    for record in records:
        steps = record["step"]
        blocks = [[i for i, step in enumerate(steps) if step == t] for t in sorted(set(steps))]
        cost = pseudo_cost(pmf, tuple(record["tokens"]), blocks)
        assert record["chain"] - record["parallel"] == pytest.approx(float(cost), abs=ROUNDING)


def test_models_of_no_joint_distribution():
    table = Table(3, 5)

    def asked(revealed, i, token):
        return table.p(tuple(revealed.get(j, table.mask_id) for j in range(3)), i, token)

    tokens = torch.full((30, 3), table.mask_id)
    records = gap_records(table, tokens, range(30), gap_rules("topk:k=2,by=random", order="left_to_right"))
    for record in records:
        steps = record["step"]
        blocks = [[i for i in range(3) if steps[i] == t] for t in sorted(set(steps))]
        cost = pseudo_cost(asked, tuple(record["tokens"]), blocks)
        assert record["chain"] - record["parallel"] == pytest.approx(float(cost), abs=ROUNDING)

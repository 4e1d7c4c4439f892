"""Steps that keep their distance: how many positions they take."""

import numpy as np
import pytest

from theory.numbers.arithmetic import FLOAT64
from theory.policies.ranked import Ranked
from theory.policies.spaced import spaced
from theory.policies.view import View
from theory.validation import InputError


def test_a_number_that_depends_on_ties_is_refused():
    # of three equal positions two apart: the middle one alone, or both ends
    view = View(np.full((1, 3, 2), 0.5), np.ones((1, 3), dtype=bool), FLOAT64)
    for ties in ("random", "lowest"):
        plan = spaced(Ranked(view, np.full((1, 3), 0.5), np.array([3]), ties), 2, None)
        _, distributions = plan.distribution()
        sizes = {chosen.bit_count() for chosen, _ in distributions[0]}
        if ties == "lowest":
            assert sizes == {2}
            assert plan.sizes().tolist() == [2]
        else:
            assert sizes == {1, 2}
            with pytest.raises(InputError, match="depends on its random ties here"):
                plan.sizes()

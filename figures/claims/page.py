"""The Markdown page of claims, from the rows of a run and the list of claims."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from figures.claims.claim import Claim
from figures.claims.known import CLAIMS

__all__ = ["REMARKS", "build_page"]

Row = dict[str, Any]

REMARKS = {"holds": "Note", "holds under a condition": "Condition", "fails": "Counter-example"}
_ROLES = {"stated": "as stated", "condition": "under the condition", "also": "also checked"}

_HEAD = """\
# Claims re-examined

Statements of ParallelBench ([arXiv 2510.04767](https://arxiv.org/abs/2510.04767)) about parallel decoding, each tested
by an exact computation with the ideal model. The theorems and formulas are right for what they assume, and the
benchmark built on them is useful. Most conditions below name a convention that a formula assumes, because released
decoders differ in these conventions. This page is written by

```sh
parabounds figures claims
```

All numbers are rationals or exact logarithms, all comparisons are exact. A verdict is computed: a claim *holds* if it
is true in every instance tested as stated; it *holds under a condition* if some instance is false and every instance
under the condition is true; otherwise it *fails*. A test over finitely many instances can refute a claim and cannot
prove one; proofs of the formulas are in [closed forms](closed_forms.md).

`C` is total correlation, `L_T` the bound of a schedule with T steps, `L*_T` its minimum over fixed partitions, `V_T`
its minimum over adaptive rules, `KL` the divergence of the output from the data, all in bits. n is the length of the
list (the order of a Latin square), k the tokens per step, gamma a threshold, f a factor, c_(m) the m-th largest
confidence. All terms are in the [glossary](glossary.md).
"""


def build_page(rows: Sequence[Row]) -> str:
    """Return the page.

    Args:
        rows: The rows of the figure ``claims``: claim, verdict, role, quantity, exact, value.
    """
    parts = [_HEAD, _summary(rows)]
    parts += [_section(claim, [row for row in rows if row["claim"] == claim.id]) for claim in CLAIMS.values()]
    return "\n".join(parts)


def _summary(rows: Sequence[Row]) -> str:
    verdicts = {row["claim"]: row["verdict"] for row in rows}
    body = [(f"[{c.title}](#{c.id})", c.place, verdicts[c.id]) for c in CLAIMS.values()]
    return _table(("claim", "place", "verdict"), body)


def _section(claim: Claim, rows: Sequence[Row]) -> str:
    verdict = rows[0]["verdict"]
    numbers = [(r["quantity"], _code(r["exact"]), _shown(r["value"])) for r in rows if r["role"] == "number"]
    facts = [(r["quantity"], _ROLES[r["role"]], r["exact"]) for r in rows if r["role"] != "number"]
    return "\n".join(
        [
            f'<a id="{claim.id}"></a>\n',
            f"## {_escaped(claim.title)}: {verdict}\n",
            f"**Claim** ({claim.place}). {_escaped(claim.claim)}\n",
            f"**Test.** {_escaped(claim.test)}\n",
            f"**{REMARKS[verdict]}.** {_escaped(claim.condition)}\n",
            _table(("number", "exact", "value"), numbers),
            _table(("instance", "role", "true"), facts),
        ]
    )


def _shown(value: float | str) -> str:
    """Return a number with six digits."""
    return value if isinstance(value, str) else f"{value:.6g}"


def _code(text: str) -> str:
    return f"`{text}`"


def _table(header: Sequence[str], body: Sequence[Sequence[str]]) -> str:
    lines = [header, ["---"] * len(header), *([_escaped(cell) for cell in row] for row in body)]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines) + "\n"


def _escaped(text: str) -> str:
    """Return text with stars and angle brackets escaped."""
    return text.replace("*", r"\*").replace("<", r"\<")

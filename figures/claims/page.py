"""The Markdown page of claims, from the rows of a run and the list of claims."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from figures.claims.claim import ROLES, Claim
from figures.claims.known import CLAIMS

__all__ = ["REMARKS", "build_page"]

Row = dict[str, Any]

REMARKS = {"holds under a condition": "Condition", "fails": "Counter-example"}
"""How the remark of a claim is called, by its verdict; otherwise it is a note."""
_HEADS = {
    "claims": """\
# Claims re-examined

Statements of ParallelBench ([arXiv 2510.04767](https://arxiv.org/abs/2510.04767)) about parallel decoding, each tested
by an exact computation with the ideal model. The theorems and formulas are right for what they assume, and the
benchmark built on them is useful. Statements that need a correction are [errata](errata.md). This page is written by

```sh
parabounds figures claims
```

All numbers are rationals or exact logarithms, all comparisons are exact. The verdict is computed from facts, which have
roles:

- *As stated*: what the paper states. A claim *holds* if every such fact is true; it *holds under a condition* if one is
  false and all facts under the condition are true; otherwise it *fails*.
- *As suggested*: a reading that the text suggests and does not state. Its verdict begins with *suggested*.
- *Whatever the convention*: whether a result is the same for the usual choices in what the text leaves open. If not,
  the *convention is not discussed*; that is no error.
- *As released*: whether released code does what the text says. If not, the *release differs*.
- *Also checked*: a remark; it enters no verdict.

A test over finitely many instances can refute a claim and cannot prove one; proofs of the formulas are in
[closed forms](closed_forms.md).

`C` is total correlation, `L_T` the bound of a schedule with T steps, `L*_T` its minimum over fixed partitions, `V_T`
its minimum over adaptive rules, `KL` the divergence of the output from the data, all in bits. n is the length of the
list (the order of a Latin square), k the tokens per step, gamma a threshold, f a factor, c_(m) the m-th largest
confidence. All terms are in the [glossary](glossary.md).
""",
    "errata": """\
# Errata

Slips of ParallelBench ([arXiv 2510.04767](https://arxiv.org/abs/2510.04767)) and of its releases, each with evidence
that is computed again. Its theorems are not among them: what the paper states and what holds is under
[claims](claims.md), where verdicts and roles are explained. First the paper, then the released tasks and graders; `v1`
is the release of October 2025, which the paper used, `v2` the package of 2026
([protocols](parallelbench.md#protocols)). Releases are tested through our own description of their tasks and graders.
This page is written by

```sh
parabounds figures claims
```
""",
}
_FEET = {
    "claims": "",
    "errata": """\
## Read, not computed

Files are those of `v1`, commit 72de8f7 of furiosa-ai/ParallelBench.

- `model/llada_model.py:18` and `331` import from `src/Fast_dLLM`, which is not in the repository, so LLaDA does not run
  as released.
- `model/remasking/llada/mdpo_rcr.py:71` sets the number of forward passes to 0 and never raises it; tokens per step
  of RCR have no meaning there.
- `model/remasking/llada/remdm.py:81` divides the masks of a block by the steps of all blocks. With several blocks and
  more than one token per step masks are left (16 of 32 in blocks of 8 and 16 steps), and its last check stops the run.
- `model/mercury_model.py:44-63` has no timeout and no retry, does not look at the status, and fails on a stream without
  text. `model/transformers_model.py:66`, `model/vllm_model.py:66` and `model/anthropic_model.py:48` report 0 steps; an
  autoregressive model takes one token per step.
- `eval.py:167-177` reads as a mapping what `load_results` returns as a pair.
- `model/dream_model.py:204`: the factor rule is ignored for Dream where no block length is given.
- `model/dream_model_utils.py:178`: the numbers of tokens per step come from a grid of float32 numbers, truncated; see
  [T steps of n/T tokens](claims.md#realised-steps).
- `first_last_names.yaml`: of 192 last names Price and West stand there twice, and ten words are first and last names.
- The words of one-word samples have `metadata.length` 3; the prompt of `sudoku_n4_12` has the name `sudoku_4x4_4`.
- In the paper's appendices an editor's note in square brackets is left in the text.
- "Left to right" is a block of k positions in v1 and a rule of its own in v2: a result should name the variant.
""",
}


def build_page(rows: Sequence[Row], page: str) -> str:
    """Return a page.

    Args:
        rows: The rows of the figure ``claims``: claim, verdict, role, quantity, exact, value.
        page: ``claims`` or ``errata``.
    """
    claims = [claim for claim in CLAIMS.values() if claim.page == page]
    parts = [_HEADS[page], _summary(claims, rows)]
    parts += [_section(claim, [row for row in rows if row["claim"] == claim.id]) for claim in claims]
    return "\n".join([*parts, *filter(None, [_FEET[page]])])


def _summary(claims: Sequence[Claim], rows: Sequence[Row]) -> str:
    verdicts = {row["claim"]: row["verdict"] for row in rows}
    body = [(f"[{c.title}](#{c.id})", c.place, verdicts[c.id]) for c in claims]
    return _table(("claim", "place", "verdict"), body)


def _section(claim: Claim, rows: Sequence[Row]) -> str:
    verdict = rows[0]["verdict"]
    numbers = [(r["quantity"], _code(r["exact"]), _shown(r["value"])) for r in rows if r["role"] == "number"]
    facts = [(r["quantity"], ROLES[r["role"]], r["exact"]) for r in rows if r["role"] != "number"]
    remark = REMARKS.get(verdict.removeprefix("suggested; "), "Note")
    return "\n".join(
        [
            f'<a id="{claim.id}"></a>\n',
            f"## {_escaped(claim.title)}: {verdict}\n",
            f"**Claim** ({claim.place}). {_escaped(claim.claim)}\n",
            f"**Test.** {_escaped(claim.test)}\n",
            f"**{remark}.** {_escaped(claim.condition)}\n",
            *([_table(("number", "exact", "value"), numbers)] if numbers else []),
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

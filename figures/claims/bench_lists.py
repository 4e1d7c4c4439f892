"""Errata on the released list tasks, from the sort key to the reading of a list."""

from __future__ import annotations

from fractions import Fraction
from math import factorial
from random import Random

from figures.claims.claim import Claim, Evidence
from synthetic.parallelbench.list_graders import LIST_GRADERS, sound_wrong
from synthetic.parallelbench.lists import list_sample, list_text, sort_key
from synthetic.parallelbench.protocol import PROTOCOLS
from synthetic.parallelbench.samples import Sample
from synthetic.parallelbench.tasks import bench_task
from synthetic.parallelbench.verdicts import grade

__all__ = ["ENTRIES"]

LENGTHS = (3, 4, 5, 6)


def _score(task: str, sample: Sample, output: str, protocol: str = "v1") -> float:
    return grade(bench_task(task), sample, output, PROTOCOLS[protocol]).score


def sort_order() -> Evidence:
    """Grade a list sorted by last names, as the prompt asks, with the released key."""
    found = Evidence()
    line = ["Ada Zeller", "Otto Frost", "Zoe Adler"]
    by_last, by_whole = (sorted(line, key=sort_key(by)) for by in ("last", "whole"))
    sample = Sample(input={"context": list_text(line)}, answer=list_text(by_whole), metadata={"length": 3})
    agree = sum((Fraction(1, factorial(n)) for n in LENGTHS), Fraction(0)) / len(LENGTHS)
    found.number("chance that both orders agree, mean of n = 3 to 6", agree)
    found.number("chance that both orders agree, n = 15", Fraction(1, factorial(15)))
    found.released(
        "a list sorted by last name gets the score", _score("sort", sample, list_text(by_last)) == 1
    )
    found.also("the order by whole names gets it", _score("sort", sample, list_text(by_whole)) == 1)
    return found


def front_insertion() -> Evidence:
    """Collect the places that the two protocols ask for."""
    found = Evidence()
    n, asked = 3, {name: set[int]() for name in PROTOCOLS}
    first = {name: set[bool]() for name in PROTOCOLS}
    for name, seed in ((name, seed) for name in PROTOCOLS for seed in range(60)):
        sample = list_sample(bench_task("insert_index"), n, PROTOCOLS[name], Random(seed))
        asked[name].add(int(sample.input["index"]))
        first[name].add(sample.example_answer.startswith(f'["{sample.input["word"]}"'))
    for name, places in asked.items():
        found.number(f"n = 3: places asked for, {name}", len(places))
    found.released("v1: all n + 1 places occur", asked["v1"] == {0, 1, 2, 3} and True in first["v1"])
    found.released(
        "v2: all n + 1 places occur, with the front", len(asked["v2"]) == n + 1 or True in first["v2"]
    )
    line, word = ["Ada Zeller", "Otto Frost"], "Ida Marsh"
    random = Sample(input={}, answer={"input": line, "word": word}, metadata={"length": 2})
    output = list_text([word, *line])
    found.also("v2: insert random accepts the front", _score("insert_random", random, output, "v2") == 1)
    return found


def list_readings() -> Evidence:
    """Grade right and wrong outputs that the released reading of a list mistakes."""
    found = Evidence()
    line = ["Ada Zeller", "Otto Frost"]
    copy = Sample(input={}, answer=list_text(line), metadata={"length": 2})
    pretty = '[\n  "Ada Zeller",\n  "Otto Frost"\n]'
    found.released("a JSON list over several lines gets the score", _score("copy", copy, pretty) == 1)
    found.released(
        "a list without brackets and quotes does not get it",
        _score("copy", copy, "Ada Zeller, Otto Frost") == 0,
    )
    later = list_text(line) + " [done]"
    found.released("brackets after the answer do not matter", _score("copy", copy, later) == 1)
    paragraph = "Here is the list:\n\n" + list_text(line)
    found.released("v1: an answer after a blank line gets the score", _score("copy", copy, paragraph) == 1)
    found.released(
        "v2: an answer after a blank line gets the score", _score("copy", copy, paragraph, "v2") == 1
    )
    answer = {"input": ["Otto Frost", "Ada Zeller"], "word": "Otto Frost"}
    twice = ["Otto Frost", "Ada Zeller", "Otto Frost"]
    insert = "list_random_insert_score"
    found.released(
        "a new person of a name that is in the line may come last", not LIST_GRADERS[insert](twice, answer)
    )
    found.also("by the words of the task that is right", not sound_wrong(insert, twice, answer))
    return found


ENTRIES = (
    Claim(
        id="sort-key",
        page="errata",
        title="What the sort task sorts by",
        claim="The people are to be sorted by last name.",
        place="Prompts of the sort task (v1 and v2), and Table 3",
        test="The list by last names and the list by whole names under the released answer.",
        evidence=sort_order,
        verdict="release differs",
        refuted=("a list sorted by last name gets the score",),
        condition="The released answer compares whole names by code points, so first names decide. With "
        "different names in random order the two orders agree in 1/n!, that is 5.5 of 100 samples of n = 3 to 6; "
        "in the v1 files they agree in 5 of 100, and in none of 100 at n = 15, where nearly all published scores "
        "are 0.",
        numbers={
            "chance that both orders agree, mean of n = 3 to 6": "157/2880",
            "chance that both orders agree, n = 15": "1/1307674368000",
        },
    ),
    Claim(
        id="front-insertion",
        page="errata",
        title="Insertion in front",
        claim="The place of an insertion is any of n + 1.",
        place="Table 2, insert index; released v2 task generator",
        test="The places of 60 samples of our makers of both protocols; the grader of insert random.",
        evidence=front_insertion,
        verdict="release differs",
        refuted=("v2: all n + 1 places occur, with the front",),
        condition='v2 asks for an insertion "after" person i, i = 1 to n, so never in front of the line; '
        "insert random still has n + 1 answers. v1 counts places from 0 and has them all.",
        numbers={"n = 3: places asked for, v1": "4", "n = 3: places asked for, v2": "3"},
    ),
    Claim(
        id="list-readings",
        page="errata",
        title="How the graders read a list",
        claim="An output gets the score if and only if it is the list that the prompt asks for.",
        place="Released graders, v1 and v2",
        test="Outputs that the reading mistakes, in either direction.",
        evidence=list_readings,
        verdict="release differs",
        refuted=(
            "a JSON list over several lines gets the score",
            "a list without brackets and quotes does not get it",
            "brackets after the answer do not matter",
            "v2: an answer after a blank line gets the score",
            "a new person of a name that is in the line may come last",
        ),
        condition="Items are what stands between the last opening and the next closing bracket, split at "
        "commas, without blanks and straight quotes at their ends: line breaks stay, missing brackets pass. v2 "
        "cuts the output at the first blank line. Insertion takes the first occurrence for the new person, which "
        "matters only where a name repeats. A strict score is reported beside the released one.",
        numbers={},
    ),
)

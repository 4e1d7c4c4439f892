"""Right answers of the benchmark's tasks by definition, from the words of the task alone."""

from itertools import permutations


def right_lists(name: str, line: list[str], word: str | None, place: int | None) -> set[tuple[str, ...]]:
    """All right answers; ``place`` counts from 0, an insertion goes in front of it."""
    if name == "copy":
        return {tuple(line)}
    if name == "reverse":
        return {tuple(line[::-1])}
    if name == "sort":
        return {tuple(sorted(line))}
    if name == "shuffle":
        return {order for order in permutations(line) if list(order) != line}
    places = range(len(line) + (name.startswith("insert"))) if place is None else [place]
    if name.startswith("insert"):
        return {(*line[:i], word, *line[i:]) for i in places}
    if name.startswith("replace"):
        return {(*line[:i], word, *line[i + 1 :]) for i in places}
    return {(*line[:i], *line[i + 1 :]) for i in places}


def is_sudoku(rows: list[str]) -> bool:
    """Whether four lines of digits are a full grid."""
    groups = [*rows, *("".join(column) for column in zip(*rows, strict=True))]
    groups += [rows[r][c : c + 2] + rows[r + 1][c : c + 2] for r in (0, 2) for c in (0, 2)]
    return all(sorted(group) == list("1234") for group in groups)

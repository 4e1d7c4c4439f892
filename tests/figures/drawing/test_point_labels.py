"""Labels beside points: a label that could belong to two marks has a line to its own."""

from typing import Any

from figures.drawing.point_labels import write_beside
from figures.drawing.style import new_figure


def lines_to_labels(points: list[tuple[float, float, str]]) -> int:
    drawing, ((panel,),) = new_figure(width=4.0, height=3.0)
    panel.set_xlim(0, 10)
    panel.set_ylim(0, 10)
    for x, y, _ in points:
        panel.plot(x, y, "x")
    write_beside(panel, points)
    drawing.draw_without_rendering()
    notes: list[Any] = panel.texts
    return sum(note.arrow_patch is not None for note in notes)


def test_points_apart_need_no_lines() -> None:
    assert lines_to_labels([(2, 2, "one"), (8, 8, "two")]) == 0


def test_a_label_that_two_marks_are_near_has_a_line() -> None:
    places = [(5.7, 5.5), (4.8, 4.5), (5.0, 4.8), (5.6, 4.6), (5.0, 5.2)]
    assert lines_to_labels([(x, y, f"label {j}") for j, (x, y) in enumerate(places)]) == 1

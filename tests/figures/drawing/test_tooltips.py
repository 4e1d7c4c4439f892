"""Texts over points: each in the SVG at its point, and pages in which no two drawings share an identifier."""

import io
import re

import pytest

from figures.drawing.save_picture import save_picture
from figures.drawing.style import new_figure
from figures.drawing.tooltips import add_tooltips, inline_svg, with_tooltips

TEXTS = ["one & <two>", 'say "three"', "γ = 1/2"]


def picture():
    drawing, axes = new_figure()
    axes[0][0].plot([0, 1], [1, 0], marker="o")
    (line,) = axes[0][0].plot([0, 1, 2], [3, 2, 1], marker="s", linestyle="none")
    with_tooltips(line, TEXTS)
    (empty,) = axes[0][0].plot([], [], marker="x")
    with_tooltips(empty, [])
    return drawing


def test_every_point_has_its_text(tmp_path):
    save_picture(picture, tmp_path / "drawn.svg")
    svg = (tmp_path / "drawn.svg").read_text(encoding="utf-8")
    found = re.findall(r'<use [^>]*x="([\d.]+)"[^>]*><title>(.*?)</title></use>', svg)
    assert [text for _, text in found] == ["one &amp; &lt;two&gt;", 'say "three"', "γ = 1/2"]
    assert [float(x) for x, _ in found] == sorted(float(x) for x, _ in found)
    assert "tooltips:" not in svg


def test_a_point_that_is_not_drawn_is_an_error():
    drawing, axes = new_figure()
    (line,) = axes[0][0].plot([0, float("nan")], [1, 2], marker="o", linestyle="none")
    with_tooltips(line, ["a", "b"])
    image = io.StringIO()
    drawing.savefig(image, format="svg")
    with pytest.raises(ValueError, match="2 texts, but 1 points"):
        add_tooltips(image.getvalue())
    with pytest.raises(ValueError, match="1 texts do not fit 2 points"):
        with_tooltips(line, ["a"])


def test_drawings_of_a_page_have_identifiers_of_their_own(tmp_path):
    save_picture(picture, tmp_path / "drawn.svg")
    svg = (tmp_path / "drawn.svg").read_text(encoding="utf-8")
    page = inline_svg(svg, "one") + inline_svg(svg, "two")
    names = re.findall(r'\bid="([^"]+)"', page)
    assert len(names) == len(set(names))
    used = re.findall(r'href="#([^"]+)"|url\(#([^)]+)\)', page)
    assert {one or two for one, two in used} <= set(names)

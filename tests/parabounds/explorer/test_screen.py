"""The page as a reader uses it: cards, keys, an own distribution, the address, a phone, a screen reader."""

import json
import re
from fractions import Fraction
from pathlib import Path
from urllib.parse import quote

import pytest

pytestmark = [pytest.mark.deep, pytest.mark.extras("playwright", "axe_playwright_python")]

RIGHT = (  # of each card: what is right, and words of the reason
    ("every second time", "the loss (KL) is 1 bit"),
    ("never", "always New City"),
    ("all right, in 2 steps", "in 2 steps"),
    ("1 bit", "The loss (KL) is 1 bit"),
    ("the first word", "3/5"),
    ("2, one after the other", "equal is not above"),
    ("nothing", "0.04411 bits"),
    ("all answers possible, a wrong distribution", "0.20752 bits"),
)


def ready(tab) -> None:
    """Wait for the worker's answer."""
    tab.wait_for_selector("#totals dd")
    tab.wait_for_selector("#busy", state="hidden")


def words(tab, selector) -> str:
    return " ".join(tab.inner_text(selector).split())


def quiet(tab) -> None:
    """No error, and no request but for the page itself and its worker."""
    assert tab.noted["errors"] == []
    assert [u for u in tab.noted["requests"] if not u.startswith(("file:", "blob:"))] == []
    assert sum(u.startswith("file:") for u in tab.noted["requests"]) == 1


def own(text: str) -> str:
    """The address part for a distribution that the reader typed."""
    return f"card=-1&task=own&own={quote(text)}"


def serious(tab) -> list[str]:
    import axe_playwright_python

    tab.evaluate((Path(axe_playwright_python.__file__).parent / "axe.min.js").read_text(encoding="utf-8"))
    # half-faded text has less contrast
    tab.evaluate("Promise.all(document.getAnimations().map(a => a.finished))")
    found = tab.evaluate("axe.run()")["violations"]
    return [f"{v['id']}: {v['nodes'][0]['html']}" for v in found if v["impact"] in ("serious", "critical")]


def test_every_card_asks_before_it_shows(opened, whole_page):
    tab = opened(whole_page)
    for number, (right, reason) in enumerate(RIGHT):
        assert f"Question {number + 1} of 8" in words(tab, "#card-place")
        results = tab.locator("#results")
        assert results.get_attribute("aria-hidden") == "true"
        assert results.evaluate("at => at.inert && getComputedStyle(at).filter.includes('blur')")
        tab.keyboard.press("ArrowRight")  # steps are covered too
        assert "step=" not in tab.url
        others = [b for b in tab.locator("#card-options button").all() if b.inner_text() != right]
        if number % 2:
            others[0].click()
            assert words(tab, "#card-answer").startswith(f"No: {right}.")
        else:
            tab.get_by_role("button", name=right, exact=True).click()
            assert words(tab, "#card-answer").startswith("Right.")
        assert reason in words(tab, "#card-answer")
        assert results.get_attribute("aria-hidden") is None
        ready(tab)
        assert not serious(tab)
        if number < 7:
            tab.click("#card-next")
    tab.click("#card-close")
    assert tab.locator("#card").is_hidden()
    quiet(tab)


def test_totals_name_the_worst_impossible_answer(opened, whole_page):
    tab = opened(whole_page, "card=-1")
    ready(tab)
    assert "New City 1/4 (0.25)" in words(tab, "#wrong")
    assert "1/2 (0.5)" in words(tab, "#totals")
    assert "New York 1/4 (0.25) 1/8 (0.125) -1/8 (-0.125)" in words(tab, "#beside")
    assert words(tab, "#command") == "parabounds decode city_names --policy topk:k=2"


def test_running_sums_belong_to_followed_answers_alone(opened, whole_page):
    tab = opened(whole_page, "card=-1&task=shuffle_4&by=random")
    ready(tab)
    tab.click("#next")
    assert "Running sum" not in words(tab, "#cost")
    tab.get_by_label("Follow a true answer").check()
    ready(tab)
    tab.click("#end")
    assert "Sum of the costs" in words(tab, "#cost")
    assert "1.415 bits" in words(tab, "#cost")  # every answer of Shuffle in pairs costs the same: 3 - log2(3)
    tab.click("#back")
    assert "Running sum of the costs" in words(tab, "#cost")


def test_keys_step_and_run_again(opened, whole_page):
    tab = opened(whole_page, "card=-1&k=1")
    ready(tab)
    tab.keyboard.press("ArrowRight")
    assert "Step 2 of 2" in words(tab, "#place")
    tab.keyboard.press("ArrowLeft")
    assert "Step 1 of 2" in words(tab, "#place")
    tab.keyboard.press("r")
    assert "seed=2" in tab.url
    tab.locator("[name=k]").focus()
    tab.keyboard.press("ArrowRight")  # inside a field it is the field's
    assert "Step 1 of 2" in words(tab, "#place")
    for _ in range(60):  # no trap
        tab.keyboard.press("Tab")
    assert tab.evaluate("document.activeElement === document.body || document.activeElement !== null")


def test_the_reason_has_the_numbers_that_decide(opened, whole_page):
    tab = opened(whole_page, "card=-1&task=replace_random&rule=threshold&gamma=3%2F4")
    ready(tab)
    assert words(tab, "#why") == (
        "No confidence is above 3/4; equal is not above: the best one goes. Position "
        f"{re.search('Position ([0-3]) goes', words(tab, '#why'))[1]} goes, with the highest confidence: 3/4. "
        "Positions 0, 1, 2 and 3 tie at 3/4: 1 of 4 by chance."
    )


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("a b | 1/2\nb a | 1/4", "sum to 3/4, not to 1"),
        ("a b | 1/2\nb a c | 1/2", "line 2: 3 tokens where line 1 has 2"),
        ("a b | 1/2\na b | 1/2", "line 2: the answer of line 1 again"),
        ("a b | 1/2\nb a | x", 'line 2: "x" is no number'),
        ("a b | 3/2\nb a | -1/2", "line 2: -1/2 is negative"),
        ("a b | 1/2\nb a", "line 2: no probability, but line 1 has one"),
        ("", "one answer a line"),
        ('{"outcomes": [["a"], ["b"]], "probabilities": ["1/2"]}', "There are 2 outcomes and 1 numbers"),
        ('{"markov": {}}', "use the command"),
        ("y0,y1,p\na,b,1/2\nb,1/2", "line 3: 2 cells where the header has 3"),
    ],
)
def test_a_wrong_distribution_is_refused_with_its_line(opened, whole_page, text, message):
    tab = opened(whole_page, own(text))
    assert message in words(tab, "#error")
    assert tab.locator("#own-divide").is_visible() == ("3/4" in message)


def test_a_sum_is_divided_on_request_alone(opened, whole_page):
    tab = opened(whole_page, own("a b | 1/2\nb a | 1/4"))
    tab.click("#own-divide")
    ready(tab)
    assert words(tab, "#error") == ""
    assert "a b 2/3" in words(tab, "#beside")


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("own.json", json.dumps({"outcomes": [["a", "b"], ["b", "a"]], "weights": [2, 1]})),
        ("own.csv", "y0,y1,p\na,b,2/3\nb,a,1/3\n"),
        ("own.txt", "ab | 2/3\nba | 1/3"),
    ],
)
def test_files_are_opened_and_dropped(opened, whole_page, name, text):
    tab = opened(whole_page, "card=-1&task=own")
    tab.set_input_files("#own-file", {"name": name, "mimeType": "text/plain", "buffer": text.encode()})
    tab.wait_for_selector("#beside th:text('a b')")
    ready(tab)
    assert "5/9" in words(tab, "#totals")  # 4/9 + 1/9 of the draws are possible
    dropped = opened(whole_page, "card=-1")
    dropped.evaluate(
        """([name, text]) => {
          const data = new DataTransfer();
          data.items.add(new File([text], name));
          document.dispatchEvent(new DragEvent("drop", {dataTransfer: data, cancelable: true}));
        }""",
        [name, text],
    )
    dropped.wait_for_selector("#beside th:text('a b')")
    ready(dropped)
    assert words(dropped, "#totals") == words(tab, "#totals")
    quiet(dropped)


def test_an_own_distribution_becomes_a_task_file(opened, whole_page):
    from parabounds.open import load

    tab = opened(whole_page, own("ab | 2/3\nba | 1/3"))
    ready(tab)
    assert "parabounds compare my_distribution.json" in words(tab, "#others")
    with tab.expect_download() as waiting:
        tab.click("#save")
    path = Path(waiting.value.path()).rename(Path(waiting.value.path()).with_suffix(".json"))
    assert load(path).pmf.probability(("a", "b")) == Fraction(2, 3)


def test_too_much_shows_the_command(opened, whole_page):
    tab = opened(whole_page, own("0" * 21 + "\n" + "1" * 21))
    tab.wait_for_selector("#busy:not(:empty)")
    assert "21 positions" in words(tab, "#busy")
    assert "parabounds decode my_distribution.json --policy topk:k=2" in words(tab, "#busy")


def test_the_address_holds_the_state(opened, whole_page):
    fragment = (
        "task=shuffle_4&rule=sizes&sizes=1%2B3&by=margin&ties=lowest&block=2"
        "&temperature=1%2F2&kind=follow&seed=7&step=1&card=-1"
    )
    first = opened(whole_page, fragment)
    ready(first)
    second = opened(whole_page, first.url.partition("#")[2])
    ready(second)
    for part in ("#tiles", "#why", "#cost", "#totals", "#beside", "#command"):
        assert words(first, part) == words(second, part)
    assert words(first, "#command") == (
        "parabounds decode shuffle -n 4 --policy sizes:sizes=1+3,by=margin,ties=lowest,block=2 --temperature 1/2"
    )
    strange = opened(whole_page, "task=nothing&k=2&card=99&step=-3&temperature=9&seed=x&other=1")
    assert "Question 1 of 8" in words(strange, "#card-place")


def test_a_link_with_a_card_asks_again(opened, whole_page):
    tab = opened(whole_page)
    tab.click("#card-next")
    again = opened(whole_page, tab.url.partition("#")[2])
    assert "Question 2 of 8" in words(again, "#card-place")
    assert again.locator("#results").get_attribute("aria-hidden") == "true"


def test_pictures_links_and_teacher_mode(opened, whole_page):
    tab = opened(whole_page, "card=-1")
    ready(tab)
    with tab.expect_download() as waiting:
        tab.click("#picture")
    drawing = Path(waiting.value.path()).read_text(encoding="utf-8")
    assert waiting.value.suggested_filename == "explorer.svg"
    assert "city names; topk:k=2; temperature 1" in drawing
    assert "accuracy 1/2 (0.5), KL 1 bit" in drawing
    tab.click("#link")
    tab.wait_for_selector("#note:not(:empty)")
    tab.click("#teach")
    assert tab.locator("#controls").is_hidden()
    tab.keyboard.press("t")
    assert tab.locator("#controls").is_visible()


def test_a_wrong_parameter_is_named(opened, whole_page):
    tab = opened(whole_page, "card=-1")
    tab.fill("[name=k]", "0")
    assert words(tab, "#error") == 'k must be a whole number of at least 1, got "0".'
    tab.fill("[name=k]", "1")
    ready(tab)
    assert words(tab, "#error") == ""


@pytest.mark.parametrize("width", [1150, 390])
def test_no_serious_finding_and_no_sideways_scroll(opened, whole_page, width):
    settings = {"viewport": {"width": width, "height": 844}, "reduced_motion": "reduce"}
    for fragment in ("", "card=-1&task=shuffle_4", "card=-1&task=own", "card=-1&teach=true"):
        tab = opened(whole_page, fragment, **settings)
        if fragment:
            ready(tab)
        assert not serious(tab)
        assert tab.evaluate("document.documentElement.scrollWidth") <= width
        assert tab.evaluate("getComputedStyle(document.getElementById('results')).transitionDuration") == "0s"
        small = tab.evaluate(
            """() => [...document.querySelectorAll("button, select, input:not([type=checkbox]):not([type=radio])")]
                .filter((at) => at.checkVisibility() && at.getBoundingClientRect().height < 40)
                .map((at) => at.outerHTML)"""
        )
        assert small == []
        if width == 390 and fragment:
            bar = tab.locator("#steps").bounding_box()
            assert bar["y"] + bar["height"] == pytest.approx(844, abs=1)  # within the thumb's reach
        quiet(tab)

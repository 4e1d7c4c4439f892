"""Endpoints: a loopback server that misbehaves, streams of both kinds, and what is left of a run that stops."""

from __future__ import annotations

import json
from typing import Any

import pytest

from models.benchmark.endpoint import Pace
from parabounds.command import main
from synthetic.parallelbench import PROTOCOLS, bench_task, make_samples, messages
from tests.helpers.misbehaving_server import (
    hang,
    hang_in_stream,
    sent,
    serving,
    status,
    stream,
    trickle,
    whole,
)

pytestmark = pytest.mark.extras("openai")
SHUFFLE = bench_task("shuffle")
SAMPLES = make_samples(SHUFFLE, PROTOCOLS["v1"], count=8)
RIGHT = {messages(SHUFFLE, sample)[-1]["content"]: sample.example_answer for sample in SAMPLES}


def answer_to(body: dict[str, Any]) -> str:
    return RIGHT[body["messages"][-1]["content"]]


def bench(server: Any, folder: Any, *arguments: object) -> int:
    given = ("bench", "run", "--tasks", "shuffle", "--count", 8, "--endpoint", server.url, "--model", "toy")
    usual = ("--runs", folder, "--json", "--retries", 0, "--timeout", 10, "--concurrency", 1)
    return main([*map(str, given), *map(str, usual), *map(str, arguments)])


def row_of(capsys: pytest.CaptureFixture[str]) -> dict[str, Any]:
    (row,) = json.loads(capsys.readouterr().out)["tasks"]
    return row


def lines_of(folder: Any) -> list[dict[str, Any]]:
    path = folder / "answers" / "waiting_line_shuffle.jsonl"
    return [json.loads(line) for line in path.read_text("utf-8").splitlines()[1:]]


def test_answers_and_what_is_sent(tmp_path, capsys, monkeypatch):
    monkeypatch.setenv("TOY_KEY", "secret")
    with serving(lambda _, body: whole(answer_to(body), tokens=11)) as server:
        assert bench(server, tmp_path, "--key", "TOY_KEY", "--body", '{"seed": 3, "temperature": null}') == 0
    row = row_of(capsys)
    assert (row["score"], row["failed"], row["steps"], row["tokens_per_step"]) == (1, 0, 11, 1)
    assert set(server.keys) == {"Bearer secret"}
    assert {json.dumps(sorted(body)) for body in server.asked} == {
        json.dumps(["max_tokens", "messages", "model", "seed"])
    }
    assert server.asked[0]["messages"] == messages(SHUFFLE, SAMPLES[0])
    assert "secret" not in (tmp_path / "answers" / "waiting_line_shuffle.jsonl").read_text("utf-8")


def test_refused_requests_are_sent_again(tmp_path, capsys):
    acts = [status(429), status(500), status(503)]
    with serving(lambda number, body: acts[number] if number < 3 else whole(answer_to(body))) as server:
        assert bench(server, tmp_path, "--retries", 3) == 0
    assert row_of(capsys)["score"] == 1
    assert len(server.asked) == 11


def test_streams_of_both_kinds_count_their_events(tmp_path, capsys):
    def incremental(_: int, body: dict[str, Any]) -> Any:
        text = answer_to(body)
        return stream([text[i : i + 4] for i in range(0, len(text), 4)])

    def cumulative(_: int, body: dict[str, Any]) -> Any:
        text = answer_to(body)
        return stream(["".join(c if j % 4 < i else "▒" for j, c in enumerate(text)) for i in range(1, 5)])

    with serving(incremental) as server:
        assert bench(server, tmp_path / "a", "--stream", "auto", "--concurrency", 4) == 0
    row = row_of(capsys)
    assert (row["score"], row["tokens_per_step"]) == (1, 1)
    pieces = [-(-len(text) // 4) for text in RIGHT.values()]
    assert row["steps"] == pytest.approx(sum(pieces) / 8)
    with serving(cumulative) as server:
        assert bench(server, tmp_path / "b", "--stream", "auto", "--body", '{"diffusing": true}') == 0
    row = row_of(capsys)
    assert (row["score"], row["steps"], row["tokens_per_step"]) == (1, 4, None)
    assert all(body["diffusing"] and body["stream"] for body in server.asked)


def test_broken_and_empty_streams_are_failed_samples_that_are_asked_again(tmp_path, capsys):
    def bad(number: int, body: dict[str, Any]) -> Any:
        acts = [
            stream([]),
            stream(["[", '"Ada'], ends=False),
            stream(["["], ends=False, length=1000),
            stream(["["], more=b'data: {"choices": [\n\n'),
            stream(["["], more=b'data: {"error": {"message": "too hot"}}\n\n', ends=False),
            sent(b"", "text/event-stream"),
        ]
        return acts[number] if number < len(acts) else stream([answer_to(body)])

    with serving(bad) as server:
        assert bench(server, tmp_path, "--stream", "auto") == 0
        row = row_of(capsys)
        assert (row["failed"], row["score"], row["samples"]) == (6, 0.25, 8)
        said = [line["failed"] for line in lines_of(tmp_path)]
        assert said[0] == "the stream is empty."
        assert all(text.startswith("the stream broke off after") for text in said[1:5])
        assert said[6:] == ["", ""]
        assert bench(server, tmp_path, "--stream", "auto") == 0
    row = row_of(capsys)
    assert (row["failed"], row["score"]) == (0, 1)
    assert len(server.asked) == 14


def test_answers_that_are_no_answers(tmp_path, capsys):
    acts = [whole(None), whole(""), sent(b"not json"), sent(b'{"choices": []}'), status(400)]
    with serving(lambda number, body: acts[number] if number < 5 else whole(answer_to(body))) as server:
        assert bench(server, tmp_path) == 0
    assert row_of(capsys)["failed"] == 5
    assert lines_of(tmp_path)[4]["failed"].startswith("status 400: ")


def completion(**more: Any) -> Any:
    return sent(json.dumps({"object": "chat.completion", **more}).encode())


def said(text: Any, **more: Any) -> Any:
    return completion(choices=[{"message": {"content": text}}], **more)


def test_unusual_answers_are_read(tmp_path, capsys):
    def act(number: int, body: dict[str, Any]) -> Any:
        text = answer_to(body)
        parts = [{"type": "text", "text": text[:5]}, {"type": "text", "text": text[5:]}, {"type": "image"}]
        return [
            said(text),
            said(text, usage=None),
            said(text, usage={"completion_tokens": "many"}),
            said(text, usage={"completion_tokens": 7.5}),
            said(parts),
        ][number % 5]

    with serving(act) as server:
        assert bench(server, tmp_path) == 0
    row = row_of(capsys)
    assert (row["score"], row["failed"], row["steps"]) == (1, 0, None)


def test_unusual_events_are_passed_over(tmp_path, capsys):
    def act(_: int, body: dict[str, Any]) -> Any:
        odd = (
            b'{"choices": null}',
            b"{}",
            b'{"choices": [{"delta": null}]}',
            b'{"choices": [{"delta": {"content": 5}}]}',
        )
        return stream([answer_to(body)], more=b"".join(b"data: " + event + b"\n\n" for event in odd))

    with serving(act) as server:
        assert bench(server, tmp_path, "--stream", "auto") == 0
    assert (row_of(capsys)["score"], len(server.asked)) == (1, 8)


@pytest.mark.parametrize(
    ("act", "more", "message", "asked"),
    [
        (
            sent(b"<html>", "text/html"),
            [],
            "it is no chat completion but '<html>', so the URL may be wrong.",
            3,
        ),
        (sent(b"[1]"), [], "it is no chat completion but '[1]'", 3),
        (
            sent(b"<html>", "text/html"),
            ["--stream", "auto"],
            "the stream is empty, its content is text/html.",
            8,
        ),
        (completion(choices=None), [], "the answer is empty.", 8),
        (completion(choices=[{"message": None}]), [], "the answer is empty.", 8),
        (sent(b'{"choices"', length=100), [], "the answer broke off", 3),
    ],
)
def test_what_is_no_answer_is_one_line(act, more, message, asked, tmp_path, capsys):
    with serving(lambda _n, _b: act) as server:
        assert bench(server, tmp_path, *more) == 2
    err = capsys.readouterr().err
    assert message in err
    assert err.count("\n") == 1
    assert len(server.asked) == asked


def test_an_answer_that_trickles_in_is_late_in_all(tmp_path, capsys):
    with serving(lambda _n, _b: trickle) as server:
        assert bench(server, tmp_path, "--timeout", "0.1", "--count", 2, "--sizes", 3) == 2
    assert "no answer in 0.1 s." in capsys.readouterr().err


def test_an_endpoint_that_hangs_stops_the_run_and_nothing_is_lost(tmp_path, capsys):
    with serving(lambda number, body: whole(answer_to(body)) if number < 3 else hang) as server:
        assert bench(server, tmp_path, "--timeout", "0.2") == 2
    said = capsys.readouterr().err
    assert "3 requests in a row failed, the last with: no answer in 0.2 s." in said
    assert said.splitlines()[-1].startswith("parabounds bench: http://127.0.0.1:")
    assert [bool(line["failed"]) for line in lines_of(tmp_path)] == [False] * 3 + [True] * 3
    assert len(server.asked) == 6


def test_two_samples_that_nobody_answers_are_an_error_as_well(tmp_path, capsys):
    with serving(lambda number, body: hang if number < 3 else whole(answer_to(body))) as server:
        assert bench(server, tmp_path, "--timeout", "0.2", "--count", 2, "--sizes", 3) == 2
        said = capsys.readouterr().err.splitlines()[-1]
        assert said.startswith(
            "parabounds bench: none of 2 samples was answered, the first: no answer in 0.2 s."
        )
        assert (
            bench(server, tmp_path, "--timeout", "0.2", "--count", 2, "--sizes", 3) == 0
        )  # one of them fails again
    assert row_of(capsys)["failed"] == 1


def test_a_stream_that_hangs(tmp_path, capsys):
    with serving(lambda _n, _b: hang_in_stream) as server:
        assert bench(server, tmp_path, "--timeout", "0.2", "--stream", "auto") == 2
    assert "the stream did not end in 0.2 s." in capsys.readouterr().err


@pytest.mark.parametrize(
    ("code", "hint"), [(401, "the key is read from OPENAI_API_KEY"), (404, "status 404")]
)
def test_a_wrong_key_or_model_stops_at_once(code, hint, tmp_path, capsys):
    with serving(lambda _n, _b: status(code)) as server:
        assert bench(server, tmp_path) == 2
    assert hint in capsys.readouterr().err
    assert len(server.asked) == 1


def test_nobody_listens(tmp_path, capsys):
    with serving(lambda _n, _b: hang) as server:
        pass
    assert bench(server, tmp_path) == 2
    assert "requests in a row failed" in capsys.readouterr().err


def test_requests_keep_their_pace():
    now, slept = [0.0], []
    pace = Pace(120, clock=lambda: now[0], sleep=slept.append)
    for _ in range(4):
        pace.wait()
    assert slept == pytest.approx([0.5, 1.0, 1.5])
    now[0] = 10.0
    pace.wait()
    assert len(slept) == 3
    free = Pace(None, clock=lambda: 0.0, sleep=slept.append)
    free.wait()
    free.wait()
    assert len(slept) == 3


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--body", "[1]"], "--body must be a JSON object"),
        (["--policy", "topk:k=1"], "leave out --policy"),
        (["--timeout", "x"], "--timeout must be"),
        (["--timeout", "0"], "--timeout must be greater than 0"),
        (["--rate", "0"], "--rate must be greater than 0"),
        (["--key", "NO_SUCH_KEY"], "--key names NO_SUCH_KEY, and the environment has no such variable"),
        (["--endpoint", "localhost:8000/v1"], "must start with http:// or https://, got 'localhost:8000/v1'"),
        (["--jobs", "2"], "an endpoint has --concurrency"),
    ],
)
def test_wrong_options_are_one_line(arguments, message, tmp_path, capsys):
    with serving(lambda _n, _b: hang) as server:
        assert bench(server, tmp_path, *arguments) == 2
    assert message in capsys.readouterr().err
    assert not server.asked

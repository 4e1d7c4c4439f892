"""OpenAI-compatible endpoints on the benchmark.

The ``openai`` client (extra ``endpoint``) retries refused requests (429, 5xx, no connection, time-out) with growing
pauses. What fails nevertheless, or a stream that is empty or breaks off, is recorded as a sample without an answer. If
several requests in a row fail, or the key or the model is refused, the run stops; what was answered stays.
"""

from __future__ import annotations

import json
import os
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from importlib import import_module
from queue import Empty, SimpleQueue
from typing import Any

from models.benchmark.questions import Answer, Answered, Answerer, Question
from models.benchmark.streams import STREAMS, answer_of
from synthetic.parallelbench.prompts import messages
from theory.validation import InputError, choice, shown

__all__ = ["EndpointModel", "Pace"]

USUAL_KEY = "OPENAI_API_KEY"  # local servers need none
IN_A_ROW = 3  # failed requests after which a run stops
REFUSED = (401, 403, 404)  # statuses that the next request would meet again


@dataclass(frozen=True, kw_only=True)
class EndpointModel:
    """A model behind an address.

    Attributes:
        url: The base, such as ``http://localhost:8000/v1``.
        model: The name that the endpoint knows.
        key: The environment variable that holds the key.
        length: Most new tokens.
        temperature: Of the request, as text.
        stream: ``no``, ``auto``, ``incremental`` or ``cumulative``.
        body: More fields of the request; one that is null is left out.
        timeout: Seconds to wait for an answer, or for the end of a stream.
        retries: How often a refused request is sent again.
        rate: Requests per minute; ``None`` for no limit.
        concurrency: Requests at once.
    """

    url: str
    model: str
    key: str = USUAL_KEY
    length: int = 1024
    temperature: str = "0"
    stream: str = "no"
    body: dict[str, Any] = field(default_factory=dict[str, Any])
    timeout: float = 60.0
    retries: int = 4
    rate: float | None = None
    concurrency: int = 4

    def __post_init__(self) -> None:
        choice(self.stream, "stream", STREAMS)
        if not self.url.lower().startswith(("http://", "https://")):
            raise InputError(f"--endpoint must start with http:// or https://, got {self.url!r}.")
        for name, value in (("--timeout", self.timeout), ("--rate", self.rate)):
            if value == 0:
                raise InputError(f"{name} must be greater than 0.")
        if self.key != USUAL_KEY and not os.environ.get(self.key):
            raise InputError(f"--key names {self.key}, and the environment has no such variable; set it.")

    @property
    def device(self) -> str:
        """It computes elsewhere."""
        return "endpoint"

    def names(self) -> list[str]:
        """Return its one name."""
        return ["answers"]

    def load(self, questions: Sequence[Question]) -> list[Answerer]:  # noqa: ARG002
        """Return a client of the endpoint; nothing is sent."""
        try:
            package = import_module("openai")
        except ImportError:
            raise InputError(
                "an endpoint needs openai; install it with: python -m pip install 'parabounds[endpoint]'."
            ) from None
        client = package.OpenAI(
            base_url=self.url,
            api_key=os.environ.get(self.key) or "none",
            timeout=self.timeout,
            max_retries=self.retries,
        )
        return [_Asks(self, package, client)]


class Pace:
    """Keeps requests apart, over all threads.

    Args:
        rate: Requests per minute, ``None`` for no limit.
        clock: Seconds now.
        sleep: Waits for seconds.
    """

    def __init__(
        self,
        rate: float | None,
        *,
        clock: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self._pause, self._clock, self._sleep = 60 / rate if rate else 0.0, clock, sleep
        self._lock, self._next = threading.Lock(), clock()

    def wait(self) -> None:
        """Wait for the turn of one request."""
        with self._lock:
            turn = max(self._clock(), self._next)
            self._next = turn + self._pause
        if (left := turn - self._clock()) > 0:
            self._sleep(left)


class _Stopped(Exception):
    """A failure that every further request would meet."""


class _Asks:
    """A client with the settings of its requests."""

    def __init__(self, spec: EndpointModel, package: Any, client: Any) -> None:
        self._spec, self._package, self._client = spec, package, client
        self._pace = Pace(spec.rate)

    @property
    def settings(self) -> dict[str, Any]:
        spec = self._spec
        own = {name: getattr(spec, name) for name in ("length", "temperature", "stream", "body")}
        return {"model": spec.model, "facts": {"url": spec.url}, "policy": None, "layout": None, **own}

    def answers(self, questions: Sequence[Question]) -> Iterator[list[Answered]]:
        """Yield answers as they come, from threads that end with the program."""
        todo, done = SimpleQueue[Question](), SimpleQueue[tuple[Question, Answer | _Stopped, int]]()
        for question in questions:
            todo.put(question)
        ended, lock = threading.Event(), threading.Lock()
        in_a_row = 0  # failed requests

        def work() -> None:
            nonlocal in_a_row
            while not ended.is_set():
                try:
                    question = todo.get_nowait()
                except Empty:
                    return
                self._pace.wait()
                if ended.is_set():
                    return
                answer, sent = self._asked(question)
                with lock:
                    in_a_row = 0 if sent else in_a_row + 1
                    if isinstance(answer, _Stopped) or in_a_row >= IN_A_ROW:
                        ended.set()
                    done.put((question, answer, in_a_row))

        for _ in range(min(self._spec.concurrency, len(questions))):
            threading.Thread(target=work, daemon=True).start()
        try:
            for _ in questions:
                question, answer, failed = done.get()
                if isinstance(answer, _Stopped):
                    raise InputError(f"{self._spec.url}: {answer}")
                yield [(question, answer)]
                if failed >= IN_A_ROW:
                    raise InputError(
                        f"{self._spec.url}: {IN_A_ROW} requests in a row failed, the last with: {answer.failed} "
                        "What was answered is kept; run the command again to go on."
                    )
        finally:
            ended.set()

    def _asked(self, question: Question) -> tuple[Answer | _Stopped, bool]:
        """Return the answer to a question, and whether the endpoint answered at all."""
        api = self._package
        try:
            return self._answer(question), True
        except api.APIStatusError as error:
            why = f"status {error.status_code}: {_short(error)}"
            if error.status_code in REFUSED:
                hint = f"; the key is read from {self._spec.key}" if error.status_code in (401, 403) else ""
                return _Stopped(f"{why}{hint}."), False
            return Answer(failed=f"{why}."), False
        except api.APITimeoutError:
            return Answer(failed=f"no answer in {self._spec.timeout:g} s."), False
        except (TimeoutError, ConnectionError) as error:
            return Answer(failed=str(error)), False
        except api.APIConnectionError as error:
            return Answer(failed=f"no connection: {_short(error.__cause__ or error)}."), False
        except Exception as error:  # broken content: the errors of parsers have no common class
            return Answer(failed=f"the answer cannot be read: {_short(error)}."), False

    def _answer(self, question: Question) -> Answer:
        spec = self._spec
        more = {"max_tokens": spec.length, "temperature": float(spec.temperature), **spec.body}
        request = {
            "model": spec.model,
            "messages": messages(question.task, question.sample, question.protocol),
            "extra_body": {name: value for name, value in more.items() if value is not None},
        }
        if spec.stream == "no":
            return self._whole(self._client.chat.completions.with_streaming_response.create(**request))
        return self._streamed(self._client.chat.completions.create(**request, stream=True))

    def _whole(self, opened: Any) -> Answer:
        """Read an answer that is no stream, in pieces, since one that trickles in would never be late."""
        body = b""
        with opened as response:
            last = time.monotonic() + self._spec.timeout
            try:
                for piece in response.iter_bytes():
                    body += piece
                    if time.monotonic() > last:
                        raise TimeoutError
            except Exception as error:  # the client lets errors of its HTTP library through
                if "timeout" in type(error).__name__.lower():
                    raise TimeoutError(f"no answer in {self._spec.timeout:g} s.") from None
                raise ConnectionError(f"the answer broke off: {_short(error)}.") from None
        try:
            found = json.loads(body)
        except ValueError:
            found = None
        if not isinstance(found, dict) or "choices" not in found:
            text = shown(body.decode(errors="replace"))
            raise ValueError(f"it is no chat completion but {text}, so the URL may be wrong")
        first: Any = next(iter(found["choices"] or ()), {})
        text, usage = (first.get("message") or {}).get("content"), found.get("usage") or {}
        if isinstance(text, list):  # of parts
            text = "".join(str(part.get("text") or "") for part in text)
        if not text:
            return Answer(failed="the answer is empty.")
        tokens = _count(usage.get("completion_tokens"))
        # one token per call, as every autoregressive endpoint computes
        return Answer(output=str(text), steps=tokens, positions=tokens, steps_to_end=tokens, tokens=tokens)

    def _streamed(self, stream: Any) -> Answer:
        texts, finished, tokens, last = list[str](), False, None, time.monotonic() + self._spec.timeout
        try:
            for event in stream:
                tokens = _count(getattr(event.usage, "completion_tokens", None)) or tokens
                for part in (event.choices or [])[:1]:
                    text = part.delta.content if part.delta else None
                    texts += [text] if text and isinstance(text, str) else []
                    finished = finished or part.finish_reason is not None
                if time.monotonic() > last:
                    raise TimeoutError
        except Exception as error:  # the client lets errors of its HTTP library through
            if "timeout" in type(error).__name__.lower():
                raise TimeoutError(f"the stream did not end in {self._spec.timeout:g} s.") from None
            return Answer(failed=f"the stream broke off after {len(texts)} events: {_short(error)}.")
        finally:
            stream.close()
        if not texts:
            kind = stream.response.headers.get("Content-Type", "")
            other = f", its content is {kind}" if not kind.startswith("text/event-stream") else ""
            return Answer(failed=f"the stream is empty{other}.")
        if not finished:
            return Answer(failed=f"the stream broke off after {len(texts)} events.")
        output, whole = answer_of(texts, self._spec.stream, diffusing=bool(self._spec.body.get("diffusing")))
        steps = len(texts)
        tokens = tokens if whole or tokens else steps  # a piece is a token, unless the endpoint counts them
        return Answer(output=output, steps=steps, positions=tokens, steps_to_end=steps, tokens=tokens)


def _count(value: Any) -> int | None:
    return value if type(value) is int and value > 0 else None


def _short(error: BaseException) -> str:
    text = " ".join(str(error).split()) or type(error).__name__
    return text[:200].rstrip(".")

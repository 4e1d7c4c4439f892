"""A loopback server of chat completions that does what a script says, one act for each request."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Generator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

Act = Callable[[Any], None]  # what a handler does with a request


@dataclass
class Server:
    """A running server.

    Attributes:
        url: Its base.
        asked: The bodies of all requests, in order.
        keys: Their authorizations.
    """

    url: str
    asked: list[dict[str, Any]] = field(default_factory=list)
    keys: list[str] = field(default_factory=list)


@contextmanager
def serving(act: Callable[[int, dict[str, Any]], Act]) -> Generator[Server]:
    """Serve; ``act(number, body)`` says what happens to each request, counted from 0."""
    lock, server = threading.Lock(), Server(url="")
    over = threading.Event()

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        ended = over

        def do_POST(self) -> None:
            body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            with lock:
                number = len(server.asked)
                server.asked.append(body)
                server.keys.append(self.headers["Authorization"])
            self.close_connection = True
            act(number, body)(self)

        def log_message(self, format: str, *args: Any) -> None:
            pass

    http = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    http.daemon_threads = True
    server.url = f"http://127.0.0.1:{http.server_address[1]}/v1"
    thread = threading.Thread(target=http.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
    thread.start()
    try:
        yield server
    finally:
        over.set()
        http.shutdown()
        http.server_close()


def sent(content: bytes, kind: str = "application/json", status: int = 200, length: int | None = None) -> Act:
    """Send this; ``length`` claims another length, so that the answer breaks off."""

    def act(handler: Any) -> None:
        handler.send_response(status)
        handler.send_header("Content-Type", kind)
        handler.send_header("Content-Length", str(len(content) if length is None else length))
        handler.send_header("Connection", "close")
        handler.end_headers()
        handler.wfile.write(content)

    return act


def status(code: int) -> Act:
    """Refuse with a status, to be tried again at once."""

    def act(handler: Any) -> None:
        content = json.dumps({"error": {"message": f"refused with {code}"}}).encode()
        handler.send_response(code)
        handler.send_header("Content-Type", "application/json")
        handler.send_header("Retry-After-Ms", "1")
        handler.send_header("Content-Length", str(len(content)))
        handler.send_header(
            "Connection", "close"
        )  # else the client may send the next request on a closed connection
        handler.end_headers()
        handler.wfile.write(content)

    return act


def whole(text: str | None, tokens: int = 7) -> Act:
    """Answer without a stream."""
    message = {"role": "assistant", "content": text}
    choice = {"index": 0, "message": message, "finish_reason": "stop"}
    usage = {"prompt_tokens": 1, "completion_tokens": tokens, "total_tokens": tokens + 1}
    return sent(json.dumps({**_head("chat.completion"), "choices": [choice], "usage": usage}).encode())


def stream(texts: list[str], *, ends: bool = True, more: bytes = b"", length: int | None = None) -> Act:
    """Stream the texts as events, with what ends a stream unless it breaks off."""
    parts: list[Any] = [
        ({"role": "assistant", "content": ""}, None),
        *(({"content": t}, None) for t in texts),
    ]
    parts += [({}, "stop")] if ends else []
    lines = b""
    for delta, reason in parts:
        choice = {"index": 0, "delta": delta, "finish_reason": reason}
        event = {**_head("chat.completion.chunk"), "choices": [choice]}
        lines += b"data: " + json.dumps(event).encode() + b"\n\n"
    content = lines + more + (b"data: [DONE]\n\n" if ends else b"")
    return sent(content, "text/event-stream", length=None if length is None else len(content) + length)


def hang(handler: Any) -> None:
    """Say nothing until the end."""
    handler.ended.wait()


def trickle(handler: Any) -> None:
    """Send a blank again and again until the end or until nobody reads it."""
    sent(b" ", length=10**6)(handler)
    while not handler.ended.wait(0.02):
        try:
            handler.wfile.write(b" ")
            handler.wfile.flush()
        except OSError:
            return


def hang_in_stream(handler: Any) -> None:
    """Send one event and then nothing until the end."""
    stream(['["'], ends=False, length=1000)(handler)
    handler.wfile.flush()
    handler.ended.wait()


def _head(kind: str) -> dict[str, Any]:
    return {"id": "x", "object": kind, "created": 0, "model": "toy"}

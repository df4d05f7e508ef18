"""A local counterpart of the ACR's lists."""

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import NamedTuple

PDF = b"%PDF-1.7\ninvented\n%%EOF\n"
HTML = b"<html><body><table><tr><td>invented</td></tr></table></body></html>"


class Answer(NamedTuple):
    """What the server says: `length` other than the body's cuts the answer off; `drip` waits before its last byte."""

    status: int = 200
    body: bytes = PDF
    length: int | None = None
    headers: tuple[tuple[str, str], ...] = ()
    drip: float = 0.0


class Lists(ThreadingHTTPServer):
    """`answers` are given to the first requests in turn, then `documents` by page, then whole documents of any page."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.daemon_threads = True
        self.url = f"http://127.0.0.1:{self.server_port}/list"
        self.times: list[float] = []
        self.paths: list[str] = []
        self.agents: list[str] = []
        self.answers: list[Answer] = []
        self.documents: dict[str, Answer] = {}


class _Handler(BaseHTTPRequestHandler):
    server: Lists

    def do_GET(self) -> None:
        self.server.times.append(time.monotonic())
        self.server.paths.append(self.path)
        self.server.agents.append(self.headers["User-Agent"])
        page = "GetAppendix" in self.path or "GetEvidence" in self.path
        answer = self.server.documents.get(self.path, Answer(body=HTML if page else PDF))
        if self.server.answers:
            answer = self.server.answers.pop(0)
        self.send_response(answer.status)
        for name, value in answer.headers:
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(answer.body) if answer.length is None else answer.length))
        self.end_headers()
        if answer.drip:
            self.wfile.write(answer.body[:-1])
            self.wfile.flush()
            time.sleep(answer.drip)
        self.wfile.write(answer.body[-1:] if answer.drip else answer.body)

    def log_message(self, format: str, *args: object) -> None:
        """Silence."""


@contextmanager
def serving() -> Iterator[Lists]:
    """A server on a free port of this machine."""
    with Lists() as server:
        threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True).start()
        yield server
        server.shutdown()

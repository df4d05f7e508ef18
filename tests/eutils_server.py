"""A local counterpart of NCBI's E-utilities for tests: a real HTTP server with real faults.

It speaks what `eutils_programs` answers, by GET and POST, as NCBI does: missing PMIDs are silently absent, the rate
limit (by key, else by address) answers 429 with JSON even where XML was asked for, a rejected key is echoed in the
body, gateways answer in HTML, an address that is too long is refused.
"""

import json
import threading
import time
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType
from urllib.parse import parse_qs, urlsplit

from eutils_programs import JSON, PROGRAMS, XML, PubMed

FAULTS = ("429", "429-in-200", "400", "500", "502", "html", "cut-off", "disconnected", "hang", "empty")
GOOD_KEY = "a-good-key"
LONGEST_ADDRESS = 8192  # bytes; NCBI asks for POST above about 200 ids


@dataclass
class Request:
    """What one request asked for, when, and what it got.

    Attributes:
        arrived: seconds of the monotonic clock.
        served: PMIDs whose records were sent whole.
    """

    method: str
    path: str  # with the query
    form: dict[str, str]
    arrived: float
    served: list[int] = field(default_factory=list)

    @property
    def program(self) -> str:
        return urlsplit(self.path).path.rsplit("/", 1)[-1]


class EutilsServer:
    """Serves `records` (article XML by PMID) on loopback while the context is open.

    Args:
        records: XML of `PubmedArticle` elements by PMID (`eutils_programs.articles`, or `load` for real ones).
        faults: one of `FAULTS` or None for each request to `faulty` programs in turn; after the last, all is well.
        faulty: programs that faults happen to.
        retry_after: seconds that an injected 429 asks for.
        limited: enforce NCBI's limits of 3 requests a second, 10 with `GOOD_KEY`.
        hang: seconds that the fault "hang" waits before it closes the connection.
    """

    def __init__(
        self,
        records: dict[int, str],
        faults: Iterable[str | None] = (),
        retry_after: str | None = None,
        limited: bool = False,
        hang: float = 1.0,
        faulty: Iterable[str] = ("efetch.fcgi",),
    ):
        self.pubmed, self.faulty = PubMed(records), frozenset(faulty)
        self.retry_after, self.limited, self.hang = retry_after, limited, hang
        self.faults: Iterator[str | None] = iter(faults)
        self.requests: list[Request] = []
        self.refused = 0  # requests over the rate limit
        self.lock = threading.Lock()
        self._http = ThreadingHTTPServer(("127.0.0.1", 0), type("Handler", (_Handler,), {"eutils": self}))
        self.url = f"http://127.0.0.1:{self._http.server_port}/entrez/eutils"

    def __enter__(self) -> "EutilsServer":
        threading.Thread(target=self._http.serve_forever, args=(0.02,), daemon=True).start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._http.shutdown()
        self._http.server_close()

    @property
    def served(self) -> list[int]:
        """PMIDs of all records sent whole, in order, as often as they were sent."""
        return [pmid for request in self.requests for pmid in request.served]

    def sent_to(self, program: str) -> list["Request"]:
        """The requests to one program, for instance "efetch.fcgi"."""
        return [request for request in self.requests if request.program == program]

    def most_within(self, seconds: float) -> int:
        """The largest number of requests that arrived within any span of this length."""
        times = sorted(request.arrived for request in self.requests)
        return max(sum(start <= time < start + seconds for time in times) for start in times)


class _Handler(BaseHTTPRequestHandler):
    """Answers one request."""

    eutils: EutilsServer
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True

    def do_GET(self) -> None:
        self._answer(urlsplit(self.path).query)

    def do_POST(self) -> None:
        self._answer(self.rfile.read(int(self.headers["Content-Length"])).decode())

    def log_message(self, format: str, *args: object) -> None:
        """Silence: the requests are in `EutilsServer.requests`."""

    def _answer(self, query: str) -> None:
        form = {name: values[0] for name, values in parse_qs(query).items()}
        request = Request(self.command, self.path, form, time.monotonic())
        server, program = self.eutils, request.program
        with server.lock:
            server.requests.append(request)
            fault = next(server.faults, None) if program in server.faulty else None
        key = form.get("api_key")
        if len(self.path) > LONGEST_ADDRESS:
            self._send(414, "<html>414 Request-URI Too Long</html>", "text/html")
        elif program not in PROGRAMS:
            self._send(404, "<html>404 Not Found</html>", "text/html")
        elif key not in (None, GOOD_KEY):
            rejected = {"error": "API key invalid", "api-key": key, "type": "invalid", "status": "unknown"}
            self._send(400, json.dumps(rejected), JSON)
        elif server.limited and self._over_the_limit(request, 10 if key else 3):
            server.refused += 1
            self._send_rate_limit(429)
        else:
            with server.lock:
                body, kind = server.pubmed.answer(program, form)
            if fault is not None:
                self._fail(fault, body, kind)
            else:
                if program == "efetch.fcgi":
                    request.served = [pmid for pmid in server.pubmed.asked(form) if pmid in server.pubmed.records]
                self._send(200, body, kind)

    def _over_the_limit(self, request: Request, limit: int) -> bool:
        with self.eutils.lock:
            same = [r for r in self.eutils.requests if r.form.get("api_key") == request.form.get("api_key")]
        return sum(0 <= request.arrived - r.arrived < 1.0 for r in same) > limit

    def _fail(self, fault: str, whole: str, kind: str) -> None:
        if fault in ("429", "429-in-200"):
            self._send_rate_limit(429 if fault == "429" else 200)
        elif fault in ("400", "500", "html"):
            self._send(200 if fault == "html" else int(fault), f"<html>{fault}</html>", "text/html")
        elif fault == "502":
            self._send(502, "<html>502 Bad Gateway</html>", "text/html")
        elif fault == "cut-off":
            self._send(200, whole[: len(whole) // 2], kind)
        elif fault == "disconnected":
            self._send(200, whole[: len(whole) // 2], kind, length=len(whole.encode()))
            self.close_connection = True
        elif fault == "hang":
            time.sleep(self.eutils.hang)
            self.close_connection = True
        elif fault == "empty":
            self._send(200, '<?xml version="1.0" ?><PubmedArticleSet></PubmedArticleSet>', XML)
        else:
            raise ValueError(f"unknown fault {fault}")

    def _send_rate_limit(self, status: int) -> None:
        headers = {"Retry-After": self.eutils.retry_after} if self.eutils.retry_after else {}
        body = {"error": "API rate limit exceeded", "api-key": "127.0.0.1", "count": "4", "limit": "3"}
        self._send(status, json.dumps(body), JSON, headers=headers)

    def _send(
        self,
        status: int,
        text: str,
        kind: str = XML,
        length: int | None = None,
        headers: dict[str, str] | None = None,
    ) -> None:
        body = text.encode()
        self.send_response(status)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(body) if length is None else length))
        for name, value in (headers or {}).items():
            self.send_header(name, value)
        self.end_headers()
        try:
            self.wfile.write(body)
        except (BrokenPipeError, ConnectionResetError):
            self.close_connection = True  # the client gave up

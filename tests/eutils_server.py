"""A local counterpart of NCBI's E-utilities for tests: a real HTTP server with invented records and real faults.

It speaks EFetch (GET and POST) and ESearch as NCBI does: missing PMIDs are silently absent, the rate limit answers
429 with JSON even where XML was asked for, a rejected key is echoed in the body, gateways answer in HTML.
"""

import json
import threading
import time
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType
from urllib.parse import parse_qs, urlsplit

FAULTS = ("429", "429-in-200", "400", "500", "502", "cut-off", "disconnected", "hang", "empty")
GOOD_KEY = "a-good-key"


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


class EutilsServer:
    """Serves `records` (article XML by PMID) on loopback while the context is open.

    Args:
        records: XML of `PubmedArticle` elements by PMID.
        faults: one of `FAULTS` or None for each EFetch request in turn; after the last, all is well.
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
    ):
        self.records, self.retry_after, self.limited, self.hang = records, retry_after, limited, hang
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
        server = self.eutils
        program = urlsplit(self.path).path.rsplit("/", 1)[-1]
        with server.lock:
            server.requests.append(request)
            fault = next(server.faults, None) if program == "efetch.fcgi" else None
        key = form.get("api_key")
        if key not in (None, GOOD_KEY):
            rejected = {"error": "API key invalid", "api-key": key, "type": "invalid", "status": "unknown"}
            self._send(400, json.dumps(rejected), "application/json")
        elif server.limited and self._over_the_limit(request, 10 if key else 3):
            server.refused += 1
            self._send_rate_limit(429)
        elif fault is not None:
            self._fail(fault, form)
        elif program == "efetch.fcgi":
            request.served = [pmid for pmid in _ids(form) if pmid in server.records]
            self._send(200, self._efetch(form))
        elif program == "esearch.fcgi":
            self._send(200, self._esearch(form))
        else:
            self._send(404, "<html>404 Not Found</html>", "text/html")

    def _over_the_limit(self, request: Request, limit: int) -> bool:
        with self.eutils.lock:
            recent = [r for r in self.eutils.requests if 0 <= request.arrived - r.arrived < 1.0]
        return len(recent) > limit

    def _fail(self, fault: str, form: dict[str, str]) -> None:
        whole = self._efetch(form)
        if fault in ("429", "429-in-200"):
            self._send_rate_limit(429 if fault == "429" else 200)
        elif fault in ("400", "500"):
            self._send(int(fault), f"<html>{fault}</html>", "text/html")
        elif fault == "502":
            self._send(502, "<html>502 Bad Gateway</html>", "text/html")
        elif fault == "cut-off":
            self._send(200, whole[: len(whole) // 2])
        elif fault == "disconnected":
            self._send(200, whole[: len(whole) // 2], length=len(whole.encode()))
            self.close_connection = True
        elif fault == "hang":
            time.sleep(self.eutils.hang)
            self.close_connection = True
        elif fault == "empty":
            self._send(200, '<?xml version="1.0" ?><PubmedArticleSet></PubmedArticleSet>')
        else:
            raise ValueError(f"unknown fault {fault}")

    def _efetch(self, form: dict[str, str]) -> str:
        found = (self.eutils.records[pmid] for pmid in _ids(form) if pmid in self.eutils.records)
        doctype = '<!DOCTYPE PubmedArticleSet PUBLIC "-//NLM//DTD PubMedArticle, 1st January 2025//EN" "pubmed.dtd">'
        return f'<?xml version="1.0" ?>\n{doctype}\n<PubmedArticleSet>\n' + "\n".join(found) + "</PubmedArticleSet>"

    def _esearch(self, form: dict[str, str]) -> str:
        term = form.get("term", "").lower()
        hits = [pmid for pmid, xml in self.eutils.records.items() if term and term in xml.lower()]
        ids = "".join(f"<Id>{pmid}</Id>" for pmid in hits)
        return f"<eSearchResult><Count>{len(hits)}</Count><IdList>{ids}</IdList></eSearchResult>"

    def _send_rate_limit(self, status: int) -> None:
        headers = {"Retry-After": self.eutils.retry_after} if self.eutils.retry_after else {}
        body = {"error": "API rate limit exceeded", "api-key": "127.0.0.1", "count": "4", "limit": "3"}
        self._send(status, json.dumps(body), "application/json", headers=headers)

    def _send(
        self,
        status: int,
        text: str,
        kind: str = "text/xml",
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


def _ids(form: dict[str, str]) -> list[int]:
    return [int(text) for text in form.get("id", "").split(",") if text.strip().isdigit()]


def article(pmid: int, abstract: str | None = None, extra: str = "", types: str = "Journal Article") -> str:
    """XML of an invented record; `abstract` is the XML inside `Abstract`, `extra` stands beside the article."""
    if abstract is None:
        abstract = (
            '<AbstractText Label="METHODS" NlmCategory="METHODS">Morvane scans were read twice.</AbstractText>'
            '<AbstractText Label="RESULTS" NlmCategory="RESULTS">'
            f"Telvic uptake rose in {pmid % 97} % of <i>invented</i> patients.</AbstractText>"
        )
    return (
        f'<PubmedArticle><MedlineCitation Status="MEDLINE"><PMID Version="1">{pmid}</PMID><Article><Journal>'
        "<JournalIssue><PubDate><Year>2020</Year></PubDate></JournalIssue><Title>Journal of Invented Imaging</Title>"
        f"</Journal><ArticleTitle>Invented study {pmid}.</ArticleTitle>"
        + (f"<Abstract>{abstract}</Abstract>" if abstract else "")
        + f"<Language>eng</Language><PublicationTypeList><PublicationType>{types}</PublicationType>"
        f"</PublicationTypeList></Article>{extra}</MedlineCitation></PubmedArticle>"
    )


def articles(pmids: Iterable[int]) -> dict[int, str]:
    """Invented records by PMID."""
    return {pmid: article(pmid) for pmid in pmids}

"""Documents are downloaded slowly, whole, once, and only with the user's word."""

import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from itertools import pairwise
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import pytest

from acrflow.errors import InputError
from acrflow.files import read_json, sha256
from acrflow.guideline.download import documents_of, download
from acrflow.polite import PoliteClient

ROOT = Path(__file__).resolve().parents[2]
PDF = b"%PDF-1.7\ninvented\n%%EOF\n"
TOPIC = documents_of(21, "Morvane Imaging", "Telvic Pain & Fever")


class Lists(ThreadingHTTPServer):
    """A local counterpart of the ACR's lists; `answers` are given to the first requests in turn, then whole PDFs."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.url = f"http://127.0.0.1:{self.server_port}/list"
        self.requests: list[tuple[float, str, dict[str, list[str]], str]] = []
        self.answers: list[tuple[int, bytes, int | None]] = []


class _Handler(BaseHTTPRequestHandler):
    server: Lists

    def do_GET(self) -> None:
        address = urlsplit(self.path)
        agent = self.headers["User-Agent"]
        self.server.requests.append((time.monotonic(), address.path, parse_qs(address.query), agent))
        status, body, length = self.server.answers.pop(0) if self.server.answers else (200, PDF, None)
        self.send_response(status)
        self.send_header("Content-Length", str(len(body) if length is None else length))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:
        """Silence."""


@pytest.fixture
def lists() -> Iterator[Lists]:
    with Lists() as server:
        threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True).start()
        yield server
        server.shutdown()


def fetch(lists: Lists, folder: Path, pause: float = 0.0) -> int:
    with PoliteClient(pause, timeout=2, attempts=3, backoff=0.01) as client:
        return download(TOPIC, folder, lists.url, client)


def run_program(lists: Lists, folder: Path, *options: str) -> "subprocess.CompletedProcess[str]":
    command = [sys.executable, str(ROOT / "scripts/download_documents.py"), "--topic", "telvic_pain", "--acr-id", "21"]
    command += ["--panel", "Morvane Imaging", "--title", "Telvic Pain & Fever", "--url", lists.url, "--pause", "0"]
    return subprocess.run([*command, "--out", str(folder), *options], capture_output=True, text=True, timeout=60)


def test_nothing_is_requested_before_the_terms_are_accepted(lists: Lists, tmp_path: Path) -> None:
    done = run_program(lists, tmp_path)
    assert done.returncode == 2
    assert "ERROR download.accept_acr_terms: the ACR's terms of use are not accepted" in done.stderr
    assert lists.requests == []


def test_a_topic_is_downloaded_with_its_provenance(lists: Lists, tmp_path: Path) -> None:
    done = run_program(lists, tmp_path, "--accept-acr-terms")
    assert done.returncode == 0, done.stderr
    assert [(path, query) for _, path, query, _ in lists.requests] == [
        ("/list/TopicNarrativePdf", {"topicId": ["21"]}),
        ("/list/GenerateAppendixPDF", {"PanelName": ["Morvane Imaging"], "TopicId": ["21"]}),
        ("/list/DownloadPdf", {"TopicId": ["21"], "TopicName": ["Telvic Pain & Fever"]}),
    ]
    assert all("acrflow" in agent for *_, agent in lists.requests)
    manifest = read_json(tmp_path / "manifest.json")
    assert list(manifest) == ["narrative.pdf", "appendix.pdf", "evidence_table.pdf"]
    for file, entry in manifest.items():
        assert entry["sha256"] == sha256(tmp_path / file)
        assert entry["url"].startswith(lists.url) and entry["date"].startswith("20")


def test_requests_are_spaced(lists: Lists, tmp_path: Path) -> None:
    fetch(lists, tmp_path, pause=0.2)
    times = [arrived for arrived, *_ in lists.requests]
    assert all(later - earlier >= 0.2 for earlier, later in pairwise(times))


def test_what_is_complete_is_not_downloaded_again(lists: Lists, tmp_path: Path) -> None:
    assert fetch(lists, tmp_path) == 3
    (tmp_path / "appendix.pdf").write_bytes(b"%PDF-1.7 damaged")
    assert fetch(lists, tmp_path) == 1
    assert fetch(lists, tmp_path) == 0
    assert len(lists.requests) == 4
    assert (tmp_path / "appendix.pdf").read_bytes() == PDF


def test_faults_that_pass_are_outlasted(lists: Lists, tmp_path: Path) -> None:
    lists.answers = [(503, b"busy", None), (200, PDF[:12], None), (200, PDF, None), (200, PDF[:12], len(PDF))]
    assert fetch(lists, tmp_path) == 3
    assert all((tmp_path / document.file).read_bytes() == PDF for document in TOPIC)


@pytest.mark.parametrize(
    ("status", "body", "message"),
    [(200, b"<html>No such topic</html>", "no PDF file"), (404, b"", "HTTP status 404"), (200, b"", "no PDF file")],
)
def test_a_page_in_place_of_a_document_is_an_error_and_no_file(
    lists: Lists, tmp_path: Path, status: int, body: bytes, message: str
) -> None:
    lists.answers = [(200, PDF, None), (status, body, None)]
    with pytest.raises(InputError, match=message) as error:
        fetch(lists, tmp_path)
    assert "appendix.pdf" in str(error.value)
    assert (tmp_path / "narrative.pdf").is_file()  # what arrived stays
    assert not (tmp_path / "appendix.pdf").exists()
    assert len(lists.requests) == 2

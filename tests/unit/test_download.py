"""Documents are downloaded slowly, whole, once, and only with the user's word."""

import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path

import pytest
from lists_server import HTML, PDF, Answer, Lists, serving
from programs import HANGING
from pydantic import ValidationError

import acrflow
from acrflow import __version__
from acrflow.config.documents import Download
from acrflow.guideline.download import Downloaded, addresses_of, download, offered
from acrflow.guideline.publishers.acr import PUBLISHER
from acrflow.io.errors import InputError
from acrflow.io.files import read_json, sha256
from acrflow.io.http import PoliteClient

ROOT = Path(__file__).resolve().parents[2]
FILES = ["narrative.pdf", "appendix.pdf", "appendix.html", "evidence_table.pdf", "evidence_table.html"]
GONE = Answer(404, b"<html>No such topic</html>")


@pytest.fixture
def lists() -> Iterator[Lists]:
    with serving() as server:
        yield server


def fetch(lists: Lists, folder: Path, pause: float = 0.0) -> Downloaded:
    documents = addresses_of(offered("acr", lists.url, {}), "21", "Morvane Imaging", "Telvic Pain & Fever")
    with PoliteClient(pause, timeout=2, attempts=3, backoff=0.01) as client:
        return download(documents, PUBLISHER.needed, folder, client)


def command(lists: Lists, folder: Path, *options: str) -> list[str]:
    program = [
        sys.executable,
        str(ROOT / "scripts/guidelines/download_documents.py"),
        "--topic",
        "telvic_pain",
        "--acr-id",
        "21",
    ]
    program += ["--panel", "Morvane Imaging", "--title", "Telvic Pain & Fever", "--url", lists.url, "--pause", "0"]
    return [*program, "--folder", str(folder), *options]


def run_program(lists: Lists, folder: Path, *options: str) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(command(lists, folder, *options), capture_output=True, text=True, timeout=HANGING)


def test_nothing_is_requested_before_the_terms_are_accepted(lists: Lists, tmp_path: Path) -> None:
    done = run_program(lists, tmp_path)
    assert done.returncode == 2
    assert "ERROR download.accept_acr_terms: the ACR's terms of use are not accepted" in done.stderr
    assert lists.paths == []


def test_a_topic_is_downloaded_with_its_provenance(lists: Lists, tmp_path: Path) -> None:
    options = ["--accept-acr-terms", "--contact", "me@example.org", "--out", str(tmp_path / "out")]
    done = run_program(lists, tmp_path / "kept", *options)
    assert done.returncode == 0, done.stderr
    assert lists.paths == [
        "/list/TopicNarrativePdf?topicId=21",
        "/list/GenerateAppendixPDF?PanelName=Morvane%20Imaging&TopicId=21",
        "/list/GetAppendix?PanelName=Morvane%20Imaging&TopicId=21",
        "/list/DownloadPdf?TopicId=21&TopicName=Telvic%20Pain%20%26%20Fever",
        "/list/GetEvidence?TopicId=21&TopicName=Telvic%20Pain%20%26%20Fever",
    ]
    version = acrflow.__version__
    assert version == __version__
    assert all(agent.startswith(f"acrflow/{version} (") and "me@example.org" in agent for agent in lists.agents)
    manifest = read_json(tmp_path / "out/manifest.json")
    assert list(manifest) == FILES
    for file, entry in manifest.items():
        assert entry["sha256"] == sha256(tmp_path / "out" / file)
        assert entry["url"].startswith(lists.url) and entry["date"].startswith("20")
    assert sorted(path.name for path in (tmp_path / "out").iterdir()) == sorted([*FILES, "manifest.json"])


def test_requests_are_spaced(lists: Lists, tmp_path: Path) -> None:
    fetch(lists, tmp_path, pause=0.2)
    assert all(later - earlier >= 0.2 for earlier, later in pairwise(lists.times))


def test_what_is_complete_is_not_downloaded_again(lists: Lists, tmp_path: Path) -> None:
    assert fetch(lists, tmp_path).arrived == FILES
    (tmp_path / "appendix.pdf").write_bytes(b"%PDF-1.7 damaged")
    assert fetch(lists, tmp_path).arrived == ["appendix.pdf"]
    again = fetch(lists, tmp_path)
    assert (again.arrived, again.complete) == ([], FILES)
    assert len(lists.paths) == 6
    assert (tmp_path / "appendix.pdf").read_bytes() == PDF


def test_a_killed_download_goes_on_where_it_was(lists: Lists, tmp_path: Path) -> None:
    lists.answers = [Answer(), Answer(), Answer(body=HTML, drip=60)]
    process = subprocess.Popen(command(lists, tmp_path / "kept", "--accept-acr-terms", "--out", str(tmp_path / "out")))
    until = time.monotonic() + HANGING
    while len(lists.paths) < 3:
        assert time.monotonic() < until and process.poll() is None
        time.sleep(0.02)
    process.send_signal(signal.SIGKILL)
    process.wait()
    folder = tmp_path / "kept/telvic_pain"
    assert sorted(path.name for path in folder.iterdir()) == ["appendix.pdf", "manifest.json", "narrative.pdf"]
    assert not (tmp_path / "out").exists()

    done = run_program(lists, tmp_path / "kept", "--accept-acr-terms", "--out", str(tmp_path / "out"))
    assert done.returncode == 0, done.stderr
    assert [path.split("?")[0].rpartition("/")[2] for path in lists.paths[3:]] == [
        "GetAppendix",
        "DownloadPdf",
        "GetEvidence",
    ]
    assert "3 documents downloaded, 2 were complete" in done.stdout
    assert (tmp_path / "out/appendix.html").read_bytes() == HTML


def test_faults_that_pass_are_outlasted(lists: Lists, tmp_path: Path) -> None:
    lists.answers = [
        Answer(503, b"busy"),
        Answer(body=PDF[:12]),  # whole, but no whole PDF
        Answer(),
        Answer(length=10_000),  # cut off on the way
        Answer(429, b"slow down"),
        Answer(),
        Answer(body=HTML[:50]),
    ]
    assert fetch(lists, tmp_path).arrived == FILES
    assert (tmp_path / "appendix.pdf").read_bytes() == PDF
    assert (tmp_path / "appendix.html").read_bytes() == HTML


def test_a_server_that_asks_for_time_gets_it(lists: Lists, tmp_path: Path) -> None:
    lists.answers = [Answer(429, b"slow down", headers=(("Retry-After", "1"),))]
    fetch(lists, tmp_path)
    assert lists.times[1] - lists.times[0] >= 1


def test_a_server_that_is_silent_is_not_waited_for(lists: Lists, tmp_path: Path) -> None:
    lists.answers = [Answer(drip=60)]
    begin = time.monotonic()
    assert fetch(lists, tmp_path).arrived == FILES
    assert time.monotonic() - begin < 50


@pytest.mark.parametrize(
    ("answer", "message"),
    [
        (Answer(body=b"<html>No such topic</html>"), "no PDF file"),
        (GONE, "HTTP status 404"),
        (Answer(body=b""), "no PDF file"),
    ],
)
def test_a_page_in_place_of_a_needed_document_is_an_error_and_no_file(
    lists: Lists, tmp_path: Path, answer: Answer, message: str
) -> None:
    lists.answers = [answer]
    with pytest.raises(InputError, match=message) as error:
        fetch(lists, tmp_path)
    assert "TopicNarrativePdf?topicId=21" in error.value.where and "narrative.pdf" in error.value.what
    assert not (tmp_path / "narrative.pdf").exists()
    assert len(lists.paths) == 1


def test_an_appendix_may_be_a_web_page_and_other_documents_may_be_missing(lists: Lists, tmp_path: Path) -> None:
    lists.answers = [Answer(), GONE, Answer(body=HTML), GONE, Answer(body=b"<html>Oops</html>")]
    done = fetch(lists, tmp_path)
    assert done.arrived == ["narrative.pdf", "appendix.html"]
    assert list(done.missing) == ["appendix.pdf", "evidence_table.pdf", "evidence_table.html"]
    assert "no page with a table" in done.missing["evidence_table.html"]
    lists.answers = [GONE, GONE]
    (tmp_path / "appendix.html").unlink()
    with pytest.raises(InputError, match=r"404 for appendix.pdf"):
        fetch(lists, tmp_path)


def test_a_topic_without_a_number_takes_what_lies_there(lists: Lists, tmp_path: Path) -> None:
    with PoliteClient(0) as client:
        with pytest.raises(InputError, match=r"no narrative.pdf there, and no address"):
            download({}, PUBLISHER.needed, tmp_path, client)
        for file in FILES[:2]:
            (tmp_path / file).write_bytes(PDF)
        assert download({}, PUBLISHER.needed, tmp_path, client) == Downloaded()


def test_addresses_can_be_corrected_and_documents_declined() -> None:
    pages = {"appendix.html": None, "evidence_table.html": "Evidence/{title}?id={acr_id}"}
    given = addresses_of(offered("acr", "http://host/list/", pages), "7", "A", "B/C")
    assert "appendix.html" not in given
    assert given["evidence_table.html"] == "http://host/list/Evidence/B%2FC?id=7"
    assert addresses_of(offered("acr", None, {}), "7", "A", "B")["narrative.pdf"].startswith(
        "https://acsearch.acr.org/"
    )
    with pytest.raises(InputError, match=r"download.pages.appendix_html: no such document"):
        offered("acr", None, {"appendix_html": None})
    with pytest.raises(ValidationError, match=r"use \{acr_id\}, \{panel\} and \{title\} only"):
        Download(pages={"narrative.pdf": "Narrative?id={topic}"})

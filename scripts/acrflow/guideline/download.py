"""Download guideline documents from the ACR's lists: slowly, whole files only, each with its provenance."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from acrflow.errors import InputError
from acrflow.files import read_json, sha256, whole, write_json
from acrflow.polite import PassingFault, PoliteClient

MANIFEST = "manifest.json"


@dataclass(frozen=True)
class Document:
    """One document of a topic: its file name, and where the lists have it."""

    file: str
    page: str
    query: dict[str, str]


def documents_of(acr_id: int, panel: str, title: str) -> list[Document]:
    """The three documents of a topic.

    Args:
        acr_id: the ACR's number of the topic, for instance 21.
        panel: the expert panel as the lists spell it, for instance "Gastrointestinal".
        title: the topic's title as the lists spell it.
    """
    return [
        Document("narrative.pdf", "TopicNarrativePdf", {"topicId": str(acr_id)}),
        Document("appendix.pdf", "GenerateAppendixPDF", {"PanelName": panel, "TopicId": str(acr_id)}),
        Document("evidence_table.pdf", "DownloadPdf", {"TopicId": str(acr_id), "TopicName": title}),
    ]


def download(
    documents: list[Document],
    folder: Path,
    url: str,
    client: PoliteClient,
    now: Callable[[], datetime] = lambda: datetime.now(UTC),
) -> int:
    """Download what is not yet complete.

    A file counts as complete when its SHA-256 is the one in the folder's manifest, which is written after each file.

    Args:
        documents: what to download.
        folder: of the topic.
        url: base address of the lists.
        client: sends the requests.
        now: the clock.

    Returns:
        The number of files downloaded.

    Raises:
        InputError: a document is not to be had, or is no PDF; those that have arrived are kept.
    """
    manifest: dict[str, Any] = read_json(folder / MANIFEST) if (folder / MANIFEST).is_file() else {}
    count = 0
    for document in documents:
        target = folder / document.file
        if target.is_file() and manifest.get(document.file, {}).get("sha256") == sha256(target):
            continue
        address = f"{url.rstrip('/')}/{document.page}"
        body = client.request("GET", address, _whole_pdf(address, document), params=document.query)
        with whole(target) as temporary:
            temporary.write_bytes(body)
        manifest[document.file] = {
            "url": address,
            "query": document.query,
            "date": now().isoformat(timespec="seconds"),
            "bytes": len(body),
            "sha256": sha256(target),
        }
        write_json(folder / MANIFEST, manifest)
        count += 1
    return count


def _whole_pdf(address: str, document: Document) -> Callable[[int, bytes], bytes]:
    """A check that lets only whole PDF files pass."""

    def check(status: int, body: bytes) -> bytes:
        query = ", ".join(f"{key}={value}" for key, value in document.query.items())
        remedy = "check the topic's acr_id, panel and title in the topic list, and download.url"
        if status != 200:
            raise InputError(address, f"HTTP status {status} for {document.file} ({query})", remedy)
        if not body[:1024].lstrip().startswith(b"%PDF-"):
            raise InputError(address, f"the answer for {document.file} is no PDF file ({query})", remedy)
        if b"%%EOF" not in body[-2048:]:
            raise PassingFault(f"{document.file} is cut off")
        return body

    return check

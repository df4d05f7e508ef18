"""Download guideline documents from their publisher: slowly, whole files only, each with its provenance."""

import shutil
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from urllib.parse import quote

from acrflow.guideline import publishers
from acrflow.guideline.publishers import Addresses
from acrflow.io.errors import InputError
from acrflow.io.files import read_json, sha256, whole, whole_folder, write_json
from acrflow.io.http import PassingFault, PoliteClient

MANIFEST = "manifest.json"


@dataclass
class Downloaded:
    """What a download did: files that arrived, those that were complete before, and why others are missing."""

    arrived: list[str] = field(default_factory=list)
    complete: list[str] = field(default_factory=list)
    missing: dict[str, str] = field(default_factory=dict)


def offered(publisher: str, url: str | None, pages: Mapping[str, str | None]) -> Addresses:
    """What a publisher offers for download, with the user's corrections: another base address, pages by file name.

    Raises:
        InputError: nothing can be downloaded from it, or a page is corrected that it does not have.
    """
    addresses = publishers.load(publisher).addresses
    if addresses is None:
        remedy = "name a folder of your own in `documents`, or another publisher"
        raise InputError("documents: download", f"nothing can be downloaded from the publisher '{publisher}'", remedy)
    unknown = sorted(set(pages) - set(addresses.pages))
    if unknown:
        remedy = f"the publisher '{publisher}' has {', '.join(addresses.pages)}"
        raise InputError(f"download.pages.{unknown[0]}", "no such document", remedy)
    return replace(addresses, url=url or addresses.url, pages={**addresses.pages, **pages})


def addresses_of(offer: Addresses, acr_id: str, panel: str, title: str) -> dict[str, str]:
    """The address of each of a topic's documents that is wanted, by file name.

    Args:
        acr_id: the publisher's number of the topic, for instance "21".
        panel: the expert panel as the lists spell it, for instance "Gastrointestinal".
        title: the topic's title as the lists spell it.
    """
    values = {"acr_id": quote(acr_id, safe=""), "panel": quote(panel, safe=""), "title": quote(title, safe="")}
    return {file: f"{offer.url.rstrip('/')}/{page.format(**values)}" for file, page in offer.pages.items() if page}


def download(
    documents: Mapping[str, str],
    needed: Sequence[tuple[str, ...]],
    folder: Path,
    client: PoliteClient,
    now: Callable[[], datetime] = lambda: datetime.now(UTC),
) -> Downloaded:
    """Download what is not yet complete.

    A file counts as complete when its SHA-256 is the one in the folder's manifest, which is written after each file, so
    a download that was killed goes on where it was. Without an address at all, the files that are there are taken.

    Args:
        documents: file name -> address.
        needed: file names of which one each must arrive; the other documents may be missing.
        folder: of the topic, kept between runs.
        client: sends the requests.
        now: the clock.

    Raises:
        InputError: a needed document is not to be had; what has arrived is kept.
    """
    manifest: dict[str, Any] = read_json(folder / MANIFEST) if (folder / MANIFEST).is_file() else {}
    result = Downloaded()
    faults: dict[str, InputError] = {}
    for file, address in documents.items():
        target = folder / file
        if target.is_file() and manifest.get(file, {}).get("sha256") == sha256(target):
            result.complete.append(file)
            continue
        try:
            body = client.request("GET", address, _check(address, file))
        except InputError as error:
            if (file,) in needed:
                raise
            faults[file] = error
            result.missing[file] = error.what
            continue
        with whole(target) as temporary:
            temporary.write_bytes(body)
        date = now().isoformat(timespec="seconds")
        manifest[file] = {"url": address, "date": date, "bytes": len(body), "sha256": sha256(target)}
        write_json(folder / MANIFEST, manifest)
        result.arrived.append(file)
    for files in needed:
        if not any((folder / file).is_file() and file not in faults for file in files):
            raise next((faults[file] for file in files if file in faults), _not_there(folder, files))
    return result


def deliver(folder: Path, out: Path) -> None:
    """Copy a topic's documents and their manifest to a run's own folder, whole."""
    with whole_folder(out) as target:
        for file in sorted(folder.iterdir()):
            if file.is_file() and not file.name.startswith("."):
                shutil.copyfile(file, target / file.name)


def _not_there(folder: Path, files: tuple[str, ...]) -> InputError:
    what = f"no {' or '.join(files)} there, and no address to get one from"
    remedy = "give the topic's acr_id in the topic list, put the file there, or leave the topic out (topics.leave_out)"
    return InputError(folder, what, remedy)


def _check(address: str, file: str) -> Callable[[int, bytes], bytes]:
    """A check that lets only whole documents pass: PDF files, pages with a table, other files as they come."""

    def check(status: int, body: bytes) -> bytes:
        remedy = "check the topic's acr_id, panel and title in the topic list, and download.url and download.pages"
        remedy += "; or leave the topic out (topics.leave_out)"
        if status != 200:
            raise InputError(address, f"HTTP status {status} for {file}", remedy)
        if file.endswith(".html"):
            if b"<table" not in body.lower():
                raise InputError(address, f"the answer for {file} is no page with a table", remedy)
            if b"</html" in body.lower() or b"<html" not in body.lower():
                return body
            raise PassingFault(f"{file} is cut off")
        if not file.endswith(".pdf"):
            return body
        if not body[:1024].lstrip().startswith(b"%PDF-"):
            raise InputError(address, f"the answer for {file} is no PDF file", remedy)
        if b"%%EOF" not in body[-2048:]:
            raise PassingFault(f"{file} is cut off")
        return body

    return check

"""A look at the documents before any work: what is missing, unreadable or plainly no guideline. Milliseconds each."""

import re
from pathlib import Path

import pypdfium2 as pdfium

from acrflow.guideline.pdf import AGAIN, open_document
from acrflow.guideline.web import AGAIN_HTML, is_web_page
from acrflow.io import sandbox
from acrflow.io.errors import InputError

# a topic's documents and their file names; where a folder holds several, the first is read
NEEDED = {"narrative": ("narrative.pdf",), "appendix": ("appendix.pdf", "appendix.html")}
OPTIONAL = {"evidence_table": ("evidence_table.pdf", "evidence_table.html")}
SECONDS, MEGABYTES = 10.0, 300  # for one topic; the largest real one takes 0.02 s and 10 MB
FIRST_PAGES = 3  # a guideline names its first variant on the first page, or after a long title on the next ones
_HEADING = re.compile(r"^\s*Variant\s*:?\s*\d+", re.MULTILINE)


def find_topics(folder: Path) -> list[str]:
    """Names of the sub-folders that hold a guideline document, sorted.

    Raises:
        InputError: the folder is missing or holds no topic.
    """
    folder = Path(folder)
    remedy = "give a folder with one sub-folder per topic, each with narrative.pdf and appendix.pdf (or appendix.html)"
    if not folder.is_dir():
        raise InputError(folder, "there is no such folder", remedy)
    topics = sorted(path.name for path in folder.iterdir() if path.is_dir() and documents_of(path))
    if not topics:
        raise InputError(folder, "the folder holds no topic", remedy)
    return topics


def documents_of(folder: Path) -> dict[str, Path]:
    """The documents that a topic's folder holds: narrative, appendix, evidence_table."""
    found = {}
    for document, names in {**NEEDED, **OPTIONAL}.items():
        there = [folder / name for name in names if (folder / name).is_file()]
        if there:
            found[document] = there[0]
    return found


def check_documents(folder: Path, topics: list[str]) -> dict[str, InputError]:
    """See that every topic has narrative and appendix, and that they look like a guideline's.

    Returns:
        for each topic that cannot be used, while others can, its first document that is no PDF or web page, cut off,
        encrypted, damaged, without text on its first page, without a variant heading on its first pages, or too large.

    Raises:
        InputError: a document is missing, or no topic can be used; all such documents are named.
    """
    missing = []
    for topic in topics:
        found = documents_of(Path(folder) / topic)
        for names in (names for document, names in NEEDED.items() if document not in found):
            remedy = f"put the topic's {' or '.join(names)} there, or leave the topic out (topics.leave_out)"
            missing.append(InputError(Path(folder) / topic / names[0], "the document is missing", remedy))
    if missing:
        raise together(missing)
    errors = sandbox.each(lambda topic: _check_topic(Path(folder) / topic), topics, AGAIN, SECONDS, MEGABYTES)
    bad = {topic: error for topic, error in zip(topics, errors, strict=True) if error is not None}
    if len(bad) == len(topics):
        raise together(list(bad.values()))
    return bad


def together(errors: list[InputError]) -> InputError:
    """Several errors as one, with the remedy of the first."""
    first, *others = errors
    also = "".join(f"\n  {error.where}: {error.what}" for error in others)
    return InputError(first.where, first.what + also, first.remedy)


def _check_topic(folder: Path) -> None:
    found = documents_of(folder)
    for path in (found[document] for document in NEEDED):
        sandbox.at(str(path))
        (_check_page if is_web_page(path) else _check)(path)


def _check_page(path: Path) -> None:
    text = path.read_text(encoding="utf-8", errors="replace")
    if not re.search(r"<\s*(?:html|table)", text, re.IGNORECASE) or not re.search(r"Variant\s*:?\s*\d", text):
        raise InputError(f"{path}, line 1", "no variant in the page: not a guideline's appendix", AGAIN_HTML)


def _check(path: Path) -> None:
    with open_document(path) as document:
        for index in range(min(FIRST_PAGES, len(document))):
            sandbox.at(f"{path}, page {index + 1}")
            try:
                text = document[index].get_textpage().get_text_range()
            except pdfium.PdfiumError:
                raise InputError(f"{path}, page {index + 1}", "the page is damaged", AGAIN) from None
            if index == 0 and not text.strip():
                raise InputError(f"{path}, page 1", "the page has no text (is it a scan?)", AGAIN)
            if _HEADING.search(text):
                return
    raise InputError(f"{path}, page 1", "no variant on the first pages: not a guideline document", AGAIN)

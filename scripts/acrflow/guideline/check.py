"""A look at the documents before any work: what is missing, unreadable or plainly no guideline. Milliseconds each."""

import re
from pathlib import Path

import pypdfium2 as pdfium

from acrflow.errors import InputError
from acrflow.guideline.pdf import AGAIN, open_document

DOCUMENTS = ("narrative.pdf", "appendix.pdf")
FIRST_PAGES = 3  # a guideline names its first variant on the first page, or after a long title on the next ones
_HEADING = re.compile(r"^\s*Variant\s*:?\s*\d+", re.MULTILINE)


def find_topics(folder: Path) -> list[str]:
    """Names of the sub-folders that hold a guideline document, sorted.

    Raises:
        InputError: the folder is missing or holds no topic.
    """
    folder = Path(folder)
    remedy = f"give a folder with one sub-folder per topic, each with {' and '.join(DOCUMENTS)}"
    if not folder.is_dir():
        raise InputError(folder, "there is no such folder", remedy)
    topics = sorted(path.name for path in folder.iterdir() if any((path / name).is_file() for name in DOCUMENTS))
    if not topics:
        raise InputError(folder, "the folder holds no topic", remedy)
    return topics


def check_documents(folder: Path, topics: list[str]) -> None:
    """See that every topic has both documents and that they look like a guideline's.

    Raises:
        InputError: for the first document that is missing, no PDF, cut off, encrypted, damaged, without text on its
            first page, or without a variant heading on its first pages.
    """
    for topic in topics:
        for name in DOCUMENTS:
            path = Path(folder) / topic / name
            if not path.is_file():
                raise InputError(
                    path, "the document is missing", f"put the topic's {name} there, or leave the topic out"
                )
            _check(path)


def _check(path: Path) -> None:
    with open_document(path) as document:
        for index in range(min(FIRST_PAGES, len(document))):
            try:
                text = document[index].get_textpage().get_text_range()
            except pdfium.PdfiumError:
                raise InputError(f"{path}, page {index + 1}", "the page is damaged", AGAIN) from None
            if index == 0 and not text.strip():
                raise InputError(f"{path}, page 1", "the page has no text (is it a scan?)", AGAIN)
            if _HEADING.search(text):
                return
    raise InputError(f"{path}, page 1", "no variant on the first pages: not a guideline document", AGAIN)

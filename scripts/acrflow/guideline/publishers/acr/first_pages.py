"""A look at a document's first pages: unreadable, or plainly no guideline."""

import re
from pathlib import Path

import pypdfium2 as pdfium

from acrflow.guideline.pdf import AGAIN, open_document
from acrflow.guideline.web import AGAIN_HTML, is_web_page
from acrflow.io import sandbox
from acrflow.io.errors import InputError

FIRST_PAGES = 3  # a guideline names its first variant on the first page, or after a long title on the next ones
_HEADING = re.compile(r"^\s*Variant\s*:?\s*\d+", re.MULTILINE)


def look_at(path: Path) -> None:
    """See that a PDF or web page can be read and names a variant.

    Raises:
        InputError: no PDF or web page, cut off, encrypted, damaged, without text on its first page, or without a
            variant heading on its first pages.
    """
    (_look_at_page if is_web_page(path) else _look_at_pdf)(path)


def _look_at_page(path: Path) -> None:
    text = path.read_text(encoding="utf-8", errors="replace")
    if not re.search(r"<\s*(?:html|table)", text, re.IGNORECASE) or not re.search(r"Variant\s*:?\s*\d", text):
        raise InputError(f"{path}, line 1", "no variant in the page: not a guideline's appendix", AGAIN_HTML)


def _look_at_pdf(path: Path) -> None:
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

"""Read PubMed records from EFetch XML, with every word of the abstract."""

import re
from collections.abc import Iterator
from typing import Any
from xml.etree.ElementTree import Element, ParseError, register_namespace, tostring

import defusedxml.ElementTree
from defusedxml import DefusedXmlException

from acrflow.evidence.citation import Citation
from acrflow.text.citations import pmid_of

MATHML = "{http://www.w3.org/1998/Math/MathML}"
ARTICLES = ("PubmedArticle", "PubmedBookArticle")
# CommentsCorrections of a record that change how far it can be trusted, as PubMed names them
NOTICES = (
    "RetractionIn",
    "RetractionOf",
    "RetractedandRepublishedIn",
    "RetractedandRepublishedFrom",
    "ExpressionOfConcernIn",
    "ExpressionOfConcernFor",
    "ErratumIn",
    "ErratumFor",
)
RETRACTED = {"RetractionIn", "RetractedandRepublishedIn"}  # of them, those that a retracted study carries

Record = dict[str, Any]  # one row of schemas.Records

register_namespace("mml", MATHML[1:-1])  # so that cached XML keeps the prefix that PubMed uses


class BrokenXml(ValueError):
    """The bytes are no EFetch answer: cut off, another document, or unsafe to read."""


def split_articles(xml: bytes) -> dict[int, bytes]:
    """Take an EFetch answer apart.

    Args:
        xml: a whole `PubmedArticleSet`.

    Returns:
        XML of each article by PMID, each in a set of its own, so that `read_records` reads it.

    Raises:
        BrokenXml: see `BrokenXml`.
    """
    try:
        return {
            pmid: b"<PubmedArticleSet>%b</PubmedArticleSet>" % tostring(article, "utf-8", xml_declaration=False)
            for pmid, article in _articles(xml)
        }
    except RecursionError:
        raise BrokenXml("elements nested too deeply") from None


def read_records(xml: bytes) -> list[Record]:
    """Read all records of an EFetch answer, in its order.

    All text inside and after inline markup is kept; white space is normalised. The sections are those of the
    abstract in the record's own `Abstract`, else of an English one in `OtherAbstract`; all `OtherAbstract`s are also
    in `other_abstracts`.

    Args:
        xml: a whole `PubmedArticleSet`.

    Returns:
        Rows of `schemas.evidence.Records` with status `received`.

    Raises:
        BrokenXml: see `BrokenXml`.
    """
    try:
        return [
            _book(pmid, article) if article.tag == "PubmedBookArticle" else _article(pmid, article)
            for pmid, article in _articles(xml)
        ]
    except RecursionError:
        raise BrokenXml("elements nested too deeply") from None


def read_citations(xml: bytes) -> Iterator[tuple[int, Citation]]:
    """How each journal article of an EFetch answer would be cited, by PMID.

    Raises:
        BrokenXml: see `BrokenXml`.
    """
    for pmid, article in _articles(xml):
        body = article.find("MedlineCitation/Article")
        if body is not None:
            author = [_text(body.find(f"AuthorList/Author/{part}")) or "" for part in ("LastName", "Initials")]
            yield (
                pmid,
                Citation(
                    author=" ".join(author).strip(),
                    title=_text(body.find("ArticleTitle")) or "",
                    journal=_text(body.find("Journal/ISOAbbreviation")) or "",
                    year=_year(body, "Journal/JournalIssue/PubDate", "ArticleDate"),
                    volume=_text(body.find("Journal/JournalIssue/Volume")) or "",
                    page=(_text(body.find("Pagination/MedlinePgn")) or "").partition("-")[0],
                ),
            )


def absent(pmid: int) -> Record:
    """The row of a requested PMID that has no record."""
    empty: Record = dict.fromkeys(("title", "journal", "year"))
    lists: Record = {
        key: [] for key in ("publication_types", "languages", "mesh", "notices", "sections", "other_abstracts")
    }
    return {"pmid": pmid, "status": "absent", **empty, **lists, "retracted": False}


def _articles(xml: bytes) -> Iterator[tuple[int, Element]]:
    """(PMID, element) of each article; other parts of a set (`DeleteCitation`) hold no record."""
    try:
        root = defusedxml.ElementTree.fromstring(xml)
    except ParseError as error:
        raise BrokenXml(f"no well-formed XML: {error}") from None
    except DefusedXmlException as error:
        raise BrokenXml(f"unsafe XML: {type(error).__name__}") from None
    except (LookupError, ValueError) as error:  # an encoding nobody knows
        raise BrokenXml(f"unreadable XML: {error}") from None
    if root.tag != "PubmedArticleSet":
        raise BrokenXml(f"expected PubmedArticleSet, found {root.tag}")
    for article in root:
        if article.tag in ARTICLES:
            # not .//PMID: records cite others by PMID
            printed = article.findtext("MedlineCitation/PMID") or article.findtext("BookDocument/PMID") or ""
            pmid = pmid_of(printed.strip())
            if pmid is None:
                raise BrokenXml(f"an article has no PMID but {printed!r}")
            yield pmid, article


def _article(pmid: int, article: Element) -> Record:
    """The row of a journal article."""
    citation = article.find("MedlineCitation")
    assert citation is not None  # its PMID was read
    body = citation.find("Article")
    body = Element("Article") if body is None else body
    types = _texts(body, "PublicationTypeList/PublicationType")
    corrections = {item.get("RefType") for item in citation.iterfind("CommentsCorrectionsList/CommentsCorrections")}
    others = _other_abstracts(citation)
    return {
        "pmid": pmid,
        "status": "received",
        "title": _text(body.find("ArticleTitle")) or _text(body.find("VernacularTitle")),
        "journal": _text(body.find("Journal/Title")) or _text(citation.find("MedlineJournalInfo/MedlineTA")),
        "year": _year(body, "Journal/JournalIssue/PubDate", "ArticleDate"),
        "publication_types": types,
        "languages": _texts(body, "Language"),
        "mesh": _texts(citation, "MeshHeadingList/MeshHeading/DescriptorName"),
        "retracted": "Retracted Publication" in types or not RETRACTED.isdisjoint(corrections),
        "notices": [notice for notice in NOTICES if notice in corrections],
        "sections": _sections(body.find("Abstract")) or _english(others),
        "other_abstracts": others,
    }


def _book(pmid: int, article: Element) -> Record:
    """The row of a book or a book's chapter; its journal is the book."""
    body = article.find("BookDocument")
    assert body is not None  # its PMID was read
    others = _other_abstracts(body)
    return {
        "pmid": pmid,
        "status": "received",
        "title": _text(body.find("ArticleTitle")) or _text(body.find("Book/BookTitle")),
        "journal": _text(body.find("Book/BookTitle")),
        "year": _year(body, "ContributionDate", "Book/PubDate"),
        "publication_types": _texts(body, "PublicationType"),
        "languages": _texts(body, "Language"),
        "mesh": [],
        "retracted": False,
        "notices": [],
        "sections": _sections(body.find("Abstract")) or _english(others),
        "other_abstracts": others,
    }


def _sections(abstract: Element | None) -> list[dict[str, str | None]]:
    """The sections of an abstract that have a text; label and NlmCategory are None where the record has none."""
    if abstract is None:
        return []
    sections = (
        {"label": part.get("Label") or None, "category": part.get("NlmCategory") or None, "text": _text(part)}
        for part in abstract.iterfind("AbstractText")
    )
    return [section for section in sections if section["text"]]


def _other_abstracts(parent: Element) -> list[Record]:
    """Abstracts in other languages or by other hands: {language, type, sections}. The DTD's default language is eng."""
    found = (
        {"language": other.get("Language", "eng"), "type": other.get("Type"), "sections": _sections(other)}
        for other in parent.iterfind("OtherAbstract")
    )
    return [other for other in found if other["sections"]]


def _english(others: list[Record]) -> list[dict[str, str | None]]:
    return next((other["sections"] for other in others if other["language"] == "eng"), [])


def _year(body: Element, *paths: str) -> int | None:
    """The first year (1000-2999) that a date has, as `Year` or inside a `MedlineDate` such as "1999 Jan-Mar"."""
    for path in paths:
        for field in ("Year", "MedlineDate"):
            year = re.search(r"\b[12]\d{3}\b", body.findtext(f"{path}/{field}") or "")
            if year:
                return int(year.group())
    return None


def _texts(parent: Element, path: str) -> list[str]:
    return [text for element in parent.iterfind(path) if (text := _text(element))]


def _text(element: Element | None) -> str | None:
    """All text of an element, white space normalised; None for none."""
    if element is None:
        return None
    return " ".join("".join(_pieces(element, "")).split()) or None


def _pieces(element: Element, before: str) -> Iterator[str]:
    """The element's text in document order; `before` is the text just before it.

    Inline markup vanishes and its text stays. Where a raised or lowered number would fuse with the number before it
    (10<sup>6</sup> is not 106), a ^ or _ is put between them.
    """
    if element.text:
        yield element.text
        before = element.text
    for child in element:
        inner = _formula(child).strip() if child.tag == f"{MATHML}math" else "".join(_pieces(child, before))
        if child.tag in ("sup", "sub") and before[-1:].isdigit() and re.match(r"\s*[-+−–]?\d", inner):
            yield "^" if child.tag == "sup" else "_"
        if inner:
            yield inner
            before = inner
        if child.tail:
            yield child.tail
            before = child.tail


def _formula(element: Element) -> str:
    """MathML in a line: powers as a^b, fractions as (a)/(b), roots as √(a). No character is lost, only signs added."""
    parts = [_formula(child) for child in element]
    tag = element.tag.removeprefix(MATHML)
    if tag in ("mtext", "mi", "mn", "mo", "ms"):
        text = " ".join("".join(element.itertext()).split())
        return f" {text} " if tag == "mtext" else text
    if tag == "msup" and len(parts) == 2:
        return f"{parts[0]}^{_group(parts[1])}"
    if tag == "msub" and len(parts) == 2 and parts[0][-1:].isdigit():
        return f"{parts[0]}_{_group(parts[1])}"
    if tag == "msubsup" and len(parts) == 3:
        return f"{parts[0]}_{_group(parts[1])}^{_group(parts[2])}"
    if tag == "mfrac" and len(parts) == 2:
        return f"{_group(parts[0])}/{_group(parts[1])}"
    if tag == "msqrt":
        return f"√({''.join(parts)})"
    if tag == "mroot" and len(parts) == 2:
        return f"{_group(parts[0])}^(1/{parts[1]})"
    # rows, styles, accents over or under a letter, and whatever else: the text in its order
    text = (element.text or "").strip()
    return text + "".join(part + (child.tail or "").strip() for part, child in zip(parts, element, strict=True))


def _group(text: str) -> str:
    """Text in brackets unless it is one letter, one number or one word."""
    return text if re.fullmatch(r"\w+(\.\d+)?", text) else f"({text})"

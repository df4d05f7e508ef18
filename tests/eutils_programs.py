"""What each E-utility answers for PubMed, without HTTP: EFetch, ESearch, EPost, ESummary, ECitMatch and the history."""

import json
import os
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from xml.etree import ElementTree
from xml.sax.saxutils import escape

PROGRAMS = ("efetch.fcgi", "esearch.fcgi", "epost.fcgi", "esummary.fcgi", "ecitmatch.cgi")
DTD = "https://eutils.ncbi.nlm.nih.gov/eutils/dtd"
XML, JSON, TEXT = "text/xml; charset=UTF-8", "application/json; charset=UTF-8", "text/plain; charset=UTF-8"
ElementTree.register_namespace("mml", "http://www.w3.org/1998/Math/MathML")  # so that real records keep their prefix
Form = Mapping[str, str]
Answer = tuple[str, str]  # body, content type


@dataclass
class PubMed:
    """Records, by the XML of their articles, and the history server's lists.

    Attributes:
        records: XML of `PubmedArticle` (or `PubmedBookArticle`) elements by PMID.
        history: web environment -> lists of PMIDs, query key 1 first.
        translations, counts, refusals: what ESearch gives as query translation, as count and as ERROR for a term with
            these words in it; else the term itself, the number of hits, and none.
    """

    records: dict[int, str]
    history: dict[str, list[list[int]]] = field(default_factory=dict)
    translations: dict[str, str] = field(default_factory=dict)
    counts: dict[str, int] = field(default_factory=dict)
    refusals: dict[str, str] = field(default_factory=dict)

    def answer(self, program: str, form: Form) -> Answer:
        """The whole answer of one of `PROGRAMS`."""
        return getattr(self, program.partition(".")[0])(form)

    def efetch(self, form: Form) -> Answer:
        """Missing PMIDs are silently absent."""
        found = (self.records[pmid] for pmid in self.asked(form) if pmid in self.records)
        doctype = '<!DOCTYPE PubmedArticleSet PUBLIC "-//NLM//DTD PubMedArticle, 1st January 2025//EN" "pubmed.dtd">'
        return f'<?xml version="1.0" ?>\n{doctype}\n<PubmedArticleSet>\n' + "\n".join(
            found
        ) + "</PubmedArticleSet>", XML

    def esearch(self, form: Form) -> Answer:
        """Boolean terms, each `word[ti]`, `name[au]`, `2014:2016[dp]`, `123[uid]` or words of any field."""
        term = form.get("term", "").strip()
        hits = [pmid for pmid in self.records if self._fits(pmid, term)] if term else []
        start, most = int(form.get("retstart", 0)), int(form.get("retmax", 20))
        shown = hits[start : start + most]
        if form.get("retmode") == "json":
            result: dict[str, object] = {"ERROR": "Empty term and query_key - nothing todo"}
            if term:
                result = {"count": str(len(hits)), "retmax": str(len(shown)), "retstart": str(start)}
                result |= {"idlist": [str(pmid) for pmid in shown], "querytranslation": term}
            return json.dumps({"header": {"type": "esearch", "version": "0.3"}, "esearchresult": result}), JSON
        head = _head("eSearchResult", "esearch 20060628", "20060628/esearch.dtd")
        if not term:
            return f"{head}<eSearchResult><ERROR>Empty term and query_key - nothing todo</ERROR></eSearchResult>", XML
        for words, why in self.refusals.items():
            if words in term:
                return f"{head}<eSearchResult><ERROR>{escape(why)}</ERROR></eSearchResult>", XML
        count = next((count for words, count in self.counts.items() if words in term), len(hits))
        translation = next((said for words, said in self.translations.items() if words in term), term)
        kept = ""
        if form.get("usehistory") == "y":
            key, environment = self._remember(hits, form.get("WebEnv"))
            kept = f"<QueryKey>{key}</QueryKey><WebEnv>{environment}</WebEnv>"
        ids = "".join(f"\n<Id>{pmid}</Id>" for pmid in shown)
        counts = f"<Count>{count}</Count><RetMax>{len(shown)}</RetMax><RetStart>{start}</RetStart>{kept}"
        none = "" if hits else "<WarningList><OutputMessage>No items found.</OutputMessage></WarningList>"
        return (
            f"{head}<eSearchResult>{counts}<IdList>{ids}</IdList><TranslationSet/>"
            f"<QueryTranslation>{escape(translation)}</QueryTranslation>{none}</eSearchResult>",
            XML,
        )

    def epost(self, form: Form) -> Answer:
        """Store a list of ids on the history server."""
        pmids = _ids(form.get("id", ""))
        if form.get("db", "pubmed") != "pubmed":
            inside = f"<ERROR>Invalid db name specified: {escape(form['db'])}</ERROR>"
        elif not pmids:
            inside = "<ERROR>Empty ID list; Nothing to store</ERROR>"
        else:
            key, environment = self._remember(pmids, form.get("WebEnv"))
            inside = f"<QueryKey>{key}</QueryKey><WebEnv>{environment}</WebEnv>"
        return f"{_head('ePostResult', 'epost 20090526', '20090526/epost.dtd')}<ePostResult>{inside}</ePostResult>", XML

    def esummary(self, form: Form) -> Answer:
        """Document summaries, version 1 in XML."""
        pmids = self.asked(form)
        if form.get("retmode") == "json":
            if not pmids:
                return json.dumps({"esummaryresult": ["Empty id list - nothing todo"]}), JSON
            missing = {str(p): {"uid": str(p), "error": "cannot get document summary"} for p in pmids}
            known = {str(p): {"uid": str(p), "title": read(self.records[p]).title} for p in pmids if p in self.records}
            result = {"uids": [str(pmid) for pmid in pmids], **missing, **known}
            return json.dumps({"header": {"type": "esummary", "version": "0.3"}, "result": result}), JSON
        head = _head("eSummaryResult", "esummary v1 20041029", "20041029/esummary-v1.dtd")
        parts = [
            _document(pmid, read(self.records[pmid]))
            if pmid in self.records
            else f"<ERROR>UID={pmid}: cannot get document summary</ERROR>"
            for pmid in pmids
        ]
        return f"{head}<eSummaryResult>\n" + "\n".join(
            parts or ["<ERROR>Empty id list</ERROR>"]
        ) + "</eSummaryResult>", XML

    def ecitmatch(self, form: Form) -> Answer:
        """One line per citation: the citation and a PMID, or why none."""
        lines = [line for line in form.get("bdata", "").replace("\n", "\r").split("\r") if line.strip()]
        return "\n".join(self._cited(*line.split("|")[:6]) for line in lines) + "\n", TEXT

    def _cited(self, journal: str, year: str, volume: str, page: str, author: str, key: str) -> str:
        known = {pmid: read(xml) for pmid, xml in self.records.items()}
        there = {pmid: one for pmid, one in known.items() if plain(journal) in (plain(one.source), plain(one.journal))}
        if not there:
            return f"{journal}|{year}|{volume}|{page}|{key}|NOT_FOUND;INVALID_JOURNAL"  # the author is dropped
        place = (year, volume, page)
        hits = [
            pmid
            for pmid, one in there.items()
            if all(
                not asked or asked == has for asked, has in zip(place, (one.year, one.volume, one.page), strict=True)
            )
        ]
        answer = ",".join(map(str, hits)) if hits else "NOT_FOUND"
        if len(hits) > 1:
            answer = f"AMBIGUOUS {answer}" if len(hits) < 4 else f"AMBIGUOUS ({len(hits)} citations)"
        return f"{journal}|{year}|{volume}|{page}|{author}|{key}|{answer}"

    def asked(self, form: Form) -> list[int]:
        """The ids of a request: given, or from the history server."""
        if form.get("WebEnv") and form.get("query_key"):
            queries = self.history.get(form["WebEnv"], [])
            place = int(form["query_key"]) - 1
            pmids = queries[place] if place < len(queries) else []
            start = int(form.get("retstart", 0))
            return pmids[start : start + int(form.get("retmax", 10_000))]
        return _ids(form.get("id", ""))

    def _remember(self, pmids: list[int], environment: str | None) -> tuple[int, str]:
        name = environment or f"MCID_{len(self.history) + 1:024x}"
        self.history.setdefault(name, []).append(pmids)
        return len(self.history[name]), name

    def _fits(self, pmid: int, term: str) -> bool:
        """Operators have one rank and are read from left to right; what a parenthesis holds is one term."""
        pieces = re.findall(r'\(|\)|(?:"[^"]*"|[^\s()"])+', term)
        groups: list[list[bool | str]] = [[]]
        words: list[str] = []
        for piece in [*pieces, ")"]:
            if piece in ("(", ")", "AND", "OR", "NOT") and words:
                groups[-1].append(self._has(pmid, " ".join(words)))
                words = []
            if piece == "(":
                groups.append([])
            elif piece == ")":
                inside = _value(groups.pop())
                groups = groups or [[]]
                groups[-1].append(inside)
            elif piece in ("AND", "OR", "NOT"):
                groups[-1].append(piece)
            else:
                words.append(piece)
        return bool(groups[-1][-1])

    def _has(self, pmid: int, part: str) -> bool:
        record, xml = read(self.records[pmid]), self.records[pmid].lower()
        text, _, name = part.partition("[")
        text, name = text.strip(' "').lower(), name.removesuffix("]").lower()
        if name in ("dp", "pdat"):
            low, _, high = text.partition(":")
            return record.year.isdigit() and int(low) <= int(record.year) <= int(high or low)
        if name in ("ti", "title"):
            return text in re.findall(r"\w+", record.title.lower())
        if name == "au":
            return any(text in author.lower() for author in record.authors)
        if name in ("uid", "pmid"):
            return text == str(pmid)
        if name == "la":
            return f"<language>{text[:3]}" in xml
        return f">{text}<" in xml if name == "pt" else text in xml


def _value(parts: list[bool | str]) -> bool:
    """What terms and operators come to, from left to right; terms side by side are joined by AND."""
    value, operator = None, "AND"
    for part in parts:
        if isinstance(part, str):
            operator = part
            continue
        if value is None:
            value = part
        else:
            value = {"AND": value and part, "OR": value or part, "NOT": value and not part}[operator]
        operator = "AND"
    return bool(value)


@dataclass(frozen=True)
class Bibliographic:
    """What a summary says of a record."""

    title: str
    source: str  # the journal's abbreviation
    journal: str
    year: str
    volume: str
    pages: str
    authors: list[str]

    @property
    def page(self) -> str:
        return self.pages.partition("-")[0]


def read(xml: str) -> Bibliographic:
    """The bibliographic parts of an article's XML, independent of the library's own reader."""
    root = ElementTree.fromstring(xml)

    def text(path: str) -> str:
        element = root.find(path)
        return "" if element is None else " ".join("".join(element.itertext()).split())

    year = re.search(r"\d{4}", text(".//JournalIssue/PubDate"))
    authors = [
        f"{author.findtext('LastName') or author.findtext('CollectiveName') or ''} {author.findtext('Initials') or ''}"
        for author in root.iterfind(".//Article/AuthorList/Author")
    ]
    return Bibliographic(
        title=text(".//ArticleTitle"),
        source=text(".//Journal/ISOAbbreviation") or text(".//MedlineTA"),
        journal=text(".//Journal/Title"),
        year=year.group() if year else "",
        volume=text(".//JournalIssue/Volume"),
        pages=text(".//Pagination/MedlinePgn"),
        authors=[author.strip() for author in authors],
    )


def load(*files: Path) -> dict[int, str]:
    """The articles of EFetch answers, real or invented, by PMID."""
    articles = {}
    for file in files:
        for article in ElementTree.parse(file).getroot():
            pmid = article.findtext("MedlineCitation/PMID") or article.findtext("BookDocument/PMID")
            if pmid:
                articles[int(pmid)] = ElementTree.tostring(article, "unicode")
    return articles


def real_or_invented() -> tuple[dict[int, str], str]:
    """The real records where this machine has them, else invented ones; and which of the two."""
    default = Path(__file__).resolve().parents[2] / "shared" / "data"
    folder = Path(os.environ.get("ACRFLOW_SHARED_DATA", default)) / "pubmed"
    if folder.is_dir():
        return load(folder / "efetch_mixed_real.xml", *sorted((folder / "efetch").glob("*.xml"))), "real"
    return articles(range(90_000_001, 90_000_037)), "invented"


def plain(name: str) -> str:
    """A journal's name as ECitMatch compares it."""
    return re.sub(r"[^a-z0-9]+", " ", name.lower()).strip()


def _document(pmid: int, one: Bibliographic) -> str:
    authors = "".join(f'<Item Name="Author" Type="String">{escape(author)}</Item>' for author in one.authors)
    values = {"PubDate": one.year, "Source": one.source, "Title": one.title, "Volume": one.volume, "Pages": one.pages}
    items = "".join(f'<Item Name="{name}" Type="String">{escape(value)}</Item>' for name, value in values.items())
    return f'<DocSum><Id>{pmid}</Id>{items}<Item Name="AuthorList" Type="List">{authors}</Item></DocSum>'


def _head(root: str, name: str, path: str) -> str:
    return (
        f'<?xml version="1.0" encoding="UTF-8" ?>\n<!DOCTYPE {root} PUBLIC "-//NLM//DTD {name}//EN" "{DTD}/{path}">\n'
    )


def _ids(text: str) -> list[int]:
    return [int(one) for one in text.split(",") if one.strip().isdigit()]


def article(
    pmid: int,
    abstract: str | None = None,
    extra: str = "",
    types: str = "Journal Article",
    title: str = "",
    place: tuple[int, int, str] = (2020, 1, ""),
    author: str = "Mirel AB",
) -> str:
    """XML of an invented record.

    Args:
        abstract: the XML inside `Abstract`.
        extra: stands beside the article.
        place: year, volume and pages ("17-23").
    """
    if abstract is None:
        abstract = (
            '<AbstractText Label="METHODS" NlmCategory="METHODS">Morvane scans were read twice.</AbstractText>'
            '<AbstractText Label="RESULTS" NlmCategory="RESULTS">'
            f"Telvic uptake rose in {pmid % 97} % of <i>invented</i> patients.</AbstractText>"
        )
    year, volume, pages = place
    surname, _, initials = author.rpartition(" ")
    return (
        f'<PubmedArticle><MedlineCitation Status="MEDLINE"><PMID Version="1">{pmid}</PMID><Article><Journal>'
        f"<JournalIssue><Volume>{volume}</Volume><PubDate><Year>{year}</Year></PubDate></JournalIssue>"
        "<Title>Journal of Invented Imaging</Title><ISOAbbreviation>J Invent Imaging</ISOAbbreviation></Journal>"
        f"<ArticleTitle>{title or f'Invented study {pmid}.'}</ArticleTitle>"
        f"<Pagination><MedlinePgn>{pages}</MedlinePgn></Pagination>"
        + (f"<Abstract>{abstract}</Abstract>" if abstract else "")
        + f"<AuthorList><Author><LastName>{surname}</LastName><Initials>{initials}</Initials></Author></AuthorList>"
        f"<Language>eng</Language><PublicationTypeList><PublicationType>{types}</PublicationType>"
        f"</PublicationTypeList></Article>{extra}</MedlineCitation></PubmedArticle>"
    )


def articles(pmids: Iterable[int]) -> dict[int, str]:
    """Invented records by PMID."""
    return {pmid: article(pmid) for pmid in pmids}


def renumbered(records: Mapping[int, str], count: int, first: int) -> dict[int, str]:
    """As many records as asked for, PMIDs `first`, `first` + 1, ...: these, over and over."""
    originals = list(records.items())
    made = {}
    for number in range(first, first + count):
        pmid, xml = originals[number % len(originals)]
        made[number] = re.sub(rf"(<PMID[^>]*>)\s*{pmid}\s*<", rf"\g<1>{number}<", xml, count=1)
    return made

"""What searches: PubMed's ESearch, its answers kept, or the records of a folder, without any network."""

import hashlib
import re
import time
from collections.abc import Callable, Iterable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Protocol

from acrflow.evidence.cache import DAY, Cache
from acrflow.evidence.entrez import Eutils
from acrflow.evidence.matching import eutils_root
from acrflow.evidence.reader import Record
from acrflow.io.files import read_json, write_json
from acrflow.io.http import PassingFault
from acrflow.retrieval.boolean import Query, Term, read, terms
from acrflow.text.citations import pmid_of


@dataclass(frozen=True)
class Answer:
    """What a search found.

    Attributes:
        hits: how many studies fit.
        pmids: the most relevant of them.
        translation: the query as PubMed understood it.
        refused: why it was not run; empty where it was.
    """

    hits: int
    pmids: list[int]
    translation: str
    refused: str = ""


class Engine(Protocol):
    """Something that searches for studies."""

    def find(self, query: str, most: int) -> Answer:
        """The most relevant studies, at most so many, that fit a valid Boolean query."""
        ...


class PubMedEngine:
    """ESearch in order of relevance, one request a query; answers are kept, so that a killed run continues.

    Args:
        eutils: see `Eutils`.
        cache: held alone while it asks (see `Cache.alone`).
        folder: where answers are kept.
        refresh_days: answers older than this are asked for again; None keeps them for good.
        before: called before the first request; may wait.
        now: the clock, in seconds since 1970.

    Attributes:
        requests: questions that were not among the kept ones.
    """

    def __init__(
        self,
        eutils: Eutils,
        cache: Cache,
        folder: Path,
        refresh_days: float | None = None,
        before: Callable[[], None] = lambda: None,
        now: Callable[[], float] = time.time,
    ):
        self._eutils, self._cache, self._folder = eutils, cache, folder
        self._refresh_days, self._before, self._now = refresh_days, before, now
        self.requests = 0

    def find(self, query: str, most: int) -> Answer:
        """See `Engine`.

        Raises:
            InputError: as `Eutils.call`; what was found before is kept.
        """
        form = {"term": query, "retmax": str(most), "sort": "relevance"}
        digest = hashlib.sha256("\x1f".join(form.values()).encode()).hexdigest()
        path = self._folder / digest[:2] / f"{digest}.json"
        if (known := self._load(path)) is not None:
            return known
        if not self.requests:
            self._before()
        answer = self._eutils.call("esearch.fcgi", form, read_answer)
        self.requests += 1
        with self._cache.keeping("an answer of ESearch"):
            write_json(path, {"asked": form, "answer": asdict(answer), "searched": self._now()})
        return answer

    def _load(self, path: Path) -> Answer | None:
        try:
            kept = read_json(path)
            answer, age = Answer(**kept["answer"]), (self._now() - kept["searched"]) / DAY
        except (FileNotFoundError, ValueError, KeyError, TypeError):  # missing, or damaged: ask again
            return None
        return None if self._refresh_days is not None and age > self._refresh_days else answer


def read_answer(body: bytes) -> Answer:
    """An ESearch answer.

    Raises:
        BrokenXml: it is none.
        PassingFault: the search failed on PubMed's side.
    """
    root = eutils_root(body, "eSearchResult")
    error = " ".join((root.findtext("ERROR") or "").split())
    if re.search(r"backend|time-?d? ?out|temporar|unavailable|try again", error, re.IGNORECASE):
        raise PassingFault("ESearch failed on PubMed's side")
    translation = " ".join((root.findtext("QueryTranslation") or "").split())
    pmids = [pmid for one in root.iterfind("IdList/Id") if (pmid := pmid_of(one.text))]
    return Answer(int(root.findtext("Count") or 0), pmids, translation, error)


class SnapshotEngine:
    """Searches records at hand; words without a field are looked for in title, abstract, MeSH and publication types.

    The order is that of the query's terms that a study has, most first, then the newest.

    Args:
        records: rows of `schemas.evidence.Records`.
    """

    def __init__(self, records: Iterable[Record]):
        self._texts = {record["pmid"]: _searchable(record) for record in records}

    def find(self, query: str, most: int) -> Answer:
        """See `Engine`."""
        parsed, _ = read(query)
        looked_for = terms(parsed)
        fitting = [pmid for pmid, text in self._texts.items() if _fits(parsed, text)]

        def relevance(pmid: int) -> tuple[int, int]:
            return -sum(_has(term, self._texts[pmid]) for term in looked_for), -pmid

        return Answer(len(fitting), sorted(fitting, key=relevance)[:most], query)


# what a field of PubMed is in `_searchable`; those that are not here are looked for in all
_PLACES = {
    "title": "title", "ti": "title", "title/abstract": "text", "tiab": "text", "mesh terms": "mesh", "mesh": "mesh",
    "mh": "mesh", "majr": "mesh", "mesh major topic": "mesh", "sh": "mesh", "publication type": "types",
    "pt": "types", "language": "languages", "la": "languages",
}  # fmt: skip
_CODES = {"japanese": "jpn", "croatian": "hrv", "serbian": "srp"}  # the others are the name's first letters


def language_code(name: str) -> str:
    """The code that a record has for a language that a query names ("english": "eng")."""
    return _CODES.get(name.lower(), name.lower()[:3])


def _searchable(record: Record) -> dict[str, Any]:
    title = (record["title"] or "").lower()
    text = " ".join([title, *(part["text"].lower() for part in record["sections"] if part["text"])])
    parts = {key: " ; ".join(record[name]).lower() for key, name in (("mesh", "mesh"), ("types", "publication_types"))}
    every = " ; ".join([text, *parts.values()])
    return {"title": title, "text": text, **parts, "languages": record["languages"], "all": every} | {
        "year": record["year"]
    }


def _fits(query: Query, text: dict[str, Any]) -> bool:
    if isinstance(query, Term):
        return _has(query, text)
    if query.operator == "OR":
        return _fits(query.left, text) or _fits(query.right, text)
    return _fits(query.left, text) and _fits(query.right, text) == (query.operator == "AND")


def _has(term: Term, text: dict[str, Any]) -> bool:
    field = (term.field or "all").lower().split(":")[0]
    if field in ("dp", "pdat", "date - publication"):
        years = [int(year) for year in re.findall(r"\d{4}", term.text)]
        return bool(years) and text["year"] is not None and years[0] <= text["year"] <= years[-1]
    place = _PLACES.get(field, "all")
    wanted = term.text.lower()
    if place == "languages":
        return language_code(wanted) in text["languages"]
    phrases = [wanted] if term.quoted else wanted.split()
    return all(
        re.search(rf"(?<!\w){re.escape(one.rstrip('*'))}" + ("" if one.endswith("*") else r"(?!\w)"), text[place])
        is not None
        for one in phrases
    )

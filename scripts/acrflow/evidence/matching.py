"""Find the PMID of a cited study: by where it was printed (ECitMatch), else by its title (ESearch), never by guess.

A candidate counts only if its own record (ESummary) is the study that the citation means, and if it is the only one.
"""

import hashlib
import time
import xml.etree.ElementTree as ElementTree
from collections.abc import Callable, Iterable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import defusedxml.ElementTree
from defusedxml import DefusedXmlException

from acrflow.evidence.cache import ABSENT_DAYS, DAY, Cache
from acrflow.evidence.citation import Citation, read_citation, same_study, title_words
from acrflow.evidence.entrez import Eutils, batches, progress_bar
from acrflow.evidence.reader import BrokenXml
from acrflow.io.files import read_json, write_json
from acrflow.io.http import PassingFault
from acrflow.text.citations import pmid_of

CITATIONS = 100  # a request to ECitMatch
HITS = 20  # of an ESearch; a title with more is no title
CANDIDATES = 200  # a request to ESummary
MINOR_WORDS = frozenset(title_words("a an and are as at by for from in is of on or the to with"))


@dataclass(frozen=True)
class Match:
    """What became of a citation.

    Attributes:
        status: "matched", "ambiguous" (several studies fit) or "not_found".
        by: who found it: "ECitMatch", "ESearch" or "snapshot"; for the others, why not.
    """

    pmid: int | None
    status: str
    by: str


NO_PLACE = Match(None, "not_found", "the citation names no article")
NOTHING = Match(None, "not_found", "no record fits")


def unique(citation: Citation, candidates: Iterable[tuple[int, Citation]], by: str) -> Match | None:
    """The match if exactly one candidate is the study, ambiguous if several are, None if none is."""
    fitting = sorted({pmid for pmid, found in candidates if same_study(citation, found)})
    if not fitting:
        return None
    return Match(fitting[0], "matched", by) if len(fitting) == 1 else Match(None, "ambiguous", f"{by}: several fit")


class Matcher:
    """Citations to PMIDs through NCBI's E-utilities; what was found is kept, so that a killed run continues.

    Args:
        eutils: see `Eutils`.
        cache: held alone while it works (see `Cache.alone`).
        folder: where results are kept: matches for good, the others for a week.
        before: called with the number of requests about to be made; may wait.
        now: the clock, in seconds since 1970.
    """

    def __init__(
        self,
        eutils: Eutils,
        cache: Cache,
        folder: Path,
        before: Callable[[int], None] = lambda requests: None,
        now: Callable[[], float] = time.time,
    ):
        self._eutils, self._cache, self._folder, self._before, self._now = eutils, cache, folder, before, now

    def search(self, citations: Sequence[str]) -> list[Match]:
        """The match of each printed citation.

        Raises:
            InputError: as `Eutils.call`. What was found is kept.
        """
        found: dict[str, Match] = {}
        with self._cache.alone():
            waiting: dict[str, Citation] = {}
            for text in dict.fromkeys(citations):
                known, citation = self._load(text), read_citation(text)
                if known is not None or citation.year is None or not citation.title:
                    found[text] = known or NO_PLACE
                else:
                    waiting[text] = citation
            found |= self._search(waiting) if waiting else {}
        return [found[text] for text in citations]

    def _search(self, waiting: dict[str, Citation]) -> dict[str, Match]:
        found: dict[str, Match] = {}
        several: set[str] = set()  # ECitMatch knows more than one article there
        with progress_bar(len(waiting), "references", "Matching references") as progress:

            def settle(text: str, match: Match) -> None:
                found[text] = match
                self._store(text, match)
                progress.update()

            placed = [text for text, citation in waiting.items() if citation.has_place]
            for batch in batches(placed, CITATIONS):
                candidates, unlisted = self._ecitmatch([waiting[text] for text in batch])
                several |= {batch[place] for place in unlisted}
                records = self._summaries({pmid for pmids in candidates.values() for pmid in pmids})
                for place, pmids in candidates.items():
                    pairs = [(pmid, records[pmid]) for pmid in pmids if pmid in records]
                    if match := unique(waiting[batch[place]], pairs, "ECitMatch"):
                        settle(batch[place], match)
            self._before(2 * (len(waiting) - len(found)))
            for text, citation in waiting.items():
                if text not in found:
                    settle(text, self._by_title(citation) or (_SEVERAL if text in several else NOTHING))
        return found

    def _by_title(self, citation: Citation) -> Match | None:
        """The match of an ESearch for all words of the title, in the citation's year or one beside it."""
        words = [word for word in dict.fromkeys(title_words(citation.title)) if word not in MINOR_WORDS]
        if len(words) < 3 or citation.year is None:  # too little to know an article by
            return None
        term = " AND ".join(f"{word}[ti]" for word in words)
        form = {"term": f"{term} AND {citation.year - 1}:{citation.year + 1}[dp]", "retmax": str(HITS)}
        count, pmids = self._eutils.call("esearch.fcgi", form, _hits)
        return unique(citation, self._summaries(set(pmids)).items(), "ESearch") if count <= HITS else None

    def _ecitmatch(self, citations: Sequence[Citation]) -> tuple[dict[int, list[int]], set[int]]:
        """The candidates of the citations by their place in the list, and where there are too many to be listed."""
        lines = []
        for place, cited in enumerate(citations):
            fields = (cited.journal, str(cited.year or ""), cited.volume, cited.page, cited.author, str(place))
            lines.append("|".join(field.replace("|", " ") for field in fields) + "|")

        def read(body: bytes) -> dict[int, str]:
            answers: dict[int, str] = {}
            for line in body.decode("utf-8", "replace").splitlines():
                fields = line.strip().split("|")
                if len(fields) >= 3 and fields[-2].isdigit():  # a miss may lack the author: count from the end
                    answers[int(fields[-2])] = fields[-1]
            if len(answers) < len(citations):
                raise PassingFault(f"ECitMatch answered {len(answers)} of {len(citations)} citations")
            return answers

        answers = self._eutils.call("ecitmatch.cgi", {"bdata": "\r".join(lines)}, read)
        candidates = {place: _pmids(answer.removeprefix("AMBIGUOUS")) for place, answer in answers.items()}
        unlisted = {p for p, answer in answers.items() if answer.startswith("AMBIGUOUS") and not candidates[p]}
        return {place: pmids for place, pmids in candidates.items() if pmids}, unlisted

    def _summaries(self, pmids: set[int]) -> dict[int, Citation]:
        """What the records themselves say, by PMID; those that PubMed does not have are missing."""
        found: dict[int, Citation] = {}
        for batch in batches(sorted(pmids), CANDIDATES):
            found |= self._eutils.call("esummary.fcgi", {"id": ",".join(map(str, batch))}, _summaries)
        return found

    def _load(self, text: str) -> Match | None:
        try:
            kept = read_json(self._path(text))
            match, age = Match(**kept["match"]), self._now() - kept["searched"]
        except (FileNotFoundError, ValueError, KeyError, TypeError):  # missing, or damaged: search again
            return None
        return match if match.status == "matched" or age / DAY < ABSENT_DAYS else None

    def _store(self, text: str, match: Match) -> None:
        with self._cache.keeping("a match"):
            write_json(self._path(text), {"citation": text, "match": asdict(match), "searched": self._now()})

    def _path(self, text: str) -> Path:
        digest = hashlib.sha256(text.encode()).hexdigest()
        return self._folder / digest[:2] / f"{digest}.json"


_SEVERAL = Match(None, "ambiguous", "ECitMatch: several articles stand there")


def _pmids(text: str) -> list[int]:
    """The PMIDs of an ECitMatch answer: "2014248" or "26315901,25768914"; none for words and counts."""
    parts = text.split(",")
    pmids = [pmid for part in parts if (pmid := pmid_of(part.strip()))]
    return pmids if len(pmids) == len(parts) else []


def _hits(body: bytes) -> tuple[int, list[int]]:
    """Count and PMIDs of an ESearch answer."""
    root = eutils_root(body, "eSearchResult")
    if root.findtext("ERROR"):
        raise PassingFault("ESearch could not run")
    return int(root.findtext("Count") or 0), [pmid for one in root.iterfind("IdList/Id") if (pmid := pmid_of(one.text))]


def _summaries(body: bytes) -> dict[int, Citation]:
    """The records of an ESummary answer."""
    found = {}
    for document in eutils_root(body, "eSummaryResult").iterfind("DocSum"):
        items = {item.get("Name"): item for item in document.iterfind("Item")}
        texts = {name: item.text or "" for name, item in items.items()}
        authors = items["AuthorList"] if "AuthorList" in items else ElementTree.Element("Item")
        year = texts.get("PubDate", "")[:4]
        found[int(document.findtext("Id") or 0)] = Citation(
            author=authors.findtext("Item[@Name='Author']") or "",
            title=texts.get("Title", ""),
            journal=texts.get("Source", ""),
            year=int(year) if year.isdigit() else None,
            volume=texts.get("Volume", ""),
            page=texts.get("Pages", "").partition("-")[0],
        )
    return found


def eutils_root(body: bytes, tag: str) -> ElementTree.Element:
    """The root of an answer.

    Raises:
        BrokenXml: it is cut off, unsafe, or another document.
    """
    try:
        root: ElementTree.Element = defusedxml.ElementTree.fromstring(body)
    except (ElementTree.ParseError, DefusedXmlException, ValueError, LookupError) as error:
        raise BrokenXml(f"unreadable XML: {type(error).__name__}") from None
    if root.tag != tag:
        raise BrokenXml(f"expected {tag}, found {root.tag}")
    return root

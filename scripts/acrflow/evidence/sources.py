"""Where records, and the PMIDs of cited studies, come from: Entrez, a folder of EFetch XML, or nowhere."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path
from typing import Protocol, TypeVar

import polars as pl

from acrflow import schemas
from acrflow.evidence.cache import NO_RECORD, Cache
from acrflow.evidence.citation import Citation, read_citation
from acrflow.evidence.entrez import Entrez
from acrflow.evidence.matching import NOTHING, Match, Matcher, unique
from acrflow.evidence.reader import BrokenXml, Record, absent, read_citations, read_records
from acrflow.io.errors import InputError
from acrflow.io.ledger import Ledger
from acrflow.schemas.evidence import Records
from acrflow.text.citations import pmid_of

Found = TypeVar("Found")


class Source(Protocol):
    """Something that has records of studies."""

    def records(self, pmids: Sequence[int]) -> Iterator[Record]:
        """The records it has of these PMIDs, in any order; none for the others."""
        ...

    def search(self, citations: Sequence[str]) -> list[Match]:
        """What it finds for each printed citation."""
        ...


class NoSource:
    """No records at all: a run without evidence."""

    def records(self, pmids: Sequence[int]) -> Iterator[Record]:
        """Nothing."""
        return iter(())

    def search(self, citations: Sequence[str]) -> list[Match]:
        """Nothing, since it does not look."""
        return [Match(None, "not_found", "")] * len(citations)


class Snapshot:
    """A folder of EFetch XML files (`*.xml`), each a whole `PubmedArticleSet`.

    Args:
        folder: read without its subfolders, in the order of the file names. Of a record that comes twice, the first.
    """

    def __init__(self, folder: Path):
        self._folder = folder

    def records(self, pmids: Sequence[int]) -> Iterator[Record]:
        """See `Source`.

        Raises:
            InputError: the folder has no XML file, or one that cannot be read.
        """
        wanted = set(pmids)
        for record in self._read(read_records):
            if record["pmid"] in wanted:
                wanted.discard(record["pmid"])
                yield record

    def everything(self) -> Iterator[Record]:
        """All records of the folder, each once.

        Raises:
            InputError: as `records`.
        """
        seen: set[int] = set()
        for record in self._read(read_records):
            if record["pmid"] not in seen:
                seen.add(record["pmid"])
                yield record

    def search(self, citations: Sequence[str]) -> list[Match]:
        """See `Source`; among the records of the folder.

        Raises:
            InputError: as `records`.
        """
        by_year: dict[int | None, dict[int, Citation]] = {}
        for pmid, found in self._read(lambda xml: list(read_citations(xml))) if citations else ():
            by_year.setdefault(found.year, {})[pmid] = found
        matches = []
        for cited in map(read_citation, citations):
            near = [] if cited.year is None else range(cited.year - 1, cited.year + 2)
            candidates = (pair for year in near for pair in by_year.get(year, {}).items())
            matches.append(unique(cited, candidates, "snapshot") or NOTHING)
        return matches

    def _read(self, read: Callable[[bytes], list[Found]]) -> Iterator[Found]:
        """Everything that `read` finds in the files."""
        files = sorted(self._folder.glob("*.xml"))
        if not files:
            remedy = "name a folder of EFetch XML files, or entrez, or none (evidence.source)"
            raise InputError(self._folder, "no such folder, or no *.xml file in it", remedy)
        for file in files:
            try:
                yield from read(file.read_bytes())
            except BrokenXml as error:
                raise InputError(file, str(error), "fetch this file again, or remove it") from None


class EntrezSource:
    """Records of PubMed, fetched into a cache and read from there.

    Args:
        entrez: fetches into `cache`.
        cache: the folder that later runs reuse.
        matcher: finds PMIDs.

    Attributes:
        fetched: PMIDs that the last call of `records` did not find in the cache.
    """

    def __init__(self, entrez: Entrez, cache: Cache, matcher: Matcher):
        self._entrez, self._cache, self._matcher = entrez, cache, matcher
        self.fetched = 0

    @property
    def damaged(self) -> int:
        """Files of the cache that were found damaged, and so fetched again."""
        return len(set(self._cache.damaged))

    def records(self, pmids: Sequence[int]) -> Iterator[Record]:
        """See `Source` and `Entrez.fetch`."""
        pmids = [pmid for pmid in pmids if pmid_of(pmid)]
        with self._cache.alone():
            self.fetched = self._entrez.fetch(pmids)
        for pmid in pmids:
            yield from read_records(self._cache.load_any(pmid) or NO_RECORD)

    def search(self, citations: Sequence[str]) -> list[Match]:
        """See `Source` and `Matcher.search`."""
        return self._matcher.search(citations)


def collect_records(source: Source, pmids: Iterable[int], ledger: Ledger) -> pl.DataFrame:
    """One row per distinct PMID, in their order, whether the source has a record of it or not.

    Args:
        source: see `Source`.
        pmids: duplicates count once; a number that cannot be a PMID has status `absent`.
        ledger: taken are PMIDs, kept are those with a record, left out those without.

    Returns:
        `schemas.evidence.Records`, sorted by PMID.
    """
    asked = list(pmids)
    requested = sorted(set(asked))
    received = {record["pmid"]: record for record in source.records(requested)}
    for pmid in requested:
        if pmid not in received:
            ledger.leave_out("absent: no such record" if pmid_of(pmid) else "not a PMID", str(pmid))
    ledger.taken += len(requested)
    ledger.kept += len(received)
    ledger.facts["asked_for_more_than_once"] = len(asked) - len(requested)
    rows = [received.get(pmid) or absent(pmid) for pmid in requested]
    return pl.DataFrame(rows, schema=schemas.polars_schema(Records), orient="row")

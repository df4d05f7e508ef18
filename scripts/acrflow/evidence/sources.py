"""Where records come from: Entrez, a folder of EFetch XML, or nowhere, behind one interface."""

from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Protocol

import polars as pl

from acrflow import schemas
from acrflow.errors import InputError
from acrflow.evidence.cache import Cache
from acrflow.evidence.entrez import Entrez
from acrflow.evidence.reader import BrokenXml, Record, absent, read_records
from acrflow.evidence.references import is_pmid
from acrflow.ledger import Ledger


class Source(Protocol):
    """Something that has records of studies."""

    def records(self, pmids: Sequence[int]) -> Iterator[Record]:
        """The records it has of these PMIDs, in any order; none for the others."""


class NoSource:
    """No records at all: a run without evidence."""

    def records(self, pmids: Sequence[int]) -> Iterator[Record]:
        """Nothing."""
        return iter(())


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
        files = sorted(self._folder.glob("*.xml"))
        if not files:
            remedy = "name a folder of EFetch XML files, or entrez, or none (evidence.source)"
            raise InputError(self._folder, "no such folder, or no *.xml file in it", remedy)
        wanted = set(pmids)
        for file in files:
            try:
                found = read_records(file.read_bytes())
            except BrokenXml as error:
                raise InputError(file, str(error), "fetch this file again, or remove it") from None
            for record in found:
                if record["pmid"] in wanted:
                    wanted.discard(record["pmid"])
                    yield record


class EntrezSource:
    """Records of PubMed, fetched into a cache and read from there.

    Args:
        entrez: fetches into `cache`.
        cache: the folder that later runs reuse.

    Attributes:
        fetched: PMIDs that the last call of `records` did not find in the cache.
    """

    def __init__(self, entrez: Entrez, cache: Cache):
        self._entrez, self._cache = entrez, cache
        self.fetched = 0

    def records(self, pmids: Sequence[int]) -> Iterator[Record]:
        """See `Source` and `Entrez.fetch`."""
        pmids = [pmid for pmid in pmids if is_pmid(pmid)]
        self.fetched = self._entrez.fetch(pmids)
        for pmid in pmids:
            yield from read_records(self._cache.load(pmid) or b"<PubmedArticleSet/>")


def collect_records(source: Source, pmids: Iterable[int], ledger: Ledger) -> pl.DataFrame:
    """One row per distinct PMID, in their order, whether the source has a record of it or not.

    Args:
        source: see `Source`.
        pmids: duplicates count once; a number that cannot be a PMID has status `absent`.
        ledger: taken are PMIDs, kept are those with a record, left out those without.

    Returns:
        `schemas.Records`, sorted by PMID.
    """
    requested = sorted(set(pmids))
    received = {record["pmid"]: record for record in source.records(requested)}
    for pmid in requested:
        if pmid not in received:
            ledger.leave_out("absent: no such record", str(pmid))
    ledger.taken, ledger.kept = len(requested), len(received)
    rows = [received.get(pmid) or absent(pmid) for pmid in requested]
    return pl.DataFrame(rows, schema=schemas.polars_schema(schemas.Records), orient="row")

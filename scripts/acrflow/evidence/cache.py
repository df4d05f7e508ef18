"""A folder of fetched PubMed records, one compressed file per PMID, that later runs share."""

import gzip
import time
import zlib
from collections.abc import Callable
from pathlib import Path

from acrflow.errors import InputError
from acrflow.evidence.reader import split_articles
from acrflow.files import whole

DAY = 86_400.0  # seconds
ABSENT_DAYS = 7.0  # PubMed may add a record that it did not have
NO_RECORD = b"<PubmedArticleSet></PubmedArticleSet>"  # what EFetch answers for a PMID it does not have


class Cache:
    """EFetch XML by PMID. Each file is written whole and carries gzip's CRC-32; a damaged one counts as missing.

    Args:
        folder: where the files are; made if it does not exist.
        refresh_days: records fetched longer ago than this count as missing; None keeps them for good.
        now: the clock, in seconds since 1970.

    Attributes:
        damaged: PMIDs whose file was found damaged.
    """

    def __init__(self, folder: Path, refresh_days: float | None = None, now: Callable[[], float] = time.time):
        self._folder, self._refresh_days, self._now = folder, refresh_days, now
        self.damaged: list[int] = []

    def load(self, pmid: int) -> bytes | None:
        """XML set of the record: with one article, or empty where PubMed has none; None if it is yet to be fetched."""
        path = self._path(pmid)
        try:
            age = (self._now() - path.stat().st_mtime) / DAY
            xml = gzip.decompress(path.read_bytes())
        except FileNotFoundError:
            return None
        except (gzip.BadGzipFile, EOFError, zlib.error):
            self.damaged.append(pmid)
            return None
        limits = [days for days in (self._refresh_days, ABSENT_DAYS if xml == NO_RECORD else None) if days is not None]
        return None if limits and age > min(limits) else xml

    def store(self, pmid: int, xml: bytes) -> None:
        """Keep the record of one PMID (`NO_RECORD` where PubMed has none).

        Raises:
            InputError: the disk is full or the folder cannot be written.
        """
        try:
            with whole(self._path(pmid)) as temporary:
                temporary.write_bytes(gzip.compress(xml, mtime=0))
        except OSError as error:
            remedy = "free some space or choose another folder (evidence.cache), then run again: what is there is kept"
            raise InputError(self._folder, f"cannot keep PMID {pmid}: {error.strerror}", remedy) from error

    def store_answer(self, xml: bytes, wanted: set[int]) -> set[int]:
        """Keep the wanted records of a whole EFetch answer; return their PMIDs.

        Raises:
            BrokenXml: the answer is none; nothing is kept.
        """
        articles = {pmid: article for pmid, article in split_articles(xml).items() if pmid in wanted}
        for pmid, article in articles.items():
            self.store(pmid, article)
        return set(articles)

    def _path(self, pmid: int) -> Path:
        return self._folder / f"{pmid % 100:02d}" / f"{pmid}.xml.gz"  # at most a few thousand files a folder

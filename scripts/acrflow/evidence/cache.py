"""A folder of fetched PubMed records, one compressed file per PMID, that later runs share."""

import fcntl
import gzip
import struct
import time
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from acrflow.evidence.reader import split_articles
from acrflow.io.errors import InputError
from acrflow.io.files import whole

DAY = 86_400.0  # seconds
ABSENT_DAYS = 7.0  # PubMed may add a record that it did not have
NO_RECORD = b"<PubmedArticleSet></PubmedArticleSet>"  # what EFetch answers for a PMID it does not have


class Cache:
    """EFetch XML by PMID, compressed.

    Each file is written whole and carries gzip's CRC-32; a damaged one counts as missing. The time of the fetch stands
    in gzip's own header, so that a record's age survives copying the folder.

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
        xml, fetched = self._read(pmid)
        if xml is None:
            return None
        limits = [days for days in (self._refresh_days, ABSENT_DAYS if xml == NO_RECORD else None) if days is not None]
        return None if limits and (self._now() - fetched) / DAY > min(limits) else xml

    def load_any(self, pmid: int) -> bytes | None:
        """The same, however old; for reading what a fetch has just made sure of."""
        return self._read(pmid)[0]

    def store(self, pmid: int, xml: bytes) -> None:
        """Keep the record of one PMID (`NO_RECORD` where PubMed has none).

        Raises:
            InputError: the disk is full or the folder cannot be written.
        """
        with self.keeping(f"PMID {pmid}"), whole(self._path(pmid)) as temporary:
            temporary.write_bytes(gzip.compress(xml, mtime=self._now()))

    def store_answer(self, xml: bytes, wanted: set[int]) -> set[int]:
        """Keep the wanted records of a whole EFetch answer; return their PMIDs.

        Raises:
            BrokenXml: the answer is none; nothing is kept.
        """
        articles = {pmid: article for pmid, article in split_articles(xml).items() if pmid in wanted}
        for pmid, article in articles.items():
            self.store(pmid, article)
        return set(articles)

    @contextmanager
    def alone(self, told: Callable[[str], None] = print) -> Iterator[None]:
        """Hold the cache alone: whoever else fetches into it waits here, so that NCBI sees one client, not two.

        Raises:
            InputError: the folder cannot be written.
        """
        path = self._folder / ".lock"
        with self.keeping("the lock"):
            self._folder.mkdir(parents=True, exist_ok=True)
            path.touch()
        with open(path, "ab") as lock:  # the system releases it when the process dies
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                told(f"another program fetches into {self._folder}; waiting for it to end")
                fcntl.flock(lock, fcntl.LOCK_EX)
            except OSError as error:  # a file system without locks
                told(f"{self._folder} cannot be locked ({error.strerror}); run one program at a time")
            yield

    @contextmanager
    def keeping(self, what: str) -> Iterator[None]:
        """Say what to do where the folder cannot be written."""
        try:
            yield
        except (OSError, InputError) as error:
            reason = error.what if isinstance(error, InputError) else error.strerror
            remedy = "free some space or choose another folder (evidence.cache), then run again: what is there is kept"
            raise InputError(self._folder, f"cannot keep {what}: {reason}", remedy) from error

    def _read(self, pmid: int) -> tuple[bytes | None, float]:
        """XML and when it was fetched (seconds since 1970); no XML where the file is missing or damaged."""
        try:
            packed = self._path(pmid).read_bytes()
        except FileNotFoundError:
            return None, 0.0
        try:
            xml = gzip.decompress(packed)
            if not xml:  # gzip takes an empty file for an empty text
                raise EOFError
            return xml, struct.unpack("<I", packed[4:8])[0]
        except (gzip.BadGzipFile, EOFError, zlib.error):
            self.damaged.append(pmid)
            return None, 0.0

    def _path(self, pmid: int) -> Path:
        return self._folder / f"{pmid % 100:02d}" / f"{pmid}.xml.gz"  # at most a few thousand files a folder

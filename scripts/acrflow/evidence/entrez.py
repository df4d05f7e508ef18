"""Fetch PubMed records from NCBI's E-utilities: few requests, none too fast, none twice.

Protocol: https://www.ncbi.nlm.nih.gov/books/NBK25499/. Biopython's `Bio.Entrez` has the same conventions (tool, email,
api_key) but no time-out, and it repeats a 429 at once; hence a transport of our own.
"""

import sys
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from datetime import UTC, datetime, timedelta
from typing import TypeVar
from zoneinfo import ZoneInfo

from tqdm import tqdm

from acrflow.evidence.cache import NO_RECORD, Cache
from acrflow.evidence.reader import BrokenXml
from acrflow.io.errors import InputError
from acrflow.io.http import PassingFault, PoliteClient

TOOL = "acrflow"
KEY = "NCBI_API_KEY"  # the environment variable that holds the key
BATCH = 200  # PMIDs a request: what NCBI recommends for a POST
EMPTY_ANSWERS = 3  # answers without a single record before it is believed that PubMed has none of a batch
PAUSE, PAUSE_WITH_KEY = 1 / 3, 1 / 10  # seconds between requests: NCBI's limits are 3 and 10 a second
LARGE = 100  # requests above which NCBI asks for its off-peak hours
EASTERN, EVENING, MORNING = ZoneInfo("America/New_York"), 21, 5  # off-peak: 9 pm to 5 am there, and weekends
DISCLAIMER = (
    "PubMed records come with NLM's disclaimer and copyright notice: https://www.ncbi.nlm.nih.gov/About/disclaimer.html"
)

Answer = TypeVar("Answer")


def pause(key: str | None) -> float:
    """Seconds between two requests that NCBI's limits ask for."""
    return PAUSE_WITH_KEY if key else PAUSE


def until_off_peak(now: datetime) -> timedelta:
    """How long until NCBI's off-peak hours begin; zero inside them.

    Args:
        now: an aware time.
    """
    there = now.astimezone(EASTERN)
    if there.weekday() >= 5 or not MORNING <= there.hour < EVENING:
        return timedelta(0)
    return there.replace(hour=EVENING, minute=0, second=0, microsecond=0) - there


def wait_off_peak(
    requests: int,
    now: Callable[[], datetime] = lambda: datetime.now(UTC),
    sleep: Callable[[float], None] = time.sleep,
) -> None:
    """Wait for NCBI's off-peak hours before a series of more than 100 requests, as NCBI asks, and say so."""
    while requests > LARGE and (left := until_off_peak(now())):
        print(
            f"{requests} requests: NCBI asks for weekends or 9 pm to 5 am US Eastern time. Waiting "
            f"{left.total_seconds() / 3600:.1f} h (evidence.off_peak: false goes on at once)",
            flush=True,
        )
        sleep(min(left.total_seconds(), 3600.0))


def progress_bar(total: int, unit: str, description: str) -> "tqdm[None]":
    """A bar with rate and time left; in a log file a line every ten seconds."""
    interval = 0.1 if sys.stderr.isatty() else 10.0
    return tqdm(total=total, unit=f" {unit}", desc=description, mininterval=interval)


class Eutils:
    """NCBI's E-utilities for PubMed, called by POST.

    Args:
        url: base address.
        email: the user's address, which NCBI asks for.
        key: NCBI's API key or None. It travels in the body of the POST only: no address, log or error holds it.
        client: sends the requests; its pause must be that of `pause(key)`.
    """

    def __init__(self, url: str, email: str | None, key: str | None, client: PoliteClient):
        self._url, self._client = url.rstrip("/"), client
        self._form = {"db": "pubmed", "retmode": "xml", "tool": TOOL}
        self._form |= {"email": email} if email else {}
        self._form |= {"api_key": key} if key else {}

    def call(self, program: str, form: dict[str, str], read: Callable[[bytes], Answer]) -> Answer:
        """What `read` makes of the answer of one E-utility, for instance "efetch.fcgi".

        Args:
            read: raises `BrokenXml` or `PassingFault` for an answer that is worth another attempt.

        Raises:
            InputError: no network, a wrong address or key, or a fault that does not pass.
        """
        url = f"{self._url}/{program}"

        def check(status: int, body: bytes) -> Answer:
            _raise_fault(url, status, body)
            try:
                return read(body)
            except BrokenXml as error:
                raise PassingFault(str(error)) from None

        return self._client.request("POST", url, check, data=self._form | form)


class Entrez:
    """EFetch into a cache.

    Args:
        eutils: where the records come from.
        cache: keeps every record the moment its batch has arrived, so that a killed run continues where it was.
        before: called with the number of requests about to be made; may wait.
    """

    def __init__(self, eutils: Eutils, cache: Cache, before: Callable[[int], None] = lambda requests: None):
        self._eutils, self._cache, self._before = eutils, cache, before

    def fetch(self, pmids: Iterable[int]) -> int:
        """Bring the records of all PMIDs into the cache; those that it has are not asked for again.

        A PMID that an answer lacks is asked for once more, with the others that were lacking, before the cache notes
        that PubMed has no such record: an answer may be empty by a fault.

        Args:
            pmids: of one to eight digits.

        Returns:
            How many PMIDs were not in the cache.

        Raises:
            InputError: no network, a wrong address or key, or a fault that does not pass. What has arrived is kept.
        """
        missing = [pmid for pmid in dict.fromkeys(pmids) if self._cache.load(pmid) is None]
        if not missing:
            return 0
        self._before(len(list(batches(missing, BATCH))))
        with progress_bar(len(missing), "PMIDs", "PubMed") as progress:
            lacking: list[int] = []
            for batch in batches(missing, BATCH):
                received = self._request(batch)
                lacking += [pmid for pmid in batch if pmid not in received]
                progress.update(len(received))
            for batch in batches(lacking, BATCH):
                received = next(filter(None, (self._request(batch) for _ in range(EMPTY_ANSWERS))), set())
                for pmid in set(batch) - received:
                    self._cache.store(pmid, NO_RECORD)
                progress.update(len(batch))
        return len(missing)

    def _request(self, batch: Sequence[int]) -> set[int]:
        """Fetch one batch into the cache; return the PMIDs that came."""
        form = {"id": ",".join(map(str, batch))}
        return self._eutils.call("efetch.fcgi", form, lambda body: self._cache.store_answer(body, set(batch)))


def _raise_fault(url: str, status: int, body: bytes) -> None:
    """Raise what an answer of the E-utilities says went wrong; never quote it, since NCBI echoes a key it rejects."""
    start = body[:2000].lstrip().lower()
    if b"api key invalid" in start:
        raise InputError(
            KEY, "NCBI rejects this API key", f"correct the variable, or unset {KEY} (3 requests a second)"
        )
    if status not in (200, 400):
        raise InputError(url, f"HTTP status {status}", "check the address of the E-utilities (evidence.url)")
    if start.startswith(b"{"):
        raise PassingFault("NCBI's rate limit" if b"rate limit" in start else f"JSON in place of XML, status {status}")
    if start.startswith((b"<html", b"<!doctype html")):
        raise PassingFault(f"an HTML page in place of XML, status {status}")
    if status == 400:  # NCBI relays gateway faults as 400
        raise PassingFault("HTTP status 400")


def batches(items: Sequence, size: int) -> Iterator[Sequence]:
    """The items in pieces of at most this size."""
    return (items[start : start + size] for start in range(0, len(items), size))

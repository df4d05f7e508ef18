"""Fetch PubMed records from NCBI's E-utilities: few requests, none too fast, none twice.

Protocol: https://www.ncbi.nlm.nih.gov/books/NBK25499/ (EFetch). Biopython's `Bio.Entrez` has the same conventions
(tool, email, api_key) but no time-out, and it repeats a 429 at once; hence a transport of our own.
"""

from collections.abc import Iterable, Iterator, Sequence

from tqdm import tqdm

from acrflow.errors import InputError
from acrflow.evidence.cache import NO_RECORD, Cache
from acrflow.evidence.reader import BrokenXml
from acrflow.polite import PassingFault, PoliteClient

TOOL = "acrflow"
KEY = "NCBI_API_KEY"  # the environment variable that holds the key
BATCH = 200  # PMIDs a request: what NCBI recommends for a POST
EMPTY_ANSWERS = 3  # answers without a single record before it is believed that PubMed has none of a batch
PAUSE, PAUSE_WITH_KEY = 1 / 3, 1 / 10  # seconds between requests: NCBI's limits are 3 and 10 a second
DISCLAIMER = (
    "PubMed records come with NLM's disclaimer and copyright notice: https://www.ncbi.nlm.nih.gov/About/disclaimer.html"
)
OFF_PEAK = "NCBI asks for series of more than 100 requests on weekends or between 9 pm and 5 am US Eastern time."


def pause(key: str | None) -> float:
    """Seconds between two requests that NCBI's limits ask for."""
    return PAUSE_WITH_KEY if key else PAUSE


class Entrez:
    """EFetch into a cache.

    Args:
        url: base address of the E-utilities.
        email: the user's address, which NCBI asks for.
        key: NCBI's API key or None. It travels in the body of the POST only: no address, log or error holds it.
        cache: keeps every record the moment its batch has arrived, so that a killed run continues where it was.
        client: sends the requests; its pause must be that of `pause(key)`.
    """

    def __init__(self, url: str, email: str | None, key: str | None, cache: Cache, client: PoliteClient):
        self._url = f"{url.rstrip('/')}/efetch.fcgi"
        self._form = {"db": "pubmed", "retmode": "xml", "tool": TOOL}
        self._form |= {"email": email} if email else {}
        self._form |= {"api_key": key} if key else {}
        self._cache, self._client = cache, client

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
        with tqdm(total=len(missing), unit=" PMIDs", desc="PubMed", disable=None) as progress:
            lacking: list[int] = []
            for batch in _batches(missing):
                received = self._request(batch)
                lacking += [pmid for pmid in batch if pmid not in received]
                progress.update(len(received))
            for batch in _batches(lacking):
                received = next(filter(None, (self._request(batch) for _ in range(EMPTY_ANSWERS))), set())
                for pmid in set(batch) - received:
                    self._cache.store(pmid, NO_RECORD)
                progress.update(len(batch))
        return len(missing)

    def _request(self, batch: Sequence[int]) -> set[int]:
        """Fetch one batch into the cache; return the PMIDs that came."""

        def check(status: int, body: bytes) -> set[int]:
            _raise_fault(self._url, status, body)
            try:
                return self._cache.store_answer(body, set(batch))
            except BrokenXml as error:
                raise PassingFault(str(error)) from None

        return self._client.request("POST", self._url, check, data={**self._form, "id": ",".join(map(str, batch))})


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


def _batches(pmids: list[int]) -> Iterator[list[int]]:
    return (pmids[start : start + BATCH] for start in range(0, len(pmids), BATCH))

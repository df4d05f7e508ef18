"""PMIDs a second at NCBI's rate without a key: 200 a request, against the reference's one request per PMID.

Both fetch from a local E-utilities server that enforces the limit of 3 requests a second and counts what arrives.
"""

import sys
import tempfile
import time
import urllib.request
from collections.abc import Callable
from http.client import HTTPResponse
from pathlib import Path
from statistics import mean, stdev

from harness import ROOT, help_or_go, write

sys.path[:0] = [str(ROOT / "scripts"), str(ROOT / "tests")]

PMIDS, BASELINE_PMIDS, RUNS, FIRST = 5000, 30, 3, 90_000_001


def main() -> None:
    from eutils_programs import real_or_invented, renumbered
    from eutils_server import EutilsServer

    originals, kind = real_or_invented()
    records = renumbered(originals, PMIDS, FIRST)
    pmids = list(records)
    ours, baseline, most = [], [], 0
    requests: set[int] = set()
    for _ in range(RUNS):
        with EutilsServer(records, limited=True) as server, tempfile.TemporaryDirectory() as cache:
            ours.append(rate(lambda: fetch(server.url, pmids, Path(cache)), PMIDS))
            requests.add(len(server.sent_to("efetch.fcgi")))
            most = max(most, server.most_within(1.0))
            assert server.refused == 0 and server.served == pmids
        with EutilsServer(records, limited=True) as server:
            baseline.append(rate(lambda: one_by_one(server.url, pmids[:BASELINE_PMIDS]), BASELINE_PMIDS))
            assert server.refused == 0 and len(server.requests) == BASELINE_PMIDS
    assert max(requests) <= 25 and most <= 3
    write(
        "entrez_requests",
        ours=mean(ours),
        baseline=mean(baseline),
        ratio=mean(ours) / mean(baseline),
        unit="PMIDs/s",
        runs=RUNS,
        spread={"ours": round(stdev(ours), 3), "baseline": round(stdev(baseline), 3)},
        baseline_is=f"one EFetch per PMID by Biopython's client, its own pause, {BASELINE_PMIDS} PMIDs",
        pmids=PMIDS,
        requests=max(requests),
        requests_of_the_reference=PMIDS,
        most_requests_within_a_second=most,
        refused_by_the_server=0,
        documents=f"{PMIDS} records made of {len(originals)} {kind} ones by new PMIDs; no API key",
    )


def fetch(url: str, pmids: list[int], cache: Path) -> None:
    """Ours, from an empty cache to a full one."""
    from acrflow.evidence.cache import Cache
    from acrflow.evidence.entrez import Entrez, Eutils, pause
    from acrflow.io.http import PoliteClient

    with PoliteClient(pause(None)) as client:
        Entrez(Eutils(url, "someone@example.org", None, client), Cache(cache)).fetch(pmids)


def one_by_one(url: str, pmids: list[int]) -> None:
    """The reference's way."""
    from Bio import Entrez

    def local(request: urllib.request.Request) -> HTTPResponse:
        request.full_url = request.full_url.replace("https://eutils.ncbi.nlm.nih.gov/entrez/eutils", url)
        answer: HTTPResponse = urllib.request.urlopen(request)
        return answer

    Entrez.email = "someone@example.org"  # type: ignore[assignment]
    Entrez.urlopen = local  # type: ignore[assignment]
    for pmid in pmids:
        Entrez.efetch(db="pubmed", id=str(pmid), retmode="xml").read()


def rate(call: Callable[[], None], amount: int) -> float:
    """How many of them a second."""
    begin = time.perf_counter()
    call()
    return amount / (time.perf_counter() - begin)


if __name__ == "__main__":
    help_or_go(__doc__)
    main()

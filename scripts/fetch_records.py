"""Get the PubMed record of every cited PMID, from Entrez or from a folder of EFetch XML.

NCBI's API key, if you have one, is read from the environment variable NCBI_API_KEY and allows 10 requests a second
in place of 3. Run one such program at a time.
"""

from __future__ import annotations

import argparse
import os
from pathlib import Path
from typing import TYPE_CHECKING

from acrflow.errors import InputError, run

if TYPE_CHECKING:
    import polars as pl

    from acrflow.ledger import Ledger

URL = "https://eutils.ncbi.nlm.nih.gov/entrez/eutils"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--source", required=True, help="entrez, none, or a folder of EFetch XML files")
    parser.add_argument("--pmids", type=Path, required=True, help="pmids.parquet")
    parser.add_argument("--cache", type=Path, help="folder of fetched records, shared by all runs (entrez needs it)")
    parser.add_argument("--refresh-days", type=float, help="fetch records older than this again (default: never)")
    parser.add_argument("--url", default=URL, help="base address of the E-utilities (default: NCBI's)")
    parser.add_argument("--email", help="your address, which NCBI asks for")
    parser.add_argument("--timeout", type=float, default=60.0, help="seconds without a byte (default: 60)")
    parser.add_argument("--attempts", type=int, default=8, help="attempts per request (default: 8)")
    parser.add_argument("--backoff", type=float, default=1.0, help="seconds before a second attempt (default: 1)")
    parser.add_argument("--out", type=Path, required=True, help="records.parquet to write")
    parser.add_argument("--ledger", type=Path, required=True, help="ledger to write (JSON)")
    args = parser.parse_args()

    from acrflow import schemas
    from acrflow.evidence.sources import NoSource, Snapshot, collect_records
    from acrflow.ledger import Ledger

    ledger = Ledger("fetch_records", "PMIDs")
    ledger.facts["source"] = args.source if args.source in ("entrez", "none") else "snapshot"
    pmids = schemas.read(schemas.Pmids, args.pmids)["pmid"].drop_nulls().to_list()
    if args.source == "entrez":
        records = from_entrez(args, pmids, ledger)
    else:
        source = NoSource() if args.source == "none" else Snapshot(Path(args.source))
        records = collect_records(source, pmids, ledger)
    schemas.write(schemas.Records, records, args.out)
    ledger.write(args.ledger)


def from_entrez(args: argparse.Namespace, pmids: list[int], ledger: Ledger) -> pl.DataFrame:
    """Fetch the records that the cache lacks, then read all from the cache."""
    from acrflow.evidence import entrez
    from acrflow.evidence.cache import Cache
    from acrflow.evidence.sources import EntrezSource, collect_records
    from acrflow.polite import PoliteClient

    if args.cache is None:
        raise InputError("--cache", "entrez needs a folder to keep records in", "give one, for instance cache/pubmed")
    key = os.environ.get(entrez.KEY, "").strip() or None
    cache = Cache(args.cache, args.refresh_days)
    print(entrez.DISCLAIMER)
    if len(set(pmids)) > 100 * entrez.BATCH:
        print(entrez.OFF_PEAK)
    client = PoliteClient(entrez.pause(key), timeout=args.timeout, attempts=args.attempts, backoff=args.backoff)
    with client:
        source = EntrezSource(entrez.Entrez(args.url, args.email, key, cache, client), cache)
        records = collect_records(source, pmids, ledger)
    ledger.facts |= {"fetched": source.fetched, "damaged_cache_files": len(cache.damaged)}
    return records


if __name__ == "__main__":
    run(main)

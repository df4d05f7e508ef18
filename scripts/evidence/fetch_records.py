"""Get the PubMed record of every cited PMID, from Entrez or from a folder of EFetch XML.

NCBI's API key, if you have one, is read from the environment variable NCBI_API_KEY and allows 10 requests a second
in place of 3. Programs that share a cache wait for each other. What has arrived is kept: a killed run continues.
"""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING

from acrflow.evidence.access import add_options, open_source
from acrflow.io.errors import run

if TYPE_CHECKING:
    from acrflow.io.ledger import Ledger


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--pmids", type=Path, required=True, help="pmids.parquet, or a text file with a PMID per line")
    add_options(parser)
    parser.add_argument("--out", type=Path, required=True, help="records.parquet to write")
    parser.add_argument("--ledger", type=Path, required=True, help="ledger to write (JSON)")
    args = parser.parse_args()

    from acrflow import schemas
    from acrflow.evidence.sources import EntrezSource, collect_records
    from acrflow.io.ledger import Ledger
    from acrflow.schemas.evidence import Records

    ledger = Ledger("fetch_records", "PMIDs")
    ledger.facts["source"] = args.source if args.source in ("entrez", "none") else "snapshot"
    with open_source(args) as source:
        records = collect_records(source, read_pmids(args.pmids, ledger), ledger)
        if isinstance(source, EntrezSource):
            ledger.facts |= {"fetched": source.fetched, "damaged_cache_files": source.damaged}
    schemas.write(Records, records, args.out)
    ledger.write(args.ledger)


def read_pmids(path: Path, ledger: Ledger) -> list[int]:
    """The PMIDs of a table or a text file; lines that are none are left out and named."""
    from acrflow import schemas
    from acrflow.io.errors import InputError
    from acrflow.schemas.evidence import Pmids
    from acrflow.text.citations import pmid_of

    if path.suffix == ".parquet":
        return schemas.read(Pmids, path)["pmid"].drop_nulls().to_list()
    try:
        lines = [line.strip() for line in path.read_text(encoding="utf-8").splitlines()]
    except (OSError, UnicodeDecodeError) as error:
        raise InputError(path, f"no list of PMIDs: {error}", "give pmids.parquet, or one PMID per line") from None
    pmids = []
    for line in filter(None, lines):
        pmid = pmid_of(line)
        if pmid:
            pmids.append(pmid)
        else:
            ledger.leave_out("not a PMID", line)
            ledger.taken += 1
    return pmids


if __name__ == "__main__":
    run(main)

"""List every reference that the guidelines cite, with its PMID or why it has none.

References without a usable PMID in the appendix are looked up by their citation, where the records come from: by
journal, year, volume and page, else by the title. Only a unique match that agrees with the citation is taken.
"""

import argparse
from pathlib import Path

from acrflow.evidence.access import add_options, open_source
from acrflow.io.errors import run


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--guidelines", type=Path, nargs="*", required=True, help="parsed topics, guidelines/*.json")
    add_options(parser)
    parser.add_argument("--out", type=Path, required=True, help="pmids.parquet to write")
    parser.add_argument("--ledger", type=Path, required=True, help="ledger to write (JSON)")
    args = parser.parse_args()

    from acrflow import schemas
    from acrflow.evidence.references import list_references
    from acrflow.guideline.model import read_guideline
    from acrflow.io.ledger import Ledger
    from acrflow.schemas.evidence import Pmids

    ledger = Ledger("list_references", "references")
    with open_source(args) as source:
        pmids = list_references((read_guideline(path) for path in args.guidelines), ledger, source.search)
    schemas.write(Pmids, pmids, args.out)
    ledger.write(args.ledger)


if __name__ == "__main__":
    run(main)

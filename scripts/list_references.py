"""List every reference that the guidelines cite, with its PMID or why it has none."""

import argparse
from pathlib import Path

from acrflow.errors import run


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--guidelines", type=Path, nargs="+", required=True, help="parsed topics, guidelines/*.json")
    parser.add_argument("--out", type=Path, required=True, help="pmids.parquet to write")
    parser.add_argument("--ledger", type=Path, required=True, help="ledger to write (JSON)")
    args = parser.parse_args()

    from acrflow import schemas
    from acrflow.evidence.references import list_references
    from acrflow.guideline.model import read_guideline
    from acrflow.ledger import Ledger

    ledger = Ledger("list_references", "references")
    pmids = list_references((read_guideline(path) for path in args.guidelines), ledger)
    schemas.write(schemas.Pmids, pmids, args.out)
    ledger.write(args.ledger)


if __name__ == "__main__":
    run(main)

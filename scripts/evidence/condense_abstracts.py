"""Condense PubMed abstracts to the sections and sentences that carry their findings."""

import argparse
from pathlib import Path

from acrflow.io.errors import run


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--records", type=Path, required=True, help="records.parquet")
    parser.add_argument(
        "--unstructured",
        choices=["findings", "whole"],
        default="findings",
        help="abstracts without sections: keep the sentences with findings (default), or the whole text",
    )
    parser.add_argument("--out", type=Path, required=True, help="condensed.parquet to write")
    parser.add_argument("--ledger", type=Path, required=True, help="ledger to write (JSON)")
    args = parser.parse_args()

    from acrflow import schemas
    from acrflow.evidence.condense import condense
    from acrflow.io.ledger import Ledger
    from acrflow.schemas.evidence import Condensed, Records

    ledger = Ledger("condense_abstracts", "studies")
    condensed = condense(schemas.read(Records, args.records), args.unstructured, ledger)
    schemas.write(Condensed, condensed, args.out)
    ledger.write(args.ledger)
    before, after = condensed["words_before"].sum(), condensed["words_after"].sum()
    print(f"{after} of {before} words kept")


if __name__ == "__main__":
    run(main)

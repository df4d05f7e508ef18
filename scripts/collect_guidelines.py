"""Collect the parsed topics in one table: one row per condition x variant x procedure."""

import argparse
from pathlib import Path

from acrflow.errors import run


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--guidelines", type=Path, nargs="+", required=True, help="parsed topics (JSON)")
    parser.add_argument("--out", type=Path, required=True, help="guidelines.parquet")
    parser.add_argument("--ledger", type=Path, required=True, help="what was left out and why (JSON)")
    args = parser.parse_args()

    from acrflow import schemas
    from acrflow.guideline.collect import collect
    from acrflow.guideline.model import read_guideline
    from acrflow.ledger import Ledger

    ledger = Ledger("collect_guidelines", "rows")
    table = collect([read_guideline(path) for path in args.guidelines], ledger)
    schemas.write(schemas.Guidelines, table, args.out)
    ledger.write(args.ledger)


if __name__ == "__main__":
    run(main)

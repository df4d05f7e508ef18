"""Collect the parsed topics: one row per condition x variant x procedure, and one per study of an evidence table."""

import argparse
from pathlib import Path

from acrflow.io.errors import run


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--guidelines", type=Path, nargs="+", required=True, help="parsed topics (JSON)")
    parser.add_argument("--qa", type=Path, nargs="+", required=True, help="the topics' quality reports (JSON)")
    parser.add_argument("--left-out", nargs="*", default=[], metavar="TOPIC", help="left out by topics.leave_out")
    parser.add_argument("--out", type=Path, required=True, help="guidelines.parquet")
    parser.add_argument("--studies", type=Path, required=True, help="studies.parquet: the evidence tables")
    parser.add_argument("--ledger", type=Path, required=True, help="what was left out and why (JSON)")
    args = parser.parse_args()

    from acrflow import schemas
    from acrflow.guideline.collect import collect, quality, studies
    from acrflow.guideline.model import read_guideline
    from acrflow.io.files import read_json
    from acrflow.io.ledger import Ledger
    from acrflow.schemas.guideline import Guidelines, Studies

    ledger = Ledger("collect_guidelines", "rows")
    guidelines = [read_guideline(path) for path in args.guidelines]
    table = collect(guidelines, ledger)
    ledger.facts["documents"] = quality([read_json(path) for path in args.qa])
    ledger.facts["topics_left_out"] = args.left_out
    schemas.write(Guidelines, table, args.out)
    schemas.write(Studies, studies(guidelines), args.studies)
    ledger.write(args.ledger)


if __name__ == "__main__":
    run(main)

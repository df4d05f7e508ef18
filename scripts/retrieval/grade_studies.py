"""Grade studies by their records: 1 is best, 4 weakest; "Good" and "Inadequate" are grades of meta-analyses."""

import argparse
from pathlib import Path

from acrflow.io.errors import run


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--records", type=Path, required=True, help="records.parquet")
    parser.add_argument("--grader", type=Path, required=True, help="folder that train_grader.py wrote")
    parser.add_argument("--sjr", type=Path, help="journal ranks, if the grader was trained with them")
    parser.add_argument("--out", type=Path, required=True, help="grades.parquet to write")
    parser.add_argument("--ledger", type=Path, required=True, help="ledger to write (JSON)")
    args = parser.parse_args()

    from acrflow import schemas
    from acrflow.io.ledger import Ledger
    from acrflow.retrieval.features import read_sjr
    from acrflow.retrieval.grader_file import read_grader
    from acrflow.retrieval.grades import grade_records
    from acrflow.schemas.evidence import Records
    from acrflow.schemas.retrieval import Grades

    ledger = Ledger("grade_studies", "records")
    grader = read_grader(args.grader, args.sjr is not None)
    records = schemas.read(Records, args.records)
    grades = grade_records(records, grader, read_sjr(args.sjr) if args.sjr else None, ledger)
    schemas.write(Grades, grades, args.out)
    ledger.write(args.ledger)


if __name__ == "__main__":
    run(main)

"""Train the model that grades studies, on the study quality of the guidelines' own evidence tables.

The folder holds the forest (skops, no pickle) and grader.json: nested cross-validation over topics, beside publication
types alone, permutation importance and calibration.
"""

import argparse
from pathlib import Path

from acrflow.io.errors import InputError, run


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--pmids", type=Path, required=True, help="pmids.parquet: cited studies with their quality")
    parser.add_argument("--records", type=Path, required=True, help="records.parquet of the same studies")
    parser.add_argument("--sjr", type=Path, help="journal ranks of scimagojr.com, CSV (default: none)")
    parser.add_argument("--seed", type=int, required=True, help="seed of forests and folds")
    parser.add_argument("--out", type=Path, required=True, help="folder to write")
    parser.add_argument("--ledger", type=Path, required=True, help="ledger to write (JSON)")
    args = parser.parse_args()

    from acrflow import schemas
    from acrflow.io.ledger import Ledger
    from acrflow.retrieval.features import features, read_sjr
    from acrflow.retrieval.grader_file import write_grader
    from acrflow.retrieval.quality import evaluate, fit, labelled
    from acrflow.schemas.evidence import Pmids, Records

    ranks = read_sjr(args.sjr) if args.sjr else None
    ledger = Ledger("train_grader", "graded references")
    studies = labelled(schemas.read(Pmids, args.pmids), schemas.read(Records, args.records), ledger)
    values = features(studies.iter_rows(named=True), ranks)
    grades, topics = studies["study_quality"].to_numpy(), studies["topic"].to_numpy()
    measured = evaluate(values, grades, topics, args.seed)
    try:
        grader = fit(values, grades, topics, args.seed)
    except InputError as error:  # the studies found are then assigned without grades
        grader, measured["reason"] = None, error.what
        print(f"No grader: {error.what}. Remedy: {error.remedy}")
    ledger.facts = {"sjr": ranks is not None, "evaluation": measured}
    write_grader(args.out, grader, ledger.facts)
    ledger.write(args.ledger)
    for name in ("publication_type_alone", "model"):
        if figures := measured.get(name):
            shown = {key: (figures[key] or {}).get("value") for key in ("recall", "precision")}
            print(f"{name}: recall {shown['recall']}, precision {shown['precision']} of strong studies (grade 1 or 2)")


if __name__ == "__main__":
    run(main)

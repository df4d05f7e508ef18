"""Compare each adapter's answers with its own, with retrieved and without evidence, in pairs on the same rows."""

import argparse
from pathlib import Path

from acrflow.io.errors import run


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument(
        "--answers",
        nargs="*",
        default=[],
        metavar="MODEL:SPLIT:EVIDENCE:EXAMPLES",
        help="who answered what with which evidence (acr, retrieved, none) and from which examples; own evidence first",
    )
    parser.add_argument("--task", default="appropriateness", help="what is asked of a model (default: appropriateness)")
    parser.add_argument("--predictions", type=Path, required=True, help="folder with {model}/{split}.greedy.parquet")
    parser.add_argument("--others", type=Path, required=True, help="folder with {evidence}/ of the same kind")
    parser.add_argument("--rows", type=Path, nargs="+", required=True, help="the splits' rows, {split}.parquet")
    parser.add_argument("--examples", type=Path, required=True, help="folder with {examples}.{split}.parquet")
    parser.add_argument("--bootstrap", type=int, default=1000, help="bootstrap draws (default 1000)")
    parser.add_argument("--seed", type=int, default=3407, help="seed of the bootstrap (default 3407)")
    parser.add_argument("--out", type=Path, required=True, help="evidence.parquet to write")
    args = parser.parse_args()

    from acrflow import schemas, tasks
    from acrflow.evaluation import by_evidence, metrics
    from acrflow.schemas.dataset import examples_table, rows_table
    from acrflow.schemas.evaluation import EvidenceEffects

    task = tasks.load(args.task)
    rows = {path.stem: schemas.read(rows_table(task), path) for path in args.rows}
    answers: dict[tuple[str, str], dict[str, metrics.Tally]] = {}
    shown: dict[tuple[str, str], dict[str, int]] = {}
    for one in args.answers:
        model, split, evidence, name = one.split(":")
        group = answers.setdefault((model, split), {})
        folder = args.others / evidence if group else args.predictions
        path = folder / model / f"{split}.greedy.parquet"
        examples = schemas.read(examples_table(task), args.examples / f"{name}.{split}.parquet")
        predictions = metrics.read_predictions(path, model, split)
        group[evidence] = metrics.tally(predictions, rows[split], examples, path, task=task)
        shown.setdefault((model, split), {})[evidence] = int((examples["references"].list.len() > 0).sum())
    found = []
    for (model, split), group in answers.items():
        own = next(iter(group))
        found += by_evidence.effects(split, model, own, group, shown[model, split], args.bootstrap, args.seed)
    table = by_evidence.table(found)
    schemas.write(EvidenceEffects, table, args.out)
    for row in table.iter_rows(named=True):
        change = "" if row["own"] else f" ({100 * row['macro_f1_change']:+.1f})"
        print(
            f"{row['model']} on {row['split']} with evidence {row['evidence']}: macro F1 {row['macro_f1']:.3f}{change}"
        )


if __name__ == "__main__":
    run(main)

"""Compare each adapter's answers with its own, with retrieved and without evidence, in pairs on the same rows."""

import argparse
from itertools import product
from pathlib import Path

from acrflow.io.errors import run


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--roster", type=Path, required=True, help="roster.json: the adapters and their own evidence")
    parser.add_argument("--evidence", nargs="*", default=[], help="other evidence: acr, retrieved, none")
    parser.add_argument("--task", default="appropriateness", help="what is asked of a model (default: appropriateness)")
    parser.add_argument("--predictions", type=Path, required=True, help="folder with {model}/{split}.greedy.parquet")
    parser.add_argument("--others", type=Path, required=True, help="folder with {evidence}/ of the same kind")
    parser.add_argument("--rows", type=Path, nargs="+", required=True, help="the splits' rows, {split}.parquet")
    parser.add_argument("--examples", type=Path, required=True, help="folder with {examples}.{split}.parquet")
    parser.add_argument(
        "--published", action="append", default=[], metavar="MODEL=NAME", help="a model that is a system of the paper"
    )
    parser.add_argument("--bootstrap", type=int, default=1000, help="bootstrap draws (default 1000)")
    parser.add_argument("--seed", type=int, default=3407, help="seed of the bootstrap (default 3407)")
    parser.add_argument("--out", type=Path, required=True, help="evidence.parquet to write")
    args = parser.parse_args()

    from acrflow import schemas, tasks
    from acrflow.config.roster import read_roster
    from acrflow.evaluation import by_evidence, metrics
    from acrflow.schemas.dataset import examples_table, rows_table
    from acrflow.schemas.evaluation import EvidenceEffects

    task = tasks.load(args.task)
    rows = {path.stem: schemas.read(rows_table(task), path) for path in args.rows}
    answers: dict[tuple[str, str], dict[str, metrics.Tally]] = {}
    shown: dict[tuple[str, str], dict[str, int]] = {}
    readers = [model for model in read_roster(args.roster).of("adapter") if model.evidence != "none"]
    for model, split in product(readers, rows):
        group = answers.setdefault((model.name, split), {})
        for evidence in dict.fromkeys([model.evidence, *args.evidence]):  # its own first
            folder = args.others / evidence if group else args.predictions
            path, shown_as = folder / model.name / f"{split}.greedy.parquet", model.examples_with(evidence)
            examples = schemas.read(examples_table(task), args.examples / f"{shown_as}.{split}.parquet")
            predictions = metrics.read_predictions(path, model.name, split)
            group[evidence] = metrics.tally(predictions, rows[split], examples, path, task=task)
            shown.setdefault((model.name, split), {})[evidence] = int((examples["references"].list.len() > 0).sum())
    found, names = [], dict(one.split("=") for one in args.published)
    for (name, split), group in answers.items():
        own = next(iter(group))
        found += by_evidence.effects(
            split, name, own, group, shown[name, split], args.bootstrap, args.seed, names.get(name)
        )
    table = by_evidence.table(found)
    schemas.write(EvidenceEffects, table, args.out)
    for row in table.iter_rows(named=True):
        change = "" if row["own"] else f" ({100 * row['macro_f1_change']:+.1f})"
        print(
            f"{row['model']} on {row['split']} with evidence {row['evidence']}: macro F1 {row['macro_f1']:.3f}{change}"
        )


if __name__ == "__main__":
    run(main)

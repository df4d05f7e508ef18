"""Compare all models on all splits: one long table, tables for readers, and McNemar's test for every pair."""

import argparse
from pathlib import Path

from acrflow.errors import run


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--metrics", type=Path, nargs="+", required=True, help="metrics.json of every model and split")
    parser.add_argument(
        "--predictions", type=Path, nargs="+", required=True, help="the predictions they were made from"
    )
    parser.add_argument("--rows", type=Path, nargs="+", required=True, help="the splits' rows, with the panel's labels")
    parser.add_argument("--other-task", action="store_true", help="say that the paper's figures are another task's")
    parser.add_argument("--out", type=Path, required=True, help="comparison.parquet")
    parser.add_argument("--tables", type=Path, required=True, help="folder for {split}.csv, {split}.md, mcnemar.csv")
    args = parser.parse_args()

    from acrflow import schemas
    from acrflow.evaluation import compare
    from acrflow.files import read_json, whole, write_text

    measured = [read_json(path) for path in args.metrics]
    compare.check(measured, "--metrics")
    predictions = [(path, schemas.read(schemas.Predictions, path)) for path in args.predictions]
    rows = [schemas.read(schemas.Rows, path) for path in args.rows]
    pairs = compare.mcnemar(compare.answers(predictions, rows, measured))
    compared = compare.comparison(measured)

    for split in compared["split"].unique(maintain_order=True):
        table = compare.wide(compared, split)
        with whole(args.tables / f"{split}.csv") as temporary:
            table.write_csv(temporary)
        write_text(args.tables / f"{split}.md", compare.markdown(table, split, same_task=not args.other_task))
    with whole(args.tables / "mcnemar.csv") as temporary:
        pairs.write_csv(temporary)
    schemas.write(schemas.Comparison, compared, args.out)

    models, splits = compared["model"].n_unique(), compared["split"].n_unique()
    told_apart = (pairs["p_holm"] < 0.05).sum()
    print(f"{models} models on {splits} splits; {told_apart} of {pairs.height} pairs differ (McNemar, Holm, p < 0.05)")


if __name__ == "__main__":
    run(main)

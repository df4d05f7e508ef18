"""Train the baselines: predict the splits with them, and say how each does on every way of splitting."""

import argparse
from pathlib import Path

from acrflow.io.errors import run


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--baselines", nargs="+", required=True, metavar="NAME", help="majority, tfidf_logreg, ...")
    parser.add_argument("--task", default="appropriateness", help="what is asked of a model (default: appropriateness)")
    parser.add_argument("--train", type=Path, required=True, help="train.parquet")
    parser.add_argument("--rows", type=Path, nargs="+", required=True, help="the other splits, {split}.parquet")
    parser.add_argument("--embedder", required=True, help="sentence embedder: hub name, folder, or `bundled`")
    parser.add_argument("--device", default="auto", help="auto, cpu or cuda (default: auto)")
    parser.add_argument("--test-share", type=float, default=0.3, help="share of the units that test (default: 0.3)")
    parser.add_argument("--bootstrap", type=int, default=1000, help="bootstrap draws of an interval (default: 1000)")
    parser.add_argument("--seed", type=int, required=True, help="seed of splits, solvers and bootstrap")
    parser.add_argument("--generalization", nargs="*", default=[], metavar="TOPIC", help="topics held out whole")
    parser.add_argument("--out", type=Path, required=True, help="folder for {baseline}/{split}.greedy.parquet")
    parser.add_argument("--splits", type=Path, required=True, help="figures on every way of splitting (Parquet)")
    parser.add_argument("--ledger", type=Path, required=True, help="JSON: ways of splitting that were not possible")
    args = parser.parse_args()

    import polars as pl

    from acrflow import schemas, tasks
    from acrflow.evaluation import baselines
    from acrflow.io.ledger import Ledger
    from acrflow.schemas.dataset import rows_table
    from acrflow.schemas.evaluation import SplitFigures
    from acrflow.schemas.inference import Predictions

    for name in args.baselines:
        baselines.classifier(name, args.seed)  # a wrong name is refused before any is trained
    embedder = None
    if any(baselines.needs_embedder(name) for name in args.baselines):
        from acrflow.models.embedder import Embedder

        embedder = Embedder(args.embedder, args.device)
    task = tasks.load(args.task)
    train = schemas.read(rows_table(task), args.train)
    rows = {path.stem: schemas.read(rows_table(task), path) for path in args.rows}
    for name in args.baselines:
        for part, predictions in baselines.predict(name, train, rows, args.seed, embedder, task).items():
            schemas.write(Predictions, predictions, args.out / name / f"{part}.greedy.parquet")
    ledger = Ledger("run_baselines", "ways of splitting")
    whole = pl.concat([train, *rows.values()])
    figures = baselines.over_splits(
        whole, args.baselines, args.test_share, args.seed, args.generalization, embedder, args.bootstrap, ledger, task
    )
    schemas.write(SplitFigures, figures, args.splits)
    ledger.write(args.ledger)
    for (kind, part), table in figures.filter(metric="macro_f1").group_by("split_by", "split", maintain_order=True):
        told = ", ".join(f"{row['model']} {row['value']:.3f}" for row in table.iter_rows(named=True))
        print(f"split by {kind}, {part}: macro F1 {told}")


if __name__ == "__main__":
    run(main)

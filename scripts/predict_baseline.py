"""Train a cheap baseline on the training rows and predict a split with it."""

import argparse
from pathlib import Path

from acrflow.errors import run


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument(
        "--baseline",
        choices=["majority", "tfidf_logreg"],
        required=True,
        help="the most frequent label, or TF-IDF with logistic regression on condition, variant and procedure",
    )
    parser.add_argument("--train", type=Path, required=True, help="train.parquet")
    parser.add_argument("--rows", type=Path, required=True, help="rows to predict, for instance test.parquet")
    parser.add_argument("--split", required=True, help="name of the split that the rows are")
    parser.add_argument("--seed", type=int, required=True, help="seed of the solver")
    parser.add_argument("--out", type=Path, required=True, help="predictions, written as Parquet")
    args = parser.parse_args()

    from acrflow import schemas
    from acrflow.dataset.baselines import predict

    train, rows = schemas.read(schemas.Rows, args.train), schemas.read(schemas.Rows, args.rows)
    predictions = predict(args.baseline, train, rows, args.split, args.seed)
    schemas.write(schemas.Predictions, predictions, args.out)
    right = (predictions["label"] == rows["appropriateness"]).sum()
    print(f"{args.baseline}: {right} of {len(rows)} {args.split} rows right")


if __name__ == "__main__":
    run(main)

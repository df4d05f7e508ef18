"""Measure one model's predictions on one split; answers that do not parse count as wrong."""

import argparse
from pathlib import Path

from acrflow.errors import InputError, run


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--predictions", type=Path, required=True, help="predictions.parquet of the model on the split")
    parser.add_argument("--rows", type=Path, required=True, help="the split's rows, with the panel's labels")
    parser.add_argument("--examples", type=Path, help="rendered prompts; rows whose prompt was too long count as wrong")
    parser.add_argument("--model", required=True, help="name of the model, as in the predictions")
    parser.add_argument("--split", required=True, help="name of the split, as in the predictions")
    parser.add_argument("--kind", choices=["adapter", "base", "cheap baseline"], required=True)
    parser.add_argument("--bootstrap", type=int, default=1000, help="bootstrap draws (default 1000)")
    parser.add_argument("--seed", type=int, default=3407, help="seed of the bootstrap (default 3407)")
    parser.add_argument("--out", type=Path, required=True, help="metrics.json")
    args = parser.parse_args()

    from acrflow import schemas
    from acrflow.evaluation.metrics import measure
    from acrflow.files import write_json

    predictions = schemas.read(schemas.Predictions, args.predictions)
    rows = schemas.read(schemas.Rows, args.rows)
    examples = schemas.read(schemas.Examples, args.examples) if args.examples else None
    for column, expected in (("model", args.model), ("split", args.split)):
        found = set(predictions[column]) - {expected}
        if found:
            what = f"column {column} holds {', '.join(sorted(found))}, not {expected}"
            raise InputError(args.predictions, what, f"give --{column} and --predictions of the same thing")

    measured = measure(predictions, rows, examples, args.predictions, args.bootstrap, args.seed)
    who = {"model": args.model, "kind": args.kind, "split": args.split, "draw": next(iter(predictions["draw"]), None)}
    write_json(args.out, {**who, **measured})
    shown = measured["figures"]
    if measured["rows"]:
        print(
            f"{args.model} on {args.split}: {measured['rows']} rows, macro F1 {shown['macro_f1']['value']:.3f}, "
            f"weighted F1 {shown['weighted_f1']['value']:.3f}, {shown['unparsed']['value']:.1%} unparsed"
        )
    else:
        print(f"{args.model} on {args.split}: no rows")


if __name__ == "__main__":
    run(main)

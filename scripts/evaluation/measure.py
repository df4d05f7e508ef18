"""Measure all models on all splits, and the panel itself; answers that do not parse count as wrong."""

import argparse
from pathlib import Path

from acrflow.io.errors import run


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--roster", type=Path, required=True, help="roster.json: the models, their kinds and examples")
    parser.add_argument("--task", default="appropriateness", help="what is asked of a model (default: appropriateness)")
    parser.add_argument("--predictions", type=Path, required=True, help="folder with {model}/{split}.{draw}.parquet")
    parser.add_argument("--samples", type=int, default=0, help="sampled runs of each adapter and the base (default 0)")
    parser.add_argument("--rows", type=Path, nargs="+", required=True, help="the splits' rows, {split}.parquet")
    parser.add_argument(
        "--examples",
        type=Path,
        required=True,
        help="folder with {examples}.{split}.parquet; rows without: wrong",
    )
    parser.add_argument("--reasoning", type=Path, help="reasoning scores of the models that reason")
    parser.add_argument("--bootstrap", type=int, default=1000, help="bootstrap draws (default 1000)")
    parser.add_argument("--seed", type=int, default=3407, help="seed of the bootstrap (default 3407)")
    parser.add_argument("--out", type=Path, required=True, help="folder for {model}.{split}.json")
    args = parser.parse_args()

    from acrflow import schemas, tasks
    from acrflow.config.roster import GENERATING, read_roster
    from acrflow.evaluation import metrics
    from acrflow.io.files import write_json
    from acrflow.schemas.dataset import examples_table, rows_table
    from acrflow.schemas.evaluation import ReasoningScores

    task, roster = tasks.load(args.task), read_roster(args.roster)
    scores = schemas.read(ReasoningScores, args.reasoning) if args.reasoning else None
    results = {}
    for path in args.rows:
        rows, split = schemas.read(rows_table(task), path), path.stem
        for model in roster.models:
            who = {"model": model.name, "kind": model.kind, "split": split}
            if model.kind == "ceiling":
                figures = metrics.measure(metrics.panel(rows, task), args.bootstrap, args.seed)
                results[f"{model.name}.{split}.json"] = {**who, "not_asked": 0, "generation": None, **figures}
                continue
            draws = ["greedy"]
            if model.kind in GENERATING:
                draws += [str(seed) for seed in range(1, args.samples + 1)]
            files = [args.predictions / model.name / f"{split}.{draw}.parquet" for draw in draws]
            runs = [metrics.read_predictions(file, model.name, split) for file in files]
            shown = args.examples / f"{model.examples}.{split}.parquet"
            examples = schemas.read(examples_table(task), shown) if model.examples else None
            own = None if scores is None else scores.filter(model=model.name, split=split)
            tallies = [
                metrics.tally(predictions, rows, examples, file, own if number == 0 else None, task)
                for number, (file, predictions) in enumerate(zip(files, runs, strict=True))
            ]
            results[f"{model.name}.{split}.json"] = {
                **who,
                "not_asked": rows.height - runs[0].height,
                "generation": {name: float(runs[0][name].sum()) for name in ("tokens", "seconds", "truncated")},
                **metrics.measure(tallies[0], args.bootstrap, args.seed, tallies[1:]),
            }
    for name, result in results.items():
        write_json(args.out / name, result)
        if result["rows"]:
            macro, weighted, unparsed = (
                result["figures"][metric]["value"] for metric in ("macro_f1", "weighted_f1", "unparsed")
            )
            print(
                f"{name}: {result['rows']} rows, F1 macro {macro:.3f}, weighted {weighted:.3f}, {unparsed:.1%} unparsed"
            )
        else:
            print(f"{name}: no rows")


if __name__ == "__main__":
    run(main)

"""Compare all models on all splits: one long table, every pair's tests, and tables for readers like the paper's."""

import argparse
from pathlib import Path

from acrflow.io.errors import run


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--metrics", type=Path, nargs="+", required=True, help="metrics.json of every model and split")
    parser.add_argument(
        "--predictions", type=Path, nargs="+", required=True, help="the predictions they were made from"
    )
    parser.add_argument("--rows", type=Path, nargs="+", required=True, help="the splits' rows, with the panel's labels")
    parser.add_argument("--roster", type=Path, required=True, help="roster.json: which adapters are seeds of one")
    parser.add_argument("--trainings", type=Path, nargs="*", default=[], help="training/{adapter}, with the logs")
    parser.add_argument("--task", default="appropriateness", help="what is asked of a model (default: appropriateness)")
    parser.add_argument("--effects", type=Path, help="evidence.parquet: answers with other evidence")
    parser.add_argument(
        "--published", action="append", default=[], metavar="MODEL=NAME", help="a model that is a system of the paper"
    )
    parser.add_argument("--bootstrap", type=int, default=1000, help="bootstrap draws (default 1000)")
    parser.add_argument("--seed", type=int, default=3407, help="seed of the bootstrap (default 3407)")
    parser.add_argument("--out", type=Path, required=True, help="comparison.parquet")
    parser.add_argument("--pairs", type=Path, required=True, help="pairs.parquet")
    parser.add_argument("--tables", type=Path, required=True, help="folder for the tables as CSV, Markdown and LaTeX")
    args = parser.parse_args()

    from acrflow import schemas, tasks
    from acrflow.config.roster import read_roster
    from acrflow.evaluation import compare, published
    from acrflow.io.files import read_json, whole, write_text
    from acrflow.report import tables
    from acrflow.report.by_evidence import for_readers
    from acrflow.schemas.dataset import rows_table
    from acrflow.schemas.evaluation import Comparison, EvidenceEffects, Pairs
    from acrflow.schemas.inference import Predictions
    from acrflow.schemas.training import TrainingLog

    task = tasks.load(args.task)
    measured = [read_json(path) for path in args.metrics]
    compare.check(measured, "--metrics")
    predictions = [(path, schemas.read(Predictions, path)) for path in args.predictions]
    rows = [schemas.read(rows_table(task), path) for path in args.rows]
    logs = {one.name: schemas.read(TrainingLog, one / "training_log.parquet") for one in args.trainings}
    families = {one.name: one.adapter or one.name for one in read_roster(args.roster).of("adapter")}
    pairs = compare.pairs(compare.tallies(predictions, rows, measured, task), args.bootstrap, args.seed)
    names = dict(one.split("=") for one in args.published)
    compared = compare.comparison(measured, compare.relative_times(logs), names, families)

    how = tables.metrics_of(task)
    splits = compared["split"].unique(maintain_order=True).to_list()
    wanted = [
        ("performance", "test", tables.PERFORMANCE, "Predictive performance"),
        ("reasoning", "test", (*tables.REASONING, *tables.COST), "Reasoning and cost"),
        ("generalization", "generalization", tables.PERFORMANCE, "Topics that no adapter was trained on"),
    ]
    wanted += [(f"all.{split}", split, tuple(how), f"All figures on {split}") for split in splits]
    for name, split, metrics, caption in wanted:
        if split not in splits:
            continue
        frame = tables.wide(compared, split, metrics)
        attached = names.values() if task.name == published.TASK else None  # the paper asks nothing else
        table = tables.for_readers(frame, caption, split, attached, how)
        with whole(args.tables / f"{name}.csv") as temporary:
            frame.write_csv(temporary)
        write_text(args.tables / f"{name}.md", tables.markdown(table))
        write_text(args.tables / f"{name}.tex", tables.latex(table))
    effects = schemas.read(EvidenceEffects, args.effects) if args.effects else None
    if effects is not None and not effects.is_empty():
        for split in effects["split"].unique(maintain_order=True):
            table = for_readers(effects, split)
            write_text(args.tables / f"evidence.{split}.md", tables.markdown(table))
            write_text(args.tables / f"evidence.{split}.tex", tables.latex(table))
        with whole(args.tables / "evidence.csv") as temporary:
            effects.write_csv(temporary)
    with whole(args.tables / "pairs.csv") as temporary:
        pairs.write_csv(temporary)
    schemas.write(Pairs, pairs, args.pairs)
    schemas.write(Comparison, compared, args.out)

    differ = (pairs["p_holm"] < 0.05).sum()
    print(
        f"{compared['model'].n_unique()} models on {len(splits)} splits; {differ} of {pairs.height} pairs differ (Holm)"
    )


if __name__ == "__main__":
    run(main)

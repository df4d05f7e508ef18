"""Write the dataset's card with its charts, and its description for machines (Croissant)."""

import argparse
import json
from pathlib import Path

from acrflow.io.errors import run


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--name", required=True, help="name of the run")
    parser.add_argument("--task", default="appropriateness", help="what is asked of a model (default: appropriateness)")
    parser.add_argument("--rows", type=Path, nargs="+", required=True, help="the splits, {split}.parquet")
    parser.add_argument("--examples", type=Path, nargs="+", required=True, help="{prompt}.{split}.parquet")
    parser.add_argument("--leaks", type=Path, required=True, help="leaks.json")
    parser.add_argument("--ledgers", type=Path, nargs="+", required=True, help="ledgers, in the order of the steps")
    parser.add_argument("--baselines", type=Path, required=True, help="the baselines' figures, splits.parquet")
    parser.add_argument("--settings", default="{}", help="JSON: what the dataset was made with, for the reader")
    parser.add_argument(
        "--sources", type=Path, nargs="+", required=True, help="files, or folders of files, that it was made from"
    )
    parser.add_argument("--figures", type=Path, required=True, help="folder of the charts (SVG), beside the card")
    parser.add_argument("--croissant", type=Path, required=True, help="croissant.json, in the folder of the splits")
    parser.add_argument("--out", type=Path, required=True, help="card.md")
    args = parser.parse_args()

    from acrflow import schemas, tasks
    from acrflow.io.files import read_json, whole, write_json, write_text
    from acrflow.report import dataset_card
    from acrflow.schemas.dataset import examples_table, rows_table
    from acrflow.schemas.evaluation import SplitFigures

    task = tasks.load(args.task)
    facts = dataset_card.Facts(
        splits={path.stem: schemas.read(rows_table(task), path) for path in args.rows},
        examples={path.stem.replace(".", ", "): schemas.read(examples_table(task), path) for path in args.examples},
        leaks=read_json(args.leaks),
        ledgers=[read_json(path) for path in args.ledgers],
        baselines=schemas.read(SplitFigures, args.baselines),
        settings=json.loads(args.settings),
        sources=[file for source in args.sources for file in (_files(source) if source.is_dir() else [source])],
        task=task,
    )
    for name, chart in dataset_card.charts(facts).items():
        with whole(args.figures / f"{name}.svg") as path:
            chart.save(str(path), format="svg")
    files = {path.stem: path for path in args.rows}
    write_json(args.croissant, dataset_card.croissant(args.name, files, schemas.polars_schema(rows_table(task))))
    write_text(args.out, dataset_card.write_card(facts))
    print(f"{args.out}: {sum(map(len, facts.splits.values()))} rows, {len(facts.sources)} sources")


def _files(folder: Path) -> list[Path]:
    return sorted(path for path in folder.rglob("*") if path.is_file())


if __name__ == "__main__":
    run(main)

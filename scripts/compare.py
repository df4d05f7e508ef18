"""Compare two prediction files of the same rows: figures, paired differences, and the exact McNemar test."""

import argparse
from pathlib import Path

from acrflow.io.errors import run


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("a", type=Path, metavar="A", help="predictions.parquet")
    parser.add_argument("b", type=Path, metavar="B", help="predictions.parquet")
    parser.add_argument("--rows", type=Path, help="the split's rows (default: those of the run that A lies in)")
    parser.add_argument("--task", default="appropriateness", help="what is asked of a model (default: appropriateness)")
    parser.add_argument("--bootstrap", type=int, default=1000, help="bootstrap draws (default 1000)")
    parser.add_argument("--seed", type=int, default=3407, help="seed of the bootstrap (default 3407)")
    args = parser.parse_args()

    from rich import box
    from rich.console import Console
    from rich.table import Table

    from acrflow import schemas, tasks
    from acrflow.evaluation import compare
    from acrflow.report import tables
    from acrflow.schemas.dataset import rows_table
    from acrflow.schemas.inference import Predictions
    from acrflow.stats.bootstrap import limits

    task = tasks.load(args.task)
    rows = schemas.read(rows_table(task), compare.find_rows(args.a, args.rows))
    read = [(path, schemas.read(Predictions, path)) for path in (args.a, args.b)]
    answers = compare.two(read[0], read[1], rows, task)
    how = tables.metrics_of(task)
    values = {name: one.figures() for name, one in answers.items()}
    draws = {name: one.drawn(args.bootstrap, args.seed) for name, one in answers.items()}

    table = Table(box=box.SIMPLE_HEAD, title_justify="left")
    for heading in ("", "A", "B", "A - B", "95 % interval"):
        table.add_column(heading, justify="right" if heading else "left")
    for metric in [name for name in how if name in values["A"]]:
        a, b = float(values["A"][metric]), float(values["B"][metric])
        if a != a or b != b:  # not known for one of them
            continue
        span = "–"  # a single row has no interval
        if draws["A"]:
            low, high = limits(draws["A"][metric] - draws["B"][metric])
            span = f"{tables.written(metric, low, how)} to {tables.written(metric, high, how)}"
        cells = [tables.written(metric, one, how) for one in (a, b, a - b)]
        table.add_row(how[metric].heading, *cells, span)

    pair = compare.pairs({"": answers}, args.bootstrap, args.seed).row(0, named=True)
    both = read[0][1].join(read[1][1], on="id", suffix="_b")
    same_label, same_text = (both[name].eq_missing(both[f"{name}_b"]).sum() for name in ("label", "completion"))
    console = Console(highlight=False)
    for name, (path, one) in zip("AB", read, strict=True):
        whose = f"{', '.join(one['model'].unique())}, {', '.join(one['draw'].unique())}"
        console.print(f"{name}: {path} ({whose})", soft_wrap=True)
    console.print(table)
    console.print(
        f"{pair['rows']} rows, {rows.height - pair['rows']} of the split in neither file; "
        f"same label {same_label}, same text {same_text}."
    )
    console.print(
        f"Only A right {pair['only_a_right']}, only B right {pair['only_b_right']}: "
        f"exact McNemar p = {pair['p']:.3g}. Shares in percent, paired bootstrap over rows.",
        soft_wrap=True,
    )


if __name__ == "__main__":
    run(main)

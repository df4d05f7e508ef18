"""acrflow compare: two prediction files of the same rows."""

from pathlib import Path
from typing import Annotated

import typer

EXAMPLES = """\
Example (P is results/demo/predictions):
  acrflow compare P/sft/test.greedy.parquet P/tfidf_logreg/test.greedy.parquet
"""


def compare(
    a: Annotated[Path, typer.Argument(metavar="A", help="Predictions, a Parquet file.")],
    b: Annotated[Path, typer.Argument(metavar="B", help="Predictions, a Parquet file.")],
    rows: Annotated[
        Path | None, typer.Option(help="The split's rows; default: those of the run that A lies in.")
    ] = None,
    bootstrap: Annotated[int, typer.Option(help="Draws of the bootstrap.", min=1)] = 1000,
    seed: Annotated[int, typer.Option(help="Seed of the bootstrap.")] = 3407,
) -> None:
    """Compare two prediction files: figures, paired differences, the exact McNemar test."""
    from rich import box
    from rich.console import Console
    from rich.table import Table

    from acrflow import schemas
    from acrflow.evaluation import compare
    from acrflow.report import tables
    from acrflow.schemas.dataset import Rows
    from acrflow.schemas.inference import Predictions

    known = schemas.read(Rows, compare.find_rows(a, rows))
    read = [(path, schemas.read(Predictions, path)) for path in (a, b)]
    answers = compare.two(read[0], read[1], known)

    table = Table(box=box.SIMPLE_HEAD, title_justify="left")
    for heading in ("", "A", "B", "A - B", "95 % interval"):
        table.add_column(heading, justify="right" if heading else "left")
    found = compare.differences(answers, bootstrap, seed)
    for metric in [name for name in tables.METRICS if name in found]:
        first, second, low, high = found[metric]
        span = "–" if low is None else f"{tables.written(metric, low)} to {tables.written(metric, high)}"
        cells = [tables.written(metric, one) for one in (first, second, first - second)]
        table.add_row(tables.METRICS[metric].heading, *cells, span)

    pair = compare.pairs({"": answers}, bootstrap, seed).row(0, named=True)
    both = read[0][1].join(read[1][1], on="id", suffix="_b")
    same_label, same_text = (both[name].eq_missing(both[f"{name}_b"]).sum() for name in ("label", "completion"))
    console = Console(highlight=False)
    for name, (path, one) in zip("AB", read, strict=True):
        whose = f"{', '.join(one['model'].unique())}, {', '.join(one['draw'].unique())}"
        console.print(f"{name}: {path} ({whose})", soft_wrap=True)
    console.print(table)
    console.print(
        f"{pair['rows']} rows, {known.height - pair['rows']} of the split in neither file; "
        f"same label {same_label}, same text {same_text}."
    )
    console.print(
        f"Only A right {pair['only_a_right']}, only B right {pair['only_b_right']}: "
        f"exact McNemar p = {pair['p']:.3g}. Shares in percent, paired bootstrap over rows.",
        soft_wrap=True,
    )

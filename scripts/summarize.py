"""Print a run's main table to the terminal, and where its report is."""

import argparse
from pathlib import Path
from typing import Any

from acrflow.io.errors import InputError, run

COLUMNS = {"macro_f1": "Macro F1", "weighted_f1": "Weighted F1", "accuracy": "Accuracy", "unparsed": "Unparsed"}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--comparison", type=Path, required=True, help="comparison.parquet")
    parser.add_argument("--report", type=Path, required=True, help="the report's index.html")
    args = parser.parse_args()

    import polars as pl  # alone: checking the table again would cost a second, and compare.py checked it
    from rich import box
    from rich.console import Console
    from rich.table import Table

    if not args.comparison.is_file():
        raise InputError(args.comparison, "the comparison is missing", "build it with snakemake evaluation")
    compared = pl.read_parquet(args.comparison)
    console = Console(highlight=False)
    for (split, rows), table in compared.group_by("split", "rows", maintain_order=True):
        shown = Table(
            title=f"{split}, {rows} rows (percent, 95 % intervals)", box=box.SIMPLE_HEAD, title_justify="left"
        )
        shown.add_column("Model", no_wrap=True)
        for heading in COLUMNS.values():
            shown.add_column(heading, justify="right")
        last_kind = None
        for (model, kind), figures in table.group_by("model", "kind", maintain_order=True):
            if last_kind not in (None, kind):
                shown.add_section()
            last_kind = kind
            named = {figure["metric"]: figure for figure in figures.to_dicts()}
            shown.add_row(str(model), *(cell(named[metric]) for metric in COLUMNS))
        console.print(shown)
    console.print(f"Report: {args.report}", soft_wrap=True)


def cell(figure: dict[str, Any]) -> str:
    """A figure in percent with its interval, dimmed."""
    if figure["value"] is None:
        return "–"
    if figure["low"] is None:
        return f"{100 * figure['value']:.1f}"
    return f"{100 * figure['value']:.1f} [dim]{100 * figure['low']:.1f}–{100 * figure['high']:.1f}[/dim]"


if __name__ == "__main__":
    run(main)

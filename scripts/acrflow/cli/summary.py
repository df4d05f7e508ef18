"""acrflow summary: a run's main table on the terminal."""

from pathlib import Path
from typing import Annotated, Any

import typer

EXAMPLES = """\
Example:
  acrflow summary results/demo
"""
COLUMNS = {"macro_f1": "Macro F1", "weighted_f1": "Weighted F1", "accuracy": "Accuracy", "unparsed": "Unparsed"}


def summary(
    run: Annotated[Path, typer.Argument(metavar="RUN", help="Folder of a run, for instance results/demo.")],
) -> None:
    """Print a run's main table, and where its report is."""
    import polars as pl  # alone: checking the table again would cost a second, and the comparison was checked
    from rich import box
    from rich.console import Console
    from rich.table import Table

    from acrflow.io.errors import InputError

    remedy = (
        "name a run's folder, for instance results/demo; or build it: snakemake evaluation --profile PROFILE, with "
    )
    remedy += "the run's configuration"
    comparison = run / "metrics" / "comparison.parquet"
    if not comparison.is_file():
        raise InputError(comparison, "the comparison is missing", remedy)
    compared = pl.read_parquet(comparison)
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
    report = run / "report" / "index.html"
    console.print(f"Report: {report if report.is_file() else 'not built yet'}", soft_wrap=True)


def cell(figure: dict[str, Any]) -> str:
    """A figure in percent with its interval, dimmed."""
    if figure["value"] is None:
        return "–"
    if figure["low"] is None:
        return f"{100 * figure['value']:.1f}"
    return f"{100 * figure['value']:.1f} [dim]{100 * figure['low']:.1f}–{100 * figure['high']:.1f}[/dim]"
